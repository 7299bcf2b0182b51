"""A metric of a run in numbers, from its points in memory; order and search of such tables."""

from __future__ import annotations

import math
from collections.abc import Iterable

from jupyter_mltrack import wire
from jupyter_mltrack.journal.columns import Points, metric_rank


def keys_of_page(
    keys: Iterable[str], search: str, offset: int, limit: int
) -> tuple[list[str], int]:
    """The metrics of one page, main metrics first, and how many fit the words."""
    words = search.casefold().split()
    fitting = [key for key in keys if all(word in key.casefold() for word in words)]
    fitting.sort(key=metric_rank)
    return fitting[offset : offset + limit], len(fitting)


def stat_of(key: str, points: Points) -> wire.MetricStat:
    """Newest, minimum, maximum and mean; what is not finite counts as a point and no more."""
    values = points.values
    newest = points.newest(key)
    finite = values
    if points.odd:
        finite = type(values)("d", filter(math.isfinite, values))
    low = min(finite, default=None)
    high = max(finite, default=None)
    whole = points.total == len(values)
    return wire.MetricStat(
        key=key,
        last=newest.value,
        text=newest.text,
        minimum=low,
        maximum=high,
        mean=mean(finite) if whole and len(finite) else None,
        minimum_step=None if low is None else points.steps[values.index(low)],
        maximum_step=None if high is None else points.steps[values.index(high)],
        count=points.total,
        step=newest.step,
        timestamp_ms=newest.timestamp_ms,
    )


def mean(values: Iterable[float]) -> float | None:
    """The mean of finite values, also where their sum is no number any more."""
    listed = list(values)
    if not listed:
        return None
    total = sum(listed)
    if math.isfinite(total):
        return total / len(listed)
    return math.fsum(value / len(listed) for value in listed)
