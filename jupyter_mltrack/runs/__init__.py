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
from jupyter_mltrack.runs.query import Order, looks_like_filter, parse_order
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


def list_runs(
    workspace: Workspace,
    *,
    experiment: str | None = None,
    text: str | None = None,
    filter: str | None = None,
    order_by: Sequence[str] | str | None = None,
    limit: int = 50,
    page_token: str | None = None,
    data_dir: Path | None = None,
    offline: bool = False,
) -> wire.RunPage:
    """A page of runs, newest first unless `order_by` says otherwise.

    Args:
        experiment: id or name; None lists every experiment.
        text: words that each must be in the name, the notebook or the experiment, or begin the id.
        filter: a filter in MLflow's language.
        order_by: terms in MLflow's language, for example ``metrics.`val loss` ASC``.
        page_token: `next_page_token` of the page before.
        offline: answer with what waits here, and the reason, when the store cannot be asked.

    Raises:
        Unreachable: the store gave no answer.
        UsageError: the filter, an order term or the token is off.
        NotFound: there is no such experiment.
    """
    terms = [order_by] if isinstance(order_by, str) else list(order_by or ())
    order = [parse_order(term) for term in terms]
    limit = max(1, min(limit, LIMIT_MAX))
    waiting = waiting_runs(_data_dir(data_dir), workspace.id)
    try:
        page = _store_page(workspace, experiment, text, filter, order, limit, page_token, waiting)
    except WorkspaceError as error:
        if not offline:
            raise
        problem = wire.Problem(
            code=error.code, message=error.message, hint=error.hint  # type: ignore[arg-type]
        )
        page = wire.RunPage(runs=[], problem=problem)
    return _laid_over(page, workspace, waiting, experiment, text, filter, order, page_token)


def _store_page(
    workspace: Workspace,
    experiment: str | None,
    text: str | None,
    filter: str | None,
    order: list[Order],
    limit: int,
    page_token: str | None,
    waiting: dict[str, WaitingRun],
) -> wire.RunPage:
    from jupyter_mltrack.runs import client_store, sqlite_store

    asked: dict[str, Any] = {
        "text": text,
        "filter": filter,
        "order": order,
        "limit": limit,
        "page_token": page_token,
    }
    database = workspace.database
    if database is not None:
        with sqlite_store.reading(database) as connection:
            if connection is None:
                if experiment is not None and not _waits_for(experiment, waiting):
                    raise _no_experiment(workspace, experiment)
                return wire.RunPage(runs=[], total=0)
            number = _experiment_id(workspace, experiment, sqlite_store.experiments(connection), waiting)
            if number == "":
                return wire.RunPage(runs=[], total=0)
            page = sqlite_store.page(connection, workspace.id, experiment_id=number, **asked)
            if page is not None:
                return page
    number = experiment
    if experiment is not None:
        known = client_store.experiments(workspace)
        number = _experiment_id(workspace, experiment, known, waiting)
        if number == "":
            return wire.RunPage(runs=[])
    return client_store.page(workspace, experiment_id=number, **asked)


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
    if wanted in ("0", "Default") or _waits_for(wanted, waiting):
        return ""
    raise _no_experiment(workspace, wanted)


def _waits_for(experiment: str, waiting: dict[str, WaitingRun]) -> bool:
    if experiment in ("0", "Default"):
        return True
    return any(experiment in (run.facts.experiment, run.facts.experiment_id) for run in waiting.values())


def _no_experiment(workspace: Workspace, name: str) -> NotFound:
    from jupyter_mltrack.display_text import clean

    return NotFound(
        f"No experiment {clean(name)!r} in workspace {workspace.name} ({workspace.display_uri}).",
        "Those it has: %mltrack experiment",
    )


def _laid_over(
    page: wire.RunPage,
    workspace: Workspace,
    waiting: dict[str, WaitingRun],
    experiment: str | None,
    text: str | None,
    filter: str | None,
    order: list[Order],
    page_token: str | None,
) -> wire.RunPage:
    """The page with newer values, and on the first page with the runs the store has not got."""
    if not waiting:
        return page
    rows = [waiting[row.run_id].over(row) if row.run_id in waiting else row for row in page.runs]
    new: list[wire.RunSummary] = []
    if page_token is None and not filter:
        unborn = [run for run in waiting.values() if run.facts.born]
        known = _known_ids(workspace, [run.run_id for run in unborn], page)
        new = [
            run.summary()
            for run in unborn
            if run.run_id not in known and _fits(run, experiment, text)
        ]
    if new:
        from jupyter_mltrack.runs.merge import merged

        rows = merged(rows, new, order)
    total = page.total + len(new) if page.total is not None else None
    return msgspec.structs.replace(page, runs=rows, total=total)


def _known_ids(workspace: Workspace, ids: list[str], page: wire.RunPage) -> set[str]:
    """Those of `ids` that the store has, whether or not they are on this page."""
    known = {row.run_id for row in page.runs}
    database = workspace.database
    rest = [run_id for run_id in ids if run_id not in known]
    if database is None or not rest:
        return known
    from jupyter_mltrack.runs import sqlite_store

    with sqlite_store.reading(database) as connection:
        return known | (sqlite_store.known_ids(connection, rest) if connection else set())


def _fits(run: WaitingRun, experiment: str | None, text: str | None) -> bool:
    facts = run.facts
    if experiment is not None:
        mine = (facts.experiment, facts.experiment_id)
        default = mine == (None, None) and experiment in ("0", "Default")
        if experiment not in mine and not default:
            return False
    texts = [(facts.name or "").casefold(), (facts.notebook or "").casefold()]
    texts.append((facts.experiment or "").casefold())
    return all(
        any(word.casefold() in one for one in texts) or (len(word) >= 4 and run.run_id.startswith(word))
        for word in (text or "").split()
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
