"""What a journal keeps: its head and its events."""

from __future__ import annotations

from typing import Literal

from jupyter_mltrack.wire.base import (
    ExperimentId,
    RunId,
    RunStatus,
    Struct,
    WorkspaceId,
    WorkspaceKind,
)
from jupyter_mltrack.wire.runs import Progress


class JournalMeta(Struct, frozen=True):
    """Written once when a journal is created: whose it is and where its runs belong."""

    format: int
    journal_id: str
    pid: int
    host: str
    boot_id: str
    created_ms: int
    tracking_uri: str
    """Without user name and password: those stay in the environment."""
    workspace_id: WorkspaceId
    workspace_kind: WorkspaceKind
    workspace_name: str
    project_root: str
    parent_journal_id: str | None = None
    """Set for a worker process: its parent's shipper ships it too."""


class RunBorn(Struct, frozen=True, tag="run_born"):
    """A run begins. `created` says that the store has it already, under the same id."""

    run_id: RunId
    name: str
    start_ms: int
    experiment: str | None = None
    experiment_id: ExperimentId | None = None
    artifact_uri: str | None = None
    tags: dict[str, str] = {}
    user: str = ""
    created: bool = False
    resumed: bool = False
    owner_pid: int | None = None
    """Set where a worker may have begun the run too: the process that ends it. Such a birth is
    skipped when the store has the run, and the run does not end with the worker's journal. 0 for a
    run that no process here began: this one only writes to it."""
    kernel_id: str = ""
    """Of the Jupyter kernel; empty in a process that is none."""
    notebook_path: str = ""
    """As the Jupyter server named it to the kernel; it stays on this machine."""


class RunTags(Struct, frozen=True, tag="run_tags"):
    """Tags of a run were set."""

    run_id: RunId
    tags: dict[str, str]


class RunTagDeleted(Struct, frozen=True, tag="run_tag_deleted"):
    """A tag of a run is gone."""

    run_id: RunId
    key: str


class RunParams(Struct, frozen=True, tag="run_params"):
    """`automatic` parameters yield to what the user logs under the same key; see `RunEnded`."""

    run_id: RunId
    params: dict[str, str]
    automatic: bool = False


class MetricPoint(Struct, frozen=True):
    """One point that the compact row cannot hold. `value` is `repr` of the float or int."""

    key: str
    value: str
    step: int
    timestamp_ms: int
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class RunMetrics(Struct, frozen=True, tag="run_metrics"):
    """Points that no compact row can hold."""

    run_id: RunId
    metrics: list[MetricPoint]


class RunCall(Struct, frozen=True, tag="run_call"):
    """Another write of MLflow's store, as JSON of its own messages; `method` is on a short list."""

    run_id: RunId
    method: Literal["log_inputs", "log_outputs"]
    body: str
    automatic: bool = False
    """Not asked for by the user: a store that knows no such call is left without it."""


class RunUpdated(Struct, frozen=True, tag="run_updated"):
    """New name or a status that does not end the run (a resumed run is RUNNING again)."""

    run_id: RunId
    name: str | None = None
    status: RunStatus | None = None


class RunProgressed(Struct, frozen=True, tag="run_progressed"):
    """How far a run is; at most four a second are written."""

    run_id: RunId
    progress: Progress
    at_ms: int


class RunPrinted(Struct, frozen=True, tag="run_printed"):
    """Text that a run printed, secrets taken out; not more than a few events a second."""

    run_id: RunId
    stream: Literal["stdout", "stderr"]
    text: str
    at_ms: int


class RunKept(Struct, frozen=True, tag="run_kept"):
    """Files of what a run remembers are whole, on this machine: they belong to its artifacts."""

    run_id: RunId
    names: list[str]


class RunEnded(Struct, frozen=True, tag="run_ended"):
    """A run has ended; `error` says in one line what ended it."""

    run_id: RunId
    status: RunStatus
    end_ms: int
    error: str | None = None


class Noted(Struct, frozen=True, tag="noted"):
    """Something the user must learn of, for example points that could not be kept."""

    code: str
    message: str
    run_id: RunId | None = None
    at_ms: int = 0


JournalEvent = (
    RunBorn
    | RunTags
    | RunTagDeleted
    | RunParams
    | RunMetrics
    | RunCall
    | RunUpdated
    | RunProgressed
    | RunPrinted
    | RunKept
    | RunEnded
    | Noted
)
