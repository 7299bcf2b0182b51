"""Whether points that were copied from a store are still what it has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.server.drawing import Drawing
from jupyter_mltrack.server.requests import SeriesRequest

FRESH_S = 10.0
"""How long the points of a copy count as what the store has."""
RUNS_MAX = 1_000


class CopyCheck:
    """Asks for a run's stamp when a page begins to draw a copy. Used from the event loop only.

    Args:
        drawing: has the copies.
        ask: gives JSON of the stamp of the run that a request names, from its store.
    """

    def __init__(self, drawing: Drawing, ask: Callable[[SeriesRequest], Awaitable[bytes]]) -> None:
        self._drawing = drawing
        self._ask = ask
        self._checked: dict[tuple[str, str], float] = {}

    async def is_current(self, request: SeriesRequest) -> bool:
        """False where the store has other points; a store without an answer changes nothing."""
        key = (request.workspace, request.run_id)
        fresh = time.monotonic() - self._checked.get(key, -1e9) < FRESH_S
        if fresh or request.since or request.window is not None:
            return True
        stamp = await asyncio.to_thread(self._drawing.stamp, request)
        if stamp is None:
            return True
        try:
            raw = await self._ask(request)
        except MltrackError as error:
            return error.code != "not_found"
        if msgspec.json.decode(raw, type=dict[str, str])["stamp"] != stamp:
            return False
        while len(self._checked) >= RUNS_MAX:
            self._checked.pop(next(iter(self._checked)))
        self._checked[key] = time.monotonic()
        return True
