"""The work of shipping one journal, batch by batch, for whoever holds its ship lock.

What was shipped is noted after the store has it, so a process that is killed in between leaves
at most one batch that is sent again, which stores take without harm. A journal whose owner is
gone is brought to its end: what is left is shipped, its open runs end as FAILED at the time of
their last record, and then it is removed.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from jupyter_mltrack import wire
from jupyter_mltrack.journal import aside, shipping_state
from jupyter_mltrack.journal import progress as notes
from jupyter_mltrack.journal.bringing import bring
from jupyter_mltrack.journal.ending import Ending
from jupyter_mltrack.journal.progress import Cursor, Progress
from jupyter_mltrack.journal.reader import JournalReader
from jupyter_mltrack.journal.sqlite_bulk import SqliteStore, usable
from jupyter_mltrack.journal.store_trouble import RunRefused, StoreTrouble
from jupyter_mltrack.workspaces import from_meta

_BATCH_BYTES_FIRST = 256 << 10
_BATCH_BYTES_LEAST = 256 << 10
_BATCH_BYTES_MOST = 1 << 20
_BATCH_S_WANTED = 0.1
_REMOTE_BATCH_BYTES = 1 << 20
_SETTLE_EVERY_S = 5.0
_SETTLE_IDLE_S = 1.0
_MISSING_RUN_WAIT_S = 60.0


class Store(Protocol):
    """What a store of any kind can do for us."""

    def open(self) -> None:
        """Connect."""

    def close(self) -> None:
        """Disconnect."""

    def settle(self) -> bool:
        """Make sure that what was written survives a power cut; False when it could not."""
        ...

    def is_running(self, run_id: str) -> bool:
        """Say whether the store has the run as one that has not ended."""
        ...

    def apply(self, records: Sequence[Any], resolve_id: Any) -> int:
        """Write records; returns how many points they held."""
        ...


@dataclasses.dataclass(frozen=True)
class ShipResult:
    """What one call of `ship` did."""

    shipped_points: int = 0
    cursor: Cursor = notes.START
    done: bool = False
    """True when nothing is left (or `until` is reached)."""
    busy: bool = False
    """True when another process is shipping this journal."""
    trouble: StoreTrouble | None = None
    """Why it stopped; None when it did not stop."""


class JournalShip:
    """Ships one journal. Whoever uses it holds the journal's ship lock meanwhile.

    Args:
        path: the journal's folder.
        allow_mlflow: whether this process may import MLflow and wait for a network. Only the
            shipper process says yes; the user's kernel and the server never do.
        reader: one that has read this journal before knows its names already.
    """

    def __init__(
        self, path: Path, *, allow_mlflow: bool, reader: JournalReader | None = None
    ) -> None:
        self.path = path
        self.data_dir = path.parent.parent
        self.allow_mlflow = allow_mlflow
        self.reader = reader if reader is not None else JournalReader(path)
        self.meta = self.reader.meta
        self.workspace = from_meta(self.meta)
        self.progress = Progress.load(path)
        self.busy_wait_s = 2.0
        self.bringing: set[str] = set()
        """Runs whose kept files are to go to their artifacts."""
        self.ending = Ending(self)
        self._store: Store | None = None
        self._records: Sequence[Any] = ()
        self._records_end: Cursor = notes.START
        self._batch_bytes = _BATCH_BYTES_FIRST
        self._missing_since_s: dict[str, float] = {}
        self._settled_at_s = time.monotonic()
        self._saved_ids: set[str] = set(self.progress.ids)

    # --------------------------------------------------------------------------- store

    def store(self) -> Store:
        """Return the store, made at first use.

        Raises:
            StoreTrouble: it needs MLflow, which this process may not use.
        """
        if isinstance(self._store, SqliteStore) and not self._store.is_current():
            self.close()  # somebody deleted it: what comes goes into a new one
        if self._store is None:
            database = self.workspace.database
            if database is not None and not usable(database):
                self._prepare(database)
            if database is not None and usable(database):
                self._store = SqliteStore(
                    database, self.progress.refused, self._aside_record, self._call_mlflow
                )
            elif self.allow_mlflow:
                self._store = self._mlflow_store()
            else:
                raise StoreTrouble("connecting", f"{self.workspace.name} is being connected.")
        if isinstance(self._store, SqliteStore):
            self._store.busy_wait_s = self.busy_wait_s
        return self._store

    def _mlflow_store(self) -> Store:
        from jupyter_mltrack.journal.store_client import MlflowStore

        return MlflowStore(
            self.workspace.tracking_uri, self.progress, self.save, self._aside, self._slow
        )

    def _slow(self, still: bool) -> None:
        """Tell others that the store makes us wait, so that they need not."""
        shipping_state.write_health(
            self.data_dir,
            self.meta.workspace_id,
            "unreachable" if still else "ready",
            f"{self.workspace.name} takes its time to answer." if still else "",
        )

    def _prepare(self, database: Path) -> None:
        """Make the embedded workspace's database; elsewhere only a process for it may."""
        from jupyter_mltrack.errors import MltrackError
        from jupyter_mltrack.workspaces import local

        root = self.workspace.root
        if self.workspace.kind == "local" and root is not None and not root.is_dir():
            raise StoreTrouble(
                "broken",
                f"The project folder {root} is gone.",
                f"Put it back to have its last points, or remove {self.path}.",
                hopeless=True,
            )
        if not self.allow_mlflow and local.installed_schema() is None:
            raise StoreTrouble("connecting", f"{self.workspace.name} is being made ready.")
        try:
            self.workspace.prepare()
        except MltrackError as error:
            raise StoreTrouble("broken", error.message, error.hint) from error
        except OSError as error:
            raise StoreTrouble(
                "broken",
                f"{database.parent} cannot be used: {error.strerror}.",
                "Make room or make it writable.",
            ) from error

    def _call_mlflow(self, run_id: str, call: wire.RunCall) -> None:
        from jupyter_mltrack.journal import mlflow_calls

        if not self.allow_mlflow:
            raise StoreTrouble("connecting", f"{call.method} is left to the shipper.")
        mlflow_calls.perform_on(self.workspace.tracking_uri, run_id, call)

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def renew(self) -> None:
        """Connect anew, with the credentials of now."""
        self.close()
        self.workspace = from_meta(self.meta)

    def sent_requests(self) -> int:
        """Return a number that grows while the store takes requests."""
        return int(getattr(self._store, "sent", 0))

    def lost_calls(self) -> int:
        """Return how many requests never came back."""
        calls = getattr(self._store, "calls", None)
        return int(calls.lost) if calls is not None else 0

    # ------------------------------------------------------------------------- shipping

    def reload(self) -> None:
        """Take over what another process has shipped meanwhile."""
        fresh = Progress.load(self.path)
        if fresh.cursor != self.progress.cursor or fresh.finished_ms != self.progress.finished_ms:
            self.close()
            self.progress = fresh
            self._records = ()

    def step(self) -> int:
        """Ship one batch; returns how many records it held, 0 when nothing is new.

        Raises:
            StoreTrouble: the store cannot be used now.
        """
        if not self._records:
            batch = self.reader.read(self.progress.cursor, limit_bytes=self._limit_bytes())
            for damage in batch.damaged:
                self.reader.keep_aside(damage)
            if batch.cursor == self.progress.cursor:
                return 0
            self._records = self.ending.hold_automatic(batch.records)
            self._records_end = batch.cursor
        count = max(1, len(self._records))
        points = self._apply(self._records) if self._records else 0
        if self.bringing:
            bring(self)
        self._advance(points)
        return count

    def _limit_bytes(self) -> int:
        return self._batch_bytes if self.workspace.database is not None else _REMOTE_BATCH_BYTES

    def _apply(self, records: Sequence[Any]) -> int:
        store = self.store()
        began_s = time.monotonic()
        try:
            with shipping_state.in_flight(self.path):
                points = store.apply(records, self.resolve_id)
        except RunRefused as refused:
            self._refuse(refused)
            return self._apply(records)
        except StoreTrouble:
            raise
        except Exception as error:  # a record that no store can hold: find it, keep it, go on
            return self._isolate(records, error)
        self._missing_since_s.clear()
        took_s = time.monotonic() - began_s
        if took_s > 1.5 * _BATCH_S_WANTED:
            self._batch_bytes = max(_BATCH_BYTES_LEAST, self._batch_bytes // 2)
        elif took_s < 0.5 * _BATCH_S_WANTED:
            self._batch_bytes = min(_BATCH_BYTES_MOST, self._batch_bytes * 2)
        return points

    def _isolate(self, records: Sequence[Any], error: Exception) -> int:
        if len(records) > 1:
            middle = len(records) // 2
            return self._apply(records[:middle]) + self._apply(records[middle:])
        parts = aside.halves(records[0])
        if parts:
            return sum(self._apply([part]) for part in parts)
        self._aside_record(f"{type(error).__name__}: {error}", records[0])
        return 0

    def _advance(self, points: int) -> None:
        progress = self.progress
        self.ending.observe(self._records)
        progress.written = progress.written or bool(self._records)
        progress.cursor = self._records_end
        progress.shipped_points += points
        self._records = ()
        now_s = time.monotonic()
        if now_s - self._settled_at_s >= _SETTLE_EVERY_S:
            self.settle()
        self.save()

    def save(self) -> None:
        """Note how far it has come, and new ids in the index that outlives the journal."""
        fresh = {k: v for k, v in self.progress.ids.items() if k not in self._saved_ids}
        if fresh:
            notes.remember_ids(self.data_dir, self.meta.workspace_id, fresh)
            self._saved_ids.update(fresh)
        self.progress.save(self.path)

    def settle(self) -> bool:
        """Make sure that what was shipped survives a power cut; then old segments may go.

        Raises:
            StoreTrouble: the store cannot be used now.
        """
        if self.progress.durable == self.progress.cursor:
            return True
        self._settled_at_s = time.monotonic()
        database = self.workspace.database
        if self.progress.written and (database is None or database.exists()):
            store = self.store()
            store.open()
            if not store.settle():
                return False
        self.progress.durable = self.progress.cursor
        self.save()
        self.ending.drop_segments()
        return True

    def settle_when_idle(self) -> None:
        """Settle if something is not yet safe and the last time was a while ago."""
        if time.monotonic() - self._settled_at_s >= _SETTLE_IDLE_S:
            self.settle()

    # ---------------------------------------------------------------------------- runs

    def resolve_id(self, run_id: str) -> str:
        """Return the store's id of a run."""
        found = self.progress.ids.get(run_id)
        return found if found is not None else notes.run_alias(self.data_dir, run_id)

    def _refuse(self, refused: RunRefused) -> None:
        """Give up on a run, but wait first if another journal may still bring it.

        Raises:
            StoreTrouble: it is too early to give up.
        """
        if refused.missing:
            since_s = self._missing_since_s.setdefault(refused.run_id, time.monotonic())
            waited_s = time.monotonic() - since_s
            if waited_s < _MISSING_RUN_WAIT_S and self.ending.others_pending():
                raise StoreTrouble(
                    "connecting",
                    f"The run {refused.run_id} is still on its way from another process.",
                )
        self.progress.refused[refused.run_id] = refused.reason

    def _aside_record(self, reason: str, record: Any) -> None:
        import msgspec

        event = getattr(record, "event", None)
        body = msgspec.to_builtins(event) if event is not None else aside.rows_body(record)
        self._aside(reason, body)

    def _aside(self, reason: str, body: dict[str, Any]) -> None:
        aside.keep(self.path, reason, body)
        self.progress.set_aside += 1


def run_until(
    worker: JournalShip, end_s: float | None = None, until: Cursor | None = None
) -> ShipResult:
    """Ship with a worker that holds the lock, until nothing is left, a time or a position."""
    before = worker.progress.shipped_points
    trouble: StoreTrouble | None = None
    done = False
    if worker.progress.finished_ms:
        done = True
    while not done:
        if until is not None and worker.progress.cursor >= until:
            done = True
            break
        if end_s is not None:
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                break
            worker.busy_wait_s = min(2.0, left_s)
        try:
            if not worker.step():
                done = worker.ending.finish_if_left_behind()
        except StoreTrouble as error:
            trouble = error
            break
    progress = worker.progress
    return ShipResult(
        shipped_points=progress.shipped_points - before,
        cursor=progress.cursor,
        done=done,
        trouble=trouble,
    )
