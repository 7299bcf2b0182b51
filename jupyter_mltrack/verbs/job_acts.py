"""What the verbs on jobs do: `submit`, `jobs`, and `logs`, `stop`, `rm` where they mean a job."""

from __future__ import annotations

import os
import shlex
import sys
import time
from typing import Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.verbs.confirming import asker, confirm
from jupyter_mltrack.verbs.progress import OneLine

FOLLOW_INTERVAL_S = 0.5
_LINE_BYTES = 400
"""Of a log's end that is read for each line that is asked for."""


def submit(
    file: str,
    on: str = "process",
    args: str = "",
    *,
    name: str | None = None,
    experiment: str | None = None,
    wait: bool = False,
    yes: bool = False,
    **options: Any,
) -> wire.SubmittedJob:
    """Run a script elsewhere as a run of its own; returns as soon as it is handed over.

    Args:
        file: the script.
        on: `process`, or `azureml:CLUSTER`.
        args: arguments of the script, as they would be typed.
        name: of the run; the script's without it.
        experiment: for its run.
        wait: stay until the job has ended.
        yes: send more than 100 MB without a question.
        options: of the backend: `env`, `instances`, `inputs` ...

    Raises:
        UsageError: no such script or backend, or an option that the backend does not have.
    """
    from jupyter_mltrack import jobs as door
    from jupyter_mltrack.jobs.order import Order

    try:
        arguments = shlex.split(args)
    except ValueError as error:
        raise UsageError(
            f"The arguments cannot be read: {error}.", "Close the quotation."
        ) from None
    order = Order(
        name=name or os.path.splitext(os.path.basename(file))[0],
        on=on,
        workspace="",
        folder=os.getcwd(),
        script=file,
        is_cell=False,
        arguments=arguments,
        experiment=experiment or choice.experiment(),
        options=options,
    )
    job = door.submit_file(choice.workspace(), order, ask=asker(), yes=yes)
    return _waited(job) if wait else job


def jobs(
    job: str | None = None, wait: bool = False, get: bool = False
) -> wire.JobList | wire.SubmittedJob:
    """The jobs that this machine knows, newest first, or one of them.

    Args:
        job: id, beginning of an id, name, or `last`.
        wait: stay until it has ended.
        get: bring the names that it returned into the notebook.

    Raises:
        NotFound: there is no such job.
        UsageError: it cannot be said without a job, or not outside of a notebook.
    """
    from jupyter_mltrack import jobs as door

    door.resume()
    if job is None:
        if wait or get:
            raise UsageError(
                "Say which job.", "Write: jobs JOB --wait, for example jobs last --wait"
            )
        return wire.JobList(jobs=door.listed())
    found = door.find(job)
    if wait:
        found = _waited(found)
    if get:
        _get(found)
    return found


def _waited(job: wire.SubmittedJob) -> wire.SubmittedJob:
    from jupyter_mltrack import jobs as door
    from jupyter_mltrack.verbs.job_views import MARKS, elapsed, state_text

    def show(now: wire.SubmittedJob) -> None:
        shown.show(" · ".join(
            part for part in (f"{MARKS[now.state]} {now.name}", now.target, state_text(now),
                              elapsed(now, int(time.time() * 1000))) if part
        ))  # fmt: skip

    with OneLine() as shown:
        return door.wait(job.id, show)


def _get(job: wire.SubmittedJob) -> None:
    from jupyter_mltrack import jobs as door

    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        raise UsageError(
            "Names can be brought back into a notebook only.",
            "In Python: jupyter_mltrack.jobs.results(job_id)",
        )
    values = door.results(job.id)
    if not values:
        raise NotFound(
            f"Job {clean(job.name)} has returned nothing.",
            "Name what to return in its header: %%track --on ... --return NAME",
        )
    shell.push(values)


def find_job(subject: str) -> wire.SubmittedJob | None:
    """The job that the words mean; None if none. `job:` before them says that it is one."""
    from jupyter_mltrack.jobs import folders

    if subject.startswith(("run:", "model:", "endpoint:")):
        return None
    try:
        return folders.find(subject)
    except NotFound:
        if subject.startswith("job:"):
            raise
        return None


def job_logs(job: wire.SubmittedJob, *, follow: bool, count: int) -> wire.LogLines:
    """The last lines that a job printed; those that follow are printed as they come."""
    from jupyter_mltrack import jobs as door

    part = door.log_text(job.id, -count * _LINE_BYTES)
    lines = part.text.splitlines()[-count:]
    if not follow:
        return wire.LogLines(subject=job.name, lines=lines)
    if lines:
        print("\n".join(lines), flush=True)
    try:
        while not part.ended:
            time.sleep(FOLLOW_INTERVAL_S)
            part = door.log_text(job.id, part.next)
            if part.text:
                print(part.text, end="", flush=True)
    except KeyboardInterrupt:
        pass  # looking has ended, not the job
    return wire.LogLines(subject=job.name, lines=[])


def stop_job(job: wire.SubmittedJob, *, yes: bool) -> wire.SubmittedJob | wire.Removed:
    """Have a job stopped; asks first."""
    from jupyter_mltrack import jobs as door

    if not confirm(f"Stop job {clean(job.name)} on {clean(job.target)}?", yes=yes):
        return wire.Removed(what=f"job {job.name}", done=False)
    return door.cancel(job.id)


def remove_job(job: wire.SubmittedJob, *, yes: bool) -> wire.Removed:
    """Forget a job that has ended; its run stays. Asks first."""
    from jupyter_mltrack import jobs as door

    what = f"job {clean(job.name)} ({job.id[:8]}), its log and what it returned"
    question = f"Delete {what}? Its run stays."
    if job.backend == "azureml":
        where = clean(job.workspace_name)
        question = (
            f"Delete {what} from this machine? Azure deletes no job: in workspace {where} "
            "it is archived, and its run and files stay."
        )
        what += f" from this machine; in workspace {where} it is archived"
    done = confirm(question, yes=yes)
    if done:
        door.remove(job.id)
    return wire.Removed(what=what, done=done)


def stop_run(subject: str, *, yes: bool) -> wire.RunStopped | None:
    """Stop the job of a run that another machine submitted; None where the words mean no run."""
    from jupyter_mltrack import jobs as door
    from jupyter_mltrack import runs as reader

    workspace = choice.workspace()
    if workspace.scope is None:
        return None
    try:
        run_id = reader.find_run(workspace, subject.removeprefix("run:"))
    except NotFound:
        return None
    run = reader.get_run(workspace, run_id).summary
    stopped = wire.RunStopped(run_id=run.run_id, name=run.name or run_id[:8], done=False)
    if run.status not in ("RUNNING", "SCHEDULED"):
        raise UsageError(
            f"Run {clean(stopped.name)} is not running: {run.status.lower()}.", "Nothing was done."
        )
    if not confirm(f"Stop run {clean(stopped.name)}, a job of {clean(workspace.name)}?", yes=yes):
        return stopped
    door.stop_run(workspace, run_id)
    return msgspec.structs.replace(stopped, done=True)
