"""Artifacts of workspaces elsewhere, through MLflow's own repositories; in processes of our own.

An artifact address is data: whoever may write to a store may make a run point anywhere. So an
address is asked only where the credentials that MLflow would send belong: at the workspace's own
host, or at the object stores of the clouds. What a server names is a plain path or left out.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote, urlsplit

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, NotFound, WorkspaceError
from jupyter_mltrack.journal import mlflow_doors
from jupyter_mltrack.server.artifacts import LISTED_MAX, elsewhere, plain_parts

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

_CLOUD_SCHEMES = {"s3", "gs", "dbfs"}
_AZURE_SCHEMES = {"wasbs", "abfss"}
_AZURE_HOSTS = (".core.windows.net", ".core.chinacloudapi.cn", ".core.usgovcloudapi.net")
DOWNLOADED_BYTES_MAX = 5 << 20
LIMIT_S = 18.0
"""For the head of a file; the server itself waits a little longer."""
NOT_FOLLOWED = "The server sends to another place instead of answering; it was not followed."


def checked(workspace: Workspace, artifact_uri: str) -> str:
    """The address, when it is one that the workspace's credentials may be sent to.

    Raises:
        MltrackError: it is another's.
    """
    try:
        parts = urlsplit(artifact_uri)
        own = urlsplit(workspace.tracking_uri)
        host, port = parts.hostname or "", parts.port
        own_place = (own.hostname or "", own.port)
    except ValueError:
        raise elsewhere() from None
    odd = parts.query or parts.fragment or ".." in parts.path.split("/") or "%" in parts.path
    if odd or "\\" in artifact_uri or any(ord(sign) < 33 for sign in artifact_uri):
        raise elsewhere()
    fits = False
    if parts.scheme == "mlflow-artifacts":
        fits = own.scheme in ("http", "https") and (not parts.netloc or (host, port) == own_place)
    elif parts.scheme in ("http", "https"):
        fits = parts.scheme == own.scheme and (host, port) == own_place
    elif parts.scheme == "azureml":
        fits = _is_of_azure(workspace, artifact_uri, f"https://{parts.netloc}/")
    elif parts.scheme in _CLOUD_SCHEMES:
        fits = True
    elif parts.scheme in _AZURE_SCHEMES:
        fits = host.endswith(_AZURE_HOSTS)
    elif parts.scheme and parts.scheme == own.scheme and parts.scheme not in ("file", "sqlite"):
        fits = bool(host) and (host, port) == own_place
    if not fits:
        raise elsewhere()
    return artifact_uri


def _is_of_azure(workspace: Workspace, artifact_uri: str, url: str) -> bool:
    """Whether an address is within the workspace, at a host that its cloud trusts."""
    if workspace.scope is None:
        return False
    from jupyter_mltrack.azure import clouds
    from jupyter_mltrack.azure.scope import Scope

    found = Scope.find(artifact_uri)
    return found is not None and found.key == workspace.scope.key and clouds.current().trusts(url)


def repository(tracking_uri: str, artifact_uri: str) -> Any:
    """MLflow's own repository for an address that was checked."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    mlflow_doors.open_for(tracking_uri)
    return get_artifact_repository(artifact_uri, tracking_uri=tracking_uri)


def is_http(found: Any) -> bool:
    """Whether the files of a repository come from the tracking server itself."""
    from mlflow.store.artifact.http_artifact_repo import HttpArtifactRepository

    return isinstance(found, HttpArtifactRepository)


def reads_ranges(found: Any) -> bool:
    """Whether a repository hands out parts of files by itself: that of Azure ML does."""
    from jupyter_mltrack.azure.tracking.repository import AzureFiles

    return isinstance(found, AzureFiles)


def list_far(workspace: Workspace, artifact_uri: str, path: str) -> wire.ArtifactList:
    """Entries of a folder of a run's artifacts, folders first.

    Raises:
        MltrackError: the path or the address is refused, or the store does not answer.
    """
    from jupyter_mltrack.runs.client_store import ask

    plain_parts(path)
    uri = checked(workspace, artifact_uri)

    def question(_client: Any) -> list[Any]:
        files = repository(workspace.tracking_uri, uri)
        listed = files.list_with_sizes if reads_ranges(files) else files.list_artifacts
        return list(listed(path or None))

    found = ask(workspace, question)
    entries = [one for one in map(_entry, found) if one is not None and _is_child(one.path, path)]
    entries.sort(key=lambda one: (not one.is_dir, one.path.casefold(), one.path))
    return wire.ArtifactList(artifacts=entries[:LISTED_MAX], truncated=len(entries) > LISTED_MAX)


def _entry(said: Any) -> wire.ArtifactInfo | None:
    """What a store says of one entry; None unless it is a plain path."""
    path, size = str(said.path), said.file_size
    try:
        plain_parts(path)
    except MltrackError:
        return None
    if said.is_dir or not isinstance(size, int) or size < 0:
        size = None
    return wire.ArtifactInfo(path=path, is_dir=bool(said.is_dir), size_bytes=size)


def _is_child(path: str, folder: str) -> bool:
    return path.rpartition("/")[0] == folder and path != folder


class FarSource:
    """One artifact elsewhere, for a preview: its head by a range, or all of a small one."""

    def __init__(self, workspace: Workspace, artifact_uri: str, path: str) -> None:
        plain_parts(path)
        self.path = path
        self.size_bytes: int | None = None
        self._workspace = workspace
        self._uri = checked(workspace, artifact_uri)
        self._data = b""
        self._limit = 0

    def head(self, limit: int) -> bytes:
        """Its first bytes.

        Raises:
            MltrackError: there is no such artifact, or the store does not answer.
        """
        from jupyter_mltrack.runs.client_store import ask

        whole = self.size_bytes is not None and self.size_bytes <= len(self._data)
        if limit > self._limit and not whole:
            self._data = ask(self._workspace, lambda _client: self._asked(limit), LIMIT_S)
            self._limit = limit
        return self._data[:limit]

    def seekable(self, limit: int) -> BinaryIO | None:
        """All of it, when it is not too large."""
        if self.size_bytes is not None and self.size_bytes > limit:
            return None
        data = self.head(limit + 1)
        return BytesIO(data) if len(data) <= limit else None

    def _asked(self, limit: int) -> bytes:
        found = repository(self._workspace.tracking_uri, self._uri)
        if reads_ranges(found):
            data, self.size_bytes = found.head(self.path, limit)
            return bytes(data)
        if not is_http(found):
            return self._downloaded(found, limit)
        from jupyter_mltrack.journal import guarded_http

        with guarded_http.head_of(limit):
            response = request(found, self.path, {"Range": f"bytes=0-{limit - 1}"})
        self.size_bytes = said_size(response)
        return bytes(response.content[:limit])

    def _downloaded(self, found: Any, limit: int) -> bytes:
        """All of a small file: what is not HTTP has no common way to ask for a part."""
        from tempfile import TemporaryDirectory

        folder = self.path.rpartition("/")[0]
        sizes = {
            str(one.path): one.file_size
            for one in found.list_artifacts(folder or None)
            if not one.is_dir
        }
        if self.path not in sizes:
            raise NotFound("There is no such artifact.")
        size = sizes[self.path]
        self.size_bytes = size if isinstance(size, int) and size >= 0 else None
        if self.size_bytes is None or self.size_bytes > max(limit, DOWNLOADED_BYTES_MAX):
            raise MltrackError(
                "The artifact is too large to be looked at where it is.",
                "Download it.",
                code="too_large",
            )
        with TemporaryDirectory() as place:
            brought = found.download_artifacts(self.path, dst_path=place)
            return Path(brought).read_bytes()[:limit]


def request(found: Any, path: str, headers: dict[str, str]) -> Any:
    """A file of a tracking server that hands artifacts out itself, as an open answer.

    Raises:
        NotFound: there is none.
        WorkspaceError: the server sends elsewhere, or says something else than a file.
    """
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import augmented_raise_for_status, http_request

    plain = {"Accept-Encoding": "identity", **headers}
    creds = get_default_host_creds(found.artifact_uri)
    place = "/" + quote(path, safe="/")
    response = http_request(
        creds, place, "GET", stream=True, extra_headers=plain, raise_on_status=False
    )
    if response.status_code == 404:
        raise NotFound("There is no such artifact.")
    if 300 <= response.status_code < 400:
        raise WorkspaceError(NOT_FOLLOWED, "Open the run in the workspace's own page.")
    if response.status_code != 416:  # an empty file has no range
        augmented_raise_for_status(response)
    return response


def said_size(response: Any) -> int | None:
    """Size of the whole file, as the answer says it."""
    if response.status_code == 416:
        response._content = b""
        return 0
    whole = response.headers.get("Content-Range", "").rpartition("/")[2]
    if response.status_code != 206:
        packed = response.headers.get("Content-Encoding", "identity") != "identity"
        whole = "" if packed else response.headers.get("Content-Length", "")
    return int(whole) if whole.isdecimal() and len(whole) < 19 else None
