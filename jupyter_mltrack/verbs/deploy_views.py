"""How the answers of the verbs on endpoints look."""

from __future__ import annotations

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import ago, clean, number
from jupyter_mltrack.render import Column, View, line, note, table

MARKS: dict[str, str] = {
    "deploying": "◐",
    "ready": "●",
    "unhealthy": "▲",
    "failed": "✕",
    "stopped": "■",
}
_NONE_HERE = "No endpoints yet: %mltrack deploy MODEL --to local"
_LINES_SHOWN = 8
_CODE_SHOWN = 12
_REQUIREMENTS_SHOWN = 20


def endpoints(found: wire.EndpointList, _now_ms: int) -> View:
    """The list of endpoints, one row each, and the deploys under way."""
    shown: View | None = None
    for job in found.jobs:
        from jupyter_mltrack.verbs.deploy_acts import steps_line

        if job.problem is None:
            one = line(steps_line(job), mark=MARKS["deploying"])
        else:
            one = line(job.problem.message, mark=MARKS["failed"]) + note(job.problem.hint)
        shown = one if shown is None else shown + one
    if not found.endpoints:
        return shown or note(_NONE_HERE)
    heads = [
        Column("endpoint"), Column("state"), Column("versions"), Column("req/s", right=True),
        Column("p50", right=True), Column("p95", right=True), Column("errors", right=True),
        Column("address"),
    ]  # fmt: skip
    rows = [
        [
            one.name,
            _state(one),
            versions(one),
            f"{one.stats.requests_per_s:.1f}" if one.stats.requests else "",
            milliseconds(one.stats.p50_ms),
            milliseconds(one.stats.p95_ms),
            str(one.stats.errors) if one.stats.errors else "",
            one.address or one.target,
        ]
        for one in found.endpoints
    ]
    listed = table(heads, rows)
    return listed if shown is None else shown + listed


def _state(one: wire.EndpointInfo | wire.DeploymentInfo) -> str:
    asleep = isinstance(one, wire.EndpointInfo) and one.asleep
    return f"{MARKS[one.state]} {'asleep' if asleep else one.state}"


def versions(one: wire.EndpointInfo) -> str:
    """`5 (90 %), 6 (10 %)` or `5` where it is alone."""
    if len(one.deployments) == 1:
        return one.deployments[0].label
    return ", ".join(
        f"{each.label} ({'shadow' if each.shadow else f'{each.traffic_percent} %'})"
        for each in one.deployments
    )


def milliseconds(value: float | None) -> str:
    """Duration of a request."""
    return "" if value is None else f"{number(value)} ms"


def endpoint(one: wire.EndpointInfo, now_ms: int) -> View:
    """One endpoint with what is behind it and how to ask it."""
    shown = summary(one)
    if len(one.deployments) > 1 or any(each.state != "ready" for each in one.deployments):
        shown += _deployments(one, now_ms)
    for each in one.deployments:
        if each.problem is not None:
            shown += note(f"{each.label}: {each.problem.message} {each.problem.hint}".strip())
        if each.log_tail:
            shown += _last_lines(each.log_tail)
    if one.address and one.state in ("ready", "deploying") and one.target == "local":
        shown += note(f"Ask it: %mltrack predict {one.name} --data VAR")
    if one.token_file:
        shown += note(f"Key: {one.token_file}")
    return shown


def _last_lines(log: list[str]) -> View:
    from html import escape

    lines = [clean(one) for one in log if one.strip(" ^~")][-_LINES_SHOWN:]
    plain = "\n".join(f"  {one}" for one in lines)
    return View(plain, f"<pre>{escape(plain)}</pre>")


def summary(one: wire.EndpointInfo) -> View:
    """One endpoint in a line."""
    model = next((each.model or each.uri for each in one.deployments), "")
    return line(
        one.name,
        _state(one).split(" ", 1)[1],
        f"{model} {versions(one)}".strip(),
        one.address,
        one.detail,
        mark=MARKS[one.state],
    )


def _deployments(one: wire.EndpointInfo, now_ms: int) -> View:
    heads = [
        Column("version"), Column("state"), Column("traffic", right=True),
        Column("replicas", right=True), Column("memory", right=True),
        Column("req/s", right=True), Column("p95", right=True), Column("deployed"),
    ]  # fmt: skip
    rows = [
        [
            each.label,
            _state(each),
            "shadow" if each.shadow else f"{each.traffic_percent} %",
            f"{each.replicas_ready}/{each.replicas}",
            "" if each.memory_bytes is None else f"{each.memory_bytes >> 20} MB",
            f"{each.stats.requests_per_s:.1f}" if each.stats.requests else "",
            milliseconds(each.stats.p95_ms),
            ago(each.deployed_ms, now_ms) if each.deployed_ms else "",
        ]
        for each in one.deployments
    ]
    return table(heads, rows)


def prediction(found: wire.Prediction, _now_ms: int) -> View:
    """The answer of an endpoint as a table."""
    said = line(
        f"{found.endpoint} answered",
        f"version {found.version}" if found.version else "",
        milliseconds(round(found.latency_ms, 1)),
        f"{found.row_count} row{'' if found.row_count == 1 else 's'}",
    )
    if not found.columns:
        return said + note(found.body[:1000])
    hidden = found.row_count - len(found.rows)
    left_out = f"{hidden} more rows" if hidden > 0 else ""
    return table([Column(one, right=True) for one in found.columns], found.rows, left_out) + said


def log_lines(found: wire.LogLines, _now_ms: int) -> View:
    """Lines of a log."""
    from html import escape

    if not found.lines:
        return note(f"{found.subject} has written nothing yet.")
    plain = "\n".join(clean(one) for one in found.lines)
    return View(plain, f"<pre>{escape(plain)}</pre>")


def plan_text(plan: wire.DeployPlan) -> str:
    """What would run, for the question before it."""
    title = f"{plan.model}/{plan.version}" if plan.version else plan.uri
    lines = [f"{title} was not made here. Loading it runs its code on this machine:"]
    made = " ".join(part for part in (plan.made_by, f"in run {plan.run_name or plan.run_id}"
                                      if plan.run_id else "") if part)  # fmt: skip
    lines.append(f"  said to be made by: {made or 'not known'}")
    lines.append(f"  flavors: {', '.join(plan.flavors) or 'none'}")
    lines.append(f"  files that run: {_some(plan.code_files, _CODE_SHOWN)}")
    lines.append(f"  requirements: {_some(plan.requirements, _REQUIREMENTS_SHOWN)}")
    lines.append(f"  SHA-256: {plan.digest}")
    return "\n".join(clean(one) for one in lines)


def _some(words: list[str], limit: int) -> str:
    shown = ", ".join(words[:limit])
    more = len(words) - limit
    return f"{shown} and {more} more" if more > 0 else shown or "none"
