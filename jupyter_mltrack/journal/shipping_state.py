"""What everybody may know about shipping without asking: health of a store, what is under way.

`state/<workspace id>.json` holds the health of a workspace as the last shipper saw it;
`flight.json` in a journal is there while a request is under way, so that a reader sees in
microseconds that a store hangs. Both are hints: they can be old, and are never needed to ship.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.journal import progress as notes
from jupyter_mltrack.journal import spool
from jupyter_mltrack.journal.progress import Cursor
from jupyter_mltrack.journal.records import Event, Rows
from jupyter_mltrack.settings import ensure_private_dir

FLIGHT_FILE = "flight.json"
STALE_MS = 120_000
"""A health older than this says nothing any more."""
_METER_BYTES = 1 << 20


def now_ms() -> int:
    """Return the time in milliseconds since the epoch."""
    return int(time.time() * 1000)


# ------------------------------------------------------------------------------- flight


@contextlib.contextmanager
def in_flight(journal: Path) -> Iterator[None]:
    """Show that a request to the store is under way."""
    body = json.dumps({"since_ms": now_ms(), "pid": os.getpid()}).encode()
    with contextlib.suppress(OSError):  # a full disk must not stop what makes room
        notes.replace_file(journal / FLIGHT_FILE, body)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(journal / FLIGHT_FILE)


def in_flight_since_ms(journal: Path) -> int | None:
    """Return since when a request is under way; None when none is."""
    content = _read(journal / FLIGHT_FILE)
    since_ms = content.get("since_ms")
    return since_ms if isinstance(since_ms, int) else None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


# ------------------------------------------------------------------------------- health


def _health_path(data_dir: Path, workspace_id: str) -> Path:
    return data_dir / "state" / f"{workspace_id}.json"


def write_health(
    data_dir: Path, workspace_id: str, state: wire.HealthState, message: str = "", hint: str = ""
) -> None:
    """Tell everybody how a store is; `since_ms` stays while the state stays."""
    path = _health_path(data_dir, workspace_id)
    before = _read(path)
    at_ms = now_ms()
    same = before.get("state") == state and before.get("message") == message
    if same and state == "ready" and at_ms - int(before.get("at_ms", 0)) < 1_000:
        return
    since_ms = before.get("since_ms", at_ms) if before.get("state") == state else at_ms
    body = {"state": state, "since_ms": since_ms, "message": message, "hint": hint, "at_ms": at_ms}
    with contextlib.suppress(OSError):
        ensure_private_dir(path.parent)
        notes.replace_file(path, json.dumps(body).encode())


def read_health(data_dir: Path, workspace_id: str) -> wire.Health | None:
    """Return how the store was when a shipper last saw it; None when that is too long ago."""
    content = _read(_health_path(data_dir, workspace_id))
    try:
        if now_ms() - content["at_ms"] > STALE_MS:
            return None
        return wire.Health(
            state=content["state"],
            since_ms=content["since_ms"],
            message=content["message"],
            hint=content["hint"],
        )
    except (KeyError, TypeError):
        return None


def checked_ms(data_dir: Path, workspace_id: str) -> int:
    """Return when a shipper last noted the health of a store; 0 when never."""
    at_ms = _read(_health_path(data_dir, workspace_id)).get("at_ms", 0)
    return at_ms if isinstance(at_ms, int) else 0


def known_unreachable(data_dir: Path, workspace_id: str) -> bool:
    """Say whether it is known that waiting for this store makes no sense now."""
    health = read_health(data_dir, workspace_id)
    return health is not None and health.state not in ("ready", "connecting")


# ------------------------------------------------------------------------------ backlog


@dataclass(frozen=True)
class Backlog:
    """What journals of one workspace hold that its store has not got yet."""

    points: int = 0
    """Points and events."""
    since_ms: int | None = None
    """When the oldest was written; None when nothing waits."""
    set_aside: int = 0
    """Records that the store refused; see `set_aside.jsonl` in the journal."""
    files: int = 0
    """Artifacts on their way."""
    files_bytes: int = 0
    sent_files: int = 0
    """Artifacts sent since the last time when none waited."""

    def added_to(self, health: wire.Health) -> wire.Health:
        """The health of a workspace with what waits for it."""
        return msgspec.structs.replace(
            health,
            waiting_points=self.points,
            waiting_since_ms=self.since_ms,
            waiting_files=self.files,
            waiting_bytes=self.files_bytes,
            sent_files=self.sent_files,
        )


class BacklogMeter:
    """Measures what waits; asked again, it reads only what is new."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._journals: dict[Path, _Measured] = {}

    def measure(self) -> dict[str, Backlog]:
        """Return the backlog of each workspace that has a journal here."""
        from jupyter_mltrack.errors import JournalError
        from jupyter_mltrack.journal.current import list_journals

        found = list_journals(self._data_dir)
        for gone in set(self._journals).difference(found):
            del self._journals[gone]
        result: dict[str, Backlog] = {}
        for path in found:
            try:
                measured = self._journals.get(path) or _Measured(path)
            except JournalError:
                continue
            self._journals[path] = measured
            measured.refresh()
            result[measured.workspace_id] = measured.added_to(
                result.get(measured.workspace_id, Backlog())
            )
        return result


class _Measured:
    def __init__(self, path: Path) -> None:
        from jupyter_mltrack.journal.reader import JournalReader

        self.path = path
        self.reader = JournalReader(path)
        self.workspace_id = self.reader.meta.workspace_id
        self.read_to: Cursor = notes.START
        self.pieces: deque[tuple[Cursor, int, int | None]] = deque()
        """(end, points and events, time of the first)"""
        self.set_aside = 0
        self.files: list[spool.Waiting] = []

    def refresh(self) -> None:
        progress = notes.Progress.load(self.path)
        self.set_aside = progress.set_aside
        self.files = spool.waiting(self.path)
        while self.pieces and self.pieces[0][0] <= progress.cursor:
            self.pieces.popleft()
        if progress.cursor > self.read_to or not self.pieces:
            self.read_to = max(self.read_to, progress.cursor)
        while True:
            batch = self.reader.read(self.read_to, limit_bytes=_METER_BYTES)
            if batch.cursor == self.read_to:
                return
            count, first_ms = 0, None
            for record in batch.records:
                if isinstance(record, Rows):
                    count += len(record.steps) * len(record.keys)
                else:
                    count += 1
                if first_ms is None:
                    first_ms = _time_of(record)
            self.read_to = batch.cursor
            if count:
                self.pieces.append((batch.cursor, count, first_ms))

    def added_to(self, backlog: Backlog) -> Backlog:
        times = [first_ms for _, _, first_ms in self.pieces if first_ms is not None]
        if self.pieces and not times:
            times = [self.reader.meta.created_ms]
        if backlog.since_ms is not None:
            times.append(backlog.since_ms)
        return Backlog(
            points=backlog.points + sum(count for _, count, _ in self.pieces),
            since_ms=min(times, default=None),
            set_aside=backlog.set_aside + self.set_aside,
            files=backlog.files + len(self.files),
            files_bytes=backlog.files_bytes + sum(one.size_bytes for one in self.files),
            sent_files=backlog.sent_files + (spool.read_sent(self.path).files if self.files else 0),
        )


def _time_of(record: Rows | Event) -> int | None:
    if isinstance(record, Rows):
        return int(record.timestamps_ms[0])
    for name in ("start_ms", "end_ms", "at_ms"):
        value = getattr(record.event, name, None)
        if value:
            return int(value)
    return None


def backlog(data_dir: Path) -> dict[str, Backlog]:
    """Return what waits, for each workspace that has a journal here."""
    return BacklogMeter(data_dir).measure()
