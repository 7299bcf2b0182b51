"""The journal's one thread: brings what was written to the disk and makes room ahead of need.

It starts with the first write, works every `INTERVAL_S` while there is something to do, and
sleeps without waking when there is not. Before it sleeps it takes away the plans of all sinks, so
that the next append passes through the slow path once and wakes it: the fast path itself never
has to look whether somebody sleeps.
"""

from __future__ import annotations

import contextlib
import threading
import time
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from jupyter_mltrack import own_log

if TYPE_CHECKING:
    from jupyter_mltrack.journal.writer import Journal

INTERVAL_S = 0.12
"""So that data is on the disk within 200 ms, the time for the disk's work included."""
FIRST_LOOK_S = 0.01
_IDLE_ROUNDS = 8

_log = own_log.logger("jupyter_mltrack")


class Flusher:
    """Owns the thread of one journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        # Not an Event: its lock would stop a signal handler that logs within `wake` for ever.
        self._calls: SimpleQueue[None] = SimpleQueue()
        self._called = False
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> bool:
        """Begin; False when the system gives no thread, then the writer does the work itself."""
        thread = threading.Thread(target=self._run, name="mltrack-journal", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return False
        self._thread = thread
        return True

    def wake(self) -> None:
        """Say that there is work. Cheap, and safe in a signal handler."""
        if not self._called:
            self._called = True
            self._calls.put(None)

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread and wait for it."""
        self._stopping = True
        self._calls.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        quiet_rounds = 0
        pause_s = FIRST_LOOK_S
        while not self._stopping:
            if quiet_rounds > _IDLE_ROUNDS:
                self._sleep(None)
                quiet_rounds = 0
                pause_s = FIRST_LOOK_S
            began = time.monotonic()
            try:
                busy = self._journal.tend()
            except Exception:
                # The thread must go on: without it nothing reaches the disk in time.
                _log.exception("Tending the journal failed")
                busy = False
            quiet_rounds = 0 if busy else quiet_rounds + 1
            if quiet_rounds == _IDLE_ROUNDS - 1:
                # Two more rounds follow: a thread that held a plan has finished by then.
                self._journal.forget_plans()
            self._sleep(max(0.001, pause_s - (time.monotonic() - began)))
            pause_s = INTERVAL_S

    def _sleep(self, timeout_s: float | None) -> None:
        with contextlib.suppress(Empty):
            self._calls.get(timeout=timeout_s)
        self._called = False
