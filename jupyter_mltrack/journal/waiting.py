"""Wait for the store to catch up with a journal, but never for a store that is not there."""

from __future__ import annotations

import time
from pathlib import Path

from jupyter_mltrack.journal import shipping_state
from jupyter_mltrack.journal.progress import STATE_FILE, Cursor, Progress, is_locked
from jupyter_mltrack.journal.reader import JournalReader
from jupyter_mltrack.journal.shipper_handle import SHIPPER_LOCK
from jupyter_mltrack.wire import JournalMeta

_POLL_S = 0.002
_POLL_LONGEST_S = 0.02


def wait(
    journal: Path, until: Cursor, *, stall_s: float, timeout_s: float, start_s: float = 0.0
) -> bool:
    """See `ship.wait_shipped`."""
    seen = _Seen(journal)
    if seen.cursor() >= until:
        return True
    if not journal.is_dir():
        return True  # finished and removed
    data_dir = journal.parent.parent
    meta = JournalReader(journal).meta
    workspace_id = meta.workspace_id
    begun_s = moved_s = time.monotonic()
    here = _HelpAlong(journal)
    pause_s = _POLL_S
    while True:
        left_s = min(timeout_s - (time.monotonic() - begun_s), stall_s)
        if here.useful:
            here.ship(until, left_s)
        before = seen.last
        now = seen.cursor()
        if now >= until or not journal.is_dir():
            return True
        now_s = time.monotonic()
        if now > before:
            moved_s, pause_s = now_s, _POLL_S
        if now_s - begun_s >= timeout_s:
            return False
        if now_s - moved_s >= stall_s and (
            now_s - begun_s >= start_s or not _is_starting(journal, meta)
        ):
            return False
        if shipping_state.known_unreachable(data_dir, workspace_id):
            return False
        flight_ms = shipping_state.in_flight_since_ms(journal)
        if flight_ms is not None and shipping_state.now_ms() - flight_ms > 1000 * max(stall_s, 0.5):
            return False
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, _POLL_LONGEST_S)


class _Seen:
    """The cursor in `ship.json`, read again only when the file was replaced."""

    def __init__(self, journal: Path) -> None:
        self._path = journal / STATE_FILE
        self._journal = journal
        self._stamp: tuple[int, int] | None = None
        self.last: Cursor = (0, 0)

    def cursor(self) -> Cursor:
        try:
            status = self._path.stat()
        except OSError:
            return self.last
        stamp = (status.st_mtime_ns, status.st_ino)
        if stamp != self._stamp:
            self._stamp = stamp
            self.last = max(self.last, Progress.load(self._journal).cursor)
        return self.last


class _HelpAlong:
    """Ships in this process where that is quick: SQLite, no lock in the way."""

    def __init__(self, journal: Path) -> None:
        from jupyter_mltrack.journal.sqlite_bulk import usable
        from jupyter_mltrack.workspaces import sqlite_path

        self._journal = journal
        database = sqlite_path(JournalReader(journal).meta.tracking_uri)
        self.useful = database is not None and usable(database)

    def ship(self, until: Cursor, deadline_s: float) -> None:
        from jupyter_mltrack.journal.ship import ship

        result = ship(self._journal, deadline_s=max(deadline_s, 0.005), until=until)
        if result.trouble is not None:
            self.useful = False


def _is_starting(journal: Path, meta: JournalMeta) -> bool:
    """Say whether the shipper is at work and has not come as far as asking the store."""
    return (
        is_locked(journal / SHIPPER_LOCK)
        and shipping_state.checked_ms(journal.parent.parent, meta.workspace_id) < meta.created_ms
        and shipping_state.in_flight_since_ms(journal) is None
    )
