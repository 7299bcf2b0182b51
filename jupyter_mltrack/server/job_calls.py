"""What a process of a workspace does for the routes about jobs: what may ask a cloud."""

from __future__ import annotations

import os
import shlex
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.workspaces import Workspace


def _backends(_workspace: Workspace | None, _args: dict[str, Any]) -> Any:
    from jupyter_mltrack.jobs import door

    return door.backends()


def _plan(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.jobs import submitting

    return submitting.plan(workspace, args["on"], args["script"], args["options"])


def _submit(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import jobs
    from jupyter_mltrack.jobs.order import Order

    try:
        arguments = shlex.split(args["arguments"])
    except ValueError as error:
        raise UsageError(
            f"The arguments cannot be read: {error}.", "Close the quotation."
        ) from None
    script = args["script"]
    order = Order(
        name=args["name"] or os.path.splitext(os.path.basename(script))[0],
        on=args["on"],
        workspace="",
        folder=os.path.dirname(script),
        script=script,
        is_cell=False,
        arguments=arguments,
        options=args["options"],
    )
    return jobs.submit_file(workspace, order, yes=args["large"], key=args["key"])


def _follow(workspace: Workspace, _args: dict[str, Any]) -> Any:
    from jupyter_mltrack import jobs

    return {"followed": jobs.resume(workspace.id)}


def _cancel(_workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import jobs

    return jobs.cancel(args["job_id"])


def _remove(_workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import jobs

    jobs.remove(args["job_id"])
    return {"done": True}


def _stop_run(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import jobs

    jobs.stop_run(workspace, args["run_id"])
    return wire.RunStopped(run_id=args["run_id"], name="")


JOB_CALLS = {
    "remove_job": _remove,
    "stop_run": _stop_run,
    "job_backends": _backends,
    "plan_job": _plan,
    "submit_job": _submit,
    "follow_jobs": _follow,
    "cancel_job": _cancel,
}
