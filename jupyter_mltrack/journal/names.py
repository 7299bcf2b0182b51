"""What the numbers in rows mean, and where a name is found when its own frame was damaged.

Numbers are never used twice in a journal, and every segment names what its rows use, twice. So a
reader that starts in the middle, or meets a damaged name, finds it in another copy.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

from jupyter_mltrack.journal import format as fmt
from jupyter_mltrack.journal.segments import (
    close_handle,
    open_existing,
    segment_numbers,
    segment_path,
)

_BLOCK_BYTES = 1 << 20
_ENTRIES_MAX = 100_000
_CHECK_BUDGET_BYTES = 64 << 20
_SMALL_BYTES = 1024


class Names:
    """Runs and schemas by number, for one journal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: dict[int, str] = {}
        self._schemas: dict[int, tuple[str, ...]] = {}
        self._pairs: dict[int, tuple[str, tuple[str, ...]]] = {}
        self._meta: bytes | None = None
        self._searched: dict[int, int] = {}

    def learn(self, kind: int, payload: bytes) -> bool:
        """Take in a RUN, SCHEMA or META frame; False when it is malformed."""
        if len(self._runs) + len(self._schemas) + len(self._pairs) >= _ENTRIES_MAX:
            self._pairs.clear()
            self._runs.clear()
            self._schemas.clear()
            self._searched.clear()
        if kind == fmt.RUN:
            run = fmt.parse_run(payload)
            if run is None:
                return False
            self._runs.setdefault(*run)
        elif kind == fmt.SCHEMA:
            # The second copy is parsed only when the first was not there.
            schema = fmt.parse_schema(payload)
            if schema is None:
                return False
            self._schemas.setdefault(*schema)
        elif self._meta is None:
            self._meta = bytes(payload)
        return True

    def of_rows(
        self, ids: int, width: int, place: tuple[int, int]
    ) -> tuple[str, tuple[str, ...]] | None:
        """Run id and keys of a row at `place`; None when no copy of them is left."""
        known = self._pairs.get(ids)
        if known is None:
            known = self._find(ids & 0xFFFFFFFF, ids >> 32, place)
            if known is None:
                return None
            self._pairs[ids] = known
        return known if len(known[1]) == width else None

    def _find(
        self, run_no: int, schema_no: int, place: tuple[int, int]
    ) -> tuple[str, tuple[str, ...]] | None:
        for _ in range(2):
            run_id, keys = self._runs.get(run_no), self._schemas.get(schema_no)
            if run_id is not None and keys is not None:
                return run_id, keys
            self._search(*place)
        return None

    def meta(self) -> bytes | None:
        """The content of `meta.json`, from a copy in a segment."""
        if self._meta is None:
            for number in segment_numbers(self._folder):
                self._search_segment(number)
        return self._meta

    def _search(self, number: int, offset: int) -> None:
        if self._searched.get(number, -1) < offset:
            self._searched[number] = offset
            self._search_segment(number)
        for other in segment_numbers(self._folder):
            if other not in self._searched:
                self._searched[other] = 0
                self._search_segment(other)

    def _search_segment(self, number: int) -> None:
        try:
            handle, size = open_existing(segment_path(self._folder, number))
        except OSError:
            return
        try:
            for kind in (fmt.META, fmt.RUN, fmt.SCHEMA):
                mark = fmt.MAGIC_BYTES + bytes((kind,))
                for at, length in whole_frames(handle, size, fmt.HEADER_BYTES, mark):
                    payload = os.pread(handle, length, at + fmt.HEAD_BYTES)
                    self.learn(kind, payload)
        finally:
            close_handle(handle)


def whole_frames(handle: int, size: int, start: int, mark: bytes) -> Iterator[tuple[int, int]]:
    """Offset and payload length of each undamaged frame from `start` on that begins with `mark`.

    What looks like a frame and is not costs a checksum; a file made to look so everywhere gets
    only so much work, then large candidates are passed over.
    """
    budget = _CHECK_BUDGET_BYTES
    block_at = start
    while block_at < size:
        block = os.pread(handle, _BLOCK_BYTES + fmt.HEAD_BYTES, block_at)
        if len(block) < fmt.HEAD_BYTES:
            return
        found = block.find(mark)
        while 0 <= found < _BLOCK_BYTES and found + fmt.HEAD_BYTES <= len(block):
            at = block_at + found
            _, kind, _, length, checksum = fmt.HEAD.unpack_from(block, found)
            fits = length <= fmt.MAX_PAYLOAD_BYTES and at + fmt.HEAD_BYTES + length <= size
            cheap = budget > 0 or length <= _SMALL_BYTES
            if fits and cheap and at % fmt.ALIGN_BYTES == 0 and kind in fmt.KINDS:
                payload = block[found + fmt.HEAD_BYTES : found + fmt.HEAD_BYTES + length]
                if len(payload) < length:
                    payload = os.pread(handle, length, at + fmt.HEAD_BYTES)
                budget -= length
                if crc32(payload, crc32(block[found + 2 : found + 8])) == checksum:
                    yield at, length
            found = block.find(mark, found + 1)
        block_at += _BLOCK_BYTES
