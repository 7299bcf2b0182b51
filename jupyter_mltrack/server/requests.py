"""What a request may say: one frozen struct per route, decoded before any code of ours runs.

Path, query and body fields of a route are one struct; an unknown field or a value out of its
bounds is refused with 400. No struct takes a tracking URI: a workspace is named by its id only.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from jupyter_mltrack.journal.columns import Window
from jupyter_mltrack.wire import ExperimentId, Request, RunId, WorkspaceId

__all__ = [
    "ArtifactFileRequest",
    "ArtifactsRequest",
    "ExperimentsRequest",
    "LiveRequest",
    "NoFields",
    "RunRequest",
    "RunsRequest",
    "SeriesRequest",
    "SyncRequest",
    "WorkspacesRequest",
]

WorkspaceField = Annotated[WorkspaceId, Meta(pattern=r"\A[0-9a-f]{12}\Z")]
RunField = Annotated[RunId, Meta(pattern=r"\A[A-Za-z0-9_-]{1,256}\Z")]
ExperimentField = Annotated[ExperimentId, Meta(pattern=r"\A[A-Za-z0-9_-]{1,256}\Z")]
KeyField = Annotated[str, Meta(min_length=1, max_length=5_000)]
ColumnField = Annotated[str, Meta(pattern=r"(?s)\A(?:metrics|params|tags)\..{1,5000}\Z")]
PathField = Annotated[str, Meta(max_length=4_096)]

MAX_SERIES_POINTS = 2_000
MAX_CURSOR = 2**62


class NoFields(Request, frozen=True):
    """A request that says nothing."""


class WorkspacesRequest(Request, frozen=True):
    """`path` is the notebook's path below the server's root folder, as JupyterLab names it."""

    path: PathField | None = None


class ExperimentsRequest(Request, frozen=True):
    """Which workspace's."""

    workspace: WorkspaceField


class LiveRequest(Request, frozen=True):
    """Without a workspace: the live runs of every workspace on this machine."""

    workspace: WorkspaceField | None = None


class RunsRequest(Request, frozen=True):
    """`search` is words, or a filter in MLflow's language when it holds a comparison.

    `order_by` is a term in MLflow's language (``metrics.`val loss` DESC``). With `columns`
    (`metrics.loss`, `params.lr`, `tags.team`) rows hold these and nothing else of the kind. With
    `roots` rows are runs that are nested under none, with `parent` those right below one.
    """

    workspace: WorkspaceField
    experiment: ExperimentField | None = None
    search: Annotated[str, Meta(max_length=2_000)] | None = None
    order_by: Annotated[str, Meta(max_length=6_000)] | None = None
    columns: Annotated[list[ColumnField], Meta(max_length=200)] | None = None
    deleted: bool = False
    roots: bool = False
    parent: RunField | None = None
    page_token: Annotated[str, Meta(max_length=2_000)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class RunRequest(Request, frozen=True):
    """Which run."""

    run_id: RunField
    workspace: WorkspaceField


class SeriesRequest(Request, frozen=True):
    """`since` is the `cursor` of an earlier answer; 0 asks for everything."""

    run_id: RunField
    workspace: WorkspaceField
    since: Annotated[int, Meta(ge=0, le=MAX_CURSOR)] = 0
    keys: Annotated[list[KeyField], Meta(max_length=500)] | None = None
    max_points: Annotated[int, Meta(ge=10, le=MAX_SERIES_POINTS)] = MAX_SERIES_POINTS
    start: Annotated[int, Meta(ge=-(2**62), le=MAX_CURSOR)] | None = None
    """With `end`: only points from the one to the other are thinned and answered; `since` is 0."""
    end: Annotated[int, Meta(ge=-(2**62), le=MAX_CURSOR)] | None = None
    x: Literal["step", "time"] = "step"
    """What `start` and `end` are."""

    @property
    def window(self) -> Window | None:
        """The part that is looked at; None for the whole run."""
        if self.start is None and self.end is None:
            return None
        return Window(self.start, self.end, self.x)


class ArtifactsRequest(Request, frozen=True):
    """`path` is a folder below the run's artifact root; empty for the root itself."""

    run_id: RunField
    workspace: WorkspaceField
    path: PathField = ""


class SyncRequest(Request, frozen=True):
    """Without a workspace: every one that something waits for."""

    workspace_id: WorkspaceField | None = None


class ArtifactFileRequest(Request, frozen=True):
    """`path` is a file below the run's artifact root."""

    run_id: RunField
    workspace: WorkspaceField
    path: Annotated[str, Meta(min_length=1, max_length=4_096)]
