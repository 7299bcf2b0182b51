"""What a tracked cell shows when it has ended: one line for each of its runs.

    ✓ sweep-07 · loss 0.1021 · acc 0.951 · 06:58
    ✕ sweep-05 · ValueError: shapes (64,10) and (3,) · 00:03 · 41 points kept

Values come from the cell's own journal. Only its last part is read when the cell logged much, so
a cell of a million points ends as quickly as one of ten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack.display_text import duration, number, shorten
from jupyter_mltrack.render import View, line

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.book import Book
    from jupyter_mltrack.tracking.context import CellContext

MARKS = {"FINISHED": "✓", "FAILED": "✕", "KILLED": "■", "RUNNING": "◐"}
SHOWN_RUNS = 5
SHOWN_METRICS = 3
ERROR_WIDTH = 80
COUNTED_BYTES = 2 << 20
TAIL_BYTES = 128 << 10
_CHILD_JOURNALS_MAX = 64


class Newest:
    """Newest values of the runs of one cell, and how many points each has."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, tuple[int, int, float | str]]] = {}
        self.points: dict[str, int] = {}
        self.counted = True
        """False when only the last part was read: `points` is then too low."""

    def take(self, record: Any) -> None:
        """Take one record of a journal."""
        keys = getattr(record, "keys", None)
        if keys is not None:
            steps, times, rows = record.steps, record.timestamps_ms, record.values
            at = max(range(len(steps)), key=lambda index: (steps[index], times[index]))
            self._add(record.run_id, len(keys) * len(steps))
            for key, value in zip(keys, rows[at], strict=True):
                self._keep(record.run_id, key, (steps[at], times[at], value))
            return
        event = record.event
        for point in getattr(event, "metrics", ()):
            self._add(event.run_id, 1)
            self._keep(event.run_id, point.key, (point.step, point.timestamp_ms, point.value))

    def _add(self, run_id: str, count: int) -> None:
        self.points[run_id] = self.points.get(run_id, 0) + count

    def _keep(self, run_id: str, key: str, value: tuple[int, int, float | str]) -> None:
        known = self.values.setdefault(run_id, {})
        if key not in known or value[:2] >= known[key][:2]:
            known[key] = value


def newest_of(book: Book, since: tuple[int, int] | None) -> Newest:
    """The newest values that this process and its workers journaled since the cursor."""
    from jupyter_mltrack.journal import JournalReader, list_journals

    found = Newest()
    journal = book.journal()
    journal_id = journal.path.name
    start = since or (1, 0)
    end = journal.position()
    if end[0] > start[0] or end[1] - start[1] > COUNTED_BYTES:
        found.counted = False
        start = max(start, (end[0], max(0, end[1] - TAIL_BYTES)))
    _read(JournalReader(journal.path), start, found)
    others = [path for path in list_journals(journal.path.parent.parent) if path.name > journal_id]
    for path in others[:_CHILD_JOURNALS_MAX]:
        reader = JournalReader(path)
        if _parent_of(reader) == journal_id:
            _read(reader, (1, 0), found)
    return found


def _parent_of(reader: Any) -> str | None:
    from jupyter_mltrack.errors import JournalError

    try:
        parent: str | None = reader.meta.parent_journal_id
    except (JournalError, OSError):
        return None
    return parent


def _read(reader: Any, cursor: tuple[int, int], found: Newest) -> None:
    read_bytes = 0
    while read_bytes <= 2 * COUNTED_BYTES:
        batch = reader.read(cursor, limit_bytes=COUNTED_BYTES)
        for record in batch.records:
            found.take(record)
        if batch.cursor == cursor:
            return
        read_bytes += COUNTED_BYTES
        cursor = batch.cursor
    found.counted = False


def outcome_view(
    context: CellContext, since: tuple[int, int] | None, *, with_values: bool = True
) -> View | None:
    """The lines for the runs of a context that was left; None when it has none."""
    shown: View | None = None
    newest: dict[int, Newest] = {}
    for book, run_id in context.runs[:SHOWN_RUNS]:
        if id(book) not in newest:
            newest[id(book)] = newest_of(book, since) if with_values else Newest()
        run = book.runs.get(run_id)
        if run is None:
            continue
        made = _run_line(run, newest[id(book)])
        shown = made if shown is None else shown + made
    hidden = len(context.runs) - SHOWN_RUNS
    if shown is not None and hidden > 0:
        shown += line(f"and {hidden} more runs of this cell: %mltrack runs")
    return shown


def _run_line(run: Any, newest: Newest) -> View:
    took = duration((run.end_ms or run.start_ms) - run.start_ms)
    points = newest.points.get(run.run_id, 0)
    kept = f"{points} point{'' if points == 1 else 's'} kept" if points and newest.counted else ""
    if run.status == "FAILED":
        error = shorten(run.error or "failed", ERROR_WIDTH)
        return line(run.name, error, took, kept, mark=MARKS["FAILED"])
    values = _main_values(newest.values.get(run.run_id, {}))
    if run.status == "KILLED":
        return line(run.name, "stopped", *values, took, kept, mark=MARKS["KILLED"])
    return line(run.name, *values, took, mark=MARKS.get(run.status, "?"))


def _main_values(values: dict[str, tuple[int, int, float | str]]) -> list[str]:
    if not values:
        return []
    from jupyter_mltrack.journal.columns import metric_rank
    from jupyter_mltrack.tracking.names import decode

    keys = sorted(values, key=metric_rank)[:SHOWN_METRICS]
    return [f"{shorten(decode(key), 24)} {number(float(values[key][2]))}" for key in keys]
