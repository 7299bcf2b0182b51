"""Deployments of online endpoints: each is a real scoring process of a registered MLflow model."""

from __future__ import annotations

import asyncio
import copy
import re
import shutil
import threading
from pathlib import Path

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
    listed,
    not_found,
    resource,
)  # fmt: skip
from tests.emulators.azure.endpoints import Endpoint, of_request
from tests.emulators.azure.operations import Operation, accepted
from tests.emulators.azure.scoring import Scorer
from tests.emulators.azure.sizes import check_quota

_MODEL = re.compile(r"models/([^/]+)/versions/([^/]+)$")
_BUSY = {"Creating", "Updating", "Deleting"}


def _deployment(endpoint: Endpoint, name: str) -> Json:
    found = endpoint.deployments.get(name.lower())
    if found is None:
        raise not_found(
            f"{endpoint.workspace.name}/onlineEndpoints/{endpoint.name}/deployments/{name}"
        )
    return found


def model_name(model: str) -> tuple[str, str]:
    """Name and version of a model's ARM id."""
    found = _MODEL.search(model or "")
    if not found:
        raise ApiError(400, "BadRequest", f"'{model}' names no version of a model.")
    return found[1], found[2]


async def _checked(state: State, endpoint: Endpoint, arm_id: str, body: Json) -> Json:
    """Properties of a deployment as they were sent, or the service's 400."""
    sent = {
        key: value for key, value in (body.get("properties") or {}).items() if value is not None
    }
    kind = sent.get("endpointComputeType")
    wanted = "Kubernetes" if endpoint.properties.get("compute") else "Managed"
    if kind != wanted:
        raise ApiError(
            400, "BadRequest", f"The endpoint is {wanted}; the deployment cannot be {kind}."
        )
    for one in ((sent.get("dataCollector") or {}).get("collections") or {}).values():
        # the SDK sends "enabled" and reads "Enabled"
        one["dataCollectionMode"] = str(one.get("dataCollectionMode") or "Disabled").capitalize()
    model = str(sent.get("model") or "")
    if model and not model.startswith("azureml://registries/"):
        name, version = model_name(model)
        await asyncio.to_thread(storage.model_source, state, endpoint.workspace, name, version)
    count = int((body.get("sku") or {}).get("capacity") or 1)
    if kind == "Managed":
        if not sent.get("instanceType"):
            raise ApiError(400, "BadRequest", "The instance type of the deployment is missing.")
        check_quota(state, endpoint.workspace.subscription_id, sent["instanceType"], count, arm_id)
    return sent | {"scaleSettings": sent.get("scaleSettings") or {"scaleType": "Default"}}


async def put(state: State, request: Request) -> Response:
    """Make a deployment or change the one of the name; ends when its process answers."""
    endpoint, name = of_request(state, request), request.path_params["deployment"]
    body, arm_id = await body_of(request), f"{endpoint.resource['id']}/deployments/{name}"
    if endpoint.properties["provisioningState"] in _BUSY:
        state_now = endpoint.properties["provisioningState"]
        raise ApiError(409, "Conflict", f"Endpoint {endpoint.name} is {state_now}.")
    old = endpoint.deployments.get(name.lower())
    if old and old["properties"]["provisioningState"] in _BUSY:
        raise ApiError(
            409, "Conflict", f"Deployment {name} is {old['properties']['provisioningState']}; "
            "there is an operation on it already.")  # fmt: skip
    properties = await _checked(state, endpoint, arm_id, body)
    properties["provisioningState"] = "Updating" if old else "Creating"
    made = resource(
        arm_id, "workspaces/onlineEndpoints/deployments", properties, tags=body.get("tags") or {},
        location=body.get("location") or endpoint.resource["location"], kind=endpoint.resource["kind"],
        sku={"name": "Default", "capacity": int((body.get("sku") or {}).get("capacity") or 1)},
    )  # fmt: skip
    endpoint.deployments[name.lower()] = made
    return _began(state, request, endpoint, made, 200 if old else 201)


def _began(state: State, request: Request, endpoint: Endpoint, made: Json, status: int) -> Response:
    first = copy.deepcopy(made)
    operation = state.operations.begin(None, result=lambda: made)
    worker = threading.Thread(
        target=_live, args=[state, endpoint, made, operation], name="deployment", daemon=True
    )
    worker.start()
    return accepted(state, request, operation, first, status)


def _live(state: State, endpoint: Endpoint, made: Json, operation: Operation) -> None:
    """Fetch the model, start the process, tell how it went."""
    properties, name = made["properties"], made["name"].lower()
    try:
        endpoint.generation += 1
        folder = state.place / "deployments" / endpoint.workspace.guid / endpoint.name
        folder = folder / f"{name}-{endpoint.generation}"
        environment = properties.get("environmentVariables") or {}
        model = str(properties.get("model") or "")
        scorer = served(state, endpoint.workspace, model, folder, environment)
        before = endpoint.scorers.get(name)
        endpoint.scorers[name] = scorer
        scorer.start(state)
        if endpoint.deployments.get(name) is not made:  # deleted meanwhile
            scorer.stop()
        if before:
            before.stop()
        properties["provisioningState"] = "Succeeded"
        operation.finish()
    except ApiError as error:
        properties["provisioningState"] = "Failed"
        operation.fail(error.code, error.message)
    except Exception as error:
        properties["provisioningState"] = "Failed"
        operation.fail("InternalServerError", f"{type(error).__name__}: {error}")


def served(
    state: State, workspace: Workspace, model: str, folder: Path, environment: dict[str, str]
) -> Scorer:
    """A scoring process of a registered model, not started yet; its files and log are in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    if not _MODEL.search(model) or model.startswith("azureml://registries/"):
        message = (
            f"This emulator serves models of its workspaces only, no '{model or 'container'}'."
        )
        raise ApiError(400, "UserError", message)
    name, version = model_name(model)
    source = storage.model_source(state, workspace, name, version)
    at = storage.fetch(state, workspace, source, folder / "model")
    scorer = Scorer(at, folder / "log.txt", {key: str(value) for key, value in environment.items()})
    with scorer.log.open("w") as log:
        log.write(f"Liveness Probe: GET 127.0.0.1:31311/\nModel {name} version {version}\n")
    if not (at / "MLmodel").exists():
        log_text = f"No MLmodel file in {source}; a model of another kind needs a scoring script.\n"
        scorer.log.write_text(log_text)
    return scorer


async def patch(state: State, request: Request) -> Response:
    """Change tags or the number of instances."""
    endpoint, body = of_request(state, request), await body_of(request)
    made = _deployment(endpoint, request.path_params["deployment"])
    if made["properties"]["provisioningState"] in _BUSY:
        raise ApiError(409, "Conflict", f"Deployment {made['name']} is being changed.")
    if body.get("tags") is not None:
        made["tags"] = body["tags"]
    count = (body.get("sku") or {}).get("capacity")
    if count:
        size = made["properties"].get("instanceType")
        if size:
            check_quota(state, endpoint.workspace.subscription_id, size, int(count), made["id"])
        made["sku"]["capacity"] = int(count)
    operation = state.operations.begin(state.switches.operation_s, result=lambda: made)
    return accepted(state, request, operation, copy.deepcopy(made), 202)


async def get(state: State, request: Request) -> Response:
    endpoint = of_request(state, request)
    return JSONResponse(_deployment(endpoint, request.path_params["deployment"]))


async def all_of(state: State, request: Request) -> Response:
    return listed(request, list(of_request(state, request).deployments.values()))


async def delete(state: State, request: Request) -> Response:
    endpoint, name = of_request(state, request), request.path_params["deployment"].lower()
    made = endpoint.deployments.get(name)
    if made is None:
        return Response(None, 204)
    if endpoint.properties["traffic"].get(name):
        raise ApiError(
            400, "BadRequest", f"Deployment {name} has live traffic and cannot be deleted; set its "
            "traffic to 0 first.")  # fmt: skip
    made["properties"]["provisioningState"] = "Deleting"

    def gone() -> None:
        endpoint.deployments.pop(name, None)
        endpoint.properties["traffic"].pop(name, None)
        endpoint.properties["mirrorTraffic"].pop(name, None)
        if scorer := endpoint.scorers.pop(name, None):
            scorer.stop()

    operation = state.operations.begin(state.switches.operation_s, gone)
    if not state.switches.operation_s:
        return Response(None, 200)
    return accepted(state, request, operation, location=True)


async def get_logs(state: State, request: Request) -> Response:
    """The last lines of the scoring process's log."""
    endpoint, body = of_request(state, request), await body_of(request)
    name = _deployment(endpoint, request.path_params["deployment"])["name"].lower()
    tail, scorer = int(body.get("tail") or 5000), endpoint.scorers.get(name)
    lines: list[str] = []
    if scorer and body.get("containerType") != "StorageInitializer" and scorer.log.exists():
        lines = scorer.log.read_text(errors="replace").splitlines()[-tail:]
    elif scorer:
        lines = [f"Downloaded model to {scorer.model.name}"]
    head = f"Instance status:\nSystemSetup: Succeeded\nUserContainerImagePull: Succeeded\nModelDownload: Succeeded\nUserContainerStart: {'Succeeded' if scorer else 'InProgress'}\n\nContainer logs:\n"
    return JSONResponse({"content": head + "\n".join(lines)})


_ALL = "{S}/onlineEndpoints/{endpoint}/deployments"
_ONE = f"{_ALL}/{{deployment}}"
ROUTES = [
    Route("GET", _ALL, all_of),
    Route("PUT", _ONE, put),
    Route("PATCH", _ONE, patch),
    Route("GET", _ONE, get),
    Route("DELETE", _ONE, delete),
    Route("POST", f"{_ONE}/getLogs", get_logs),
]
