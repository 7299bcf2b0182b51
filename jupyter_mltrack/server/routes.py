"""The one table of routes: handlers, OpenAPI and the TypeScript types are made from it.

A route that is not a row here does not exist. `action` is what the server's authorizer is asked
for on the resource "mltrack". The status of an error answer follows from its code, here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.server import requests
from jupyter_mltrack.server.service import FileAnswer, Service

API_PREFIX = "mltrack/api"
AUTH_RESOURCE = "mltrack"

Action = Literal["read", "write", "execute"]

STATUS_OF_CODE: dict[str, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "ambiguous": 409,
    "conflict": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "too_many_requests": 429,
    "signed_out": 502,
    "store_unreachable": 502,
    "store_timeout": 504,
    "store_error": 502,
    "internal": 503,
}


@dataclass(frozen=True)
class Route:
    """One method of one path.

    Attributes:
        name: the operation's name in OpenAPI.
        path: below `API_PREFIX`; `{field}` names a field of `request`.
        action: what the authorizer is asked for.
        request: struct of the path, query and (for POST) body fields.
        answer: struct of the answer, or `FileAnswer` for bytes.
        function: called with the service and the decoded request.
        summary: one line for people.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    action: Action
    request: type[wire.Request]
    answer: type[wire.Struct | FileAnswer]
    function: Callable[[Service, Any], Awaitable[msgspec.Struct | FileAnswer]]
    summary: str


ROUTES: tuple[Route, ...] = (
    Route(
        "getStatus", "GET", "status", "read",
        requests.NoFields, wire.Status, Service.status,
        "What a page asks first: the version of the wire and of the package.",
    ),
    Route(
        "listWorkspaces", "GET", "workspaces", "read",
        requests.WorkspacesRequest, wire.WorkspaceList, Service.workspaces,
        "Workspaces known here; the notebook's own is `current`.",
    ),
    Route(
        "listExperiments", "GET", "experiments", "read",
        requests.ExperimentsRequest, wire.ExperimentList, Service.experiments,
        "Experiments of a workspace.",
    ),
    Route(
        "listLiveRuns", "GET", "live", "read",
        requests.LiveRequest, wire.LiveRuns, Service.live,
        "Runs that are running, or ended within the last minute, newest first.",
    ),
    Route(
        "listRuns", "GET", "runs", "read",
        requests.RunsRequest, wire.RunPage, Service.runs,
        "A page of runs, newest first.",
    ),
    Route(
        "getRun", "GET", "runs/{run_id}", "read",
        requests.RunRequest, wire.RunDetail, Service.run,
        "One run with its parameters and tags.",
    ),
    Route(
        "getSeries", "GET", "runs/{run_id}/series", "read",
        requests.SeriesRequest, wire.Series, Service.series,
        "Points of a run since a cursor, thinned to `max_points` a metric.",
    ),
    Route(
        "listArtifacts", "GET", "runs/{run_id}/artifacts", "read",
        requests.ArtifactsRequest, wire.ArtifactList, Service.artifacts,
        "Entries of a folder of a run's artifacts.",
    ),
    Route(
        "getArtifactFile", "GET", "runs/{run_id}/artifacts/file", "read",
        requests.ArtifactFileRequest, FileAnswer, Service.artifact_file,
        "One artifact as a download.",
    ),
    Route(
        "sync", "POST", "sync", "write",
        requests.SyncRequest, wire.SyncReport, Service.sync,
        "Ship what waits in journals now; connects a workspace that only a project file names.",
    ),
)  # fmt: skip
