"""Metrics of a run in numbers, from its store: aggregates by SQL, elsewhere from the histories."""

from __future__ import annotations

import math
import sqlite3
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import NotFound
from jupyter_mltrack.journal.numbers import keys_of_page, stat_of
from jupyter_mltrack.runs.sqlite_store import chunks, marks, metric_value

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from jupyter_mltrack.workspaces import Workspace

HISTORIES_S = 3.0
"""How long the histories of a page are fetched from a store elsewhere; the rest is not counted."""


def metric_table(
    workspace: Workspace, run_id: str, *, search: str = "", offset: int = 0, limit: int = 200
) -> wire.MetricTable:
    """A page of the metrics of a run. A `count` of 0 says that the points could not be counted.

    Raises:
        NotFound: the store does not know the run.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.runs import sqlite_store

    database = workspace.database
    if database is None:
        return _by_client(workspace, run_id, search, offset, limit)
    with sqlite_store.reading(database) as connection:
        if connection is None or not sqlite_store.known_ids(connection, [run_id]):
            raise NotFound(
                f"No run {run_id!r} in this workspace.", "The runs it has: %mltrack runs"
            )
        newest = {
            row[0]: metric_value(*row)
            for row in connection.execute(
                "SELECT key, value, is_nan, step, timestamp FROM latest_metrics WHERE run_uuid = ?",
                (run_id,),
            )
        }
        keys, total = keys_of_page(newest, search, offset, limit)
        found: dict[str, wire.MetricStat] = {}
        for some in chunks(keys):
            found |= _by_sql(connection, run_id, some, newest)
    return wire.MetricTable(metrics=[found[key] for key in keys], total=total)


def newest_table(
    newest: dict[str, wire.MetricValue], *, search: str = "", offset: int = 0, limit: int = 200
) -> wire.MetricTable:
    """A page of metrics of which only the newest values are known."""
    from jupyter_mltrack.journal.columns import Points

    keys, total = keys_of_page(newest, search, offset, limit)
    return wire.MetricTable(metrics=[_stat(newest[key], Points()) for key in keys], total=total)


def _by_sql(
    connection: sqlite3.Connection,
    run_id: str,
    keys: Sequence[str],
    newest: dict[str, wire.MetricValue],
) -> dict[str, wire.MetricStat]:
    where = f"FROM metrics WHERE run_uuid = ? AND key IN ({marks(keys)})"
    given = [run_id, *keys]
    counts = dict(connection.execute(f"SELECT key, COUNT(*) {where} GROUP BY key", given))
    # MLflow keeps the largest float in place of an infinity, and NaN as 0 beside a flag.
    finite = f"{where} AND is_nan = 0 AND abs(value) < {sys.float_info.max!r} GROUP BY key"
    # A bare column beside one min() or max() comes from the row that has it: SQLite says so.
    low = {
        row[0]: row
        for row in connection.execute(f"SELECT key, MIN(value), step, AVG(value) {finite}", given)
    }
    high = {
        row[0]: row for row in connection.execute(f"SELECT key, MAX(value), step {finite}", given)
    }
    found = {}
    for key in keys:
        last = newest[key]
        _, minimum, minimum_step, mean = low.get(key, (key, None, None, None))
        _, maximum, maximum_step = high.get(key, (key, None, None))
        if mean is not None and not math.isfinite(mean):
            mean = _scaled_mean(connection, run_id, key)
        found[key] = wire.MetricStat(
            key=key,
            last=last.value,
            text=last.text,
            minimum=minimum,
            maximum=maximum,
            mean=mean,
            minimum_step=minimum_step,
            maximum_step=maximum_step,
            count=counts.get(key, 0),
            step=last.step,
            timestamp_ms=last.timestamp_ms,
        )
    return found


def _scaled_mean(connection: sqlite3.Connection, run_id: str, key: str) -> float | None:
    """The mean where the sum of the values is beyond any float."""
    scale = 2.0**-512
    row = connection.execute(
        "SELECT AVG(value * ?) FROM metrics WHERE run_uuid = ? AND key = ? AND is_nan = 0"
        f" AND abs(value) < {sys.float_info.max!r}",
        (scale, run_id, key),
    ).fetchone()
    return float(row[0]) / scale


def _by_client(
    workspace: Workspace, run_id: str, search: str, offset: int, limit: int
) -> wire.MetricTable:
    from jupyter_mltrack.journal.columns import Points
    from jupyter_mltrack.runs import client_store

    def question(client: MlflowClient) -> wire.MetricTable:
        run = client.get_run(run_id)
        newest = {metric.key: client_store.value_of(metric) for metric in run.data._metric_objs}
        keys, total = keys_of_page(newest, search, offset, limit)
        until_s = time.monotonic() + HISTORIES_S
        found = []
        for key in keys:
            points = Points()
            if time.monotonic() < until_s:
                history = client.get_metric_history(run_id, key)
                steps = [point.step or 0 for point in history]
                times = [point.timestamp or 0 for point in history]
                points.extend(0, steps, times, [float(point.value) for point in history])
            found.append(_stat(newest[key], points))
        return wire.MetricTable(metrics=found, total=total)

    return client_store.ask(workspace, question)


def _stat(newest: wire.MetricValue, points: object) -> wire.MetricStat:
    from jupyter_mltrack.journal.columns import Points

    assert isinstance(points, Points)
    if not len(points.values):
        points.add_exact(0, newest.step, newest.timestamp_ms, newest.text)
        only = stat_of(newest.key, points)
        return msgspec.structs.replace(
            only, minimum=None, maximum=None, mean=None, minimum_step=None, maximum_step=None,
            count=0,
        )  # fmt: skip
    made = stat_of(newest.key, points)
    return msgspec.structs.replace(
        made, last=newest.value, text=newest.text, step=newest.step,
        timestamp_ms=newest.timestamp_ms,
    )  # fmt: skip
