"""The model in the workspace that serves it: registered there first where it is not."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack.azure.manage import datastores
from jupyter_mltrack.azure.manage.place import API, properties, scope_of, text
from jupyter_mltrack.errors import NotFound

if TYPE_CHECKING:
    from jupyter_mltrack.azure.manage.place import Place
    from jupyter_mltrack.deployments.azure.task import Task
    from jupyter_mltrack.models.fetching import Fetched
    from jupyter_mltrack.workspaces import Workspace

DIGEST = "mltrack.digest"
SOURCE = "mltrack.source"
THREADS = 4


class There(NamedTuple):
    """A version of a model in the workspace that serves it."""

    arm_id: str
    name: str
    version: str


def ensure(task: Task, workspace: Workspace, told: Callable[[str], None]) -> There:
    """Have the model in the workspace that serves it.

    Args:
        task: the deploy.
        workspace: where the model is registered or was logged.
        told: called with how it goes.

    Raises:
        AzureError: the service refused.
    """
    place, found, fetched = task.place, task.found, task.fetched
    own = already(task, workspace)
    if own is not None:
        return own
    title = name_there(task)
    known = _known(place, title, fetched.digest)
    if known is not None:
        return _there(place, title, known)
    version = _next_version(place, title)
    uri = _upload(place, fetched, title, told)
    body = {
        "properties": {
            "modelType": "mlflow_model",
            "modelUri": uri,
            "description": f"From {workspace.name}: {found.title}"[:500],
            "isAnonymous": False,
            "isArchived": False,
            "flavors": {"python_function": {"data": {}}},
            "tags": {DIGEST: fetched.digest, SOURCE: found.uri[:250]},
            "properties": {},
        }
    }
    told(f"version {version}")
    path = place.path(f"models/{title}/versions/{version}")
    place.arm.put(path, API, body, wait=True)
    return _there(place, title, version)


def already(task: Task, workspace: Workspace) -> There | None:
    """The model where it comes from the very workspace that serves it; else None."""
    own, found = scope_of(workspace), task.found
    if own is None or own.key != task.place.scope.key or not found.model or not found.version:
        return None
    return _there(task.place, found.model, found.version)


def name_there(task: Task) -> str:
    """What the model is called in the workspace that serves it."""
    return _name(task.found.model or task.order.name)


def _there(place: Place, name: str, version: str) -> There:
    return There(place.path(f"models/{name}/versions/{version}"), name, version)


def _name(words: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", words).strip("-._")[:200] or "model"


def _known(place: Place, name: str, digest: str) -> str | None:
    """The version that holds these very files."""
    try:
        versions = place.arm.list(place.path(f"models/{name}/versions"), API)
    except NotFound:
        return None
    for one in versions:
        tags = properties(one).get("tags")
        if isinstance(tags, dict) and tags.get(DIGEST) == digest:
            return text(one, "name")
    return None


def _next_version(place: Place, name: str) -> str:
    try:
        container = place.arm.get(place.path(f"models/{name}"), API)
    except NotFound:
        return "1"
    following = text(properties(container), "nextVersion")
    if following.isdecimal():
        return following
    newest = text(properties(container), "latestVersion")
    return str(int(newest) + 1) if newest.isdecimal() else "1"


def _upload(place: Place, fetched: Fetched, name: str, told: Callable[[str], None]) -> str:
    """Put the files into the default datastore and return their address."""
    container = datastores.opened(place, "")
    base = f"LocalUpload/{fetched.digest[:32]}/{name}"
    files = sorted(one for one in Path(fetched.path).rglob("*") if one.is_file())
    done = 0

    def send(file: Path) -> None:
        nonlocal done
        path = f"{base}/{file.relative_to(fetched.path).as_posix()}"
        container.upload(path, file, replace=True)
        done += 1
        told(f"{done}/{len(files)} files")

    try:
        with ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(send, files):
                pass
    finally:
        container.close()
    scope = place.scope
    return (
        f"azureml://subscriptions/{scope.subscription_id}/resourcegroups/{scope.resource_group}"
        f"/workspaces/{scope.workspace_name}/datastores/{container.name}/paths/{base}"
    )


def of_deployment(properties_: dict[str, Any]) -> tuple[str, str]:
    """Name and version in a model's id; empty where it is none."""
    parts = text(properties_, "model").split("/")
    if len(parts) >= 4 and parts[-2] == "versions":
        return parts[-3], parts[-1]
    return "", ""
