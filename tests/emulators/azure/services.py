"""Web services of the first generation (ACI and AKS): the legacy data plane, over real scoring processes."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure import storage
from tests.emulators.azure.core import (
    ApiError,
    Json,
    Route,
    State,
    Workspace,
    body_of,
    now_iso,
)  # fmt: skip
from tests.emulators.azure.deployments import served
from tests.emulators.azure.operations import again
from tests.emulators.azure.scoring import Scorer, answer_of, translated

_HIDDEN = {"keys", "sslKey", "sslCertificate", "environmentImageRequest", "overwrite"}
_TOKEN_S = 3600


@dataclass
class Service:
    """One service; `told` is what its GET answers."""

    told: Json
    keys: list[str]
    scorer: Scorer | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))


def services_of(workspace: Workspace) -> dict[str, Service]:
    return workspace.rooms.setdefault("services", {})


def _service(state: State, request: Request) -> Service:
    workspace, name = state.workspace(request), request.path_params["name"]
    found = services_of(workspace).get(name.lower())
    if found is None:
        raise ApiError(404, "NotFound", f"NoSuchService: Service with name {name} was not found.")
    return found


async def create(state: State, request: Request) -> Response:
    """Accept a service; `Operation-Location` names the operation that says when it is up."""
    workspace, body = state.workspace(request), await body_of(request)
    name = str(request.path_params.get("name") or body.get("name") or "")
    if name.lower() in services_of(workspace) and not body.get("overwrite"):
        raise ApiError(409, "Conflict", f"Service with name {name} already exists.")
    model = _checked(workspace, name, body)
    await _exists(state, workspace, model)
    told = _told(state, workspace, name, body)
    keys = body.get("keys") or {}
    service = Service(
        told,
        [keys.get(f"{one}Key") or secrets.token_urlsafe(24) for one in ("primary", "secondary")],
    )
    old = services_of(workspace).pop(name.lower(), None)
    services_of(workspace)[name.lower()] = service
    return _began(state, workspace, service, model, old.scorer if old else None)


def _checked(workspace: Workspace, name: str, body: Json) -> str:
    """The model's "name:version", or the service's refusal."""
    if not name:
        raise ApiError(400, "BadRequest", "The name of the service is missing.")
    kind = body.get("computeType")
    if kind not in {"ACI", "AKS"}:
        raise ApiError(400, "BadRequest", f"The compute type '{kind}' is not known.")
    cluster = str(body.get("computeName") or "").lower()
    if kind == "AKS" and cluster not in workspace.collection("computes"):
        raise ApiError(404, "ComputeNotFound", f"There is no compute '{cluster}' in the workspace.")
    models = (body.get("environmentImageRequest") or {}).get("modelIds") or []
    if not models:
        raise ApiError(400, "BadRequest", "The service names no model.")
    return str(models[0])


async def _exists(state: State, workspace: Workspace, model: str) -> None:
    name, _, version = model.partition(":")
    await asyncio.to_thread(storage.model_source, state, workspace, name, version)


def _told(state: State, workspace: Workspace, name: str, body: Json) -> Json:
    kind, at = body["computeType"], f"{state.origin}/services/{workspace.guid}/{name}"
    image = body.get("environmentImageRequest") or {}
    login = state.login
    told = {key: value for key, value in body.items() if key not in _HIDDEN and value is not None}
    told |= {
        "id": name, "name": name, "state": "Transitioning", "createdTime": now_iso(),
        "updatedTime": now_iso(), "deploymentType": "Http" + kind, "scoringUri": f"{at}/score",
        "swaggerUri": f"{at}/swagger.json", "kvTags": body.get("kvTags") or {},
        "properties": body.get("properties") or {}, "error": None, "models": [], "modelConfigMap": {},
        "environmentImageRequest": {
            "environment": image.get("environment"), "modelIds": image.get("modelIds"),
            "driverProgram": image.get("driverProgram"), "assets": image.get("assets"),
        },
        "createdBy": {
            "userObjectId": login.service.oid, "userTenantId": login.tenant,
            "userName": login.service.title,
        },
    }  # fmt: skip
    if kind == "ACI":
        told |= {
            "authEnabled": bool(body.get("authEnabled")), "publicFqdn": state.host, "publicIp": "127.0.0.1",
            "location": body.get("location") or workspace.location,
        }  # fmt: skip
    else:
        told |= {
            "authEnabled": body.get("authEnabled", True) is not False, "isDefault": True,
            "aadAuthEnabled": bool(body.get("aadAuthEnabled")),
            "deploymentStatus": {"desiredReplicas": 1, "updatedReplicas": 0, "availableReplicas": 0},
            "type": "Control", "trafficPercentile": 100.0,
        }  # fmt: skip
    return told


def _began(
    state: State, workspace: Workspace, service: Service, model: str,
    old: Scorer | None,
) -> Response:  # fmt: skip
    operation = state.operations.begin(None)
    service.told["operationId"] = operation.id

    def live() -> None:
        name, _, version = model.partition(":")
        try:
            folder = state.place / "services" / workspace.guid / uuid.uuid4().hex[:8]
            arm_id = f"{workspace.arm_id}/models/{name}/versions/{version}"
            scorer = served(state, workspace, arm_id, folder, {})
            service.scorer = scorer
            scorer.start(state)
            if old:
                old.stop()
            service.told["state"] = "Healthy"
            if service.told["computeType"] == "AKS":
                service.told["deploymentStatus"] |= {"updatedReplicas": 1, "availableReplicas": 1}
            operation.finish()
        except ApiError as error:
            service.told["state"] = "Failed"
            service.told["error"] = {
                "code": error.code,
                "statusCode": error.status,
                "message": error.message,
            }
            operation.fail(error.code, error.message)

    threading.Thread(target=live, name="service", daemon=True).start()
    path = f"/api{workspace.arm_id}/operations/{operation.id}"
    return JSONResponse(service.told, 202, {"Operation-Location": path, **again(state)})


async def operation(state: State, request: Request) -> Response:
    state.workspace(request)
    found = state.operations.all.get(request.path_params["operation"])
    if found is None:
        raise ApiError(404, "NotFound", "Operation not found.")
    found.settle()
    body = {
        "id": found.id, "operationType": "Service", "createdTime": now_iso(found.begun_s),
        "state": "Running" if found.state == "InProgress" else found.state, "error": None,
    }  # fmt: skip
    if found.error:
        body["error"] = {
            "code": found.error["code"],
            "statusCode": 400,
            "message": found.error["message"],
        }
    return JSONResponse(body, headers=again(state))


async def update(state: State, request: Request) -> Response:
    """Change tags, sizes or the model of a service."""
    service, body = _service(state, request), await body_of(request)
    image = body.get("environmentImageRequest") or {}
    models = image.get("modelIds") or []
    if models:
        await _exists(state, state.workspace(request), str(models[0]))
        service.told["environmentImageRequest"] |= image
    kept = {key: value for key, value in body.items() if key not in _HIDDEN and value is not None}
    service.told |= {key: value for key, value in kept.items() if key != "computeType"}
    service.told["updatedTime"] = now_iso()
    if not models:
        return JSONResponse(service.told)
    service.told["state"] = "Transitioning"
    return _began(state, state.workspace(request), service, str(models[0]), service.scorer)


async def get(state: State, request: Request) -> Response:
    return JSONResponse(_service(state, request).told)


async def all_of(state: State, request: Request) -> Response:
    kind = request.query_params.get("computeType")
    found = [one.told for one in services_of(state.workspace(request)).values()]
    rows = [one for one in found if kind in {None, one["computeType"]}]
    return JSONResponse({"value": rows, "nextLink": None})


async def delete(state: State, request: Request) -> Response:
    name = request.path_params["name"].lower()
    service = services_of(state.workspace(request)).pop(name, None)
    if service is None:
        return Response(None, 204)
    if service.scorer:
        service.scorer.stop()
    return Response(None, 200)


async def list_keys(state: State, request: Request) -> Response:
    service = _service(state, request)
    if not service.told.get("authEnabled"):
        raise ApiError(400, "BadRequest", "The service has no authentication, and so no keys.")
    return JSONResponse({"primaryKey": service.keys[0], "secondaryKey": service.keys[1]})


async def regenerate_keys(state: State, request: Request) -> Response:
    service, body = _service(state, request), await body_of(request)
    which = 0 if str(body.get("keyType", "Primary")).lower() == "primary" else 1
    service.keys[which] = body.get("key") or secrets.token_urlsafe(24)
    return JSONResponse({"primaryKey": service.keys[0], "secondaryKey": service.keys[1]})


async def token(state: State, request: Request) -> Response:
    service, now = _service(state, request), int(time.time())
    if not service.told.get("aadAuthEnabled"):
        raise ApiError(400, "BadRequest", "The service has no token authentication.")
    return JSONResponse(
        {
            "accessToken": service.token, "tokenType": "Bearer", "expiryOn": now + _TOKEN_S,
            "refreshAfter": now + _TOKEN_S // 2,
        }
    )  # fmt: skip


async def logs(state: State, request: Request) -> Response:
    scorer = _service(state, request).scorer
    text = scorer.log.read_text(errors="replace") if scorer and scorer.log.exists() else ""
    return JSONResponse({"content": text})


def _asked(state: State, request: Request) -> Service:
    """The service of a scoring request, if its key or token lets it in."""
    at = request.path_params
    for workspace in list(state.workspaces.values()):
        found = services_of(workspace).get(at["name"].lower())
        if workspace.guid != at["guid"].lower() or not found:
            continue
        secret = request.headers.get("authorization", "").partition(" ")[2]
        right = {*(found.keys if found.told.get("authEnabled") else ())}
        if found.told.get("aadAuthEnabled"):
            right.add(found.token)
        if right and secret not in right:
            raise ApiError(
                401, "Unauthorized", "The key or token of the service is missing or wrong."
            )
        return found
    raise ApiError(404, "NotFound", f"There is no service {at['name']}.")


async def score(state: State, request: Request) -> Response:
    service, body = _asked(state, request), await body_of(request)
    if service.scorer is None or service.told["state"] != "Healthy":
        raise ApiError(503, "ServiceUnavailable", f"The service is {service.told['state']}.")
    try:
        answer = await service.scorer.ask(translated(body))
    except httpx.HTTPError as error:
        raise ApiError(503, "ServiceUnavailable", f"The service does not answer: {error}") from None
    if not answer.is_success:
        return Response(answer.content, 500, media_type="application/json")
    return JSONResponse(answer_of(answer))


async def swagger(state: State, request: Request) -> Response:
    service = _asked(state, request)
    info = {"title": service.told["name"], "version": "1.0"}
    shape = {"schemas": {"ServiceOutput": {"type": "array"}}}
    return JSONResponse({"openapi": "3.0.1", "info": info, "paths": {}, "components": shape})


def stop(state: State) -> None:
    for workspace in state.workspaces.values():
        for service in services_of(workspace).values():
            if service.scorer:
                service.scorer.stop()


_BASE = "/modelmanagement/v1.0{S}"
_ONE = f"{_BASE}/services/{{name}}"
ROUTES = [
    Route("GET", f"{_BASE}/services", all_of),
    Route("POST", f"{_BASE}/services", create),
    Route("PUT", _ONE, create),
    Route("GET", _ONE, get),
    Route("PATCH", _ONE, update),
    Route("DELETE", _ONE, delete),
    Route("POST", f"{_ONE}/listkeys", list_keys),
    Route("POST", f"{_ONE}/regenerateKeys", regenerate_keys),
    Route("POST", f"{_ONE}/token", token),
    Route("GET", f"{_ONE}/logs", logs),
    Route("GET", f"{_BASE}/operations/{{operation}}", operation),
    Route("POST", "/services/{guid}/{name}/score", score, auth=False),
    Route("GET", "/services/{guid}/{name}/swagger.json", swagger, auth=False),
]
