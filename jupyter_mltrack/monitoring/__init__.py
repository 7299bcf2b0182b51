"""Watching what a model does: the log of its endpoint, and drift away from its training data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_mltrack import wire
    from jupyter_mltrack.workspaces import Workspace

__all__ = ["drift", "endpoint_folder", "monitor"]

ALPHA = 0.05
EFFECT = 0.1


def endpoint_folder(endpoint: str) -> Path:
    """Where an endpoint of this machine keeps its inference log; it may not be there."""
    from jupyter_mltrack.settings import data_dir

    return data_dir() / "deployments" / "endpoints" / endpoint / "inference"


def monitor(endpoint: str, *, window_s: float = 3_600, buckets: int = 60) -> wire.MonitorReport:
    """Requests, errors, latency and predictions of an endpoint over the last `window_s` seconds.

    Raises:
        NotFound: there is no such endpoint.
    """
    from jupyter_mltrack.monitoring import watching

    return watching.watch(endpoint, window_s=window_s, buckets=buckets)


def drift(
    model: str,
    data: Any,
    *,
    reference: Any = None,
    truth: Any = None,
    id_column: str | None = None,
    alpha: float = ALPHA,
    effect: float = EFFECT,
    columns: Sequence[str] | None = None,
    window_s: float | None = None,
    workspace: Workspace | None = None,
    trust: bool = False,
) -> wire.DriftReport:
    """How new data differs from what the model was trained on; the result is kept as a run.

    Args:
        model: `NAME`, `NAME/VERSION` or `NAME@ALIAS`.
        data: what `scoring.data.frame` takes, or the name of an endpoint of this machine.
        reference: the same, or a run; None takes the profile that was kept with the model.
        truth: data with the true values, which may have arrived later; gives quality metrics.
        id_column: column by which `truth` and `data` are joined; None means the request's id.
        alpha: chance of even one false alarm in the whole report, 0 to 1.
        effect: least effect that counts as drift.
        columns: only these; None means all inputs of the model.
        window_s: of an endpoint's log the last so many seconds; None means all of it.
        workspace: whose model; None means the chosen one.
        trust: agree to load a model that was not made here, for its predictions.

    Raises:
        NotFound: no such model, data or run, or no profile was kept with the model.
        UsageError: a number or column is off.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.monitoring import drifting

    return drifting.compare_with_training(
        drifting.Question(
            model=model,
            data=data,
            reference=reference,
            truth=truth,
            id_column=id_column,
            alpha=alpha,
            effect=effect,
            columns=columns,
            window_s=window_s,
            workspace=workspace,
            trust=trust,
        )
    )
