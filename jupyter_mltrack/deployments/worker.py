"""The process that does one deploy: copy, start, first prediction; see `jobs`.

`python -m jupyter_mltrack.deployments.worker JOB_DIR LOCK_FD`, the workspace as JSON on stdin.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.deployments import azure, jobs
from jupyter_mltrack.errors import MltrackError

if TYPE_CHECKING:
    from jupyter_mltrack.deployments.subject import Subject
    from jupyter_mltrack.models.fetching import Fetched
    from jupyter_mltrack.workspaces import Workspace


class Progress:
    """The steps of a job, kept in its file at each change."""

    def __init__(self, job: Path, info: wire.JobInfo) -> None:
        self._job = job
        self.info = info
        self._since_s: dict[str, float] = {}
        self._lock = threading.RLock()  # uploads tell of themselves from several threads

    def step(self, name: str, title: str, state: wire.StepState, detail: str = "") -> None:
        """A step begins, goes on or ends."""
        now_s = time.monotonic()
        began_s = self._since_s.setdefault(name, now_s)
        made = wire.JobStep(
            name=name,
            title=title,
            state=state,
            detail=detail,
            seconds=None if state == "running" else round(now_s - began_s, 3),
        )
        with self._lock:
            before = self.info.steps
            steps = [one for one in before if one.name != name]
            at = next((at for at, one in enumerate(before) if one.name == name), len(steps))
            steps.insert(at, made)
            self._keep(steps=steps)

    def done(self, endpoint: wire.EndpointInfo) -> None:
        """The job is done."""
        self._keep(state="done", endpoint=endpoint, ended_ms=_now_ms())

    def failed(self, error: MltrackError, lines: list[str]) -> None:
        """The job failed; the step that ran is the one that failed."""
        from jupyter_mltrack.models.files import problem_of

        steps = [
            msgspec.structs.replace(one, state="failed") if one.state == "running" else one
            for one in self.info.steps
        ]
        self._keep(
            state="failed",
            steps=steps,
            problem=problem_of(error),
            log_tail=lines or jobs.log_tail(self._job),
            ended_ms=_now_ms(),
        )

    def _keep(self, **fields: Any) -> None:
        with self._lock:
            self.info = msgspec.structs.replace(self.info, **fields)
            jobs.write(self._job, self.info)


def _now_ms() -> int:
    return int(time.time() * 1000)


def run(job: Path, workspace: Workspace) -> None:
    """Do what the job's request says, and keep how it went. Never raises."""
    info = msgspec.json.decode((job / "job.json").read_bytes(), type=wire.JobInfo)
    order = msgspec.json.decode((job / "request.json").read_bytes(), type=jobs.Order)
    progress = Progress(job, info)
    lines: list[str] = []
    try:
        progress.done(_deploy(workspace, order, progress))
    except MltrackError as error:
        lines = list(getattr(error, "lines", []))
        progress.failed(error, lines)
    except Exception as error:
        traceback.print_exc()
        progress.failed(
            MltrackError(
                f"The deploy of {order.title} failed: {type(error).__name__}: {error}",
                f"What went before: %mltrack logs {order.name}",
            ),
            lines,
        )


def _deploy(workspace: Workspace, order: jobs.Order, progress: Progress) -> wire.EndpointInfo:
    from jupyter_mltrack.deployments import subject as subjects
    from jupyter_mltrack.models import fetching, trust

    progress.step("copy", "Copy the model", "running")
    found = subjects.find(workspace, order.model)
    fetched = fetching.kept_from_elsewhere(found.source, order.digest)
    if fetched is None:
        fetched = fetching.fetch(workspace, found.source)
    if fetched.digest != order.digest:
        raise trust.ConsentNeeded(
            f"{order.title} was changed while it was being deployed.",
            "Look at it again: what would run is another thing now.",
        )
    trust.permit(fetched, order.title, trust=False)
    progress.step("copy", "Copy the model", "done")
    trust.audit("deployed", endpoint=order.name, model=order.title, digest=order.digest)
    from jupyter_mltrack.deployments.snippets import with_snippets

    if order.target == "local":
        from jupyter_mltrack.deployments.local import deploying

        return with_snippets(deploying.deploy(workspace, order, found, fetched, progress.step))
    if azure.is_ours(order.target):
        from jupyter_mltrack.deployments.azure import deploying as there

        task = there.task_of(workspace, order, found, fetched, progress)
        return with_snippets(there.deploy(task, workspace))
    return _elsewhere(workspace, order, found, fetched, progress)


def _elsewhere(
    workspace: Workspace, order: jobs.Order, found: Subject, fetched: Fetched, progress: Progress
) -> wire.EndpointInfo:
    from jupyter_mltrack.deployments import elsewhere

    with contextlib.suppress(OSError):
        os.chdir(order.folder)
    progress.step("create", f"Create it at {order.target}", "running")
    now_ms = _now_ms()
    version = wire.DeploymentInfo(
        label=found.label,
        model=found.model,
        version=found.version,
        uri=found.uri,
        state="ready",
        run_id=wire.RunId(found.run_id) if found.run_id else None,
        traffic_percent=100,
        deployed_ms=now_ms,
        digest=fetched.digest,
    )
    info = wire.EndpointInfo(
        name=order.name,
        target=order.target,
        workspace_id=wire.WorkspaceId(workspace.id),
        workspace_name=workspace.name,
        state="deploying",
        created_ms=now_ms,
        updated_ms=now_ms,
        deployments=[version],
        options=msgspec.json.encode(order.options).decode(),
    )
    info = elsewhere.deploy(info, str(fetched.path), dict(order.options))
    progress.step("create", f"Create it at {order.target}", "done", info.detail)
    return info


def main() -> None:
    """Do the job that the arguments name."""
    from jupyter_mltrack.workspaces.plain import PlainWorkspace

    job, lock = Path(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(lock, False)
    workspace = msgspec.json.decode(sys.stdin.buffer.read(), type=PlainWorkspace).workspace()
    os.environ["MLFLOW_TRACKING_URI"] = workspace.tracking_uri
    with contextlib.suppress(OSError):
        run(job, workspace)


if __name__ == "__main__":
    main()
