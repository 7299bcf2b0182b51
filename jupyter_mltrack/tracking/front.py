"""Fast ways through MLflow's own front, and what the fluent functions must know of a tracked cell.

`mlflow.log_metric` and `log_metrics` spend most of their time on building a client anew at each
call. For a call without anything unusual, to a run that is known, the point goes straight to the
journal; every other call goes to MLflow's own function. `_get_or_start_run` is where MLflow opens a
run by itself: in a tracked cell it finds the cell's run. All is put back by `restore`.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from time import time_ns
from typing import Any

from jupyter_mltrack.tracking import caution, entities, training_data, validity, whereabouts
from jupyter_mltrack.tracking.book import Book, all_books
from jupyter_mltrack.tracking.context import CellContext, fast
from jupyter_mltrack.tracking.lineage import current_context, refresh_check
from jupyter_mltrack.tracking.run_state import RunState
from jupyter_mltrack.tracking.seam import MlflowSeam

_ROUTE_KEYS_MAX = 10_000
_FLOAT_MAX = 2**1023  # whole numbers beyond may not turn into a float at all
_ASYNC = os.fsencode("MLFLOW_ENABLE_ASYNC_LOGGING")


class _Route:
    """How points of one run reach the journal, and which sets of keys were found valid."""

    __slots__ = ("append", "book", "keys", "pid", "run")

    def __init__(self, append: Callable[..., None], book: Book, run: RunState) -> None:
        self.append = append
        self.book = book
        self.run = run
        self.keys: set[tuple[str, ...]] = set()
        self.pid = os.getpid()


class _Front:
    """What was replaced, and where points go."""

    def __init__(self) -> None:
        self.replaced: list[tuple[Any, str, Any, Any]] = []
        self.routes: dict[str, _Route] = {}
        self.fluent: Any = None
        self.original: dict[str, Callable[..., Any]] = {}


_front = _Front()


def install() -> None:
    """Replace MLflow's functions."""
    if _front.fluent is not None:
        return
    import mlflow
    from mlflow.models.model import Model
    from mlflow.tracking import fluent
    from mlflow.tracking._tracking_service.client import TrackingServiceClient
    from mlflow.tracking.context import git_context

    _front.fluent = fluent
    _replace((fluent, mlflow), "log_metric", _fast_log_metric(fluent.log_metric))
    _replace((fluent, mlflow), "log_metrics", _fast_log_metrics(fluent.log_metrics))
    _replace((fluent, mlflow), "start_run", _start_run(fluent.start_run))
    _replace((fluent,), "_get_or_start_run", _get_or_start_run(fluent._get_or_start_run))
    _replace((fluent,), "_get_experiment_id", _get_experiment_id(fluent._get_experiment_id))
    client = TrackingServiceClient
    _replace((client,), "_log_url", whereabouts.log_url(client._log_url))
    _replace((client,), "_get_artifact_repo", whereabouts.repository(client._get_artifact_repo))
    for name in ("log_artifacts", "log_model_artifacts"):  # the first in stores of MLflow 2
        _replace((client,), name, _noting(getattr(client, name)))
    _replace((Model,), "log", classmethod(_with_run(vars(Model)["log"].__func__)))
    training_data.install(_replace)
    _replace((git_context,), "_resolve_git_info", _git_info(git_context._resolve_git_info))
    fast.seam = MlflowSeam(fluent, _front.routes, _make_route)
    refresh_check()
    context = fast.latest
    if context is not None and not context.is_worker and context.pid == os.getpid():
        fast.seam.entered(context)


def _replace(owners: tuple[Any, ...], name: str, ours: Any) -> None:
    for owner in owners:
        theirs = vars(owner)[name]
        _front.original.setdefault(name, theirs)
        if theirs is _front.original[name]:
            _front.replaced.append((owner, name, theirs, ours))
            setattr(owner, name, ours)


def restore() -> None:
    """Put MLflow's functions back where ours still stand."""
    for owner, name, theirs, ours in reversed(_front.replaced):
        if vars(owner).get(name) is ours:
            setattr(owner, name, theirs)
    _front.__init__()  # type: ignore[misc]
    fast.seam = None
    refresh_check()


def _git_info(original: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    """Ask git about the program only where it can know it: GitPython starts a process to import.

    A kernel's program is ipykernel's launcher, which no repository of the user's holds.
    """
    from mlflow.tracking.context import git_context

    @functools.wraps(original)
    def resolve() -> dict[str, Any]:
        main = git_context._get_main_file()
        if main is None:
            return {}
        folder = Path(main).absolute().parent
        above = (folder, *folder.parents)
        if "site-packages" in folder.parts or (
            "GIT_DIR" not in os.environ and not any((one / ".git").exists() for one in above)
        ):
            return {}
        return original()

    return resolve


def forget_routes() -> None:
    """Make every run's next point take the long way, which asks whether the run is still active."""
    _front.routes.clear()


# ------------------------------------------------------------------------------ fast ways


def _route_of(run: Any) -> _Route | None:
    """Return the route of MLflow's active run; None when its points must go the long way."""
    if run.outputs is not None and run.outputs.model_outputs:
        return None  # MLflow relates metrics to the models of the run
    route = _front.routes.get(run.info.run_id)
    if route is not None and route.pid == os.getpid():
        return route
    return _make_route(run.info.run_id)


def _make_route(run_id: str) -> _Route | None:
    for book in all_books():
        state = book.runs.get(run_id) or book.runs.get(book.canonical(run_id))
        if state is not None and state.lifecycle == "active" and state.written:
            try:
                route = _Route(book.sink(state.run_id).append, book, state)
            except Exception as error:
                caution.trouble("journal", "Points cannot be kept on this machine", error)
                return None
            _front.routes[run_id] = route
            return route
    return None


def _are_valid(route: _Route, keys: tuple[str, ...]) -> bool:
    if not keys or not all(map(validity.is_key, keys)):
        return False
    if len(route.keys) < _ROUTE_KEYS_MAX:
        route.keys.add(keys)
    route.book.as_it_is.update(keys)
    return True


def _fast_log_metrics(original: Callable[..., Any]) -> Callable[..., Any]:
    fluent = sys.modules["mlflow.tracking.fluent"]
    stacks, environ = fluent._active_run_stack, os.environ._data  # type: ignore[attr-defined]

    @functools.wraps(original)
    def log_metrics(  # noqa: PLR0917  # MLflow's own signature
        metrics: Any,
        step: Any = None,
        synchronous: Any = None,
        run_id: Any = None,
        timestamp: Any = None,
        model_id: Any = None,
        dataset: Any = None,
    ) -> Any:
        if (
            run_id is None
            and model_id is None
            and dataset is None
            and (synchronous or (synchronous is None and _ASYNC not in environ))
            and metrics.__class__ is dict
        ):
            stack = stacks.get()
            route = _route_of(stack[-1]) if stack else None
            if route is not None and fluent.get_active_model_id() is None:
                keys = tuple(metrics)
                at = timestamp or time_ns() // 1_000_000
                step = step or 0
                if (
                    (keys in route.keys or _are_valid(route, keys))
                    and step.__class__ is int
                    and at.__class__ is int
                    and at >= 0
                    and _are_floats(metrics)
                ):
                    route.append(metrics, step, at)
                    return None
        return original(metrics, step, synchronous, run_id, timestamp, model_id, dataset)

    return log_metrics


def _fast_log_metric(original: Callable[..., Any]) -> Callable[..., Any]:
    fluent = sys.modules["mlflow.tracking.fluent"]
    stacks, environ = fluent._active_run_stack, os.environ._data  # type: ignore[attr-defined]

    @functools.wraps(original)
    def log_metric(  # noqa: PLR0917  # MLflow's own signature
        key: Any,
        value: Any,
        step: Any = None,
        synchronous: Any = None,
        timestamp: Any = None,
        run_id: Any = None,
        model_id: Any = None,
        dataset: Any = None,
    ) -> Any:
        if (
            run_id is None
            and model_id is None
            and dataset is None
            and (synchronous or (synchronous is None and _ASYNC not in environ))
            and (
                value.__class__ is float
                or (value.__class__ is int and -_FLOAT_MAX < value < _FLOAT_MAX)
            )
        ):
            stack = stacks.get()
            route = _route_of(stack[-1]) if stack else None
            if route is not None and fluent.get_active_model_id() is None:
                at = timestamp or time_ns() // 1_000_000
                step = step or 0
                if (
                    key.__class__ is str
                    and ((key,) in route.keys or _are_valid(route, (key,)))
                    and step.__class__ is int
                    and at.__class__ is int
                    and at >= 0
                ):
                    route.append({key: value}, step, at)
                    return None
        return original(key, value, step, synchronous, timestamp, run_id, model_id, dataset)

    return log_metric


def _are_floats(metrics: dict[str, Any]) -> bool:
    """Say whether all values are floats or whole numbers; the rest MLflow converts, or refuses."""
    for value in metrics.values():
        kind = value.__class__
        if kind is not float and (kind is not int or not -_FLOAT_MAX < value < _FLOAT_MAX):
            return False
    return True


# --------------------------------------------------------------------------- fluent's runs


def _start_run(original: Callable[..., Any]) -> Callable[..., Any]:
    """A nested run that a cell begins is a child of the cell's run, which then is MLflow's too."""

    @functools.wraps(original)
    def start_run(run_id: str | None = None, *args: Any, **options: Any) -> Any:
        fluent = _front.fluent
        nested = options.get("nested", args[2] if len(args) > 2 else False)
        if fluent is not None and nested and not fluent._active_run_stack.get():
            context = current_context()
            named = run_id or options.get("parent_run_id") or os.environ.get("MLFLOW_RUN_ID")
            if context is not None and context.in_own_thread and not (context.closed or named):
                fluent._get_or_start_run()
        return original(run_id, *args, **options)

    return start_run


def _get_or_start_run(original: Callable[[], Any]) -> Callable[[], Any]:
    @functools.wraps(original)
    def _get_or_start_run() -> Any:
        fluent = _front.fluent
        stack = fluent._active_run_stack.get() if fluent is not None else None
        context = current_context() if stack is not None and not stack else None
        if context is None or (context.in_own_thread and not context.born and not context.closed):
            return original()
        adopted = _adopted(context)
        return original() if adopted is None else adopted

    return _get_or_start_run


def _adopted(context: CellContext) -> Any:
    """Return the cell's run as MLflow's active run of this thread; None when that cannot be."""
    from jupyter_mltrack.tracking import lazy

    ledger = lazy.current_ledger()
    if ledger is None or (context.book is not None and context.book is not ledger.book):
        return None
    state = ledger.births.adopt(context)
    if state.ended and not context.closed and not context.is_worker:
        ledger.book.update(state.run_id, status="RUNNING")
    fluent = _front.fluent
    active = fluent.ActiveRun(entities.run_of(state))
    if not context.closed and not context.is_worker:  # a worker of a pool outlives the cell
        fluent._active_run_stack.get().append(active)
    return active


def _get_experiment_id(original: Callable[[], Any]) -> Callable[[], Any]:
    @functools.wraps(original)
    def _get_experiment_id() -> Any:
        context = current_context()
        fluent = _front.fluent
        if context is None or fluent is None or not context.experiment:
            return original()
        before = context.scratch.get("experiment_before", fluent._active_experiment_id)
        if fluent._active_experiment_id != before:
            return original()  # the user's own set_experiment within the cell
        return _experiment_id(context.experiment)

    return _get_experiment_id


def _experiment_id(name: str) -> str:
    from mlflow.tracking import MlflowClient

    client = MlflowClient()
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id) if found is not None else str(client.create_experiment(name))


def _with_run(original: Callable[..., Any]) -> Callable[..., Any]:
    """A model that a tracked cell logs belongs to the cell's run, also when it logs nothing else.

    MLflow 3 asks for the active run only; it begins none for a model.
    """

    @functools.wraps(original)
    def log(cls: type, *args: Any, **options: Any) -> Any:
        fluent = _front.fluent
        named = options.get("run_id") or options.get("model_id")
        if fluent is not None and not named and current_context() is not None:
            fluent._get_or_start_run()
        return original(cls, *args, **options)

    return log


def _noting(original: Callable[..., Any]) -> Callable[..., Any]:
    """Note a model's files as made here before they are sent: see `models.trust`."""

    @functools.wraps(original)
    def log_files(self: Any, owner_id: str, local_dir: str, *rest: Any, **options: Any) -> Any:
        _note_made(local_dir)
        return original(self, owner_id, local_dir, *rest, **options)

    return log_files


def _note_made(folder: str) -> None:
    place = Path(folder)
    if not (place / "MLmodel").is_file():
        return
    try:
        from jupyter_mltrack.models import trust

        trust.note_made(place)
    except Exception as error:
        caution.trouble("made", "The model was logged, but not noted as made here", error)
