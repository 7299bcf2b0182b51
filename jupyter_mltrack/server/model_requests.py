"""What requests about models, deploys and endpoints may say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from jupyter_mltrack.server.requests import RunField, WorkspaceField
from jupyter_mltrack.wire import Request

ModelField = Annotated[str, Meta(min_length=1, max_length=1_000)]
VersionField = Annotated[str, Meta(pattern=r"\A\d{1,9}\Z")]
EndpointField = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")]
LabelField = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9-]{0,63}\Z")]
TargetField = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_-]{0,40}\Z")]
JobField = Annotated[str, Meta(pattern=r"\A[0-9a-f]{20}\Z")]
DigestField = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
KeyField = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9-]{16,64}\Z")]
WordsField = Annotated[str, Meta(min_length=1, max_length=1_500)]
TextField = Annotated[str, Meta(max_length=5_000)]
PercentField = Annotated[int, Meta(ge=0, le=100)]

BODY_CHARACTERS_MAX = 50_000


class ModelsRequest(Request, frozen=True):
    """`search` is words that must be in the name."""

    workspace: WorkspaceField
    search: Annotated[str, Meta(max_length=500)] = ""
    page_token: Annotated[str, Meta(max_length=2_000)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class ModelRequest(Request, frozen=True):
    """Which model."""

    workspace: WorkspaceField
    name: ModelField


class ModelVersionRequest(Request, frozen=True):
    """Which version of which model."""

    workspace: WorkspaceField
    name: ModelField
    version: VersionField


class RegisterRequest(Request, frozen=True):
    """`path` names the model where the run logged several."""

    workspace_id: WorkspaceField
    run_id: RunField
    name: ModelField
    path: Annotated[str, Meta(max_length=1_000)] | None = None


class AliasRequest(Request, frozen=True):
    """Point `alias` at a version, or take it away."""

    workspace_id: WorkspaceField
    name: ModelField
    version: VersionField
    alias: Annotated[str, Meta(min_length=1, max_length=255)]
    remove: bool = False


class ModelTagRequest(Request, frozen=True):
    """Set a tag of a model, or of one version; without a value it is taken away."""

    workspace_id: WorkspaceField
    name: ModelField
    key: Annotated[str, Meta(min_length=1, max_length=250)]
    value: TextField | None
    version: VersionField | None = None


class RemoveModelRequest(Request, frozen=True):
    """`confirm` is the model's name once more: deleting takes a second word."""

    workspace_id: WorkspaceField
    name: ModelField
    confirm: ModelField
    version: VersionField | None = None


class PlanRequest(Request, frozen=True):
    """`model` is NAME/VERSION, NAME@ALIAS, or an address of MLflow."""

    workspace_id: WorkspaceField
    model: WordsField
    target: TargetField = "local"
    name: EndpointField | None = None


class DeployRequest(Request, frozen=True):
    """`key` is new for each thing that is wanted: the same key never makes a second deployment."""

    workspace_id: WorkspaceField
    model: WordsField
    key: KeyField
    target: TargetField = "local"
    name: EndpointField | None = None
    options: dict[str, Any] = field(default_factory=dict)
    traffic_percent: PercentField | None = None
    shadow: bool = False
    consent_digest: DigestField | None = None


class JobRequest(Request, frozen=True):
    """Which job."""

    id: JobField


class EndpointRequest(Request, frozen=True):
    """Which endpoint."""

    name: EndpointField


class LogsRequest(Request, frozen=True):
    """The log of one version, or of all behind the endpoint.

    `workspace`, here and in the acts below: of Azure ML, for an endpoint that lives there.
    """

    name: EndpointField
    workspace: WorkspaceField | None = None
    label: LabelField | None = None
    lines: Annotated[int, Meta(ge=1, le=1_000)] = 200


class TrafficRequest(Request, frozen=True):
    """Version -> share; together 100. `shadow` versions get copies."""

    name: EndpointField
    percents: Annotated[dict[LabelField, PercentField], Meta(max_length=20)]
    shadow: Annotated[list[LabelField], Meta(max_length=20)] = field(default_factory=list)
    workspace_id: WorkspaceField | None = None


class RemoveEndpointRequest(Request, frozen=True):
    """`confirm` is the endpoint's name once more; `label` for one version behind it."""

    name: EndpointField
    confirm: EndpointField
    label: LabelField | None = None
    workspace_id: WorkspaceField | None = None


class PredictRequest(Request, frozen=True):
    """`body` is the JSON text that the scoring server gets."""

    name: EndpointField
    body: Annotated[str, Meta(min_length=1, max_length=BODY_CHARACTERS_MAX)]
    workspace_id: WorkspaceField | None = None


class CloudEndpointRequest(Request, frozen=True):
    """Which endpoint of which Azure ML workspace."""

    workspace: WorkspaceField
    name: EndpointField


class KeysRequest(Request, frozen=True):
    """The key goes into a private file of the server's user; `regenerate` makes it anew first."""

    workspace_id: WorkspaceField
    name: EndpointField
    regenerate: Literal["", "primary", "secondary"] = ""


class MonitorRequest(Request, frozen=True):
    """What was asked within the last `window_s` seconds."""

    name: EndpointField
    window_s: Annotated[int, Meta(ge=60, le=90 * 24 * 3600)] = 3600


class DriftRequest(Request, frozen=True):
    """`window_s`: only what was asked within the last so many seconds; None for all kept."""

    workspace_id: WorkspaceField
    name: EndpointField
    window_s: Annotated[int, Meta(ge=60, le=90 * 24 * 3600)] | None = None
