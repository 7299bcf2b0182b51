"""MLflow's own objects made from what a book knows of a run, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking.run_state import RunState

if TYPE_CHECKING:
    from mlflow.entities import Run, RunInfo

WAITING_TAG = "mltrack.waiting"
_WAITING = "The store could not be reached: this answer comes from the journal on this machine."


def info_of(run: RunState, run_id: str | None = None) -> RunInfo:
    """Return a run's `RunInfo`; `run_id` is the id to show where the store has another one."""
    from mlflow.entities import RunInfo

    return RunInfo(
        run_id=run_id or run.run_id,
        experiment_id=run.experiment_id if run.experiment_id is not None else "0",
        user_id=run.user,
        status=run.status,
        start_time=run.start_ms,
        end_time=run.end_ms,
        lifecycle_stage=run.lifecycle,
        artifact_uri=run.artifact_uri,
        run_name=run.name,
    )


def run_of(run: RunState, *, run_id: str | None = None, merged: bool = False) -> Run:
    """Return a run as MLflow's `Run`; `merged` marks an answer that the store could not give."""
    from mlflow.entities import Metric, Param, Run, RunData, RunInputs, RunTag

    tags = dict(run.tags)
    if merged:
        tags[WAITING_TAG] = _WAITING
    data = RunData(
        metrics=[Metric(key, value, at, step) for key, (value, step, at) in run.metrics.items()],
        params=[Param(key, value) for key, value in run.params.items()],
        tags=[RunTag(key, value) for key, value in tags.items()],
    )
    return Run(info_of(run, run_id), data, RunInputs(dataset_inputs=[]))


def state_of(run: Any) -> RunState:
    """Return what a book keeps of a run that the store told of."""
    info = run.info
    state = RunState(info.run_id, info.run_name or "", info.start_time or 0)
    state.end_ms = info.end_time
    state.status = info.status
    state.lifecycle = info.lifecycle_stage
    state.experiment_id = str(info.experiment_id)
    state.artifact_uri = info.artifact_uri
    state.user = info.user_id or ""
    state.params = dict(run.data.params)
    state.tags = dict(run.data.tags)
    state.complete = False
    return state
