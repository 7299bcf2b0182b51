"""Command jobs in ARM, and what run history tells of them: details, logs, children, tokens."""

from __future__ import annotations

import asyncio
import re
import threading
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure import artifacts
from tests.emulators.azure.assets import archived_wanted
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
from tests.emulators.azure.job_run import ENDED, Job
from tests.emulators.azure.mlflow_proxy import artifact_uri, mlflow_of
from tests.emulators.azure.operations import accepted

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,254}")
_STATUS = {"FINISHED": "Completed", "FAILED": "Failed", "KILLED": "Canceled", "SCHEDULED": "Queued"}
_LATER = {"displayName", "description", "tags", "isArchived"}  # what a PUT on a job may change


def jobs_of(workspace: Workspace) -> dict[str, Job]:
    return workspace.rooms.setdefault("jobs", {})


def _job(state: State, request: Request) -> Job:
    workspace, name = state.workspace(request), request.path_params["name"]
    found = jobs_of(workspace).get(name.lower())
    if found is None:
        raise not_found(f"{workspace.name}/jobs/{name}")
    return found


_KINDS = {"AutoML", "Command", "FineTuning", "Labeling", "Pipeline", "Spark", "Sweep"}


def checked(workspace: Workspace, sent: Json) -> None:
    kind = sent.get("jobType")
    if kind not in _KINDS:
        raise ApiError(400, "UserError", f"The type of the job is not known: '{kind}'.")
    if kind != "Command":
        return  # taken as the service takes it; it fails when its turn comes, see `Job`
    if not (sent.get("command") or "").strip():
        raise ApiError(400, "UserError", "The command of the job is empty.")
    if not sent.get("environmentId"):
        raise ApiError(400, "UserError", "The job names no environment.")
    compute = str(sent.get("computeId") or "").rsplit("/", 1)[-1].lower()
    if compute in {"", "local", "serverless"}:
        return
    if compute not in workspace.collection("computes"):
        raise ApiError(400, "UserError", f"Unknown compute target '{compute}'.")


def made_job(state: State, workspace: Workspace, name: str, sent: Json) -> Job:
    """The job and the run of the same name; blocks."""
    experiment = sent.get("experimentName") or "Default"
    title = sent.get("displayName") or name
    tags = {str(key): str(value) for key, value in (sent.get("tags") or {}).items()}
    run = mlflow_of(state).create_run(workspace.guid, name, experiment, name=title, tags=tags)
    arm_id = f"{workspace.arm_id}/jobs/{name}"
    studio = f"https://ml.azure.com/runs/{name}?wsid={workspace.arm_id}&tid={state.login.tenant}"
    tracking = artifact_uri(state, workspace, "0", name).split("/experiments/")[0]
    properties = {
        "inputs": {},
        "outputs": {},
        "tags": {},
        "properties": {},
        "environmentVariables": {},
    }
    properties |= {key: value for key, value in sent.items() if value is not None} | {
        "experimentName": experiment, "displayName": title, "status": "NotStarted",
        "services": {
            "Tracking": {"jobServiceType": "Tracking", "endpoint": tracking, "port": None, "status": None},
            "Studio": {"jobServiceType": "Studio", "endpoint": studio, "port": None, "status": None},
        },
    }  # fmt: skip
    made = resource(arm_id, "workspaces/jobs", properties)
    return Job(state, workspace, name, made, run["info"]["experiment_id"])


async def put(state: State, request: Request) -> Response:
    """Submit a job; the same name again changes its title and tags and starts nothing."""
    workspace, name = state.workspace(request), request.path_params["name"]
    sent = (await body_of(request)).get("properties") or {}
    if not _NAME.fullmatch(name):
        raise ApiError(400, "UserError", f"The name of the job is invalid: '{name}'.")
    lock: asyncio.Lock = workspace.rooms.setdefault("jobs_lock", asyncio.Lock())
    async with lock:
        found = jobs_of(workspace).get(name.lower())
        if found:
            found.properties.update({key: sent[key] for key in _LATER if sent.get(key) is not None})
            return JSONResponse(found.resource)
        checked(workspace, sent)
        if any(name.lower() in jobs_of(one) for one in list(state.workspaces.values())):
            # the service keeps workspaces apart; here one MLflow store, with one run of an id,
            # stands behind all of them
            raise ApiError(409, "Conflict", f"Another workspace of the emulator has a job {name}.")
        job = await asyncio.to_thread(made_job, state, workspace, name, sent)
        jobs_of(workspace)[name.lower()] = job
    answer = JSONResponse(job.resource, 201)
    threading.Thread(target=job.live, name=f"job {name}", daemon=True).start()
    return answer


async def get(state: State, request: Request) -> Response:
    return JSONResponse(_job(state, request).resource)


async def all_of(state: State, request: Request) -> Response:
    """Newest first; of a kind or with a tag, if that is asked."""
    query = request.query_params
    jobs = list(jobs_of(state.workspace(request)).values())[::-1]
    if query.get("scheduleId"):
        jobs = [job for job in jobs if job.schedule == query["scheduleId"]]
    found = [job.resource for job in jobs]
    if query.get("jobType"):
        found = [one for one in found if one["properties"]["jobType"] == query["jobType"]]
    if query.get("tag"):
        name, _, value = query["tag"].partition("=")
        found = [
            one for one in found
            if name in one["properties"]["tags"] and value in {"", one["properties"]["tags"][name]}
        ]  # fmt: skip
    return listed(request, archived_wanted(request, found))


async def cancel(state: State, request: Request) -> Response:
    job = _job(state, request)
    if job.status in ENDED:
        raise ApiError(400, "UserError", f"The job is {job.status} and cannot be cancelled.")
    await asyncio.to_thread(job.cancel)
    return Response(None, 200)


async def delete(state: State, request: Request) -> Response:
    job = _job(state, request)
    if job.status not in ENDED:
        raise ApiError(409, "Conflict", f"The job is {job.status}; cancel it before you delete it.")
    await asyncio.to_thread(
        mlflow_of(state).call, job.workspace.guid, "POST", "runs/delete", body={"run_id": job.name}
    )
    del jobs_of(job.workspace)[job.name.lower()]
    job.clear()
    operation = state.operations.begin(state.switches.operation_s)
    return accepted(state, request, operation, location=True)


# run history


async def _run(state: State, request: Request, name: str = "") -> tuple[Job | None, Json]:
    """The job of the name, if it is one, and its run."""
    workspace, name = state.workspace(request), name or request.path_params["run"]
    try:
        found = await asyncio.to_thread(
            mlflow_of(state).call, workspace.guid, "GET", "runs/get", query={"run_id": name}
        )
    except httpx.HTTPStatusError:
        raise ApiError(404, "UserError", f"Run {name} was not found.") from None
    return jobs_of(workspace).get(name.lower()), found["run"]


def _told(state: State, workspace: Workspace, job: Job | None, run: Json) -> Json:
    """A run as run history tells of it."""
    info = run["info"]
    status = job.status if job else _STATUS.get(info["status"], "Running")
    tags = {tag["key"]: tag["value"] for tag in run["data"].get("tags", [])}
    return {
        "runId": info["run_id"], "runUuid": info["run_id"], "parentRunId": tags.get("mlflow.parentRunId"),
        "experimentId": info["experiment_id"], "displayName": info.get("run_name"), "status": status,
        "startTimeUtc": job.begun_at if job else now_iso(info["start_time"] / 1000),
        "endTimeUtc": job.ended_at if job else _when(info.get("end_time")),
        "createdUtc": now_iso(info["start_time"] / 1000),
        "runType": "azureml.scriptrun" if job else "mlflow", "tags": tags, "properties": {},
        "error": job.error if job else None, "warnings": None, "hidden": False,
        "target": str(job.properties.get("computeId") or "").rsplit("/", 1)[-1] if job else None,
    }  # fmt: skip


def _when(at_ms: int | None) -> str | None:
    return now_iso(at_ms / 1000) if at_ms else None


async def details(state: State, request: Request) -> Response:
    """State, error and signed addresses of the logs."""
    job, run = await _run(state, request)
    workspace = state.workspace(request)
    told: dict[str, Any] = _told(state, workspace, job, run)
    container = artifacts.run_container(told["runId"])
    told["logFiles"] = {
        path: artifacts.link(state, workspace, "ExperimentRun", container, path)
        for path in (job.logs if job else [])
    }
    told["inputDatasets"], told["outputDatasets"] = [], []
    return JSONResponse(told)


async def show(state: State, request: Request) -> Response:
    job, run = await _run(state, request)
    return JSONResponse(_told(state, state.workspace(request), job, run))


async def run_data(state: State, request: Request) -> Response:
    """What the SDK reads before it downloads; outputs are found by their paths."""
    job, run = await _run(state, request, str((await body_of(request)).get("runId")))
    return JSONResponse({"runMetadata": _told(state, state.workspace(request), job, run)})


async def children(state: State, request: Request) -> Response:
    """Runs that were started within this one."""
    workspace, name = state.workspace(request), request.path_params["run"]
    _, parent = await _run(state, request)
    found = await asyncio.to_thread(
        mlflow_of(state).call, workspace.guid, "POST", "runs/search",
        body={"experiment_ids": [parent["info"]["experiment_id"]], "max_results": 1000,
              "filter": f"tags.`mlflow.parentRunId` = '{name}'"},
    )  # fmt: skip
    rows = [
        _told(state, workspace, jobs_of(workspace).get(run["info"]["run_id"].lower()), run)
        for run in found.get("runs", [])
    ]
    return JSONResponse({"value": rows, "continuationToken": None, "nextLink": None})


async def token(state: State, request: Request) -> Response:
    """A new token for a job that runs."""
    workspace, name = state.workspace(request), request.path_params["run"]
    job = jobs_of(workspace).get(name.lower())
    if job is None:
        raise ApiError(404, "UserError", f"Run {name} was not found.")
    made, expires_s = job.token()
    return JSONResponse({"token": made, "expiryTimeUtc": now_iso(expires_s)})


def stop(state: State) -> None:
    """End the processes of all jobs."""
    running = [
        job for workspace in state.workspaces.values() for job in jobs_of(workspace).values()
    ]
    for job in running:
        job.cancel()
    for job in running:
        job.ended.wait(10)


_RUNS = (
    "/history/v1.0{S}/runs/{run}",
    "/history/v1.0{S}/experiments/{experiment}/runs/{run}",
    "/history/v1.0{S}/experimentids/{experiment}/runs/{run}",
)
ROUTES = [
    Route("GET", "{S}/jobs", all_of),
    Route("PUT", "{S}/jobs/{name}", put),
    Route("GET", "{S}/jobs/{name}", get),
    Route("DELETE", "{S}/jobs/{name}", delete),
    Route("POST", "{S}/jobs/{name}/cancel", cancel),
    Route("POST", "/history/v1.0{S}/rundata", run_data),
    *(
        row
        for base in _RUNS
        for row in (
            Route("GET", f"{base}/details", details),
            Route("GET", f"{base}/children", children),
            Route("GET", f"{base}/token", token),
            Route("GET", base, show),
        )
    ),
]
