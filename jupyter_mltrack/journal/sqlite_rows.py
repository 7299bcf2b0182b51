"""Metric rows into MLflow's tables, fast: many rows a statement, ordered as the primary key is.

What is written equals what MLflow's own store writes for the same points (a test compares):
NaN is 0 with `is_nan`, infinities are the largest doubles, the same point twice is one row, and
`latest_metrics` holds the greatest by (step, time, value).
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain

LARGEST = 1.7976931348623157e308
_ROWS_A_STATEMENT = (64, 8, 1)

_INSERT = "INSERT OR IGNORE INTO metrics(key, value, timestamp, run_uuid, step, is_nan) VALUES "
_LATEST = (
    "INSERT INTO latest_metrics(key, value, timestamp, step, is_nan, run_uuid)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(key, run_uuid) DO UPDATE SET value = excluded.value,"
    " timestamp = excluded.timestamp, step = excluded.step, is_nan = excluded.is_nan"
    " WHERE (excluded.step, excluded.timestamp, excluded.value) > (step, timestamp, value)"
)


def _statement(rows: int) -> str:
    # ?1 is the key and ?2 the run: bound once for all rows of the statement
    groups = (f"(?1, ?{n}, ?{n + 1}, ?2, ?{n + 2}, 0)" for n in range(3, 3 + 3 * rows, 3))
    return _INSERT + ", ".join(groups)


_STATEMENTS = {rows: _statement(rows) for rows in _ROWS_A_STATEMENT}
_ONE = _INSERT + "(?, ?, ?, ?, ?, ?)"


class Columns:
    """Points of one run that share their keys, in the order they were logged."""

    __slots__ = ("run_id", "steps", "times", "values")

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.steps: list[int] = []
        self.times: list[int] = []
        self.values: list[tuple[float, ...]] = []


def sanitized(value: float) -> tuple[float, int]:
    """Return (value, is_nan) as MLflow's store keeps them."""
    if math.isnan(value):
        return 0.0, 1
    if math.isinf(value):
        return (LARGEST if value > 0 else -LARGEST), 0
    return value, 0


def insert_columns(
    connection: sqlite3.Connection, gathered: dict[tuple[str, tuple[str, ...]], Columns]
) -> int:
    """Insert points of many runs within the open transaction; returns how many there were.

    Args:
        connection: with a transaction open.
        gathered: (run id as born, keys) -> columns.
    """
    by_key: dict[str, list[tuple[int, str, Columns, Sequence[float]]]] = {}
    points = 0
    for (_, keys), columns in gathered.items():
        first_ms, run_id = columns.times[0], columns.run_id
        for key, column in zip(keys, zip(*columns.values, strict=True), strict=True):
            by_key.setdefault(key, []).append((first_ms, run_id, columns, column))
            points += len(column)
    for key in sorted(by_key):
        for _, run_id, columns, values in sorted(by_key[key], key=lambda part: part[:2]):
            _insert_one_key(connection, key, run_id, columns, values)
    return points


def _insert_one_key(
    connection: sqlite3.Connection, key: str, run_id: str, columns: Columns, column: Sequence[float]
) -> None:
    steps, times = columns.steps, columns.times
    if not math.isfinite(sum(column)) and not all(map(math.isfinite, column)):
        clean = [sanitized(value) for value in column]
        connection.executemany(
            _ONE,
            [
                (key, value, at, run_id, step, is_nan)
                for (value, is_nan), at, step in zip(clean, times, steps, strict=True)
            ],
        )
        _keep_latest(
            connection, key, run_id, zip(steps, times, *zip(*clean, strict=True), strict=True)
        )
        return
    at = 0
    flat = list(chain.from_iterable(zip(column, times, steps, strict=True)))
    total = len(column)
    for rows in _ROWS_A_STATEMENT:
        whole = (total - at) // rows
        if not whole:
            continue
        end = at + whole * rows
        width = 3 * rows
        head = (key, run_id)
        connection.executemany(
            _STATEMENTS[rows],
            [(*head, *flat[n : n + width]) for n in range(3 * at, 3 * end, width)],
        )
        at = end
    last = total - 1
    highest = max(steps)
    if steps[last] == highest and steps.count(highest) == 1:
        newest: Iterable[tuple[int, int, float, int]] = [(highest, times[last], column[last], 0)]
    else:
        newest = (
            (step, when, value, 0)
            for step, when, value in zip(steps, times, column, strict=True)
            if step == highest
        )
    _keep_latest(connection, key, run_id, newest)


def insert_points(
    connection: sqlite3.Connection, run_id: str, points: Iterable[tuple[str, float, int, int]]
) -> None:
    """Insert single points (key, value, step, timestamp_ms) within the open transaction."""
    for key, raw, step, at in points:
        value, is_nan = sanitized(raw)
        connection.execute(_ONE, (key, value, at, run_id, step, is_nan))
        _keep_latest(connection, key, run_id, [(step, at, value, is_nan)])


def _keep_latest(
    connection: sqlite3.Connection,
    key: str,
    run_id: str,
    points: Iterable[tuple[int, int, float, int]],
) -> None:
    step, at, value, is_nan = max(points, key=lambda point: point[:3])
    connection.execute(_LATEST, (key, value, at, step, is_nan, run_id))
