"""Tell a journal whose owner lives from one that was left behind.

The owner holds a POSIX record lock on the file `lease` for as long as it lives; the kernel drops
it however the process ends, and a forked child does not inherit it. POSIX drops such a lock too
when the owner closes *any* handle of the file, so within the owner process the file is never
opened again: who asks there is answered from memory. Where locks do not work (some network file
systems) the process id, its start time and the boot id stand in.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from pathlib import Path

from jupyter_mltrack.journal.segments import close_handle

LEASE = "lease"
_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_BUSY = {errno.EACCES, errno.EAGAIN}

_held: dict[str, int] = {}
"""Journal id -> handle of the lease, for the journals this process owns."""


def acquire(folder: Path, journal_id: str) -> None:
    """Take the lease of a journal that this process has just made.

    Raises:
        OSError: the file could not be created.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(folder / LEASE, flags, 0o600)
    try:
        os.fchmod(handle, 0o600)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            kind = "lock"
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            kind = "pid"
        _held[journal_id] = handle
        text = (
            f"{kind} {os.getpid()} {start_mark(os.getpid())} {boot_id()} {socket.gethostname()}\n"
        )
        os.write(handle, text.encode())
    except BaseException:
        _held.pop(journal_id, None)
        close_handle(handle)
        raise


def release(journal_id: str) -> None:
    """Give the lease up; nothing happens when this process does not hold it."""
    handle = _held.pop(journal_id, None)
    if handle is not None:
        close_handle(handle)


def forget_after_fork() -> None:
    """Close what a forked child has inherited; its parent's locks are not touched by that."""
    for handle in _held.values():
        close_handle(handle)
    _held.clear()


def owner_alive(path: str | os.PathLike[str]) -> bool:
    """Say whether the process that writes the journal at `path` still lives."""
    folder = Path(path)
    if folder.name in _held:
        return True
    try:
        handle = os.open(folder / LEASE, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        try:
            # Shared, so that two who ask at once do not take each other for the owner.
            fcntl.lockf(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _BUSY:
                return True
            if error.errno not in _NO_LOCKS:
                return False
        return _process_alive(os.read(handle, 1024).decode("utf-8", "replace"))
    except OSError:
        return False
    finally:
        close_handle(handle)


def _process_alive(text: str) -> bool:
    words = text.split()
    if len(words) != 5 or words[0] != "pid" or not words[1].isdigit():
        return False
    _, pid, mark, boot, host = words
    return host == socket.gethostname() and boot == boot_id() and mark == start_mark(int(pid))


def start_mark(pid: int) -> str:
    """When a process began, in the kernel's own count; "-" when there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[19].decode("ascii")
    except (OSError, IndexError):
        pass
    try:
        os.kill(pid, 0)
    except PermissionError:
        return "0"
    except (OSError, OverflowError):
        return "-"
    return "0"


def boot_id() -> str:
    """What tells this start of the machine from the one before; "-" where there is none."""
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as file:
            return file.read().decode("ascii").strip()
    except OSError:
        return "-"
