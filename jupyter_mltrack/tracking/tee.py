"""Hear what is written to standard output and error while a cell is tracked.

Only `write` of the two stream objects is stood in for, and only while somebody listens: loggers
that hold the object are heard too, and what was there before is there again afterwards. A write
costs one more append to a list; everything else happens in a thread of ours. What cannot be taken
in time is said to be missing, never waited for.
"""

from __future__ import annotations

import os
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack.tracking.lineage import current_context

if TYPE_CHECKING:
    from jupyter_mltrack.journal.printed import Stream
    from jupyter_mltrack.tracking.context import CellContext

STREAMS: tuple[Stream, ...] = ("stdout", "stderr")
WAITING_CHARACTERS_MAX = 8 << 20
LOST = "\n(more was printed than could be taken; a part of it is not kept)\n"


class Piece(NamedTuple):
    """One write."""

    context: CellContext | None
    stream: Stream
    text: str
    at_ms: int


class Tee:
    """The two streams of this process, heard while it is on."""

    def __init__(self) -> None:
        self._pieces: deque[Piece] = deque()
        self._characters = 0
        self._on = False
        self._stood_in: list[tuple[Any, Any, Any]] = []
        """Stream, our function, and what its own dictionary had under `write` before."""

    def begin(self) -> None:
        """Listen; twice does no harm."""
        if self._on:
            return
        self._on = True
        for name in STREAMS:
            stream = getattr(sys, name, None)
            if stream is None:
                continue
            try:
                before = vars(stream).get("write")
                ours = self._heard(name, stream.write)
                stream.write = ours
            except (AttributeError, TypeError):
                continue  # an object that takes no attributes: it is not heard
            self._stood_in.append((stream, ours, before))

    def end(self) -> None:
        """Give the streams back; one that somebody else has put a hand on since is left."""
        self._on = False
        while self._stood_in:
            stream, ours, before = self._stood_in.pop()
            if vars(stream).get("write") is not ours:
                continue
            if before is None:
                del stream.write
            else:
                stream.write = before

    def take(self) -> list[Piece]:
        """What was written since the last time."""
        pieces = self._pieces
        taken = []
        while pieces:
            taken.append(pieces.popleft())
        self._characters = 0
        return taken

    def forget(self) -> None:
        """In a forked child: write as ever, hear nothing."""
        self._on = False
        self._pieces = deque()

    def _heard(self, name: Stream, write: Callable[[str], Any]) -> Callable[[str], Any]:
        clock = time.time_ns

        def heard(text: str) -> Any:
            done = write(text)
            if self._on and text.__class__ is str and text:
                before = self._characters
                self._characters = before + len(text)
                if before > WAITING_CHARACTERS_MAX:
                    return done
                if self._characters > WAITING_CHARACTERS_MAX:
                    text = LOST
                piece = Piece(current_context(), name, text, clock() // 1_000_000)
                self._pieces.append(piece)
            return done

        return heard


tee = Tee()
os.register_at_fork(after_in_child=tee.forget)
