"""Runs that are live now, what they print, and the event that says that something changed."""

from __future__ import annotations

from typing import Literal

from jupyter_mltrack.wire.base import RunId, Struct, WorkspaceId
from jupyter_mltrack.wire.runs import Progress, RunSummary


class LiveRun(Struct, frozen=True):
    """A running run (or one that ended within the last minute) with what a row shows."""

    summary: RunSummary
    sparkline: list[float | None]
    """At most 40 values of the first main metric, oldest first."""
    sparkline_key: str | None
    cursor: int
    """Grows with every change of this run; equal cursors mean nothing new to fetch."""
    progress: Progress | None = None
    output: list[str] = []
    """The last lines that it printed, at most 5."""
    alerts: list[RunAlert] = []
    kernel_id: str = ""
    """Of the Jupyter kernel that runs it, where it is known: what a stop interrupts."""
    cell_id: str = ""
    notebook_path: str = ""
    """Below the server's root folder; empty where that is not known."""
    elsewhere: bool = False
    """True when it runs on another machine: its values come from the store, now and then."""
    job: bool = False
    """True where a job runs it, or may do so: a stop then ends the job."""
    uploads: Uploads | None = None
    """Its artifacts on their way to the store; None when none are."""


class Uploads(Struct, frozen=True):
    """How far the artifacts of a run are that were logged since none was on its way."""

    files: int
    sent_files: int
    size_bytes: int
    sent_bytes: int


class RunAlert(Struct, frozen=True):
    """A condition that came true while a run was watched."""

    rule: str
    """As it was asked for: `loss > 5`, `nan`, `stalled 10m`."""
    message: str
    at_ms: int


class LiveRuns(Struct, frozen=True):
    """The runs that are live now, of all workspaces or one."""

    runs: list[LiveRun]
    now_ms: int
    """The server's clock, so that a page with another clock shows right durations."""


class OutputLine(Struct, frozen=True):
    """One line that a run printed; secrets were taken out before it was kept."""

    stream: Literal["stdout", "stderr"]
    text: str
    t_ms: int


class RunOutput(Struct, frozen=True):
    """Lines that a run printed, oldest first."""

    lines: list[OutputLine]
    cursor: int
    """What `since` of the next question is."""
    dropped: int = 0
    """How many lines before these are not kept here."""
    path: str = ""
    """Of the artifact that has the whole output; empty where there is none."""


class Nudge(Struct, frozen=True):
    """Jupyter event: something changed; fetch it if you show it. Carries no values."""

    kind: Literal["points", "runs", "health"]
    workspace_id: WorkspaceId
    run_ids: list[RunId] = []
    cursors: list[int] = []
    """One for each of `run_ids`."""
