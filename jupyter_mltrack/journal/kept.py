"""What a run remembers of how it was made: a few files for each run, kept on this machine.

They lie in `keep/<workspace id>/<run id>/`: the source, the cells before it, the surroundings
(Python, packages, git), the uncommitted changes, and what was printed and shown. All text in them
went through the redactor before it was written. The same files go to the run's artifacts, below
`mltrack/`, when its journal is shipped, so other machines see them and a kernel that is killed
loses none. All together are capped: the least recently used go first.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

import msgspec

from jupyter_mltrack.settings import ensure_private_dir

SOURCE = "source.py"
SURROUNDINGS = "environment.json"
DIFF = "git.diff"
OUTPUT = "output.log"
REQUIREMENTS = "requirements.txt"
CELLS = "cells.ipynb"
TRACEBACK = "traceback.txt"
NAMES = (SOURCE, CELLS, SURROUNDINGS, REQUIREMENTS, DIFF, OUTPUT, TRACEBACK)
FIGURES = "figures"
"""A folder of its own for figures and other rich outputs."""
ARTIFACT_FOLDER = "mltrack"
TEXT_BYTES_MAX = 2 << 20
OUTPUT_BYTES_MAX = 24 << 20
"""More than what one run may print, with the times of its lines."""
KEPT_BYTES_MAX = 2 << 30
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Surroundings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What `environment.json` holds."""

    python: str = ""
    platform: str = ""
    packages: list[str] = []
    """Each as "name version"."""
    hardware: dict[str, str] = {}
    notebook_path: str = ""
    cell_id: str = ""
    git_commit: str = ""
    git_branch: str = ""
    git_remote: str = ""
    git_dirty: bool = False
    git_diff_cut: bool = False
    """True when there are more changes than `git.diff` holds."""
    left_out: list[str] = []
    """What was not kept, and why, a few words each."""


def folder(data_dir: Path, workspace_id: str, run_id: str) -> Path:
    """Where the files of one run lie.

    Raises:
        ValueError: an id is not a plain word.
    """
    for part in (workspace_id, run_id):
        if not part or len(part) > 256 or not all(sign.isalnum() or sign in "_-" for sign in part):
            message = f"not an id: {part!r}"
            raise ValueError(message)
    return data_dir / "keep" / workspace_id / run_id


def write(place: Path, name: str, content: bytes) -> None:
    """Write one file of a run's folder; whoever reads it sees all of it or nothing.

    `name` may begin with the folder of the figures.

    Raises:
        OSError, WorkspaceError: it cannot be written.
    """
    if name.startswith(f"{FIGURES}/"):
        place, name = place / FIGURES, name.removeprefix(f"{FIGURES}/")
    ensure_private_dir(place)
    made = place / f".{name}.{os.getpid()}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(made, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(made, place / name)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(made)
        raise


def open_to_append(place: Path, name: str) -> int:
    """A handle that adds to a file of a run's folder.

    Raises:
        OSError, WorkspaceError: it cannot be had.
    """
    ensure_private_dir(place)
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(place / name, flags, 0o600)


def read(path: Path, limit_bytes: int, *, start: int = 0) -> bytes | None:
    """A part of a plain file; None where there is none. Links are not followed."""
    try:
        handle = os.open(path, _READ)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return None
        file.seek(start)
        return file.read(limit_bytes)


def find(data_dir: Path, workspace_id: str, run_ids: Sequence[str]) -> Path | None:
    """The folder of a run that has one of these ids; None where nothing of it is kept here."""
    for run_id in run_ids:
        try:
            place = folder(data_dir, workspace_id, run_id)
        except ValueError:
            continue
        if place.is_dir() and not place.is_symlink():
            return place
    return None


def names_in(place: Path) -> list[str]:
    """Which of the files are there."""
    return [name for name in NAMES if (place / name).is_file()] + figures_in(place)


def figures_in(place: Path) -> list[str]:
    """The figures that are there, with the folder that they lie in."""
    try:
        with os.scandir(place / FIGURES) as found:
            names = [one.name for one in found if one.is_file(follow_symlinks=False)]
    except OSError:
        return []
    return [f"{FIGURES}/{name}" for name in sorted(names) if not name.startswith(".")]


def remove(place: Path, name: str) -> None:
    """Take a file of a run's folder away again."""
    with contextlib.suppress(OSError):
        os.unlink(place / name)


def copy_to(place: Path, root: Path) -> None:
    """Put the files of a run's folder among its artifacts on this machine.

    Raises:
        OSError: they cannot be written.
    """
    found = names_in(place)
    if not found:
        return
    target = root / ARTIFACT_FOLDER
    os.makedirs(target, mode=0o700, exist_ok=True)
    if (place / FIGURES).is_dir():
        os.makedirs(target / FIGURES, mode=0o700, exist_ok=True)
        for name in set(figures_in(target)) - set(found):
            remove(target, name)  # the cell has cleared it since
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    for name in found:
        source = os.open(place / name, _READ)
        with (
            os.fdopen(source, "rb") as file,
            os.fdopen(os.open(target / name, flags, 0o600), "wb") as copy,
        ):
            shutil.copyfileobj(file, copy, 1 << 20)


def trim(data_dir: Path, bytes_max: int = KEPT_BYTES_MAX) -> None:
    """Delete the least recently used folders until all together are within the limit."""
    found: list[tuple[float, int, Path]] = []
    for place in (data_dir / "keep").glob("*/*"):
        size_bytes = 0
        newest_s = 0.0
        for path in place.rglob("*"):
            with contextlib.suppress(OSError):
                state = path.stat()
                size_bytes += state.st_size
                newest_s = max(newest_s, state.st_mtime)
        found.append((newest_s, size_bytes, place))
    excess = sum(size for _, size, _ in found) - bytes_max
    for _, size, place in sorted(found):
        if excess <= 0:
            return
        shutil.rmtree(place, ignore_errors=True)
        excess -= size
