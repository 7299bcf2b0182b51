"""What a run remembers of how it was made, and how two runs differ."""

from __future__ import annotations

from jupyter_mltrack.wire.base import Pair, Problem, RunId, Struct
from jupyter_mltrack.wire.models import ModelVersionInfo
from jupyter_mltrack.wire.runs import DataInfo, RunSummary


class RunView(Struct, frozen=True):
    """A run as the output of a cell shows it: complete in itself, without script or address."""

    html: str
    plain: str


class RunAbout(Struct, frozen=True):
    """What a run remembers of how it was made; a part that was not kept is empty."""

    run_id: RunId
    source: str = ""
    """Of the cell or script."""
    notebook_path: str = ""
    """Below the server's root folder where it is there; else as it was kept."""
    cell_id: str = ""
    python: str = ""
    platform: str = ""
    packages: list[Pair] = []
    hardware: list[Pair] = []
    git_commit: str = ""
    git_branch: str = ""
    git_remote: str = ""
    git_dirty: bool = False
    git_diff: str = ""
    data: list[DataInfo] = []
    versions: list[ModelVersionInfo] = []
    """Registered versions that were made by it."""
    parent: RunSummary | None = None
    children: list[RunSummary] = []
    attempts: list[RunSummary] = []
    """Runs of the same cell, newest first, this one too."""
    left_out: list[str] = []
    """What was not kept, and why, a few words each."""
    problems: list[Problem] = []
    """What could not be read; the rest is still right."""


class DiffRow(Struct, frozen=True):
    """A parameter, metric, tag, package or line of source that differs."""

    key: str
    left: str | None
    right: str | None


class DiffLine(Struct, frozen=True):
    """One line of two sources beside each other; None where a side has no such line."""

    left: str | None
    right: str | None
    left_number: int | None = None
    right_number: int | None = None
    same: bool = False


class RunDiff(Struct, frozen=True):
    """What differs between two runs."""

    left: RunSummary
    right: RunSummary
    params: list[DiffRow] = []
    metrics: list[DiffRow] = []
    tags: list[DiffRow] = []
    packages: list[DiffRow] = []
    surroundings: list[DiffRow] = []
    """Python, platform, git, notebook."""
    source: list[DiffLine] = []
    """Empty where both are the same, or one was not kept."""
