"""Online endpoints in ARM: names, traffic, keys and tokens; deployments are in `deployments.py`."""

from __future__ import annotations

import copy
import secrets
import time
from dataclasses import dataclass, field
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
    not_found,
    now_iso,
    resource,
)  # fmt: skip
from tests.emulators.azure.operations import accepted
from tests.emulators.azure.scoring import Scorer, zygote_of

_MODES = {"key": "Key", "amltoken": "AMLToken", "aadtoken": "AADToken"}
_TOKEN_S = 12 * 3600


@dataclass
class Endpoint:
    """What the emulator holds beside the resource: secrets, processes, who gets the next request."""

    workspace: Workspace
    resource: Json
    keys: list[str] = field(default_factory=lambda: [secrets.token_urlsafe(24) for _ in range(2)])
    scorers: dict[str, Scorer] = field(default_factory=dict)  # by deployment
    turns: dict[str, float] = field(default_factory=dict)
    generation: int = 0
    count: int = 0

    @property
    def name(self) -> str:
        return str(self.resource["name"])

    @property
    def properties(self) -> Json:
        return self.resource["properties"]

    @property
    def deployments(self) -> dict[str, Json]:
        return self.workspace.collection(f"onlineEndpoints/{self.name}/deployments")

    def next(self) -> str:
        """The deployment whose turn it is, by the shares of traffic ("" : none has any)."""
        shares = {name: part for name, part in self.properties["traffic"].items() if part}
        if not shares:
            return ""
        for name, part in shares.items():
            self.turns[name] = self.turns.get(name, 0) + part
        chosen = max(shares, key=lambda name: self.turns[name])
        self.turns[chosen] -= sum(shares.values())
        return chosen

    def mirrors(self) -> list[str]:
        """The deployments that get a copy of this request."""
        found = []
        for name, part in (self.properties.get("mirrorTraffic") or {}).items():
            turn = self.turns.get(f"mirror {name}", 0) + part
            if turn >= 100:
                found.append(name)
                turn -= 100
            self.turns[f"mirror {name}"] = turn
        return found


def endpoints_of(workspace: Workspace) -> dict[str, Endpoint]:
    return workspace.rooms.setdefault("endpoints", {})


def find(workspace: Workspace, name: str) -> Endpoint:
    found = endpoints_of(workspace).get(name.lower())
    if found is None:
        raise not_found(f"{workspace.name}/onlineEndpoints/{name}")
    return found


def of_request(state: State, request: Request) -> Endpoint:
    return find(state.workspace(request), request.path_params["endpoint"])


def _shares(endpoint: Endpoint, sent: Json, name: str, allowed: set[int]) -> dict[str, int]:
    """Traffic or mirror traffic as it was sent, checked."""
    shares = {str(key).lower(): int(part) for key, part in (sent.get(name) or {}).items()}
    unknown = [key for key in shares if key not in endpoint.deployments]
    if unknown:
        raise ApiError(400, "BadRequest", f"Deployment '{unknown[0]}' in {name} does not exist.")
    if name == "traffic" and sum(shares.values()) not in allowed:
        raise ApiError(400, "BadRequest", "The traffic of all deployments must sum to 0 or 100.")
    if any(part < 0 or part > 100 for part in shares.values()):
        raise ApiError(400, "BadRequest", f"A share of {name} is not between 0 and 100.")
    if name == "mirrorTraffic" and sum(shares.values()) > 50:
        raise ApiError(400, "BadRequest", "At most 50 percent of the traffic can be mirrored.")
    return shares


def _checked(workspace: Workspace, body: Json) -> Json:
    """Properties of a new endpoint."""
    sent = body.get("properties") or {}
    if not body.get("location"):
        raise ApiError(400, "LocationRequired", "The location property is required.")
    mode = _MODES.get(str(sent.get("authMode", "")).lower())
    if mode is None:
        raise ApiError(400, "BadRequest", f"The auth mode '{sent.get('authMode')}' is not known.")
    compute = str(sent.get("compute") or "")
    if compute:
        found = workspace.collection("computes").get(compute.rsplit("/", 1)[-1].lower())
        if found is None or found["properties"]["computeType"] != "Kubernetes":
            raise ApiError(
                400, "BadRequest", f"'{compute}' is no Kubernetes compute of the workspace."
            )
    kept = {key: value for key, value in sent.items() if value is not None and key != "keys"}
    return (
        {"publicNetworkAccess": "Enabled", "description": None, "properties": {}}
        | kept
        | {"authMode": mode}
    )


async def put(state: State, request: Request) -> Response:
    """Make an endpoint, or change the one of the name."""
    workspace, name = state.workspace(request), request.path_params["endpoint"]
    body = await body_of(request)
    found = endpoints_of(workspace).get(name.lower())
    if found:
        return _changed(state, request, found, body)
    properties = _checked(workspace, body)
    at = f"{state.origin}/endpoints/{workspace.guid}/{name}"
    properties |= {
        "scoringUri": f"{at}/score", "swaggerUri": f"{at}/swagger.json", "traffic": {},
        "mirrorTraffic": {}, "provisioningState": "Creating",
    }  # fmt: skip
    kind = "K8S" if properties.get("compute") else "Managed"
    made = resource(
        f"{workspace.arm_id}/onlineEndpoints/{name}", "workspaces/onlineEndpoints", properties,
        location=body["location"], tags=body.get("tags") or {}, kind=kind,
        identity=body.get("identity") or {"type": "SystemAssigned"},
    )  # fmt: skip
    endpoint = Endpoint(workspace, made)
    zygote_of(state).start()  # is ready by the time a deployment wants it
    keys = (body.get("properties") or {}).get("keys") or {}
    endpoint.keys = [
        keys.get("primaryKey") or endpoint.keys[0],
        keys.get("secondaryKey") or endpoint.keys[1],
    ]
    endpoints_of(workspace)[name.lower()] = endpoint
    workspace.collection("onlineEndpoints")[name.lower()] = made
    seconds, first = state.switches.operation_s, copy.deepcopy(made)
    operation = state.operations.begin(seconds, lambda: _settle(made), lambda: made)
    return accepted(state, request, operation, first, 201)


def _settle(made: Json) -> None:
    made["properties"]["provisioningState"] = "Succeeded"


def _changed(state: State, request: Request, endpoint: Endpoint, body: Json) -> Response:
    sent, own = body.get("properties") or {}, endpoint.properties
    if own["provisioningState"] in {"Creating", "Updating", "Deleting"}:
        raise ApiError(409, "Conflict", f"Endpoint {endpoint.name} is {own['provisioningState']}.")
    mode = _MODES.get(str(sent.get("authMode") or own["authMode"]).lower())
    if mode != own["authMode"]:
        raise ApiError(400, "BadRequest", "The auth mode of an endpoint cannot be changed.")
    for name in ("traffic", "mirrorTraffic"):
        if sent.get(name) is not None:
            own[name] = _shares(endpoint, sent, name, {0, 100})
    for name in ("description", "publicNetworkAccess", "properties"):
        if sent.get(name) is not None:
            own[name] = sent[name]
    if body.get("tags") is not None:
        endpoint.resource["tags"] = body["tags"]
    own["provisioningState"] = "Updating"
    first = copy.deepcopy(endpoint.resource)
    operation = state.operations.begin(
        state.switches.operation_s, lambda: _settle(endpoint.resource), lambda: endpoint.resource
    )
    return accepted(state, request, operation, first, 202 if request.method == "PATCH" else 200)


async def patch(state: State, request: Request) -> Response:
    return _changed(state, request, of_request(state, request), await body_of(request))


async def get(state: State, request: Request) -> Response:
    return JSONResponse(of_request(state, request).resource)


async def all_of(state: State, request: Request) -> Response:
    found = [one.resource for one in endpoints_of(state.workspace(request)).values()]
    return listed(request, found)


async def delete(state: State, request: Request) -> Response:
    """Delete the endpoint and its deployments."""
    workspace, name = state.workspace(request), request.path_params["endpoint"]
    endpoint = endpoints_of(workspace).get(name.lower())
    if endpoint is None:
        return Response(None, 204)
    endpoint.properties["provisioningState"] = "Deleting"

    def gone() -> None:
        for scorer in endpoint.scorers.values():
            scorer.stop()
        endpoint.deployments.clear()
        endpoints_of(workspace).pop(name.lower(), None)
        workspace.collection("onlineEndpoints").pop(name.lower(), None)

    operation = state.operations.begin(state.switches.operation_s, gone)
    return accepted(state, request, operation, location=True)


async def list_keys(state: State, request: Request) -> Response:
    endpoint = of_request(state, request)
    if endpoint.properties["authMode"] != "Key":
        raise ApiError(
            400, "BadRequest", "Keys are there for endpoints with key authentication only."
        )
    return JSONResponse({"primaryKey": endpoint.keys[0], "secondaryKey": endpoint.keys[1]})


async def regenerate_keys(state: State, request: Request) -> Response:
    endpoint, body = of_request(state, request), await body_of(request)
    which = 0 if str(body.get("keyType", "Primary")).lower() == "primary" else 1
    endpoint.keys[which] = body.get("keyValue") or secrets.token_urlsafe(24)
    operation = state.operations.begin(0)
    return accepted(state, request, operation, location=True)


async def get_token(state: State, request: Request) -> Response:
    """A token for requests to this endpoint, for those that ask for one."""
    endpoint, now = of_request(state, request), time.time()
    if endpoint.properties["authMode"] == "Key":
        raise ApiError(
            400, "BadRequest", "Tokens are there for endpoints with token authentication only."
        )
    claims = {"endpoint": endpoint.resource["id"], "iat": int(now), "exp": int(now + _TOKEN_S)}
    return JSONResponse(
        {
            "accessToken": state.login.signed(claims), "tokenType": "Bearer",
            "expiryTimeUtc": int(now + _TOKEN_S), "refreshAfterTimeUtc": int(now + _TOKEN_S / 2),
        }
    )  # fmt: skip


def stop(state: State) -> None:
    for workspace in state.workspaces.values():
        for endpoint in endpoints_of(workspace).values():
            for scorer in endpoint.scorers.values():
                scorer.stop()


def told(endpoint: Endpoint) -> dict[str, Any]:
    """What the swagger of an endpoint says."""
    return {
        "openapi": "3.0.1", "info": {"title": endpoint.name, "version": "1.0"},
        "paths": {"/score": {"post": {"operationId": "score"}}},
        "components": {"schemas": {"ServiceOutput": {"type": "array"}}}, "x-made": now_iso(),
    }  # fmt: skip


_ONE = "{S}/onlineEndpoints/{endpoint}"
ROUTES = [
    Route("GET", "{S}/onlineEndpoints", all_of),
    Route("PUT", _ONE, put),
    Route("PATCH", _ONE, patch),
    Route("GET", _ONE, get),
    Route("DELETE", _ONE, delete),
    Route("POST", f"{_ONE}/listKeys", list_keys),
    Route("POST", f"{_ONE}/regenerateKeys", regenerate_keys),
    Route("POST", f"{_ONE}/token", get_token),
]
