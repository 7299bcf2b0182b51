"""The file of a workspace's database, looked at without opening it."""

from __future__ import annotations

import os
from pathlib import Path


def file_identity(database: Path) -> tuple[int, int] | None:
    """What tells a file from one that came later under its name; None where there is none."""
    try:
        found = os.stat(database)
    except OSError:
        return None
    return found.st_dev, found.st_ino
