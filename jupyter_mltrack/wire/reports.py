"""What verbs answer that belong to no other module here."""

from __future__ import annotations

from typing import Literal

from jupyter_mltrack.wire.base import Problem, RunId, RunStatus, Struct, WorkspaceId
from jupyter_mltrack.wire.deployments import EndpointInfo
from jupyter_mltrack.wire.runs import RunSummary
from jupyter_mltrack.wire.workspaces import WorkspaceInfo


class StatusReport(Struct, frozen=True):
    """What the verb `status` answers."""

    workspace: WorkspaceInfo
    running: list[RunSummary]
    waiting: list[WorkspaceInfo]
    """Other workspaces that points on this machine wait for."""
    auto: bool | None = None
    """Whether every cell is tracked; None outside a notebook."""
    endpoints: list[EndpointInfo] = []
    """Endpoints that take something of this machine or elsewhere now."""
    costs: list[str] = []
    """What costs money in the workspace now, a sentence each."""
    problem: Problem | None = None
    """Why the running runs could not be asked for."""


class Removed(Struct, frozen=True):
    """What the verb `rm` did; `done` is False when the person said no."""

    what: str
    done: bool


class RunStopped(Struct, frozen=True):
    """A run whose job was asked to end; `done` is False when the person said no."""

    run_id: RunId
    name: str
    done: bool = True


class SyncReport(Struct, frozen=True):
    """What one shipping did. `waiting_points` is what is still to be sent afterwards."""

    shipped_points: int
    waiting_points: int
    problems: list[Problem] = []


class NotebookRun(Struct, frozen=True):
    """A notebook that was executed as one run, with the runs of its cells below it."""

    run_id: RunId
    workspace_id: WorkspaceId
    name: str
    notebook: str
    status: RunStatus
    cells: int
    """Cells of code that it has."""
    executed: int
    """Those that were executed to their end."""
    took_ms: int
    failed_cell: int | None = None
    """Number of the cell that failed, among the cells of code; from 1."""
    error: str = ""
    """Last line of that cell's error."""
    out: str = ""
    """File of the executed notebook, where one was asked for."""
    stored: list[str] = []
    """Artifacts of the run: the executed notebook and its page."""
    runs: list[RunSummary] = []
    """Runs of the cells, oldest first."""
    note: str = ""


class Exported(Struct, frozen=True):
    """A file that was written from a run."""

    run_id: RunId
    name: str
    to: Literal["script", "notebook", "html"]
    path: str
    size_bytes: int


class LogLines(Struct, frozen=True):
    """The last lines of a log, oldest first."""

    subject: str
    lines: list[str]
