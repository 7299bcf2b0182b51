"""What a run remembers: its source, surroundings, state of git, what it printed, how far it is.

One thread does it all, a few times a second, from a cell's begin to a moment after its end. So
nothing is taken before the cell's first point, no point and no end of a cell waits for it, and what
it does goes through the redactor before a byte is written. A part that a setting switches off is
never looked at. Trouble of ours is told once and costs only what it concerns.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import caution

if TYPE_CHECKING:
    from jupyter_mltrack.settings import Settings
    from jupyter_mltrack.tracking.cells import Executed
    from jupyter_mltrack.tracking.context import CellContext
    from jupyter_mltrack.tracking.figures import Display
    from jupyter_mltrack.tracking.memory import Memory
    from jupyter_mltrack.tracking.tee import Piece
    from jupyter_mltrack.tracking.used import Uses

TICK_S = 0.25
"""Seconds between two looks: at most four events of a kind a second."""
REST_S = 5.0
"""The thread waits so long for another cell: to start one costs more than a small cell."""
EXIT_S = 4.0
UNBORN_CHARACTERS_MAX = 8 << 20
SHOWN_BYTES_MAX = 256 << 20
"""Of what cells show, so much waits in memory to be written."""
_INSIDE = (os.path.join("IPython", "core"), os.path.join("jupyter_mltrack", "notebook"))


def parts_of(settings: Settings, keep: Mapping[str, bool] | None = None) -> frozenset[str]:
    """What the settings have runs remember; `keep` says it for single parts."""
    from jupyter_mltrack.settings import KEPT_PARTS

    chosen = keep or {}
    return frozenset(
        part for part in KEPT_PARTS if chosen.get(part, getattr(settings, f"keep_{part}"))
    )


def begin(context: CellContext) -> None:
    """Have the runs of a context that was just entered remember what `scratch["keep"]` says."""
    parts = context.scratch.get("keep")
    if not parts:
        return
    try:
        _rememberer.add(context, parts)
    except Exception as error:
        caution.trouble("remember", "Source and output of this cell are not kept", error)


def follow_cells(
    typed: Callable[[], str | None] | None, executed: Callable[[], Executed] | None = None
) -> None:
    """Have blocks that are tracked in a cell keep the cell's source, and runs the cells before.

    Args:
        typed: gives the cell that runs, as it was typed.
        executed: gives the cells that were executed until now, that one included.
    """
    _rememberer.typed = typed
    _rememberer.executed = executed


def shown(
    context: CellContext, bundle: Any, title: str, display_id: str, *, is_update: bool = False
) -> None:
    """A cell has shown something; with `bundle` None it has cleared what it showed."""
    _rememberer.shown(context, bundle, title, display_id, is_update)


def leave_out(context: CellContext, what: str) -> None:
    """Have the runs of a context say that something is not kept, and why."""
    context.scratch.setdefault("left_out", {})[what] = None


def finish(timeout_s: float = EXIT_S) -> None:
    """Wait until what ended is written down; for the end of a process."""
    _rememberer.finish(timeout_s)


class Watched:
    """One context, and what its own thread notes of it; the rest is `Memory`'s."""

    def __init__(self, context: CellContext, parts: frozenset[str]) -> None:
        from jupyter_mltrack.settings import data_dir, working_folder
        from jupyter_mltrack.tracking import surroundings

        self.context = context
        self.parts = parts
        self.began_s = time.time()
        self.folder = working_folder()
        self.data_dir = data_dir()
        self.pieces: list[Piece] = []
        self.ended = False
        self.is_last_look = False
        """Whether it had ended before its output was shared out: nothing more will come."""
        self.error_text = ""
        self.source: str | None = None
        """The cell that a block stands in, where there is one."""
        self.script = surroundings.script() if "source" in parts else None
        """The script that runs; looked for now, as Python forgets it before the process ends."""
        self.executed: Executed = ()
        """The cells that the kernel had executed when the context began."""
        self.displays: list[Display] = []
        self.memory: Memory | None = None
        """Made by the thread of ours."""
        self.uses: Uses | None = None
        """The data and the order of the cell, where they are looked at."""
        if parts & {"data", "order"}:
            from jupyter_mltrack.tracking.used import Uses

            self.uses = Uses(context, data="data" in parts, order="order" in parts)
            self.uses.begin()
            context.scratch["uses"] = self.uses

    def end(self, error: BaseException | None) -> None:
        """The cell has ended."""
        if error is not None and "output" in self.parts and not self.ended:
            self.error_text = _traceback_of(error)
        if self.uses is not None:
            self.uses.end()
        self.ended = True

    def tick(self) -> bool:
        """Write down what is new; returns whether nothing more will come."""
        if self.memory is None:
            gone = (
                self.is_last_look and self.context.closed
            )  # looked at first: its end may bring a run
            if not self.context.runs:
                self._bound_pieces()
                return gone
            # Only now: the cell's own thread has imported what a run needs, and no two threads
            # are at it.
            from jupyter_mltrack.tracking.memory import Memory

            self.memory = Memory(self)
        return self.memory.tick()

    def _bound_pieces(self) -> None:
        """Before its run is born a cell may print; the last of it is waited with."""
        while sum(len(piece.text) for piece in self.pieces) > UNBORN_CHARACTERS_MAX:
            del self.pieces[: len(self.pieces) // 2 + 1]
            leave_out(self.context, "the beginning of a long output")


def _traceback_of(error: BaseException) -> str:
    """The traceback as a person reads it, from their own code on; an interrupt has none."""
    from jupyter_mltrack.tracking.leaving import is_interrupt

    if is_interrupt(error) or isinstance(error, SystemExit | GeneratorExit):
        return ""
    import traceback

    with contextlib.suppress(Exception):  # a user's own __str__ may fail
        trace = error.__traceback__
        while trace is not None and any(
            inside in trace.tb_frame.f_code.co_filename for inside in _INSIDE
        ):
            trace = trace.tb_next
        return "".join(traceback.format_exception(type(error), error, trace, limit=-50))
    return type(error).__name__


class _Rememberer:
    """The thread, and the contexts that it looks after."""

    def __init__(self) -> None:
        self.typed: Callable[[], str | None] | None = None
        self.executed: Callable[[], Executed] | None = None
        self._shown: deque[tuple[CellContext, Display]] = deque()
        self._shown_bytes = 0
        self._lock = threading.Lock()
        self._watched: dict[int, Watched] = {}
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._idle.set()

    def add(self, context: CellContext, parts: Iterable[str]) -> None:
        watched = Watched(context, frozenset(parts))
        if self.typed is not None and "source" in watched.parts:
            watched.source = self.typed()
        if self.executed is not None and "cells" in watched.parts:
            watched.executed = self.executed()
        context.before_end.append(lambda _context, error: self._end(watched, error))
        with self._lock:
            self._watched[id(context)] = watched
            if "output" in watched.parts:
                from jupyter_mltrack.tracking.tee import tee

                tee.begin()
            self._idle.clear()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="mltrack-remember", daemon=True
                )
                self._thread.start()

    def _end(self, watched: Watched, error: BaseException | None) -> None:
        """The cell has ended; the thread does the rest."""
        watched.end(error)
        tee_module = sys.modules.get("jupyter_mltrack.tracking.tee")
        with self._lock:
            listens = any("output" in one.parts and not one.ended for one in self._watched.values())
            if not listens and tee_module is not None:
                tee_module.tee.end()
        self._wake.set()

    def finish(self, timeout_s: float) -> None:
        self._wake.set()
        self._idle.wait(timeout_s)

    def forget(self) -> None:
        """In a forked child: its parent goes on with the cells that were open."""
        typed, executed = self.typed, self.executed
        self.__init__()  # type: ignore[misc]
        self.typed, self.executed = typed, executed

    def _run(self) -> None:
        while True:
            self._wake.wait(TICK_S)
            self._wake.clear()
            with self._lock:
                all_watched = dict(self._watched)
            for watched in all_watched.values():
                watched.is_last_look = watched.ended
            self._share_out()
            for key, watched in all_watched.items():
                try:
                    done = watched.tick()
                except Exception as error:
                    caution.trouble("remember", "A part of what runs remember was not kept", error)
                    done = watched.is_last_look
                if done:
                    with self._lock:
                        self._watched.pop(key, None)
            if not self._rest():
                return

    def _rest(self) -> bool:
        """Wait for the next cell while there is none; False when none came for a while."""
        with self._lock:
            if self._watched:
                return True
            self._idle.set()
        for _ in range(int(REST_S / TICK_S)):
            time.sleep(TICK_S)
            if self._watched:
                return True
        with self._lock:
            if not self._watched:
                self._thread = None
            return bool(self._watched)

    def shown(
        self, context: CellContext, bundle: Any, title: str, display_id: str, is_update: bool
    ) -> None:
        watched = self._watched.get(id(context))
        if watched is None or "figures" not in watched.parts:
            return
        from jupyter_mltrack.tracking.figures import Display

        display = Display(
            dict(bundle) if bundle is not None else None, title, display_id, is_update
        )
        self._shown_bytes += display.size()
        if self._shown_bytes > SHOWN_BYTES_MAX:
            leave_out(context, "figures that came faster than they could be written")
            return
        self._shown.append((context, display))

    def _share_out(self) -> None:
        """Give each piece of output, and what was shown, to the cell that it belongs to.

        That may be one that began since the thread looked which there are.
        """
        self._shown_bytes = 0
        while self._shown:
            context, display = self._shown.popleft()
            watched = self._watched.get(id(context))
            if watched is not None:
                watched.displays.append(display)
        module: Any = sys.modules.get("jupyter_mltrack.tracking.tee")
        if module is None:
            return
        for piece in module.tee.take():
            watched = self._watched.get(id(piece.context))
            if watched is not None:
                watched.pieces.append(piece)
                if piece.text is module.LOST:
                    leave_out(watched.context, "output that came faster than it could be taken")


_rememberer = _Rememberer()
os.register_at_fork(after_in_child=_rememberer.forget)
