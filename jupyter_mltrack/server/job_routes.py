"""What the routes about jobs that run elsewhere do, and what their requests may say.

Looking reads files of this machine in threads. Whatever may ask a cloud (submitting, following
again) is done by a process of the job's workspace, or by the job's own keeper.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta, field

from jupyter_mltrack import wire
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.server.model_requests import KeyField
from jupyter_mltrack.server.requests import RunField, WorkspaceField
from jupyter_mltrack.server.run_requests import StopRunRequest
from jupyter_mltrack.wire import Request

if TYPE_CHECKING:
    from jupyter_mltrack.server.service import Service

SUBMIT_LIMIT_S = 120.0
LISTED = 100
BackendField = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_-]{0,40}(:[\w.-]{1,100})?\Z")]
FileField = Annotated[str, Meta(min_length=1, max_length=2_000)]


class JobsRequest(Request, frozen=True):
    """`limit` at most."""

    limit: Annotated[int, Meta(ge=1, le=500)] = LISTED


class SubmittedJobRequest(Request, frozen=True):
    """Which job."""

    id: RunField


class JobLogRequest(Request, frozen=True):
    """From which byte on; a negative position counts from the end."""

    id: RunField
    position: Annotated[int, Meta(ge=-1_000_000, le=1 << 40)] = -20_000


class RemoveJobRequest(Request, frozen=True):
    """`confirm` is the job's name once more: its log and what it returned are deleted."""

    id: RunField
    confirm: Annotated[str, Meta(min_length=1, max_length=300)]


class FollowRequest(Request, frozen=True):
    """Jobs of one workspace."""

    workspace_id: WorkspaceField


class PlanJobRequest(Request, frozen=True):
    """`file` is a script below the server's folder, as JupyterLab names it."""

    workspace_id: WorkspaceField
    file: FileField
    on: BackendField = "process"
    options: dict[str, Any] = field(default_factory=dict)


class SubmitJobRequest(Request, frozen=True):
    """`file` is a script or a notebook; the arguments of a notebook are `-p NAME=VALUE` each.

    `key` is new for each thing that is wanted: the same key never makes a second job.

    `large` agrees to send more than 100 MB of files.
    """

    workspace_id: WorkspaceField
    file: FileField
    key: KeyField
    on: BackendField = "process"
    arguments: Annotated[str, Meta(max_length=5_000)] = ""
    name: Annotated[str, Meta(max_length=250)] = ""
    options: dict[str, Any] = field(default_factory=dict)
    large: bool = False


async def list_jobs(_service: Service, request: JobsRequest) -> wire.JobList:
    """Jobs that this machine knows, newest first."""
    from jupyter_mltrack.jobs import folders

    return wire.JobList(jobs=await asyncio.to_thread(folders.listed, request.limit))


async def get_log(_service: Service, request: JobLogRequest) -> wire.JobText:
    """A part of what a job printed."""
    from jupyter_mltrack.jobs import folders

    return await asyncio.to_thread(folders.log_text, request.id, request.position)


async def list_backends(service: Service, _request: Any) -> wire.JobBackends:
    """Where jobs can run."""
    raw = await service.local("job_backends", {}, SUBMIT_LIMIT_S, "deploy")
    return msgspec.json.decode(raw, type=wire.JobBackends)


async def plan(service: Service, request: PlanJobRequest) -> wire.CodeSnapshot:
    """The files that would go along with a script."""
    args = {
        "script": await asyncio.to_thread(service._known.file_of, request.file),
        "on": request.on,
        "options": request.options,
    }
    raw = await service.change("plan_job", request.workspace_id, args, SUBMIT_LIMIT_S, "deploy")
    return msgspec.json.decode(raw, type=wire.CodeSnapshot)


async def submit(service: Service, request: SubmitJobRequest) -> wire.SubmittedJob:
    """Submit a script; the same key never makes a second job."""
    args = {
        "script": await asyncio.to_thread(service._known.file_of, request.file),
        "key": request.key,
        "on": request.on,
        "arguments": request.arguments,
        "name": request.name,
        "options": request.options,
        "large": request.large,
    }
    raw = await service.change("submit_job", request.workspace_id, args, SUBMIT_LIMIT_S, "deploy")
    return msgspec.json.decode(raw, type=wire.SubmittedJob)


async def follow(service: Service, request: FollowRequest) -> wire.JobList:
    """Have jobs followed that nobody follows since this machine was closed."""
    await service.change("follow_jobs", request.workspace_id, {}, SUBMIT_LIMIT_S, "deploy")
    return await list_jobs(service, JobsRequest())


async def cancel(service: Service, request: SubmittedJobRequest) -> wire.SubmittedJob:
    """Ask for a job's end; its keeper does the rest."""
    from jupyter_mltrack.jobs import folders

    job = await asyncio.to_thread(folders.get, request.id)
    raw = await service.change(
        "cancel_job", job.workspace_id, {"job_id": job.id}, SUBMIT_LIMIT_S, "deploy"
    )
    return msgspec.json.decode(raw, type=wire.SubmittedJob)


async def stop_run(service: Service, request: StopRunRequest) -> wire.RunStopped:
    """Ask for the end of the job that works on a run."""
    args = {"run_id": request.run_id}
    raw = await service.change("stop_run", request.workspace_id, args, SUBMIT_LIMIT_S)
    return msgspec.json.decode(raw, type=wire.RunStopped)


async def remove(service: Service, request: RemoveJobRequest) -> wire.Removed:
    """Forget a job that has ended; its run stays. One at a service is archived there."""
    from jupyter_mltrack.jobs import folders

    job = await asyncio.to_thread(folders.get, request.id)
    if request.confirm != job.name:
        raise UsageError("The name was not repeated.", "Send the job's name as `confirm`.")
    if job.away:
        args = {"job_id": job.id}
        await service.change("remove_job", job.workspace_id, args, SUBMIT_LIMIT_S)
    else:
        await asyncio.to_thread(folders.remove, request.id)
    return wire.Removed(what=f"job {job.name}", done=True)
