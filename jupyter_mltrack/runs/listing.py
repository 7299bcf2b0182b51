"""A list of runs: what is wanted, asked of the store, with what waits here laid over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack import settings, wire
from jupyter_mltrack.errors import NotFound, WorkspaceError
from jupyter_mltrack.journal.progress import run_alias
from jupyter_mltrack.runs.merge import DEFAULT_EXPERIMENT, laid_over
from jupyter_mltrack.runs.query import Wanted, parse_filter, parse_order
from jupyter_mltrack.runs.waiting import WaitingRun, waiting_runs

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

LIMIT_MAX = 1_000
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
    columns: Sequence[str] | None = None,
    deleted: bool = False,
    roots: bool = False,
    parent: str | None = None,
    also_tags: Sequence[str] = (),
    data_dir: Path | None = None,
    offline: bool = False,
    ship_first: bool = True,
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
        columns: `metrics.KEY`, `params.KEY`, `tags.KEY`: rows hold these and nothing else of them.
        deleted: deleted runs in place of those that are not.
        roots: only runs that are nested under none of the list.
        parent: only runs that are nested right below this one.
        also_tags: rows hold these besides.
        data_dir: where the journals are; None takes the user's.
        offline: answer with what waits here, and the reason, when the store cannot be asked.
        ship_first: bring what waits to a store in a file before it filters or sorts.

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
        columns=tuple(columns) if columns is not None else None,
        deleted=deleted,
        roots=roots,
        parent=parent,
        also_tags=tuple(also_tags),
    )
    folder = data_dir or settings.data_dir()
    waiting = waiting_runs(folder, workspace.id)
    if ship_first and waiting and (filter or terms) and workspace.database is not None:
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
    return laid_over(page, workspace, _by_stored_ids(waiting, folder), wanted)


def _by_stored_ids(waiting: dict[str, WaitingRun], folder: Path) -> dict[str, WaitingRun]:
    """The same by the ids that the store has for them now: some came there while it was asked."""
    ids = {run_id: run_alias(folder, run_id) for run_id in waiting}
    return {
        ids[run_id]: run if ids[run_id] == run_id else replace(run, run_id=ids[run_id])
        for run_id, run in waiting.items()
    }


def _store_page(
    workspace: Workspace, wanted: Wanted, waiting: dict[str, WaitingRun]
) -> wire.RunPage:
    from jupyter_mltrack.runs import client_page, sqlite_page, sqlite_store

    number = experiment_of(workspace, wanted, waiting)
    database = workspace.database
    if database is not None:
        with sqlite_store.reading(database) as connection:
            if connection is None:
                if wanted.filter:
                    parse_filter(wanted.filter)
                return wire.RunPage(runs=[], total=0)
            if number == "":
                return wire.RunPage(runs=[], total=0)
            page = sqlite_page.page(connection, workspace.id, wanted, number)
            if page is not None:
                return page
    if number == "":
        return wire.RunPage(runs=[])
    return client_page.page(workspace, wanted, number)


def experiment_of(
    workspace: Workspace, wanted: Wanted, waiting: Mapping[str, WaitingRun]
) -> str | None:
    """The id of the experiment that is wanted; empty when only journals know it; None for all.

    Raises:
        NotFound: there is no such experiment.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.runs import client_store, sqlite_store

    if wanted.experiment is None:
        return None
    database = workspace.database
    known: Sequence[wire.ExperimentInfo] = ()
    if database is None:
        known = client_store.experiments(workspace)
    else:
        with sqlite_store.reading(database) as connection:
            known = sqlite_store.experiments(connection) if connection is not None else ()
    return _id_among(workspace, wanted.experiment, known, waiting)


def _id_among(
    workspace: Workspace,
    wanted: str,
    known: Sequence[wire.ExperimentInfo],
    waiting: Mapping[str, WaitingRun],
) -> str:
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
        f"No experiment {clean(wanted)!r} in workspace {workspace.title}.",
        "Those it has: %mltrack experiment",
    )
