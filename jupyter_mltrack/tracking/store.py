"""The class that stands where MLflow's own store class stood.

A decorated store is a subclass of the store's own class that shares the attributes of MLflow's own
store object, so `isinstance` and private attributes hold; the object itself stays as MLflow built
it, which is why taking us away leaves nothing behind. Writes of runs go to the ledger, reads are
answered after what was written before, and calls that have nothing to do with runs are inherited.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.ledger import Ledger

_NOT_OF_RUNS = (
    "trace",
    "span",
    "assessment",
    "scorer",
    "label_schema",
    "review",
    "gateway",
    "secret",
    "endpoint",
    "prompt",
    "session",
    "issue",
    "mcp",
    "async_logging",
    "workspace",
)
"""Calls with these words in their name neither read nor write what is journaled."""


class Decoration:
    """The calls that are taken over. `_mltrack` is set by the class made in `decorated_class`."""

    _mltrack: Ledger

    def log_metric(self, run_id: Any, metric: Any) -> None:
        """Journal one metric point."""
        self._mltrack.log_metric(run_id, metric)

    def log_param(self, run_id: Any, param: Any) -> None:
        """Journal one parameter."""
        self._mltrack.log_param(run_id, param)

    def set_tag(self, run_id: Any, tag: Any) -> None:
        """Journal one tag."""
        self._mltrack.set_tag(run_id, tag)

    def delete_tag(self, run_id: Any, key: Any) -> None:
        """Journal that a tag is gone."""
        self._mltrack.delete_tag(run_id, key)

    def log_batch(self, run_id: Any, metrics: Any, params: Any, tags: Any) -> None:
        """Journal a batch."""
        self._mltrack.log_batch(run_id, metrics, params, tags)

    def update_run_info(self, run_id: Any, run_status: Any, end_time: Any, run_name: Any) -> Any:
        """Journal a new status, end or name."""
        return self._mltrack.update_run_info(run_id, run_status, end_time, run_name)

    def create_run(
        self, experiment_id: Any, user_id: Any, start_time: Any, tags: Any, run_name: Any
    ) -> Any:
        """Begin a run."""
        return self._mltrack.births.create_run(experiment_id, user_id, start_time, tags, run_name)

    def log_metric_async(self, run_id: Any, metric: Any) -> Any:
        """Journal now; return a future that is done."""
        return _operation(self._mltrack.log_batch, run_id, [metric], [], [])

    def log_param_async(self, run_id: Any, param: Any) -> Any:
        """Journal now; return a future that is done."""
        return _operation(self._mltrack.log_batch, run_id, [], [param], [])

    def set_tag_async(self, run_id: Any, tag: Any) -> Any:
        """Journal now; return a future that is done."""
        return _operation(self._mltrack.log_batch, run_id, [], [], [tag])

    def log_batch_async(self, run_id: Any, metrics: Any, params: Any, tags: Any) -> Any:
        """Journal now; return a future that is done."""
        return _operation(self._mltrack.log_batch, run_id, metrics, params, tags)

    def flush_async_logging(self) -> None:
        """Wait until the store has what was logged."""
        self._mltrack.reading.settle()

    def end_async_logging(self) -> None:
        """Nothing waits in a queue: what was logged is in the journal."""

    def shut_down_async_logging(self) -> None:
        """Nothing waits in a queue: what was logged is in the journal."""


def _operation(act: Callable[..., None], *args: Any) -> Any:
    """Do an asynchronous write now: a journal needs no waiting; its error is the future's."""
    from concurrent.futures import Future

    from mlflow.utils.async_logging.run_operations import RunOperations

    future: Future[None] = Future()
    try:
        act(*args)
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(None)
    return RunOperations([future])


def decorated_class(own: type, ledger: Ledger) -> type:
    """Return a subclass of a store's own class whose calls go through `ledger`."""
    taken = {name: value for name, value in vars(Decoration).items() if not name.startswith("__")}
    body: dict[str, Any] = {
        "_mltrack": ledger,
        "__module__": own.__module__,
        "__doc__": own.__doc__,
    }
    for name, ours in taken.items():
        theirs = getattr(own, name, None)
        if callable(theirs) and callable(ours):
            body[name] = functools.wraps(theirs)(ours)
    for name in dir(own):
        if name.startswith("_") or name in body or any(word in name for word in _NOT_OF_RUNS):
            continue
        theirs = getattr(own, name)
        if getattr(theirs, "_mltrack_own", False):
            continue  # made of calls that are taken over
        if callable(theirs) and not isinstance(vars(own).get(name), staticmethod | classmethod):
            body[name] = _read_through(name, theirs)
    body["__reduce__"] = lambda _self: (_again, (ledger.workspace.tracking_uri,))
    return type(own.__name__, (own,), body)


def _read_through(name: str, theirs: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(theirs)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self._mltrack.reading.read(name, args, kwargs)

    return method


def _again(tracking_uri: str) -> Any:
    """Return the store of an address in the process that a pickled store arrives in."""
    from mlflow.tracking._tracking_service import utils

    return utils._get_store(tracking_uri)
