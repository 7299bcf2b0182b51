"""Names of the tags that readers look at; MLflow's own and ours."""

from __future__ import annotations

from jupyter_mltrack.wire import RunId

RUN_NAME = "mlflow.runName"
PARENT = "mlflow.parentRunId"
SOURCE_NAME = "mlflow.source.name"
SOURCE_TYPE = "mlflow.source.type"
NOTEBOOK = "mltrack.notebook"
ERROR = "mltrack.error"
ATTEMPT = "mltrack.attempt"
REMOTE_RUN_ID = "mltrack.run_id"

SHOWN = (RUN_NAME, PARENT, SOURCE_NAME, SOURCE_TYPE, NOTEBOOK, ERROR, ATTEMPT, REMOTE_RUN_ID)


def notebook_of(tags: dict[str, str]) -> str | None:
    """The notebook that made the run, as MLflow itself wrote it; None when it was none."""
    name = tags.get(SOURCE_NAME, "")
    return name if name.endswith(".ipynb") or tags.get(SOURCE_TYPE) == "NOTEBOOK" else None


def parent_of(tags: dict[str, str]) -> RunId | None:
    """The run that the run is nested under."""
    parent = tags.get(PARENT)
    return RunId(parent) if parent else None
