"""A drift report kept as a run, so that drift over time is a curve.

All checks of one model version against one reference go to one run: each adds a point to its
metrics, and the newest report is its artifact `mltrack/drift.html` (and `.json`); those before stay
beside it under the number of their check.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.tracking import caution, names

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mltrack.workspaces import Workspace

KIND_TAG = "mltrack.kind"
SUBJECT_TAG = "mltrack.drift"
REPORT = "mltrack/drift.html"
SYNC_S = 10.0


def keep(report: wire.DriftReport, workspace: Workspace) -> wire.DriftReport:
    """The report with the run that keeps it; without one where the store does not answer."""
    import msgspec

    title = f"{report.model}/{report.version}" if report.version else report.model
    subject = hashlib.sha256(f"{title}\n{report.reference}".encode()).hexdigest()[:16]
    try:
        run_id = _logged(report, workspace, title, subject)
    except MltrackError as error:
        note = f"the report is not kept: {error.message}"
        caution.warn_once(f"drift {note}", note)
        return msgspec.structs.replace(report, detail=f"{report.detail}; {note}".strip("; "))
    return msgspec.structs.replace(report, run_id=wire.RunId(run_id), report_path=REPORT)


def _logged(report: wire.DriftReport, workspace: Workspace, title: str, subject: str) -> str:
    import msgspec

    from jupyter_mltrack.tracking.run import track

    before = _earlier(workspace, subject)
    tags = {
        KIND_TAG: "drift",
        SUBJECT_TAG: subject,
        "mltrack.drift.model": title,
        "mltrack.drift.reference": report.reference,
        "mltrack.drift.data": report.data,
        "mltrack.drift.verdict": report.verdict,
    }
    step = 0 if before is None else before[1] + 1
    with track(
        None if before else f"drift {title}",
        tags=None if before else tags,
        resume=None if before is None else before[0],
        autolog=False,
        quiet=True,
        workspace=workspace.tracking_uri,
    ) as run:
        if before is not None:
            run.set_tags(tags)
        run.log({names.encode(key): value for key, value in metrics(report).items()}, step=step)
    run_id = _in_store(workspace, str(run.run_id))
    kept = msgspec.structs.replace(report, run_id=wire.RunId(run_id), report_path=REPORT)
    _write(workspace, run_id, kept, step)
    return run_id


def _in_store(workspace: Workspace, run_id: str) -> str:
    """The id that the store knows the run by, once it has it: some stores choose their own."""
    from jupyter_mltrack.journal import ship
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.settings import data_dir

    ship.sync(data_dir(), workspace_id=workspace.id, timeout_s=SYNC_S)
    return run_alias(data_dir(), run_id)


def metrics(report: wire.DriftReport) -> dict[str, float]:
    """The numbers of a report, by the names that their curves have."""
    tested = [one for one in (*report.features, *report.predictions) if one.verdict != "not_tested"]
    found = {
        "drift.share": report.drifted / max(1, len(tested)),
        "drift.columns": float(report.drifted),
        "drift.rows": float(report.rows_data),
        "drift.schema_changes": float(len(report.schema_changes)),
    }
    for prefix, features in (("drift", report.features), ("drift.output", report.predictions)):
        for one in features:
            if one.effect is not None and one.p_adjusted is not None:
                found[f"{prefix}.{one.name}.effect"] = one.effect
                found[f"{prefix}.{one.name}.p_adjusted"] = one.p_adjusted
            if one.missing_reference or one.missing_data:
                found[f"{prefix}.{one.name}.missing"] = one.missing_data
    for metric in report.quality:
        if metric.value is not None:
            found[f"quality.{metric.key}"] = metric.value
    return found


def _earlier(workspace: Workspace, subject: str) -> tuple[str, int] | None:
    """Id and last step of the run that keeps the reports of this subject, if there is one."""
    from jupyter_mltrack import runs

    page = runs.list_runs(
        workspace,
        filter=f"tags.`{SUBJECT_TAG}` = '{subject}' AND tags.`{KIND_TAG}` = 'drift'",
        limit=1,
    )
    if not page.runs:
        return None
    run = page.runs[0]
    steps = [one.step for one in run.metrics if one.key == "drift.share"]
    if not steps:  # a list shows the first metrics only
        found = runs.get_run(workspace, run.run_id).summary
        steps = [one.step for one in found.metrics if one.key == "drift.share"]
    return str(run.run_id), max(steps, default=-1)


def _write(workspace: Workspace, run_id: str, report: wire.DriftReport, step: int) -> None:
    """Put the report beside the run's other artifacts.

    Raises:
        MltrackError: the store gave no answer.
    """
    from pathlib import Path
    from tempfile import TemporaryDirectory

    import msgspec

    from jupyter_mltrack.monitoring.report import page
    from jupyter_mltrack.runs.client_store import ask

    with TemporaryDirectory() as folder:
        place = Path(folder, "mltrack")
        (place / "drift").mkdir(parents=True)
        texts = {".html": page(report).encode(), ".json": msgspec.json.encode(report)}
        for ending, text in texts.items():
            (place / f"drift{ending}").write_bytes(text)
            (place / "drift" / f"{step:04d}{ending}").write_bytes(text)
        ask(workspace, lambda client: _send(client, run_id, place), limit_s=60.0)


def _send(client: Any, run_id: str, place: Path) -> None:
    client.log_artifacts(run_id, str(place), "mltrack")
