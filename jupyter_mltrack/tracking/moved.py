"""Notebooks that were renamed or moved while their kernel runs: the server notes, the kernel reads.

A kernel is told its notebook's path once, when it starts; an older server tells it the same after a
restart. The Jupyter server hears of each move and adds it to a small file named after the kernel,
as one line `[old path, new path]`. The kernel walks these lines from the path that it was told.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path

from jupyter_mltrack.settings import data_dir, ensure_private_dir

FOLDER = "moved"
FILE_BYTES_MAX = 256 << 10
KEPT_S = 90 * 24 * 3600.0
"""Files of kernels that nobody moved a notebook of for so long are taken away."""


def note(kernel_id: str, old: str, new: str) -> None:
    """A notebook of a kernel has another path now; both are absolute.

    Raises:
        OSError: it cannot be written down.
        MltrackError: the folder of our data is not private.
    """
    folder = data_dir() / FOLDER
    ensure_private_dir(folder)
    _tidy(folder)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(folder / f"{kernel_id}.jsonl", flags, 0o600)
    try:
        os.write(handle, json.dumps([old, new]).encode() + b"\n")
    finally:
        os.close(handle)


def path_now(kernel_id: str, told: str) -> str:
    """Return the path that a kernel's notebook has by now.

    Args:
        kernel_id: empty for a process that no server knows; then nothing is looked at.
        told: the path that the kernel was told when it started.
    """
    if not kernel_id:
        return told
    path = told
    try:
        with open(data_dir() / FOLDER / f"{kernel_id}.jsonl", "rb") as file:
            lines = file.read(FILE_BYTES_MAX).splitlines()
        for line in lines:
            old, new = json.loads(line)
            if old == path and isinstance(new, str):
                path = new
    except (OSError, ValueError, TypeError):
        return path  # as a rule there is no such file
    return path


def _tidy(folder: Path) -> None:
    """Take the files of kernels away that are long gone."""
    before_s = time.time() - KEPT_S
    with contextlib.suppress(OSError):
        for file in folder.glob("*.jsonl"):
            if file.lstat().st_mtime < before_s:
                file.unlink()
