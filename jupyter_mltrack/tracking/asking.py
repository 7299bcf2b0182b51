"""Ask a store to create a run, and do without it when no answer comes in time.

Stores that choose run ids themselves are asked, so that the id the user's code sees is the store's
own. A store that gives no answer within the limit does not hold the cell up: the run is born in the
journal under an id of ours, and the shipper, before it creates anything, looks for the run that the
lost answer may have created.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import belonging, caution, entities
from jupyter_mltrack.tracking.book import PARENT, RUN_NAME

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.births import Wish
    from jupyter_mltrack.tracking.context import CellContext
    from jupyter_mltrack.tracking.ledger import Ledger
    from jupyter_mltrack.workspaces import Workspace

LIMIT_S = 2.0
SKIP_S = 30.0
RUN_ID_TAG = "mltrack.run_id"
CALLERS = frozenset(
    {
        "INVALID_PARAMETER_VALUE",
        "RESOURCE_DOES_NOT_EXIST",
        "RESOURCE_ALREADY_EXISTS",
        "INVALID_STATE",
        "BAD_REQUEST",
        "FEATURE_DISABLED",
    }
)
"""Error codes of MLflow that are the caller's own; all others are trouble of the store."""
_silent_until_s: dict[str, float] = {}


def is_callers(error: BaseException) -> bool:
    """Say whether an exception of MLflow is the caller's own mistake."""
    return getattr(error, "error_code", None) in CALLERS


def create_run(ledger: Ledger, context: CellContext | None, wish: Wish) -> Any:
    """Return a new run of the store, or one born here when the store does not answer."""
    births = ledger.births
    if (
        context is not None
        and belonging.takes_cells_run(context, wish.tags, ledger.book)
        and not context.born
    ):
        run = birth(ledger, context, wish)
        context.explicit_used = True
        return run
    if context is not None:
        cells = {key: value for key, value in births.cell_tags(context).items() if key != PARENT}
        wish = replace(wish, tags={**cells, **wish.tags})
    import uuid

    local_id = uuid.uuid4().hex
    created = _ask(ledger, local_id, wish)
    if created is None:
        state = births.new_state(context, local_id, wish)
        state.experiment_id, state.experiment = _where(ledger, wish.experiment_id)
        state.artifact_uri = _own_files(ledger, local_id)
        ledger.book.begin(state, owner_pid=os.getpid())
        births.count(context, state)
        return entities.run_of(state)
    state = entities.state_of(created)
    state.complete = True
    ledger.book.begin(state, created=True)
    if context is not None and context.explicit_used and state.name == context.peek_name():
        context.next_name()
    births.count(context, state)
    return created


def birth(ledger: Ledger, context: CellContext, wish: Wish) -> Any:
    """Have the cell's own run created by the store, or born here when it does not answer."""
    tags = {**ledger.births.cell_tags(context), **wish.tags}
    tags.setdefault(RUN_NAME, context.name)
    created = _ask(ledger, context.run_id, replace(wish, tags=tags))
    if created is None:
        experiment_id, experiment = _where(ledger, wish.experiment_id)
        state = context.birth(
            ledger.book,
            asked=True,
            experiment_id=experiment_id,
            experiment=experiment,
            start_ms=wish.start_ms,
            name=wish.run_name or tags[RUN_NAME],
            user=wish.user_id,
            tags=tags,
            artifact_uri=_own_files(ledger, context.run_id),
        )
        return entities.run_of(state)
    known = entities.state_of(created)
    context.run_id = known.run_id
    context.birth(
        ledger.book,
        created=True,
        experiment_id=known.experiment_id,
        experiment=None,
        start_ms=known.start_ms,
        name=known.name,
        user=known.user,
        tags=known.tags,
        artifact_uri=known.artifact_uri,
    )
    return created


def _ask(ledger: Ledger, local_id: str, wish: Wish) -> Any:
    """Return the run that the store created; None when it gave no answer in time.

    Raises:
        MlflowException: the caller's own mistake, as the store says it.
    """
    from mlflow.entities import RunTag

    remote = ledger.workspace.tracking_uri.startswith(
        ("http://", "https://", "azureml:", "databricks")
    )
    store = ledger.real  # made before the clock runs
    if not remote:
        ledger.reading.settle()
        sent = [RunTag(name, value) for name, value in wish.tags.items()]
        return store.create_run(
            wish.experiment_id, wish.user_id, wish.start_ms, sent, wish.run_name
        )
    if is_silent(ledger.workspace.id) or ledger.reading.unreachable():
        return None
    experiment_id = _real_experiment(ledger, wish.experiment_id)
    if experiment_id is None and wish.experiment_id is not None:
        return None
    sent = [RunTag(name, value) for name, value in {**wish.tags, RUN_ID_TAG: local_id}.items()]
    try:
        return within(
            LIMIT_S,
            lambda: store.create_run(
                experiment_id, wish.user_id, wish.start_ms, sent, wish.run_name
            ),
        )
    except Exception as error:
        if is_callers(error):
            raise
        note_silence(ledger.workspace, error)
        return None


def _own_files(ledger: Ledger, run_id: str) -> str | None:
    """Where the files of a run that the store has not met are logged; None where they cannot be."""
    uri = ledger.workspace.tracking_uri
    if not uri.startswith("azureml:"):
        return None
    from jupyter_mltrack.azure.tracking import address

    return address.place_of(uri).artifact_uri(address.UNKNOWN_EXPERIMENT, run_id)


def _where(ledger: Ledger, experiment_id: Any) -> tuple[str | None, str | None]:
    """Return (id, name) of the experiment for a birth: the id, unless it is one that we made up."""
    name = ledger.reading.promised_name(experiment_id)
    return (str(experiment_id), None) if name is None else (None, name)


def _real_experiment(ledger: Ledger, experiment_id: Any) -> Any:
    """Return the store's id of an experiment that was promised while the store was away."""
    name = ledger.reading.promised_name(experiment_id)
    if name is None:
        return experiment_id
    try:
        found = within(LIMIT_S, lambda: ledger.real.get_experiment_by_name(name))
        return found.experiment_id if found else ledger.real.create_experiment(name, None, [])
    except Exception as error:
        note_silence(ledger.workspace, error)
        return None


def is_silent(workspace_id: str) -> bool:
    """Say whether a store gave no answer lately, so that asking again is no use."""
    return _silent_until_s.get(workspace_id, 0.0) > time.monotonic()


def note_silence(workspace: Workspace, error: BaseException) -> None:
    """Remember that a store gave no answer, and say so."""
    _silent_until_s[workspace.id] = time.monotonic() + SKIP_S
    caution.trouble(
        f"silent {workspace.id}",
        f'The workspace "{workspace.name}" gives no answer:'
        " runs wait on this machine and are sent later",
        error,
    )


def within(limit_s: float, act: Callable[[], Any]) -> Any:
    """Return what `act` returns, without MLflow's own retries.

    Raises:
        TimeoutError: it took longer than `limit_s`.
    """
    answer: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(act())
        except BaseException as error:
            failure.append(error)

    with _impatient(limit_s):
        thread = threading.Thread(target=run, name="mltrack-ask", daemon=True)
        thread.start()
        thread.join(limit_s * 1.1)
    if failure:
        raise failure[0]
    if not answer:
        raise TimeoutError(f"no answer within {limit_s:g} s")
    return answer[0]


class _impatient:  # noqa: N801  # reads as a word in a `with` statement
    """Have MLflow's HTTP client try once and briefly."""

    def __init__(self, limit_s: float) -> None:
        self._wanted = {
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, int(limit_s))),
        }
        self._before: dict[str, str | None] = {}

    def __enter__(self) -> None:
        self._before = {name: os.environ.get(name) for name in self._wanted}
        os.environ.update(self._wanted)

    def __exit__(self, *_: object) -> None:
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
