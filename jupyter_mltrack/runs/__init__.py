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
from jupyter_mltrack.runs.listing import list_runs
from jupyter_mltrack.runs.points import series
from jupyter_mltrack.runs.query import looks_like_filter
from jupyter_mltrack.runs.waiting import waiting_runs

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

__all__ = [
    "find_run",
    "get_run",
    "get_runs",
    "list_experiments",
    "list_runs",
    "looks_like_filter",
    "series",
    "waiting_runs",
]

SIDE_BY_SIDE_METRICS = 500
"""Of each run, where several are answered at once."""


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
        detail = store_detail(workspace, run_id)
    except (NotFound, WorkspaceError):
        if run is None or not run.facts.born:
            raise
        return run.detail()
    if run is not None:
        detail = run.over_detail(detail)
    link = workspace.run_link(run_id, detail.summary.experiment_id)
    return msgspec.structs.replace(detail, link=link)


def get_runs(
    workspace: Workspace, run_ids: Sequence[str], *, data_dir: Path | None = None
) -> wire.RunDetails:
    """Several runs side by side, in the order of the ids; those that are not there are named.

    Raises:
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.journal.progress import run_alias

    folder = _data_dir(data_dir)
    ids = {run_id: run_alias(folder, run_id) for run_id in run_ids}
    waiting = waiting_runs(folder, workspace.id)
    stored = _store_details(workspace, list(dict.fromkeys(ids.values())))
    found, missing = [], []
    for said, run_id in ids.items():
        run, detail = waiting.get(run_id), stored.get(run_id)
        if detail is not None:
            found.append(run.over_detail(detail) if run else detail)
        elif run is not None and run.facts.born:
            found.append(run.detail())
        else:
            missing.append(wire.RunId(said))
    return wire.RunDetails(runs=found, missing=missing)


def _store_details(workspace: Workspace, run_ids: Sequence[str]) -> dict[str, wire.RunDetail]:
    from jupyter_mltrack.runs import client_store, sqlite_store

    database = workspace.database
    if database is None:
        return client_store.details(workspace, run_ids, SIDE_BY_SIDE_METRICS)
    with sqlite_store.reading(database) as connection:
        if connection is None:
            return {}
        known = sqlite_store.known_ids(connection, run_ids)
        return {
            run_id: sqlite_store.detail(connection, workspace.id, run_id, SIDE_BY_SIDE_METRICS)
            for run_id in run_ids
            if run_id in known
        }


def store_detail(workspace: Workspace, run_id: str) -> wire.RunDetail:
    """One run as its store has it.

    Raises:
        NotFound: the store does not know it.
        Unreachable: the store gave no answer.
    """
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
    """Experiments that are not deleted, the one used last first; then what only journals know.

    The store has not numbered these yet: their name is their id, and stays good for asking.

    Raises:
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.runs import client_store, sqlite_store

    # First what waits: a run that is sent meanwhile is in both, not in neither.
    waiting = waiting_runs(_data_dir(data_dir), workspace.id)
    database = workspace.database
    if database is None:
        found = client_store.experiments(workspace)
    else:
        with sqlite_store.reading(database) as connection:
            found = sqlite_store.experiments(connection) if connection is not None else []
    names = {one.name for one in found}
    for run in waiting.values():
        name = run.facts.experiment
        if name and name not in names:
            names.add(name)
            found.append(wire.ExperimentInfo(id=wire.ExperimentId(name), name=name))
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
