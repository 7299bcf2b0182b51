"""How far a journal has been shipped: `ship.json`, its lock, and the index of ids.

`ship.json` is replaced whole after the store has what it speaks of, never before, so a process
killed in between ships the last piece again; stores take a repetition without harm. `durable`
lags behind `cursor`: it is what the store has on disk for sure, and where shipping starts over
after the machine itself went down (another boot id).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mltrack.settings import ensure_private_dir

Cursor = tuple[int, int]
START: Cursor = (1, 0)
STATE_FILE = "ship.json"
LOCK_FILE = "ship.lock"
_FORMAT = 1


@dataclass
class Progress:
    """What is known about a journal besides its records."""

    cursor: Cursor = START
    """Everything before it is in the store."""
    durable: Cursor = START
    """Everything before it survives a power cut of the store's machine."""
    boot_id: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    """Run id here -> run id in the store, where they differ."""
    creating: list[str] = field(default_factory=list)
    """Runs whose creation was begun and has no known outcome."""
    doubtful: list[str] = field(default_factory=list)
    """Runs that were created again: the first try may have made one too, later."""
    open: dict[str, int] = field(default_factory=dict)
    """Runs that began here and have not ended -> when they began (ms)."""
    shared: dict[str, int] = field(default_factory=dict)
    """Runs that a worker began for another process -> that process's id: it ends them."""
    automatic: dict[str, dict[str, str]] = field(default_factory=dict)
    """Automatic parameters that wait for the end of their run."""
    written: bool = False
    """Whether anything was ever sent to the store."""
    refused: dict[str, str] = field(default_factory=dict)
    """Runs whose records the store does not take -> why."""
    last_ms: int = 0
    """Time of the newest record shipped."""
    shipped_points: int = 0
    set_aside: int = 0
    finished_ms: int = 0
    """When a journal of a dead owner was brought to its end; 0 while it was not."""
    format: int = _FORMAT

    @classmethod
    def load(cls, journal: Path) -> Progress:
        """Return what `ship.json` says; a fresh start when it is missing or damaged."""
        try:
            content = json.loads((journal / STATE_FILE).read_bytes())
            progress = cls(**{k: v for k, v in content.items() if k in cls.__dataclass_fields__})
            progress.cursor = _cursor(progress.cursor)
            progress.durable = _cursor(progress.durable)
        except (OSError, ValueError, TypeError, AttributeError):
            return cls(boot_id=boot_id())
        if progress.boot_id != boot_id():
            progress.cursor = min(progress.cursor, progress.durable)
            progress.boot_id = boot_id()
        return progress

    def save(self, journal: Path) -> None:
        """Replace `ship.json` at once and whole."""
        replace_file(journal / STATE_FILE, json.dumps(asdict(self)).encode())


def _cursor(value: Any) -> Cursor:
    segment, offset = value
    return (int(segment), int(offset))


def boot_id() -> str:
    """Return an id of this start of the machine; empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def replace_file(path: Path, content: bytes) -> None:
    """Write a private file so that readers see the old or the new content, never a part."""
    name = f"{path}.{os.getpid()}.{time.monotonic_ns() & 0xFFFFFF:x}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(name, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


# --------------------------------------------------------------------------------- locks


@contextlib.contextmanager
def locked(path: Path, *, wait_s: float = 0.0) -> Iterator[bool]:
    """Hold the lock file `path`; yields False when somebody else holds it after `wait_s`."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, 0o600)
    try:
        yield _take(handle, wait_s)
    finally:
        os.close(handle)


def _take(handle: int, wait_s: float) -> bool:
    until = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(0.005)
        else:
            return True


def is_locked(path: Path) -> bool:
    """Say whether some process holds this lock file."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


# -------------------------------------------------------------------------- index of ids


def remember_ids(data_dir: Path, workspace_id: str, ids: dict[str, str]) -> None:
    """Keep for ever which run of a store a run born here became."""
    folder = data_dir / "state"
    ensure_private_dir(folder)
    lines = "".join(f"{local} {remote} {workspace_id}\n" for local, remote in ids.items())
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(folder / "ids", flags, 0o600)
    try:
        os.write(handle, lines.encode())  # one write: lines of two processes never mix
    finally:
        os.close(handle)


_index: dict[str, tuple[tuple[int, int], dict[str, str]]] = {}


def _read_index(data_dir: Path) -> dict[str, str]:
    path = data_dir / "state" / "ids"
    try:
        status = os.stat(path)
    except OSError:
        return {}
    stamp = (status.st_mtime_ns, status.st_size)
    cached = _index.get(str(path))
    if cached is None or cached[0] != stamp:
        pairs = (line.split() for line in path.read_text(errors="replace").splitlines())
        cached = (stamp, {pair[0]: pair[1] for pair in pairs if len(pair) == 3})
        _index[str(path)] = cached
    return cached[1]


def run_alias(data_dir: Path, run_id: str) -> str:
    """Return the id that a run born here has in its store; the same id if it kept it."""
    return _read_index(data_dir).get(run_id, run_id)


def local_ids(data_dir: Path, run_id: str) -> list[str]:
    """Return the ids under which journals here know the store's run `run_id`, itself first."""
    found = [local for local, remote in _read_index(data_dir).items() if remote == run_id]
    return [run_id, *found]
