"""Names of the tags that readers look at; MLflow's own and ours."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from jupyter_mltrack.wire import Pair, RunId

LISTED_VALUE_CHARACTERS = 500
"""Of a parameter or tag in a row of a list; the run itself has it whole."""

RUN_NAME = "mlflow.runName"
PARENT = "mlflow.parentRunId"
USER = "mlflow.user"
SOURCE_NAME = "mlflow.source.name"
SOURCE_TYPE = "mlflow.source.type"
NOTEBOOK = "mltrack.notebook"
ERROR = "mltrack.error"
ATTEMPT = "mltrack.attempt"
LEFT_OUT = "mltrack.left_out"
CELL_ID = "mltrack.cell_id"
ORDER = "mltrack.order"
GIT_COMMIT = "mlflow.source.git.commit"
GIT_BRANCH = "mlflow.source.git.branch"
GIT_REMOTE = "mlflow.source.git.repoURL"
STARRED = "mltrack.starred"
REMOTE_RUN_ID = "mltrack.run_id"
MODELS = "mlflow.log-model.history"

SHOWN = (
    RUN_NAME, PARENT, USER, SOURCE_NAME, SOURCE_TYPE, NOTEBOOK, ERROR, ATTEMPT, STARRED,
    REMOTE_RUN_ID,
)  # fmt: skip
_NOT_INTERNAL = frozenset({USER, SOURCE_NAME, "mlflow.note.content", NOTEBOOK})


def notebook_of(tags: dict[str, str]) -> str | None:
    """The notebook that made the run, as MLflow itself wrote it; None when it was none."""
    name = tags.get(SOURCE_NAME, "")
    return name if name.endswith(".ipynb") or tags.get(SOURCE_TYPE) == "NOTEBOOK" else None


def parent_of(tags: dict[str, str]) -> RunId | None:
    """The run that the run is nested under."""
    parent = tags.get(PARENT)
    return RunId(parent) if parent else None


def is_starred(tags: dict[str, str]) -> bool:
    """Whether somebody gave the run a star."""
    return tags.get(STARRED) == "true"


def attempt_of(tags: dict[str, str]) -> int:
    """Which execution of the same cell the run is."""
    said = tags.get(ATTEMPT, "")
    return int(said) if said.isdecimal() and len(said) < 10 else 1


def title_of(name: str, attempt: int) -> str:
    """The name as lists show it, and as a person may type it: `train (2)` from attempt 2 on."""
    return f"{name} ({attempt})" if attempt > 1 else name


def is_shown(key: str) -> bool:
    """Whether a tag is for people: those that programs note for themselves make no columns."""
    return key in _NOT_INTERNAL or not key.startswith(("mlflow.", "mltrack."))


def chosen(found: Mapping[str, str], keys: Sequence[str]) -> list[Pair]:
    """Those of the keys that are there, as a row holds them: a long value is cut."""
    return [Pair(key=key, value=listed(found[key])) for key in keys if key in found]


def listed(value: str) -> str:
    """A value as a cell of a list holds it."""
    limit = LISTED_VALUE_CHARACTERS
    return value if len(value) <= limit else value[: limit - 1] + "…"


def models_of(tags: dict[str, str]) -> list[str]:
    """Models that the run logged, as MLflow 2 noted them: their folders among the artifacts."""
    try:
        said = json.loads(tags.get(MODELS, "[]"))
        found = [one["artifact_path"] for one in said]
    except (ValueError, TypeError, KeyError):
        return []
    return list(dict.fromkeys(one for one in found if isinstance(one, str)))
