"""The datasets that a run used, as MLflow keeps them with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.models.files import fields_of
from jupyter_mltrack.tracking.redaction import redact

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from jupyter_mltrack.workspaces import Workspace

CONTEXT_TAG = "mlflow.data.context"
DATASETS_MAX = 100
COLUMNS_MAX = 500
_SOURCE_CHARACTERS = 2_000
_NOTE_CHARACTERS = 500
_COUNT_MAX = 2**53 - 1
_ASKED = (
    "SELECT i.input_uuid, d.name, d.digest, d.dataset_source, d.dataset_schema, d.dataset_profile"
    " FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id"
    " WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id = ?"
    " ORDER BY d.name LIMIT ?"
)


def datasets(workspace: Workspace, run_id: str) -> list[wire.DataInfo]:
    """The datasets of a run.

    Raises:
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.runs import client_store, sqlite_store

    if workspace.database is not None:
        with sqlite_store.reading(workspace.database) as connection:
            return _by_sql(connection, run_id) if connection is not None else []

    def question(client: MlflowClient) -> list[wire.DataInfo]:
        inputs = client.get_run(run_id).inputs
        return [
            _info(
                (
                    one.dataset.name,
                    one.dataset.digest,
                    one.dataset.source,
                    one.dataset.schema,
                    one.dataset.profile,
                ),
                {tag.key: tag.value for tag in one.tags or ()},
            )
            for one in (inputs.dataset_inputs if inputs else [])[:DATASETS_MAX]
        ]

    return client_store.ask(workspace, question)


def _by_sql(connection: Any, run_id: str) -> list[wire.DataInfo]:
    import sqlite3

    try:
        rows = connection.execute(_ASKED, (run_id, DATASETS_MAX)).fetchall()
    except sqlite3.OperationalError:  # a database from before MLflow knew of datasets
        return []
    found = []
    for number, *said in rows:
        tags = dict(
            connection.execute("SELECT name, value FROM input_tags WHERE input_uuid = ?", (number,))
        )
        found.append(_info(said, tags))
    return found


def _info(dataset: Sequence[Any], tags: dict[str, Any]) -> wire.DataInfo:
    """One dataset from its name, digest, source, schema and profile."""
    name, digest, source, schema, profile = dataset
    counted = _said(profile)
    note = counted.get("note")
    size = counted.get("size_bytes", counted.get("features_nbytes"))
    columns = _columns(_said(schema))
    return wire.DataInfo(
        name=str(name or ""),
        digest=str(digest or ""),
        source=_source(source),
        context=str(tags.get(CONTEXT_TAG) or ""),
        rows=_count(counted.get("num_rows")),
        shape=_shape(counted, columns),
        size_bytes=_count(size),
        columns=columns,
        note=redact(note)[:_NOTE_CHARACTERS] if isinstance(note, str) else "",
    )


def _said(text: Any) -> dict[str, Any]:
    try:
        said = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _source(text: Any) -> str:
    """Where the data came from: its address, else what MLflow says, without secrets."""
    said = _said(text)
    for key in ("uri", "url", "path", "table_name", "delta_table_name"):
        if isinstance(said.get(key), str):
            return redact(said[key])[:_SOURCE_CHARACTERS]
    tags = said.get("tags")
    if isinstance(tags, dict):  # data that code made: MLflow names the code's file
        return redact(str(tags.get("mlflow.source.name") or ""))[:_SOURCE_CHARACTERS]
    return redact(str(text or ""))[:_SOURCE_CHARACTERS]


def _count(said: Any) -> int | None:
    """A number of things; None for anything else, and for a number that JavaScript cannot hold."""
    plain = isinstance(said, int) and not isinstance(said, bool)
    return said if plain and 0 <= said <= _COUNT_MAX else None


def _shape(profile: dict[str, Any], columns: Sequence[wire.ModelField]) -> list[int]:
    """Lengths as the profile tells them; a table's width is that of all its columns."""
    told = profile.get("features_shape")
    if isinstance(told, list):
        lengths = [_count(one) for one in told]
        return [one for one in lengths if one is not None] if None not in lengths else []
    rows, elements = _count(profile.get("num_rows")), _count(profile.get("num_elements"))
    if rows is None:
        return []
    if rows and elements and elements % rows == 0:
        return [rows, elements // rows]
    return [rows, len(columns)] if columns and columns[0].shape is None else [rows]


def _columns(schema: dict[str, Any]) -> list[wire.ModelField]:
    spec = schema.get("mlflow_colspec")
    if spec is None:
        tensors = schema.get("mlflow_tensorspec")
        spec = []
        for part in ("features", "targets"):
            found = tensors.get(part) if isinstance(tensors, dict) else None
            text = found.get("spec", found) if isinstance(found, dict) else found
            spec += _listed(text)
    return fields_of(_listed(spec)[:COLUMNS_MAX])


def _listed(spec: Any) -> list[Any]:
    if isinstance(spec, str):
        try:
            spec = json.loads(spec)
        except (ValueError, RecursionError):
            return []
    return spec if isinstance(spec, list) else []
