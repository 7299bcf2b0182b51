"""MLflow's own REST, as the tracking host has it: a real MLflow server, less what Azure ML lacks.

Routes that the service does not have (logged models, traces, aliases unless switched on) answer 404 with an empty
body, as the service does.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure.core import Json, Route, State, Workspace
from tests.emulators.azure.mlflow_store import MlflowStore

BASE = "/mlflow/{version}{S}"
_NO_EXPERIMENT = re.compile(rb'"experiment_id":\s*"0"')

_SERVED: dict[str, str] = {
    "experiments/get-by-name": "GET", "experiments/get": "GET", "experiments/create": "POST",
    "experiments/search": "GET POST", "experiments/delete": "POST", "experiments/restore": "POST",
    "experiments/update": "POST", "experiments/set-experiment-tag": "POST",
    "runs/create": "POST", "runs/update": "POST", "runs/delete": "POST", "runs/restore": "POST",
    "runs/search": "POST", "runs/get": "GET", "runs/set-tag": "POST", "runs/delete-tag": "POST",
    "runs/log-metric": "POST", "runs/log-parameter": "POST", "runs/log-batch": "POST",
    "runs/log-inputs": "POST", "runs/log-model": "POST",
    "metrics/get-history": "GET",
    "registered-models/create": "POST", "registered-models/get": "GET",
    "registered-models/search": "GET", "registered-models/update": "PATCH",
    "registered-models/delete": "DELETE", "registered-models/rename": "POST",
    "registered-models/get-latest-versions": "GET POST",
    "registered-models/set-tag": "POST", "registered-models/delete-tag": "DELETE",
    "model-versions/create": "POST", "model-versions/get": "GET", "model-versions/search": "GET",
    "model-versions/update": "PATCH", "model-versions/delete": "DELETE",
    "model-versions/get-download-uri": "GET", "model-versions/transition-stage": "POST",
    "model-versions/set-tag": "POST", "model-versions/delete-tag": "DELETE",
}  # fmt: skip


def mlflow_of(state: State) -> MlflowStore:
    """The one MLflow server, started when it is first asked for."""
    with state.lock:
        if "mlflow" not in state.rooms:
            state.rooms["mlflow"] = MlflowStore(state.place / "mlflow")
    store = state.rooms["mlflow"]
    store.start()
    return store


def artifact_uri(state: State, workspace: Workspace, experiment_id: str, run_id: str) -> str:
    """Where a run's artifacts are, as the service names it."""
    return (
        f"azureml://{state.host}/mlflow/v2.0{workspace.arm_id}"
        f"/experiments/{experiment_id}/runs/{run_id}/artifacts"
    )


def _rewritten(state: State, workspace: Workspace, body: Json) -> Json:
    """The answer with Azure's addresses in the place of MLflow's."""
    runs = [body["run"]] if "run" in body else body.get("runs", [])
    for info in (run["info"] for run in runs):
        info["artifact_uri"] = artifact_uri(state, workspace, info["experiment_id"], info["run_id"])
    found = [body["experiment"]] if "experiment" in body else body.get("experiments", [])
    for experiment in found:
        experiment["artifact_location"] = ""
    models = [body["model"]] if "model" in body else body.get("models", [])
    for info in (model["info"] for model in models if "info" in model):
        run = info["model_id"]
        info["artifact_uri"] = artifact_uri(state, workspace, info["experiment_id"], run)
    return body


async def _asked(store: MlflowStore, workspace: Workspace, request: Request) -> tuple[str, bytes]:
    """Query and body, with the workspace's own experiment `Default` where a client says "0"."""
    query, body = request.url.query, await request.body()
    in_query = request.query_params.get("experiment_id") == "0"
    if not in_query and not _NO_EXPERIMENT.search(body):
        return query, body
    own = await asyncio.to_thread(store.experiment_id, workspace.guid, "Default")
    if in_query:
        query = urlencode([*((k, v) for k, v in request.query_params.multi_items() if k != "experiment_id"),
                           ("experiment_id", own)])  # fmt: skip
    return query, _NO_EXPERIMENT.sub(rb'"experiment_id": "%b"' % own.encode(), body)


async def _sent(state: State, request: Request, path: str) -> Response:
    workspace, store = state.workspace(request), mlflow_of(state)
    query, body = await _asked(store, workspace, request)
    answer = await store.forward(workspace.guid, request.method, path, query=query, body=body)
    content = answer.content
    if b'"artifact_uri"' in content or b'"artifact_location"' in content:
        content = json.dumps(_rewritten(state, workspace, answer.json())).encode()
    return Response(content, answer.status_code, media_type="application/json")


async def mlflow(state: State, request: Request) -> Response:
    """A route of MLflow's that the service has too."""
    return await _sent(state, request, "/api/2.0/mlflow/" + _after(request, "/api/2.0/mlflow/"))


async def aliases(state: State, request: Request) -> Response:
    if not state.switches.aliases:
        return await absent(state, request)
    return await mlflow(state, request)


async def logged_models(state: State, request: Request) -> Response:
    if not state.switches.logged_models:
        return await absent(state, request)
    return await mlflow(state, request)


async def log_batch_async(state: State, request: Request) -> Response:
    """Take a batch "for later"; here it is stored at once, and asked for by its id."""
    answer = await _sent(state, request, "/api/2.0/mlflow/runs/log-batch")
    if answer.status_code != 200:
        return answer
    return JSONResponse({"batch_tracking_id": str(uuid.uuid4())})


async def run_data_status(state: State, request: Request) -> Response:
    state.workspace(request)
    return JSONResponse({"is_complete": True})


async def absent(state: State, request: Request) -> Response:
    """What the service answers where it has no route: nothing at all."""
    state.workspace(request)
    return Response(None, 404)


def _after(request: Request, mark: str) -> str:
    return request.url.path.split(mark, 1)[1]


def warm(state: State) -> None:
    """Start the MLflow server beforehand; it takes some seconds."""
    mlflow_of(state)


def stop(state: State) -> None:
    store: Any = state.rooms.pop("mlflow", None)
    if store is not None:
        store.close()


async def prepared(state: State) -> MlflowStore:
    """The server, up and running."""
    store = mlflow_of(state)
    await asyncio.to_thread(store.ready)
    return store


_PREVIEW = BASE + "/api/2.0/preview/mlflow/runs"
ROUTES = [
    *(
        Route(method, f"{BASE}/api/2.0/mlflow/{path}", mlflow)
        for path, methods in _SERVED.items()
        for method in methods.split()
    ),
    Route("POST", f"{_PREVIEW}/log-batch-async", log_batch_async),
    Route("GET", f"{_PREVIEW}/get-run-data-status", run_data_status),
    Route("*", f"{BASE}/api/2.0/mlflow/registered-models/alias", aliases),
    Route("*", f"{BASE}/api/2.0/mlflow/logged-models", logged_models),
    Route("*", f"{BASE}/api/2.0/mlflow/logged-models/{{rest:path}}", logged_models),
    Route("*", f"{BASE}/{{rest:path}}", absent),
]
