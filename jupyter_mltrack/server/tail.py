"""The tail: a thread that polls the live index and says on the Jupyter event bus what changed.

It looks often while a run is live and somebody listens, a few times a second while somebody
listens only, and rarely else: an idle server costs next to nothing. At most twenty nudges a second
leave, fewer where each names many runs, the first one at once; what changes in between is told
together. Nudges carry ids and cursors, never values.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from jupyter_mltrack import own_log, wire
from jupyter_mltrack.journal.live import LiveIndex
from jupyter_mltrack.journal.live_run import Change

LIVE_INTERVAL_S = 0.02
LISTENING_INTERVAL_S = 0.08
IDLE_INTERVAL_S = 2.0
NOTICE_INTERVAL_S = 0.25
"""Seconds until an idle tail sees that somebody listens."""
NUDGE_INTERVAL_S = 0.05
"""Seconds between two nudges: twenty a second."""
RUN_INTERVAL_S = 0.005
"""Seconds of rest after a nudge for each run that it named: what is told of many costs more."""
RUNS_A_NUDGE_MAX = 200

_log = own_log.logger(__name__)


class Tail:
    """Polls in a thread of its own; `send` and `orphaned` are called in that thread.

    Args:
        index: what is polled.
        is_listened: whether anybody would hear a nudge.
        send: takes one nudge.
        orphaned: called when a journal's owner is found gone.
    """

    def __init__(
        self,
        index: LiveIndex,
        *,
        is_listened: Callable[[], bool],
        send: Callable[[wire.Nudge], None],
        orphaned: Callable[[], None],
    ) -> None:
        self._index = index
        self._is_listened = is_listened
        self._send = send
        self._orphaned = orphaned
        self._pending: dict[tuple[str, str], dict[str, int]] = {}
        self._next_at_s = 0.0
        self._wake = threading.Event()
        self._polled = threading.Condition()
        self._polls = 0
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to poll."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="mltrack-tail", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
            self._thread = None

    def catch_up(self, timeout_s: float) -> None:
        """Poll now and wait until that is done: somebody began to look. Blocks its thread."""
        if self._thread is None:
            return
        with self._polled:
            wanted = self._polls + 2  # the poll under way may have begun before the call
            self._wake.set()
            self._polled.wait_for(self._is_past(wanted), timeout_s)

    def _is_past(self, wanted: int) -> Callable[[], bool]:
        def past() -> bool:
            self._wake.set()
            return self._polls >= wanted or self._stopping

        return past

    def _run(self) -> None:
        while not self._stopping:
            try:
                changes = self._index.poll()
            except Exception:
                _log.exception("The journals could not be read; trying again")
                changes = []
                self._wake.wait(IDLE_INTERVAL_S)
            with self._polled:
                self._polls += 1
                self._polled.notify_all()
            self._note(changes)
            self._flush()
            if self._index.take_orphaned():
                self._orphaned()
            self._rest()

    def _rest(self) -> None:
        """Wait for the next poll; somebody who begins to listen ends an idle wait."""
        until_s = time.monotonic() + IDLE_INTERVAL_S
        while not self._is_listened() and time.monotonic() < until_s:
            if self._wake.wait(NOTICE_INTERVAL_S):
                break
        else:
            if self._is_listened():
                self._wake.wait(self._interval_s())
        self._wake.clear()

    def _interval_s(self) -> float:
        interval_s = LIVE_INTERVAL_S if self._index.is_busy() else LISTENING_INTERVAL_S
        if self._pending:
            interval_s = min(interval_s, max(0.001, self._next_at_s - time.monotonic()))
        return interval_s

    def _note(self, changes: list[Change]) -> None:
        for change in changes:
            runs = self._pending.setdefault((change.kind, change.workspace_id), {})
            runs[change.run_id] = change.cursor

    def _flush(self) -> None:
        """Send what is pending, as far as the limit allows."""
        if not self._is_listened():
            self._pending.clear()
            return
        while self._pending and time.monotonic() >= self._next_at_s:
            (kind, workspace_id), runs = next(iter(self._pending.items()))
            taken = list(runs.items())[:RUNS_A_NUDGE_MAX]
            for run_id, _ in taken:
                del runs[run_id]
            if not runs:
                del self._pending[kind, workspace_id]
            rest_s = max(NUDGE_INTERVAL_S, len(taken) * RUN_INTERVAL_S)
            self._next_at_s = time.monotonic() + rest_s
            self._send(
                wire.Nudge(
                    kind=kind,  # type: ignore[arg-type]
                    workspace_id=wire.WorkspaceId(workspace_id),
                    run_ids=[wire.RunId(run_id) for run_id, _ in taken],
                    cursors=[cursor for _, cursor in taken],
                )
            )
