"""Scoring requests: who may ask, which deployment answers, what is mirrored and what is collected."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure import sas
from tests.emulators.azure.blobs import blobs_of
from tests.emulators.azure.core import ApiError, Json, Route, State, now_iso
from tests.emulators.azure.endpoints import Endpoint, endpoints_of, told
from tests.emulators.azure.scoring import answer_of, records, translated

HEADER = "azureml-model-deployment"


def _endpoint(state: State, request: Request) -> Endpoint:
    at = request.path_params
    for workspace in list(state.workspaces.values()):
        found = endpoints_of(workspace).get(at["endpoint"].lower())
        if workspace.guid == at["guid"].lower() and found:
            return found
    raise ApiError(404, "NotFound", f"There is no endpoint {at['endpoint']}.")


def _let_in(state: State, request: Request, endpoint: Endpoint) -> None:
    """Raise a 401 unless the request carries a key or a token of the endpoint."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    mode = endpoint.properties["authMode"]
    if scheme.lower() == "bearer" and secret:
        if mode == "Key" and secret in endpoint.keys:
            return
        if mode == "AADToken":
            state.login.check(secret)
            return
        if mode == "AMLToken":
            claims = _claims(state, secret)
            if claims.get("endpoint") == endpoint.resource["id"] and claims["exp"] > time.time():
                return
    raise ApiError(
        401, {"Key": "key_auth_access_denied"}.get(mode, "token_auth_access_denied"),
        "Authentication failed: the key or token of the endpoint is missing or wrong.",
    )  # fmt: skip


def _claims(state: State, token: str) -> Json:
    """The claims of a token that this emulator signed, else nothing."""
    text = token.split(".")
    if len(text) != 3:
        return {}
    claims: Json = json.loads(base64.urlsafe_b64decode(text[1] + "=" * (-len(text[1]) % 4)))
    return claims if state.login.signed(claims) == token else {}


def _chosen(request: Request, endpoint: Endpoint) -> str:
    name = request.headers.get(HEADER, "").lower() or endpoint.next()
    if not name:
        raise ApiError(404, "NotFound", f"No deployment of endpoint {endpoint.name} has traffic.")
    if name not in endpoint.scorers or name not in endpoint.deployments:
        raise ApiError(404, "NotFound", f"Endpoint {endpoint.name} has no deployment {name}.")
    return name


async def score(state: State, request: Request) -> Response:
    """One prediction."""
    endpoint = _endpoint(state, request)
    _let_in(state, request, endpoint)
    name = _chosen(request, endpoint)
    try:
        body = await request.json()
    except ValueError:
        raise ApiError(400, "BadRequest", "The request is no JSON.") from None
    payload = translated(body)
    headers = {HEADER: name, "x-ms-request-id": str(uuid.uuid4())}
    if HEADER not in request.headers:
        for other in endpoint.mirrors():
            task = asyncio.create_task(_mirrored(state, endpoint, other, body, payload))
            state.rooms.setdefault("mirrors", set()).add(task)
            task.add_done_callback(state.rooms["mirrors"].discard)
    try:
        answer = await endpoint.scorers[name].ask(payload)
    except httpx.HTTPError as error:
        raise ApiError(
            503, "ServiceUnavailable", f"Deployment {name} does not answer: {error}"
        ) from None
    endpoint.count += 1
    if not answer.is_success:
        # the service names the container's own status beside its 424
        headers |= {
            "ms-azureml-model-error-reason": "model_error",
            "ms-azureml-model-error-statuscode": str(answer.status_code),
        }
        return Response(answer.content, 424, headers, media_type="application/json")
    found = answer_of(answer)
    await asyncio.to_thread(collect, state, endpoint, name, body, found)
    return JSONResponse(found, headers=headers)


async def _mirrored(state: State, endpoint: Endpoint, name: str, body: Any, payload: Json) -> None:
    """The copy of a request; nobody sees its answer but the collected data."""
    scorer = endpoint.scorers.get(name)
    if scorer is None:
        return
    try:
        answer = await scorer.ask(payload)
    except httpx.HTTPError:
        return
    if answer.is_success:
        await asyncio.to_thread(collect, state, endpoint, name, body, answer_of(answer))


def collect(state: State, endpoint: Endpoint, name: str, body: Any, found: Any) -> None:
    """Write inputs and outputs to the workspace's store, if the deployment's collector is on."""
    made = endpoint.deployments.get(name)
    collector = (made or {}).get("properties", {}).get("dataCollector") or {}
    for collection, rows in (("model_inputs", body["input_data"]), ("model_outputs", found)):
        wanted = (collector.get("collections") or {}).get(collection) or {}
        if wanted.get("dataCollectionMode") == "Enabled":
            _append(state, endpoint, name, collection, records(rows))


def folder_of(endpoint: str, deployment: str, collection: str) -> str:
    """Where collected data is in the workspace's default datastore."""
    return f"modelDataCollector/{endpoint}/{deployment}/{collection}"


def _append(state: State, endpoint: Endpoint, name: str, collection: str, rows: list[Json]) -> None:
    made = endpoint.deployments[name]
    hour = time.strftime("%Y/%m/%d/%H", time.gmtime())
    path = f"{folder_of(endpoint.name, name, collection)}/{hour}/{name}-0.jsonl"
    content = json.dumps(rows)
    event = {
        "specversion": "1.0", "id": str(uuid.uuid4()), "source": made["id"],
        "type": f"azureml.inference.{collection.removeprefix('model_')}", "time": now_iso(),
        "datacontenttype": "application/json", "collectdatatype": "pandas.core.frame.DataFrame",
        "agent": "azureml-ai-monitoring/1.0.0", "contentrange": f"bytes 0-{len(content) - 1}/{len(content)}",
        "data": rows,
    }  # fmt: skip
    store = blobs_of(state)
    key = (endpoint.workspace.account, sas.container_of(endpoint.workspace), path)
    with store.lock:
        before = store.get(key).file.read_bytes() if store.has(key) else b""
        store.put(key, before + json.dumps(event).encode() + b"\n")


async def swagger(state: State, request: Request) -> Response:
    endpoint = _endpoint(state, request)
    _let_in(state, request, endpoint)
    return JSONResponse(told(endpoint))


ROUTES = [
    Route("POST", "/endpoints/{guid}/{endpoint}/score", score, auth=False),
    Route("GET", "/endpoints/{guid}/{endpoint}/swagger.json", swagger, auth=False),
]
