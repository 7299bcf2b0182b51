"""How jobs look."""

from __future__ import annotations

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import ago, clean, duration
from jupyter_mltrack.render import Column, View, line, note, pairs, table

MARKS: dict[str, str] = {
    "queued": "◌",
    "preparing": "◌",
    "running": "◐",
    "finishing": "◐",
    "done": "✓",
    "failed": "✕",
    "cancelled": "■",
}
_NONE_HERE = (
    "No jobs yet: begin a cell with %%track --on process, or %mltrack submit FILE --on process"
)
_LEFT_OUT_SHOWN = 6


def state_text(job: wire.SubmittedJob) -> str:
    """The state in words, with what the backend says of it."""
    if job.cancel_asked and job.state not in ("done", "failed", "cancelled"):
        return "stopping"
    if not job.followed and job.state not in ("done", "failed", "cancelled"):
        return f"{job.state}, not followed here"
    word = "stopped" if job.state == "cancelled" else job.state
    known = (job.state, "completed", "canceled", "notstarted")
    detail = job.detail if job.detail.lower() not in known else ""
    return f"{word} ({detail})" if detail else word


def elapsed(job: wire.SubmittedJob, now_ms: int | None = None) -> str:
    """How long it runs, or ran; empty before."""
    if job.began_ms is None:
        return ""
    end_ms = job.ended_ms if job.ended_ms is not None else now_ms
    return "" if end_ms is None else duration(max(0, end_ms - job.began_ms))


def summary(job: wire.SubmittedJob) -> View:
    """One job in a line, as the cell shows it."""
    if job.problem is not None:
        said = job.problem.message
    elif job.returned:
        said = "returned " + ", ".join(one.name for one in job.returned)
    else:
        said = ""
    shown = line(
        job.name,
        job.target,
        state_text(job),
        said,
        elapsed(job),
        sent(job),
        f"job {job.id[:8]}",
        mark=MARKS[job.state],
    )
    return shown + note(job.problem.hint) if job.problem is not None and job.problem.hint else shown


def sent(job: wire.SubmittedJob) -> str:
    """What travelled, while that is news."""
    if job.snapshot is None or job.state in ("done", "failed", "cancelled"):
        return ""
    said = f"sent {job.snapshot.files} files, {size(job.snapshot.size_bytes)}"
    left = len(job.snapshot.left_out)
    return f"{said}; {left} left out" if left else said


def size(size_bytes: int | None) -> str:
    """So many bytes, for people."""
    if size_bytes is None:
        return ""
    if size_bytes < 1000:
        return f"{size_bytes} B"
    if size_bytes < 1 << 20:
        return f"{size_bytes / 1024:.0f} kB"
    return f"{size_bytes / 2**20:.1f} MB"


def job(one: wire.SubmittedJob, now_ms: int) -> View:
    """One job with all that is known of it."""
    facts = [
        ("id", one.id),
        ("what", one.what),
        ("where", one.target),
        ("workspace", one.workspace_name),
        ("submitted", ago(one.submitted_ms, now_ms)),
        ("ran", elapsed(one, now_ms)),
        ("notebook", one.notebook),
        ("went along", ", ".join(_travelling(each) for each in one.names)),
        ("returned", ", ".join(_travelling(each) for each in one.returned)),
        ("page", one.link or ""),
    ]
    if one.snapshot is not None:
        facts.append((
            "files", f"{one.snapshot.files} files, {size(one.snapshot.size_bytes)}"
                     f" of {one.snapshot.folder}",
        ))  # fmt: skip
        left = [f"{each.path} ({each.why})" for each in one.snapshot.left_out[:_LEFT_OUT_SHOWN]]
        facts.append(("left out", ", ".join(left)))
    return summary(one) + pairs("job", [(name, clean(text)) for name, text in facts if text])


def _travelling(one: wire.Travelling) -> str:
    parts = [one.kind, size(one.size_bytes)]
    return f"{one.name} ({', '.join(part for part in parts if part)})"


def jobs(found: wire.JobList, now_ms: int) -> View:
    """The list, one row each."""
    if not found.jobs:
        return note(_NONE_HERE)
    heads = [
        Column(""), Column("job"), Column("id"), Column("where"), Column("state"),
        Column("submitted"), Column("time", right=True), Column("what"), Column(""),
    ]  # fmt: skip
    rows = [
        [
            MARKS[one.state],
            one.name,
            one.id[:8],
            one.target,
            state_text(one),
            ago(one.submitted_ms, now_ms),
            elapsed(one, now_ms),
            one.what,
            one.problem.message if one.problem is not None else "",
        ]
        for one in found.jobs
    ]
    return table(heads, rows)


def stopped(answer: wire.RunStopped, _: int) -> View:
    """A run whose job was asked to end, or that goes on."""
    if answer.done:
        return line(answer.name, "stopping; what it has logged stays", mark="■")
    return note("Nothing was stopped.")
