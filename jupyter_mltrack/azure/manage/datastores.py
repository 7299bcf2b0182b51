"""Datastores of a workspace: what lies in them, taking files out and putting files in.

Keys and signatures that the service gives for a datastore are used and forgotten: they are in no
answer, no message and no file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage.place import API, Place, checked, properties, text
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import Denied, MltrackError, NotFound, UsageError, WorkspaceError

LISTED_MAX = 1_000
THREADS = 4
_BLOB_KINDS = frozenset({"AzureBlob", "AzureDataLakeGen2"})

Progress = Callable[[str], None]


class Spot(NamedTuple):
    """A path in a datastore; an empty store means the workspace's default one."""

    store: str
    path: str


def parse(words: str) -> Spot:
    """Take `STORE/PATH`, `STORE:PATH` or `azureml://datastores/STORE/paths/PATH` apart.

    Raises:
        UsageError: it leaves the datastore.
    """
    plain = words.strip()
    if plain.startswith("azureml://"):
        _, found, rest = plain.partition("/datastores/")
        store, _, path = (rest if found else plain.removeprefix("azureml://datastores/")).partition(
            "/"
        )
        path = path.removeprefix("paths/")
    elif ":" in plain and "/" not in plain.partition(":")[0]:
        store, _, path = plain.partition(":")
    else:
        store, _, path = plain.partition("/")
    if any(part == ".." for part in path.split("/")):
        raise UsageError(f"{clean(words)!r} leaves the datastore.", "Write STORE/FOLDER/FILE.")
    return Spot("" if store == "default" else store, path.strip("/"))


def listed(place: Place) -> list[wire.DatastoreInfo]:
    """Datastores of the workspace, the default one first."""
    found = [described(one) for one in place.arm.list(place.path("datastores"), API)]
    return sorted(found, key=lambda one: (not one.is_default, one.name.lower()))


def described(resource: dict[str, Any]) -> wire.DatastoreInfo:
    """A datastore as the resource manager describes it, in our words."""
    inner = properties(resource)
    return wire.DatastoreInfo(
        name=text(resource, "name"),
        kind=text(inner, "datastoreType"),
        account=text(inner, "accountName"),
        container=text(inner, "containerName")
        or text(inner, "filesystem")
        or text(inner, "fileShareName"),
        is_default=inner.get("isDefault") is True,
    )


def find(place: Place, store: str) -> dict[str, Any]:
    """A datastore by name, or the default one.

    Raises:
        NotFound: there is none.
    """
    if store:
        found = place.arm.get(place.path(f"datastores/{checked(store, 'A datastore')}"), API)
        return dict(found)
    for one in place.arm.list(place.path("datastores"), API, params={"isDefault": "true"}):
        return dict(one)
    raise NotFound("The workspace has no default datastore.", "See: %mltrack data list")


class Container:
    """The blob container behind a datastore, opened with what the service gives for it."""

    def __init__(self, client: Any, name: str) -> None:
        self.client = client
        self.name = name

    def upload(self, path: str, file: Path, *, replace: bool = False) -> None:
        """Put a file in.

        Raises:
            UsageError: one is there already and is not to be replaced.
        """
        from azure.core.exceptions import ResourceExistsError

        with translated(f"put {path} into {self.name}"), open(file, "rb") as source:
            try:
                self.client.get_blob_client(path).upload_blob(
                    source, length=file.stat().st_size, overwrite=replace, max_concurrency=2
                )
            except ResourceExistsError:
                raise UsageError(
                    f"{clean(path)} exists in datastore {self.name}.",
                    "Add --replace, or say another place.",
                ) from None

    def close(self) -> None:
        """Give the connections back."""
        self.client.close()


def opened(place: Place, store: str) -> Container:
    """Open the container behind a datastore.

    Raises:
        UsageError: it is of a kind that is not read here, or the Azure extra is not installed.
    """
    resource = find(place, store)
    about = described(resource)
    inner = properties(resource)
    if about.kind not in _BLOB_KINDS:
        raise UsageError(
            f"Datastore {about.name} is of kind {about.kind or 'unknown'}: only blobs can be read.",
            "Those there are: %mltrack data list",
        )
    secrets = place.arm.post(place.path(f"datastores/{about.name}/listSecrets"), API, {}, wait=True)
    protocol = text(inner, "protocol") or "https"
    if protocol != "https":
        raise WorkspaceError(
            f"Datastore {about.name} is not reached by TLS ({protocol}).",
            "No key is sent that way: have it set to https.",
        )
    endpoint = text(inner, "endpoint") or "core.windows.net"
    url = f"https://{about.account}.blob.{endpoint}/{about.container}"
    return Container(_client(place, url, secrets), about.name)


def _client(place: Place, url: str, secrets: dict[str, Any]) -> Any:
    try:
        from azure.storage.blob import ContainerClient
    except ImportError as error:
        raise UsageError(
            "Files of a datastore need the Azure extra, which is not installed.",
            "Install it: pip install 'jupyter_mltrack[azure]'",
        ) from error
    sas = secrets.get("sasToken") or ""
    key = secrets.get("key") or ""
    if isinstance(sas, str) and sas:
        return ContainerClient.from_container_url(f"{url}?{sas.removeprefix('?')}")
    if isinstance(key, str) and key:
        return ContainerClient.from_container_url(url, credential=key)
    from jupyter_mltrack.azure import clouds
    from jupyter_mltrack.azure.credentials import credential

    if not clouds.current().trusts(url):
        raise WorkspaceError(
            "The datastore lies outside this cloud: no token is sent there.",
            "Those there are: %mltrack data list",
        )
    return ContainerClient.from_container_url(url, credential=credential(place.scope))


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Errors of the storage in our words; what they quote of an address is left out (S28)."""
    from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

    try:
        yield
    except ResourceNotFoundError as error:
        raise NotFound(f"Nothing is there: {what}.", "See: %mltrack data ls STORE") from error
    except HttpResponseError as error:
        code = getattr(error, "error_code", None) or error.status_code
        if error.status_code == 403:
            raise Denied(
                f"The storage refused to {what} ({code}).",
                "Ask for the role Storage Blob Data Contributor on the storage account.",
            ) from None
        raise WorkspaceError(f"The storage refused to {what} ({code}).", "Try again.") from None
    except AzureError as error:
        kind = type(error).__name__
        raise MltrackError(
            f"The storage gave no answer: {what} ({kind}).",
            "Try again; see the network.",
            code="store_unreachable",
        ) from None


# --------------------------------------------------------------------------------- files


def ls(place: Place, spot: Spot) -> wire.DataListing:
    """What lies in one folder of a datastore.

    Raises:
        NotFound: no such datastore.
    """
    container = opened(place, spot.store)
    entries: list[wire.DataEntry] = []
    prefix = f"{spot.path}/" if spot.path else ""
    truncated = False
    with contextlib.closing(container), translated(f"list {container.name}/{spot.path}"):
        for one in container.client.walk_blobs(name_starts_with=prefix):
            if len(entries) >= LISTED_MAX:
                truncated = True
                break
            entries.append(_entry(one))
        if not entries and spot.path:
            entries = [
                _entry(one)
                for one in container.client.list_blobs(name_starts_with=spot.path)
                if one.name == spot.path
            ]
    entries.sort(key=lambda one: (not one.is_dir, one.path))
    return wire.DataListing(
        datastore=container.name, path=spot.path, entries=entries, truncated=truncated
    )


def _entry(one: Any) -> wire.DataEntry:
    name = str(one.name)
    size = getattr(one, "size", None)
    if name.endswith("/"):
        return wire.DataEntry(path=name.rstrip("/"), is_dir=True)
    modified = getattr(one, "last_modified", None)
    return wire.DataEntry(
        path=name,
        size_bytes=size,
        modified_ms=int(modified.timestamp() * 1000) if modified is not None else None,
    )


def take(
    place: Place, spot: Spot, to: Path, progress: Progress | None = None, *, replace: bool = False
) -> wire.DataMoved:
    """Copy a file or a folder of a datastore to this machine.

    Raises:
        NotFound: nothing is there.
        UsageError: a file is in the way.
    """
    container = opened(place, spot.store)
    with contextlib.closing(container), translated(f"read {container.name}/{spot.path}"):
        found = [
            one
            for one in container.client.list_blobs(name_starts_with=spot.path)
            if one.name == spot.path or not spot.path or one.name.startswith(f"{spot.path}/")
        ]
        if not found:
            raise NotFound(
                f"There is no {clean(spot.path) or 'file'} in datastore {container.name}.",
                f"See: %mltrack data ls {container.name}",
            )
        single = len(found) == 1 and found[0].name == spot.path
        pairs = [(one, _target(str(one.name), spot.path, to, single=single)) for one in found]
        if not replace:
            _check_free(pairs)
        count = _Count(sum(int(one.size or 0) for one, _ in pairs), len(pairs), progress)
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(
                lambda pair: _download(container.client, pair[0], pair[1], count), pairs
            ):
                pass
    return wire.DataMoved(
        what=f"{container.name}/{spot.path}",
        to=str(to),
        files=len(pairs),
        size_bytes=count.total,
    )


def _target(name: str, base: str, to: Path, *, single: bool) -> Path:
    """Where a blob goes; its name never leads out of the folder."""
    if single:
        last = PurePosixPath(name).name
        return to / last if to.is_dir() else to
    rest = PurePosixPath(name.removeprefix(base).lstrip("/"))
    if rest.is_absolute() or ".." in rest.parts:
        raise WorkspaceError(
            f"The datastore holds {clean(name)!r}, which leads out of the folder.",
            "Nothing was taken.",
        )
    return to.joinpath(*rest.parts)


def _check_free(pairs: list[tuple[Any, Path]]) -> None:
    taken = next((path for _, path in pairs if path.exists()), None)
    if taken is not None:
        raise UsageError(f"{taken} exists.", "Add --replace, or say another place.")


def _download(client: Any, one: Any, path: Path, count: _Count) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(draft, "wb") as file:
            for chunk in client.get_blob_client(one.name).download_blob().chunks():
                file.write(chunk)
                count.more(len(chunk))
        os.replace(draft, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
    count.file()


class _Count:
    """How much of it is done, told as a line."""

    def __init__(self, total: int, files: int, progress: Progress | None) -> None:
        self.total, self.files = total, files
        self.done = self.ready = 0
        self._progress = progress

    def more(self, size: int) -> None:
        """So many bytes came."""
        self.done += size
        if self._progress is not None:
            share = 100 * self.done // self.total if self.total else 100
            self._progress(f"{self.ready}/{self.files} files, {share} %")

    def file(self) -> None:
        """One file is whole."""
        self.ready += 1


def put(
    place: Place,
    source: Path,
    spot: Spot,
    progress: Progress | None = None,
    *,
    replace: bool = False,
) -> wire.DataMoved:
    """Copy a file or a folder of this machine into a datastore.

    Raises:
        UsageError: there is no such file, or one is in the way.
    """
    if not source.exists():
        raise UsageError(f"There is no {clean(str(source))}.", "Say a file or a folder.")
    files = [source] if source.is_file() else sorted(_files(source))
    container = opened(place, spot.store)
    base = spot.path or source.name
    count = _Count(sum(one.stat().st_size for one in files), len(files), progress)
    into = base
    if source.is_file():
        into = f"{spot.path}/{source.name}" if _is_folder(spot) else base

    def send(file: Path) -> None:
        name = into if source.is_file() else f"{base}/{file.relative_to(source).as_posix()}"
        container.upload(name, file, replace=replace)
        count.file()
        count.more(file.stat().st_size)

    with contextlib.closing(container), ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(send, files):
            pass
    return wire.DataMoved(
        what=str(source),
        to=f"{container.name}/{into}",
        files=len(files),
        size_bytes=count.total,
    )


def _is_folder(spot: Spot) -> bool:
    """A path whose last part has no ending is meant as a folder."""
    return bool(spot.path) and not PurePosixPath(spot.path).suffix


def _files(folder: Path) -> Iterator[Path]:
    """Ordinary files below a folder; links are not followed."""
    for place, _, names in os.walk(folder, followlinks=False):
        for name in names:
            path = Path(place) / name
            if path.is_file() and not path.is_symlink():
                yield path
