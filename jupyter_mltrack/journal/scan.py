"""Take one segment apart, frame by frame, whatever state it is in."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import Enum
from zlib import crc32

from jupyter_mltrack.journal import format as fmt
from jupyter_mltrack.journal.names import Names, whole_frames
from jupyter_mltrack.journal.records import Damage, Found

_FIRST_WINDOW_BYTES = 16 << 10
_WINDOW_BYTES = 1 << 20
_NO_FRAME = "no whole frame"
_NO_NAMES = "rows whose names are lost"
_NOT_KNOWN = "a record this version does not know"


class _Stop(Enum):
    SHORT = "the window ends within a frame"
    BAD = "no frame begins here"


class Scan:
    """One pass over an open segment."""

    def __init__(self, handle: int, size: int, number: int, found: Found, names: Names) -> None:
        self._handle = handle
        self._size = size
        self._number = number
        self._found = found
        self._names = names
        self._needed = 0

    def read(
        self, start: int, limit: int, *, sealed: bool, owner_alive: Callable[[], bool]
    ) -> tuple[int, bool]:
        """Collect records from `start` on; returns where to go on and whether all was read."""
        at, window_bytes = start, _FIRST_WINDOW_BYTES
        whole_size = fmt.aligned(self._size)
        while at - start < limit:
            window = os.pread(self._handle, min(window_bytes, max(0, self._size - at)), at)
            if not window:
                return min(at, self._size), True
            if at + len(window) == self._size:
                window += bytes(whole_size - self._size)  # padding that was cut off
            used, stop = self._parse(window, at)
            at += used
            self._found.close_group((self._number, min(at, self._size)))
            if stop is _Stop.SHORT and at + self._needed <= whole_size:
                window_bytes = max(self._needed, min(4 * window_bytes, _WINDOW_BYTES))
                continue
            if at >= self._size:
                return self._size, True
            if not sealed and not owner_alive():
                sealed = True  # and look again: the owner may have written until just now
                continue
            following = self._resume(at, sealed=sealed)
            if following == at:
                continue
            if following is None:
                return self._tail(at, sealed=sealed), True
            self._found.damage(Damage(self._number, at, following - at, _NO_FRAME))
            at = following
        return min(at, self._size), False

    def _resume(self, at: int, *, sealed: bool) -> int | None:
        """Where the next whole frame is; `at` itself when it was being written just now."""
        if not sealed and self._written_hint() <= at:
            head = os.pread(self._handle, fmt.HEAD_BYTES, at)
            if not any(head):
                return None
        mark = fmt.MAGIC_BYTES
        following = next(whole_frames(self._handle, self._size, at + fmt.ALIGN_BYTES, mark), None)
        if following is None:
            return None
        # Written in order: when a later frame is whole, this one is too, if it is one.
        mine = next(whole_frames(self._handle, self._size, at, mark), None)
        return mine[0] if mine is not None else following[0]

    def _tail(self, at: int, *, sealed: bool) -> int:
        """No frame follows: wait here, or note what is left behind by an owner that is gone."""
        if not sealed:
            return at
        last = -1
        for block_at in range(at, self._size, _WINDOW_BYTES):
            block = os.pread(self._handle, _WINDOW_BYTES, block_at).rstrip(b"\0")
            if block:
                last = block_at + len(block)
        if last < 0:
            return at
        self._found.damage(Damage(self._number, at, last - at, _NO_FRAME))
        return self._size

    def _written_hint(self) -> int:
        raw = os.pread(self._handle, fmt.HINT.size, fmt.HINT_OFFSET)
        return int.from_bytes(raw, "little") if len(raw) == fmt.HINT.size else 0

    def _parse(self, window: bytes, base: int) -> tuple[int, _Stop]:
        """Take frames from the front of the window; returns how much and why it ended."""
        view = memoryview(window)
        total = len(window)
        at = 0
        while at + fmt.HEAD_BYTES <= total:
            magic, kind, _, length, checksum = fmt.HEAD.unpack_from(window, at)
            if magic != fmt.MAGIC or length > fmt.MAX_PAYLOAD_BYTES:
                return at, _Stop.BAD
            body = at + fmt.HEAD_BYTES
            following = fmt.aligned(body + length)
            if following > total:
                self._needed = following - at
                return at, _Stop.SHORT
            width, rest = divmod(length - fmt.ROW_HEAD_BYTES, 8)
            if kind == fmt.ROW and width > 0 and rest == 0:
                at, whole = self._rows(view, at, base, width)
                if not whole:
                    return at, _Stop.BAD
                continue
            if crc32(view[body : body + length], crc32(view[at + 2 : at + 8])) != checksum:
                return at, _Stop.BAD
            self._take(kind, window[body : body + length], base + at, base + following)
            at = following
        self._needed = fmt.HEAD_BYTES
        return at, _Stop.SHORT

    def _rows(self, view: memoryview, at: int, base: int, width: int) -> tuple[int, bool]:
        """Take rows of one width; returns where they end and whether a frame may follow."""
        codec = fmt.row_codec(width)
        size = codec.frame_bytes
        end_in_frame = fmt.HEAD_BYTES + fmt.ROW_HEAD_BYTES + 8 * width
        until = at + (len(view) - at) // size * size
        head = int.from_bytes(view[at : at + 8], "little")
        seed = crc32(view[at + 2 : at + 8])
        now = -1
        for row in codec.whole.iter_unpack(view[at:until]):
            if row[0] != head:
                break
            if crc32(view[at + 12 : at + end_in_frame], seed) != row[1]:
                return at, False
            if row[2] != now:
                now = row[2]
                place = (self._number, base + at)
                names = self._names.of_rows(now, width, place)
                if names is None:
                    self._found.close_group(place)
                    self._found.damage(Damage(*place, size, _NO_NAMES))
                    now = -1
                    at += size
                    continue
                _, _, steps, stamps, values = self._found.group(now, names, place)
                add_step, add_time, add_values = steps.append, stamps.append, values.append
            add_step(row[3])
            add_time(row[4])
            add_values(row[5:])
            at += size
        return at, True

    def _take(self, kind: int, payload: bytes, at: int, following: int) -> None:
        """Take in one whole frame that is no row."""
        if kind in (fmt.RUN, fmt.SCHEMA, fmt.META):
            known = self._names.learn(kind, payload)
        elif kind == fmt.EVENT:
            from jupyter_mltrack.journal.events import decode

            event = decode(payload)
            known = event is not None
            if event is not None:
                self._found.close_group((self._number, at))
                self._found.event(event, (self._number, following))
        else:
            known = False
        if not known:
            self._found.damage(Damage(self._number, at, following - at, _NOT_KNOWN))
