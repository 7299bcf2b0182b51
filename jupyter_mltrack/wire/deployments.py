"""Endpoints, the versions behind them, and the jobs that make them."""

from __future__ import annotations

from typing import Literal

from jupyter_mltrack.wire.base import Pair, Problem, RunId, Struct, WorkspaceId

DeploymentState = Literal["deploying", "ready", "unhealthy", "failed", "stopped"]
StepState = Literal["waiting", "running", "done", "failed"]
JobState = Literal["running", "done", "failed"]


class EndpointStats(Struct, frozen=True):
    """What was asked within the last `window_s` seconds."""

    window_s: int = 60
    requests: int = 0
    errors: int = 0
    requests_per_s: float = 0.0
    p50_ms: float | None = None
    p95_ms: float | None = None


class DeploymentInfo(Struct, frozen=True):
    """One version of a model behind an endpoint."""

    label: str
    """What traffic is given to: the version's number, or the beginning of a run's or model's id."""
    model: str
    version: str | None
    uri: str
    state: DeploymentState
    run_id: RunId | None = None
    traffic_percent: int = 0
    shadow: bool = False
    """True when it gets a copy of each request and its answers are only kept, never sent."""
    replicas: int = 1
    replicas_ready: int = 0
    restarts: int = 0
    memory_bytes: int | None = None
    """Of all its replicas, shared pages counted once."""
    deployed_ms: int = 0
    by: str = ""
    digest: str = ""
    """SHA-256 of the model's files."""
    detail: str = ""
    problem: Problem | None = None
    """Why it is unhealthy or failed."""
    log_tail: list[str] = []
    """The log's last lines, where it failed."""
    stats: EndpointStats = EndpointStats()


class EndpointInfo(Struct, frozen=True):
    """A name that answers requests, with the versions behind it."""

    name: str
    target: str
    workspace_id: WorkspaceId
    workspace_name: str
    state: DeploymentState
    created_ms: int
    updated_ms: int
    address: str = ""
    token_file: str = ""
    """File that holds the token; the token itself is in no answer."""
    deployments: list[DeploymentInfo] = []
    stats: EndpointStats = EndpointStats()
    asleep: bool = False
    """True when its replicas ended for want of requests; the next request starts them."""
    job_id: str | None = None
    """The job that works on it now."""
    detail: str = ""
    options: str = "{}"
    """JSON of the options it was deployed with."""
    snippets: list[Pair] = []
    """How to ask it, ready to copy: curl, Python."""
    resource: str = ""
    """What the cloud calls it (an ARM id), where it lives in one."""
    link: str = ""
    """Its page at the cloud."""
    costs: str = ""
    """Why it costs money now; empty where it does not."""


class EndpointList(Struct, frozen=True):
    """Endpoints that were made from this machine, by name."""

    endpoints: list[EndpointInfo]
    jobs: list[JobInfo] = []
    """Deploys that run now, and those that failed within the last hour."""


class TargetInfo(Struct, frozen=True):
    """A place that models can be deployed to."""

    name: str
    title: str
    help: str
    available: bool
    why_not: str = ""
    form: str = "{}"
    """JSON Schema of its options; `x-advanced` marks those that a form folds."""


class TargetList(Struct, frozen=True):
    """Places that models can be deployed to."""

    targets: list[TargetInfo]


class DeployPlan(Struct, frozen=True):
    """What a deploy would do and what would run. Nothing was loaded to find out."""

    model: str
    version: str | None
    uri: str
    label: str
    name: str
    """Of the endpoint, where none is given."""
    digest: str
    needs_consent: bool
    reason: str
    """Why it needs consent, or why not, in words."""
    run_id: RunId | None = None
    run_name: str | None = None
    made_by: str = ""
    made_ms: int | None = None
    flavors: list[str] = []
    code_files: list[str] = []
    """Files of the model that run or may run when it is loaded."""
    requirements: list[str] = []
    unmet: list[str] = []
    """Requirements that this Python does not meet, each with what there is."""
    size_bytes: int = 0
    existing: str = ""
    """What the endpoint of that name serves now; empty where there is none."""
    hints: list[str] = []
    costs: bool = False
    """Whether it costs money as long as it is there."""


class JobStep(Struct, frozen=True):
    """One step of a job."""

    name: str
    title: str
    state: StepState = "waiting"
    seconds: float | None = None
    detail: str = ""


class JobInfo(Struct, frozen=True):
    """Long work that a process of its own does; whoever asks again sees how it stands."""

    id: str
    kind: Literal["deploy"]
    subject: str
    """Name of the endpoint."""
    title: str
    state: JobState
    started_ms: int
    steps: list[JobStep] = []
    log_tail: list[str] = []
    problem: Problem | None = None
    ended_ms: int | None = None
    endpoint: EndpointInfo | None = None
    """What came of it."""


class Prediction(Struct, frozen=True):
    """What an endpoint answered."""

    endpoint: str
    status: int
    latency_ms: float
    version: str = ""
    request_id: str = ""
    columns: list[str] = []
    rows: list[list[str]] = []
    """Text of each cell, at most 200 rows."""
    row_count: int = 0
    body: str = ""
    """The answer as it came, at most 100,000 characters."""
    problem: Problem | None = None
    """Why the model could not answer."""
