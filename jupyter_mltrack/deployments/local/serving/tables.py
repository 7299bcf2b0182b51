"""What a model took or gave, as columns and rows of plain JSON values. Standard library only."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

_TEXT_MAX = 10_000
_COLUMNS_MAX = 10_000
Table = dict[str, list[Any]]


def head(value: Any, rows_max: int) -> tuple[int | None, Any]:
    """Return how many rows there are, and a copy of the first ones."""
    if hasattr(value, "iloc"):  # a DataFrame or a Series
        return len(value), value.iloc[:rows_max].copy()
    if hasattr(value, "shape") and hasattr(value, "dtype"):  # an array or a matrix
        count = int(value.shape[0]) if value.shape else 1
        few = value[:rows_max] if value.shape else value
        return count, few.copy() if hasattr(few, "copy") else copy.copy(few)
    if isinstance(value, list):
        return len(value), copy.deepcopy(value[:rows_max])
    if isinstance(value, Mapping):
        rows = _rows_of(value)
        return rows, {key: head(item, rows_max)[1] for key, item in value.items()}
    return 1, value


def table(value: Any, rows_max: int, names: list[str] | None = None) -> Table | None:
    """Return columns and rows; None where the value has no such shape.

    Args:
        value: a table, an array, a list, a dict of columns or a single value.
        rows_max: how many rows at most.
        names: of the columns, where the value does not name them itself.
    """
    found = _shape(value, rows_max)
    if found is None:
        return None
    columns, rows = found
    if len(columns) > _COLUMNS_MAX:
        return None
    if names and len(names) == len(columns) and columns == [str(i) for i in range(len(columns))]:
        columns = names
    return {"columns": columns, "data": [[plain(cell) for cell in row] for row in rows]}


def redact(found: Table | None, columns: frozenset[str]) -> Table | None:
    """Replace the values of some columns."""
    if found is None or not columns.intersection(found["columns"]):
        return found
    hidden = [name in columns for name in found["columns"]]
    rows = [
        ["[redacted]" if hide else cell for hide, cell in zip(hidden, row, strict=True)]
        for row in found["data"]
    ]
    return {"columns": found["columns"], "data": rows}


def plain(value: Any) -> Any:
    """Return the value as JSON can hold it; NaN and infinities become null."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return value[:_TEXT_MAX]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "isoformat"):
        return None if value != value else value.isoformat()  # noqa: PLR0124 (NaT)
    if hasattr(value, "tolist"):  # a scalar or an array of numpy
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    return str(value)[:_TEXT_MAX]


def _rows_of(columns: Mapping[Any, Any]) -> int | None:
    lengths = {len(item) for item in columns.values() if isinstance(item, list) or _is_array(item)}
    return lengths.pop() if len(lengths) == 1 else 1


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and bool(value.shape)


def _shape(value: Any, rows_max: int) -> tuple[list[str], list[list[Any]]] | None:
    if hasattr(value, "iloc"):
        few = value.iloc[:rows_max]
        if not hasattr(few, "columns"):  # a Series
            return ["0" if few.name is None else str(few.name)], [[cell] for cell in few.tolist()]
        columns = [few.iloc[:, place].tolist() for place in range(few.shape[1])]
        return [str(name) for name in few.columns], [
            list(row) for row in zip(*columns, strict=True)
        ]
    if hasattr(value, "toarray"):  # a sparse matrix
        return _shape(value[:rows_max].toarray(), rows_max)
    if hasattr(value, "shape") and hasattr(value, "tolist"):
        return _shape(value[:rows_max].tolist() if value.shape else [value.tolist()], rows_max)
    if isinstance(value, Mapping):
        return _columns(value, rows_max)
    if isinstance(value, (list, tuple)):
        return _rows(list(value[:rows_max]))
    return ["0"], [[value]]


def _columns(value: Mapping[Any, Any], rows_max: int) -> tuple[list[str], list[list[Any]]]:
    lists = {str(key): item.tolist() if _is_array(item) else item for key, item in value.items()}
    lengths = {len(item) for item in lists.values() if isinstance(item, list)}
    if len(lengths) == 1 and all(isinstance(item, list) for item in lists.values()):
        return list(lists), [
            list(row) for row in zip(*(item[:rows_max] for item in lists.values()), strict=True)
        ]
    return list(lists), [list(lists.values())]


def _rows(rows: list[Any]) -> tuple[list[str], list[list[Any]]]:
    if rows and all(isinstance(row, Mapping) for row in rows):
        names = list(dict.fromkeys(str(key) for row in rows for key in row))
        by_text = [{str(key): item for key, item in row.items()} for row in rows]
        return names, [[row.get(name) for name in names] for row in by_text]
    widths = {len(row) for row in rows if isinstance(row, (list, tuple))}
    if len(widths) == 1 and all(isinstance(row, (list, tuple)) for row in rows):
        return [str(place) for place in range(widths.pop())], [list(row) for row in rows]
    return ["0"], [[row] for row in rows]
