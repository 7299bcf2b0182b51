"""Every struct that crosses a process or a language, and nothing else.

The REST routes, the Jupyter events, the journal's events and the command line's `--json` all
use these structs; `python -m jupyter_mltrack.schema` turns them into `openapi.json` and from
there into TypeScript. Times are `*_ms`: milliseconds since the epoch, UTC. Numbers that JSON
cannot hold are null in a column and named in its `nonfinite` map. No secret is in any struct.
Longer than other modules on purpose: whoever looks for a struct finds it here.
"""

from __future__ import annotations

from typing import Literal, NewType

import msgspec

WIRE_VERSION = 1

RunId = NewType("RunId", str)
ExperimentId = NewType("ExperimentId", str)
WorkspaceId = NewType("WorkspaceId", str)

RunStatus = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
WorkspaceKind = Literal["local", "mlflow"]
HealthState = Literal["ready", "connecting", "signed_out", "denied", "unreachable", "broken"]
ProblemCode = Literal[
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "ambiguous",
    "conflict",
    "too_large",
    "unsupported_media_type",
    "too_many_requests",
    "signed_out",
    "store_unreachable",
    "store_timeout",
    "store_error",
    "internal",
]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all answers: immutable, keyword only; fields may be added, never renamed."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all requests: an unknown field is refused."""


# --------------------------------------------------------------------------------- errors


class Problem(Struct):
    """The body of every error answer. The status of the answer follows from `code`."""

    code: ProblemCode
    message: str
    hint: str = ""
    retry_after_ms: int | None = None


# ----------------------------------------------------------------------------- workspaces


class Health(Struct):
    """How a workspace is, in words a person can act on."""

    state: HealthState
    since_ms: int
    message: str = ""
    hint: str = ""
    waiting_points: int = 0
    """Points and events in journals of this user that the store has not got yet."""
    waiting_since_ms: int | None = None
    """When the oldest of them was written; None when nothing waits."""


class WorkspaceInfo(Struct):
    """A place where runs are kept. `uri` is for display: user names and passwords are cut out."""

    id: WorkspaceId
    kind: WorkspaceKind
    name: str
    uri: str
    health: Health
    experiment: str | None = None
    """Name of the experiment that new runs go to; None when MLflow's default is used."""
    current: bool = False


class WorkspaceList(Struct):
    """The workspaces that this server knows."""

    workspaces: list[WorkspaceInfo]


class ExperimentInfo(Struct):
    """One experiment of a workspace."""

    id: ExperimentId
    name: str
    run_count: int | None = None


class ExperimentList(Struct):
    """The experiments of a workspace."""

    experiments: list[ExperimentInfo]


# ----------------------------------------------------------------------------------- runs


class MetricValue(Struct):
    """The newest value of one metric. `value` is None when it is not finite: see `text`."""

    key: str
    value: float | None
    text: str
    """The exact value as text: `repr` of the float or int; "nan", "inf", "-inf" too."""
    step: int
    timestamp_ms: int


class RunSummary(Struct):
    """One row of a list of runs."""

    run_id: RunId
    workspace_id: WorkspaceId
    experiment_id: ExperimentId | None
    experiment: str | None
    name: str
    status: RunStatus
    start_ms: int
    end_ms: int | None
    metrics: list[MetricValue]
    """Newest value of each metric, main metrics first (loss, accuracy ...), then by name."""
    parent_run_id: RunId | None = None
    notebook: str | None = None
    error: str | None = None
    """Last line of the error that ended the run."""
    waiting_points: int = 0
    """Points of this run that the store has not got yet."""
    live: bool = False
    """True when a journal on this machine is being written for this run."""
    hidden_metrics: int = 0
    """How many metrics the run has beyond `metrics`: a list shows the first ones only."""


class RunPage(Struct):
    """One page of a list of runs."""

    runs: list[RunSummary]
    next_page_token: str | None = None
    total: int | None = None
    problem: Problem | None = None
    """Why the store could not be asked; `runs` is then what waits on this machine."""


class Pair(Struct):
    """A parameter or a tag."""

    key: str
    value: str


class RunDetail(Struct):
    """One run with its parameters and tags."""

    summary: RunSummary
    params: list[Pair]
    tags: list[Pair]
    artifact_uri: str | None = None
    link: str | None = None
    """Address of the run's page in the workspace's own web page, if it has one."""
    merged: bool = False
    """True when the store could not be asked and the answer comes from the journal alone."""


class LiveRun(Struct):
    """A running run (or one that ended within the last minute) with what a row shows."""

    summary: RunSummary
    sparkline: list[float | None]
    """At most 40 values of the first main metric, oldest first."""
    sparkline_key: str | None
    cursor: int
    """Grows with every change of this run; equal cursors mean nothing new to fetch."""


class LiveRuns(Struct):
    """The runs that are live now, of all workspaces or one."""

    runs: list[LiveRun]
    now_ms: int
    """The server's clock, so that a page with another clock shows right durations."""


class Column(Struct):
    """The points of one metric, ascending by arrival. All lists have the same length n."""

    key: str
    steps: list[int]
    timestamps_ms: list[int]
    values: list[float | None]
    nonfinite: dict[str, str] = {}
    """Index in `values` (as text) -> "NaN", "Infinity" or "-Infinity"."""
    exact: dict[str, str] = {}
    """Index in `values` (as text) -> the whole number, where a float cannot hold it."""
    total: int = 0
    """How many points the run has for this key; more than n when points were thinned out."""


class Series(Struct):
    """Points of a run since a cursor; thinned to minimum and maximum of each bucket."""

    run_id: RunId
    status: RunStatus
    columns: list[Column]
    cursor: int
    reset: bool = False
    """True when the page must drop what it has: `columns` start from the first point."""
    hidden_columns: int = 0
    """How many metrics the run has beyond those that can be drawn."""
    note: str = ""
    """What is missing here and where it is kept; empty when nothing is."""


class Status(Struct):
    """What a page asks first. A page of another `wire_version` asks for a reload and stops."""

    wire_version: int
    version: str
    now_ms: int


class StatusReport(Struct):
    """What the verb `status` answers."""

    workspace: WorkspaceInfo
    running: list[RunSummary]
    waiting: list[WorkspaceInfo]
    """Other workspaces that points on this machine wait for."""
    auto: bool | None = None
    """Whether every cell is tracked; None outside a notebook."""
    problem: Problem | None = None
    """Why the running runs could not be asked for."""


class Removed(Struct):
    """What the verb `rm` did; `done` is False when the person said no."""

    what: str
    done: bool


class SyncReport(Struct):
    """What one shipping did. `waiting_points` is what is still to be sent afterwards."""

    shipped_points: int
    waiting_points: int
    problems: list[Problem] = []


class ArtifactInfo(Struct):
    """One entry of a run's artifact folder. `path` is relative to the run's artifact root."""

    path: str
    is_dir: bool
    size_bytes: int | None = None


class ArtifactList(Struct):
    """What one folder of a run's artifacts holds."""

    artifacts: list[ArtifactInfo]
    truncated: bool = False
    """True when the folder holds more entries than are listed."""


# --------------------------------------------------------------------------------- models


class ModelVersionInfo(Struct):
    """One version of a registered model, as a row of a list shows it."""

    name: str
    version: str
    created_ms: int
    updated_ms: int
    status: str = "READY"
    """MLflow's word: READY, PENDING_REGISTRATION or FAILED_REGISTRATION."""
    aliases: list[str] = []
    stage: str | None = None
    """Staging, Production or Archived; None where the version has no stage."""
    run_id: RunId | None = None
    run_name: str | None = None
    source: str = ""
    """Where its files were registered from, as the store gives it."""
    description: str = ""
    tags: list[Pair] = []
    metrics: list[MetricValue] = []
    """Newest values of the run that made it, main metrics first."""


class ModelInfo(Struct):
    """One registered model. `versions` are the newest ones, newest first."""

    name: str
    workspace_id: WorkspaceId
    created_ms: int
    updated_ms: int
    description: str = ""
    tags: list[Pair] = []
    aliases: list[Pair] = []
    """Alias -> version."""
    versions: list[ModelVersionInfo] = []
    version_count: int | None = None


class ModelPage(Struct):
    """One page of a list of registered models, the one changed last first."""

    models: list[ModelInfo]
    next_page_token: str | None = None
    total: int | None = None


class ModelField(Struct):
    """One input, output or parameter of a model's signature."""

    name: str
    type: str
    """MLflow's word: double, float, long, integer, string, boolean, datetime, tensor(...) ..."""
    required: bool = True
    shape: list[int] | None = None
    """Of a tensor; -1 where the length is free."""
    default: str | None = None
    """JSON of a parameter's default; None for inputs and outputs."""


class ModelSignature(Struct):
    """What a model takes and gives."""

    inputs: list[ModelField] = []
    outputs: list[ModelField] = []
    params: list[ModelField] = []


class ModelVersionDetail(Struct):
    """One version with what lies in its files; nothing of it was loaded."""

    version: ModelVersionInfo
    files: list[ArtifactInfo] = []
    mlmodel: str = ""
    """Text of the MLmodel file."""
    flavors: list[str] = []
    signature: ModelSignature | None = None
    input_example: str | None = None
    """JSON as it was saved; None where there is none."""
    requirements: list[str] = []
    size_bytes: int | None = None
    problem: Problem | None = None
    """Why the files could not be read; the rest is still right."""


# --------------------------------------------------------------------------------- events


class Nudge(Struct):
    """Jupyter event: something changed; fetch it if you show it. Carries no values."""

    kind: Literal["points", "runs", "health"]
    workspace_id: WorkspaceId
    run_ids: list[RunId] = []
    cursors: list[int] = []
    """One for each of `run_ids`."""


# ------------------------------------------------------------------- journal: what is kept


class JournalMeta(Struct):
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


class RunBorn(Struct, tag="run_born"):
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


class RunTags(Struct, tag="run_tags"):
    """Tags of a run were set."""

    run_id: RunId
    tags: dict[str, str]


class RunTagDeleted(Struct, tag="run_tag_deleted"):
    """A tag of a run is gone."""

    run_id: RunId
    key: str


class RunParams(Struct, tag="run_params"):
    """`automatic` parameters yield to what the user logs under the same key; see `RunEnded`."""

    run_id: RunId
    params: dict[str, str]
    automatic: bool = False


class MetricPoint(Struct):
    """One point that the compact row cannot hold. `value` is `repr` of the float or int."""

    key: str
    value: str
    step: int
    timestamp_ms: int
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class RunMetrics(Struct, tag="run_metrics"):
    """Points that no compact row can hold."""

    run_id: RunId
    metrics: list[MetricPoint]


class RunCall(Struct, tag="run_call"):
    """Another write of MLflow's store, as JSON of its own messages; `method` is on a short list."""

    run_id: RunId
    method: Literal["log_inputs", "log_outputs"]
    body: str


class RunUpdated(Struct, tag="run_updated"):
    """New name or a status that does not end the run (a resumed run is RUNNING again)."""

    run_id: RunId
    name: str | None = None
    status: RunStatus | None = None


class RunEnded(Struct, tag="run_ended"):
    """A run has ended; `error` is the last line of what ended it."""

    run_id: RunId
    status: RunStatus
    end_ms: int
    error: str | None = None


class Noted(Struct, tag="noted"):
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
    | RunEnded
    | Noted
)
