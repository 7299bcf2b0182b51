"""What reading a journal yields."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from jupyter_mltrack import wire

Cursor = tuple[int, int]
"""(segment number, offset). Larger is later."""


class Rows(NamedTuple):
    """Consecutive points of one run under the same keys: one step, time and tuple for each row."""

    run_id: str
    keys: tuple[str, ...]
    steps: list[int]
    timestamps_ms: list[int]
    values: list[tuple[float, ...]]
    end: Cursor
    """The position behind the last of them."""


class Event(NamedTuple):
    """One event and the position behind it."""

    event: wire.JournalEvent
    end: Cursor


class Damage(NamedTuple):
    """Bytes that could not be read. `reason` is for people."""

    segment: int
    offset: int
    length: int
    reason: str


_Group = tuple[str, tuple[str, ...], list[int], list[int], list[tuple[float, ...]]]
"""Run id, keys, steps, timestamps, values: a `Rows` that still grows."""


class Found:
    """Collects what a read comes by, and keeps rows that belong together together."""

    def __init__(self) -> None:
        self.records: list[Rows | Event] = []
        self.damaged: list[Damage] = []
        self.points = 0
        self._ids = -1
        self._open: _Group | None = None

    def group(self, ids: int, names: tuple[str, tuple[str, ...]], at: Cursor) -> _Group:
        """Lists for rows of this run and schema; another group that is open ends `at`."""
        if self._open is not None:
            if self._ids == ids:
                return self._open
            self.close_group(at)
        self._ids = ids
        group: _Group = (*names, [], [], [])
        self._open = group
        return group

    def close_group(self, end: Cursor) -> None:
        """The current group is complete and ends at `end`."""
        group = self._open
        if group is not None:
            self._open = None
            self.points += len(group[1]) * len(group[2])
            self.records.append(Rows(*group, end))

    def event(self, event: wire.JournalEvent, end: Cursor) -> None:
        """Add an event."""
        self.records.append(Event(event, end))

    def damage(self, damage: Damage) -> None:
        """Add a damage; one that goes on from the one before becomes part of it."""
        if self.damaged:
            last = self.damaged[-1]
            if (
                last.segment == damage.segment
                and last.reason == damage.reason
                and last.offset + last.length == damage.offset
            ):
                self.damaged[-1] = last._replace(length=last.length + damage.length)
                return
        self.damaged.append(damage)
