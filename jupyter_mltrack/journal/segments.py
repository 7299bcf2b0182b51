"""One segment of a journal: a file of fixed size, reserved on disk, written through a mapping.

`mmap.write` reserves and copies in one call that holds the interpreter lock from beginning to
end: no thread, signal handler or finalizer can come between, so there is no lock to take and
nothing that could be overwritten. A full or sealed segment answers with `ValueError`, which is
how a writer learns that it has to go on in the next one. Space is reserved before it is mapped,
because a write to a mapped page that the disk has no room for would kill the process.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import stat
import time
from pathlib import Path

from jupyter_mltrack.journal import format as fmt

SUFFIX = ".seg"
DIGITS = 8
SMALLEST_BYTES = 64 << 10


def segment_path(folder: Path, number: int) -> Path:
    """Where segment `number` lies."""
    return folder / f"{number:0{DIGITS}d}{SUFFIX}"


def segment_numbers(folder: Path) -> list[int]:
    """Numbers of the segments that are there, ascending."""
    numbers = []
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    for name in names:
        stem, dot, suffix = name.partition(".")
        if dot and dot + suffix == SUFFIX and stem.isascii() and stem.isdigit():
            number = int(stem)
            if number > 0 and name == f"{number:0{DIGITS}d}{SUFFIX}":
                numbers.append(number)
    numbers.sort()
    return numbers


def segments_bytes(folder: Path) -> int:
    """Room that the segments of a journal take on disk, made ready ones included."""
    total = 0
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(SUFFIX):
                with contextlib.suppress(FileNotFoundError):
                    total += entry.stat(follow_symlinks=False).st_size
    return total


def close_handle(handle: int) -> None:
    """Close a file. An error is no news: the handle is gone, and what counts was synced before."""
    with contextlib.suppress(OSError):
        os.close(handle)


def open_existing(path: Path) -> tuple[int, int]:
    """Open a file of this user for reading: handle and size. Links and pipes are refused.

    Raises:
        OSError: it is not there, or is not a plain file of this user.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
        return handle, status.st_size
    close_handle(handle)
    raise OSError(errno.EPERM, "not a plain file of this user", str(path))


def read_existing(path: Path, offset: int, size_bytes: int) -> bytes:
    """At most `size_bytes` of a file of this user. Raises `OSError` as `open_existing` does."""
    handle, _ = open_existing(path)
    try:
        return os.pread(handle, size_bytes, offset)
    finally:
        close_handle(handle)


def open_private(path: Path) -> int:
    """Create a file that only this user can read, whatever the umask; never opens what is there."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, 0o600)
    try:
        if stat.S_IMODE(os.fstat(handle).st_mode) != 0o600:
            os.fchmod(handle, 0o600)
    except OSError:
        close_handle(handle)
        raise
    return handle


def reserve(handle: int, size_bytes: int) -> None:
    """Make sure that the disk has room for a file of this size.

    Raises:
        OSError: it has not.
    """
    allocate = getattr(os, "posix_fallocate", None)
    if allocate is not None:
        try:
            allocate(handle, 0, size_bytes)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
        else:
            return
    zeros = bytes(1 << 16)
    written = 0
    while written < size_bytes:
        count = os.pwrite(handle, zeros[: size_bytes - written], written)
        if count == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written += count


class Segment:
    """A segment that this process writes. `map.write` is the hot path of the whole package."""

    __slots__ = ("_hidden", "declared", "end", "handle", "map", "number", "path", "size", "synced")

    def __init__(self, number: int, path: Path, handle: int, size: int, mapping: mmap.mmap) -> None:
        self.number = number
        self.path = path
        self.handle = handle
        self.size = size
        self.map = mapping
        self.declared: set[int] = set()
        """Numbers of the runs and schemas that are named in here."""
        self.synced = 0
        """How far the disk is known to have it."""
        self.end: int | None = None
        """Set when sealed: no frame begins at or after it."""
        self._hidden: Path | None = hidden_path(path)

    @classmethod
    def create(cls, folder: Path, number: int, size_bytes: int) -> Segment:
        """Reserve a segment under a hidden name; `publish` gives it its own.

        Raises:
            OSError: no room, no permission, or the disk fails.
        """
        path = segment_path(folder, number)
        hidden = hidden_path(path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(hidden)
        handle = open_private(hidden)
        try:
            reserve(handle, size_bytes)
            mapping = mmap.mmap(handle, size_bytes)
            mapping.write(fmt.header(number, time.time_ns() // 1_000_000))
        except (OSError, ValueError) as error:
            close_handle(handle)
            with contextlib.suppress(OSError):
                os.unlink(hidden)
            if isinstance(error, ValueError):
                raise OSError(errno.EIO, f"cannot map {hidden}") from error
            raise
        return cls(number, path, handle, size_bytes, mapping)

    @classmethod
    def in_memory(cls, folder: Path, number: int, size_bytes: int) -> Segment:
        """A segment without a file, for the time when the disk has no room.

        Raises:
            OSError: there is no memory either.
        """
        mapping = mmap.mmap(-1, size_bytes)
        mapping.write(fmt.header(number, time.time_ns() // 1_000_000))
        segment = cls(number, segment_path(folder, number), -1, size_bytes, mapping)
        segment._hidden = None
        return segment

    @classmethod
    def nothing(cls, folder: Path) -> Segment:
        """A stand-in without room: the first write to it makes the writer look for a real one."""
        segment = cls.in_memory(folder, 0, mmap.PAGESIZE)
        segment.map.seek(0, os.SEEK_END)
        segment.end = segment.size = 0
        return segment

    def content(self) -> bytes:
        """Header and frames of a sealed segment."""
        return self.map[: self.used]

    def publish(self) -> None:
        """Show the segment to readers. Does nothing the second time.

        Raises:
            OSError: something else has taken the name, or the disk fails.
        """
        hidden = self._hidden
        if hidden is None:
            return
        if os.path.lexists(self.path) and os.path.lexists(hidden):
            raise FileExistsError(errno.EEXIST, "A file is in the way", str(self.path))
        try:
            os.rename(hidden, self.path)
        except FileNotFoundError:
            if self._hidden is not None and not os.path.lexists(self.path):
                raise  # else a signal handler has published it in the meantime
        self._hidden = None

    @property
    def used(self) -> int:
        """Offset behind the last frame."""
        if self.end is not None:
            return self.end
        try:
            return self.map.tell()
        except ValueError:
            return self.size

    def seal(self) -> None:
        """End writing: from here on every write raises `ValueError`. May be repeated."""
        if self.end is not None:
            return
        try:
            before = self.map.tell()
            self.map.seek(0, os.SEEK_END)
        except ValueError:
            return
        if before == self.size:
            return  # sealed by somebody who is about to note the end
        # A frame may have slipped in between the two calls above: walk over it.
        end = before
        while end + fmt.HEAD_BYTES <= self.size and self.map[end : end + 2] == fmt.MAGIC_BYTES:
            length = fmt.HEAD.unpack_from(self.map, end)[3]
            end += fmt.aligned(fmt.HEAD_BYTES + length)
        self.end = min(end, self.size)

    def note_used(self) -> None:
        """Tell readers how far this segment is written, for the time after a power cut."""
        with contextlib.suppress(ValueError):
            fmt.HINT.pack_into(self.map, fmt.HINT_OFFSET, self.used)

    def sync(self) -> None:
        """Bring what is written to the disk. Other threads run meanwhile.

        Raises:
            OSError: the disk fails.
        """
        used = self.used
        if used == self.synced:
            return
        if self.handle < 0:
            self.synced = used
            return
        self.note_used()
        # On Linux this writes the mapped pages too, and unlike mmap.flush it lets go of the
        # interpreter lock while the disk works.
        _fdatasync(self.handle)
        self.synced = used

    def close(self, *, shrink: bool = False) -> None:
        """Seal and let go of file and mapping; `shrink` gives back the room that was not used."""
        self.seal()
        handle, self.handle = self.handle, -1
        if handle < 0:
            return
        with contextlib.suppress(BufferError):
            self.map.close()
        try:
            if shrink and self.end is not None:
                with contextlib.suppress(OSError):
                    os.ftruncate(handle, self.end)
        finally:
            close_handle(handle)

    def discard(self) -> None:
        """Close, and remove the file if it was never published."""
        hidden = self._hidden
        self.close()
        if hidden is not None:
            with contextlib.suppress(OSError):
                os.unlink(hidden)


def hidden_path(path: Path) -> Path:
    """The name of a segment while it is made ready."""
    return path.with_name(f".{path.name}")


def _fdatasync(handle: int) -> None:
    getattr(os, "fdatasync", os.fsync)(handle)
