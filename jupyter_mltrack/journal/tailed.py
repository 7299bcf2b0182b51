"""One journal that is followed: a cheap look for news, and what is known of its owner."""

from __future__ import annotations

import os
from pathlib import Path

from jupyter_mltrack import wire
from jupyter_mltrack.journal.format import HEAD_BYTES, HEADER_BYTES
from jupyter_mltrack.journal.segments import segment_path

READ_ANYWAY_S = 0.1
"""Seconds after which a journal is read even if the next bytes look empty."""


class Tailed:
    """One journal that is followed."""

    def __init__(self, path: Path) -> None:
        from jupyter_mltrack.journal import JournalReader

        self.path = path
        self.reader = JournalReader(path)
        self.meta: wire.JournalMeta = self.reader.meta
        self.cursor = (1, 0)
        self.first_segment = 0
        self.open_runs: set[wire.RunId] = set()
        self.alive = True
        self.checked_at_s = 0.0
        self._read_at_s = 0.0
        self._peeked: tuple[int, int] | None = None
        """Number and handle of the segment that is written now."""

    def has_news(self, now_s: float) -> bool:
        """Say whether reading is worth it: a look at the next few bytes, a read now and then."""
        if now_s - self._read_at_s >= READ_ANYWAY_S or not self.alive:
            self._read_at_s = now_s
            return True
        segment, offset = self.cursor
        try:
            if self._peeked is None or self._peeked[0] != segment:
                self.close()
                path = segment_path(self.path, segment)
                self._peeked = (segment, os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC))
            ahead = os.pread(self._peeked[1], HEAD_BYTES, max(offset, HEADER_BYTES))
        except OSError:
            return True
        return any(ahead)

    def close(self) -> None:
        """Let go of the segment."""
        if self._peeked is not None:
            os.close(self._peeked[1])
            self._peeked = None
