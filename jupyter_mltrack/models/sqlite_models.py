"""Read registered models by SQL from a SQLite store that MLflow made; equal to MLflow's answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.runs import sqlite_store

LISTED_VERSIONS = 5
_DELETED = "Deleted_Internal"
_MODEL = "name, creation_time, last_updated_time, description"
_VERSION = (
    "v.name, v.version, v.creation_time, v.last_updated_time, v.status, v.current_stage, v.run_id,"
    " r.name, v.source, v.description"
)
_FROM = "model_versions v LEFT JOIN runs r ON r.run_uuid = v.run_id"


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection that only reads; None when there is no database with MLflow's tables of models.

    Raises:
        Unreachable: the file is locked or cannot be opened.
        WorkspaceError: the file is damaged or is no SQLite database.
    """
    with sqlite_store.reading(path) as connection:
        found = 0
        if connection is not None:
            (found,) = connection.execute(
                "SELECT COUNT(*) FROM sqlite_master WHERE name IN"
                " ('registered_models', 'model_versions', 'registered_model_aliases')"
            ).fetchone()
        yield connection if found == 3 else None


def page(
    connection: sqlite3.Connection, workspace_id: str, words: Sequence[str], limit: int, offset: int
) -> wire.ModelPage:
    """Models whose names hold all `words`, the one changed last first."""
    where = " AND ".join(["instr(fold(name), ?) > 0"] * len(words)) or "1"
    folded = [word.casefold() for word in words]
    total = connection.execute(
        f"SELECT COUNT(*) FROM registered_models WHERE {where}", folded
    ).fetchone()[0]
    rows = connection.execute(
        f"SELECT {_MODEL} FROM registered_models WHERE {where}"
        " ORDER BY last_updated_time DESC, name LIMIT ? OFFSET ?",
        [*folded, limit, offset],
    ).fetchall()
    models = [_model(connection, workspace_id, row, LISTED_VERSIONS) for row in rows]
    after = offset + len(rows)
    token = str(after) if after < total else None
    return wire.ModelPage(models=models, next_page_token=token, total=total)


def model(
    connection: sqlite3.Connection, workspace_id: str, name: str, versions: int
) -> wire.ModelInfo | None:
    """One model with its newest versions; None when there is none of that name."""
    row = connection.execute(
        f"SELECT {_MODEL} FROM registered_models WHERE name = ?", [name]
    ).fetchone()
    return None if row is None else _model(connection, workspace_id, row, versions)


def version(connection: sqlite3.Connection, name: str, number: str) -> wire.ModelVersionInfo | None:
    """One version; None when there is none."""
    rows = connection.execute(
        f"SELECT {_VERSION} FROM {_FROM}"
        " WHERE v.name = ? AND v.version = ? AND v.current_stage != ?",
        [name, int(number), _DELETED],
    ).fetchall()
    return next(iter(_versions(connection, rows)), None)


def of_run(connection: sqlite3.Connection, run_id: str, limit: int) -> list[wire.ModelVersionInfo]:
    """Versions that were made by a run, the newest first."""
    rows = connection.execute(
        f"SELECT {_VERSION} FROM {_FROM} WHERE v.run_id = ? AND v.current_stage != ?"
        " ORDER BY v.creation_time DESC, v.name LIMIT ?",
        [run_id, _DELETED, limit],
    ).fetchall()
    return _versions(connection, rows)


def location(connection: sqlite3.Connection, name: str, number: str) -> str | None:
    """Where the files of a version lie: what MLflow's `get_model_version_download_uri` says."""
    row = connection.execute(
        "SELECT COALESCE(storage_location, source) FROM model_versions"
        " WHERE name = ? AND version = ?",
        [name, int(number)],
    ).fetchone()
    if row is None:
        return None
    found = str(row[0] or "")
    return found or None


def _model(
    connection: sqlite3.Connection, workspace_id: str, row: tuple[Any, ...], versions: int
) -> wire.ModelInfo:
    name = row[0]
    rows = connection.execute(
        f"SELECT {_VERSION} FROM {_FROM} WHERE v.name = ? AND v.current_stage != ?"
        " ORDER BY v.version DESC LIMIT ?",
        [name, _DELETED, versions],
    ).fetchall()
    count = connection.execute(
        "SELECT COUNT(*) FROM model_versions WHERE name = ? AND current_stage != ?",
        [name, _DELETED],
    ).fetchone()[0]
    aliases = connection.execute(
        "SELECT alias, version FROM registered_model_aliases WHERE name = ? ORDER BY alias", [name]
    )
    tags = connection.execute(
        "SELECT key, value FROM registered_model_tags WHERE name = ? ORDER BY key", [name]
    )
    return wire.ModelInfo(
        name=name,
        workspace_id=wire.WorkspaceId(workspace_id),
        created_ms=int(row[1] or 0),
        updated_ms=int(row[2] or 0),
        description=row[3] or "",
        tags=_pairs(tags),
        aliases=_pairs(aliases),
        versions=_versions(connection, rows),
        version_count=count,
    )


def _versions(
    connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]
) -> list[wire.ModelVersionInfo]:
    run_ids = sorted({row[6] for row in rows if row[6]})
    metrics, _ = sqlite_store.newest_metrics(connection, run_ids, sqlite_store.LISTED_METRICS)
    made = []
    for name, number, created, updated, status, stage, run_id, run_name, source, words in rows:
        aliases = connection.execute(
            "SELECT alias FROM registered_model_aliases"
            " WHERE name = ? AND version = ? ORDER BY alias",
            [name, number],
        )
        tags = connection.execute(
            "SELECT key, value FROM model_version_tags WHERE name = ? AND version = ? ORDER BY key",
            [name, number],
        )
        made.append(
            wire.ModelVersionInfo(
                name=name,
                version=str(number),
                created_ms=int(created or 0),
                updated_ms=int(updated or 0),
                status=status or "READY",
                aliases=[alias for (alias,) in aliases],
                stage=None if stage in (None, "None") else stage,
                run_id=wire.RunId(run_id) if run_id else None,
                run_name=run_name,
                source=source or "",
                description=words or "",
                tags=_pairs(tags),
                metrics=metrics.get(run_id, []),
            )
        )
    return made


def _pairs(rows: Iterable[tuple[Any, Any]]) -> list[wire.Pair]:
    return [
        wire.Pair(key=str(key), value="" if value is None else str(value)) for key, value in rows
    ]
