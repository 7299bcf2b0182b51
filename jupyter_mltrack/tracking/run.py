"""`track`: a cell, a `with` block or a function call that is one run.

One object serves all three, so a decorated function may call itself, a generator's run lasts from
its first to its last value, and a coroutine's from its first step to its result. What a run's end
needs from the user's variables (named parameters, metric expressions) is read when it is left.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, overload

from jupyter_mltrack.tracking import caution, lineage, remembering
from jupyter_mltrack.tracking.context import CellContext
from jupyter_mltrack.tracking.lineage import current_context


class Tracked:
    """The run as the `with` statement gives it: its id and name, and `log`."""

    def __init__(self, context: CellContext) -> None:
        self._context = context

    @property
    def run_id(self) -> str:
        """Id of the run; fixed from the beginning."""
        return self._context.run_id

    @property
    def name(self) -> str:
        """Name of the run."""
        return self._context.name

    @property
    def context(self) -> CellContext:
        """The context itself."""
        return self._context

    def log(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log metric points to this run, from whatever thread or nested run."""
        try:
            self._context.birth()
            if self._context.append is None:
                self._context.bind()
            if self._context.append is not None:
                self._context.append(metrics, step)
        except Exception as error:
            caution.trouble("log", "Points were not logged", error)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters to this run; odd names are mapped, the first value of a name stays."""
        try:
            run = self._context.birth()
            book = self._context.book
            assert book is not None
            fresh = {k: v for k, v in _encoded(params).items() if k not in run.params}
            book.log_params(run.run_id, fresh)
        except Exception as error:
            caution.trouble("params", "Parameters were not logged", error)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Set tags of this run; odd names are mapped."""
        try:
            run = self._context.birth()
            book = self._context.book
            assert book is not None
            book.set_tags(run.run_id, _encoded(tags))
        except Exception as error:
            caution.trouble("tags", "Tags were not set", error)

    def last_value(self, value: Any, name: str = "result") -> Any:
        """Log a number, or a dict of numbers, as a cell's last value is; returns the value."""
        from jupyter_mltrack.tracking.values import metrics_of

        try:
            found = metrics_of(value, name)
        except Exception as error:
            caution.trouble("value", "The last value was not logged", error)
        else:
            if found:
                self.log(found)
        return value

    def __repr__(self) -> str:
        return f"<run {self.name!r} {self.run_id}>"


class track:  # noqa: N801  # a verb in all its uses
    """Track what runs inside: as a context manager, as `@track`, or as `@track("name", ...)`.

    Args:
        name: name of the run; a decorated function gives its own.
        experiment: name of the experiment; made if it is not there.
        params: parameters of the run; a decorated function adds its arguments. For a `with` block
            also `"auto"`, its literal assignments (`lr = 0.01`), or names of variables, read at
            the block's end.
        metrics: functions that give a metric each, called when a `with` block has succeeded.
        value: a function that gives a number or a dict of numbers, called likewise; its metrics
            are named after the last expression of the block.
        tags: tags of the run.
        nested: the run is a child of the one that is current.
        parent: run (id, name, `last` ...) that it is a child of.
        resume: run (id, name, `last` ...) to go on with in place of a new one.
        autolog: switch MLflow's autologging on or off inside; None leaves it.
        system_metrics: record the machine's load; None takes the setting.
        alerts: conditions to tell of in JupyterLab: `loss > 5`, `nan`, `stalled 10m`.
        quiet: say nothing at the end; for those who print.
        workspace: where the run goes (`local`, a path, an address); None takes what is set.
        keep: what the run remembers beside its points, for example `{"git": False}`; a part that
            is not named is left to the settings.
    """

    def __init__(
        self,
        name: str | Callable[..., Any] | None = None,
        *,
        experiment: str | None = None,
        params: Mapping[str, Any] | Iterable[str] | None = None,
        metrics: Mapping[str, Callable[[], Any]] | None = None,
        value: Callable[[], Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        nested: bool = False,
        parent: str | None = None,
        resume: str | None = None,
        autolog: bool | None = None,
        system_metrics: bool | None = None,
        alerts: Iterable[str] = (),
        quiet: bool | None = None,
        workspace: str | None = None,
        keep: Mapping[str, bool] | None = None,
    ) -> None:
        self._function: Callable[..., Any] | None = None
        if callable(name):
            self._function, name = name, None
            functools.update_wrapper(self, self._function)
        self._names: Iterable[str] = () if isinstance(params, Mapping) else params or ()
        self._metrics, self._value = metrics, value
        self.options: dict[str, Any] = {
            "experiment": experiment,
            "params": params if isinstance(params, Mapping) else None,
            "tags": tags,
            "nested": nested,
            "parent": parent,
            "resume": resume,
            "autolog": autolog,
            "system_metrics": system_metrics,
            "alerts": alerts,
            "workspace": workspace,
            "keep": keep,
        }
        self.name = name
        self.quiet = quiet
        self._entered: list[CellContext] = []
        self._wrapped: Callable[..., Any] | None = None

    # ---------------------------------------------------------------------------- with

    def __enter__(self) -> Tracked:
        context = make_context(self.name, **self.options)
        context.scratch["quiet"] = self.quiet
        context.enter()
        self._entered.append(context)
        remembering.begin(context)
        if self._names or self._metrics or self._value is not None:
            self._follow(context)
        return Tracked(context)

    def _follow(self, context: CellContext) -> None:
        """Have the end of the block read what was asked for."""
        from jupyter_mltrack.tracking import block

        frame = sys._getframe(2)
        if frame.f_code is track.__aenter__.__code__ and frame.f_back is not None:
            frame = frame.f_back
        block.follow(context, frame, self._names, self._metrics, self._value)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            self._entered[-1].leave(error)
        except (
            KeyboardInterrupt
        ) as interrupt:  # it may have come before `leave` could shield itself
            self._entered[-1].leave(error or interrupt)
            if error is None:
                raise
        finally:
            self._entered.pop()

    def __del__(self) -> None:
        # an interrupt can hit even the first instruction of `__exit__`, a wrong argument any
        entered: list[CellContext] = getattr(self, "_entered", [])
        while entered:
            entered.pop().leave(KeyboardInterrupt())

    async def __aenter__(self) -> Tracked:
        return self.__enter__()

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.__exit__(kind, error, trace)

    # ----------------------------------------------------------------------- decorator

    @overload
    def __call__(self, function: Callable[..., Any], /) -> Callable[..., Any]: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Wrap a function (`@track("name")`), or call the one that `@track` wrapped."""
        if self._function is not None:
            if self._wrapped is None:
                self._wrapped = wrap(self._function, self.name, self.options)
            return self._wrapped(*args, **kwargs)
        (function,) = args
        return wrap(function, self.name, self.options)

    def __get__(self, owner: Any, kind: Any = None) -> Any:
        """Bind like a function, so that `@track` works on methods."""
        if self._function is None:
            return self
        wrapped = wrap(self._function, self.name, self.options)
        return wrapped if owner is None else functools.partial(wrapped, owner)


def wrap(
    function: Callable[..., Any], name: str | None, options: Mapping[str, Any]
) -> Callable[..., Any]:
    """Return `function` tracked: each call (or each iteration, or each awaiting) is one run."""
    from jupyter_mltrack.tracking.calls import arguments_of, signature_of

    signature = signature_of(function)

    def opened(args: Any, kwargs: Any) -> track:
        given = dict(options)
        given["params"] = {**arguments_of(signature, args, kwargs), **(given.get("params") or {})}
        return track(name or getattr(function, "__name__", None), **given)

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def tracked(*args: Any, **kwargs: Any) -> Any:
            with opened(args, kwargs):
                return await function(*args, **kwargs)

    elif inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def tracked(*args: Any, **kwargs: Any) -> Any:
            with opened(args, kwargs):
                async for value in function(*args, **kwargs):
                    yield value

    elif inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def tracked(*args: Any, **kwargs: Any) -> Any:
            with opened(args, kwargs):
                return (yield from function(*args, **kwargs))

    else:

        @functools.wraps(function)
        def tracked(*args: Any, **kwargs: Any) -> Any:
            with opened(args, kwargs):
                return function(*args, **kwargs)

    return tracked


# ------------------------------------------------------------------------------- making


def make_context(
    name: str | None,
    *,
    experiment: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    nested: bool = False,
    parent: str | None = None,
    resume: str | None = None,
    autolog: bool | None = None,
    system_metrics: bool | None = None,
    alerts: Iterable[str] = (),
    workspace: str | None = None,
    keep: Mapping[str, bool] | None = None,
    record_empty: bool = True,
    new_run_id: str | None = None,
) -> CellContext:
    """Return a context that was not entered yet; the arguments are those of `track`.

    `new_run_id` is an id that was promised for its run before, as that of a job is.

    Raises:
        MltrackError: the workspace, the parent or the run to resume cannot be found, or an alert
            is no condition.
    """
    from jupyter_mltrack import workspaces
    from jupyter_mltrack.tracking import attach, choice, surroundings

    settings = choice.settings_for_runs()
    place = workspaces.resolve(workspace) if workspace else choice.workspace_for_runs()
    attach.attach()
    outer = current_context() if nested else None
    parent_id = _find(place, parent) if parent else None
    if outer is not None and parent_id is None:
        outer.birth()
        parent_id = outer.run_id
    run_id = _find(place, resume) if resume else None
    if parent_id is None and run_id is None:
        parent_id = surroundings.parent_run()
    if run_id is not None and not _clean_name(name):
        name = _name_of(place, run_id)
    context = CellContext(
        place,
        name=_clean_name(name),
        run_id=run_id or new_run_id,
        experiment=experiment or _experiment_around(outer) or choice.experiment(settings),
        tags={**_encoded(tags or {}), **_alert_tags(alerts)},
        params=_encoded(params or {}),
        parent_run_id=parent_id,
        resumed=run_id is not None,
        record_empty=record_empty,
    )
    context.scratch["keep"] = remembering.parts_of(settings, keep)
    _equip(context, settings, autolog, system_metrics)
    from jupyter_mltrack.tracking.book import book_for

    book_for(place).max_bytes = settings.journal_max_bytes
    if place.note:
        caution.warn_once(f"place {place.note}", place.note)
    return context


def _experiment_around(outer: CellContext | None) -> str | None:
    """The experiment of the run that a new one is nested in, or that this worker works for."""
    if outer is not None:
        return outer.experiment
    current_context()  # a worker asks its parent at its first question
    content = lineage.inherited_content()
    return content.get("experiment") if content is not None else None


def _equip(
    context: CellContext, settings: Any, autolog: bool | None, system_metrics: bool | None
) -> None:
    autolog = settings.autolog or None if autolog is None else autolog
    if autolog is not None:
        context.scratch["autolog"] = autolog
    if settings.system_metrics if system_metrics is None else system_metrics:
        context.scratch["system_metrics"] = True
    if "autolog" in context.scratch or "system_metrics" in context.scratch:
        from jupyter_mltrack.tracking import extras

        extras.equip(context)


def _alert_tags(rules: Iterable[str]) -> dict[str, str]:
    rules = tuple(rules)
    if not rules:
        return {}
    from jupyter_mltrack.journal import alerts

    return {alerts.TAG: alerts.tag_value(rules)}


def _find(workspace: Any, spec: str) -> str:
    from jupyter_mltrack import runs

    return str(runs.find_run(workspace, spec))


def _name_of(workspace: Any, run_id: str) -> str:
    from jupyter_mltrack import runs

    return str(runs.get_run(workspace, run_id).summary.name)


def _clean_name(name: str | None) -> str | None:
    from jupyter_mltrack.tracking.redaction import redact

    if name is None:
        return None
    text = "".join(c if c.isprintable() else " " for c in str(name)).strip()
    return redact(text)[:250] or None


def _encoded(pairs: Mapping[str, Any]) -> dict[str, str]:
    from jupyter_mltrack.tracking import names

    return {names.encode(key): _text(value) for key, value in pairs.items()}


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # a user's own __str__ may fail
        return f"<{type(value).__name__}: {type(error).__name__}>"
