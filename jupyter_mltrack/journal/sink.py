"""The fast path: one dict of metrics becomes one row of the journal in about a microsecond.

What a set of keys needs (numbers, packers, the segment's `write`) is made once: a plan. The plan
used last for this many keys is tried first, by asking the dict for the plan's keys. Whatever does
not fit exactly, other keys, an integer, a tensor, a full segment, a closed journal, leaves through
an exception to a slower way; the slowest one takes its time and never raises.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from time import time_ns
from typing import TYPE_CHECKING, Any
from zlib import crc32

from jupyter_mltrack.journal import format as fmt
from jupyter_mltrack.journal.packing import PackFloats, pack_floats

if TYPE_CHECKING:
    from jupyter_mltrack.journal.segments import Segment
    from jupyter_mltrack.journal.writer import Journal

EXACT_MAX = 2**53
"""Whole numbers up to here are exact as a float."""
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_PLANS_MAX = 256
_WIDTH_MAX = 200_000
_ESCAPED_MAX = 12
"""Bytes that one character of a name takes at most."""
_Plan = tuple[
    int,
    Callable[[Any], Any],
    PackFloats,
    Callable[..., bytes],
    int,
    int,
    Callable[..., bytes],
    Callable[[bytes], int],
    "Segment",
]


class RunSink:
    """Where the points of one run go. Made by `Journal.sink`; any thread may use it."""

    __slots__ = ("__weakref__", "_journal", "_map_key", "_newest", "_next_step", "_plans", "run_id")

    def __init__(
        self, journal: Journal, run_id: str, map_key: Callable[[str], str] | None = None
    ) -> None:
        self.run_id = run_id
        self._journal = journal
        self._map_key = map_key
        self._plans: dict[tuple[str, ...], _Plan] = {}
        self._newest: dict[int, _Plan] = {}
        """The plan used last for each number of keys: right nearly always, and found fastest."""
        self._next_step = 0

    def append(
        self,
        metrics: Mapping[str, Any],
        step: int | None = None,
        timestamp_ms: int | None = None,
    ) -> None:
        """Write one value for each key; when this returns, a killed process loses nothing of it.

        Args:
            metrics: numbers by name. Floats, whole numbers of any size, booleans and anything
                with one element that turns into a number; what is not a number is left out, told
                once, and the rest is kept.
            step: None takes the step after the highest one of this run so far.
            timestamp_ms: None takes the clock.
        """
        try:
            if metrics.__class__ is not dict:
                raise TypeError
            ids, getter, pack_floats, pack, seed, head, frame, write, _ = self._newest[len(metrics)]
            values = getter(metrics)
            if step is None:
                step = self._next_step
                self._next_step = step + 1
            elif step.__class__ is not int:
                raise TypeError
            if timestamp_ms is None:
                timestamp_ms = time_ns() // 1_000_000
            payload = pack_floats(pack, ids, step, timestamp_ms, values)
            write(frame(head, crc32(payload, seed), payload))
            if step >= self._next_step:
                self._next_step = step + 1
        except Exception:
            # Other keys than before, a value that is no float, a full segment: all end up here.
            self._append_other(metrics, step, timestamp_ms)

    def _append_other(self, metrics: Mapping[str, Any], step: Any, timestamp_ms: Any) -> None:
        """Append keys that were logged before, but not just before."""
        try:
            plan = self._plans[tuple(metrics)]
            ids, getter, pack_floats, pack, seed, head, frame, write, _ = plan
            values = getter(metrics)
            if step is None:
                step = self._next_step
                self._next_step = step + 1
            elif step.__class__ is not int:
                raise TypeError
            if timestamp_ms is None:
                timestamp_ms = time_ns() // 1_000_000
            payload = pack_floats(pack, ids, step, timestamp_ms, values)
            write(frame(head, crc32(payload, seed), payload))
            if step >= self._next_step:
                self._next_step = step + 1
            self._newest[len(metrics)] = plan
        except Exception:
            self._append_slowly(metrics, step, timestamp_ms)

    def forget_plans(self) -> None:
        """Make the next append look at the journal again."""
        self._newest.clear()
        self._plans.clear()

    def _append_slowly(
        self, metrics: Mapping[str, Any], step: Any, timestamp_ms: int | None
    ) -> None:
        try:
            floats, exact = self._sorted_out(dict(metrics))
            step = self._clean_step(step)
            stamp = self._clean_time(timestamp_ms)
            if floats:
                self._write_row(tuple(floats), tuple(floats.values()), step, stamp)
            if exact:
                self._journal.write_exact(self.run_id, exact, step, stamp)
        except Exception as error:
            self._journal.trouble_with(
                "bad_metrics",
                f"Metrics were not logged: {type(error).__name__}: {error}",
                "Pass a dict of names and numbers.",
            )

    def _sorted_out(self, metrics: dict[Any, Any]) -> tuple[dict[str, float], dict[str, int]]:
        floats: dict[str, float] = {}
        exact: dict[str, int] = {}
        for key, value in metrics.items():
            name = key if type(key) is str else str(key)
            number = as_number(value)
            if number is None:
                self._journal.trouble_with(
                    "bad_value",
                    f"Metric {_short(name)} was not logged: {_described(value)} is not a number.",
                    "Log a number, or one element of it.",
                    once_for=f"{name}\0{type(value).__name__}",
                )
            elif isinstance(number, float):
                floats[name] = number
            else:
                exact[self._map_key(name) if self._map_key else name] = number
        return floats, exact

    def _clean_step(self, step: Any) -> int:
        number = self._next_step if step is None else as_number(step)
        if number is None or not _INT64_MIN <= number <= _INT64_MAX:
            self._journal.trouble_with(
                "bad_step",
                f"{_described(step)} is not a step: the points were logged with the next step.",
                "Pass a whole number as step, or none.",
            )
            number = self._next_step
        clean = min(int(number), _INT64_MAX)
        if clean >= self._next_step:
            self._next_step = clean + 1
        return clean

    def _clean_time(self, timestamp_ms: Any) -> int:
        if timestamp_ms is not None:
            number = as_number(timestamp_ms)
            if number is not None and 0 <= number <= _INT64_MAX:
                return int(number)
        return time_ns() // 1_000_000

    def _write_row(
        self, keys: tuple[str, ...], values: tuple[float, ...], step: int, stamp: int
    ) -> None:
        if keys not in self._plans and not _fits(keys):
            if len(keys) == 1:
                self._journal.trouble_with(
                    "bad_name",
                    f"Metric {_short(keys[0])} was not logged: its name is too long.",
                    "Use a shorter name.",
                )
                return
            half = len(keys) // 2
            self._write_row(keys[:half], values[:half], step, stamp)
            self._write_row(keys[half:], values[half:], step, stamp)
            return
        journal = self._journal
        while True:
            plan = self._plans.get(keys) or self._make_plan(keys)
            if plan is None:
                journal.lose(self.run_id, len(keys))
                return
            ids, _, _, pack, seed, head, frame, write, segment = plan
            payload = pack(ids, step, stamp, *values)
            whole = frame(head, crc32(payload, seed), payload)
            try:
                write(whole)
            except ValueError:  # the segment is full, sealed or closed
                self.forget_plans()
                if not journal.go_on_after(segment, len(whole)):
                    journal.lose(self.run_id, len(keys))
                    return
            else:
                return

    def _make_plan(self, keys: tuple[str, ...]) -> _Plan | None:
        names = keys if self._map_key is None else tuple(map(self._map_key, keys))
        codec = fmt.row_codec(len(keys))
        named = self._journal.name_in_segment(self.run_id, names, codec.frame_bytes)
        if named is None:
            return None
        segment, run_no, schema_no = named
        ids = run_no | schema_no << 32
        plan = (
            ids,
            operator.itemgetter(*keys),
            pack_floats(len(keys)),
            codec.pack,
            codec.seed,
            codec.head,
            codec.frame,
            segment.map.write,
            segment,
        )
        if len(self._plans) >= _PLANS_MAX:
            self.forget_plans()
        self._plans[keys] = self._newest[len(keys)] = plan
        return plan


def _fits(keys: tuple[str, ...]) -> bool:
    """Say whether a record can hold the names of a row."""
    if len(keys) > _WIDTH_MAX:
        return False
    if sum(map(len, keys)) * _ESCAPED_MAX + len(keys) * 4 < fmt.MAX_PAYLOAD_BYTES // 2:
        return True
    return len(fmt.schema_payload(0, keys)) < fmt.MAX_PAYLOAD_BYTES // 2


def as_number(value: Any) -> float | int | None:
    """A float, or an int where a float would not be exact; None when `value` is no number."""
    try:
        if isinstance(value, (str, bytes, bytearray, memoryview)):
            return None
        if not isinstance(value, (float, int)):
            item = getattr(value, "item", None)
            if item is not None:
                value = item()
                if isinstance(value, (str, bytes)):
                    return None
        if isinstance(value, float):
            return float(value)
        try:
            whole = operator.index(value)
        except TypeError:
            return float(value)
        return float(whole) if -EXACT_MAX <= whole <= EXACT_MAX else int(whole)
    except Exception:
        # Any class may be passed in, and its conversions may raise anything: it is no number.
        return None


def _short(text: str) -> str:
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    return ascii(shown) if not shown.isprintable() else repr(shown)


def _described(value: Any) -> str:
    kind = type(value).__name__
    if isinstance(value, (str, bytes)):
        return f"{kind} {_short(str(value))}"
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{kind} of shape {shape}"
    return "None" if value is None else f"a {kind}"
