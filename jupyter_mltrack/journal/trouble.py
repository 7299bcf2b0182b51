"""What goes wrong while writing, in words for the user, each told once."""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jupyter_mltrack import own_log
from jupyter_mltrack.errors import MltrackError

_ONCE_MAX = 50
"""Different things told under one code, after which the code is silent."""
_log = own_log.logger("jupyter_mltrack")


class Trouble(NamedTuple):
    """Something the user must learn of. `message` says what happened, `hint` what to do next."""

    code: str
    message: str
    hint: str


class Troubles:
    """Collects troubles where locks are held and tells them where none is."""

    def __init__(self) -> None:
        self.callback: Callable[[Trouble], None] | None = None
        self._waiting: deque[Trouble] = deque()
        self._told: dict[str, set[str]] = {}

    def forget(self) -> None:
        """Begin anew, in a forked child."""
        self._waiting = deque()
        self._told = {}

    def add(self, trouble: Trouble, once_for: str = "") -> None:
        """Note a trouble unless it was noted before."""
        told = self._told.setdefault(trouble.code, set())
        if once_for in told or len(told) >= _ONCE_MAX:
            return
        told.add(once_for)
        if trouble.code == "room_again":
            for code in (*_NO_ROOM, "room_again"):
                self._told.pop(code, None)
        self._waiting.append(trouble)

    @property
    def told_of_no_room(self) -> bool:
        """True when the user was told that something is not kept on the disk, and not since."""
        return any(code in self._told for code in _NO_ROOM)

    def tell(self) -> None:
        """Call back for everything noted since the last time. Raises nothing."""
        while self._waiting:
            try:
                trouble = self._waiting.popleft()
            except IndexError:
                return
            try:
                if self.callback is not None:
                    self.callback(trouble)
                else:
                    _log.warning("%s %s", trouble.message, trouble.hint)
            except Exception:
                # The callback is not ours, and we are inside the user's cell or the flusher.
                _log.debug("The trouble callback failed", exc_info=True)


_NOT_WRITABLE = {
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.ENOENT,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.ELOOP,
}
_MEMORY_ONLY = "What is logged is kept in memory only"
_NO_ROOM = (
    "disk_full",
    "disk_failed",
    "not_writable",
    "journal_full",
    "memory_full",
    "unsafe_folder",
)


def of_error(error: OSError | MltrackError, place: Path) -> Trouble:
    """Say what an error while writing means for the user."""
    if isinstance(error, MltrackError):
        return Trouble("unsafe_folder", f"{_MEMORY_ONLY}: {error.message}", error.hint)
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return Trouble(
            "disk_full",
            f"{_MEMORY_ONLY}: no room in {place} ({reason}).",
            "Make room there: it is written then, and lost if the process ends before.",
        )
    if error.errno in _NOT_WRITABLE:
        return Trouble(
            "not_writable",
            f"{_MEMORY_ONLY}: {place} cannot be written ({reason}).",
            "Make it writable, or set MLTRACK_DATA_DIR to a folder that is.",
        )
    return Trouble(
        "disk_failed",
        f"What is logged may not reach the disk: writing in {place} failed ({reason}).",
        "Check the disk, or set MLTRACK_DATA_DIR to a folder on another one.",
    )


def other_folder(cause: Trouble, instead: Path) -> Trouble:
    """The data folder cannot be used; another one is."""
    why = cause.message.removeprefix(f"{_MEMORY_ONLY}: ")
    return Trouble("other_folder", f"What is logged is kept in {instead}: {why}", cause.hint)


def memory_full(max_bytes: int) -> Trouble:
    """The disk has no room, and memory is used up."""
    return Trouble(
        "memory_full",
        f"New points are not kept: {_size(max_bytes)} wait in memory for room on the disk.",
        "Make room; points are kept again from then on.",
    )


def memory_lost(lost_bytes: int) -> Trouble:
    """The process ends while points are in memory only."""
    return Trouble(
        "memory_lost",
        f"{_size(lost_bytes)} of points are lost: there was no room to write them to the end.",
        "",
    )


def journal_full(max_bytes: int) -> Trouble:
    """The cap is reached."""
    return Trouble(
        "journal_full",
        f"New points are not kept: {_size(max_bytes)} wait on this machine, which is the limit.",
        "Send them with `%mltrack sync`, or raise journal_max_bytes.",
    )


def journal_nearly_full(used_bytes: int, max_bytes: int) -> Trouble:
    """Four fifths of the cap are used."""
    return Trouble(
        "journal_nearly_full",
        f"{_size(used_bytes)} of at most {_size(max_bytes)} wait on this machine to be sent.",
        "Send them with `%mltrack sync`, or raise journal_max_bytes.",
    )


def room_again(lost_points: int) -> Trouble:
    """Writing works again."""
    lost = f" {lost_points} points in between could not be kept." if lost_points else ""
    return Trouble("room_again", f"What is logged is on the disk again.{lost}", "")


def _size(size_bytes: int) -> str:
    for unit, width in (("GB", 30), ("MB", 20)):
        if size_bytes >= 1 << width:
            return f"{size_bytes / (1 << width):.1f} {unit}"
    return f"{size_bytes >> 10} KB"
