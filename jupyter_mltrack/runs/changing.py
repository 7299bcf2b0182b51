"""The acts that change runs in their store: tag, rename, delete, restore.

A run that only a journal knows yet is shipped first. In a SQLite store whose tables are known a
change is one transaction of SQL that writes what MLflow writes, because the first click would
otherwise wait for the import of MLflow; any other store is changed through MLflow's client.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack import settings, wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.runs import tags
from jupyter_mltrack.runs.waiting import waiting_runs

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from jupyter_mltrack.runs.sqlite_acts import Acts
    from jupyter_mltrack.workspaces import Workspace

SHIP_S = 5.0
_TAG_KEY = re.compile(r"[/\w.\- :]+\Z")
_OF_ONE_RUN = frozenset({"not_found", "bad_request", "conflict"})
"""Problems of one run; with any other the store itself is away."""
_ENDED = ("done", "failed", "cancelled")
_SqlAct = Callable[["Acts", str], bool]
_ClientAct = Callable[["MlflowClient", str], object]


def set_tag(
    workspace: Workspace,
    run_ids: Sequence[str],
    key: str,
    value: str | None,
    *,
    data_dir: Path | None = None,
) -> wire.RunsChanged:
    """Set a tag of runs; without a value it is taken away.

    Raises:
        UsageError: MLflow takes no tag of this name.
    """
    from jupyter_mltrack.tracking.redaction import redact_pair

    if not _TAG_KEY.match(key) or posixpath.normpath(key) != key or key.startswith(("/", "..")):
        raise UsageError(
            f"A tag cannot be named {clean(key)!r}.",
            "A name holds letters, digits, blanks and _ - . : / only.",
        )
    if key == tags.RUN_NAME:
        if not value:
            raise UsageError("A run needs a name.", "Give it another one.")
        return _each(workspace, run_ids, *_renaming(value), data_dir=data_dir)
    kept = None if value is None else redact_pair(key, value)
    return _each(
        workspace,
        run_ids,
        lambda acts, run_id: acts.set_tag(run_id, key, kept),
        lambda client, run_id: _client_tag(client, run_id, key, kept),
        data_dir=data_dir,
    )


def _client_tag(client: MlflowClient, run_id: str, key: str, value: str | None) -> None:
    from mlflow.exceptions import MlflowException

    if value is not None:
        client.set_tag(run_id, key, value)
        return
    try:
        client.delete_tag(run_id, key)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        client.get_run(run_id)  # the tag is gone already, or the run is


def rename(
    workspace: Workspace, run_id: str, name: str, *, data_dir: Path | None = None
) -> wire.RunsChanged:
    """Give a run another name.

    Raises:
        UsageError: the name is empty.
    """
    if not name.strip():
        raise UsageError("A run needs a name.", "Give it another one.")
    return _each(workspace, [run_id], *_renaming(name.strip()), data_dir=data_dir)


def _renaming(name: str) -> tuple[_SqlAct, _ClientAct]:
    from jupyter_mltrack.tracking.redaction import redact

    kept = redact(name)[:250]
    return (
        lambda acts, run_id: acts.rename(run_id, kept),
        lambda client, run_id: client.update_run(run_id, name=kept),
    )


def delete(
    workspace: Workspace, run_ids: Sequence[str], *, data_dir: Path | None = None
) -> wire.RunsChanged:
    """Delete runs; they can be restored until the store is cleaned. A live run is not deleted."""
    return _each(
        workspace,
        run_ids,
        lambda acts, run_id: acts.delete(run_id),
        partial(_delete_there, workspace),
        data_dir=data_dir,
        spare_live=True,
    )


def _delete_there(workspace: Workspace, client: MlflowClient, run_id: str) -> None:
    """Delete a run; its job at a service must have ended, and is put away there with it.

    Raises:
        UsageError: the job still runs.
    """
    from jupyter_mltrack.jobs import stopping

    job = stopping.state_there(workspace, run_id) if workspace.scope is not None else ""
    if job not in ("", *_ENDED):
        raise UsageError(
            f"Run {clean(run_id[:8])} is a job that still runs: without its run nobody would see "
            "what it costs.",
            "Stop it before it is deleted.",
        )
    client.delete_run(run_id)
    if job:
        stopping.archive(workspace, run_id)


def restore(
    workspace: Workspace, run_ids: Sequence[str], *, data_dir: Path | None = None
) -> wire.RunsChanged:
    """Bring deleted runs back."""
    return _each(
        workspace,
        run_ids,
        lambda acts, run_id: acts.restore(run_id),
        lambda client, run_id: client.restore_run(run_id),
        data_dir=data_dir,
    )


def _each(
    workspace: Workspace,
    run_ids: Sequence[str],
    by_sql: _SqlAct,
    by_client: _ClientAct,
    *,
    data_dir: Path | None,
    spare_live: bool = False,
) -> wire.RunsChanged:
    """Do it to every run; those that it cannot be done to are named among the problems."""
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.runs import sqlite_acts
    from jupyter_mltrack.runs.client_store import ask

    folder = data_dir or settings.data_dir()
    ids = {run_id: run_alias(folder, run_id) for run_id in run_ids}
    live = _shipped(workspace, list(ids.values()), folder)
    changed: list[wire.RunId] = []
    problems: list[wire.Problem] = []

    def attempt(said: str, act: Callable[[], bool]) -> bool:
        try:
            done = act()
        except MltrackError as error:
            if error.code not in _OF_ONE_RUN:
                raise  # the store is away: nothing more can be done
            problems.append(_problem(error))
            return True
        if done:
            changed.append(wire.RunId(said))
        return done

    def by_mlflow(run_id: str) -> bool:
        ask(workspace, lambda client: by_client(client, run_id))
        return True

    left: dict[str, str] = {}
    with sqlite_acts.writing(workspace) as acts:
        for said, run_id in ids.items():
            if spare_live and run_id in live:
                problems.append(_running(live[run_id]))
            elif acts is None or not attempt(said, partial(by_sql, acts, run_id)):
                left[said] = run_id
    for said, run_id in left.items():
        attempt(said, partial(by_mlflow, run_id))
    return wire.RunsChanged(run_ids=changed, problems=problems)


def _shipped(workspace: Workspace, run_ids: Sequence[str], folder: Path) -> dict[str, str]:
    """Bring what waits of these runs to the store; names of those that a process here writes."""
    waiting = waiting_runs(folder, workspace.id)
    mine = [waiting[run_id] for run_id in run_ids if run_id in waiting]
    if any(run.events or run.points for run in mine):
        from jupyter_mltrack.journal import ship

        ship.sync(folder, workspace_id=workspace.id, timeout_s=SHIP_S)
    return {run.run_id: run.facts.name or run.run_id for run in mine if run.live}


def _running(name: str) -> wire.Problem:
    return wire.Problem(
        code="conflict", message=f"{clean(name)} is running.", hint="Stop it before it is deleted."
    )


def _problem(error: MltrackError) -> wire.Problem:
    return wire.Problem(code=error.code, message=error.message, hint=error.hint)  # type: ignore[arg-type]
