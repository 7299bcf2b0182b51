"""Artifacts of runs (run history) and of nothing in particular (`LocalUpload`): names here, bytes in blobs.

An artifact is written once: its address lets a client create the blob, and there is no call that deletes it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure.blobs import address, blobs_of
from tests.emulators.azure.core import ApiError, Json, Route, State, Workspace, body_of, now_iso

CONTAINER = "azureml"  # the blob container of all artifacts of a workspace
_PAGE = 5000


class Book:
    """Which artifacts a workspace has: (origin, container) -> path -> time of creation."""

    def __init__(self) -> None:
        self.paths: dict[tuple[str, str], dict[str, str]] = {}

    def of(self, origin: str, container: str) -> dict[str, str]:
        return self.paths.setdefault((origin, container), {})


def book_of(workspace: Workspace) -> Book:
    return workspace.rooms.setdefault("artifacts", Book())


def blob_name(origin: str, container: str, path: str) -> str:
    return f"{origin}/{container}/{path}"


def run_container(run_id: str) -> str:
    return f"dcid.{run_id}"


def add(state: State, workspace: Workspace, run_id: str, path: str, content: bytes) -> None:
    """An artifact of a run that the service itself writes (it may write it anew)."""
    origin, container = "ExperimentRun", run_container(run_id)
    book_of(workspace).of(origin, container).setdefault(path, now_iso())
    key = (workspace.account, CONTAINER, blob_name(origin, container, path))
    blobs_of(state).put(key, content)


def add_log(state: State, workspace: Workspace, run_id: str, path: str) -> Path:
    """The file of a log that grows while it is read."""
    origin, container = "ExperimentRun", run_container(run_id)
    book_of(workspace).of(origin, container).setdefault(path, now_iso())
    return blobs_of(state).grow((workspace.account, CONTAINER, blob_name(origin, container, path)))


def link(
    state: State, workspace: Workspace, origin: str, container: str, path: str, may: str = "r"
) -> str:
    return address(state, workspace, CONTAINER, blob_name(origin, container, path), may=may)


def files(state: State, workspace: Workspace, origin: str, container: str) -> dict[str, Path]:
    """Paths of uploaded artifacts and the files that hold them."""
    store, found = blobs_of(state), {}
    for path in book_of(workspace).of(origin, container):
        key = (workspace.account, CONTAINER, blob_name(origin, container, path))
        if store.has(key):
            found[path] = store.get(key).file
    return found


def _place(request: Request) -> tuple[str, str]:
    at = request.path_params
    if "run" in at:
        return "ExperimentRun", run_container(at["run"])
    return at["origin"], at["container"]


def _artifact(origin: str, container: str, path: str, created: str) -> Json:
    return {
        "artifactId": f"{origin}/{container}/{path}",
        "origin": origin,
        "container": container,
        "path": path,
        "etag": None,
        "createdTime": created,
    }


def _content(
    state: State, workspace: Workspace, place: tuple[str, str], path: str, may: str
) -> Json:
    origin, container = place
    return {
        "contentUri": link(state, workspace, origin, container, path, may),
        "origin": origin,
        "container": container,
        "path": path,
    }


async def list_artifacts(state: State, request: Request) -> Response:
    """All files of the run, flat; `continuationToken` for the pages."""
    place = _place(request)
    prefix = request.query_params.get("path", "")
    known = sorted(book_of(state.workspace(request)).of(*place).items())
    start = int(request.query_params.get("continuationToken") or 0)
    rows = [_artifact(*place, path, at) for path, at in known if path.startswith(prefix)]
    more = start + _PAGE < len(rows)
    token = str(start + _PAGE) if more else None
    link_next = str(request.url.include_query_params(continuationToken=token)) if more else None
    body = {"value": rows[start : start + _PAGE], "continuationToken": token, "nextLink": link_next}
    return JSONResponse(body)


async def content_info(state: State, request: Request) -> Response:
    workspace, place = state.workspace(request), _place(request)
    path = request.query_params.get("path", "")
    if path not in book_of(workspace).of(*place):
        raise ApiError(404, "UserError", f"Artifact not found: {'/'.join(place)}/{path}")
    return JSONResponse(_content(state, workspace, place, path, "r"))


async def metadata_batch(state: State, request: Request) -> Response:
    """Names of artifacts about to be uploaded, and the addresses to upload them to."""
    workspace, place = state.workspace(request), _place(request)
    body = await body_of(request)
    paths = [str(row["path"]) for row in body.get("paths", [])]
    book = book_of(workspace).of(*place)
    answer: dict[str, Any] = {"artifacts": {}, "artifactContentInformation": {}, "errors": {}}
    for path in paths:
        created = book.setdefault(path, now_iso())
        answer["artifacts"][path] = _artifact(*place, path, created)
        answer["artifactContentInformation"][path] = _content(state, workspace, place, path, "rcw")
    return JSONResponse(answer)


_PLACES = (
    "/history/v1.0{S}/experiments/{experiment}/runs/{run}/artifacts",
    "/history/v1.0{S}/experimentids/{experiment}/runs/{run}/artifacts",
    "/artifact/v2.0{S}/artifacts/{origin}/{container}",
)
ROUTES = [
    row
    for place in _PLACES
    for row in (
        Route("GET", f"{place}/contentinfo", content_info),
        Route("POST", f"{place}/batch/metadata", metadata_batch),
        Route("GET", place, list_artifacts),
    )
]
