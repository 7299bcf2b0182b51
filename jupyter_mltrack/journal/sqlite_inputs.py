"""Datasets of a run into MLflow's SQLite tables, as MLflow's own `log_inputs` writes them.

So that what a run used is in the store without importing MLflow. Calls that name models too are
left to MLflow.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from typing import Any

from jupyter_mltrack import wire


def is_plain(call: wire.RunCall) -> bool:
    """Say whether the call holds datasets only, each with all that its row needs."""
    if call.method != "log_inputs":
        return False
    body = _body(call)
    return not body.get("models") and all(map(_is_whole, body.get("datasets") or ()))


def add(connection: sqlite3.Connection, run_id: str, call: wire.RunCall) -> None:
    """Add the datasets of a call that `is_plain`; what is there already stays as it is."""
    (experiment_id,) = connection.execute(
        "SELECT experiment_id FROM runs WHERE run_uuid = ?", (run_id,)
    ).fetchone()
    for entry in _body(call).get("datasets") or ():
        dataset = entry["dataset"]
        connection.execute(
            "INSERT OR IGNORE INTO datasets(dataset_uuid, experiment_id, name, digest,"
            " dataset_source_type, dataset_source, dataset_schema, dataset_profile)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(uuid.uuid4().hex, experiment_id, dataset["name"], dataset["digest"]),
                *(dataset["source_type"], dataset["source"]),
                *(dataset.get("schema"), dataset.get("profile")),
            ),
        )
        (dataset_id,) = connection.execute(
            "SELECT dataset_uuid FROM datasets WHERE experiment_id = ? AND name = ? AND digest = ?",
            (experiment_id, dataset["name"], dataset["digest"]),
        ).fetchone()
        _add_input(connection, dataset_id, run_id, entry.get("tags") or [])


def _add_input(
    connection: sqlite3.Connection, dataset_id: str, run_id: str, tags: list[dict[str, str]]
) -> None:
    input_id = uuid.uuid4().hex
    added = connection.execute(
        "INSERT OR IGNORE INTO inputs(input_uuid, source_type, source_id, destination_type,"
        " destination_id) VALUES (?, 'DATASET', ?, 'RUN', ?)",
        (input_id, dataset_id, run_id),
    )
    if added.rowcount:
        connection.executemany(
            "INSERT INTO input_tags(input_uuid, name, value) VALUES (?, ?, ?)",
            [(input_id, tag["key"], tag["value"]) for tag in tags],
        )


def _body(call: wire.RunCall) -> dict[str, Any]:
    try:
        body = json.loads(call.body)
    except ValueError:
        return {"models": ["not readable"]}
    return body if isinstance(body, dict) else {"models": ["not readable"]}


def _is_whole(entry: Any) -> bool:
    """Say whether MLflow would take the dataset as it is: every text there, and not too long."""
    try:
        dataset, tags = entry["dataset"], entry.get("tags") or []
        texts = [dataset["name"], dataset["digest"], dataset["source_type"], dataset["source"]]
        limits = (500, 36, 36, 65_535)
        return (
            all(isinstance(one, str) for one in texts)
            and all(0 < len(one) <= limit for one, limit in zip(texts, limits, strict=True))
            and len(dataset.get("schema") or "") <= _SCHEMA_MAX
            and len(dataset.get("profile") or "") <= _PROFILE_MAX
            and len({tag["key"] for tag in tags}) == len(tags)
            and all(len(tag["key"]) <= 255 and len(tag["value"]) <= 500 for tag in tags)
        )
    except (KeyError, TypeError, AttributeError):
        return False


_SCHEMA_MAX = 1_048_575
_PROFILE_MAX = 16_777_215
