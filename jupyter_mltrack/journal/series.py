"""Series files: what was shipped stays here as columns, so that a run draws at memory speed.

One file per run below `series/<workspace id>/`: frames of columns, one frame for each journal
segment that held points of the run, written before the segment is deleted. A frame says which
segment it is from, so that keeping a segment twice adds nothing. All files together are capped:
the least recently used go first, the tracking store still has their points. A damaged frame is
skipped. Nothing here asks a store or imports MLflow.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import zlib
from array import array
from pathlib import Path
from typing import BinaryIO

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import WorkspaceError
from jupyter_mltrack.journal.columns import BYTES_PER_POINT, RUN_COLUMNS_MAX, Points
from jupyter_mltrack.journal.facts import RunFacts

SERIES_BYTES_MAX = 2 << 30
"""Size of all series files together; the least recently used are deleted beyond it."""
RUN_FILE_BYTES_MAX = 256 << 20
"""A run's file stops growing here and says that it is not complete."""
_MAGIC = b"MTS1"
_HEAD = struct.Struct("<4sIII")
_HEADER_BYTES_MAX = 64 << 20


class _ColumnHead(msgspec.Struct):
    key: str
    n: int
    exact: dict[str, str] = {}


class _FrameHead(msgspec.Struct):
    journal_id: str
    segment: int
    facts: RunFacts
    columns: list[_ColumnHead]
    hidden: int = 0
    complete: bool = True


COPY_MARK = "store-"
"""Begins the journal id of a frame that was copied from the store; its stamp follows."""


class KeptRun:
    """What the file of one run holds."""

    def __init__(self, facts: RunFacts) -> None:
        self.facts = facts
        self.columns: dict[str, Points] = {}
        self.hidden = 0
        self.complete = True
        """False when points are missing here that the store has."""
        self.segments: set[tuple[str, int]] = set()

    @property
    def stamp(self) -> str | None:
        """What the store said of the run when it was copied; None for what journals told."""
        names = (name for name, _ in self.segments if name.startswith(COPY_MARK))
        return next((name.removeprefix(COPY_MARK) for name in names), None)


def folder(data_dir: Path) -> Path:
    """Where the series files of all workspaces lie."""
    return data_dir / "series"


def path_of(data_dir: Path, workspace_id: str, run_id: str) -> Path:
    """The file of one run; ids hold no path separators, anything else is refused.

    Raises:
        ValueError: an id is not a plain word.
    """
    for part in (workspace_id, run_id):
        if not part or not all(sign.isalnum() or sign in "_-" for sign in part):
            message = f"not an id: {part!r}"
            raise ValueError(message)
    return folder(data_dir) / workspace_id / f"{run_id}.series"


# ------------------------------------------------------------------------------- writing


def keep(data_dir: Path, journal: Path, through_segment: int) -> int:
    """Write the points of a journal's segments, up to and with `through_segment`, to series files.

    Call it before the segments are deleted, under the journal's ship lock. Harmless when repeated.

    Returns:
        How many frames were written.

    Raises:
        OSError: the files cannot be written; the segments may be deleted all the same, since the
            store has the points, and the run is then read from the store.
    """
    from jupyter_mltrack.journal import JournalReader

    reader = JournalReader(journal)
    meta = reader.meta
    written = 0
    cursor = (1, 0)
    gathered: dict[str, KeptRun] = {}
    facts: dict[str, RunFacts] = {}
    segment = 0
    while True:
        batch = reader.read(cursor)
        for record in batch.records:
            at = _segment_of(record)
            if at > through_segment:
                break
            if at != segment:
                written += _write_all(data_dir, meta.journal_id, segment, gathered)
                gathered, segment = {}, at
            _gather(record, meta.workspace_id, gathered, facts)
        if batch.cursor == cursor or batch.cursor[0] > through_segment:
            break
        cursor = batch.cursor
    written += _write_all(data_dir, meta.journal_id, segment, gathered)
    if written:
        trim(data_dir, SERIES_BYTES_MAX)
    return written


def _segment_of(record: object) -> int:
    end: tuple[int, int] = record.end  # type: ignore[attr-defined]
    return end[0]


def _gather(
    record: object,
    workspace_id: wire.WorkspaceId,
    runs: dict[str, KeptRun],
    known: dict[str, RunFacts],
) -> None:
    from jupyter_mltrack.journal import Rows

    event = None if isinstance(record, Rows) else record.event  # type: ignore[attr-defined]
    run_id = record.run_id if isinstance(record, Rows) else getattr(event, "run_id", None)
    if run_id is None:
        return
    facts = known.setdefault(run_id, RunFacts(wire.RunId(run_id), workspace_id))
    if event is not None:
        facts.apply(event)
    run = runs.setdefault(run_id, KeptRun(facts))
    _, dropped = add_record(record, run.columns, 0)
    run.hidden += len(dropped)
    run.complete = run.complete and not dropped


def add_record(record: object, columns: dict[str, Points], version: int) -> tuple[int, list[str]]:
    """Add the points of one record; returns their number and the metrics without room."""
    from jupyter_mltrack.journal import Rows

    added = 0
    dropped = []
    if isinstance(record, Rows):
        for key, values in zip(record.keys, zip(*record.values, strict=True), strict=True):
            points = column_for(columns, key)
            if points is None:
                dropped.append(key)
            else:
                points.extend(version, record.steps, record.timestamps_ms, values)
                added += len(values)
    elif isinstance(record.event, wire.RunMetrics):  # type: ignore[attr-defined]
        for point in record.event.metrics:  # type: ignore[attr-defined]
            points = column_for(columns, point.key)
            if points is None:
                dropped.append(point.key)
            else:
                points.add_exact(version, point.step, point.timestamp_ms, point.value)
                added += 1
    return added, dropped


def column_for(columns: dict[str, Points], key: str) -> Points | None:
    """The column of a metric, made at its first point; None when the run has too many."""
    points = columns.get(key)
    if points is None and len(columns) < RUN_COLUMNS_MAX:
        points = columns[key] = Points()
    return points


def _write_all(data_dir: Path, journal_id: str, segment: int, runs: dict[str, KeptRun]) -> int:
    return sum(_write(data_dir, journal_id, segment, run) for run in runs.values())


def _write(data_dir: Path, journal_id: str, segment: int, run: KeptRun) -> int:
    from jupyter_mltrack.settings import ensure_private_dir

    path = path_of(data_dir, run.facts.workspace_id, run.facts.run_id)
    try:
        ensure_private_dir(path.parent)
    except WorkspaceError as error:
        raise PermissionError(errno.EPERM, error.message) from error
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+b") as file:
        os.fchmod(handle, 0o600)  # an unusual umask took bits away
        frames, end = _frames(file)
        if any((head.journal_id, head.segment) == (journal_id, segment) for head, _ in frames):
            return 0
        if end < os.fstat(file.fileno()).st_size:
            run.complete = False
        file.seek(end)
        file.write(frame(journal_id, segment, run, full=end > RUN_FILE_BYTES_MAX))
        file.truncate()
    return 1


def frame(journal_id: str, segment: int, run: KeptRun, *, full: bool) -> bytes:
    """The bytes of one frame; a full file gets the facts and no more points."""
    columns = {} if full else run.columns
    head = msgspec.json.encode(
        _FrameHead(
            journal_id=journal_id,
            segment=segment,
            facts=run.facts,
            columns=[
                _ColumnHead(key, len(points.values), {str(at): t for at, t in points.exact.items()})
                for key, points in columns.items()
            ],
            hidden=run.hidden,
            complete=run.complete and not (full and run.columns),
        )
    )
    body = b"".join(
        _bytes(part)
        for points in columns.values()
        for part in (points.steps, points.times, points.values)
    )
    return (
        _HEAD.pack(_MAGIC, len(head), len(body), zlib.crc32(body, zlib.crc32(head))) + head + body
    )


def _bytes(part: array[int] | array[float]) -> bytes:
    if sys.byteorder == "big":
        part = part[:]
        part.byteswap()
    return part.tobytes()


# ------------------------------------------------------------------------------- reading


def load(
    data_dir: Path, workspace_id: str, run_id: str, *, until: tuple[str, int] | None = None
) -> KeptRun | None:
    """Everything kept of a run; None when nothing is.

    `until` leaves out the segments of one journal from a number on, for a reader that has them.

    Reading marks the file as used just now, so that it is not among the first to go.
    """
    try:
        path = path_of(data_dir, workspace_id, run_id)
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    run: KeptRun | None = None
    with os.fdopen(handle, "rb") as file:
        frames, end = _frames(file)
        for head, body_at in frames:
            if run is None:
                run = KeptRun(head.facts)
            if (head.journal_id, head.segment) in run.segments:
                continue
            if until and head.journal_id == until[0] and head.segment >= until[1]:
                continue
            run.segments.add((head.journal_id, head.segment))
            run.facts = _newer(run.facts, head.facts)
            run.hidden = max(run.hidden, head.hidden)
            run.complete = run.complete and head.complete
            file.seek(body_at)
            _read_columns(file.read(_body_length(head)), head, run.columns)
        if run is not None and end < os.fstat(file.fileno()).st_size:
            run.complete = False
    if run is not None:
        os.utime(path)
    return run


def _newer(known: RunFacts, newer: RunFacts) -> RunFacts:
    """The later facts; what only the run's birth tells is kept from before."""
    base = known if known.born and not newer.born else newer
    return msgspec.structs.replace(
        base,
        status=newer.status,
        end_ms=newer.end_ms,
        error=newer.error,
        resumed=known.resumed or newer.resumed,
    )


def _body_length(head: _FrameHead) -> int:
    return BYTES_PER_POINT * sum(column.n for column in head.columns)


def _frames(file: BinaryIO) -> tuple[list[tuple[_FrameHead, int]], int]:
    """Heads of the whole frames with where their columns begin, and where the last one ends.

    Stops at damage: what follows is left to the store.
    """
    found = []
    at = 0
    size = os.fstat(file.fileno()).st_size
    while at + _HEAD.size <= size:
        file.seek(at)
        magic, head_length, body_length, crc = _HEAD.unpack(file.read(_HEAD.size))
        body_at = at + _HEAD.size + head_length
        if magic != _MAGIC or head_length > _HEADER_BYTES_MAX or body_at + body_length > size:
            break
        raw = file.read(head_length)
        if zlib.crc32(file.read(body_length), zlib.crc32(raw)) != crc:
            break
        try:
            head = msgspec.json.decode(raw, type=_FrameHead)
        except msgspec.DecodeError:
            break
        if _body_length(head) != body_length:
            break
        found.append((head, body_at))
        at = body_at + body_length
    return found, at


def _read_columns(body: bytes, head: _FrameHead, columns: dict[str, Points]) -> None:
    at = 0
    for column in head.columns:
        arrays: list[array[int] | array[float]] = []
        for kind in ("q", "q", "d"):
            part: array[int] | array[float] = array(kind)
            part.frombytes(body[at : at + 8 * column.n])
            if sys.byteorder == "big":
                part.byteswap()
            arrays.append(part)
            at += 8 * column.n
        points = column_for(columns, column.key)
        if points is None:
            continue
        shift = len(points.values)
        points.extend(0, *arrays)  # type: ignore[arg-type]
        points.exact.update({int(place) + shift: text for place, text in column.exact.items()})


def trim(data_dir: Path, bytes_max: int) -> None:
    """Delete the least recently used files until all together are within the limit."""
    found = []
    for path in folder(data_dir).glob("*/*.series"):
        try:
            state = path.stat()
        except FileNotFoundError:
            continue
        found.append((state.st_mtime, state.st_size, path))
    excess = sum(size for _, size, _ in found) - bytes_max
    for _, size, path in sorted(found):
        if excess <= 0:
            return
        path.unlink(missing_ok=True)
        excess -= size
