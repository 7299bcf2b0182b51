"""How workers of a cell in other processes learn which run they belong to.

`MLTRACK_CONTEXT` in the environment holds a JSON object: what the context was when the worker
began, and the path of the *board*, a small shared file that always says what the context is now.
A plain subprocess stays with the run it began in. A worker of a pool (multiprocessing, loky) lives
through many cells, so it follows the board: a generation number in shared memory tells it, without
a system call, that another cell is open. That is why the variable is there as soon as the first
context was entered, and not only while a cell is open.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import struct
import sys
from typing import Any

VARIABLE = "MLTRACK_CONTEXT"
_SIZE = 64 * 1024
_HEAD = struct.Struct("<QII")
"""Generation, length of the content, and whether a worker has begun the run."""


class Board:
    """The shared file: a generation, a length, and the JSON of the open context (or nothing)."""

    def __init__(self, path: str, *, create: bool) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        if create:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            flags |= os.O_CREAT | os.O_EXCL
        handle = os.open(path, flags, 0o600)
        try:
            if create:
                os.ftruncate(handle, _SIZE)
            elif os.fstat(handle).st_uid != os.geteuid() or os.fstat(handle).st_size < _SIZE:
                raise OSError(0, "not a board of this user")
            self._map = mmap.mmap(handle, _SIZE)
        finally:
            os.close(handle)
        self._generation = memoryview(self._map)[:8].cast("Q")

    @property
    def generation(self) -> int:
        """Number that grows with each change; odd while a change is being written."""
        return self._generation[0]

    def write(self, content: dict[str, Any] | None) -> None:
        """Replace what the board says; None means that no context is open."""
        raw = json.dumps(content).encode() if content else b""
        if len(raw) > _SIZE - _HEAD.size:
            raw = b""
        self._generation[0] = (self._generation[0] + 1) | 1
        self._map[_HEAD.size : _HEAD.size + len(raw)] = raw
        self._map[8 : _HEAD.size] = struct.pack("<II", len(raw), 0)
        self._generation[0] += 1

    @property
    def claimed(self) -> bool:
        """Say whether a worker has begun the run that the board tells of."""
        return self._map[12] != 0

    def claim(self, run_id: str) -> None:
        """Tell the owner that this worker has begun the run."""
        content = self.read()[1]
        if content is not None and content.get("run_id") == run_id:
            self._map[12] = 1

    def read(self) -> tuple[int, dict[str, Any] | None]:
        """Return the generation and what the board says at it."""
        for _ in range(100):
            before = self._generation[0]
            length, _ = struct.unpack("<II", self._map[8 : _HEAD.size])
            raw = self._map[_HEAD.size : _HEAD.size + min(length, _SIZE - _HEAD.size)]
            if before == self._generation[0] and before % 2 == 0:
                return before, json.loads(raw) if raw else None
        return self._generation[0], None


_own: Board | None = None
_own_pid = 0
_told_of: str | None = None
_claimed: set[str] = set()


def publish(content: dict[str, Any] | None) -> None:
    """Tell present and future workers of this process which context is open.

    Raises:
        OSError: the board cannot be made.
    """
    global _own, _own_pid, _told_of
    if _own is None or _own_pid != os.getpid():
        if content is None:
            os.environ.pop(VARIABLE, None)
            return
        from jupyter_mltrack.settings import data_dir, ensure_private_dir

        folder = data_dir() / "state"
        ensure_private_dir(folder)
        _sweep(str(folder))
        _own = Board(str(folder / f"context-{os.getpid()}"), create=True)
        _own_pid = os.getpid()
    _note_claim()
    _own.write(content)
    _told_of = content["run_id"] if content else None
    os.environ[VARIABLE] = json.dumps({"board": _own.path, "context": content})


def _sweep(folder: str) -> None:
    """Remove boards of processes that were killed."""
    for name in os.listdir(folder):
        pid = name.removeprefix("context-")
        if pid == name or not pid.isdecimal():
            continue
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(folder, name))
        except OSError:
            continue  # a process of another user has that number now


def is_claimed(run_id: str) -> bool:
    """Say whether a worker has begun this run for the process that it belongs to."""
    _note_claim()
    return run_id in _claimed


def _note_claim() -> None:
    if _own is not None and _own_pid == os.getpid() and _told_of and _own.claimed:
        _claimed.add(_told_of)


def claim(run_id: str) -> None:
    """Tell the process that this worker works for that its run has begun."""
    try:
        path = json.loads(os.environ[VARIABLE])["board"]
        Board(path, create=False).claim(run_id)
    except (KeyError, ValueError, TypeError, OSError):
        return  # the owner is gone, or on another machine


def withdraw() -> None:
    """Take the board away."""
    global _own
    if _own is not None and _own_pid == os.getpid():
        with contextlib.suppress(OSError):
            os.unlink(_own.path)
        os.environ.pop(VARIABLE, None)
        _own = None


# ------------------------------------------------------------------------- in a worker


class Inherited:
    """What a worker process was given: the context at its start, and the board it follows."""

    def __init__(self, content: dict[str, Any] | None, board: Board | None) -> None:
        self.content = content
        self.board = board
        self.seen = board.generation if board else 0

    def changed(self) -> bool:
        """Say whether another context is open now; `content` is then the new one."""
        board = self.board
        if board is None or board.generation == self.seen:
            return False
        self.seen, content = board.read()
        if content is None or content == self.content:
            return False  # a late point belongs to the cell that its worker worked for
        self.content = content
        return True


def inherited() -> Inherited | None:
    """Return what this process was given by the environment; None in a process of its own."""
    raw = os.environ.get(VARIABLE)
    if not raw or (_own is not None and _own_pid == os.getpid()):
        return None
    try:
        given = json.loads(raw)
        path, content = given["board"], given["context"]
    except (ValueError, TypeError, KeyError):
        return None
    if os.path.basename(path) == f"context-{os.getpid()}":
        return None
    board = None
    if is_pool_worker():
        try:
            board = Board(path, create=False)
            now = board.read()[1]
            content = now or content
        except (OSError, ValueError):
            board = None
    if not isinstance(content, dict) and board is None:
        return None
    return Inherited(content if isinstance(content, dict) else None, board)


def is_pool_worker() -> bool:
    """Say whether this process is a child made by multiprocessing or loky."""
    processes = sys.modules.get("multiprocessing.process")
    return processes is not None and processes.parent_process() is not None


def parent_journal_id(workspace_id: str) -> str | None:
    """Return the journal that a worker's own journal hangs on; None in a process of its own."""
    from jupyter_mltrack.tracking import lineage

    given = lineage.inherited_content()
    if given and given.get("workspace_id") == workspace_id:
        found = given.get("journal_id")
        return str(found) if found else None
    return None


def is_own() -> bool:
    """Say whether the variable in the environment is this process's own word to its workers."""
    return _own is not None and _own_pid == os.getpid()
