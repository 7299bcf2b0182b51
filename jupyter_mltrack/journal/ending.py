"""How runs and journals end: with the owner's word, or without it.

A run whose owner was killed ends FAILED at the time of its last record; unless another process
that lives has taken it up. A journal that is wholly shipped leaves its points as series files,
then its segments go, and when its owner is gone, all of it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import own_log, wire
from jupyter_mltrack.journal import aside, spool
from jupyter_mltrack.journal import progress as notes
from jupyter_mltrack.journal.bringing import bring
from jupyter_mltrack.journal.current import list_journals
from jupyter_mltrack.journal.facts import OWNER_GONE
from jupyter_mltrack.journal.lease import boot_id, owner_alive
from jupyter_mltrack.journal.reader import JournalReader
from jupyter_mltrack.journal.records import Event
from jupyter_mltrack.journal.segments import segment_numbers, segment_path

if TYPE_CHECKING:
    from jupyter_mltrack.journal.shipping import JournalShip

FOR_READERS = (wire.Noted, wire.RunProgressed, wire.RunPrinted)
"""Events for whoever reads the journal; no store takes them."""
LINGER_MS = 3_000
"""How long a finished journal stays, so that whoever follows it can read its end."""
_log = own_log.logger("jupyter_mltrack")


class Ending:
    """Keeps track of open runs of a journal, and ends them and it."""

    def __init__(self, ship: JournalShip) -> None:
        self._ship = ship

    # ------------------------------------------------------------------------- records

    def hold_automatic(self, records: Sequence[Any]) -> list[Any]:
        """Keep automatic parameters back until their run ends, because the user's come first.

        What no store takes is left out.
        """
        progress = self._ship.progress
        passed: list[Any] = []
        for record in records:
            event = getattr(record, "event", None)
            if isinstance(event, FOR_READERS):
                continue
            if isinstance(event, wire.RunKept):
                self._ship.bringing.add(event.run_id)
                continue
            if isinstance(event, wire.RunParams) and event.automatic:
                progress.automatic.setdefault(event.run_id, {}).update(event.params)
                continue
            if isinstance(event, wire.RunEnded):
                held = progress.automatic.get(event.run_id)
                if held:
                    params = wire.RunParams(run_id=event.run_id, params=held, automatic=True)
                    passed.append(Event(params, record.end))
            passed.append(record)
        return passed

    def observe(self, records: Sequence[Any]) -> None:
        """Note what shipped records say about which runs are open, and the time of the newest."""
        progress = self._ship.progress
        for record in records:
            event = getattr(record, "event", None)
            if event is None:
                progress.last_ms = max(progress.last_ms, *record.timestamps_ms[-1:])
            elif isinstance(event, wire.RunBorn):
                if event.owner_pid in (None, self._ship.meta.pid):
                    progress.open[event.run_id] = event.start_ms
                elif event.owner_pid:  # 0: a run of others, which no process here ends
                    progress.shared[event.run_id] = event.owner_pid
                progress.last_ms = max(progress.last_ms, event.start_ms)
            elif isinstance(event, wire.RunUpdated) and event.status is not None:
                if event.status in ("RUNNING", "SCHEDULED"):
                    progress.open.setdefault(event.run_id, progress.last_ms)
                else:
                    progress.open.pop(event.run_id, None)
            elif isinstance(event, wire.RunMetrics):
                stamps = [point.timestamp_ms for point in event.metrics]
                progress.last_ms = max(progress.last_ms, *stamps[-1:])
            elif isinstance(event, wire.RunEnded):
                progress.open.pop(event.run_id, None)
                progress.shared.pop(event.run_id, None)
                progress.automatic.pop(event.run_id, None)

    # ------------------------------------------------------------------------- journals

    def finish_if_left_behind(self) -> bool:
        """Bring a journal without an owner to its end; True when nothing is left to ship.

        Raises:
            StoreTrouble: the store cannot be used now.
        """
        ship = self._ship
        if owner_alive(ship.path):
            return True
        if ship.step():  # the owner may have written between our reading and its end
            return False
        progress = ship.progress
        if any(map(self._is_alive, progress.shared.values())):
            self._shed()
            return True  # the process whose runs these are will end them
        for run_id in progress.shared:
            if run_id not in progress.refused and ship.store().is_running(ship.resolve_id(run_id)):
                progress.open.setdefault(run_id, progress.last_ms)
        endings = [self._ended(run_id, began) for run_id, began in progress.open.items()]
        endings = [event for event in endings if not self._taken_up(event.run_id)]
        if endings:
            records = self.hold_automatic([Event(event, progress.cursor) for event in endings])
            store = ship.store()
            store.apply(
                [r for r in records if r.event.run_id not in progress.refused], ship.resolve_id
            )
            ship.bringing.update(event.run_id for event in endings)
            bring(ship)
        progress.open.clear()
        progress.shared.clear()
        progress.automatic.clear()
        progress.finished_ms = int(time.time() * 1000)
        if not ship.settle() and progress.durable != progress.cursor:
            progress.finished_ms = 0  # tried again at the next look
            ship.save()
            return True
        ship.save()
        self._keep_series(None)
        return True

    def _shed(self) -> None:
        """Let go of the points of a worker that is gone; who it was stays until its runs end."""
        if segment_numbers(self._ship.path) and self._ship.settle():
            self._keep_series(None)
            self._unlink(segment_numbers(self._ship.path))

    def _unlink(self, numbers: list[int]) -> None:
        for number in numbers:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(segment_path(self._ship.path, number))

    def _is_alive(self, pid: int) -> bool:
        """Say whether a process of this start of this machine still runs."""
        if self._ship.meta.boot_id != boot_id():
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _ended(self, run_id: str, began_ms: int) -> wire.RunEnded:
        last_ms = max(self._ship.progress.last_ms, began_ms)
        return wire.RunEnded(
            run_id=wire.RunId(run_id), status="FAILED", end_ms=last_ms, error=OWNER_GONE
        )

    def _taken_up(self, run_id: str) -> bool:
        """Say whether a living process has resumed the run in a journal of its own."""
        for other in self._siblings():
            if owner_alive(other) and run_id in notes.Progress.load(other).open:
                return True
        return False

    def _siblings(self) -> list[Path]:
        return [path for path in list_journals(self._ship.data_dir) if path != self._ship.path]

    def others_pending(self) -> bool:
        """Say whether another journal of this workspace may still bring a run."""
        parent = self._ship.meta.parent_journal_id
        if parent is not None and owner_alive(self._ship.path.parent / parent):
            return True
        for other in self._siblings():
            reader = JournalReader(other)
            try:
                if reader.meta.workspace_id != self._ship.meta.workspace_id:
                    continue
            except Exception as error:
                _log.info("The journal %s was passed over: %s", other.name, error)
                continue
            cursor = notes.Progress.load(other).cursor
            if notes.is_locked(other / notes.LOCK_FILE) or reader.read(cursor, 4096).records:
                return True
        return False

    def _keep_series(self, through_segment: int | None) -> None:
        from jupyter_mltrack.journal import series

        numbers = segment_numbers(self._ship.path)
        if not numbers:
            return
        last = numbers[-1] if through_segment is None else through_segment
        try:
            series.keep(self._ship.data_dir, self._ship.path, last)
        except OSError as error:  # the store has the points: only drawing gets slower
            _log.info("No series file for the journal %s: %s", self._ship.path.name, error)

    def drop_segments(self) -> None:
        """Delete segments that are shipped for sure; the newest one stays."""
        ship = self._ship
        durable = ship.progress.durable[0]
        numbers = segment_numbers(ship.path)
        gone = [number for number in numbers if number < durable and number != numbers[-1]]
        if not gone:
            return
        self._keep_series(gone[-1])
        self._unlink(gone)


def remove_if_finished(path: Path) -> bool:
    """Remove a journal that was finished some seconds ago; call it under its ship lock."""
    progress = notes.Progress.load(path)
    now_ms = int(time.time() * 1000)
    if not progress.finished_ms or now_ms - progress.finished_ms < LINGER_MS:
        return False
    if owner_alive(path) or not spool.is_empty(path):
        return False
    left = path / aside.FILE
    if left.exists():
        from jupyter_mltrack.settings import ensure_private_dir

        folder = path.parent.parent / "set_aside"
        ensure_private_dir(folder)
        os.replace(left, folder / f"{path.name}.jsonl")
    trash = path.with_name(f".{path.name}.gone")
    try:
        os.rename(path, trash)
    except OSError:
        return False
    shutil.rmtree(trash, ignore_errors=True)
    return True
