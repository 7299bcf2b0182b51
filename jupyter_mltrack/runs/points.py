"""Points of a run from its store; a long history is read once and then lies here as a series file.

The copy is of an ended run, with a stamp of what the store said of its newest values: who draws
from it asks for the stamp first, so that points which came later from elsewhere are not missed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack import wire
from jupyter_mltrack.journal.columns import Points, Window
from jupyter_mltrack.journal.facts import ENDED, RunFacts

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

COLUMNS_MAX = 500
COPIED_POINTS_MIN = 2_000
"""Shorter histories come from the store as fast as from a file."""
ANSWER_POINTS_MAX = 200_000


def series(
    workspace: Workspace,
    run_id: str,
    keys: Sequence[str] | None = None,
    max_points: int = 2_000,
    *,
    window: Window | None = None,
    copies: Path | None = None,
) -> wire.Series:
    """Points of a run from its store, thinned to `max_points` a metric; for runs without a journal.

    Args:
        workspace: whose run.
        run_id: the run.
        keys: the metrics; None for the first ones.
        max_points: of each metric; fewer where there are many metrics.
        window: only what lies within it.
        copies: data folder in which a long history of an ended run is kept as a series file.

    Raises:
        NotFound: the store does not know the run.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.runs import store_detail

    detail = store_detail(workspace, run_id)
    every = [value.key for value in detail.summary.metrics]
    wanted = list(keys) if keys is not None else every[:COLUMNS_MAX]
    hidden = detail.summary.hidden_metrics + (len(every) - len(wanted) if keys is None else 0)
    found = _points(workspace, run_id, wanted, window)
    if copies is not None and window is None and detail.summary.status in ENDED:
        _keep_copy(copies, detail.summary, found, every)
    room = max(10, min(max_points, ANSWER_POINTS_MAX // max(1, len(found))))
    return wire.Series(
        run_id=wire.RunId(run_id),
        status=detail.summary.status,
        columns=[points.column(key, 0, room) for key, points in found.items()],
        cursor=0,
        reset=True,
        hidden_columns=hidden,
    )


def _points(
    workspace: Workspace, run_id: str, keys: Sequence[str], window: Window | None
) -> dict[str, Points]:
    from jupyter_mltrack.runs import client_store, sqlite_store

    database = workspace.database
    if database is not None:
        with sqlite_store.reading(database) as connection:
            if connection is None:
                return {}
            return dict(sqlite_store.points(connection, run_id, keys, window))
    found = {}
    for key, steps, times, values in client_store.points(workspace, run_id, keys, COLUMNS_MAX):
        points = Points()
        points.extend(1, steps, times, values)
        found[key] = points.within(window) if window is not None else points
    return found


def _keep_copy(
    data_dir: Path, run: wire.RunSummary, columns: dict[str, Points], every: list[str]
) -> None:
    import contextlib

    from jupyter_mltrack.journal.copied import keep_copy

    if sum(points.total for points in columns.values()) < COPIED_POINTS_MIN:
        return
    facts = RunFacts(
        run_id=run.run_id,
        workspace_id=run.workspace_id,
        name=run.name,
        status=run.status,
        start_ms=run.start_ms,
        end_ms=run.end_ms,
        born=True,
    )
    with contextlib.suppress(OSError):  # the answer stands; the next one is read again
        keys = None if run.hidden_metrics else every
        keep_copy(data_dir, facts, columns, stamp_of(run), keys)


def stamp(workspace: Workspace, run_id: str) -> str:
    """The stamp of a run as its store has it now.

    Raises:
        NotFound: the store does not know the run.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.runs import store_detail

    return stamp_of(store_detail(workspace, run_id).summary)


def stamp_of(run: wire.RunSummary) -> str:
    """What changes when the run goes on: its state and the newest value of each metric."""
    said = [run.status, str(run.end_ms), str(run.hidden_metrics)]
    newest = sorted((one.key, one.text, one.step, one.timestamp_ms) for one in run.metrics)
    return hashlib.sha256(repr([*said, newest]).encode()).hexdigest()[:16]
