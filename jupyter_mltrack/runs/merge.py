"""Lay what journals know over a page of the store: newer values, and runs it has not got yet."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.runs.query import Order, Wanted
from jupyter_mltrack.runs.waiting import WaitingRun

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

DEFAULT_EXPERIMENT = ("0", "Default")
_DEFAULTS = ((None, None), (None, "0"))
_ATTRIBUTES = {
    "run_name": "name",
    "created": "start_ms",
    "start_time": "start_ms",
    "end_time": "end_ms",
}


def laid_over(
    page: wire.RunPage, workspace: Workspace, waiting: dict[str, WaitingRun], wanted: Wanted
) -> wire.RunPage:
    """The page with newer values, and on the first page with the runs the store has not got."""
    if not waiting or wanted.deleted:
        return page
    rows = [
        waiting[row.run_id].over(row, wanted) if row.run_id in waiting else row for row in page.runs
    ]
    new: list[wire.RunSummary] = []
    if not wanted.filter:
        unborn = [run for run in waiting.values() if run.facts.born and fits(run, wanted)]
        known = _known_ids(workspace, [run.run_id for run in unborn], page)
        unborn = [run for run in unborn if run.run_id not in known]
        nested = Counter(run.facts.parent_run_id for run in unborn)
        rows = [_with_nested(row, nested) for row in rows]
        if wanted.page_token is None:
            new = [run.summary(wanted) for run in unborn if _is_placed(run, wanted)]
            new = [_with_nested(row, nested) for row in new]
    if new:
        rows = merged(rows, new, wanted.order)
    total = page.total + len(new) if page.total is not None else None
    return msgspec.structs.replace(page, runs=rows, total=total)


def _with_nested(row: wire.RunSummary, nested: Counter[wire.RunId | None]) -> wire.RunSummary:
    """The row with the runs below it that the store has not got."""
    more = nested[row.run_id]
    return msgspec.structs.replace(row, children=row.children + more) if more else row


def _is_placed(run: WaitingRun, wanted: Wanted) -> bool:
    """Whether the run is at the level of the tree that is asked for."""
    if wanted.parent is not None:
        return run.facts.parent_run_id == wanted.parent
    return not wanted.roots or run.facts.parent_run_id is None


def _known_ids(workspace: Workspace, ids: list[str], page: wire.RunPage) -> set[str]:
    """Those of `ids` that the store has, whether or not they are on this page."""
    known: set[str] = {row.run_id for row in page.runs}
    database = workspace.database
    rest = [run_id for run_id in ids if run_id not in known]
    if database is None or not rest:
        return known
    from jupyter_mltrack.runs import sqlite_store

    with sqlite_store.reading(database) as connection:
        return known | (sqlite_store.known_ids(connection, rest) if connection else set())


def fits(run: WaitingRun, wanted: Wanted) -> bool:
    """Whether a run that waits is of the experiment and has the words that are wanted."""
    facts = run.facts
    if wanted.experiment is not None:
        mine = (facts.experiment, facts.experiment_id)
        default = mine in _DEFAULTS and wanted.experiment in DEFAULT_EXPERIMENT
        if wanted.experiment not in mine and not default:
            return False
    texts = [
        (text or "").casefold()
        for text in (facts.name, facts.notebook, facts.experiment or DEFAULT_EXPERIMENT[1])
    ]
    return all(
        any(word.casefold() in text for text in texts)
        or (len(word) >= 4 and run.run_id.startswith(word))
        for word in (wanted.text or "").split()
    )


def merged(
    rows: list[wire.RunSummary], new: list[wire.RunSummary], order: Sequence[Order]
) -> list[wire.RunSummary]:
    """Both in one order. Parameters and tags, which no row holds, leave the new at the end."""
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
