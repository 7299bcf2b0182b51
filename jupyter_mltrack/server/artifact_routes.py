"""What the routes about the artifacts of one run do.

Listing, previews and files work for any workspace: what lies on this machine goes through the one
resolver, everything else through MLflow's repositories in processes of our own. A view is the one
answer here that a browser draws by itself: its headers leave it nothing but its own bytes.
"""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, NotFound
from jupyter_mltrack.server import artifacts, far_artifacts, requests, run_requests
from jupyter_mltrack.server.far_download import Downloads
from jupyter_mltrack.server.file_answer import FileAnswer
from jupyter_mltrack.workspaces import Workspace

if TYPE_CHECKING:
    from jupyter_mltrack.server.service import Service

FAR_LIMIT_S = 20.0
VIEW_BYTES_MAX = 5 << 20
VIEW_POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; "
    "frame-ancestors {ancestors}"
)
VIEW_TYPES = {
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".svg": "image/svg+xml",
}
_downloads = Downloads()


async def list_artifacts(service: Service, request: requests.ArtifactsRequest) -> wire.ArtifactList:
    """Entries of a folder of a run's artifacts."""
    workspace = await service.asked(request.workspace)
    args = {"run_id": request.run_id, "path": request.path}
    raw = await service.ask("artifact_list", workspace, args)
    return msgspec.json.decode(raw, type=wire.ArtifactList)


async def get_preview(
    service: Service, request: run_requests.PreviewRequest
) -> wire.ArtifactPreview:
    """The head of one artifact."""
    workspace = await service.asked(request.workspace)
    args = {"run_id": request.run_id, "path": request.path}
    if workspace.kind == "local":
        raw = await service.ask("artifact_preview", workspace, args)
    else:
        # Megabytes may come slowly: the process that lists runs shall not wait for them.
        raw = await service.change(
            "artifact_preview", workspace.id, args, FAR_LIMIT_S, process="artifacts"
        )
    return msgspec.json.decode(raw, type=wire.ArtifactPreview)


async def get_file(service: Service, request: requests.ArtifactFileRequest) -> FileAnswer:
    """One artifact as a download."""
    workspace, uri = await _artifact_uri(service, request.workspace, request.run_id)
    return await _opened(workspace, uri, request.path)


async def get_view(service: Service, request: run_requests.PreviewRequest) -> FileAnswer:
    """An HTML page or SVG for a frame in which nothing runs and which fetches nothing.

    Raises:
        MltrackError: it is of another kind, or too large.
    """
    media_type = VIEW_TYPES.get(PurePosixPath(request.path).suffix.lower())
    if media_type is None:
        raise MltrackError(
            "Only HTML and SVG are shown in a frame.", "Download it.", code="bad_request"
        )
    workspace, uri = await _artifact_uri(service, request.workspace, request.run_id)
    opened = await _opened(workspace, uri, request.path)
    data = await asyncio.to_thread(_read, opened)
    if _is_utf8(data):
        media_type += "; charset=utf-8"
    return FileAnswer(
        name=opened.name,
        size_bytes=len(data),
        open=lambda: BytesIO(data),
        media_type=media_type,
        policy=VIEW_POLICY,
        attached=False,
    )


async def _opened(workspace: Workspace, uri: str, path: str) -> FileAnswer:
    if not artifacts.is_local(uri):
        artifacts.plain_parts(path)
        return await _downloads.open(workspace, far_artifacts.checked(workspace, uri), path)
    name, size_bytes, file = await asyncio.to_thread(artifacts.open_file, workspace, uri, path)
    return FileAnswer(name=name, size_bytes=size_bytes, open=lambda: file)


async def _artifact_uri(service: Service, workspace_id: str, run_id: str) -> tuple[Workspace, str]:
    workspace = await service.asked(workspace_id)
    raw = await service.ask("artifact_root", workspace, {"run_id": run_id})
    uri = msgspec.json.decode(raw, type=dict[str, str | None])["uri"]
    if not uri:
        raise NotFound(f"Run {run_id} has no artifacts yet.")
    return workspace, uri


def _read(opened: FileAnswer) -> bytes:
    """All of a file that is small enough."""
    with opened.open() as file:
        data = bytearray()
        while len(data) <= VIEW_BYTES_MAX:
            chunk = file.read(VIEW_BYTES_MAX + 1 - len(data))
            if not chunk:
                return bytes(data)
            data += chunk
    raise MltrackError(
        f"The artifact is larger than {VIEW_BYTES_MAX >> 20} MB.", "Download it.", code="too_large"
    )


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
