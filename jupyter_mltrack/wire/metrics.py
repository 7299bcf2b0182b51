"""Values and points of metrics."""

from __future__ import annotations

from jupyter_mltrack.wire.base import RunId, RunStatus, Struct


class MetricValue(Struct, frozen=True):
    """The newest value of one metric. `value` is None when it is not finite: see `text`."""

    key: str
    value: float | None
    text: str
    """The exact value as text: `repr` of the float or int; "nan", "inf", "-inf" too."""
    step: int
    timestamp_ms: int


class Column(Struct, frozen=True):
    """The points of one metric, ascending by arrival. All lists have the same length n."""

    key: str
    steps: list[int]
    timestamps_ms: list[int]
    values: list[float | None]
    nonfinite: dict[str, str] = {}
    """Index in `values` (as text) -> "NaN", "Infinity" or "-Infinity"."""
    exact: dict[str, str] = {}
    """Index in `values` (as text) -> the whole number, where a float cannot hold it."""
    total: int = 0
    """How many points the run has for this key; more than n when points were thinned out."""


class Series(Struct, frozen=True):
    """Points of a run since a cursor; thinned to minimum and maximum of each bucket."""

    run_id: RunId
    status: RunStatus
    columns: list[Column]
    cursor: int
    reset: bool = False
    """True when the page must drop what it has: `columns` start from the first point."""
    hidden_columns: int = 0
    """How many metrics the run has beyond those that can be drawn."""
    note: str = ""
    """What is missing here and where it is kept; empty when nothing is."""


class MetricStat(Struct, frozen=True):
    """One metric of a run in numbers. Values are None where they are not finite: see `text`."""

    key: str
    last: float | None
    text: str
    """The newest value exactly; "nan", "inf", "-inf" too."""
    minimum: float | None
    maximum: float | None
    mean: float | None
    minimum_step: int | None
    maximum_step: int | None
    count: int
    step: int
    timestamp_ms: int


class MetricTable(Struct, frozen=True):
    """Metrics of a run, main metrics first, then by name."""

    metrics: list[MetricStat]
    total: int
    """How many fit the search; more than are listed where a page ends."""
