"""Ship to any store that MLflow knows, through MLflow's own store object.

Slower than the SQLite path and with a network in between, so the care is elsewhere: a request
whose answer was lost may have done its work. Points, parameters and tags may simply be sent
again; a run's creation may not, so it is searched by the tag `mltrack.run_id` first whenever an
earlier attempt has no known outcome. A request that the store refuses for ever is split until
the refused item stands alone, which is then set aside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.journal import guarded_http, mlflow_doors, store_plan, strays
from jupyter_mltrack.journal.progress import Progress
from jupyter_mltrack.journal.store_errors import Refused, translated

PARENT_TAG = "mlflow.parentRunId"
CALL_LIMIT_S = 40.0
CALL_SLOW_S = 8.0
LANES_MAX = 4
_DEFAULT_EXPERIMENT = "0"
_FIND_DOUBLES = ("http", "azureml", "postgresql", "mysql", "mssql", "sqlite")
_SLOW_ANSWER_S = 0.03
"""Requests that take longer than this are sent side by side where their order allows it."""


class MlflowStore:
    """A store behind MLflow's own client code.

    Args:
        tracking_uri: what MLflow is given.
        progress: where ids are noted; saved through `note` before and after a run is created.
        note: saves `progress` and remembers new ids.
        aside: takes (reason, record) of what the store refuses.
        slow: called with True when an answer is a long time coming, with False when it came.
    """

    def __init__(
        self,
        tracking_uri: str,
        progress: Progress,
        note: Callable[[], None],
        aside: Callable[[str, dict[str, Any]], None],
        slow: Callable[[bool], None] | None = None,
    ) -> None:
        self._uri = tracking_uri
        self._progress = progress
        self._note = note
        self._aside = aside
        self._store: Any = None
        self._experiments: dict[str, str] = {}
        self._requests: list[store_plan.Request] = []
        self._planned_for: Sequence[Any] | None = None
        self._answer_s = 0.0
        self.sent = 0
        """Requests that were answered well; grows."""
        self._lanes: ThreadPoolExecutor | None = None
        self._doubtful = not tracking_uri.startswith(_FIND_DOUBLES)
        self.calls = guarded_http.BoundedCalls(CALL_LIMIT_S, CALL_SLOW_S, slow)

    def open(self) -> None:
        """Make MLflow's store object (imports MLflow)."""
        if self._store is None:
            guarded_http.install()
            mlflow_doors.open_for(self._uri)
            from mlflow.tracking._tracking_service.utils import _tracking_store_registry

            with translated(self._uri):
                self._store = guarded_http.BoundedCalls(CALL_LIMIT_S).run(
                    lambda: _tracking_store_registry.get_store(self._uri, None)
                )
                mlflow_doors.learn(self._uri)

    def close(self) -> None:
        """Forget the store object."""
        self._store = None
        self._experiments.clear()
        if self._lanes is not None:
            self._lanes.shutdown(wait=False, cancel_futures=True)
            self._lanes = None

    def settle(self) -> bool:
        """Say that what was sent is kept: an answer of the server is all there is to know."""
        return True

    def is_running(self, run_id: str) -> bool:
        """Say whether the store has this run and it has not ended.

        Raises:
            StoreTrouble: the store cannot be used now.
        """
        self.open()
        with translated(self._uri, run_id):
            run = self.calls.run(lambda: self._store.get_run(run_id))
        return run.info.status in ("RUNNING", "SCHEDULED")

    # ------------------------------------------------------------------------- writing

    def apply(self, records: Sequence[Any], resolve_id: Callable[[str], str]) -> int:
        """Send records; the same records again go on where the last attempt stopped.

        Raises:
            RunRefused: a run is missing or deleted.
            StoreTrouble: the store cannot be used now.
        """
        self.open()
        if self._planned_for is not records:
            self._requests = store_plan.plan(records)
            self._planned_for = records
        waiting = [request for request in self._requests if not request.done]
        at = 0
        while at < len(waiting):
            side_by_side = self._side_by_side(waiting[at:])
            if len(side_by_side) > 1:
                self._send_lanes(side_by_side, resolve_id)
                at += len(side_by_side)
            else:
                self._send(waiting[at], resolve_id)
                at += 1
        self._doubtful = False
        points = sum(len(request.metrics) for request in self._requests)
        self._planned_for, self._requests = None, []
        return points

    def _side_by_side(self, waiting: list[store_plan.Request]) -> list[store_plan.Request]:
        if self._answer_s < _SLOW_ANSWER_S or not self._uri.startswith(("http", "azureml:")):
            return waiting[:1]
        count = 0
        while count < len(waiting) and waiting[count].only_points:
            count += 1
        return waiting[:count]

    def _send_lanes(
        self, requests: list[store_plan.Request], resolve_id: Callable[[str], str]
    ) -> None:
        if self._lanes is None:
            self._lanes = ThreadPoolExecutor(LANES_MAX, thread_name_prefix="mltrack-lane")
        pending = [self._lanes.submit(self._send, request, resolve_id) for request in requests]
        first: BaseException | None = None
        for future in pending:
            if first is not None:
                future.cancel()
            if not future.cancelled():
                first = first or future.exception()
        if first is not None:
            raise first

    def _send(self, request: store_plan.Request, resolve_id: Callable[[str], str]) -> None:
        refused_run = self._progress.refused.get(request.run_id)
        if refused_run is not None:
            self._aside(refused_run, request.describe())
            request.done = True
            return
        try:
            began_s = monotonic()
            with translated(self._uri, request.run_id):
                self.calls.run(lambda: self._perform(request, resolve_id))
            self._answer_s = monotonic() - began_s
            self.sent += 1
        except Refused as refused:
            self._isolate(request, resolve_id, refused)
        request.done = True

    def _isolate(
        self,
        request: store_plan.Request,
        resolve_id: Callable[[str], str],
        refused: Refused,
    ) -> None:
        if request.event is not None or request.items() <= 1:
            if not request.optional:
                self._aside(refused.reason, request.describe())
            return
        for part in request.halves():
            if part.items():
                self._send(part, resolve_id)

    # ------------------------------------------------------------------------- requests

    def _perform(self, request: store_plan.Request, resolve_id: Callable[[str], str]) -> None:
        event = request.event
        if isinstance(event, wire.RunBorn):
            self._born(event, resolve_id)
            return
        run_id = resolve_id(request.run_id)
        if event is None:
            self._log_batch(run_id, request, resolve_id)
        elif isinstance(event, wire.RunTagDeleted):
            self._delete_tag(run_id, event.key)
        elif isinstance(event, wire.RunUpdated | wire.RunEnded):
            if isinstance(event, wire.RunEnded) and event.run_id in self._progress.doubtful:
                strays.end(self._store, run_id, event.run_id, event.end_ms)
            self._update(run_id, event)
        elif isinstance(event, wire.RunCall):
            perform_call(self._store, run_id, event)

    def _tags(self, tags: dict[str, str], resolve_id: Callable[[str], str]) -> list[Any]:
        from mlflow.entities import RunTag

        told = {**tags, PARENT_TAG: resolve_id(tags[PARENT_TAG])} if PARENT_TAG in tags else tags
        return [RunTag(k, v[: store_plan.TAG_CHARACTERS_MAX]) for k, v in told.items()]

    def _log_batch(
        self, run_id: str, request: store_plan.Request, resolve_id: Callable[[str], str]
    ) -> None:
        from mlflow.entities import Metric, Param

        metrics = [
            Metric(key, float(value), at, step)
            if point is None or point.model_id is None
            else Metric(
                key,
                float(value),
                at,
                step,
                model_id=point.model_id,
                dataset_name=point.dataset_name,
                dataset_digest=point.dataset_digest,
                run_id=run_id,
            )
            for key, value, at, step, point in request.metrics
        ]
        if self._doubtful:
            metrics = self._without_known(run_id, metrics)
        params = [Param(key, value) for key, value in request.params.items()]
        tags = self._tags(request.tags, resolve_id)
        self._store.log_batch(run_id, metrics=metrics, params=params, tags=tags)

    def _without_known(self, run_id: str, metrics: list[Any]) -> list[Any]:
        """Leave out points the store has: a process killed before us may have sent them.

        Stores on SQL find doubles by themselves; for others the first batch of a process is
        compared, because only that one can have been sent before.
        """
        known = {
            (m.key, m.step, m.timestamp, repr(m.value))
            for key in {metric.key for metric in metrics}
            for m in self._store.get_metric_history(run_id, key)
        }
        return [m for m in metrics if (m.key, m.step, m.timestamp, repr(m.value)) not in known]

    def _delete_tag(self, run_id: str, key: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._store.delete_tag(run_id, key)
        except MlflowException as error:
            if "No tag with name" not in str(error):  # gone already: what was wanted
                raise

    def _update(self, run_id: str, event: wire.RunUpdated | wire.RunEnded) -> None:
        from mlflow.entities import RunStatus

        status = RunStatus.from_string(event.status) if event.status else None
        end_ms = event.end_ms if isinstance(event, wire.RunEnded) else None
        name = event.name if isinstance(event, wire.RunUpdated) else None
        self._store.update_run_info(run_id, status, end_ms, name)

    # --------------------------------------------------------------------------- births

    def _born(self, event: wire.RunBorn, resolve_id: Callable[[str], str]) -> None:
        from mlflow.entities import RunStatus

        if event.created or (event.resumed and self._exists(resolve_id(event.run_id))):
            run_id = resolve_id(event.run_id)
            if event.resumed:
                self._store.update_run_info(run_id, RunStatus.RUNNING, None, None)
            if event.tags:
                tags = self._tags(event.tags, resolve_id)
                self._store.log_batch(run_id, metrics=[], params=[], tags=tags)
            return
        if resolve_id(event.run_id) != event.run_id:
            return
        experiment_id = self._experiment_id(event)
        remote = None
        asked_before = event.owner_pid is not None or event.run_id in self._progress.creating
        if asked_before:
            remote = next(iter(strays.created(self._store, experiment_id, event.run_id)), None)
        if remote is None:
            if asked_before:
                self._progress.doubtful = [*self._progress.doubtful, event.run_id]
            self._progress.creating = [*self._progress.creating, event.run_id]
            self._note()
            run = self._create(experiment_id, event, resolve_id)
            remote = run.info.run_id
        self._progress.ids[event.run_id] = remote
        self._progress.creating = [r for r in self._progress.creating if r != event.run_id]
        self._note()

    def _create(
        self, experiment_id: str, event: wire.RunBorn, resolve_id: Callable[[str], str]
    ) -> Any:
        """Create the run; in "Default" when its experiment was deleted meanwhile."""
        from mlflow.exceptions import MlflowException

        try:
            return self._store.create_run(
                experiment_id=experiment_id,
                user_id=event.user,
                start_time=event.start_ms,
                tags=self._tags({**event.tags, strays.RUN_ID_TAG: event.run_id}, resolve_id),
                run_name=event.tags.get("mlflow.runName") or event.name,
            )
        except MlflowException as error:
            gone = error.error_code == "RESOURCE_DOES_NOT_EXIST" or "'active' state" in str(error)
            if not gone or experiment_id == _DEFAULT_EXPERIMENT:
                raise
            return self._create(_DEFAULT_EXPERIMENT, event, resolve_id)

    def _exists(self, run_id: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            self._store.get_run(run_id)
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return False
            raise
        return True

    def _experiment_id(self, event: wire.RunBorn) -> str:
        if event.experiment_id is not None:
            return event.experiment_id
        if not event.experiment:
            return _DEFAULT_EXPERIMENT
        known = self._experiments.get(event.experiment)
        if known is None:
            known = self._experiments[event.experiment] = self._named_experiment(event.experiment)
        return known

    def _named_experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self._store.get_experiment_by_name(name)
        if found is None:
            try:
                return str(self._store.create_experiment(name, None, []))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                found = self._store.get_experiment_by_name(name)
        if found is None or found.lifecycle_stage != "active":
            return _DEFAULT_EXPERIMENT
        return str(found.experiment_id)


def perform_call(store: Any, run_id: str, call: wire.RunCall) -> None:
    """Do one of the rare writes that are kept as MLflow's own messages.

    `body` is JSON: for `log_inputs` {"datasets": [...], "models": [...]}, for `log_outputs`
    {"models": [...]}, each element as MLflow's `to_dictionary` or its fields give it.
    """
    import json

    from mlflow.entities import (
        Dataset,
        DatasetInput,
        InputTag,
        LoggedModelInput,
        LoggedModelOutput,
    )

    body = json.loads(call.body)
    if call.method == "log_inputs":
        datasets = [
            DatasetInput(
                dataset=Dataset.from_dictionary(entry["dataset"]),
                tags=[InputTag(tag["key"], tag["value"]) for tag in entry.get("tags", [])],
            )
            for entry in body.get("datasets") or []
        ]
        models = [
            LoggedModelInput(model_id=entry["model_id"]) for entry in body.get("models") or []
        ]
        store.log_inputs(run_id, datasets=datasets, models=models or None)
        return
    outputs = [
        LoggedModelOutput(model_id=entry["model_id"], step=entry.get("step", 0))
        for entry in body.get("models") or []
    ]
    known = {output.model_id for output in store.get_run(run_id).outputs.model_outputs}
    fresh = [output for output in outputs if output.model_id not in known]
    if fresh:
        store.log_outputs(run_id, fresh)
