"""From the addresses that jobs and deployments name their files by to the files themselves, and back."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.emulators.azure import artifacts, sas
from tests.emulators.azure.blobs import blobs_of
from tests.emulators.azure.core import ApiError, State, Workspace
from tests.emulators.azure.mlflow_proxy import mlflow_of

_DATASTORE = re.compile(r"^azureml://(?:.*/)?datastores/([^/]+)/(?:paths/)?(.*)$", re.IGNORECASE)
_RUN = re.compile(r"^(?:azureml://.*/runs/|runs:/)([^/]+)/(?:artifacts/?)?(.*)$")
_JOB = re.compile(r"^azureml://(?:.*/)?jobs/([^/]+)/outputs/(?:artifacts/)?(?:paths/)?(.*)$")
_ARTIFACT = re.compile(r"^azureml://artifacts/([^/]+)/([^/]+)/(.*)$")
_ASSET = re.compile(r"(?:^|/)(data|models)/([^/]+)/versions/([^/]+)$", re.IGNORECASE)
_SHORT = re.compile(r"^(?:azureml:)?([^/:]+):([^/:]+)$")


def datastore_place(workspace: Workspace, uri: str) -> tuple[str, str] | None:
    """(container, path) of an address in a datastore or of a plain blob address; None for others."""
    if found := _DATASTORE.match(uri):
        store = workspace.find("datastores", found[1])
        return store["properties"]["containerName"], unquote(found[2])
    if uri.startswith("https://") and f".{sas.SUFFIX}/" in uri:
        parts = urlsplit(uri).path.strip("/").split("/")
        at = next(i for i, part in enumerate(parts) if part.endswith(sas.SUFFIX))
        return parts[at + 1], unquote("/".join(parts[at + 2 :]))
    return None


def files(state: State, workspace: Workspace, uri: str) -> dict[str, Path]:
    """Path below the address -> file; one entry named "" when the address is a file."""
    uri = resolved(state, workspace, uri)
    if place := datastore_place(workspace, uri):
        return _blobs(state, workspace, *place)
    for pattern in (_JOB, _RUN):
        if found := pattern.match(uri):
            container = artifacts.run_container(found[1])
            name = artifacts.blob_name("ExperimentRun", container, found[2])
            return _blobs(state, workspace, artifacts.CONTAINER, name)
    if found := _ARTIFACT.match(uri):
        name = artifacts.blob_name(found[1], found[2], found[3])
        return _blobs(state, workspace, artifacts.CONTAINER, name)
    raise ApiError(400, "UserError", f"The address '{uri}' names no data of this workspace.")


def resolved(state: State, workspace: Workspace, uri: str) -> str:
    """The address behind a data asset or a model."""
    if found := _ASSET.search(uri):
        return _asset(state, workspace, found[1].lower(), found[2], found[3])
    if found := _SHORT.match(uri):
        kind = "data" if workspace.items.get(f"data/{found[1].lower()}/versions") else "models"
        return _asset(state, workspace, kind, found[1], found[2])
    return uri


def _asset(state: State, workspace: Workspace, kind: str, name: str, version: str) -> str:
    if kind == "data":
        return str(workspace.find(f"data/{name}/versions", version)["properties"]["dataUri"])
    return model_source(state, workspace, name, version)


def model_source(state: State, workspace: Workspace, name: str, version: str) -> str:
    """Where a registered model's files are; blocks, as MLflow's registry is asked."""
    own = workspace.collection(f"models/{name}/versions").get(version.lower())
    if own:
        return str(own["properties"]["modelUri"])
    from httpx import HTTPStatusError

    try:
        found = mlflow_of(state).call(
            workspace.guid,
            "GET",
            "model-versions/get",
            query={"name": name, "version": version},
        )
    except HTTPStatusError:
        raise ApiError(
            404, "ModelNotFound", f"NoSuchModel: Model {name}:{version} was not found."
        ) from None
    return str(found["model_version"]["source"])


def _blobs(state: State, workspace: Workspace, container: str, path: str) -> dict[str, Path]:
    store, account = blobs_of(state), workspace.account
    path = path.strip("/")
    if path and store.has((account, container, path)):
        return {"": store.get((account, container, path)).file}
    prefix = path + "/" if path else ""
    return {
        name[len(prefix) :]: store.get((account, container, name)).file
        for name in store.names(account, container, prefix)
    }


def fetch(state: State, workspace: Workspace, uri: str, folder: Path) -> Path:
    """Copy what the address names into `folder`; the file or folder that came of it."""
    found = files(state, workspace, uri)
    if not found:
        raise ApiError(404, "UserError", f"There is no data at '{uri}'.")
    folder.mkdir(parents=True, exist_ok=True)
    if "" in found:
        file = folder / uri.split("?", maxsplit=1)[0].rstrip("/").rsplit("/", 1)[-1]
        shutil.copyfile(found[""], file)
        return file
    for name, source in found.items():
        target = folder / name
        if folder.resolve() not in target.resolve().parents:
            raise ApiError(400, "UserError", f"'{name}' leads out of its folder.")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return folder


def store_folder(state: State, workspace: Workspace, folder: Path, uri: str) -> None:
    """Put the files of a folder where the address says."""
    place = datastore_place(workspace, uri)
    if place is None:
        raise ApiError(400, "UserError", f"Outputs cannot be written to '{uri}'.")
    container, path = place
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            name = "/".join([*filter(None, [path.strip("/")]), file.relative_to(folder).as_posix()])
            blobs_of(state).put((workspace.account, container, name), file.read_bytes())
