"""Runs that a late answer made twice.

A store that gave no answer to the creation of a run may still do the work, after the run was looked
for in vain and created again. What it makes then is empty and would stay RUNNING for ever.
"""

from __future__ import annotations

from typing import Any

RUN_ID_TAG = "mltrack.run_id"
_DEFAULT_EXPERIMENT = "0"


def created(store: Any, experiment_id: str, local_id: str) -> list[str]:
    """Ids of the runs of the store that were created for `local_id`, at most a few."""
    from mlflow.entities import ViewType

    found = store.search_runs(
        sorted({experiment_id, _DEFAULT_EXPERIMENT}),
        f"tags.`{RUN_ID_TAG}` = '{local_id}'",
        ViewType.ALL,
        max_results=10,
    )
    return [run.info.run_id for run in found if run.info.lifecycle_stage == "active"] or [
        run.info.run_id for run in found
    ]


def end(store: Any, kept_id: str, local_id: str, end_ms: int | None) -> None:
    """End and delete what was created for `local_id` beside the run `kept_id`."""
    from mlflow.entities import RunStatus

    experiment_id = store.get_run(kept_id).info.experiment_id
    for run_id in created(store, experiment_id, local_id):
        if run_id != kept_id:
            store.update_run_info(run_id, RunStatus.KILLED, end_ms, None)
            store.delete_run(run_id)
