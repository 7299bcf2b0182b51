"""Which files a tracked cell read, as the interpreter itself tells it.

Python tells an audit hook of each file that it opens. Such a hook cannot be taken out again, so it
is put in with the first tracked cell, and returns at once while none is open. What other languages
open (Polars, Arrow) is told from the cell's source. Settings, code, hidden files and what belongs
to installed packages are no data; no content is kept, only size and digest.
"""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.settings import working_folder

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.context import CellContext

FILES_MAX = 2_000
SHOWN_MAX = 10
"""More files than this of one folder are one dataset: the folder."""
WHOLE_BYTES_MAX = 64 << 20
_BLOCK_BYTES = 1 << 20
_BLOCKS = 16
_log = logging.getLogger("jupyter_mltrack")
_NOT_DATA = (
    *(".py", ".pyc", ".pyi", ".so", ".pyd", ".pth", ".toml", ".cfg", ".ini", ".ipynb", ".lock"),
    *(".pem", ".key", ".crt", ".log", ".sock", ".pid", "-wal", "-shm", ".db", ".sh", ".md"),
)
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/run/", "/usr/", "/lib")
_SYSTEM_PARTS = {"site-packages", "dist-packages", "mlruns", "mlartifacts", "__pycache__"}


class OpenedFiles:
    """What the threads of one context open to read, from `begin` to `end`."""

    def __init__(self, context: CellContext) -> None:
        self._context = context
        self._folder = working_folder()
        self.read: dict[str, None] = {}
        self.written: set[str] = set()
        self.more = 0
        """Files that were read beyond the limit."""

    def begin(self) -> None:
        """Listen."""
        _hook()
        _listening.append(self)

    def end(self) -> None:
        """Listen no more; twice does no harm."""
        with contextlib.suppress(ValueError):
            _listening.remove(self)

    def heard(self, path: str, mode: str) -> None:
        """One file is being opened in the thread that calls."""
        if not self._is_mine():
            return
        full = path if path[:1] == "/" else os.path.join(os.getcwd(), path)
        if "r" not in mode or "+" in mode:
            self.written.add(full)
        elif full in self.read or len(self.read) < FILES_MAX:
            self.read[full] = None
        else:
            self.more += 1

    def _is_mine(self) -> bool:
        context = self._context
        ident = threading.get_ident()
        if context.is_worker or context.pid != os.getpid():
            return False
        if ident == context.thread:
            return True
        started_here = ident not in context.threads_before
        return started_here and not threading.current_thread().name.startswith("mltrack")

    def add(self, words: Iterable[str]) -> list[str]:
        """Add files that the source names; returns the addresses among the words."""
        addresses = []
        for word in words:
            if "://" in word:
                addresses.append(word)
            else:
                full = os.path.join(self._folder, os.path.expanduser(word))
                if os.path.isfile(full):
                    self.read[full] = None
        return addresses


_listening: list[OpenedFiles] = []
_hooked: list[int] = []


def _hook() -> None:
    if os.getpid() not in _hooked:  # a forked child has its parent's hook
        if not _hooked:
            sys.addaudithook(_heard)
        _hooked.append(os.getpid())


def _heard(event: str, arguments: Any) -> None:
    """Called by the interpreter for whatever it audits; what it raises would stop the user."""
    if not _listening or event != "open":
        return
    try:
        path, mode = arguments[0], arguments[1]
        if type(path) is bytes:
            path = os.fsdecode(path)
        if type(path) is str and type(mode) is str and not path.endswith(_NOT_DATA):
            for one in _listening:
                one.heard(path, mode)
    except Exception as error:  # an open of the user must not fail for our sake
        _log.debug("An opened file was passed over: %r", error)


os.register_at_fork(after_in_child=_listening.clear)


# ----------------------------------------------------------------------------- describing


def data_files(found: OpenedFiles, root: Path, private: Iterable[Path]) -> list[str]:
    """Those of the files that are data of the user, by path; what the cell wrote is none."""
    hidden = [str(path) + os.sep for path in private]
    prefixes = {os.path.realpath(one) + os.sep for one in (sys.prefix, sys.base_prefix)}
    kept = []
    for path in found.read.copy():
        plain = os.path.normpath(path)
        if path in found.written or plain.startswith(tuple(hidden)):
            continue
        below = plain.removeprefix(str(root) + os.sep)
        parts = below.split(os.sep)
        outside = below == plain
        if any(part.startswith(".") or part in _SYSTEM_PARTS for part in parts):
            continue
        if outside and plain.startswith((*_SYSTEM, *prefixes)):
            continue
        if _size_of(plain) is not None and plain not in kept:
            kept.append(plain)
    return kept


def _size_of(path: str) -> int | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_size if stat.S_ISREG(state.st_mode) else None


def by_folder(paths: list[str]) -> list[tuple[str, list[str]]]:
    """The files, each by itself, those of a full folder together: (path, its files)."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(os.path.dirname(path), []).append(path)
    found: list[tuple[str, list[str]]] = []
    for folder, files in folders.items():
        if len(files) > SHOWN_MAX:
            found.append((folder, files))
        else:
            found += [(path, [path]) for path in files]
    return found


def shown_path(path: str, root: Path) -> str:
    """A path below the project's folder as such, any other whole."""
    return path.removeprefix(str(root) + os.sep)


def describe(path: str, files: list[str]) -> tuple[str, dict[str, Any]]:
    """Digest and profile of a file, or of the files of a folder by their names and sizes.

    Raises:
        OSError: it cannot be read any more.
    """
    from jupyter_mltrack.tracking.used.datasets import short_digest

    if files != [path]:
        states = [(os.path.basename(one), os.stat(one)) for one in sorted(files)]
        size_bytes = sum(state.st_size for _, state in states)
        said = [f"{name}\0{state.st_size}\0".encode() for name, state in states]
        note = f"{len(files):,} files; digest of their names and sizes"
        return short_digest(said), {"size_bytes": size_bytes, "note": note}
    size_bytes = os.path.getsize(path)
    profile: dict[str, Any] = {"size_bytes": size_bytes}
    with open(path, "rb") as file:
        if size_bytes <= WHOLE_BYTES_MAX:
            blocks = iter(lambda: file.read(_BLOCK_BYTES), b"")
            return short_digest(blocks), profile
        parts = [str(size_bytes).encode()]
        for at in range(_BLOCKS):
            file.seek((size_bytes - _BLOCK_BYTES) * at // (_BLOCKS - 1))
            parts.append(file.read(_BLOCK_BYTES))
    read_mb = _BLOCKS * _BLOCK_BYTES >> 20
    profile["note"] = f"digest of {read_mb} MB of {size_bytes >> 20:,} MB"
    return short_digest(parts), profile
