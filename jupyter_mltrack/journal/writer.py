"""The journal of this process: what a user logs is kept here before anybody else hears of it.

Rows are written by `RunSink`; here is what happens seldom: naming runs and schemas, events, what
could not be kept, fork, closing. Nothing in here raises into a user's cell.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.journal import format as fmt
from jupyter_mltrack.journal.flusher import Flusher
from jupyter_mltrack.journal.living import living
from jupyter_mltrack.journal.place import Place
from jupyter_mltrack.journal.records import Cursor
from jupyter_mltrack.journal.segments import Segment
from jupyter_mltrack.journal.sink import RunSink
from jupyter_mltrack.journal.space import Space
from jupyter_mltrack.journal.trouble import Trouble, Troubles, memory_lost, room_again

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.workspaces import Workspace

DEFAULT_MAX_BYTES = 4 << 30
_NAMES_MAX = 10_000
"""Runs or schemas whose numbers are remembered; a name that was forgotten gets a new one."""


class Journal:
    """One writer for one process and workspace. Made by `create`, ended by `close`."""

    def __init__(
        self,
        workspace: Workspace,
        *,
        parent_journal_id: str | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        self.workspace = workspace
        self.parent_journal_id = parent_journal_id
        self.max_bytes = max_bytes
        self._troubles = Troubles()
        self._sinks: dict[str, RunSink] = {}
        self._begin()

    def _begin(self) -> None:
        """Have no files and no locks yet: a new journal, and a forked child's, begin here."""
        self._lock = threading.RLock()
        self._troubles.forget()
        self._place = Place(self.workspace, self.parent_journal_id)
        self._space = Space(self._place, self.max_bytes, self._troubles, self._has_changed)
        self._flusher: Flusher | None = None
        self._numbers = itertools.count(1)
        self._run_numbers: dict[str, int] = {}
        self._schema_numbers: dict[tuple[str, ...], int] = {}
        self._lost: dict[str, int] = {}
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
        """Begin a journal on disk. Trouble is told through `on_write_trouble`, never raised.

        `max_bytes` is the most that may wait on this machine; 0 means no limit.
        """
        journal = cls(workspace, parent_journal_id=parent_journal_id, max_bytes=max_bytes)
        journal.open()
        return journal

    def open(self) -> None:
        """Make folder, lease and first segment now instead of at the first write."""
        living.add(self)
        self._go_on(self._space.current, 0)

    @property
    def id(self) -> str:
        """The name of the journal's folder."""
        return self._place.id

    @property
    def path(self) -> Path:
        """The journal's folder. It is there once something was written."""
        return self._place.path

    @property
    def closed(self) -> bool:
        """True after `close`."""
        return self._space.closed

    def close(self) -> None:
        """Bring everything to the disk and let go; whoever ships it next finds no owner."""
        flusher, self._flusher = self._flusher, None
        if flusher is not None:
            flusher.stop()
        if self._space.closed:
            return
        self._recover(now=True)
        self.forget_plans()
        self._space.close()
        if self._space.memory_bytes:
            self._troubles.add(memory_lost(self._space.memory_bytes))
        self._troubles.tell()

    def become_child(self) -> None:
        """After fork, in the child: the parent keeps its journal, the first write makes our own."""
        closed = self._space.closed
        self.parent_journal_id = self.id
        self._space.drop_after_fork()
        self._begin()
        self._space.closed = closed

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
        if len(payload) <= fmt.MAX_PAYLOAD_BYTES:
            return self._write(fmt.frame(fmt.EVENT, payload))
        self.trouble_with(
            "event_too_large",
            f"{type(event).__name__} of {len(payload) >> 20} MB was not kept.",
            f"The limit is {fmt.MAX_PAYLOAD_BYTES >> 20} MB; log it as an artifact.",
        )
        return False

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
            segment = self._space.current
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
        """Have a segment that names this run and these keys; None when there is no room."""
        run_no = self._number(self._run_numbers, run_id)
        schema_no = self._number(self._schema_numbers, keys)
        while True:
            segment = self._space.current
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
            # The next segment has to hold both names, whatever this one held.
            need = len(fmt.run_payload(run_no, run_id)) + len(fmt.schema_payload(schema_no, keys))
            if not self.go_on_after(segment, 2 * need + row_bytes + 8 * fmt.HEAD_BYTES):
                return None

    def _number(self, numbers: dict[Any, int], name: Any) -> int:
        number = numbers.get(name)
        if number is None:
            if len(numbers) >= _NAMES_MAX:
                numbers.clear()
            number = numbers.setdefault(name, next(self._numbers))
        return number

    def go_on_after(self, full: Segment, need_bytes: int) -> bool:
        """For rows: have a segment other than `full`; False when there is no room for points."""
        return self._go_on(full, need_bytes)

    def _go_on(self, full: Segment, need_bytes: int, *, event: bool = False) -> bool:
        done = self._space.go_on(full, need_bytes, event=event)
        self._troubles.tell()
        return done

    def _has_changed(self) -> None:
        """A new segment is in use: somebody has to tend it."""
        if self._flusher is None and not self._space.closed:
            self._flusher = flusher = Flusher(self)
            if not flusher.start():
                self._flusher = None
        self.wake()

    # ---------------------------------------------------------------------- reading

    def position(self) -> Cursor:
        """Where the next frame will begin."""
        segment = self._space.current
        return (segment.number, segment.used) if segment.number else (1, 0)

    @property
    def lost_points(self) -> int:
        """Points that could not be kept and that no note in the journal speaks of yet."""
        return sum(self._lost.values())

    @property
    def in_memory(self) -> bool:
        """True while something is in memory only, because the disk has no room for it."""
        return self._space.memory_bytes > 0

    # --------------------------------------------------------------- disk and trouble

    @property
    def on_write_trouble(self) -> Callable[[Trouble], None] | None:
        """Called once for each cause, in whatever thread meets it; None writes to the log."""
        return self._troubles.callback

    @on_write_trouble.setter
    def on_write_trouble(self, callback: Callable[[Trouble], None] | None) -> None:
        self._troubles.callback = callback

    def sync(self) -> bool:
        """Bring everything written so far to the disk; False when it could not be."""
        recovered = self._recover(now=True)
        done = self._space.sync()
        self._troubles.tell()
        return done and recovered

    def tend(self) -> bool:
        """The flusher's round: sync, make the next segment ready, try again what failed."""
        space = self._space
        busy = space.unsynced or space.in_trouble
        space.make_ready()
        space.sync(now=False)
        self._recover(now=False)
        self._troubles.tell()
        return busy

    def lose(self, run_id: str, points: int) -> None:
        """Count points that could not be kept."""
        with self._lock:
            self._lost[run_id] = self._lost.get(run_id, 0) + points

    def _recover(self, *, now: bool) -> bool:
        """Try to have everything on the disk; says so, and what was lost, when it works again."""
        if not self._space.recover(now=now):
            return False
        if self._troubles.told_of_no_room:
            self._troubles.add(room_again(self.lost_points))
        if self._lost:
            self._note_what_was_lost()
        return True

    def _note_what_was_lost(self) -> None:
        from jupyter_mltrack import wire

        with self._lock:
            lost, self._lost = self._lost, {}
        for run_id, points in lost.items():
            noted = wire.Noted(
                code="points_lost",
                message=f"{points} points could not be kept: there was no room for them.",
                run_id=wire.RunId(run_id),
                at_ms=time.time_ns() // 1_000_000,
            )
            if not self._write_event(noted):
                self.lose(run_id, points)

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
