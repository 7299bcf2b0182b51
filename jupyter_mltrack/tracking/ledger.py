"""What the decorated store does with a write: journal it if it is beyond doubt, else pass it on.

Identical exceptions come from not imitating them: a call that MLflow might refuse (an odd key, a
changed parameter, a deleted or unknown run, a batch over the limits) is passed on to the real store
after the journal was shipped, and that store raises, cuts or accepts. A run's state is learned
once, by reading it through, and kept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.journal.mlflow_doors import is_network
from jupyter_mltrack.tracking import entities, footing, refusal, validity
from jupyter_mltrack.tracking.book import MAX_PARAM, MAX_TAG, Book, book_for
from jupyter_mltrack.tracking.leaving import honest
from jupyter_mltrack.tracking.lineage import current_context
from jupyter_mltrack.tracking.redaction import redact_pair
from jupyter_mltrack.tracking.run_state import ENDED, RunState

if TYPE_CHECKING:
    from mlflow.entities import RunInfo

    from jupyter_mltrack.workspaces import Workspace


class Ledger:
    """The writes of one decorated store.

    Args:
        workspace: what the store's address means.
        build: returns MLflow's own store; called when it is first needed.
    """

    def __init__(self, workspace: Workspace, build: Callable[[], Any]) -> None:
        from jupyter_mltrack.tracking.births import Births
        from jupyter_mltrack.tracking.reading import Reading

        self.workspace = workspace
        self.book: Book = book_for(workspace)
        self.build = build
        self._footing = self.book.footing.look()
        self.reading = Reading(self)
        self.births = Births(self)

    @property
    def real(self) -> Any:
        """MLflow's own store, on the database that is there now."""
        changes = self.book.footing.look()
        if changes != self._footing:
            self._footing = changes
            self.births.experiments.clear()
            footing.let_go(self.workspace.tracking_uri)
        return self.build()

    @property
    def _remote(self) -> bool:
        return is_network(self.workspace.tracking_uri)

    def pass_on(self, method: str, run_id: str, *args: Any, **kwargs: Any) -> Any:
        """Have the real store do a write, after everything before it."""
        self.reading.settle()
        return getattr(self.real, method)(self.reading.store_id(run_id), *args, **kwargs)

    # ----------------------------------------------------------------------------- runs

    def known(self, run_id: Any) -> RunState | None:
        """Return the state of an active run, learned now if need be; None for a run in doubt.

        Raises:
            MlflowException: the store has no such run, as the store says it.
        """
        if type(run_id) is not str:
            return None
        run = self.book.runs.get(run_id) or self.book.runs.get(self.book.canonical(run_id))
        if run is None:
            run = self._learn(run_id)
        if run is None or run.lifecycle != "active":
            return None
        if not run.written:
            self.book.begin(run, created=True, owner_pid=0)
        return run

    def _learn(self, run_id: str) -> RunState | None:
        context = current_context()
        if context is not None and context.run_id == run_id:
            return context.birth(self.book)
        if not validity.is_run_id(run_id):
            return None
        run = self.reading.fetch(run_id)
        run.thread = 0
        with self.book.lock:
            return self.book.runs.setdefault(run_id, run)

    # -------------------------------------------------------------------------- metrics

    def log_metric(self, run_id: str, metric: Any) -> None:
        """Journal one metric point."""
        run = self.known(run_id)
        if run is None or not validity.is_metric(metric):
            self.pass_on("log_metric", run_id, metric)
            return
        self._append(run, [metric])

    def _append(self, run: RunState, metrics: Sequence[Any]) -> None:
        rows: dict[tuple[int, int], dict[str, float]] = {}
        attached: list[Any] = []
        sink = self.book.sink(run.run_id)
        for metric in metrics:
            if metric.model_id is not None or metric.dataset_name is not None:
                attached.append(metric)
                continue
            row = rows.setdefault((metric.step, metric.timestamp), {})
            if metric.key in row:  # the same metric twice: keep both, in order
                self._write_row(
                    sink, rows.pop((metric.step, metric.timestamp)), metric.step, metric.timestamp
                )
                row = rows.setdefault((metric.step, metric.timestamp), {})
            row[metric.key] = metric.value
        for (step, at), row in rows.items():
            self._write_row(sink, row, step, at)
        if attached:
            self._write_attached(run, attached)

    def _write_row(self, sink: Any, row: dict[str, float], step: int, at: int) -> None:
        if len(self.book.as_it_is) < 1_000_000:
            self.book.as_it_is.update(row)
        sink.append(row, step, at)

    def _write_attached(self, run: RunState, metrics: Sequence[Any]) -> None:
        from jupyter_mltrack import wire

        points = [
            wire.MetricPoint(
                key=metric.key,
                value=repr(metric.value),
                step=metric.step,
                timestamp_ms=metric.timestamp,
                model_id=metric.model_id,
                dataset_name=metric.dataset_name,
                dataset_digest=metric.dataset_digest,
            )
            for metric in metrics
        ]
        self.book.write(wire.RunMetrics(run_id=wire.RunId(run.run_id), metrics=points))

    def log_batch(
        self, run_id: str, metrics: Sequence[Any], params: Sequence[Any], tags: Sequence[Any]
    ) -> None:
        """Journal a batch."""
        run = self.known(run_id)
        if run is not None:
            params = [self._cut(run, "params", param, MAX_PARAM) for param in params]
            tags = [self._cut(run, "tags", tag, MAX_TAG) for tag in tags]
        changes = run is not None and self._changes(run, params)
        if run is None or changes or not validity.is_batch(metrics, params, tags):
            if run is not None and changes and not self.reading.settle():
                raise refusal.of_batch(run_id, run.params, params, remote=self._remote)
            self.pass_on("log_batch", run_id, metrics, params, tags)
            self._remember(run, params, tags)
            return
        if params:
            self._write_params(run, params)
        if metrics:
            self._append(run, metrics)
        if tags:
            self.book.set_tags(run.run_id, {tag.key: tag.value for tag in tags})

    # ------------------------------------------------------------------- params and tags

    def log_param(self, run_id: str, param: Any) -> None:
        """Journal one parameter; a long one is cut as MLflow cuts it, and kept whole."""
        run = self.known(run_id)
        if run is not None:
            param = self._cut(run, "params", param, MAX_PARAM)
        changes = run is not None and self._changes(run, [param])
        if run is None or changes or not validity.is_pair(param, MAX_PARAM):
            if run is not None and changes and not self.reading.settle():
                raise refusal.of_param(run_id, run.params, param, remote=self._remote)
            self.pass_on("log_param", run_id, param)
            self._remember(run, [param], [])
            return
        self._write_params(run, [param])

    def _cut(self, run: RunState, kind: str, pair: Any, limit: int) -> Any:
        """Return a pair as MLflow cuts it; the whole value is kept beside."""
        if type(pair.value) is not str or len(pair.value) <= limit or not validity.is_key(pair.key):
            return pair
        short = validity.cut(pair)
        if short is not pair:
            self.book.keep_whole(run.run_id, kind, pair.key, redact_pair(pair.key, pair.value))
        return short

    def _write_params(self, run: RunState, params: Sequence[Any]) -> None:
        fresh = {param.key: param.value for param in params if param.key not in run.params}
        if fresh:
            self.book.log_params(run.run_id, fresh)

    def _changes(self, run: RunState, params: Sequence[Any]) -> bool:
        for param in params:
            before = run.params.get(param.key)
            if before is not None and before not in (
                param.value,
                redact_pair(param.key, param.value),
            ):
                return True
        return False

    def _remember(self, run: RunState | None, params: Sequence[Any], tags: Sequence[Any]) -> None:
        """Keep what the real store has just taken."""
        if run is not None:
            run.params.update({param.key: param.value for param in params})
            run.tags.update({tag.key: tag.value for tag in tags})

    def set_tag(self, run_id: str, tag: Any) -> None:
        """Journal one tag."""
        run = self.known(run_id)
        if run is not None:
            tag = self._cut(run, "tags", tag, MAX_TAG)
        if run is None or not validity.is_pair(tag, MAX_TAG):
            self.pass_on("set_tag", run_id, tag)
            self._remember(run, [], [tag])
            return
        self.book.set_tags(run.run_id, {tag.key: tag.value})

    def delete_tag(self, run_id: str, key: str) -> None:
        """Journal that a tag is gone; one that is not known here may still be in the store."""
        run = self.known(run_id)
        if run is None or key not in run.tags:
            self.pass_on("delete_tag", run_id, key)
            return
        self.book.delete_tag(run.run_id, key)

    # ---------------------------------------------------------------------------- status

    def update_run_info(
        self, run_id: str, run_status: int | None, end_time: int | None, run_name: str | None
    ) -> RunInfo:
        """Journal a new status, end or name."""
        from mlflow.entities import RunStatus

        run = self.known(run_id)
        plain = run_name is None or (type(run_name) is str and len(run_name) <= 250)
        if run is None or not plain or run_status not in (None, *RunStatus.all_status()):
            return self.pass_on("update_run_info", run_id, run_status, end_time, run_name)
        status = None if run_status is None else RunStatus.to_string(run_status)
        if status in ENDED and end_time is not None:
            assert status is not None
            status, error = honest(status)
            self.book.end(run.run_id, status, end_ms=int(end_time), error=error)
            if run_name:
                self.book.update(run.run_id, name=run_name)
        elif status is not None or run_name:
            before = run.end_ms
            self.book.update(run.run_id, status=status, name=run_name or None)
            run.end_ms = before if end_time is None else end_time
            if status == "RUNNING":
                run.thread = threading.get_ident()
                self._belongs(run)
        return entities.info_of(run)

    def _belongs(self, run: RunState) -> None:
        """Have a run that was resumed in a cell end with the cell if nobody ends it before."""
        context = current_context()
        if (
            context is not None
            and not context.closed
            and (self.book, run.run_id) not in context.runs
        ):
            context.runs.append((self.book, run.run_id))
