"""Send the artifacts that wait in a journal, in a thread beside the shipping of its points.

How they are sent is the store's affair (`sender`). Trouble of the network is waited out, longer
each time; a file that the store will never take is set aside with the reason.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from jupyter_mltrack import own_log
from jupyter_mltrack.journal import aside, spool
from jupyter_mltrack.journal.store_trouble import StoreTrouble

if TYPE_CHECKING:
    from jupyter_mltrack.journal.shipping import JournalShip

BATCH_FILES = 400
BACKOFF_FIRST_S = 0.5
BACKOFF_MOST_S = 30.0
NOTED_EVERY_S = 0.3
_log = own_log.logger("jupyter_mltrack")

Outcome = Callable[[spool.Waiting, BaseException | None], None]
Moved = Callable[[spool.Waiting, int], None]
"""Told, from any thread, how many bytes of a large file have arrived so far."""
Sender = Callable[[Sequence[spool.Waiting], Outcome, Moved], None]
"""Sends files, and tells of each how it went; raises StoreTrouble when none can be sent now."""


class Uploads:
    """The artifacts that wait in one journal. `look` never waits."""

    def __init__(self, ship: JournalShip) -> None:
        self.path = ship.path
        self._ship = ship
        self._send: Sender | None = None
        self._thread: threading.Thread | None = None
        self._next_try_s = 0.0
        self._failures = 0
        self._stopped = False
        self._moving: dict[str, tuple[str, int]] = {}
        """Copy -> run, and bytes of it that have arrived."""
        self._noted_at_s = 0.0
        self._lock = threading.Lock()
        self.failing_since_s: float | None = None

    def look(self) -> None:
        """Begin to send if something waits and it is time."""
        if self._thread is not None and self._thread.is_alive():
            return
        if time.monotonic() < self._next_try_s or spool.is_empty(self.path):
            return
        self._thread = threading.Thread(target=self._run, name="mltrack-uploads", daemon=True)
        self._thread.start()

    def hurry(self) -> None:
        """Try again now."""
        self._next_try_s = 0.0

    def stop(self) -> None:
        """Send no more batches."""
        self._stopped = True

    def _run(self) -> None:
        sent = spool.read_sent(self.path)
        try:
            if self._send is None:
                self._send = sender(self._ship)
            while not self._stopped:
                batch = spool.waiting(self.path)[:BATCH_FILES]
                if not batch:
                    break
                before = sent.files
                self._send(
                    batch,
                    lambda one, error: self._told(one, error, sent),
                    lambda one, size: self._moved(one, size, sent),
                )
                if sent.files == before and not spool.is_empty(self.path):
                    raise StoreTrouble("connecting", "The files wait for their run.")
        except StoreTrouble as trouble:
            self._trouble(trouble)
        except Exception as error:  # the files stay where they are; so does the shipper
            _log.warning("Artifacts could not be sent: %r", error)
            self._trouble(StoreTrouble("unreachable", f"Artifacts could not be sent: {error}"))
        else:
            self._failures = 0
            self.failing_since_s = None
            sent = spool.Sent()
        self._moving.clear()
        self._note(sent, now=True)

    def _moved(self, one: spool.Waiting, size_bytes: int, sent: spool.Sent) -> None:
        with self._lock:
            self._moving[one.name] = one.run_id, size_bytes
        self._note(sent)

    def _note(self, sent: spool.Sent, *, now: bool = False) -> None:
        """Say how far it is, for people who look; not more often than they do."""
        with self._lock:
            now_s = time.monotonic()
            if not now and now_s - self._noted_at_s < NOTED_EVERY_S:
                return
            self._noted_at_s = now_s
            for run in sent.runs.values():
                run.moving_bytes = 0
            for run_id, size_bytes in self._moving.values():
                run = sent.runs.setdefault(run_id, spool.SentOfRun())
                run.moving_bytes += size_bytes
            spool.write_sent(self.path, sent)

    def _told(self, one: spool.Waiting, error: BaseException | None, sent: spool.Sent) -> None:
        if error is not None:
            self._set_aside(one, error)
        spool.done(self.path, one)
        with self._lock:
            self._moving.pop(one.name, None)
            run = sent.runs.setdefault(one.run_id, spool.SentOfRun())
            run.files += 1
            run.size_bytes += one.size_bytes
            sent.files += 1
            sent.size_bytes += one.size_bytes
            sent.last_ms = time.time_ns() // 1_000_000
        self._failures = 0
        self._note(sent)

    def _set_aside(self, one: spool.Waiting, error: BaseException) -> None:
        _log.warning("The artifact %s of run %s was not taken: %s", one.path, one.run_id, error)
        kept = self.path.parent.parent / "set_aside" / f"{self.path.name}-{one.name}"
        with contextlib.suppress(OSError):
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(spool.copy_of(self.path, one), kept)
        body = {"run_id": one.run_id, "artifact": one.path, "kept": str(kept)}
        aside.keep(self.path, str(error), body)

    def _trouble(self, trouble: StoreTrouble) -> None:
        self._failures += 1
        if self.failing_since_s is None:
            self.failing_since_s = time.monotonic()
        delay_s = min(BACKOFF_FIRST_S * 2 ** (self._failures - 1), BACKOFF_MOST_S)
        self._next_try_s = time.monotonic() + max(delay_s, trouble.retry_after_s or 0.0)
        if self._failures == 1:
            _log.warning("%s", trouble.message)


def sender(ship: JournalShip) -> Sender:
    """How files are sent to the workspace of a journal."""
    from jupyter_mltrack.azure.tracking.sending import sender as of_azure

    return of_azure(ship)
