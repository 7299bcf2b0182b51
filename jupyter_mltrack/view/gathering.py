"""What the runs of one cell logged, read from its own journal while it runs and at its end.

A look reads little, however much was logged since the last one: of a long stretch only pieces
that are spread over it, so a cell of a million points ends as quickly as one of ten. The newest
values are always read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.errors import JournalError
from jupyter_mltrack.journal import Event, JournalReader, Rows, list_journals
from jupyter_mltrack.journal.columns import metric_rank
from jupyter_mltrack.journal.format import ALIGN_BYTES
from jupyter_mltrack.journal.segments import close_handle, open_existing, segment_path
from jupyter_mltrack.view.course import Course
from jupyter_mltrack.view.curves import CURVES_MAX, POINTS_A_CURVE

if TYPE_CHECKING:
    from pathlib import Path

    from jupyter_mltrack.tracking.book import Book

Cursor = tuple[int, int]
Since = tuple["Path", Cursor]
"""A journal, and a position in it."""
LOOK_BYTES = 192 << 10
"""Read at once in a look while the cell runs: some ten thousandths of a second."""
LAST_LOOK_BYTES = 512 << 10
_PIECES = 8
_TAIL_BYTES = 64 << 10
_COURSES_MAX = 200
_BLOCK_BYTES = 4 << 10
_WORKERS_MAX = 64
_INT64_MAX = 2**63 - 1

_Newest = dict[str, tuple[int, int, float]]


class Gathered:
    """Points of runs, thinned as they come, and the newest value of each metric."""

    def __init__(self) -> None:
        self.courses: dict[str, dict[str, Course]] = {}
        self.newest: dict[str, _Newest] = {}
        self.points: dict[str, int] = {}
        self.progress: dict[str, wire.Progress] = {}

    def take(self, record: Any) -> None:
        """Take one record of a journal."""
        if isinstance(record, Rows):
            steps, times = record.steps, record.timestamps_ms
            at = max(range(len(steps)), key=lambda index: (steps[index], times[index]))
            self._count(record.run_id, len(record.keys) * len(steps))
            for key, values in zip(record.keys, zip(*record.values, strict=True), strict=True):
                self._keep(record.run_id, key, (steps[at], times[at], values[at]))
                self._draw(record.run_id, key, steps, times, values)
            return
        event = record.event
        if isinstance(event, wire.RunProgressed):
            self.progress[event.run_id] = event.progress
        elif isinstance(event, wire.RunMetrics):
            self._count(event.run_id, len(event.metrics))
            for point in event.metrics:
                value = float(point.value)
                self._keep(event.run_id, point.key, (point.step, point.timestamp_ms, value))
                step = max(-_INT64_MAX, min(_INT64_MAX, point.step))
                self._draw(event.run_id, point.key, (step,), (point.timestamp_ms,), (value,))

    def _count(self, run_id: str, count: int) -> None:
        self.points[run_id] = self.points.get(run_id, 0) + count

    def _keep(self, run_id: str, key: str, value: tuple[int, int, float]) -> None:
        known = self.newest.setdefault(run_id, {})
        if key not in known or value[:2] >= known[key][:2]:
            known[key] = value

    def _draw(
        self,
        run_id: str,
        key: str,
        steps: Sequence[int],
        times: Sequence[int],
        values: Sequence[float],
    ) -> None:
        courses = self.courses.setdefault(run_id, {})
        course = courses.get(key)
        if course is None:
            if len(courses) >= _COURSES_MAX:
                return  # a run of so many metrics is looked at on its page
            course = courses[key] = Course()
        course.extend(steps, times, values)

    def values_of(self, run_id: str) -> dict[str, float]:
        """Newest value of each metric."""
        return {key: value for key, (_, _, value) in self.newest.get(run_id, {}).items()}

    def columns_of(self, run_id: str) -> list[wire.Column]:
        """The metrics as small columns, main metrics first."""
        courses = self.courses.get(run_id, {})
        keys = sorted(courses, key=metric_rank)[: CURVES_MAX + 10]
        return [courses[key].column(key, POINTS_A_CURVE) for key in keys]


class Follower:
    """Follows what this process and its workers write into the journals of one workspace."""

    def __init__(self, book: Book, since: Since | None) -> None:
        self.found = Gathered()
        self.sampled = False
        """True when a part of the points was passed over."""
        journal = book.journal()
        self._journal = journal
        self._reader = JournalReader(journal.path)
        known = since is not None and since[0] == journal.path
        self._cursor: Cursor = since[1] if since is not None and known else (1, 0)
        self._workers: dict[Path, tuple[JournalReader, Cursor] | None] = {}

    def look(self, limit_bytes: int = LOOK_BYTES, *, workers: bool = True) -> None:
        """Read what is new, about `limit_bytes` of it at most."""
        end = self._journal.position()
        if end > self._cursor:
            self._cursor = self._read(self._reader, self._cursor, end, limit_bytes)
        if workers:
            self._look_at_workers(limit_bytes)

    def _look_at_workers(self, limit_bytes: int) -> None:
        own = self._journal.path
        for path in list_journals(own.parent.parent):
            if path != own and path not in self._workers:
                reader = JournalReader(path)
                self._workers[path] = (reader, (1, 0)) if _is_worker(reader, own.name) else None
        ours = [(path, one) for path, one in self._workers.items() if one is not None]
        for path, (reader, cursor) in ours[:_WORKERS_MAX]:
            batch = reader.read(cursor, limit_bytes=max(_TAIL_BYTES, limit_bytes // len(ours)))
            self._take(batch.records)
            self._workers[path] = reader, batch.cursor

    def _read(self, reader: JournalReader, cursor: Cursor, end: Cursor, limit_bytes: int) -> Cursor:
        stretches = list(_stretches(reader.path, cursor, end))
        total = sum(stop - start for _, start, stop in stretches)
        if total <= limit_bytes:
            return self._read_through(reader, cursor, end)
        self.sampled = True
        piece = (limit_bytes - _TAIL_BYTES) // _PIECES
        for at in range(_PIECES):
            start = max(cursor, _place_at(stretches, total * at // _PIECES))
            batch = reader.read(start, limit_bytes=piece)
            self._take(batch.records)
            cursor = batch.cursor
        return self._read_through(
            reader, max(cursor, _place_at(stretches, total - _TAIL_BYTES)), end
        )

    def _take(self, records: Iterable[Rows | Event]) -> None:
        for record in records:
            self.found.take(record)

    def _read_through(self, reader: JournalReader, cursor: Cursor, end: Cursor) -> Cursor:
        while cursor < end:
            batch = reader.read(cursor, limit_bytes=1 << 20)
            self._take(batch.records)
            if batch.cursor == cursor:
                break
            cursor = batch.cursor
        return cursor


def _stretches(journal: Path, begin: Cursor, end: Cursor) -> Iterator[tuple[int, int, int]]:
    """Segment, first and last byte of what lies between two positions."""
    for number in range(begin[0], end[0] + 1):
        start = begin[1] if number == begin[0] else 0
        if number == end[0]:
            stop = end[1]
        else:
            try:
                stop = _used_bytes(segment_path(journal, number))
            except OSError:
                continue  # shipped and cleaned away
        if stop > start:
            yield number, start, stop


def _used_bytes(segment: Path) -> int:
    """Up to where something is written in a segment, nearly: it is made larger than what comes."""
    handle, size = open_existing(segment)
    try:
        low, high = 0, -(-size // _BLOCK_BYTES)
        while low < high:
            middle = (low + high) // 2
            if any(os.pread(handle, _BLOCK_BYTES, middle * _BLOCK_BYTES)):
                low = middle + 1
            else:
                high = middle
        return min(size, low * _BLOCK_BYTES)
    finally:
        close_handle(handle)


def _place_at(stretches: list[tuple[int, int, int]], offset: int) -> Cursor:
    for number, start, stop in stretches:
        if offset < stop - start:
            return number, (start + offset) & -ALIGN_BYTES
        offset -= stop - start
    number, _, stop = stretches[-1]
    return number, stop


def _is_worker(reader: JournalReader, own: str) -> bool:
    """Whether a worker of this process writes the journal; those of loky outlive their cell."""
    try:
        meta = reader.meta
        if meta.parent_journal_id is not None:
            return meta.parent_journal_id == own
        with open(f"/proc/{meta.pid}/stat", "rb") as file:
            state = file.read(1_000).rpartition(b")")[2].split()
        return len(state) > 1 and int(state[1]) == os.getpid()
    except (JournalError, OSError, ValueError):
        return False
