"""The points of one metric in little memory, however many there are, thinned alike over all of it.

The newest points wait as they are; then minimum and maximum of each stretch of them are kept. When
too many stretches are kept, each two become one and new stretches are as long.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from jupyter_mltrack import wire
from jupyter_mltrack.journal.columns import Points, thinned

KEPT_MAX = 4_000
_FIRST_STRIDE = 4
_STRETCHES_AT_ONCE = 16


class Course:
    """One metric; `column` is what is drawn of it."""

    def __init__(self) -> None:
        self.total = 0
        self._kept = Points()
        self._fresh = Points()
        self._stride = 0
        """Points of a stretch; 0 while all are kept."""

    def extend(self, steps: Sequence[int], times: Sequence[int], values: Sequence[float]) -> None:
        """Add points."""
        self._fresh.extend(0, steps, times, values)
        self.total += len(values)
        if not self._stride and len(self._fresh.values) > KEPT_MAX:
            self._stride = _FIRST_STRIDE
        if self._stride and len(self._fresh.values) >= self._stride * _STRETCHES_AT_ONCE:
            self._compress()

    def _compress(self) -> None:
        _append(self._kept, self._fresh, self._picks())
        self._fresh = Points()
        while len(self._kept.values) > KEPT_MAX:
            half = Points()
            _append(half, self._kept, thinned(self._kept, 0, len(self._kept.values) // 2))
            self._kept = half
            self._stride *= 2

    def _picks(self) -> Sequence[int]:
        """Which of the newest points are kept."""
        count = len(self._fresh.values)
        if not self._stride:
            return range(count)
        return thinned(self._fresh, 0, 2 * (count // self._stride) + 2)

    def column(self, key: str, max_points: int) -> wire.Column:
        """The metric in at most so many points."""
        shown = self._kept.copy()
        if self._fresh.values:
            _append(shown, self._fresh, self._picks())
        shown.total = self.total
        return shown.column(key, 0, max_points)


def _append(to: Points, points: Points, places: Sequence[int]) -> None:
    to.extend(
        0,
        array("q", [points.steps[at] for at in places]),
        array("q", [points.times[at] for at in places]),
        array("d", [points.values[at] for at in places]),
    )
