"""Deploys as jobs: a folder each, a process each, and the same answer for whoever looks.

A job's process outlives the page, the kernel and the terminal that asked for it. It keeps
`job.json` whole at every moment and holds a lock on its folder while it lives, so that a job whose
process is gone is known as failed. The same key gives the same job: three clicks, or an answer
that was lost and asked for again, make one deployment.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire, workers
from jupyter_mltrack.errors import MltrackError, NotFound

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

KEPT_S = 24 * 3600
FAILED_SHOWN_S = 3600
LOG_TAIL_LINES = 40
LOG_TAIL_BYTES = 64 << 10
START_LIMIT_S = 60.0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a job has to do; the workspace with its account goes through the pipe, not the file."""

    model: str
    """Words that name exactly one version."""
    title: str
    target: str
    name: str
    digest: str
    options: dict[str, Any] = {}
    traffic_percent: int | None = None
    shadow: bool = False
    folder: str = ""
    """Where relative paths of the options begin: the project's folder, or the caller's."""


class Conflict(MltrackError):
    """Something else is being done to the same endpoint right now."""

    code = "conflict"


def folder() -> Path:
    """Where the jobs lie."""
    from jupyter_mltrack.settings import data_dir

    return data_dir() / "deployments" / "jobs"


def start(workspace: Workspace, order: Order, key: str | None) -> wire.JobInfo:
    """Start a deploy, unless this very one was started under the same key.

    Args:
        workspace: whose model.
        order: what to do.
        key: of the caller's choice, one for each thing that was wanted; None for a new thing.

    Raises:
        Conflict: another deploy to this endpoint is under way.
    """
    from jupyter_mltrack.settings import ensure_private_dir

    place = folder()
    for parent in (place.parent.parent, place.parent, place):
        ensure_private_dir(parent)
    job_id = hashlib.sha256((key or secrets.token_hex(16)).encode()).hexdigest()[:20]
    with _locked(place / "lock"):
        if (place / job_id / "job.json").exists():
            return get(job_id)
        busy = [one for one in listed() if one.state == "running" and one.subject == order.name]
        if busy:
            if _order(busy[0].id) == order:
                return busy[0]
            raise Conflict(
                f"Endpoint {order.name} is being deployed right now ({busy[0].title}).",
                f"Wait for it: %mltrack endpoints {order.name}",
            )
        _begin(workspace, order, place / job_id)
    _tidy(place)
    return get(job_id)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _begin(workspace: Workspace, order: Order, job: Path) -> None:
    job.mkdir(mode=0o700, exist_ok=True)
    (job / "request.json").write_bytes(msgspec.json.encode(order))
    info = wire.JobInfo(
        id=job.name,
        kind="deploy",
        subject=order.name,
        title=f"{order.title} to {order.target}",
        state="running",
        started_ms=int(time.time() * 1000),
    )
    workers.start("jupyter_mltrack.deployments.worker", job, workspace, word=info, log="log")


def write(job: Path, info: wire.JobInfo) -> None:
    """Keep how a job stands; a reader sees the old or the new word, never half of one."""
    workers.write(job, info)


def get(job_id: str) -> wire.JobInfo:
    """How a job stands.

    Raises:
        NotFound: there is none of that id.
    """
    job = folder() / job_id
    try:
        if not job_id.isalnum():
            raise FileNotFoundError(job_id)
        info = msgspec.json.decode((job / "job.json").read_bytes(), type=wire.JobInfo)
    except (OSError, msgspec.MsgspecError) as error:
        raise NotFound(
            "There is no such deploy job.", "Those there are: %mltrack endpoints"
        ) from error
    if info.state == "running" and not workers.is_alive(job):
        info = _given_up(job, info)
    return info


def _given_up(job: Path, info: wire.JobInfo) -> wire.JobInfo:
    """The job whose process ended without a word; what it said last is read anew."""
    info = msgspec.json.decode((job / "job.json").read_bytes(), type=wire.JobInfo)
    if info.state != "running":
        return info
    problem = wire.Problem(
        code="internal",
        message=f"The deploy of {info.title} was ended from outside.",
        hint="Start it again; what was made so far is used.",
    )
    steps = [
        msgspec.structs.replace(step, state="failed") if step.state == "running" else step
        for step in info.steps
    ]
    ended_ms = int((job / "job.json").stat().st_mtime * 1000)
    return msgspec.structs.replace(
        info,
        state="failed",
        steps=steps,
        problem=problem,
        log_tail=log_tail(job),
        ended_ms=ended_ms,
    )


def log_tail(job: Path, lines: int = LOG_TAIL_LINES) -> list[str]:
    """The last lines of a job's log, cleaned."""
    from jupyter_mltrack.display_text import clean

    try:
        with open(job / "log", "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - LOG_TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [clean(line) for line in text.splitlines()[-lines:]]


def listed() -> list[wire.JobInfo]:
    """Deploys that run, and those that failed a short while ago; newest first.

    What failed is left out as soon as the same endpoint was deployed anew.
    """
    oldest_ms = (time.time() - FAILED_SHOWN_S) * 1000
    newest: dict[str, wire.JobInfo] = {}
    for job in _jobs(folder()):
        with contextlib.suppress(NotFound):
            info = get(job.name)
            before = newest.get(info.subject)
            if before is None or info.started_ms > before.started_ms:
                newest[info.subject] = info
    found = [
        info
        for info in newest.values()
        if info.state == "running" or (info.state == "failed" and (info.ended_ms or 0) > oldest_ms)
    ]
    return sorted(found, key=lambda one: -one.started_ms)


def _jobs(place: Path) -> list[Path]:
    try:
        return [Path(one.path) for one in os.scandir(place) if one.is_dir()]
    except OSError:
        return []


def _order(job_id: str) -> Order | None:
    try:
        return msgspec.json.decode((folder() / job_id / "request.json").read_bytes(), type=Order)
    except (OSError, msgspec.MsgspecError):
        return None


def _tidy(place: Path) -> None:
    """Remove jobs that ended long ago."""
    oldest = time.time() - KEPT_S
    for job in _jobs(place):
        with contextlib.suppress(OSError):
            if job.stat().st_mtime < oldest and not workers.is_alive(job):
                shutil.rmtree(job, ignore_errors=True)


def wait(
    job_id: str,
    seen: Callable[[wire.JobInfo], None] | None = None,
    limit_s: float = 3600.0,
) -> wire.JobInfo:
    """How a job ended; an interrupt leaves the job running.

    Args:
        job_id: which.
        seen: called with each new state of the job.
        limit_s: how long to wait at most.
    """
    return workers.wait(lambda: get(job_id), lambda info: info.state != "running", seen, limit_s)
