"""A page of runs by SQL, in MLflow's order, continued behind the last row of the page before.

A page never counts over the rows before it: its token holds what the last row was sorted by, so
the thousandth page costs what the second does, and runs that come on top move nothing.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Sequence
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.runs import tags
from jupyter_mltrack.runs.query import Clauses, Order, Wanted, clauses, parse_filter
from jupyter_mltrack.runs.sqlite_store import LISTED_METRICS, RUN_COLUMNS, summaries

_NUMBER_MAX = 2**62
_TOKEN_TEXT_MAX = 200
"""Longer texts are looked up again: a token must fit into an address."""
_NEWEST_FIRST = [Order("attribute", "start_time", ascending=False)]
_PARENT_HERE = (
    "EXISTS (SELECT 1 FROM tags n JOIN runs p ON p.run_uuid = n.value"
    " WHERE n.run_uuid = r.run_uuid AND n.key = ? AND n.value != r.run_uuid"
    " AND p.lifecycle_stage = ?{same})"
)


def page(
    connection: sqlite3.Connection, workspace_id: str, wanted: Wanted, experiment_id: str | None
) -> wire.RunPage | None:
    """A page of runs in MLflow's order; None when MLflow itself must answer the filter."""
    made = fitting(wanted, experiment_id)
    if made is None:
        return None
    mark = _read_token(wanted.page_token) if wanted.page_token else {}
    total = mark.get("total")
    if not isinstance(total, int):  # counted once, for the first page
        counted = f"SELECT COUNT(*) {_from(made)}"
        total = int(connection.execute(counted, made.join_values + made.where_values).fetchone()[0])
    if mark:
        _continue(connection, made, mark)
    sorted_by = ", ".join(f"{part} AS sorted_{at}" for at, (part, _) in enumerate(made.order))
    rows = connection.execute(
        f"SELECT {RUN_COLUMNS}, {sorted_by} {_from(made)}{_order(made)} LIMIT ?",
        [*made.join_values, *made.where_values, wanted.limit + 1],
    ).fetchall()
    token = None
    width = len(made.order)
    if len(rows) > wanted.limit:
        last = rows[wanted.limit - 1]
        token = _token(last[0], last[-width:], total)
    shown = [row[:-width] for row in rows[: wanted.limit]]
    found = summaries(connection, workspace_id, shown, LISTED_METRICS, wanted)
    return wire.RunPage(runs=found, next_page_token=token, total=total)


def newest_ids(
    connection: sqlite3.Connection, wanted: Wanted, experiment_id: str | None
) -> list[str] | None:
    """Ids of the first `limit` runs that fit; None when MLflow itself must answer the filter."""
    made = fitting(wanted, experiment_id)
    if made is None:
        return None
    asked = f"SELECT r.run_uuid {_from(made)}{_order(made)} LIMIT ?"
    values = [*made.join_values, *made.where_values, wanted.limit]
    return [row[0] for row in connection.execute(asked, values)]


def fitting(wanted: Wanted, experiment_id: str | None) -> Clauses | None:
    """The clauses of everything that is wanted; None when MLflow must answer the filter."""
    parsed = parse_filter(wanted.filter) if wanted.filter else []
    made = clauses(parsed, list(wanted.order) or _NEWEST_FIRST)
    if made is None:
        return None
    made.where += ["r.lifecycle_stage = ?", "e.lifecycle_stage = 'active'"]
    made.where_values.append(wanted.stage)
    if experiment_id is not None:
        made.where.append("r.experiment_id = ?")
        made.where_values.append(int(experiment_id) if experiment_id.isdigit() else -1)
    if wanted.roots:
        same = " AND p.experiment_id = r.experiment_id" if experiment_id is not None else ""
        made.where.append(f"NOT {_PARENT_HERE.format(same=same)}")
        made.where_values += [tags.PARENT, wanted.stage]
    if wanted.parent is not None:
        made.where.append(
            "r.run_uuid IN (SELECT n.run_uuid FROM tags n WHERE n.key = ? AND n.value = ?)"
            " AND r.run_uuid != ?"
        )
        made.where_values += [tags.PARENT, wanted.parent, wanted.parent]
    _add_words(made, wanted.text)
    return made


def _add_words(made: Clauses, text: str | None) -> None:
    for word in (text or "").split():
        folded = word.casefold()
        fold = "lower" if folded.isascii() else "fold"  # SQLite's own knows ASCII only, and is fast
        made.where.append(
            f"instr({fold}(r.name), ?) OR instr({fold}(e.name), ?) OR r.run_uuid = ?"
            " OR substr(r.run_uuid, 1, ?) = ? OR EXISTS (SELECT 1 FROM tags n WHERE"
            f" n.run_uuid = r.run_uuid AND n.key IN (?, ?) AND instr({fold}(n.value), ?))"
        )
        made.where_values += [
            folded, folded, word, max(4, len(word)), word, tags.NOTEBOOK, tags.SOURCE_NAME, folded,
        ]  # fmt: skip


def _from(made: Clauses) -> str:
    joins = " ".join(made.joins)
    where = " AND ".join(f"({part})" for part in made.where)
    return (
        f"FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id {joins} WHERE {where}"
    )


def _order(made: Clauses) -> str:
    terms = [f"{part} {'ASC' if ascending else 'DESC'}" for part, ascending in made.order]
    return f" ORDER BY {', '.join(terms)}"


# ------------------------------------------------------------------------------- tokens


def _token(run_id: str, values: Sequence[Any], total: int) -> str:
    mark: dict[str, Any] = {"run": run_id, "total": total}
    texts = [value for value in values if isinstance(value, str)]
    if all(len(text) <= _TOKEN_TEXT_MAX for text in texts):
        mark["after"] = list(values)
    return json.dumps(mark, ensure_ascii=False)


def _continue(connection: sqlite3.Connection, made: Clauses, mark: dict[str, Any]) -> None:
    """Leave only the rows behind the one that the token speaks of."""
    values = mark.get("after")
    if values is None:
        values = _looked_up(connection, made, mark["run"])
    if len(values) != len(made.order):
        raise _no_token()
    behind: list[str] = []
    same: list[str] = []
    placed: list[Any] = []
    for at, ((part, ascending), value) in enumerate(zip(made.order, values, strict=True)):
        step, step_values = _behind(part, value, ascending=ascending)
        behind.append(" AND ".join([*same, f"({step})"]))
        placed += [*values[:at], *step_values]
        same.append(f"{part} IS ?")
    made.where.append(" OR ".join(f"({part})" for part in behind))
    made.where_values += placed


def _behind(part: str, value: Any, *, ascending: bool) -> tuple[str, list[Any]]:
    """What comes later than `value`; SQLite sorts null before everything."""
    if ascending:
        return (f"{part} IS NOT NULL", []) if value is None else (f"{part} > ?", [value])
    return ("0", []) if value is None else (f"{part} < ? OR {part} IS NULL", [value])


def _looked_up(connection: sqlite3.Connection, made: Clauses, run_id: str) -> Sequence[Any]:
    parts = ", ".join(part for part, _ in made.order)
    joins = " ".join(made.joins)
    row = connection.execute(
        f"SELECT {parts} FROM runs r {joins} WHERE r.run_uuid = ?", [*made.join_values, run_id]
    ).fetchone()
    if row is None:
        raise _no_token()
    return list(row)


def _read_token(token: str) -> dict[str, Any]:
    try:
        mark = json.loads(token)
    except (ValueError, RecursionError):
        mark = None
    if not isinstance(mark, dict) or not isinstance(mark.get("run"), str):
        raise _no_token()
    values = mark.get("after")
    if values is not None and not (isinstance(values, list) and all(map(_is_value, values))):
        raise _no_token()
    return mark


def _is_value(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < _NUMBER_MAX
    return value is None or isinstance(value, str)


def _no_token() -> UsageError:
    return UsageError("The page token is none of ours.", "Ask for the first page.")
