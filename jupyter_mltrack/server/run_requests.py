"""What requests about runs may say, beyond looking at one list and one run."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from jupyter_mltrack.server.requests import (
    ExperimentField,
    PathField,
    RunField,
    WorkspaceField,
)
from jupyter_mltrack.wire import Request

RunsField = Annotated[list[RunField], Meta(min_length=1, max_length=200)]
TagKeyField = Annotated[str, Meta(min_length=1, max_length=250)]
SpecField = Annotated[str, Meta(min_length=1, max_length=2_000)]

COMPARED_MAX = 50


class RunColumnsRequest(Request, frozen=True):
    """Of which list; `search` as in the list."""

    workspace: WorkspaceField
    experiment: ExperimentField | None = None
    search: Annotated[str, Meta(max_length=2_000)] | None = None
    deleted: bool = False


class RunDetailsRequest(Request, frozen=True):
    """Which runs; an id that is not there is named in the answer."""

    workspace: WorkspaceField
    run_ids: Annotated[list[RunField], Meta(min_length=1, max_length=COMPARED_MAX)]


class RunDiffRequest(Request, frozen=True):
    """Which two runs."""

    workspace: WorkspaceField
    left: RunField
    right: RunField


class MetricTableRequest(Request, frozen=True):
    """`search` is words that must each be in the metric's name."""

    run_id: RunField
    workspace: WorkspaceField
    search: Annotated[str, Meta(max_length=500)] = ""
    offset: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 200


class OutputRequest(Request, frozen=True):
    """`since` is the `cursor` of an earlier answer; `lines` at most are answered, the last ones."""

    run_id: RunField
    workspace: WorkspaceField
    since: Annotated[int, Meta(ge=0, le=2**62)] = 0
    lines: Annotated[int, Meta(ge=1, le=1_000)] = 1_000


class AboutRequest(Request, frozen=True):
    """Which run."""

    run_id: RunField
    workspace: WorkspaceField


class PreviewRequest(Request, frozen=True):
    """`path` is a file below the run's artifact root."""

    run_id: RunField
    workspace: WorkspaceField
    path: Annotated[str, Meta(min_length=1, max_length=4_096)]


class ExportRequest(Request, frozen=True):
    """`to` is the form of the file."""

    run_id: RunField
    workspace: WorkspaceField
    to: Literal["script", "notebook", "html"]


class TagRunsRequest(Request, frozen=True):
    """Set a tag of runs; without a value it is taken away."""

    workspace_id: WorkspaceField
    run_ids: RunsField
    key: TagKeyField
    value: Annotated[str, Meta(max_length=8_000)] | None = None


class RenameRunRequest(Request, frozen=True):
    """Give a run another name."""

    workspace_id: WorkspaceField
    run_id: RunField
    name: Annotated[str, Meta(min_length=1, max_length=500)]


class RunIdsRequest(Request, frozen=True):
    """Which runs."""

    workspace_id: WorkspaceField
    run_ids: RunsField


class StopRunRequest(Request, frozen=True):
    """Which run."""

    workspace_id: WorkspaceField
    run_id: RunField


class AddWorkspaceRequest(Request, frozen=True):
    """`spec` is an http(s) address, or a folder below the server's root; `path` the notebook's."""

    spec: SpecField
    name: Annotated[str, Meta(max_length=60)] = ""
    path: PathField | None = None


class ForgetWorkspaceRequest(Request, frozen=True):
    """Which workspace of the list is not to be in it any more; nothing in it is deleted."""

    workspace_id: WorkspaceField


class DescribeModelRequest(Request, frozen=True):
    """Describe a model, or one version."""

    workspace_id: WorkspaceField
    name: Annotated[str, Meta(min_length=1, max_length=1_000)]
    description: Annotated[str, Meta(max_length=5_000)]
    version: Annotated[str, Meta(pattern=r"\A\d{1,9}\Z")] | None = None


class StageRequest(Request, frozen=True):
    """Move a version to a stage, where the workspace has stages and no aliases."""

    workspace_id: WorkspaceField
    name: Annotated[str, Meta(min_length=1, max_length=1_000)]
    version: Annotated[str, Meta(pattern=r"\A\d{1,9}\Z")]
    stage: Literal["None", "Staging", "Production", "Archived"]


__all__ = [
    "AboutRequest",
    "AddWorkspaceRequest",
    "DescribeModelRequest",
    "ExportRequest",
    "ForgetWorkspaceRequest",
    "MetricTableRequest",
    "OutputRequest",
    "PreviewRequest",
    "RenameRunRequest",
    "RunColumnsRequest",
    "RunDetailsRequest",
    "RunDiffRequest",
    "RunIdsRequest",
    "StageRequest",
    "TagRunsRequest",
]
