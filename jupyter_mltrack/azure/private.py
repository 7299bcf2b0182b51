"""Small private files below the data folder: whole or not at all, for this user only."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_mltrack.settings import ensure_private_dir

_BYTES_MAX = 1 << 20


def read(path: Path) -> bytes | None:
    """What the file holds; None where there is none, or it is a link."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        return file.read(_BYTES_MAX)


def write(path: Path, content: bytes) -> None:
    """Replace the file.

    Raises:
        WorkspaceError: its folder is not safe.
        OSError: there is no room, or the folder is read-only.
    """
    from jupyter_mltrack.journal.progress import replace_file

    ensure_private_dir(path.parent)
    replace_file(path, content)
