"""Computes and what becomes of them: clusters, compute instances, attached Kubernetes."""

from __future__ import annotations

import copy
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure.core import (
    ApiError,
    Json,
    Route,
    State,
    Workspace,
    body_of,
    listed,
    now_iso,
    resource,
)  # fmt: skip
from tests.emulators.azure.operations import accepted
from tests.emulators.azure.sizes import check_quota

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{1,31}")
_KINDS = {"AmlCompute", "ComputeInstance", "Kubernetes"}


def add(
    state: State, workspace: Workspace, name: str, kind: str = "AmlCompute", **properties: Any
) -> Json:
    """A compute that is ready, as a test wishes it: `vmSize`, `scaleSettings`, `state`, ..."""
    made = _made(workspace, name, {"computeType": kind, "properties": properties})
    _settled(made, properties.get("state"))
    workspace.collection("computes")[name.lower()] = made
    return made


def find(workspace: Workspace, name: str) -> Json:
    """A compute by name or ARM id, its nodes as they are now."""
    found = workspace.collection("computes").get(name.rsplit("/", 1)[-1].lower())
    if found is None:
        raise ApiError(
            404, "ResourceNotFound", f"The requested compute '{name}' could not be found.")  # fmt: skip
    _scale_down(workspace, found)
    return found


def take(workspace: Workspace, name: str, nodes: int) -> None:
    """A job takes nodes of a cluster: more of them are started if that needs them."""
    inner = find(workspace, name)["properties"].get("properties") or {}
    memory = workspace.rooms.setdefault("nodes", {}).setdefault(
        name.lower(), {"busy": 0, "idle_s": 0}
    )
    memory["busy"] += nodes
    if "scaleSettings" in inner:
        most = inner["scaleSettings"]["maxNodeCount"]
        inner["currentNodeCount"] = max(inner["currentNodeCount"], min(most, memory["busy"]))
        _count(inner, memory["busy"])


def give_back(workspace: Workspace, name: str, nodes: int) -> None:
    """The job is over; nodes idle for a while before the cluster lets them go."""
    memory = workspace.rooms.setdefault("nodes", {}).setdefault(
        name.lower(), {"busy": 0, "idle_s": 0}
    )
    memory["busy"] = max(0, memory["busy"] - nodes)
    memory["idle_s"] = time.time()
    found = workspace.collection("computes").get(name.lower())
    inner = (found or {"properties": {}})["properties"].get("properties") or {}
    if "scaleSettings" in inner:
        _count(inner, memory["busy"])


def _count(inner: Json, busy: int) -> None:
    total = inner["currentNodeCount"]
    inner["nodeStateCounts"] = {
        "idleNodeCount": max(0, total - busy), "runningNodeCount": min(total, busy),
        "preparingNodeCount": 0, "unusableNodeCount": 0, "leavingNodeCount": 0,
        "preemptedNodeCount": 0,
    }  # fmt: skip


def _scale_down(workspace: Workspace, found: Json) -> None:
    inner = found["properties"].get("properties") or {}
    scale = inner.get("scaleSettings")
    if not scale:
        return
    memory = workspace.rooms.get("nodes", {}).get(found["name"].lower(), {"busy": 0, "idle_s": 0})
    waited_s = time.time() - memory["idle_s"]
    if waited_s >= _seconds(scale.get("nodeIdleTimeBeforeScaleDown")):
        low = max(scale["minNodeCount"], memory["busy"])
        if inner["currentNodeCount"] > low:
            inner["currentNodeCount"] = inner["targetNodeCount"] = low
            _count(inner, memory["busy"])


def _seconds(duration: str | None) -> float:
    """An ISO 8601 duration ("PT2M") in seconds."""
    match = re.fullmatch(
        r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", duration or "PT2M"
    )
    if not match:
        raise ApiError(400, "ValidationError", f"'{duration}' is no duration.")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _made(workspace: Workspace, name: str, sent: Json) -> Json:
    kind, at = sent.get("computeType"), now_iso()
    if kind not in _KINDS:
        raise ApiError(400, "ValidationError", f"Compute type '{kind}' is not supported.")
    inner = {
        key: value for key, value in (sent.get("properties") or {}).items() if value is not None
    }
    if kind == "AmlCompute":
        scale = inner.get("scaleSettings") or {}
        inner = {"vmPriority": "Dedicated", "osType": "Linux", "enableNodePublicIp": True} | inner
        inner["scaleSettings"] = {
            "minNodeCount": scale.get("minNodeCount") or 0,
            "maxNodeCount": scale.get("maxNodeCount", 1),
            "nodeIdleTimeBeforeScaleDown": scale.get("nodeIdleTimeBeforeScaleDown") or "PT2M",
        }
        inner |= {"currentNodeCount": 0, "targetNodeCount": 0, "allocationState": "Resizing",
                  "allocationStateTransitionTime": at, "errors": None}  # fmt: skip
        _count(inner, 0)
    elif kind == "ComputeInstance":
        inner = {
            "applicationSharingPolicy": "Personal", "computeInstanceAuthorizationType": "personal",
            "applications": [], "errors": None, "createdBy": {"userName": "Ada Lovelace"},
            "sshSettings": {"sshPublicAccess": "Disabled"}, "state": "Creating", "schedules": None,
        } | inner  # fmt: skip
    properties = {
        "computeType": kind, "computeLocation": workspace.location, "description": sent.get("description"),
        "provisioningState": "Creating", "provisioningErrors": None, "createdOn": at, "modifiedOn": at,
        "resourceId": sent.get("resourceId"), "isAttachedCompute": kind == "Kubernetes",
        "disableLocalAuth": bool(sent.get("disableLocalAuth")), "properties": inner,
    }  # fmt: skip
    return resource(
        f"{workspace.arm_id}/computes/{name}", "workspaces/computes", properties,
        location=workspace.location, tags={}, identity=None,
    )  # fmt: skip


def _settled(made: Json, state: str | None = None) -> None:
    """The compute is ready: nodes are there, the instance runs."""
    properties, at = made["properties"], now_iso()
    properties |= {"provisioningState": "Succeeded", "modifiedOn": at}
    inner = properties["properties"]
    if properties["computeType"] == "AmlCompute":
        low = inner["scaleSettings"]["minNodeCount"]
        inner["currentNodeCount"] = inner["targetNodeCount"] = max(inner["currentNodeCount"], low)
        inner["allocationState"] = "Steady"
        _count(inner, 0)
    elif properties["computeType"] == "ComputeInstance":
        inner["state"] = state or "Running"
        inner["lastOperation"] = {
            "operationName": "Create", "operationTime": at, "operationStatus": "Succeeded",
        }  # fmt: skip


def _check(state: State, workspace: Workspace, name: str, made: Json) -> None:
    if not _NAME.fullmatch(name):
        raise ApiError(
            400, "ValidationError", f"Compute name '{name}' is invalid: 2 to 32 letters, digits and "
            "dashes, the first a letter.")  # fmt: skip
    properties = made["properties"]
    inner = properties["properties"]
    if properties["computeType"] == "Kubernetes":
        if not properties["resourceId"]:
            raise ApiError(400, "ValidationError", "The resourceId of the cluster is required.")
        return
    count = inner["scaleSettings"]["maxNodeCount"] if "scaleSettings" in inner else 1
    check_quota(state, workspace.subscription_id, inner.get("vmSize") or "", count, made["id"])


async def all_of(state: State, request: Request) -> Response:
    workspace = state.workspace(request)
    found = list(workspace.collection("computes").values())
    for one in found:
        _scale_down(workspace, one)
    return listed(request, found)


async def get(state: State, request: Request) -> Response:
    return JSONResponse(find(state.workspace(request), request.path_params["compute"]))


async def put(state: State, request: Request) -> Response:
    workspace, body = state.workspace(request), await body_of(request)
    name = request.path_params["compute"]
    made = _made(workspace, name, body.get("properties") or {})
    made["tags"], made["identity"] = body.get("tags") or {}, body.get("identity")
    _check(state, workspace, name, made)
    stored = workspace.collection("computes")
    old = stored.get(name.lower())
    if old:
        if old["properties"]["computeType"] != made["properties"]["computeType"]:
            raise ApiError(409, "Conflict", f"A compute '{name}' of another type exists.")
        if old["properties"]["computeType"] == "ComputeInstance":
            raise ApiError(409, "Conflict", f"The compute instance '{name}' exists already.")
        made["properties"]["properties"] |= {
            key: old["properties"]["properties"][key]
            for key in ("currentNodeCount",) if key in old["properties"]["properties"]
        }  # fmt: skip
    stored[name.lower()] = made
    first = copy.deepcopy(made)
    operation = state.operations.begin(
        state.switches.operation_s, lambda: _settled(made), lambda: made
    )
    return accepted(state, request, operation, first, 200 if old else 201)


async def patch(state: State, request: Request) -> Response:
    workspace, body = state.workspace(request), await body_of(request)
    found = find(workspace, request.path_params["compute"])
    sent = ((body.get("properties") or {}).get("properties") or {}).get("scaleSettings") or {}
    inner = found["properties"]["properties"]
    if "scaleSettings" not in inner:
        raise ApiError(400, "UserError", "Only clusters can be scaled.")
    inner["scaleSettings"] |= {key: value for key, value in sent.items() if value is not None}
    operation = state.operations.begin(
        state.switches.operation_s, lambda: _settled(found), lambda: found
    )
    return accepted(state, request, operation, copy.deepcopy(found), 200)


async def delete(state: State, request: Request) -> Response:
    """Delete a cluster or an instance, or detach Kubernetes, which stays where it is."""
    workspace, name = state.workspace(request), request.path_params["compute"]
    found = find(workspace, name)
    action = request.query_params.get("underlyingResourceAction")
    if action not in {"Delete", "Detach"}:
        raise ApiError(400, "ValidationError", "underlyingResourceAction must be Delete or Detach.")
    if action == "Delete" and found["properties"]["isAttachedCompute"]:
        raise ApiError(400, "UserError", "An attached compute can only be detached.")
    found["properties"]["provisioningState"] = "Deleting"
    operation = state.operations.begin(
        state.switches.operation_s,
        lambda: workspace.collection("computes").pop(name.lower(), None) and None,
    )
    return accepted(state, request, operation)


_ACTS = {
    "start": ("Stopped", "Starting", "Running"),
    "stop": ("Running", "Stopping", "Stopped"),
    "restart": ("Running", "Restarting", "Running"),
}


async def act(state: State, request: Request) -> Response:
    """Start, stop or restart a compute instance."""
    found = find(state.workspace(request), request.path_params["compute"])
    inner, at = found["properties"]["properties"], request.path_params["act"].lower()
    if at not in _ACTS:
        raise ApiError(404, "NotFound", "The resource type could not be found.")
    if found["properties"]["computeType"] != "ComputeInstance":
        raise ApiError(400, "UserError", f"A {found['properties']['computeType']} cannot {at}.")
    before, between, after = _ACTS[at]
    if inner["state"] == after and before != after:
        return Response(None, 200)
    if inner["state"] != before:
        raise ApiError(
            409, "Conflict", f"The compute instance is {inner['state']}, it cannot {at} now.")  # fmt: skip
    inner["state"] = between

    def done() -> None:
        inner["state"] = after
        inner["lastOperation"] = {
            "operationName": at.capitalize(), "operationTime": now_iso(), "operationStatus": "Succeeded",
        }  # fmt: skip

    operation = state.operations.begin(state.switches.operation_s, done)
    return accepted(state, request, operation)


async def nodes(state: State, request: Request) -> Response:
    found = find(state.workspace(request), request.path_params["compute"])
    count = (found["properties"]["properties"] or {}).get("currentNodeCount", 0)
    value = [
        {"nodeId": f"tvmps_{at}", "privateIpAddress": f"10.0.0.{at + 4}", "port": 50000 + at,
         "nodeState": "idle", "runId": None}
        for at in range(count)
    ]  # fmt: skip
    return JSONResponse({"nodes": value})


ROUTES = [
    Route("GET", "{S}/computes", all_of),
    Route("GET", "{S}/computes/{compute}", get),
    Route("PUT", "{S}/computes/{compute}", put),
    Route("PATCH", "{S}/computes/{compute}", patch),
    Route("DELETE", "{S}/computes/{compute}", delete),
    Route("POST", "{S}/computes/{compute}/listNodes", nodes),
    Route("POST", "{S}/computes/{compute}/{act}", act),
]
