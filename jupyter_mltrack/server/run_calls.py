"""What a reader process does for the routes about many runs and for the acts on runs."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.workspaces import Workspace


def _columns(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.runs import columns

    return columns.list_columns(workspace, **args)


def _details(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import runs

    return runs.get_runs(workspace, args["run_ids"])


def _metrics(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.runs import numbers
    from jupyter_mltrack.settings import data_dir

    run_id = run_alias(data_dir(), args.pop("run_id"))
    return numbers.metric_table(workspace, run_id, **args)


def _waiting_metrics(workspace: Workspace, args: dict[str, Any]) -> Any:
    """The same as journals know it; None when they do not know the run."""
    from jupyter_mltrack import runs
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.runs import numbers
    from jupyter_mltrack.settings import data_dir

    run = runs.waiting_runs(data_dir(), workspace.id).get(run_alias(data_dir(), args.pop("run_id")))
    return numbers.newest_table(run.newest, **args) if run and run.facts.born else None


def _tag(workspace: Workspace, args: dict[str, Any]) -> wire.RunsChanged:
    from jupyter_mltrack.runs import changing

    return changing.set_tag(workspace, **args)


def _rename(workspace: Workspace, args: dict[str, Any]) -> wire.RunsChanged:
    from jupyter_mltrack.runs import changing

    return changing.rename(workspace, **args)


def _delete(workspace: Workspace, args: dict[str, Any]) -> wire.RunsChanged:
    from jupyter_mltrack.runs import changing

    return changing.delete(workspace, **args)


def _restore(workspace: Workspace, args: dict[str, Any]) -> wire.RunsChanged:
    from jupyter_mltrack.runs import changing

    return changing.restore(workspace, **args)


def _stamp(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.runs import points

    return {"stamp": points.stamp(workspace, args["run_id"])}


def _running(workspace: Workspace, _args: dict[str, Any]) -> wire.RunPage:
    from jupyter_mltrack.runs import running

    return running.running_elsewhere(workspace)


def _where_is(workspace: Workspace, args: dict[str, Any]) -> bool:
    """Whether the run is in this workspace, which lies on this machine."""
    from jupyter_mltrack.runs import sqlite_store

    database = workspace.database
    if database is None:
        return False
    with sqlite_store.reading(database) as connection:
        return bool(connection and sqlite_store.known_ids(connection, [args["run_id"]]))


def _export(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import runs
    from jupyter_mltrack.exporting import run_files
    from jupyter_mltrack.render import View

    detail = runs.get_run(workspace, args["run_id"])
    shown = args["results"]
    view = None if shown is None else View(shown["plain"], shown["html"])
    text = run_files.content_of(detail, args["to"], workspace, view)
    return {"name": run_files.file_name(detail.summary.name, args["to"]), "text": text}


RUN_CALLS = {
    "where_is": _where_is,
    "running": _running,
    "run_stamp": _stamp,
    "run_columns": _columns,
    "run_details": _details,
    "run_metrics": _metrics,
    "waiting_metrics": _waiting_metrics,
    "tag_runs": _tag,
    "rename_run": _rename,
    "delete_runs": _delete,
    "restore_runs": _restore,
    "run_export": _export,
}
