"""When a tracked cell ends: IPython's events, told apart for cells that run cells.

A cell may run another one (`%%capture`, `%run other.ipynb`, `get_ipython().run_cell`), so the end
of *a* cell is not the end of *the* cell; an interrupt may come while IPython still shows the first
one, so the end may never be told. Each thread has its stack of cells; a cell that is not run by
another one empties it first. Nothing here raises, and after repeated trouble the hooks take
themselves out, so that a fault of ours never stands in the way of the cells that follow.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from types import FrameType

    from IPython.core.interactiveshell import InteractiveShell

TROUBLE_MAX = 3


class Leavable(Protocol):
    """What is left when its cell ends."""

    def leave(self, error: BaseException | None, value: object = None) -> None:
        """The cell has ended, with this error, or with this as its last value."""


class _Cell:
    """One cell that runs now. `info` is None for one whose begin was not told."""

    __slots__ = ("info", "open")

    def __init__(self, info: Any) -> None:
        self.info = info
        self.open: list[Leavable] = []


class CellHooks:
    """Follows the cells of a shell and leaves what they opened."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._stacks: dict[int, list[_Cell]] = {}
        self._troubles = 0
        self.every_cell: Any = None
        """Called with the info of each cell that is not run by another: may return a `Leavable`."""
        self.begins: Any = None
        """Called with the info of each such cell before that."""
        self.ledger: Any = None
        """Takes number, id and source of each cell that is not run by another."""
        self.executed: Any = None
        """What the ledger made of the newest cell."""
        self.is_out = False
        """Whether the hooks took themselves out: nothing can be left at the end of a cell then."""

    # ----------------------------------------------------------------- put in, take out

    def install(self) -> None:
        """Follow the cells from now on; the one that runs has begun already."""
        self._shell.events.register("pre_run_cell", self.pre_run_cell)
        self._shell.events.register("post_run_cell", self.post_run_cell)

    def remove(self) -> None:
        """Take the hooks out and leave what is open."""
        self._unregister("pre_run_cell", self.pre_run_cell)
        self._unregister("post_run_cell", self.post_run_cell)
        for stack in list(self._stacks.values()):
            self._leave(stack, None)
        self._stacks.clear()

    def _unregister(self, event: str, hook: Any) -> None:
        if hook in self._shell.events.callbacks[event]:
            self._shell.events.unregister(event, hook)

    # -------------------------------------------------------------------------- opening

    def opened(self, one: Leavable) -> None:
        """Have `one` left when the cell that runs in this thread ends."""
        stack = self._stacks.setdefault(threading.get_ident(), [])
        if not stack:
            stack.append(_Cell(None))
        stack[-1].open.append(one)

    def current(self) -> tuple[Any, list[Leavable]]:
        """The info of the cell that runs in this thread, and what it has open."""
        stack = self._stacks.get(threading.get_ident())
        return (stack[-1].info, stack[-1].open) if stack else (None, [])

    # --------------------------------------------------------------------------- events

    def pre_run_cell(self, info: Any) -> None:
        """A cell begins. What an earlier one left open was interrupted: it is left now."""
        try:
            stack = self._stacks.setdefault(threading.get_ident(), [])
            nested = _is_nested()
            if not nested and stack:
                self._leave(stack, KeyboardInterrupt())
            stack.append(_Cell(info))
            if self.begins is not None and not nested:
                self.begins(info)
            if self.ledger is not None and not nested:
                raw = getattr(info, "raw_cell", None) or ""
                cell_id = getattr(info, "cell_id", None)
                self.executed = self.ledger.note(self._shell.execution_count, cell_id, raw)
            if self.every_cell is not None and not nested:
                made = self.every_cell(info)
                if made is not None:
                    self.opened(made)
        except Exception as error:
            self._trouble(error)

    def post_run_cell(self, result: Any) -> None:
        """A cell has ended: leave what it opened."""
        try:
            error = _error_of(result)
            value = getattr(result, "result", None)
            stack = self._stacks.get(threading.get_ident(), [])
            if _is_nested():
                self._leave(_cells_from(stack, result), error, value)
                return
            self._stacks.pop(threading.get_ident(), None)
            self._leave(stack, error, value)
            point = sys.modules.get("jupyter_mltrack.tracking.point")
            if point is not None:
                point.leave_implicit(error)
        except Exception as error:
            self._trouble(error)

    def _leave(self, cells: list[_Cell], error: BaseException | None, value: object = None) -> None:
        if len(cells) > 1:
            value = None  # of which of them it is, nobody says
        while cells:
            cell = cells[-1]
            while cell.open:
                one = cell.open[-1]
                try:
                    one.leave(error, value)
                except KeyboardInterrupt:
                    continue  # the cell has ended already: leaving goes on, twice does no harm
                except Exception as trouble:
                    self._trouble(trouble)
                cell.open.pop()
            cells.pop()

    def _trouble(self, error: Exception) -> None:
        from jupyter_mltrack.tracking import caution

        caution.trouble("hooks", "Tracking of this cell had trouble; the cell itself ran", error)
        self._troubles += 1
        if self._troubles >= TROUBLE_MAX:
            self.every_cell = None
            self.is_out = True
            self._unregister("pre_run_cell", self.pre_run_cell)
            self._unregister("post_run_cell", self.post_run_cell)
            caution.warn_once(
                "hooks out",
                "Tracking was switched off after repeated trouble; "
                "`%reload_ext jupyter_mltrack` switches it on again.",
            )


def _error_of(result: Any) -> BaseException | None:
    """How a cell ended; IPython gives no result when interrupts came while it showed one."""
    if result is None:
        return KeyboardInterrupt()
    error: BaseException | None = result.error_before_exec or result.error_in_exec
    return error


def _cells_from(stack: list[_Cell], result: Any) -> list[_Cell]:
    """The ended cell and whatever lies above it, taken off the stack."""
    info = getattr(result, "info", None)
    for at in range(len(stack) - 1, -1, -1):
        if stack[at].info is info:
            ended = stack[at:]
            del stack[at:]
            return ended
    return []


def _is_nested() -> bool:
    """Whether user code is under way below this call: then a cell runs another one."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_name == "run_code" and code.co_filename.endswith("interactiveshell.py"):
            return True
        frame = frame.f_back
    return False
