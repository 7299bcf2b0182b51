"""The only reader of runs: one answer made of the store and of what waits on this machine.

A SQLite store that MLflow made is read by SQL, any other store through MLflow's client with a
time limit. A store that cannot be asked is an error, never an empty list, unless the caller takes
`offline`: then the answer holds what waits here and says why there is no more.

The package is also the verb: `jupyter_mltrack.runs("acc > 0.9")` calls it, and the readers are its
functions, because one name cannot be both otherwise.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import Denied, NotFound, SignedOut, Unreachable, WorkspaceError
from jupyter_mltrack.runs.merge import DEFAULT_EXPERIMENT, laid_over
from jupyter_mltrack.runs.query import Wanted, looks_like_filter, parse_filter, parse_order
from jupyter_mltrack.runs.waiting import WaitingRun, waiting_runs

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

__all__ = [
    "find_run",
    "get_run",
    "list_experiments",
    "list_runs",
    "looks_like_filter",
    "series",
    "waiting_runs",
]

LIMIT_MAX = 1_000
SERIES_COLUMNS_MAX = 500
SHIP_S = 2.0


def list_runs(
    workspace: Workspace,
    *,
    experiment: str | None = None,
    text: str | None = None,
    filter: str | None = None,  # noqa: A002  # MLflow's own word
    order_by: Sequence[str] | str | None = None,
    limit: int = 50,
    page_token: str | None = None,
    data_dir: Path | None = None,
    offline: bool = False,
) -> wire.RunPage:
    """A page of runs, newest first unless `order_by` says otherwise.

    Args:
        workspace: whose runs.
        experiment: id or name; None lists every experiment.
        text: words that each must be in the name, the notebook or the experiment, or begin the id.
        filter: a filter in MLflow's language.
        order_by: terms in MLflow's language, for example ``metrics.`val loss` ASC``.
        limit: how many at most; runs that wait here may come on top of them.
        page_token: `next_page_token` of the page before.
        data_dir: where the journals are; None takes the user's.
        offline: answer with what waits here, and the reason, when the store cannot be asked.

    Raises:
        Unreachable: the store gave no answer.
        UsageError: the filter, an order term or the token is off.
        NotFound: there is no such experiment.
    """
    terms = [order_by] if isinstance(order_by, str) else list(order_by or ())
    wanted = Wanted(
        experiment=experiment,
        text=text,
        filter=filter,
        order=tuple(parse_order(term) for term in terms),
        limit=max(1, min(limit, LIMIT_MAX)),
        page_token=page_token,
    )
    folder = _data_dir(data_dir)
    waiting = waiting_runs(folder, workspace.id)
    if waiting and (filter or terms) and workspace.database is not None:
        from jupyter_mltrack.journal import ship

        # The store sorts and filters, so it gets what waits first; a file takes it in no time.
        ship.sync(folder, workspace_id=workspace.id, timeout_s=SHIP_S)
        waiting = waiting_runs(folder, workspace.id)
    try:
        page = _store_page(workspace, wanted, waiting)
    except WorkspaceError as error:
        if not offline:
            raise
        problem = wire.Problem(code=error.code, message=error.message, hint=error.hint)  # type: ignore[arg-type]
        page = wire.RunPage(runs=[], problem=problem)
    return laid_over(page, workspace, waiting, wanted)


def _store_page(
    workspace: Workspace, wanted: Wanted, waiting: dict[str, WaitingRun]
) -> wire.RunPage:
    from jupyter_mltrack.runs import client_store, sqlite_store

    database = workspace.database
    if database is not None:
        with sqlite_store.reading(database) as connection:
            if connection is None:
                _experiment_id(workspace, wanted.experiment, (), waiting)
                if wanted.filter:
                    parse_filter(wanted.filter)
                return wire.RunPage(runs=[], total=0)
            known = sqlite_store.experiments(connection) if wanted.experiment is not None else ()
            number = _experiment_id(workspace, wanted.experiment, known, waiting)
            if number == "":
                return wire.RunPage(runs=[], total=0)
            page = sqlite_store.page(connection, workspace.id, wanted, number)
            if page is not None:
                return page
    number = None
    if wanted.experiment is not None:
        known = client_store.experiments(workspace)
        number = _experiment_id(workspace, wanted.experiment, known, waiting)
        if number == "":
            return wire.RunPage(runs=[])
    return client_store.page(workspace, wanted, number)


def _experiment_id(
    workspace: Workspace,
    wanted: str | None,
    known: Sequence[wire.ExperimentInfo],
    waiting: dict[str, WaitingRun],
) -> str | None:
    """The id that is meant; empty when only journals know the experiment; None for all."""
    if wanted is None:
        return None
    for one in known:
        if one.id == wanted:
            return one.id
    for one in known:
        if one.name == wanted:
            return one.id
    names = {
        name for run in waiting.values() for name in (run.facts.experiment, run.facts.experiment_id)
    }
    if wanted in DEFAULT_EXPERIMENT or wanted in names:
        return ""
    from jupyter_mltrack.display_text import clean

    raise NotFound(
        f"No experiment {clean(wanted)!r} in workspace {workspace.name} ({workspace.display_uri}).",
        "Those it has: %mltrack experiment",
    )


def get_run(workspace: Workspace, run_id: str, *, data_dir: Path | None = None) -> wire.RunDetail:
    """One run with its parameters, tags and newest metrics.

    Raises:
        NotFound: neither the store nor a journal knows it.
        Unreachable: the store gave no answer and no journal knows the run.
    """
    from jupyter_mltrack.journal.progress import run_alias

    folder = _data_dir(data_dir)
    run_id = run_alias(folder, run_id)
    run = waiting_runs(folder, workspace.id).get(run_id)
    try:
        detail = _store_detail(workspace, run_id)
    except (NotFound, WorkspaceError):
        if run is None or not run.facts.born:
            raise
        return run.detail()
    if run is not None:
        detail = run.over_detail(detail)
    link = workspace.run_link(run_id, detail.summary.experiment_id)
    return msgspec.structs.replace(detail, link=link)


def _store_detail(workspace: Workspace, run_id: str) -> wire.RunDetail:
    from jupyter_mltrack.runs import client_store, sqlite_store

    database = workspace.database
    if database is None:
        return client_store.detail(workspace, run_id, sqlite_store.DETAIL_METRICS)
    with sqlite_store.reading(database) as connection:
        if connection is None:
            raise NotFound(
                f"No run {run_id!r} in workspace {workspace.name}: it is empty.",
                "Begin a cell with %%track to record one.",
            )
        return sqlite_store.detail(connection, workspace.id, run_id)


def list_experiments(workspace: Workspace, *, data_dir: Path | None = None) -> wire.ExperimentList:
    """Experiments that are not deleted, the one used last first.

    Raises:
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.runs import client_store, sqlite_store

    database = workspace.database
    if database is None:
        return wire.ExperimentList(experiments=client_store.experiments(workspace))
    with sqlite_store.reading(database) as connection:
        found = sqlite_store.experiments(connection) if connection is not None else []
    names = {one.name for one in found}
    for run in waiting_runs(_data_dir(data_dir), workspace.id).values():
        name = run.facts.experiment
        if name and name not in names:
            names.add(name)
            found.append(wire.ExperimentInfo(id=wire.ExperimentId(""), name=name))
    return wire.ExperimentList(experiments=found)


def find_run(
    workspace: Workspace,
    spec: str,
    *,
    experiment: str | None = None,
    data_dir: Path | None = None,
) -> wire.RunId:
    """The id of the run that a person means: id, prefix, name, `last~2`, `best:loss`.

    Raises:
        NotFound: no run fits.
        Ambiguous: several do; `choices` has their ids.
    """
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.runs.find import find, is_relative

    folder = _data_dir(data_dir)
    away: list[wire.Problem] = []

    def ask(*asked: Any, **keywords: Any) -> wire.RunPage:
        page = list_runs(*asked, data_dir=folder, offline=not is_relative(spec), **keywords)
        if page.problem is not None:
            away.append(page.problem)
        return page

    try:
        return find(workspace, run_alias(folder, spec), ask, experiment).run_id
    except NotFound:
        if away:  # it may be in the store that could not be asked
            raise error_of(away[0]) from None
        raise


def error_of(problem: wire.Problem) -> WorkspaceError:
    """The error that a list carries along, to be raised after all."""
    kinds: tuple[type[WorkspaceError], ...] = (Unreachable, SignedOut, Denied)
    kind = next((one for one in kinds if one.code == problem.code), WorkspaceError)
    return kind(problem.message, problem.hint, code=problem.code)


def series(
    workspace: Workspace,
    run_id: str,
    keys: Sequence[str] | None = None,
    max_points: int = 2_000,
) -> wire.Series:
    """Points of a run from its store, thinned to `max_points` a metric; for runs without a journal.

    Raises:
        NotFound: the store does not know the run.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.journal.columns import Points
    from jupyter_mltrack.runs import client_store, sqlite_store

    detail = _store_detail(workspace, run_id)
    every = [value.key for value in detail.summary.metrics]
    wanted = list(keys) if keys is not None else every[:SERIES_COLUMNS_MAX]
    database = workspace.database
    columns = []
    if database is None:
        parts = client_store.points(workspace, run_id, wanted, SERIES_COLUMNS_MAX)
    else:
        with sqlite_store.reading(database) as connection:
            parts = list(sqlite_store.points(connection, run_id, wanted)) if connection else []
    for key, steps, times, values in parts:
        points = Points()
        points.extend(1, steps, times, values)
        columns.append(points.column(key, 0, max_points))
    hidden = detail.summary.hidden_metrics + (len(every) - len(wanted) if keys is None else 0)
    return wire.Series(
        run_id=wire.RunId(run_id),
        status=detail.summary.status,
        columns=columns,
        cursor=0,
        reset=True,
        hidden_columns=hidden,
    )


def _data_dir(chosen: Path | None) -> Path:
    if chosen is not None:
        return chosen
    from jupyter_mltrack.settings import data_dir

    return data_dir()


class _RunsVerb(ModuleType):
    """The package itself, callable as the verb `runs`."""

    def __call__(self, *args: Any, **keywords: Any) -> wire.RunPage:
        from jupyter_mltrack.verbs import acts

        return acts.runs(*args, **keywords)


sys.modules[__name__].__class__ = _RunsVerb
