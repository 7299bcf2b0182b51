"""Workspaces in ARM: list, show, create by a template, change, delete."""

from __future__ import annotations

import copy
import hashlib
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure import datastores, groups
from tests.emulators.azure.core import (
    GROUP,
    PROVIDER,
    WORKSPACE,
    ApiError,
    Json,
    Route,
    State,
    Workspace,
    body_of,
    listed,
    resource,
)  # fmt: skip
from tests.emulators.azure.operations import accepted

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}")


def add(
    state: State, sub: str, group_name: str, name: str, location: str = "eastus", **more: Any
) -> Workspace:
    """A workspace that is there from now on, with its datastores; its group must be."""
    group = groups.group(state, sub, group_name)["id"]
    arm_id = f"{group}/providers/{PROVIDER}/workspaces/{name}"
    made = Workspace(group.split("/")[2], group.split("/")[4], name, location, {})
    short = hashlib.sha256(arm_id.lower().encode()).hexdigest()[:8]
    of = f"{group}/providers"
    properties = {
        "friendlyName": more.pop("friendly_name", None) or name,
        "description": more.pop("description", "") or "",
        "storageAccount": f"{of}/Microsoft.Storage/storageAccounts/{made.account}",
        "keyVault": f"{of}/Microsoft.Keyvault/vaults/kv{short}",
        "applicationInsights": f"{of}/Microsoft.insights/components/ai{short}",
        "containerRegistry": None,
        "workspaceId": made.guid,
        "tenantId": state.login.tenant,
        "discoveryUrl": f"{state.origin}/discovery",
        "mlFlowTrackingUri": f"azureml://{state.host}/mlflow/v1.0{arm_id}",
        "provisioningState": "Succeeded",
        "publicNetworkAccess": "Enabled",
        "hbiWorkspace": False,
        "v1LegacyMode": False,
        "isPrivateLinkEnabled": False,
    }
    made.resource = resource(
        arm_id, "workspaces", properties, location=location, kind="Default", etag=f'"{made.guid}"',
        sku={"name": "Basic", "tier": "Basic"}, tags=more.pop("tags", None) or {},
        identity={
            "type": "SystemAssigned", "principalId": made.guid, "tenantId": state.login.tenant,
        },
    )  # fmt: skip
    with state.lock:
        state.workspaces[arm_id.lower()] = made
    datastores.add_defaults(state, made)
    return made


def remove(state: State, workspace: Workspace) -> None:
    with state.lock:
        state.workspaces.pop(workspace.arm_id.lower(), None)


async def by_subscription(state: State, request: Request) -> Response:
    found = groups.subscription(state, request.path_params["sub"])
    return listed(request, _in(state, f"/subscriptions/{found['id']}/"))


async def by_group(state: State, request: Request) -> Response:
    at = request.path_params
    return listed(request, _in(state, groups.group(state, at["sub"], at["rg"])["id"] + "/"))


def _in(state: State, prefix: str) -> list[Json]:
    return [one.resource for key, one in state.workspaces.items() if key.startswith(prefix.lower())]


async def get(state: State, request: Request) -> Response:
    return JSONResponse(state.workspace(request).resource)


async def put(state: State, request: Request) -> Response:
    """A workspace by a plain PUT, as a REST client makes it."""
    at, body = request.path_params, await body_of(request)
    properties = body.get("properties") or {}
    try:
        found = state.workspace(request)
    except ApiError:
        groups.group(state, at["sub"], at["rg"])
        _check_name(at["ws"])
        if not body.get("location"):
            raise ApiError(400, "LocationRequired", "The location property is required.") from None
        return _created(state, request, at["ws"], body["location"], body, properties)
    _change(found, body)
    return JSONResponse(found.resource)


def _created(
    state: State, request: Request, name: str, location: str, body: Json, properties: Json
) -> Response:
    at = request.path_params
    made = add(
        state, at["sub"], at["rg"], name, location, tags=body.get("tags"),
        friendly_name=properties.get("friendlyName"), description=properties.get("description"),
    )  # fmt: skip
    seconds = state.switches.operation_s
    if seconds:
        made.resource["properties"]["provisioningState"] = "Creating"

    def ready() -> None:
        made.resource["properties"]["provisioningState"] = "Succeeded"

    operation = state.operations.begin(seconds, ready, lambda: made.resource)
    return accepted(state, request, operation, copy.deepcopy(made.resource), 201)


async def patch(state: State, request: Request) -> Response:
    found = state.workspace(request)
    _change(found, await body_of(request))
    return JSONResponse(found.resource)


def _change(found: Workspace, body: Json) -> None:
    if body.get("tags") is not None:
        found.resource["tags"] = body["tags"]
    for name in ("friendlyName", "description", "publicNetworkAccess"):
        value = (body.get("properties") or {}).get(name)
        if value is not None:
            found.resource["properties"][name] = value


async def delete(state: State, request: Request) -> Response:
    found = state.workspace(request)
    found.resource["properties"]["provisioningState"] = "Deleting"
    operation = state.operations.begin(state.switches.operation_s, lambda: remove(state, found))
    return accepted(state, request, operation, location=True)


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ApiError(
            400, "ValidationError",
            f"Workspace name is invalid: '{name}'. It must be 3 to 33 letters, digits, - or _.",
        )  # fmt: skip


async def put_deployment(state: State, request: Request) -> Response:
    """An ARM template; the one that the SDK sends makes a workspace from its parameters."""
    at, body = request.path_params, await body_of(request)
    groups.group(state, at["sub"], at["rg"])
    sent = (body.get("properties") or {}).get("parameters") or {}
    values = {name: (one or {}).get("value") for name, one in sent.items()}
    name, seconds = values.get("workspaceName") or "", state.switches.operation_s
    _check_name(name)
    arm_id = f"{GROUP.format(sub=at['sub'], rg=at['rg'])}/providers/Microsoft.Resources/deployments/{at['deployment']}"  # fmt: skip
    made = resource(
        arm_id, "Microsoft.Resources/deployments",
        {"provisioningState": "Running", "mode": "Incremental", "parameters": sent,
         "outputResources": []},
    )  # fmt: skip
    state.rooms.setdefault("deployments", {})[arm_id.lower()] = made

    def ready() -> None:
        made["properties"]["provisioningState"] = "Succeeded"
        if WORKSPACE.format(sub=at["sub"], rg=at["rg"], ws=name).lower() not in state.workspaces:
            add(
                state, at["sub"], at["rg"], name, values.get("location") or "eastus",
                friendly_name=values.get("friendlyName"), description=values.get("description"),
                tags=values.get("tagValues"),
            )  # fmt: skip

    operation = state.operations.begin(seconds, ready, lambda: made)
    return accepted(state, request, operation, made, 201)


async def get_deployment(state: State, request: Request) -> Response:
    at = request.path_params
    arm_id = f"{GROUP.format(sub=at['sub'], rg=at['rg'])}/providers/Microsoft.Resources/deployments/{at['deployment']}"  # fmt: skip
    found = state.rooms.get("deployments", {}).get(arm_id.lower())
    if found is None:
        raise ApiError(
            404, "DeploymentNotFound", f"Deployment '{at['deployment']}' could not be found."
        )
    return JSONResponse(found)


async def deployment_operations(_state: State, _request: Request) -> Response:
    return JSONResponse({"value": []})


_DEPLOYMENT = f"{GROUP}/providers/Microsoft.Resources/deployments/{{deployment}}"
ROUTES = [
    Route("GET", f"/subscriptions/{{sub}}/providers/{PROVIDER}/workspaces", by_subscription),
    Route("GET", f"{GROUP}/providers/{PROVIDER}/workspaces", by_group),
    Route("GET", "{S}", get),
    Route("PUT", "{S}", put),
    Route("PATCH", "{S}", patch),
    Route("DELETE", "{S}", delete),
    Route("PUT", _DEPLOYMENT, put_deployment),
    Route("GET", _DEPLOYMENT, get_deployment),
    Route("GET", f"{GROUP}/deployments/{{deployment}}/operations", deployment_operations),
    Route("GET", f"{_DEPLOYMENT}/operations", deployment_operations),
]
