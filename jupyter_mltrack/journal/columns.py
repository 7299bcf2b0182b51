"""Points of runs as columns in memory, and how they are thinned for a screen.

A column is three arrays (steps, times, values) and the few things an array of doubles cannot
say: whole numbers beyond 2**53. Thinning keeps the minimum and the maximum of each bucket, so
that no peak is lost, and the first and the last point, so that the newest value is always there.
Memory is bounded: a column that grows past its limit is thinned in place and says so in `total`.
"""

from __future__ import annotations

import math
import sys
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import islice
from operator import le
from typing import Any, Literal, NamedTuple

from jupyter_mltrack import wire

COLUMN_POINTS_MAX = 400_000
"""A column is thinned to half of this when it has more; `total` keeps the true number."""
RUN_COLUMNS_MAX = 5_000
"""Metrics of one run that are kept as columns; further names are counted only."""
HIDDEN_NAMES_COUNTED_MAX = 50_000
MARKS_MAX = 4_096
"""Versions remembered in a column; a reader that is further behind starts over."""
FAST_FROM = 100_000
"""Columns of so many points are thinned by numpy, if it is there; the result is the same."""
BYTES_PER_POINT = 24
COLUMN_OVERHEAD_BYTES = 1_200

_INT64_MAX = 2**63 - 1
_FIRST_KEYS = (
    "loss",
    "acc",
    "accuracy",
    "f1",
    "auc",
    "rmse",
    "mse",
    "mae",
    "r2",
    "score",
    "reward",
)
MAIN_KEYS = len(_FIRST_KEYS)
"""A metric whose rank is below this is a main metric."""


def metric_rank(key: str) -> tuple[int, int, str]:
    """Sort key: main metrics first (loss, accuracy ...), the plain name before `val_` forms."""
    words = key.lower().replace("/", "_").replace(".", "_").split("_")
    ranks = [rank for rank, name in enumerate(_FIRST_KEYS) if name in words]
    if key.startswith("system/"):
        return (len(_FIRST_KEYS) + 1, len(words), key)
    return (min(ranks, default=len(_FIRST_KEYS)), len(words), key)


def number_text(value: float) -> str:
    """`repr` of the float, and "nan", "inf", "-inf" for what JSON cannot hold."""
    return repr(value)


def nonfinite_name(value: float) -> str:
    """What JavaScript calls a value that is not finite."""
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


class Window(NamedTuple):
    """A part of a run that is looked at: from `start` to `end`, both with it; None is open."""

    start: int | None
    end: int | None
    x: Literal["step", "time"] = "step"


class Points:
    """The points of one metric of one run, in the order they arrived.

    `marks` are the versions of the run at which points were added, `starts` the length before
    each: a reader that knows version v gets what came after it.
    """

    __slots__ = (
        "_ascending",
        "exact",
        "marks",
        "odd",
        "reset_version",
        "starts",
        "steps",
        "times",
        "total",
        "values",
    )

    def __init__(self) -> None:
        self.steps = array("q")
        self.times = array("q")
        self.values = array("d")
        self.exact: dict[int, str] = {}
        self.odd = False
        """True when some value is not finite."""
        self.total = 0
        self.marks: list[int] = []
        self.starts: list[int] = []
        self._ascending: dict[str, tuple[int, bool]] = {}
        self.reset_version = 0
        """Readers that know an older version must drop what they have."""

    def extend(
        self, version: int, steps: Sequence[int], times: Sequence[int], values: Sequence[float]
    ) -> None:
        """Add points; `version` is the version of the run that makes them visible."""
        if not self.marks or self.marks[-1] != version:
            self.marks.append(version)
            self.starts.append(len(self.values))
        self.steps.extend(steps)
        self.times.extend(times)
        self.values.extend(values)
        self.total += len(values)
        if not self.odd and not math.isfinite(sum(values)):
            self.odd = not all(map(math.isfinite, values))
        if len(self.marks) > MARKS_MAX:
            self._forget_marks()

    def add_exact(self, version: int, step: int, time_ms: int, text: str) -> None:
        """Add one point given as text: `repr` of a float or of a whole number of any size."""
        value, exact = parse_number(text)
        step = max(-_INT64_MAX, min(_INT64_MAX, step))
        self.extend(version, (step,), (time_ms,), (value,))
        if exact is not None:
            self.exact[len(self.values) - 1] = exact

    def prepend(self, older: Points, version: int) -> None:
        """Put the points of `older` before these; readers start over."""
        shift = len(older.values)
        self.steps = older.steps + self.steps
        self.times = older.times + self.times
        self.values = older.values + self.values
        self.exact = {**older.exact, **{at + shift: text for at, text in self.exact.items()}}
        self.odd = self.odd or older.odd
        self.total += older.total
        self._start_over(version)

    def start_after(self, version: int) -> int:
        """Index of the first point that is newer than `version`."""
        at = bisect_right(self.marks, version)
        return self.starts[at] if at < len(self.starts) else len(self.values)

    def shrink(self, version: int) -> None:
        """Halve the memory of this column: minimum and maximum of each bucket of four stay."""
        keep = thinned(self, 0, max(len(self.values) // 2, 10))
        places = {at: place for place, at in enumerate(keep)}
        self.exact = {places[at]: text for at, text in self.exact.items() if at in places}
        self.steps = array("q", [self.steps[at] for at in keep])
        self.times = array("q", [self.times[at] for at in keep])
        self.values = array("d", [self.values[at] for at in keep])
        self._start_over(version)

    def size_bytes(self) -> int:
        """What this column costs, nearly."""
        return COLUMN_OVERHEAD_BYTES + BYTES_PER_POINT * len(self.values) + 64 * len(self.exact)

    def newest(self, key: str) -> wire.MetricValue:
        """The last point as a row shows it."""
        value = self.values[-1]
        text = self.exact.get(len(self.values) - 1) or number_text(value)
        return wire.MetricValue(
            key=key,
            value=value if math.isfinite(value) else None,
            text=text,
            step=self.steps[-1],
            timestamp_ms=self.times[-1],
        )

    def column(self, key: str, start: int, max_points: int) -> wire.Column:
        """The points from `start` on, at most `max_points` of them."""
        if len(self.values) - start <= max_points:
            keep: Sequence[int] = range(start, len(self.values))
            steps = self.steps[start:].tolist()
            times = self.times[start:].tolist()
            values: list[float | None] = list(self.values[start:])
        else:
            keep = thinned(self, start, max_points)
            steps = [self.steps[at] for at in keep]
            times = [self.times[at] for at in keep]
            values = [self.values[at] for at in keep]
        nonfinite: dict[str, str] = {}
        if self.odd:
            for place, value in enumerate(values):
                if value is not None and not math.isfinite(value):
                    nonfinite[str(place)] = nonfinite_name(value)
                    values[place] = None
        exact: dict[str, str] = {}
        if self.exact:
            exact = {
                str(place): self.exact[at] for place, at in enumerate(keep) if at in self.exact
            }
        return wire.Column(
            key=key,
            steps=steps,
            timestamps_ms=times,
            values=values,
            nonfinite=nonfinite,
            exact=exact,
            total=self.total,
        )

    def copy(self) -> Points:
        """The same points, which do not grow."""
        found = Points()
        found.steps, found.times, found.values = self.steps[:], self.times[:], self.values[:]
        found.exact, found.odd, found.total = dict(self.exact), self.odd, self.total
        return found

    def within(self, window: Window) -> Points:
        """The points inside the window, in the same order."""
        axis = self.steps if window.x == "step" else self.times
        start = -_INT64_MAX if window.start is None else window.start
        end = _INT64_MAX if window.end is None else window.end
        places: Sequence[int]
        if self._is_ascending(window.x, axis):
            places = range(bisect_left(axis, start), bisect_right(axis, end))
        else:
            places = [at for at, value in enumerate(axis) if start <= value <= end]
        found = Points()
        found.extend(
            0, _taken(self.steps, places), _taken(self.times, places), _taken(self.values, places)
        )
        if self.exact:
            exact = ((new, self.exact.get(old)) for new, old in enumerate(places))
            found.exact = {new: text for new, text in exact if text is not None}
        return found

    def _is_ascending(self, x: str, axis: array[int]) -> bool:
        """Whether the axis never goes back; only what came since the last question is looked at."""
        seen, ascending = self._ascending.get(x, (0, True))
        if seen > len(axis):
            seen, ascending = 0, True
        if ascending and seen < len(axis):
            begin = max(0, seen - 1)
            ascending = all(map(le, islice(axis, begin, None), islice(axis, begin + 1, None)))
            self._ascending[x] = (len(axis), ascending)
        return ascending

    def _forget_marks(self) -> None:
        half = len(self.marks) // 2
        self.reset_version = self.marks[half - 1]
        self.marks = self.marks[half:]
        self.starts = self.starts[half:]

    def _start_over(self, version: int) -> None:
        self.marks, self.starts = [version], [0]
        self.reset_version = version
        self._ascending.clear()


def _taken(part: array[Any], places: Sequence[int]) -> array[Any]:
    if isinstance(places, range):
        return part[places.start : places.stop]
    return array(part.typecode, [part[at] for at in places])


def parse_number(text: str) -> tuple[float, str | None]:
    """The float nearest to the text, and the text itself when it is a whole number beyond it."""
    try:
        value = float(text)
    except ValueError:
        return math.nan, None
    if not text.lstrip("+-").isdecimal():
        return value, None
    if math.isinf(value):
        return value, text
    return value, None if int(text) == value else text


def thinned(points: Points, start: int, max_points: int) -> list[int]:
    """Indices of at most `max_points` points from `start` on, ascending.

    Each bucket gives its minimum and its maximum, and its first value that is not finite.
    """
    values = points.values
    end = len(values)
    if end - start <= max_points:
        return list(range(start, end))
    per_bucket = 3 if points.odd else 2
    buckets = max(1, (max_points - 2) // per_bucket)
    first, last = start + 1, end - 1
    keep = [start]
    view = None if points.odd else _fast_view(values)
    for number in range(buckets):
        low = first + (last - first) * number // buckets
        high = first + (last - first) * (number + 1) // buckets
        if high <= low:
            continue
        if view is not None:
            keep.extend(_picks_fast(view[low:high], low))
            continue
        bucket = values[low:high]
        keep.extend(_picks_odd(bucket, low) if points.odd else _picks(bucket, low))
    keep.append(end - 1)
    return keep


def _fast_view(values: array[float]) -> Any:
    """The same numbers as numpy sees them, where this process has numpy already."""
    numpy = sys.modules.get("numpy")
    if len(values) < FAST_FROM or not hasattr(numpy, "frombuffer"):
        return None
    return numpy.frombuffer(values)  # type: ignore[union-attr]


def _picks_fast(bucket: Any, low: int) -> list[int]:
    return [low + at for at in sorted({int(bucket.argmin()), int(bucket.argmax())})]


def _picks(bucket: array[float], low: int) -> list[int]:
    at_min, at_max = bucket.index(min(bucket)), bucket.index(max(bucket))
    return [low + at for at in sorted({at_min, at_max})]


def _picks_odd(bucket: array[float], low: int) -> list[int]:
    finite = [at for at, value in enumerate(bucket) if math.isfinite(value)]
    picks = set()
    if finite:
        picks = {min(finite, key=bucket.__getitem__), max(finite, key=bucket.__getitem__)}
    if len(finite) < len(bucket):
        picks.add(next(at for at, value in enumerate(bucket) if not math.isfinite(value)))
    return [low + at for at in sorted(picks)]
