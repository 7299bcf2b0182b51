"""A process of its own for one piece of work, and the folder that it shares with whoever looks.

The worker outlives the page, the kernel and the terminal that asked for it. It holds a lock on its
folder while it lives; its word is whole at every moment. Deploys and submitted jobs both go by it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from jupyter_mltrack.journal.progress import is_locked

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

WORD = "job.json"
LOCK = "lock"
_LOOKS = 50
_LOOK_PAUSE_S = 0.02
_LOOK_S, _QUICK_LOOK_S, _QUICK_LOOKS_S = 0.2, 0.02, 3.0  # what ends soon is seen at once
_Word = TypeVar("_Word", bound=msgspec.Struct)


def write(place: Path, word: msgspec.Struct) -> None:
    """Keep how the work stands; a reader sees the old or the new word, never half of one."""
    draft = place / f".job-{os.getpid()}-{threading.get_ident()}"  # threads tell of it at once
    draft.write_bytes(msgspec.json.encode(word))
    os.replace(draft, place / WORD)


def is_alive(place: Path) -> bool:
    """Say whether a worker of the folder lives."""
    return is_locked(place / LOCK)


def wait(
    look: Callable[[], _Word],
    has_ended: Callable[[_Word], bool],
    seen: Callable[[_Word], None] | None,
    limit_s: float,
) -> _Word:
    """How the work stands when it has ended, or when the time is over.

    Args:
        look: says how it stands now.
        has_ended: whether nothing more comes of it.
        seen: called with each new word.
        limit_s: how long to wait at most.
    """
    begun_s = time.monotonic()
    last: _Word | None = None
    while True:
        word = look()
        if seen is not None and word != last:
            seen(word)
        last = word
        waited_s = time.monotonic() - begun_s
        if has_ended(word) or waited_s > limit_s:
            return word
        time.sleep(_QUICK_LOOK_S if waited_s < _QUICK_LOOKS_S else _LOOK_S)


def start(
    module: str,
    place: Path,
    workspace: Workspace,
    *,
    word: msgspec.Struct | None,
    log: str,
    environment: Mapping[str, str] | None = None,
) -> bool:
    """Start the worker of a folder; returns False where one lives already.

    Args:
        module: run as `python -m MODULE FOLDER LOCK`, with the workspace as JSON on its stdin.
        place: the folder.
        workspace: with its account; it goes through the pipe and lies in no file.
        word: of new work; written when it is locked, so that nobody takes it for left behind.
        log: name of the file for what the worker says.
        environment: of the worker; this process's if None.

    Raises:
        OSError: no process could be made.
    """
    from jupyter_mltrack.workspaces.plain import PlainWorkspace

    lock = os.open(place / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        if not _taken(lock):
            return False
        if word is not None:
            write(place, word)
        with open(place / log, "ab") as said:
            process = subprocess.Popen(
                [sys.executable, "-m", module, str(place), str(lock)],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[lock],  # the lock goes over, so that it is held from the first moment on
                cwd="/",
                env=environment,
            )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(msgspec.json.encode(PlainWorkspace.of(workspace)))
    finally:
        os.close(lock)
    # the ended worker is taken away if this process still lives then
    threading.Thread(target=process.wait, name="mltrack-worker", daemon=True).start()
    return True


def _taken(lock: int) -> bool:
    """Take a lock; whoever looks holds it for a moment, a worker for good."""
    for _ in range(_LOOKS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOOK_PAUSE_S)
        else:
            return True
    return False
