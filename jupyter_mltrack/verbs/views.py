"""How the answer of a verb looks: one line by default, a table where one was asked for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import ago, clean, duration, number
from jupyter_mltrack.journal.columns import metric_rank
from jupyter_mltrack.render import Column, View, line, note, pairs, table
from jupyter_mltrack.runs.tags import ORDER, title_of
from jupyter_mltrack.tracking.names import decode
from jupyter_mltrack.verbs import (
    azure_views,
    compare_acts,
    connect_views,
    deploy_views,
    export_views,
    job_views,
    model_views,
    score_acts,
    watch_views,
)

MARKS: dict[str, str] = {
    "RUNNING": "◐",
    "SCHEDULED": "◌",
    "FINISHED": "✓",
    "FAILED": "✕",
    "KILLED": "■",
}
_METRIC_COLUMNS = 4
_OWN_TAGS = ("mlflow.", "mltrack.")
_NOTHING_HERE = "No runs here yet. Begin a cell with %%track to record one."
_KEPT = (
    "What you log is kept on this machine and sent when it answers; %mltrack use local goes back."
)
_HEALTH = {
    "ready": "ready",
    "connecting": "connecting",
    "signed_out": "signed out",
    "denied": "no permission",
    "unreachable": "unreachable",
    "broken": "broken",
}


def view(answer: Any, now_ms: int | None = None) -> View:
    """The picture of any answer that a verb gives."""
    draw = _DRAWN.get(type(answer))
    if draw is None:
        return (
            note(str(answer))
            if isinstance(answer, str) and "\n" not in answer
            else _text(str(answer))
        )
    return draw(answer, int(time.time() * 1000) if now_ms is None else now_ms)


def _text(text: str) -> View:
    from html import escape

    plain = "\n".join(clean(part) for part in text.split("\n"))
    return View(plain, f"<pre>{escape(plain)}</pre>")


def metric_text(metric: wire.MetricValue) -> str:
    """The value in short form; what is not finite by its name."""
    return metric.text if metric.value is None else number(metric.value)


def elapsed_ms(run: wire.RunSummary, now_ms: int) -> int:
    """How long the run took, or takes already; never negative."""
    return max(0, (now_ms if run.end_ms is None else run.end_ms) - run.start_ms)


def _runs(page: wire.RunPage, now_ms: int) -> View:
    found = _runs_table(page.runs, now_ms, page.total) if page.runs else note(_NOTHING_HERE)
    if page.problem is None:
        return found
    if not page.runs:
        return _problem(page.problem)
    return _problem(page.problem) + found


def _problem(problem: wire.Problem) -> View:
    return note(problem.message) + note(problem.hint) if problem.hint else note(problem.message)


def _runs_table(runs: list[wire.RunSummary], now_ms: int, total: int | None) -> View:
    seen = dict.fromkeys(metric.key for run in runs for metric in run.metrics)
    keys = sorted(seen, key=lambda key: metric_rank(key)[0])[:_METRIC_COLUMNS]
    one_experiment = len({run.experiment for run in runs}) <= 1
    columns = [Column(""), Column("run"), Column("id"), Column("when"), Column("time", right=True)]
    columns += [Column(clean(decode(key)), right=True) for key in keys]
    columns += [] if one_experiment else [Column("experiment")]
    columns += [Column("")]
    rows = []
    for run in runs:
        values = {metric.key: metric_text(metric) for metric in run.metrics}
        row = [
            MARKS.get(run.status, "?"),
            title_of(run.name, run.attempt),
            run.run_id[:8],
            ago(run.start_ms, now_ms),
            duration(elapsed_ms(run, now_ms)),
            *(values.get(key, "") for key in keys),
        ]
        row += [] if one_experiment else [run.experiment or ""]
        rows.append([*row, _remark(run)])
    if not any(row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    hidden = (total or 0) - len(runs)
    return table(columns, rows, f"{hidden} more: --limit {total}" if hidden > 0 else "")


def _remark(run: wire.RunSummary) -> str:
    if run.status in ("FAILED", "KILLED") and run.error:
        return run.error
    if run.waiting_points:
        return f"{run.waiting_points} point{'s' if run.waiting_points > 1 else ''} waiting"
    return ""


def _detail(detail: wire.RunDetail, now_ms: int) -> View:
    run = detail.summary
    own = {pair.key: pair.value for pair in detail.tags}
    main = [f"{decode(one.key, own)} {metric_text(one)}" for one in run.metrics[:3]]
    took = duration(elapsed_ms(run, now_ms))
    shown = line(
        run.name or run.run_id, run.status.lower(), *main, took, mark=MARKS.get(run.status, "?")
    )
    facts = [(name, text) for name, text in (
        ("id", run.run_id),
        ("experiment", run.experiment or ""),
        ("began", _moment(run.start_ms)),
        ("notebook", run.notebook or ""),
        ("attempt", _attempt(run.attempt, own.get("mltrack.former", ""))),
        ("parent", run.parent_run_id or ""),
        ("error", run.error or ""),
        ("not kept", own.get("mltrack.left_out", "")),
        ("artifacts", detail.artifact_uri or ""),
        ("page", detail.link or ""),
    ) if text]  # fmt: skip
    shown += pairs("run", facts)
    if detail.params:
        shown += pairs("parameter", [(decode(one.key, own), one.value) for one in detail.params])
    if run.metrics:
        rows = [[decode(one.key, own), metric_text(one), str(one.step)] for one in run.metrics]
        left = f"{run.hidden_metrics} more metrics" if run.hidden_metrics else ""
        heads = [Column("metric"), Column("newest", right=True), Column("step", right=True)]
        shown += table(heads, rows, left)
    if detail.data:
        rows = [[one.name, _size(one), one.digest, _about(one)] for one in detail.data]
        shown += table([Column("data"), Column("shape"), Column("digest"), Column("")], rows)
    if own.get(ORDER):
        shown += line(own[ORDER], mark="⚠")
    theirs = [(decode(key, own), own[key]) for key in own if not key.startswith(_OWN_TAGS)]
    if theirs:
        shown += pairs("tag", theirs)
    if detail.merged:
        shown += note("The store could not be asked; this is what this machine has.")
    return shown


def _attempt(number: int, former: str) -> str:
    """Which execution of its cell a run is; empty for the first."""
    if number < 2 and not former:
        return ""
    return f"{number}, after {former[:8]}" if former else str(number)


def _size(data: wire.DataInfo) -> str:
    """Rows and columns of data, or how large a file is, as far as that is known."""
    if data.shape or data.size_bytes is None:
        return " x ".join(f"{length:,}" for length in data.shape)
    return azure_views.size(data.size_bytes)


def _about(data: wire.DataInfo) -> str:
    place = data.source if data.context == "file" and data.source != data.name else ""
    return " · ".join(text for text in (data.context, place, data.note) if text)


def _moment(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_ms / 1000))


def _status(report: wire.StatusReport, now_ms: int) -> View:
    shown = _workspace(report.workspace, now_ms)
    if report.problem is not None:
        shown += _problem(report.problem)
    for run in report.running:
        main = [f"{decode(one.key)} {metric_text(one)}" for one in run.metrics[:2]]
        shown += line(run.name, *main, duration(elapsed_ms(run, now_ms)), mark=MARKS["RUNNING"])
    for other in report.waiting:
        shown += line(other.name, other.uri, _backlog(other.health))
    for endpoint in report.endpoints:
        shown += deploy_views.summary(endpoint)
    if report.costs:
        shown += azure_views.cost_lines(report.costs)
    if report.auto:
        shown += note("Every cell that logs or trains is tracked: %mltrack auto off")
    return shown


def _workspace(info: wire.WorkspaceInfo, _: int) -> View:
    health = info.health
    state = _HEALTH[health.state]
    if health.state == "unreachable" and health.since_ms:
        state += f" since {time.strftime('%H:%M', time.localtime(health.since_ms / 1000))}"
    experiment = f"experiment: {info.experiment}" if info.experiment else ""
    account = f"account: {info.account}" if info.account else ""
    uri = connect_views.place(info.uri) if info.kind == "azureml" else info.uri
    shown = line(info.name, uri, account, experiment, state, _backlog(health))
    if health.state in ("ready", "connecting") and not health.message:
        return shown
    hint = health.hint or _KEPT if health.state != "ready" else ""
    return shown + note(f"{health.message} {hint}".strip())


def _backlog(health: wire.Health) -> str:
    return ", ".join(part for part in (_points_waiting(health), _files_waiting(health)) if part)


def _files_waiting(health: wire.Health) -> str:
    if not health.waiting_files:
        return ""
    whole = health.sent_files + health.waiting_files
    size = f"{health.waiting_bytes / 1e6:.1f} MB"
    return f"{health.sent_files} of {whole} files sent, {size} on their way"


def _points_waiting(health: wire.Health) -> str:
    if not health.waiting_points:
        return ""
    points = f"{health.waiting_points} point{'' if health.waiting_points == 1 else 's'} waiting"
    if health.waiting_since_ms is None:
        return points
    return (
        f"{points} since {time.strftime('%H:%M', time.localtime(health.waiting_since_ms / 1000))}"
    )


def _sync(report: wire.SyncReport, _: int) -> View:
    sent = f"{report.shipped_points} point{'' if report.shipped_points == 1 else 's'} sent"
    left = f"{report.waiting_points} waiting" if report.waiting_points else "nothing waits"
    shown = line(sent, left)
    for problem in report.problems:
        shown += _problem(problem)
    return shown


def _experiment(info: wire.ExperimentInfo, _: int) -> View:
    if not info.id:
        return line(f"experiment: {info.name}", "new: made with its first run")
    count = "" if info.run_count is None else f"{info.run_count} runs"
    return line(f"experiment: {info.name}", count)


def _experiments(found: wire.ExperimentList, _: int) -> View:
    if not found.experiments:
        return note("No experiments here yet: %mltrack experiment NAME")
    rows = [
        [
            one.name,
            "" if one.id == one.name else one.id,
            "" if one.run_count is None else str(one.run_count),
        ]
        for one in found.experiments
    ]
    return table([Column("experiment"), Column("id", right=True), Column("runs", right=True)], rows)


_DRAWN: dict[type, Callable[[Any, int], View]] = {
    wire.RunPage: _runs,
    wire.RunDetail: _detail,
    wire.RunDiff: compare_acts.diff_view,
    wire.RunDetails: compare_acts.compare_view,
    wire.StatusReport: _status,
    wire.WorkspaceInfo: _workspace,
    wire.SyncReport: _sync,
    wire.ExperimentInfo: _experiment,
    wire.ExperimentList: _experiments,
    wire.ModelPage: model_views.page,
    wire.ModelInfo: model_views.model,
    wire.ModelVersionInfo: model_views.version,
    wire.ModelVersionDetail: model_views.detail,
    wire.Removed: model_views.removed,
    wire.RunStopped: job_views.stopped,
    wire.Pair: model_views.pair,
    wire.ScoreReport: score_acts.view,
    wire.MonitorReport: watch_views.monitor,
    wire.DriftReport: watch_views.drift,
    wire.EndpointList: deploy_views.endpoints,
    wire.EndpointInfo: deploy_views.endpoint,
    wire.Prediction: deploy_views.prediction,
    wire.LogLines: deploy_views.log_lines,
    wire.JobList: job_views.jobs,
    wire.SubmittedJob: job_views.job,
    wire.NotebookRun: export_views.notebook_run,
    wire.Exported: export_views.exported,
    wire.AzureWorkspaceList: azure_views.workspaces,
    wire.AzureWorkspaceInfo: azure_views.workspace,
    wire.MonitorSchedule: azure_views.schedule,
    wire.ComputeList: azure_views.computes,
    wire.ComputeInfo: azure_views.compute,
    wire.DatastoreList: azure_views.datastores,
    wire.DataListing: azure_views.listing,
    wire.DataMoved: azure_views.moved,
    wire.EnvironmentList: azure_views.environments,
    wire.EnvironmentInfo: azure_views.environment,
    wire.AccountReport: connect_views.account,
    wire.WorkspacesSeen: connect_views.workspaces,
}
