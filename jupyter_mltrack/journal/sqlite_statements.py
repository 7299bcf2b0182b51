"""Single statements on MLflow's tables, each with the meaning of MLflow's own store method."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from jupyter_mltrack import wire
from jupyter_mltrack.journal import sqlite_rows

PARAM_CHARACTERS_MAX = 6000
TAG_CHARACTERS_MAX = 8000
RUN_NAME_TAG = "mlflow.runName"


def find_experiment(
    connection: sqlite3.Connection, where: str, value: int | str
) -> tuple[int, str, str] | None:
    """Return (id, artifact location, lifecycle stage); None when there is none."""
    row = connection.execute(
        f"SELECT experiment_id, artifact_location, lifecycle_stage FROM experiments WHERE {where}",
        (value,),
    ).fetchone()
    return (int(row[0]), str(row[1] or ""), str(row[2])) if row else None


def join(location: str, *parts: str) -> str:
    """Append to an address, before its query."""
    base, mark, query = location.partition("?")
    return "/".join([base.rstrip("/"), *parts]) + mark + query


def set_tag(connection: sqlite3.Connection, run_id: str, key: str, value: str) -> None:
    """Set a tag; the one for the run's name renames the run too."""
    value = value[:TAG_CHARACTERS_MAX]
    if key == RUN_NAME_TAG:
        if not value:
            return
        connection.execute("UPDATE runs SET name = ? WHERE run_uuid = ?", (value, run_id))
    connection.execute(
        "INSERT INTO tags(key, value, run_uuid) VALUES (?, ?, ?)"
        " ON CONFLICT(key, run_uuid) DO UPDATE SET value = excluded.value",
        (key, value, run_id),
    )


def add_params(connection: sqlite3.Connection, run_id: str, params: dict[str, str]) -> None:
    """Add parameters; one that is there already stays as it is."""
    connection.executemany(
        "INSERT OR IGNORE INTO params(key, value, run_uuid) VALUES (?, ?, ?)",
        [(key, value[:PARAM_CHARACTERS_MAX], run_id) for key, value in params.items()],
    )


def update_run(connection: sqlite3.Connection, run_id: str, **columns: str | int) -> None:
    """Change columns of a run."""
    sets = ", ".join(f"{name} = ?" for name in columns)
    connection.execute(f"UPDATE runs SET {sets} WHERE run_uuid = ?", (*columns.values(), run_id))


def add_metrics(
    connection: sqlite3.Connection, run_id: str, metrics: Sequence[wire.MetricPoint]
) -> int:
    """Add single points; returns how many."""
    points = [(m.key, number_of(m.value), m.step, m.timestamp_ms) for m in metrics]
    sqlite_rows.insert_points(connection, run_id, points)
    for metric, (key, raw, step, at) in zip(metrics, points, strict=True):
        if metric.model_id is None:
            continue
        connection.execute(
            "INSERT OR IGNORE INTO logged_model_metrics(model_id, metric_name, metric_timestamp_ms,"
            " metric_step, metric_value, experiment_id, run_id, dataset_uuid, dataset_name,"
            " dataset_digest)"
            " SELECT ?, ?, ?, ?, ?, experiment_id, run_uuid, NULL, ?, ? FROM runs"
            " WHERE run_uuid = ? AND EXISTS (SELECT 1 FROM logged_models WHERE model_id = ?)",
            (
                *(metric.model_id, key, at, step, sqlite_rows.sanitized(raw)[0]),
                *(metric.dataset_name, metric.dataset_digest, run_id, metric.model_id),
            ),
        )
    return len(points)


def number_of(text: str) -> float:
    """Return the double nearest to a number given as text; whole numbers may have any size."""
    try:
        return float(text)
    except OverflowError:
        return float("-inf") if text.startswith("-") else float("inf")
