"""End a job by its run, whoever submitted it, and put an ended one away, here and at its service.

A job at a service is found by the id of its run, so a machine that has never heard of it can stop
it. Azure deletes no job: one that is put away is archived there, which is said before.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.jobs import door, folders

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace


def under_way(run_id: str) -> bool:
    """Whether a job that this machine knows works on the run; asks nobody."""
    with contextlib.suppress(MltrackError):
        return folders.get(run_id).state not in folders.ENDED
    return False


def has_folder(run_id: str) -> bool:
    """Whether this machine submitted the run as a job; one look at a file."""
    with contextlib.suppress(MltrackError):
        return (folders.place_of(run_id) / folders.JOB_FILE).exists()
    return False


def stop_run(workspace: Workspace, run_id: str) -> None:
    """Ask for the end of the job that works on a run; returns before it has ended.

    Raises:
        UsageError: no job works on it that could be stopped from here.
        AzureError: the service refused.
    """
    if under_way(run_id):
        folders.cancel(run_id)
        return
    found = _at_service(workspace)
    try:
        if found is None:
            raise NotFound(run_id)
        found.cancel(_handle(workspace, run_id))
    except NotFound as error:
        raise UsageError(
            f"Run {run_id[:8]} is no job of workspace {workspace.name}.",
            "Stop it where it was started: its cell, its script or its own service.",
        ) from error


def state_there(workspace: Workspace, run_id: str) -> str:
    """The state of the job that works on a run or did; empty where it is none."""
    if under_way(run_id):
        return "running"
    found = _at_service(workspace)
    if found is None:
        return "done" if has_folder(run_id) else ""
    return str(found.known_state(_handle(workspace, run_id)))


def archive(workspace: Workspace, run_id: str) -> None:
    """Have the service show the ended job of a run no more; nothing happens where it has none."""
    found = _at_service(workspace)
    if found is not None:
        found.archive(_handle(workspace, run_id))


def remove(job_id: str) -> None:
    """Forget a job that has ended, with its log and what it returned; its run stays.

    A service that keeps jobs for ever has it archived.

    Raises:
        NotFound: there is none of this id.
        Conflict: it has not ended.
        MltrackError: the service refused; then nothing was done.
    """
    job = folders.get(job_id)
    if job.away and job.state in folders.ENDED:
        backend, _ = door.backend_of(job.backend)
        there = getattr(backend, "archive", None)
        path = folders.place_of(job_id) / folders.HANDLE
        if there is not None and path.exists():
            there(msgspec.json.decode(path.read_bytes()))
    folders.remove(job_id)


def _at_service(workspace: Workspace) -> Any:
    """The backend whose jobs are the runs of the workspace; None for most."""
    return door.backend_of("azureml")[0] if workspace.scope is not None else None


def _handle(workspace: Workspace, run_id: str) -> dict[str, Any]:
    scope = workspace.scope
    return {"workspace": scope.arm_id if scope is not None else "", "job": run_id}
