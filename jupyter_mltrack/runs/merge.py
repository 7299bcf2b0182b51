"""Put runs that only journals know among the rows of the store, in the order that was asked for."""

from __future__ import annotations

import math
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.runs.query import Order

_ATTRIBUTES = {"run_name": "name", "created": "start_ms", "start_time": "start_ms", "end_time": "end_ms"}


def merged(
    rows: list[wire.RunSummary], new: list[wire.RunSummary], order: list[Order]
) -> list[wire.RunSummary]:
    """Both in one order. Terms that a row does not hold (parameters, tags) leave the new at the end."""
    if any(term.kind in ("parameter", "tag") for term in order):
        return rows + new
    made = sorted(rows + new, key=lambda row: (-row.start_ms, row.run_id))
    for term in reversed(order):
        made.sort(key=lambda row, term=term: _rank(row, term))  # type: ignore[misc]
    return made


def _rank(row: wire.RunSummary, term: Order) -> tuple[int, Any]:
    """MLflow's rule: values, then NaN, then rows without one, whichever way the order goes."""
    if term.kind == "metric":
        found = next((one for one in row.metrics if one.key == term.key), None)
        if found is None:
            return (2, 0.0)
        number = float(found.text)
        if math.isnan(number):
            return (1, 0.0)
        return (0, number if term.ascending else -number)
    value = getattr(row, _ATTRIBUTES.get(term.key, term.key), None)
    if value is None:
        return (1, 0)
    if isinstance(value, str):
        return (0, value if term.ascending else tuple(-ord(character) for character in value))
    return (0, value if term.ascending else -value)
