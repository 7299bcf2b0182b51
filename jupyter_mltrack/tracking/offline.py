"""What MLflow's calls answer while a store on the network is out of reach.

Reads of runs are answered from the journal, and marked; data sets and models that went into a run
are journaled; an experiment that cannot be looked up is promised by its name, and the shipper finds
or makes it. Everything else is asked of MLflow's own store, with MLflow's own patience.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.journal.mlflow_doors import is_network
from jupyter_mltrack.tracking import asking, entities

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.ledger import Ledger
    from jupyter_mltrack.tracking.reading import Reading
    from jupyter_mltrack.tracking.run_state import RunState

LOOK_UP_LIMIT_S = 3.0
_PROMISED = "mltrack-"
_Answer = tuple[Any] | None


class Offline:
    """Answers for one decorated store on the network."""

    def __init__(self, ledger: Ledger, reading: Reading) -> None:
        self._ledger = ledger
        self._reading = reading
        self._book = ledger.book
        self.promised: dict[str, str] = {}
        """Ids we made up for experiments -> their names."""

    def answer(
        self, method: str, args: tuple[Any, ...], kwargs: dict[str, Any], *, shipped: bool
    ) -> _Answer:
        """Return the answer to a call in a tuple; None when the store itself is to be asked."""
        own: Callable[..., _Answer] | None = getattr(self, f"_{method}", None)
        if own is None:
            return None
        if method in ("get_experiment_by_name", "get_experiment", "create_experiment"):
            return own(*args, **kwargs)
        if shipped or not self._is_away():
            return None
        return own(*args, **kwargs)

    def _is_away(self) -> bool:
        return self._reading.unreachable() or asking.is_silent(self._ledger.workspace.id)

    def experiment_name(self, experiment_id: Any) -> str | None:
        """Return the name behind an id that we made up; None for ids of the store."""
        return self.promised.get(str(experiment_id))

    # ------------------------------------------------------------------------ experiments

    def _get_experiment_by_name(self, experiment_name: Any) -> _Answer:
        return self._looked_up("get_experiment_by_name", experiment_name, str(experiment_name))

    def _create_experiment(
        self, name: Any, artifact_location: Any = None, tags: Any = None
    ) -> _Answer:
        found = self._looked_up("create_experiment", name, str(name), artifact_location, tags)
        if found is None or isinstance(found[0], str):
            return found
        return (found[0].experiment_id,)

    def _get_experiment(self, experiment_id: Any) -> _Answer:
        name = self.promised.get(str(experiment_id))
        if name is not None:
            return (self._promise(name),)
        if not is_network(self._ledger.workspace.tracking_uri):
            return None
        store = self._ledger.real
        if not self._is_away():
            try:
                return (
                    asking.within(LOOK_UP_LIMIT_S, lambda: store.get_experiment(experiment_id)),
                )
            except Exception as error:
                if asking.is_callers(error):
                    raise
                asking.note_silence(self._ledger.workspace, error)
        return (_experiment(str(experiment_id), f"experiment {experiment_id}"),)

    def _looked_up(self, method: str, key: Any, name: str, *more: Any) -> _Answer:
        """Ask the store briefly; promise the experiment when it does not answer."""
        if not is_network(self._ledger.workspace.tracking_uri):
            return None
        if self._is_away():
            return (self._promise(name),)
        store = self._ledger.real
        try:
            return (asking.within(LOOK_UP_LIMIT_S, lambda: getattr(store, method)(key, *more)),)
        except Exception as error:
            if asking.is_callers(error):
                raise
            asking.note_silence(self._ledger.workspace, error)
            return (self._promise(name),)

    def _promise(self, name: str) -> Any:
        made_up = _PROMISED + hashlib.sha256(name.encode()).hexdigest()[:16]
        self.promised[made_up] = name
        return _experiment(made_up, name)

    # ------------------------------------------------------------------------------- runs

    def _run(self, run_id: Any) -> RunState | None:
        return self._book.runs.get(self._book.canonical(str(run_id)))

    def _get_run(self, run_id: Any) -> _Answer:
        run = self._run(run_id)
        return None if run is None else (self._merged(run),)

    def _search_runs(self, experiment_ids: Any, *_: Any, **__: Any) -> _Answer:
        from mlflow.store.entities.paged_list import PagedList

        ids = {str(one) for one in experiment_ids or ()}
        runs = [run for run in self._book.runs.values() if (run.experiment_id or "0") in ids]
        return (PagedList([self._merged(run) for run in reversed(runs)], None),)

    def _get_metric_history(self, run_id: Any, metric_key: Any, *_: Any, **__: Any) -> _Answer:
        from mlflow.entities import Metric
        from mlflow.store.entities.paged_list import PagedList

        run = self._run(run_id)
        if run is None:
            return None
        points = self._points(run.run_id).get(str(metric_key), ())
        return (
            PagedList([Metric(metric_key, value, at, step) for step, at, value in points], None),
        )

    def _merged(self, run: RunState) -> Any:
        for key, points in self._points(run.run_id).items():
            step, at, value = max(points)
            run.metrics[key] = (value, step, at)
        return entities.run_of(run, merged=True)

    def _points(self, run_id: str) -> dict[str, list[tuple[int, int, float]]]:
        """Return the points of a run that are still in this process's journal."""
        from jupyter_mltrack.journal import JournalReader, Rows

        found: dict[str, list[tuple[int, int, float]]] = {}
        reader = JournalReader(self._book.journal().path)
        cursor = (1, 0)
        while True:
            batch = reader.read(cursor)
            if batch.cursor == cursor:
                return found
            cursor = batch.cursor
            for record in batch.records:
                if not isinstance(record, Rows) or record.run_id != run_id:
                    continue
                for step, at, row in zip(
                    record.steps, record.timestamps_ms, record.values, strict=True
                ):
                    for key, value in zip(record.keys, row, strict=True):
                        found.setdefault(key, []).append((step, at, value))

    # ----------------------------------------------------------------------- rare writes

    def _log_inputs(self, run_id: Any, datasets: Any = None, models: Any = None) -> _Answer:
        body = {
            "datasets": [
                {
                    "dataset": one.dataset.to_dictionary(),
                    "tags": [{"key": tag.key, "value": tag.value} for tag in one.tags or ()],
                }
                for one in datasets or ()
            ],
            "models": [{"model_id": one.model_id} for one in models or ()],
        }
        return self._call(run_id, "log_inputs", body)

    def _log_outputs(self, run_id: Any, models: Any) -> _Answer:
        body = {"models": [{"model_id": one.model_id, "step": one.step} for one in models]}
        return self._call(run_id, "log_outputs", body)

    def _call(self, run_id: Any, method: str, body: dict[str, Any]) -> _Answer:
        from jupyter_mltrack import wire

        run = self._run(run_id)
        if run is None:
            return None
        call = wire.RunCall(run_id=wire.RunId(run.run_id), method=method, body=json.dumps(body))  # type: ignore[arg-type]
        return (None,) if self._book.write(call) else None


def _experiment(experiment_id: str, name: str) -> Any:
    from mlflow.entities import Experiment

    now_ms = time.time_ns() // 1_000_000
    return Experiment(
        experiment_id, name, "", "active", tags=[], creation_time=now_ms, last_update_time=now_ms
    )
