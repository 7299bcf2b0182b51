"""Registered models, their versions and signatures."""

from __future__ import annotations

from jupyter_mltrack.wire.artifacts import ArtifactInfo
from jupyter_mltrack.wire.base import Pair, Problem, RunId, Struct, WorkspaceId
from jupyter_mltrack.wire.metrics import MetricValue


class ModelVersionInfo(Struct, frozen=True):
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


class ModelInfo(Struct, frozen=True):
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


class ModelPage(Struct, frozen=True):
    """One page of a list of registered models, the one changed last first."""

    models: list[ModelInfo]
    next_page_token: str | None = None
    total: int | None = None


class ModelField(Struct, frozen=True):
    """One input, output or parameter of a model's signature."""

    name: str
    type: str
    """MLflow's word: double, float, long, integer, string, boolean, datetime, tensor(...) ..."""
    required: bool = True
    shape: list[int] | None = None
    """Of a tensor; -1 where the length is free."""
    default: str | None = None
    """JSON of a parameter's default; None for inputs and outputs."""


class ModelSignature(Struct, frozen=True):
    """What a model takes and gives."""

    inputs: list[ModelField] = []
    outputs: list[ModelField] = []
    params: list[ModelField] = []


class ModelVersionDetail(Struct, frozen=True):
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
