"""One line that is written over while something lasts, where somebody watches.

A terminal gets it by carriage returns. A notebook's magic paints it into the output that the
answer takes afterwards, so that nothing of it is left in the saved file.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextvars import ContextVar

from jupyter_mltrack.display_text import clean, shorten, width
from jupyter_mltrack.render import View

_WIDTH = 100
_painter: ContextVar[Callable[[str | View], None] | None] = ContextVar("painter", default=None)


@contextlib.contextmanager
def painted_by(paint: Callable[[str | View], None]) -> Iterator[None]:
    """Have lines go through `paint` within this block."""
    token = _painter.set(paint)
    try:
        yield
    finally:
        _painter.reset(token)


class OneLine:
    """Shows a line in place of the one before; gone when the work is done."""

    def __init__(self) -> None:
        self._shown = 0
        self._paint = _painter.get()
        in_kernel = type(sys.stdout).__module__.startswith("ipykernel")
        at_terminal = sys.stdout is not None and sys.stdout.isatty()
        self.watched = self._paint is not None or in_kernel or at_terminal

    def __enter__(self) -> OneLine:
        return self

    def show(self, text: str) -> None:
        """Show this now."""
        if self._paint is not None:
            self._paint(clean(text))
        elif self.watched:
            self._write(shorten(clean(text), _WIDTH))

    def show_view(self, view: View) -> None:
        """Show this now; where only text can be shown, its text."""
        if self._paint is not None:
            self._paint(view)
        elif self.watched:
            self._write(clean(view.plain))

    def _write(self, text: str) -> None:
        wide = width(text)
        sys.stdout.write(f"\r{text}{' ' * max(0, self._shown - wide)}")
        sys.stdout.flush()
        self._shown = wide

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._write("")
            sys.stdout.write("\r")
            sys.stdout.flush()
