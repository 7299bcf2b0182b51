"""The journal of this process: what a user logs is kept here before anybody else hears of it.

Rows are written by `RunSink`; here is everything that happens seldom: opening, naming runs and
schemas, going on in the next segment, running out of room, fork, closing. Nothing in here raises
into a user's cell. Each step of changing segments may be repeated or interrupted at any point by
a signal handler or an exception, also by one that logs itself; the lock is for other threads.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.journal import format as fmt
from jupyter_mltrack.journal import lease
from jupyter_mltrack.journal.flusher import Flusher
from jupyter_mltrack.journal.living import living
from jupyter_mltrack.journal.records import Cursor
from jupyter_mltrack.journal.segments import (
    SMALLEST_BYTES,
    Segment,
    no_segment,
    open_private,
    segments_bytes,
)
from jupyter_mltrack.journal.sink import RunSink
from jupyter_mltrack.journal.trouble import (
    Trouble,
    Troubles,
    journal_full,
    journal_nearly_full,
    of_error,
    room_again,
)

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.workspaces import Workspace

SEGMENT_BYTES = 4 << 20
DEFAULT_MAX_BYTES = 4 << 30
_EVENT_RESERVE_BYTES = 8 << 20
"""Room beyond the cap for events: a run's end is kept when its points cannot be."""
_RETRY_S = 0.5


class Journal:
    """One writer for one process and workspace. Made by `create`, ended by `close`."""

    def __init__(
        self, workspace: Workspace, *, parent_journal_id: str | None, max_bytes: int
    ) -> None:
        self.workspace = workspace
        self.parent_journal_id = parent_journal_id
        self.max_bytes = max_bytes
        self.segment_bytes = _segment_bytes(max_bytes)
        self._troubles = Troubles()
        self._sinks: dict[str, RunSink] = {}
        self._fresh()

    def _fresh(self) -> None:
        """Forget all files and locks: a new journal, and a forked child's, begin here."""
        from jupyter_mltrack.settings import data_dir

        self.id = f"{time.time_ns() // 1_000_000:012x}-{uuid.uuid4().hex[:12]}"
        self.path: Path = data_dir() / "journals" / self.id
        self._lock = threading.RLock()
        self._opened = False
        self._meta_bytes = b""
        self._closed = False
        self._segment = no_segment(self.path, 0)
        self._next: Segment | None = None
        self._retired: list[Segment] = []
        self._numbers = itertools.count(1)
        self._run_numbers: dict[str, int] = {}
        self._schema_numbers: dict[tuple[str, ...], int] = {}
        self._flusher: Flusher | None = None
        self._lost: dict[str, int] = {}
        self._refused = False
        self._retry_at_s = 0.0
        self._troubles.forget()
        self.forget_plans()

    # ------------------------------------------------------------------------- life

    @classmethod
    def create(
        cls,
        workspace: Workspace,
        *,
        parent_journal_id: str | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> Journal:
        """Begin a journal on disk. Trouble is told through `on_write_trouble`, never raised."""
        journal = cls(workspace, parent_journal_id=parent_journal_id, max_bytes=max_bytes)
        journal.open()
        return journal

    def open(self) -> None:
        """Make folder, lease and first segment now instead of at the first write."""
        living.add(self)
        self._go_on(self._segment, 0, event=False)

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._closed

    def _open(self) -> bool:
        """Make the folder with `meta.json` and lease; True when it is there."""
        if self._opened:
            return True
        from jupyter_mltrack.settings import ensure_private_dir

        self._meta_bytes = json.dumps(self._meta(), separators=(",", ":")).encode()
        hidden = self.path.with_name(f".{self.id}")
        try:
            ensure_private_dir(self.path.parent)
            ensure_private_dir(hidden)
            handle = open_private(hidden / "meta.json")
            try:
                os.write(handle, self._meta_bytes)
            finally:
                os.close(handle)
            lease.acquire(hidden, self.id)
            os.rename(hidden, self.path)
        except (OSError, MltrackError) as error:
            lease.release(self.id)
            for name in ("meta.json", lease.LEASE):
                with contextlib.suppress(OSError):
                    os.unlink(hidden / name)
            with contextlib.suppress(OSError):
                os.rmdir(hidden)
            self._refuse(of_error(error, self.path.parent))
            return False
        self._opened = True
        return True

    def _meta(self) -> dict[str, Any]:
        root = self.workspace.root
        return {
            "format": fmt.FORMAT,
            "journal_id": self.id,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "boot_id": lease.boot_id(),
            "created_ms": time.time_ns() // 1_000_000,
            "tracking_uri": self.workspace.display_uri,
            "workspace_id": self.workspace.id,
            "workspace_kind": self.workspace.kind,
            "workspace_name": self.workspace.name,
            "project_root": str(root) if root is not None else "",
            "parent_journal_id": self.parent_journal_id,
        }

    def close(self) -> None:
        """Bring everything to the disk and let go; whoever ships it next finds no owner."""
        flusher, self._flusher = self._flusher, None
        if flusher is not None:
            flusher.stop()
        with self._lock:
            if self._closed:
                return
            self._recover()
            self._closed = True
            self.forget_plans()
            self._segment.seal()
            self._sync_all()
            self._segment.close(shrink=True)
            if self._next is not None:
                self._next.discard()
                self._next = None
            lease.release(self.id)

    def become_child(self) -> None:
        """After fork, in the child: the parent keeps its journal, the first write makes our own."""
        self.parent_journal_id = self.id
        for segment in (self._segment, self._next, *self._retired):
            if segment is not None and segment.handle >= 0:
                handle, segment.handle = segment.handle, -1
                segment.map.close()
                os.close(handle)
        self._fresh()

    # ---------------------------------------------------------------------- writing

    def sink(self, run_id: str, map_key: Callable[[str], str] | None = None) -> RunSink:
        """The sink for the points of a run; the same one each time.

        `map_key` turns a key into the name that is kept. It is called once for each set of keys.
        """
        sink = self._sinks.get(run_id)
        if sink is None:
            sink = self._sinks.setdefault(run_id, RunSink(self, run_id, map_key))
        return sink

    def event(self, event: wire.JournalEvent) -> Cursor:
        """Write an event; returns the position after it."""
        self._write_event(event)
        return self.position()

    def _write_event(self, event: wire.JournalEvent) -> bool:
        from jupyter_mltrack.journal.events import encode

        payload = encode(event)
        if len(payload) > fmt.MAX_PAYLOAD_BYTES:
            self.trouble_with(
                "event_too_large",
                f"An event of {len(payload) >> 20} MB was not kept: {type(event).__name__}.",
                f"The limit is {fmt.MAX_PAYLOAD_BYTES >> 20} MB; log it as an artifact.",
            )
            return False
        return self._write(fmt.frame(fmt.EVENT, payload))

    def write_exact(self, run_id: str, numbers: dict[str, int], step: int, stamp: int) -> None:
        """Write whole numbers that a float cannot hold."""
        from jupyter_mltrack import wire

        points = [
            wire.MetricPoint(key=key, value=repr(number), step=step, timestamp_ms=stamp)
            for key, number in numbers.items()
        ]
        if not self._write_event(wire.RunMetrics(run_id=wire.RunId(run_id), metrics=points)):
            self.lose(run_id, len(points))

    def _write(self, whole: bytes) -> bool:
        while True:
            segment = self._segment
            try:
                segment.map.write(whole)
            except ValueError:
                if not self._go_on(segment, len(whole), event=True):
                    return False
            else:
                self.wake()
                return True

    def name_in_segment(
        self, run_id: str, keys: tuple[str, ...], row_bytes: int
    ) -> tuple[Segment, int, int] | None:
        """Make sure the current segment names this run and these keys; None when there is no room."""
        run_no = self._run_numbers.get(run_id) or self._run_numbers.setdefault(
            run_id, next(self._numbers)
        )
        schema_no = self._schema_numbers.get(keys) or self._schema_numbers.setdefault(
            keys, next(self._numbers)
        )
        while True:
            segment = self._segment
            frames = []
            if run_no not in segment.declared:
                frames.append(fmt.frame(fmt.RUN, fmt.run_payload(run_no, run_id)))
            if schema_no not in segment.declared:
                frames.append(fmt.frame(fmt.SCHEMA, fmt.schema_payload(schema_no, keys)))
            names = b"".join(frames) * 2  # twice: damage to one copy costs nothing
            if segment.used + len(names) + row_bytes <= segment.size:
                with contextlib.suppress(ValueError):
                    segment.map.write(names)
                    segment.declared.update((run_no, schema_no))
                    self.wake()
                    return segment, run_no, schema_no
            if not self.go_on_after(segment, len(names) + row_bytes + 4 * fmt.HEAD_BYTES):
                return None

    def go_on_after(self, full: Segment, need_bytes: int) -> bool:
        """For rows: have a segment other than `full`; False when there is no room for points."""
        if self._segment is not full:
            return True
        if self._refused and time.monotonic() < self._retry_at_s:
            return False
        return self._go_on(full, need_bytes, event=False)

    def _go_on(self, full: Segment, need_bytes: int, *, event: bool) -> bool:
        try:
            with self._lock:
                if self._segment is not full:
                    return True
                if self._closed or not self._open():
                    return False
                return self._change_segment(full, need_bytes, event=event)
        finally:
            self._troubles.tell()

    def _change_segment(self, full: Segment, need_bytes: int, *, event: bool) -> bool:
        """Seal `full`, then show and use the next one. Every step can be done twice."""
        size = max(self.segment_bytes, fmt.aligned(need_bytes + self._overhead_bytes))
        following = self._next
        if following is not None and following.size < need_bytes + self._overhead_bytes:
            self._next = None
            following.discard()
            following = None
        try:
            if following is None:
                following = self._make_segment(full.number + 1, size, event=event)
                if following is None:
                    return False
                self._next = following
            # Readers take the next segment's name for the end of this one: seal first.
            full.seal()
            following.publish()
        except OSError as error:
            self._refuse(of_error(error, self.path))
            return False
        if self._segment is full:
            self._segment = following
            self._next = None
            self._retired.append(full)
        if not event:
            self._room_again()
        self._start_flusher()
        self.wake()
        return True

    def _make_segment(self, number: int, size: int, *, event: bool) -> Segment | None:
        """Reserve a segment within the cap; None and a reason when the cap is reached."""
        if self.max_bytes:
            used = segments_bytes(self.path)
            if used + size > self.max_bytes:
                small = max(SMALLEST_BYTES, size - self.segment_bytes + SMALLEST_BYTES)
                if not event or used + small > self.max_bytes + _EVENT_RESERVE_BYTES:
                    self._refuse(journal_full(self.max_bytes))
                    return None
                size = small
            elif used + size > self.max_bytes * 8 // 10:
                self._troubles.add(journal_nearly_full(used + size, self.max_bytes))
        return self._create_segment(number, size)

    @property
    def _overhead_bytes(self) -> int:
        """What every segment holds besides what it is made for."""
        return fmt.HEADER_BYTES + fmt.aligned(fmt.HEAD_BYTES + len(self._meta_bytes))

    def _create_segment(self, number: int, size: int) -> Segment:
        segment = Segment.create(self.path, number, size)
        with contextlib.suppress(ValueError):  # a segment smaller than its own description
            segment.map.write(fmt.frame(fmt.META, self._meta_bytes))
        return segment

    # ---------------------------------------------------------------------- reading

    def position(self) -> Cursor:
        """Where the next frame will begin."""
        segment = self._segment
        return (segment.number, segment.used) if segment.number else (1, 0)

    @property
    def lost_points(self) -> int:
        """Points that could not be kept and that no note in the journal speaks of yet."""
        return sum(self._lost.values())

    @property
    def on_write_trouble(self) -> Callable[[Trouble], None] | None:
        """Called once for each cause, in whatever thread meets it; None writes to the log."""
        return self._troubles.callback

    @on_write_trouble.setter
    def on_write_trouble(self, callback: Callable[[Trouble], None] | None) -> None:
        self._troubles.callback = callback

    # --------------------------------------------------------------- disk and trouble

    def sync(self) -> bool:
        """Bring everything written so far to the disk; False when the disk failed."""
        done = self._sync_all()
        self._troubles.tell()
        return done

    def tend(self) -> bool:
        """The flusher's round: sync, make the next segment ready, try again what failed."""
        before = self._segment
        busy = before.synced != before.used or bool(self._retired) or self._refused
        self._make_ready()
        self._sync_all()
        if self._refused and time.monotonic() >= self._retry_at_s:
            self._recover()
        self._troubles.tell()
        return busy

    def _sync_all(self) -> bool:
        done = True
        with self._lock:
            retired, self._retired = self._retired, []
        for segment in (*retired, self._segment):
            try:
                segment.sync()
            except OSError as error:
                done = False
                self._troubles.add(of_error(error, self.path))
        for segment in retired:
            segment.close()
        return done

    def _make_ready(self) -> None:
        """Reserve the next segment before the current one is full."""
        segment = self._segment
        if self._next is not None or not segment.number or segment.used * 4 < segment.size:
            return
        with self._lock:
            if self._next is not None or self._segment is not segment or self._closed:
                return
            if self.max_bytes:
                used = segments_bytes(self.path) + self.segment_bytes
                if used > self.max_bytes * 8 // 10:
                    return  # the writer itself decides, and says so, when it comes to that
            try:
                self._next = self._create_segment(segment.number + 1, self.segment_bytes)
            except OSError:
                return  # likewise

    def lose(self, run_id: str, points: int) -> None:
        """Count points that could not be kept."""
        with self._lock:
            self._lost[run_id] = self._lost.get(run_id, 0) + points
        if self._flusher is not None:
            self._flusher.wake()

    def _refuse(self, trouble: Trouble) -> None:
        self._refused = True
        self._retry_at_s = time.monotonic() + _RETRY_S
        self._troubles.add(trouble)

    def _recover(self) -> None:
        """Try to have room again."""
        if self._refused and not self._closed:
            self._go_on(self._segment, 0, event=False)

    def _room_again(self) -> None:
        """Points are kept again: say in the journal and to the user what was not."""
        if not self._refused:
            return
        self._refused = False
        lost, self._lost = self._lost, {}
        self._troubles.add(room_again(sum(lost.values())))
        for run_id, points in lost.items():
            self._note_lost(run_id, points)

    def _note_lost(self, run_id: str, points: int) -> None:
        from jupyter_mltrack import wire

        noted = wire.Noted(
            code="points_lost",
            message=f"{points} points could not be kept: there was no room for them.",
            run_id=wire.RunId(run_id),
            at_ms=time.time_ns() // 1_000_000,
        )
        if not self._write_event(noted):
            self._lost[run_id] = self._lost.get(run_id, 0) + points

    def trouble_with(self, code: str, message: str, hint: str, once_for: str = "") -> None:
        """Tell the user once: for each `code`, or for each `code` and `once_for`."""
        self._troubles.add(Trouble(code, message, hint), once_for)
        self._troubles.tell()

    def forget_plans(self) -> None:
        """Make each sink pass through the slow path once."""
        for sink in list(self._sinks.values()):
            sink.forget_plans()

    def wake(self) -> None:
        """Let the flusher know that there is something to do."""
        flusher = self._flusher
        if flusher is not None:
            flusher.wake()

    def _start_flusher(self) -> None:
        if self._flusher is None and not self._closed:
            flusher = Flusher(self)
            if flusher.start():
                self._flusher = flusher


def _segment_bytes(max_bytes: int) -> int:
    """Size of a segment: small enough that a small cap still means something."""
    if not max_bytes:
        return SEGMENT_BYTES
    share = max_bytes // 8 & -SMALLEST_BYTES
    return max(SMALLEST_BYTES, min(SEGMENT_BYTES, share))
