"""Cells and scripts that run elsewhere."""

from __future__ import annotations

from typing import Literal

from jupyter_mltrack.wire.base import Problem, RunId, Struct, WorkspaceId

SubmittedState = Literal[
    "queued", "preparing", "running", "finishing", "done", "failed", "cancelled"
]


class LeftOut(Struct, frozen=True):
    """A file that did not travel with a job, and why."""

    path: str
    why: str


class CodeSnapshot(Struct, frozen=True):
    """The files that go to another machine with a job."""

    folder: str
    files: int = 0
    size_bytes: int = 0
    paths: list[str] = []
    """The largest first, at most 200."""
    left_out: list[LeftOut] = []
    """What was left out though no ignore file asked for it, at most 50."""


class Travelling(Struct, frozen=True):
    """A variable that goes with a job, or comes back from it."""

    name: str
    kind: str
    size_bytes: int | None = None


class SubmittedJob(Struct, frozen=True):
    """A cell or a script that runs elsewhere; its id is the id of its run."""

    id: RunId
    name: str
    backend: str
    target: str
    """As it was typed after `--on`: `process`, `azureml:gpu-cluster`."""
    what: str
    """`cell`, or the script with its arguments."""
    state: SubmittedState
    workspace_id: WorkspaceId
    workspace_name: str
    submitted_ms: int
    detail: str = ""
    """The backend's own word for the state, or what is being done."""
    began_ms: int | None = None
    ended_ms: int | None = None
    experiment: str | None = None
    notebook: str = ""
    cell_id: str = ""
    names: list[Travelling] = []
    """Variables that went along."""
    returns: list[str] = []
    """Names that were asked back."""
    returned: list[Travelling] = []
    """Those that lie ready on this machine."""
    snapshot: CodeSnapshot | None = None
    link: str | None = None
    """Its page at the service."""
    cancel_asked: bool = False
    away: bool = False
    """It runs at a service, and goes on when this machine is closed."""
    followed: bool = True
    """A process of this machine keeps what it says up to date."""
    problem: Problem | None = None


class JobBackend(Struct, frozen=True):
    """Where jobs can run."""

    name: str
    title: str
    help: str
    targets: list[str] = []
    """What may be written after `--on`, as far as that is known without asking anybody."""
    available: bool = True
    why_not: str = ""
    form: str = "{}"
    """JSON Schema of its options."""


class JobList(Struct, frozen=True):
    """The jobs that this machine knows, newest first."""

    jobs: list[SubmittedJob]


class JobBackends(Struct, frozen=True):
    """The backends that are installed."""

    backends: list[JobBackend]


class JobText(Struct, frozen=True):
    """A part of what a job printed, from `position` on."""

    id: RunId
    position: int
    text: str
    next: int
    """Where to go on."""
    ended: bool
    """Nothing more will come."""
