"""Unix sockets in folders of any depth: the system allows about a hundred bytes for an address."""

from __future__ import annotations

import os
import sys

_BYTES_MAX = 100
_folders: dict[str, int] = {}


def socket_address(folder: str | os.PathLike[str], name: str) -> str:
    """Return an address of `folder/name` that is short enough to bind or to connect to.

    Where the path is too long it leads through an open handle to the folder, which is kept.

    Raises:
        OSError: the folder is not there, or its path is too long and this system has no `/proc`.
    """
    path = os.path.join(os.fspath(folder), name)
    if len(os.fsencode(path)) <= _BYTES_MAX:
        return path
    if not sys.platform.startswith("linux"):
        raise OSError(f"The path of the socket is too long: {path}")
    key = os.fspath(folder)
    handle = _folders.get(key)
    if handle is None or not _is_same(handle, key):
        handle = os.open(key, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        stale = _folders.pop(key, None)
        if stale is not None:
            os.close(stale)
        _folders[key] = handle
    return f"/proc/self/fd/{handle}/{name}"


def _is_same(handle: int, folder: str) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(folder))
    except OSError:
        return False
