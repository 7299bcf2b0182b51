"""Read runs through MLflow's own client: servers, other databases, folders, plugins.

A server that does not answer makes MLflow's client wait for minutes, and nothing in it can be
told otherwise for one call. So each question runs in a thread of its own and is given up when its
time is over; the thread ends when the client does. A store that gives no answer is `Unreachable`,
never an empty list.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import (
    Denied,
    MltrackError,
    NotFound,
    SignedOut,
    Unreachable,
    UsageError,
    WorkspaceError,
)
from jupyter_mltrack.journal import mlflow_doors
from jupyter_mltrack.journal.columns import metric_rank
from jupyter_mltrack.journal.store_errors import sign_in_hint
from jupyter_mltrack.runs import tags
from jupyter_mltrack.runs.query import Wanted

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

    from jupyter_mltrack.workspaces import Workspace

TIME_LIMIT_S = 15.0
CHECK_S = 3.0
_IMPORT_S = 60.0
LISTED_METRICS = 30
_KEPT = "What you log is kept on this machine and sent later; how it stands: %mltrack status"
EXPERIMENTS_MAX = 1_000
_MODELS_LOOKED_AT = 10
_STATUS: dict[str, wire.RunStatus] = {
    "RUNNING": "RUNNING",
    "SCHEDULED": "SCHEDULED",
    "FINISHED": "FINISHED",
    "FAILED": "FAILED",
    "KILLED": "KILLED",
}
Answer = TypeVar("Answer")


def ask(
    workspace: Workspace, question: Callable[[MlflowClient], Answer], limit_s: float = TIME_LIMIT_S
) -> Answer:
    """The answer of the store to a question put to MLflow's client.

    Raises:
        Unreachable: no answer within `limit_s`, or the connection failed.
        SignedOut: the store answered 401.
        Denied: the store answered 403.
        NotFound: the store knows nothing under that id.
        WorkspaceError: any other answer that is an error.
    """
    _refuse_if_away(workspace)
    kept: list[Answer] = []
    failed: list[BaseException] = []
    imported, done = threading.Event(), threading.Event()

    def work() -> None:
        try:
            from mlflow.tracking import MlflowClient

            imported.set()
            mlflow_doors.open_for(workspace.tracking_uri)
            kept.append(question(MlflowClient(tracking_uri=workspace.tracking_uri)))
        except BaseException as error:  # handed to the asking thread, which raises it
            failed.append(error)
        finally:
            imported.set()
            done.set()

    thread = threading.Thread(target=work, name="mltrack-read", daemon=True)
    thread.start()
    imported.wait(_IMPORT_S)  # the seconds that MLflow takes to load are not the workspace's
    if not done.wait(limit_s):
        raise Unreachable(
            f"{workspace.title} gave no answer within {limit_s:g} s.",
            _KEPT,
        )
    if failed:
        if isinstance(failed[0], MltrackError):
            raise failed[0]
        raise translate(workspace, failed[0]) from failed[0]
    return kept[0]


def _refuse_if_away(workspace: Workspace) -> None:
    """Ask a server how it is before MLflow's client does, which would try for minutes.

    Not needed where the process has bounds of its own on what a server may do. Behind a proxy the
    plain question may fail although the client's way works, so there only an answer counts.
    """
    import urllib.request

    adapters = sys.modules.get("requests.adapters")
    bounded = adapters is not None and getattr(adapters.HTTPAdapter.send, "guarded", False)
    if bounded or not mlflow_doors.is_network(workspace.tracking_uri):
        return
    health = workspace.check(CHECK_S)
    if health.state in ("ready", "connecting"):
        return
    if health.state == "unreachable" and urllib.request.getproxies():
        return
    kind = {"signed_out": SignedOut, "denied": Denied, "unreachable": Unreachable}.get(
        health.state, WorkspaceError
    )
    raise kind(health.message, health.hint or _KEPT)


def translate(workspace: Workspace, error: BaseException) -> MltrackError:
    """The error of MLflow's client or of what lies under it, in our words."""
    text = clean(" ".join(str(error).split()))[:300]
    place = workspace.title
    code = getattr(error, "error_code", "")
    status = _http_status(error, text)
    if status == 401 or code == "UNAUTHENTICATED":
        return SignedOut(f"{place} wants a sign-in (401).", sign_in_hint(workspace.tracking_uri))
    if status == 403 or code == "PERMISSION_DENIED":
        return Denied(f"{place} refuses this to your account (403).", "Ask its owner for access.")
    if code == "RESOURCE_DOES_NOT_EXIST":
        return NotFound(f"{place} has no such thing: {text}", "The runs it has: %mltrack runs")
    if code in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST"):
        return UsageError(
            f"{place} does not take that: {text}", "%mltrack help runs shows examples."
        )
    name = type(error).__name__
    gone = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "Timeout", "OperationalError")
    words = ("Max retries exceeded", "Connection refused", "Failed to establish", "timed out")
    if name in gone or any(word in text for word in words) or status in (500, 502, 503, 504, 429):
        return Unreachable(
            f"{place} cannot be reached: {_short(text)}",
            _KEPT,
        )
    return WorkspaceError(
        f"{place} answered with an error: {text}", "How it stands: %mltrack status"
    )


def _http_status(error: BaseException, text: str) -> int | None:
    status = getattr(error, "get_http_status_code", None)
    for code in (401, 403, 500, 502, 503, 504, 429):
        if f"error code {code}" in text or f"code {code} " in text or f"too many {code}" in text:
            return code
    if callable(status) and type(error).__name__ == "RestException":
        return int(status())
    return None


def _short(text: str) -> str:
    for word in (
        "Connection refused",
        "timed out",
        "Name or service not known",
        "Temporary failure in name resolution",
    ):
        if word in text:
            return word.lower() + "."
    return text if len(text) <= 160 else text[:159] + "…"


def experiments(workspace: Workspace) -> list[wire.ExperimentInfo]:
    """Experiments that are not deleted, the one changed last first."""

    def question(client: MlflowClient) -> list[wire.ExperimentInfo]:
        found = client.search_experiments(
            max_results=EXPERIMENTS_MAX, order_by=["last_update_time DESC"]
        )
        return [
            wire.ExperimentInfo(id=wire.ExperimentId(str(one.experiment_id)), name=one.name)
            for one in found
        ]

    return ask(workspace, question)


def summary(
    run: Run,
    workspace_id: str,
    experiment_names: dict[str, str],
    limit: int,
    wanted: Wanted | None = None,
) -> wire.RunSummary:
    """One row from MLflow's own run; metrics that are wanted by name come first."""
    wanted = wanted or Wanted()
    labels = run.data.tags
    named = wanted.metrics
    newest = list(run.data._metric_objs)
    if wanted.columns is not None:
        newest = [metric for metric in newest if metric.key in named]
        limit = len(newest)
    newest.sort(key=lambda metric: (metric.key not in named, metric_rank(metric.key)))
    return wire.RunSummary(
        run_id=wire.RunId(run.info.run_id),
        workspace_id=wire.WorkspaceId(workspace_id),
        experiment_id=wire.ExperimentId(str(run.info.experiment_id)),
        experiment=experiment_names.get(str(run.info.experiment_id)),
        name=run.info.run_name or labels.get(tags.RUN_NAME, ""),
        status=_STATUS.get(run.info.status, "RUNNING"),
        start_ms=run.info.start_time or 0,
        end_ms=run.info.end_time or None,
        metrics=[value_of(metric) for metric in newest[:limit]],
        hidden_metrics=max(0, len(newest) - limit),
        parent_run_id=tags.parent_of(labels),
        notebook=labels.get(tags.NOTEBOOK) or tags.notebook_of(labels),
        error=labels.get(tags.ERROR),
        params=tags.chosen(run.data.params, wanted.keys("params")),
        tags=tags.chosen(labels, wanted.keys("tags")),
        user=labels.get(tags.USER) or run.info.user_id or "",
        starred=tags.is_starred(labels),
        deleted=run.info.lifecycle_stage == "deleted",
        attempt=tags.attempt_of(labels),
    )


def value_of(metric: Any) -> wire.MetricValue:
    """The newest value of a metric as MLflow gives it."""
    number = float(metric.value)
    return wire.MetricValue(
        key=metric.key,
        value=number if math.isfinite(number) else None,
        text=repr(number),
        step=metric.step or 0,
        timestamp_ms=metric.timestamp or 0,
    )


def detail(workspace: Workspace, run_id: str, metric_limit: int) -> wire.RunDetail:
    """One run with its parameters and tags."""
    return ask(workspace, lambda client: _detail(client, workspace, run_id, metric_limit))


def details(
    workspace: Workspace, run_ids: Sequence[str], metric_limit: int
) -> dict[str, wire.RunDetail]:
    """By id: those of the runs that are there."""
    from mlflow.exceptions import MlflowException

    def question(client: MlflowClient) -> dict[str, wire.RunDetail]:
        found = {}
        for run_id in run_ids:
            try:
                found[run_id] = _detail(client, workspace, run_id, metric_limit)
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
        return found

    return ask(workspace, question)


def _detail(
    client: MlflowClient, workspace: Workspace, run_id: str, metric_limit: int
) -> wire.RunDetail:
    run = client.get_run(run_id)
    experiment = client.get_experiment(run.info.experiment_id)
    names = {str(experiment.experiment_id): experiment.name}
    return wire.RunDetail(
        summary=summary(run, workspace.id, names, metric_limit),
        params=[wire.Pair(key=key, value=run.data.params[key]) for key in sorted(run.data.params)],
        tags=[wire.Pair(key=key, value=run.data.tags[key]) for key in sorted(run.data.tags)],
        artifact_uri=run.info.artifact_uri,
        models=_models(client, run),
    )


def _models(client: MlflowClient, run: Any) -> list[str]:
    """Names of the models that a run logged."""
    from mlflow.exceptions import MlflowException

    outputs = getattr(getattr(run, "outputs", None), "model_outputs", None) or []
    found = []
    for one in outputs[:_MODELS_LOOKED_AT]:
        with contextlib.suppress(MlflowException):  # it was deleted meanwhile
            found.append(client.get_logged_model(one.model_id).name)
    return list(dict.fromkeys(found)) or tags.models_of(run.data.tags)


def points(
    workspace: Workspace, run_id: str, keys: Sequence[str] | None, limit: int
) -> list[tuple[str, list[int], list[int], list[float]]]:
    """Key, steps, times and values of each metric."""

    def question(client: MlflowClient) -> list[tuple[str, list[int], list[int], list[float]]]:
        wanted = keys
        if wanted is None:
            wanted = sorted(client.get_run(run_id).data.metrics, key=metric_rank)[:limit]
        found = []
        for key in wanted:
            history = client.get_metric_history(run_id, key)
            if history:
                steps = [point.step or 0 for point in history]
                times = [point.timestamp or 0 for point in history]
                found.append((key, steps, times, [float(point.value) for point in history]))
        return found

    return ask(workspace, question, limit_s=4 * TIME_LIMIT_S)
