"""Models in ARM: the same ones that MLflow's registry of the workspace knows.

What ARM has beyond MLflow (type, properties, archived) is kept beside; versions that are no numbers,
or skip some, have no counterpart in MLflow and live here alone.
"""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure.assets import archived_wanted, newest_first
from tests.emulators.azure.core import (
    ApiError,
    Json,
    Route,
    State,
    Workspace,
    body_of,
    listed,
    not_found,
    now_iso,
    resource,
)  # fmt: skip
from tests.emulators.azure.mlflow_proxy import mlflow_of


async def _registry(
    state: State, workspace: Workspace, method: str, path: str, **more: Any
) -> Json:
    """A call to the registry of MLflow behind; its 404 is ARM's."""
    store = mlflow_of(state)
    try:
        return await asyncio.to_thread(store.call, workspace.guid, method, path, **more)
    except httpx.HTTPStatusError as error:
        if error.response.status_code == 404:
            raise not_found(f"{workspace.name}/models") from None
        raise ApiError(
            400, "UserError", error.response.json().get("message", "the registry refused")
        ) from None


def _beside(workspace: Workspace, name: str) -> dict[str, Json]:
    """Version -> what ARM was sent for it."""
    kept: dict[str, dict[str, Json]] = workspace.rooms.setdefault("models", {})
    return kept.setdefault(name.lower(), {})


def _tags(found: list[Json] | None) -> dict[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in found or []}


def _times(made: Json, found: Json) -> Json:
    at = now_iso(int(found.get("creation_timestamp") or 0) / 1000)
    changed = now_iso(int(found.get("last_updated_timestamp") or 0) / 1000)
    made["systemData"] |= {"createdAt": at, "lastModifiedAt": changed}
    return made


def _version(workspace: Workspace, found: Json) -> Json:
    """A version of MLflow's as ARM shows it."""
    name, number = found["name"], str(found["version"])
    sent = _beside(workspace, name).get(number, {})
    properties = {
        "modelUri": found.get("source"), "modelType": "mlflow_model", "jobName": found.get("run_id") or None,
        "description": found.get("description") or "", "tags": _tags(found.get("tags")),
        "properties": {}, "flavors": {}, "isAnonymous": False, "isArchived": False,
        "stage": found.get("current_stage"), "provisioningState": "Succeeded",
    } | {key: value for key, value in sent.items() if key not in {"tags", "description"}}  # fmt: skip
    made = resource(
        f"{workspace.arm_id}/models/{name}/versions/{number}",
        "workspaces/models/versions",
        properties,
    )
    return _times(made, found)


async def _all_versions(state: State, workspace: Workspace, name: str) -> list[Json]:
    """All versions, oldest first."""
    quoted = name.replace("'", "''")
    query = {"filter": f"name='{quoted}'", "max_results": "1000"}
    answer = await _registry(state, workspace, "GET", "model-versions/search", query=query)
    rows = sorted(answer.get("model_versions", []), key=lambda row: int(row["version"]))
    found = [_version(workspace, row) for row in rows]
    return found + list(workspace.collection(f"models/{name}/versions").values())


def _container(workspace: Workspace, name: str, model: Json, versions: list[Json]) -> Json:
    numbers = [int(one["name"]) for one in versions if one["name"].isdigit()]
    made = resource(
        f"{workspace.arm_id}/models/{name}", "workspaces/models",
        {
            "description": model.get("description") or "", "tags": _tags(model.get("tags")),
            "properties": {}, "provisioningState": "Succeeded",
            "isArchived": bool(versions) and all(one["properties"]["isArchived"] for one in versions),
            "latestVersion": versions[-1]["name"] if versions else None,
            "nextVersion": str(max(numbers, default=0) + 1),
        },
    )  # fmt: skip
    return _times(made, model)


async def containers(state: State, request: Request) -> Response:
    workspace, found = state.workspace(request), []
    query = {"max_results": "1000"}
    answer = await _registry(state, workspace, "GET", "registered-models/search", query=query)
    every = await _registry(
        state, workspace, "GET", "model-versions/search", query={"max_results": "10000"}
    )
    by_name: dict[str, list[Json]] = {}
    for row in sorted(every.get("model_versions", []), key=lambda row: int(row["version"])):
        by_name.setdefault(row["name"], []).append(_version(workspace, row))
    for model in answer.get("registered_models", []):
        name = model["name"]
        only_here = list(workspace.collection(f"models/{name}/versions").values())
        versions = by_name.get(name, []) + only_here
        found.append(_container(workspace, name, model, versions))
    return listed(request, archived_wanted(request, found))


async def one_container(state: State, request: Request) -> Response:
    workspace, name = state.workspace(request), request.path_params["name"]
    answer = await _registry(state, workspace, "GET", "registered-models/get", query={"name": name})
    versions = await _all_versions(state, workspace, name)
    return JSONResponse(_container(workspace, name, answer["registered_model"], versions))


async def versions(state: State, request: Request) -> Response:
    workspace, name = state.workspace(request), request.path_params["name"]
    found = await _all_versions(state, workspace, name)
    return listed(request, newest_first(request, archived_wanted(request, found)))


async def _one(state: State, workspace: Workspace, name: str, version: str) -> Json:
    only_here = workspace.collection(f"models/{name}/versions").get(version.lower())
    if only_here:
        return only_here
    if not version.isdigit():
        raise not_found(f"{workspace.name}/models/{name}/versions/{version}")
    query = {"name": name, "version": version}
    answer = await _registry(state, workspace, "GET", "model-versions/get", query=query)
    return _version(workspace, answer["model_version"])


async def version(state: State, request: Request) -> Response:
    at = request.path_params
    return JSONResponse(await _one(state, state.workspace(request), at["name"], at["version"]))


async def put(state: State, request: Request) -> Response:
    """A version from files that are there, or new words for one that is."""
    workspace, at = state.workspace(request), request.path_params
    sent = (await body_of(request)).get("properties") or {}
    if not sent.get("modelUri"):
        raise ApiError(400, "ValidationError", "The modelUri of the model is required.")
    name, number = at["name"], at["version"]
    try:
        old = await _one(state, workspace, name, number)
    except ApiError:
        return JSONResponse(await _made(state, workspace, name, number, sent), 201)
    if old["properties"]["modelUri"] != sent["modelUri"]:
        raise ApiError(
            409, "UserError", f"Model {name}:{number} already exists with other files; "
            "its modelUri cannot be changed.")  # fmt: skip
    await _change(state, workspace, name, number, sent)
    return JSONResponse(await _one(state, workspace, name, number))


async def _made(state: State, workspace: Workspace, name: str, number: str, sent: Json) -> Json:
    try:
        await _registry(state, workspace, "POST", "registered-models/create", body={"name": name})
    except ApiError as error:
        if "already exists" not in error.message.lower():
            raise
    known = await _all_versions(state, workspace, name)
    following = max([int(one["name"]) for one in known if one["name"].isdigit()], default=0) + 1
    clean = {key: value for key, value in sent.items() if value is not None}
    if number != str(following):
        properties = {
            "modelType": "custom_model", "tags": {}, "properties": {}, "flavors": {},
            "isAnonymous": False, "isArchived": False, "provisioningState": "Succeeded",
        } | clean  # fmt: skip
        made = resource(
            f"{workspace.arm_id}/models/{name}/versions/{number}", "workspaces/models/versions",
            properties,
        )  # fmt: skip
        workspace.collection(f"models/{name}/versions")[number.lower()] = made
        return made
    tags = [{"key": key, "value": str(value)} for key, value in (sent.get("tags") or {}).items()]
    body = {"name": name, "source": sent["modelUri"], "description": sent.get("description") or "",
            "tags": tags}  # fmt: skip
    if sent.get("jobName"):
        body["run_id"] = sent["jobName"]
    _beside(workspace, name)[number] = {"modelType": "custom_model"} | clean
    answer = await _registry(state, workspace, "POST", "model-versions/create", body=body)
    return _version(workspace, answer["model_version"])


async def _change(state: State, workspace: Workspace, name: str, number: str, sent: Json) -> None:
    _beside(workspace, name).setdefault(number, {}).update(
        {
            key: sent[key]
            for key in ("isArchived", "properties", "flavors")
            if sent.get(key) is not None
        }
    )
    at = {"name": name, "version": number}
    if number.isdigit():
        if sent.get("description") is not None:
            await _registry(state, workspace, "PATCH", "model-versions/update",
                            body=at | {"description": sent["description"]})  # fmt: skip
        for key, value in (sent.get("tags") or {}).items():
            await _registry(state, workspace, "POST", "model-versions/set-tag",
                            body=at | {"key": key, "value": str(value)})  # fmt: skip


async def delete(state: State, request: Request) -> Response:
    workspace, at = state.workspace(request), request.path_params
    if workspace.collection(f"models/{at['name']}/versions").pop(at["version"].lower(), None):
        return Response(None, 200)
    body = {"name": at["name"], "version": at["version"]}
    try:
        await _registry(state, workspace, "DELETE", "model-versions/delete", body=body)
    except ApiError:
        return Response(None, 204)
    _beside(workspace, at["name"]).pop(at["version"], None)
    return Response(None, 200)


async def delete_container(state: State, request: Request) -> Response:
    workspace, name = state.workspace(request), request.path_params["name"]
    workspace.items.pop(f"models/{name}/versions".lower(), None)
    try:
        await _registry(state, workspace, "DELETE", "registered-models/delete", body={"name": name})
    except ApiError:
        return Response(None, 204)
    return Response(None, 200)


_NAME = "{S}/models/{name}"
ROUTES = [
    Route("GET", "{S}/models", containers),
    Route("GET", _NAME, one_container),
    Route("DELETE", _NAME, delete_container),
    Route("GET", f"{_NAME}/versions", versions),
    Route("GET", f"{_NAME}/versions/{{version}}", version),
    Route("PUT", f"{_NAME}/versions/{{version}}", put),
    Route("DELETE", f"{_NAME}/versions/{{version}}", delete),
]
