"""Read runs through MLflow's own client: servers, other databases, folders, plugins.

A server that does not answer makes MLflow's client wait for minutes, and nothing in it can be
told otherwise for one call. So each question runs in a thread of its own and is given up when its
time is over; the thread ends when the client does. A store that gives no answer is `Unreachable`,
never an empty list.
"""

from __future__ import annotations

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
from jupyter_mltrack.journal.columns import metric_rank
from jupyter_mltrack.runs import tags
from jupyter_mltrack.runs.query import Wanted

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

    from jupyter_mltrack.workspaces import Workspace

TIME_LIMIT_S = 15.0
CHECK_S = 3.0
LISTED_METRICS = 30
_KEPT = "What you log is kept on this machine and sent later; how it stands: %mltrack status"
_SCAN_PAGES = 20
_SCAN_PAGE = 200
_EXPERIMENTS = 1_000
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
    done = threading.Event()

    def work() -> None:
        try:
            from mlflow.tracking import MlflowClient

            kept.append(question(MlflowClient(tracking_uri=workspace.tracking_uri)))
        except BaseException as error:  # handed to the asking thread, which raises it
            failed.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=work, name="mltrack-read", daemon=True)
    thread.start()
    if not done.wait(limit_s):
        raise Unreachable(
            f"{workspace.name} ({workspace.display_uri}) gave no answer within {limit_s:g} s.",
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
    if bounded or not workspace.tracking_uri.startswith(("http://", "https://")):
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
    place = f"{workspace.name} ({workspace.display_uri})"
    code = getattr(error, "error_code", "")
    status = _http_status(error, text)
    if status == 401 or code == "UNAUTHENTICATED":
        return SignedOut(
            f"{place} wants a sign-in (401).",
            "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN.",
        )
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
            max_results=_EXPERIMENTS, order_by=["last_update_time DESC"]
        )
        return [
            wire.ExperimentInfo(id=wire.ExperimentId(str(one.experiment_id)), name=one.name)
            for one in found
        ]

    return ask(workspace, question)


def page(workspace: Workspace, wanted: Wanted, experiment_id: str | None) -> wire.RunPage:
    """A page of runs. Plain words are matched here, over the newest few thousand runs."""

    def question(client: MlflowClient) -> wire.RunPage:
        names = _experiment_names(client, experiment_id)
        terms = [str(term) for term in wanted.order] or ["attributes.start_time DESC"]
        words = [word.casefold() for word in (wanted.text or "").split()]
        token, found = wanted.page_token, []
        for _ in range(_SCAN_PAGES if words else 1):
            runs = client.search_runs(
                list(names),
                filter_string=wanted.filter or "",
                order_by=terms,
                max_results=_SCAN_PAGE if words else wanted.limit,
                page_token=token,
            )
            token = runs.token or None
            for run in runs:
                row = summary(run, workspace.id, names, LISTED_METRICS, wanted.metrics)
                if all(_matches(word, row) for word in words):
                    found.append(row)
            if token is None or len(found) >= wanted.limit:
                break
        return wire.RunPage(runs=found, next_page_token=token)

    return ask(workspace, question)


def _experiment_names(client: MlflowClient, experiment_id: str | None) -> dict[str, str]:
    if experiment_id is not None:
        return {experiment_id: client.get_experiment(experiment_id).name}
    found = client.search_experiments(max_results=_EXPERIMENTS)
    return {str(one.experiment_id): one.name for one in found}


def _matches(word: str, row: wire.RunSummary) -> bool:
    texts = (row.name, row.notebook or "", row.experiment or "")
    if any(word in text.casefold() for text in texts):
        return True
    return len(word) >= 4 and row.run_id.startswith(word)


def summary(
    run: Run,
    workspace_id: str,
    experiment_names: dict[str, str],
    limit: int,
    wanted: Sequence[str] = (),
) -> wire.RunSummary:
    """One row from MLflow's own run; metrics that are `wanted` by name come first."""
    labels = run.data.tags
    newest = sorted(
        run.data._metric_objs,
        key=lambda metric: (metric.key not in wanted, metric_rank(metric.key)),
    )
    return wire.RunSummary(
        run_id=wire.RunId(run.info.run_id),
        workspace_id=wire.WorkspaceId(workspace_id),
        experiment_id=wire.ExperimentId(str(run.info.experiment_id)),
        experiment=experiment_names.get(str(run.info.experiment_id)),
        name=run.info.run_name or labels.get(tags.RUN_NAME, ""),
        status=_STATUS.get(run.info.status, "RUNNING"),
        start_ms=run.info.start_time or 0,
        end_ms=run.info.end_time or None,
        metrics=[_value(metric) for metric in newest[:limit]],
        hidden_metrics=max(0, len(newest) - limit),
        parent_run_id=tags.parent_of(labels),
        notebook=labels.get(tags.NOTEBOOK) or tags.notebook_of(labels),
        error=labels.get(tags.ERROR),
    )


def _value(metric: Any) -> wire.MetricValue:
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

    def question(client: MlflowClient) -> wire.RunDetail:
        run = client.get_run(run_id)
        experiment = client.get_experiment(run.info.experiment_id)
        names = {str(experiment.experiment_id): experiment.name}
        return wire.RunDetail(
            summary=summary(run, workspace.id, names, metric_limit),
            params=[
                wire.Pair(key=key, value=run.data.params[key]) for key in sorted(run.data.params)
            ],
            tags=[wire.Pair(key=key, value=run.data.tags[key]) for key in sorted(run.data.tags)],
            artifact_uri=run.info.artifact_uri,
        )

    return ask(workspace, question)


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
