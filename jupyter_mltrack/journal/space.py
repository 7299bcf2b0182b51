"""Room for the next frame: segments on disk, one made ready ahead, memory when there is no room.

A reader takes the name of the next segment for the end of this one, so a segment is sealed before
the next is shown. Each step may be repeated, and may be interrupted anywhere by a signal handler
or finalizer that logs itself: such a nested call helps the outer one along, or takes a segment in
memory, which the next round of the flusher brings to the disk. The lock is for other threads.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.journal import format as fmt
from jupyter_mltrack.journal.place import Place
from jupyter_mltrack.journal.segments import (
    SMALLEST_BYTES,
    Segment,
    close_handle,
    segments_bytes,
)
from jupyter_mltrack.journal.trouble import (
    Troubles,
    journal_full,
    journal_nearly_full,
    memory_full,
    of_error,
)

SEGMENT_BYTES = 4 << 20
MEMORY_MAX_BYTES = 64 << 20
"""What is kept in memory while the disk has no room."""
_EVENT_RESERVE_BYTES = 8 << 20
"""Room beyond the cap for events: a run's end is kept when its points cannot be."""
_RETRY_S = 0.5
_RETRIED_MAX = 16
"""Segments that the disk refused to sync and that are tried again."""


class Space:
    """The segments of one journal. `current.map.write` is free for all to call."""

    def __init__(
        self, place: Place, max_bytes: int, troubles: Troubles, on_change: Callable[[], None]
    ) -> None:
        self.place = place
        self.max_bytes = max_bytes
        self.segment_bytes = _segment_bytes(max_bytes)
        self.current = Segment.nothing(place.path)
        self.closed = False
        self.refused = False
        """True while new points find no room anywhere."""
        self._troubles = troubles
        self._on_change = on_change
        self._lock = threading.RLock()
        self._working = False
        self._next: Segment | None = None
        self._retired: list[Segment] = []
        self._memory: tuple[Segment, ...] = ()
        self._retry_at_s = 0.0
        self._sync_at_s = 0.0
        self._sync_failed = False
        self._place_synced = False

    # ------------------------------------------------------------------ going on

    def go_on(self, full: Segment, need_bytes: int, *, event: bool = False) -> bool:
        """Have a current segment other than `full`; False when there is no room.

        Points give up at once while trouble is fresh; an `event` always tries.
        """
        if self.current is not full:
            return True
        if self.refused and not event and time.monotonic() < self._retry_at_s:
            return False
        with self._lock:
            if self.current is not full:
                return True
            if self.closed:
                return False
            if self._working:
                return self._go_on_nested(full, need_bytes)
            self._working = True
            try:
                done = self._change(full, need_bytes, event=event)
            finally:
                self._working = False
        if done:
            self._on_change()
        return done

    def _go_on_nested(self, full: Segment, need_bytes: int) -> bool:
        """Called from within `_change` or `recover` of this very thread."""
        following = self._next
        if following is not None and self._follows(following, full, need_bytes):
            with contextlib.suppress(OSError):
                self._use(full, following)
                return True
        return self._change_to_memory(full, need_bytes)

    def _change(self, full: Segment, need_bytes: int, *, event: bool) -> bool:
        if self._memory:  # the order of segments is the order of points
            return self._change_to_memory(full, need_bytes)
        try:
            trouble = self.place.open()
            if trouble is not None:
                self._troubles.add(trouble)
            following = self._next
            if following is not None and not self._follows(following, full, need_bytes):
                self._drop_next()
                following = None
            if following is None:
                following = self._make(full.number + 1, need_bytes, event=event)
                if following is None:
                    return False
                if self.current is not full:  # somebody nested was quicker
                    following.discard()
                    return True
                self._next = following
            self._use(full, following)
        except (OSError, MltrackError) as error:
            self._drop_next()
            self._troubles.add(of_error(error, self.place.path))
            return self._change_to_memory(full, need_bytes)
        if not event:
            self.refused = False
        return True

    def _follows(self, following: Segment, full: Segment, need_bytes: int) -> bool:
        fits = following.size >= self._whole_size(need_bytes)
        return fits and following.number == full.number + 1

    def _drop_next(self) -> None:
        following, self._next = self._next, None
        if following is not None:
            following.discard()

    def _use(self, full: Segment, following: Segment) -> None:
        """Seal, show, use. Raises `OSError` when the segment cannot be shown."""
        full.seal()
        following.publish()
        if self.current is full:
            self.current = following
            self._next = None
            self._retired.append(full)
            self._place_synced = False  # the folder has a new entry

    def _change_to_memory(self, full: Segment, need_bytes: int) -> bool:
        size = max(self.segment_bytes, self._whole_size(need_bytes))
        if sum(segment.size for segment in self._memory) + size > MEMORY_MAX_BYTES:
            self._refuse()
            self._troubles.add(memory_full(MEMORY_MAX_BYTES))
            return False
        try:
            segment = Segment.in_memory(self.place.path, full.number + 1, size)
        except OSError as error:
            self._refuse()
            self._troubles.add(of_error(error, self.place.path))
            return False
        self._describe(segment)
        full.seal()
        self._retry_at_s = time.monotonic() + _RETRY_S
        while self.current is full:
            before = self._memory
            extended = (*before, segment)  # making it may run a finalizer that logs
            if self._memory is before and self.current is full:
                # No call and nothing made between these lines: they happen together.
                self._memory = extended
                self.current = segment
                self._retired.append(full)
        return True

    def _make(self, number: int, need_bytes: int, *, event: bool) -> Segment | None:
        """Reserve a segment within the cap; None, and the user is told, when the cap is reached."""
        size = max(self.segment_bytes, self._whole_size(need_bytes))
        if self.max_bytes:
            used = segments_bytes(self.place.path)
            if used + size > self.max_bytes:
                small = max(SMALLEST_BYTES, self._whole_size(need_bytes))
                self._troubles.add(journal_full(self.max_bytes))
                if not event or used + small > self.max_bytes + _EVENT_RESERVE_BYTES:
                    self._refuse()
                    return None
                size = small
            elif used + size > self.max_bytes * 8 // 10:
                self._troubles.add(journal_nearly_full(used + size, self.max_bytes))
        return self._create(number, size)

    def _create(self, number: int, size: int) -> Segment:
        segment = Segment.create(self.place.path, number, size)
        self._describe(segment)
        return segment

    def _describe(self, segment: Segment) -> None:
        with contextlib.suppress(ValueError):
            segment.map.write(self.place.meta_frame)

    def _whole_size(self, need_bytes: int) -> int:
        return fmt.aligned(fmt.HEADER_BYTES + len(self.place.meta_frame) + need_bytes)

    def _refuse(self) -> None:
        self.refused = True
        self._retry_at_s = time.monotonic() + _RETRY_S

    # ------------------------------------------------------------- the flusher's part

    @property
    def in_trouble(self) -> bool:
        """True while something is refused, or does not reach the disk."""
        return self.refused or self._sync_failed or bool(self._memory)

    def recover(self, *, now: bool = False) -> bool:
        """Bring to the disk what is in memory, and have room again. True when all is well."""
        if not (self.refused or self._memory):
            return not self._sync_failed
        if not now and time.monotonic() < self._retry_at_s:
            return False
        with self._lock:
            if self._working or self.closed:
                return False
            self._working = True
            try:
                self.place.open()
                while self._memory:
                    oldest = self._memory[0]
                    self._persist(oldest)
                    self._forget_oldest(oldest)
            except (OSError, MltrackError):
                self._retry_at_s = time.monotonic() + _RETRY_S
                return False
            finally:
                self._working = False
        if not self.refused and self.current.end is None:
            return True
        return self.go_on(self.current, 0) and not self.in_trouble

    def _forget_oldest(self, oldest: Segment) -> None:
        while self._memory and self._memory[0] is oldest:
            before = self._memory
            rest = before[1:]  # see `_change_to_memory`
            if self._memory is before:
                self._memory = rest

    def _persist(self, memory: Segment) -> None:
        """Write a segment from memory to the disk; seals it once there is room for it."""
        segment = Segment.create(self.place.path, memory.number, memory.size)
        try:
            memory.seal()
            segment.map.seek(0)
            segment.map.write(memory.content())
            segment.sync()
            segment.publish()
        except BaseException:
            segment.discard()
            raise
        segment.close(shrink=True)

    def make_ready(self) -> None:
        """Reserve the next segment before the current one is full."""
        segment = self.current
        if self._next is not None or segment.handle < 0 or segment.used * 4 < segment.size:
            return
        with self._lock:
            if self._working or self.closed or self._next or self.current is not segment:
                return
            self._working = True
            try:
                if self.max_bytes:
                    used = segments_bytes(self.place.path) + self.segment_bytes
                    if used > self.max_bytes * 8 // 10:
                        return  # the writer decides, and says so, when it comes to that
                made = self._create(segment.number + 1, self.segment_bytes)
                if self.current is segment:
                    self._next = made
                else:
                    made.discard()
            except OSError:
                return  # likewise
            finally:
                self._working = False

    def sync(self, *, now: bool = True) -> bool:
        """Bring what is written to the disk; False when the disk failed."""
        if not now and time.monotonic() < self._sync_at_s:
            return False
        with self._lock:
            retired, self._retired = self._retired, []
        failed: OSError | None = None
        for segment in (*retired, self.current):
            try:
                segment.sync()
            except OSError as error:
                failed = error
                if segment is not self.current and len(self._retired) < _RETRIED_MAX:
                    self._retired.append(segment)
            else:
                if segment is not self.current:
                    segment.close()
        if not self._place_synced and self.place.opened:
            try:
                self.place.sync()
                self._place_synced = True
            except OSError as error:
                failed = error
        self._sync_failed = failed is not None
        if failed is not None:
            self._sync_at_s = time.monotonic() + _RETRY_S
            self._troubles.add(of_error(failed, self.place.path))
        return failed is None

    @property
    def unsynced(self) -> bool:
        """True when the disk does not have everything yet."""
        return self.current.synced != self.current.used or bool(self._retired)

    @property
    def memory_bytes(self) -> int:
        """How much is kept in memory only."""
        return sum(segment.used for segment in self._memory)

    # -------------------------------------------------------------------- the end

    def close(self) -> None:
        """Sync, give back what was reserved and not used, and let go."""
        self.recover(now=True)
        with self._lock:
            if self.closed:
                return
            self.closed = True
            self.current.seal()
        self.sync()
        self.current.close(shrink=True)
        self._drop_next()
        self.place.close()

    def drop_after_fork(self) -> None:
        """In a forked child: let go of the parent's files without touching them."""
        for segment in (self.current, self._next, *self._retired, *self._memory):
            if segment is not None:
                handle, segment.handle = segment.handle, -1
                segment.map.close()
                if handle >= 0:
                    close_handle(handle)


def _segment_bytes(max_bytes: int) -> int:
    """Size of a segment: small enough that a small cap still means something."""
    if not max_bytes:
        return SEGMENT_BYTES
    share = max_bytes // 8 & -SMALLEST_BYTES
    return max(SMALLEST_BYTES, min(SEGMENT_BYTES, share))
