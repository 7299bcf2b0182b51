"""Schedules in ARM: kept, listed, switched off, triggered; a monitor computes drift, a job is submitted.

No clock runs them: `trigger` does, as a test or a person wishes. Each turn is a job of the schedule, and a run of
MLflow with its metrics.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure import artifacts, drift, storage
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
from tests.emulators.azure.gateway import folder_of
from tests.emulators.azure.job_run import Job
from tests.emulators.azure.jobs import checked, jobs_of, made_job
from tests.emulators.azure.mlflow_proxy import mlflow_of
from tests.emulators.azure.operations import accepted

_DEPLOYMENT = re.compile(
    r"(?:onlineEndpoints/([^/]+)/deployments/([^/]+)|^(?:azureml:)?([^:/]+):([^:/]+))$"
)
_ACTIONS = {"CreateMonitor", "CreateJob", "InvokeBatchEndpoint"}
_COLLECTED = {
    "DataDrift": "model_inputs",
    "DataQuality": "model_inputs",
    "PredictionDrift": "model_outputs",
}


async def put(state: State, request: Request) -> Response:
    """Make a schedule or change the one of the name."""
    workspace, name = state.workspace(request), request.path_params["name"]
    sent = (await body_of(request)).get("properties") or {}
    action, trigger = sent.get("action") or {}, sent.get("trigger") or {}
    if action.get("actionType") not in _ACTIONS:
        raise ApiError(
            400, "UserError", f"The action type '{action.get('actionType')}' is not known."
        )
    if trigger.get("triggerType") not in {"Cron", "Recurrence"}:
        raise ApiError(
            400, "UserError", f"The trigger type '{trigger.get('triggerType')}' is not known."
        )
    stored = workspace.collection("schedules")
    new = name.lower() not in stored
    properties = (
        {"isEnabled": True, "tags": {}, "properties": {}}
        | sent
        | {"provisioningState": "Succeeded"}
    )
    made = resource(f"{workspace.arm_id}/schedules/{name}", "workspaces/schedules", properties)
    stored[name.lower()] = made
    return JSONResponse(made, 201 if new else 200)


async def get(state: State, request: Request) -> Response:
    return JSONResponse(state.workspace(request).find("schedules", request.path_params["name"]))


async def all_of(state: State, request: Request) -> Response:
    view = request.query_params.get("listViewType", "EnabledOnly")
    found = list(state.workspace(request).collection("schedules").values())
    if view != "All":
        found = [
            one for one in found if bool(one["properties"]["isEnabled"]) == (view == "EnabledOnly")
        ]
    return listed(request, found)


async def delete(state: State, request: Request) -> Response:
    workspace, name = state.workspace(request), request.path_params["name"].lower()
    if name not in workspace.collection("schedules"):
        return Response(None, 204)
    operation = state.operations.begin(
        state.switches.operation_s, lambda: workspace.collection("schedules").pop(name, None)
    )
    return accepted(state, request, operation, location=True)


async def trigger(state: State, request: Request) -> Response:
    """Let it happen now; the answer names the job."""
    workspace, name = state.workspace(request), request.path_params["name"]
    found = workspace.find("schedules", name)
    action = found["properties"]["action"]
    kind, job_name = (
        action["actionType"],
        f"{name}-{time.strftime('%Y%m%d%H%M%S')}-{len(jobs_of(workspace))}",
    )
    if kind == "CreateJob":
        sent = action.get("jobDefinition") or {}
        checked(workspace, sent)
    elif kind == "CreateMonitor":
        sent = {
            "jobType": "Pipeline", "displayName": f"Monitor {name}", "experimentName": f"monitor-{name}",
            "properties": {"azureml.ModelMonitoringScheduleName": name},
        }  # fmt: skip
    else:
        raise ApiError(400, "UserError", f"This emulator does not run '{kind}'.")
    job = await asyncio.to_thread(made_job, state, workspace, job_name, sent)
    job.schedule = name
    jobs_of(workspace)[job_name.lower()] = job
    target = (
        job.live if kind == "CreateJob" else lambda: _monitored(job, action["monitorDefinition"])
    )
    threading.Thread(target=target, name="schedule", daemon=True).start()
    return JSONResponse({"submissionId": job_name, "scheduleActionType": kind})


def _monitored(job: Job, definition: Json) -> None:
    """One turn of a monitor, from its data to its metrics."""
    job.become("Running")
    job.begun_at = now_iso()
    try:
        found = {
            name: _signal(job.state, job.workspace, definition, signal)
            for name, signal in (definition.get("signals") or {}).items()
        }
        if not found:
            raise ApiError(400, "UserError", "The monitor has no signals.")
        _write(job, found)
        job.become("Completed")
    except Exception as error:
        job.fail(
            error.message if isinstance(error, ApiError) else f"{type(error).__name__}: {error}"
        )
        job.become("Failed")
    finally:
        job.ended.set()


def _signal(state: State, workspace: Workspace, definition: Json, signal: Json) -> list[Json]:
    kind = str(signal.get("signalType"))
    if kind not in _COLLECTED:
        raise ApiError(400, "UserError", f"This emulator computes no signal of type '{kind}'.")
    target = str((definition.get("monitoringTarget") or {}).get("deploymentId") or "")
    production = _data(state, workspace, signal.get("productionData"), target, _COLLECTED[kind])
    if kind == "DataQuality":
        return _nulls(signal, production)
    reference = _data(state, workspace, signal.get("referenceData"), target, _COLLECTED[kind])
    return drift.compared(signal, reference, production)


def _nulls(signal: Json, production: Any) -> list[Json]:
    wanted = next(iter(signal.get("metricThresholds") or []), {})
    threshold = float((wanted.get("threshold") or {}).get("value") or 0)
    rates = {str(column): float(production[column].isna().mean()) for column in production.columns}
    return [
        {"feature": name, "metric": "nullValueRate", "value": rate, "threshold": threshold,
         "drift": rate > threshold}
        for name, rate in rates.items()
    ]  # fmt: skip


def _data(state: State, workspace: Workspace, sent: Any, target: str, collection: str) -> Any:
    """The rows of one side: what it names, else what the deployment collected."""
    one = next(iter(sent), None) if isinstance(sent, list) else sent
    uri = str((one or {}).get("uri") or "")
    if not uri:
        found = _DEPLOYMENT.search(target)
        if not found:
            raise ApiError(
                400, "UserError", "The signal names no data, and the monitor no deployment."
            )
        endpoint, deployment = found[1] or found[3], found[2] or found[4]
        folder = folder_of(endpoint, deployment, collection)
        uri = f"azureml://datastores/workspaceblobstore/paths/{folder}"
    rows = storage.files(state, workspace, uri)
    if "" in rows:
        rows = {
            uri.rsplit("/", 1)[-1]
            if "." in uri.rsplit("/", 1)[-1]
            else _named(state, workspace, uri): rows[""]
        }
    return drift.frame(rows)


def _named(state: State, workspace: Workspace, uri: str) -> str:
    """The name of the file that a data asset is."""
    return storage.resolved(state, workspace, uri).rsplit("/", 1)[-1]


def _write(job: Job, found: dict[str, list[Json]]) -> None:
    """Metrics and tags of the run, and the rows as an artifact."""
    at = int(time.time() * 1000)
    metrics = [
        {"key": f"{signal}/{row['feature']}/{row['metric']}", "value": row["value"], "timestamp": at, "step": 0}
        for signal, rows in found.items() for row in rows
    ]  # fmt: skip
    drifted = sorted({row["feature"] for rows in found.values() for row in rows if row["drift"]})
    tags = [{"key": "drift", "value": "yes" if drifted else "no"},
            {"key": "drifted_features", "value": ", ".join(drifted)}]  # fmt: skip
    body = {"run_id": job.name, "metrics": metrics, "tags": tags}
    mlflow_of(job.state).call(job.workspace.guid, "POST", "runs/log-batch", body=body)
    content = json.dumps(found, indent=1).encode()
    artifacts.add(job.state, job.workspace, job.name, "outputs/signals.json", content)


_ONE = "{S}/schedules/{name}"
ROUTES = [
    Route("GET", "{S}/schedules", all_of),
    Route("PUT", _ONE, put),
    Route("GET", _ONE, get),
    Route("DELETE", _ONE, delete),
    Route("POST", f"{_ONE}/trigger", trigger),
]
