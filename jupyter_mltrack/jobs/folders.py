"""Each job has a folder; whoever looks reads the same, and a lock says whether it is followed.

The keeper keeps `job.json` whole at every moment and holds the lock while it lives. A job of this
machine whose keeper is gone has failed; one at a service goes on there, and `resume` has it
followed again.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_mltrack import wire, workers
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import Ambiguous, MltrackError, NotFound

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

JOB_FILE = workers.WORD
LOG = "log"
CANCEL = "cancel"
HANDLE = "handle.json"
RETURNED = "returned"
ENDED: frozenset[str] = frozenset({"done", "failed", "cancelled"})
LOG_BYTES_AT_ONCE = 256 << 10
_NOT_HANDED_DOWN = ("MLTRACK_CONTEXT", "MLTRACK_JOB", "MLFLOW_RUN_ID", "MPLBACKEND")
"""Variables of a kernel that would mean something else in a job."""


class Conflict(MltrackError):
    """It cannot be done while the job is as it is."""

    code = "conflict"


def folder() -> Path:
    """Return where the jobs lie."""
    from jupyter_mltrack.settings import data_dir

    return data_dir() / "jobs"


def place_of(job_id: str) -> Path:
    """Return the folder of one job.

    Raises:
        NotFound: the id cannot be one.
    """
    if not job_id.isalnum() or len(job_id) > 64:
        raise _no_job(job_id)
    return folder() / job_id


def _no_job(words: str) -> NotFound:
    return NotFound(f"There is no job {clean(words)[:80]!r}.", "Those there are: %mltrack jobs")


def write(place: Path, job: wire.SubmittedJob) -> None:
    """Keep how a job stands; a reader sees the old or the new word, never half of one."""
    workers.write(place, job)


def read(place: Path) -> wire.SubmittedJob:
    """Return what `job.json` says.

    Raises:
        NotFound: there is none, or it is damaged.
    """
    try:
        return msgspec.json.decode((place / JOB_FILE).read_bytes(), type=wire.SubmittedJob)
    except (OSError, msgspec.MsgspecError) as error:
        raise _no_job(place.name) from error


def get(job_id: str) -> wire.SubmittedJob:
    """Return how a job stands.

    Raises:
        NotFound: there is none of this id.
    """
    place = place_of(job_id)
    job = read(place)
    if job.state in ENDED:
        return job
    asked = job.cancel_asked or (place / CANCEL).exists()
    if is_followed(place):
        return msgspec.structs.replace(job, cancel_asked=asked)
    job = read(place)  # its last word may have come between our two looks
    if job.state in ENDED:
        return job
    if job.away:
        return msgspec.structs.replace(job, followed=False, cancel_asked=asked)
    return _given_up(place, job)


def _given_up(place: Path, job: wire.SubmittedJob) -> wire.SubmittedJob:
    return msgspec.structs.replace(
        job,
        state="failed",
        detail="ended from outside",
        followed=False,
        ended_ms=int((place / JOB_FILE).stat().st_mtime * 1000),
        problem=wire.Problem(
            code="internal",
            message=f"Job {job.name} was ended from outside: this machine was shut down, or its "
            "process was killed.",
            hint="Submit it again; what it had logged is kept in its run.",
        ),
    )


def is_followed(place: Path) -> bool:
    """Say whether a keeper of the job lives."""
    return workers.is_alive(place)


def listed(limit: int | None = None) -> list[wire.SubmittedJob]:
    """Return the jobs that this machine knows, newest first."""
    found: list[wire.SubmittedJob] = []
    try:
        places = [Path(one.path) for one in os.scandir(folder()) if one.is_dir()]
    except OSError:
        return []
    for place in places:
        with contextlib.suppress(NotFound):
            found.append(get(place.name))
    found.sort(key=lambda job: -job.submitted_ms)
    return found[:limit]


def find(words: str) -> wire.SubmittedJob:
    """Return the job that a person means: id, beginning of an id, name, `last`, `last~1`.

    Raises:
        NotFound: none fits.
        Ambiguous: several do.
    """
    words = words.strip().removeprefix("job:")
    jobs = listed()
    if words == "last" or words.startswith("last~"):
        back = words.removeprefix("last").removeprefix("~") or "0"
        if back.isdecimal() and int(back) < len(jobs):
            return jobs[int(back)]
        raise _no_job(words)
    named = [job for job in jobs if job.name == words]
    if named:
        return named[0]  # the newest of that name, as for a cell that was run again
    fitting = [job for job in jobs if len(words) >= 4 and job.id.startswith(words)]
    if len(fitting) > 1:
        raise Ambiguous(
            f"{clean(words)!r} is the beginning of {len(fitting)} jobs.",
            "Write more of the id: " + ", ".join(job.id[:12] for job in fitting[:5]),
            choices=[job.id for job in fitting],
        )
    if not fitting:
        raise _no_job(words)
    return fitting[0]


def log_text(job_id: str, position: int = 0, limit: int = LOG_BYTES_AT_ONCE) -> wire.JobText:
    """Return what a job printed from a position on; a negative one counts from the end.

    Raises:
        NotFound: there is none of this id.
    """
    job = get(job_id)
    try:
        with open(place_of(job_id) / LOG, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            begin = max(0, size + position) if position < 0 else min(position, size)
            file.seek(begin)
            content = file.read(limit)
            if position < 0 and begin > 0:  # begin with a whole line
                cut = content.find(b"\n") + 1
                begin, content = begin + cut, content[cut:]
    except OSError:
        begin, size, content = 0, 0, b""
    if begin + len(content) < size:
        content = content[: content.rfind(b"\n") + 1] or content
    end = begin + len(content)
    return wire.JobText(
        id=job.id,
        position=begin,
        text=content.decode("utf-8", "replace"),
        next=end,
        ended=job.state in ENDED and end >= size,
    )


# ---------------------------------------------------------------------------------- acts


def cancel(job_id: str) -> wire.SubmittedJob:
    """Ask for a job's end; its keeper does the rest, and one is started where none lives.

    Raises:
        NotFound: there is none of this id.
        Conflict: it has ended already.
    """
    job = get(job_id)
    if job.state in ENDED:
        raise Conflict(f"Job {job.name} has ended already: {job.state}.", "Nothing was done.")
    (place_of(job_id) / CANCEL).touch(mode=0o600)
    if not job.followed:
        _resume_one(job)
    return get(job_id)


def remove(job_id: str) -> None:
    """Forget a job that has ended, with its log and what it returned; its run stays.

    Raises:
        NotFound: there is none of this id.
        Conflict: it has not ended.
    """
    job = get(job_id)
    if job.state not in ENDED:
        raise Conflict(
            f"Job {job.name} has not ended ({job.state}).",
            f"Stop it first: %mltrack stop {job.id[:8]}",
        )
    shutil.rmtree(place_of(job_id), ignore_errors=True)


def resume(workspace_id: str | None = None) -> int:
    """Have jobs at services followed again that nobody follows; returns how many."""
    waiting = [
        job
        for job in listed()
        if job.away
        and not job.followed
        and job.state not in ENDED
        and workspace_id in (None, job.workspace_id)
    ]
    for job in waiting:
        with contextlib.suppress(NotFound):  # it was forgotten meanwhile
            _resume_one(job)
    return len(waiting)


def _resume_one(job: wire.SubmittedJob) -> None:
    from jupyter_mltrack import workspaces
    from jupyter_mltrack.jobs import order

    place = place_of(job.id)
    start_keeper(place, workspaces.resolve(order.load(place).workspace))


def start_keeper(place: Path, workspace: Workspace, job: wire.SubmittedJob | None = None) -> None:
    """Start the process that follows a job to its end; nothing happens where one does.

    A new `job` is written down when it is locked, so that nobody takes it for one left behind.
    """
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_DOWN}
    workers.start(
        "jupyter_mltrack.jobs.keeper",
        place,
        workspace,
        word=job,
        log="keeper.log",
        environment=kept,
    )


def wait(
    job_id: str,
    seen: Callable[[wire.SubmittedJob], None] | None = None,
    limit_s: float = float("inf"),
) -> wire.SubmittedJob:
    """Return how a job ended, or how it stands when the time is over; an interrupt leaves it be.

    Args:
        job_id: which.
        seen: called with each new state of the job.
        limit_s: how long to wait at most.
    """
    return workers.wait(lambda: get(job_id), lambda job: job.state in ENDED, seen, limit_s)
