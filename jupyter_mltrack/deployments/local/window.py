"""Counts of the last minute, in seconds that fall out one by one."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.deployments.local.serving.tally import quantile_ms

WINDOW_S = 60


class Window:
    """What one version answered within the last minute."""

    def __init__(self) -> None:
        self._parts: deque[tuple[float, int, int, dict[int, int]]] = deque()
        self._since_s = time.monotonic()

    def add(self, event: dict[str, Any]) -> None:
        """Take what a replica told."""
        buckets = {int(key): int(count) for key, count in event["buckets"].items()}
        self._parts.append(
            (time.monotonic(), int(event["requests"]), int(event["errors"]), buckets)
        )
        self._drop()

    def add_errors(self, count: int) -> None:
        """Count requests that were passed on and not answered."""
        self._parts.append((time.monotonic(), count, count, {}))

    def parts(self) -> list[tuple[float, int, int, dict[int, int]]]:
        """Return what is within the window."""
        self._drop()
        return list(self._parts)

    @property
    def age_s(self) -> float:
        """How long the window has been open, at most its length."""
        return min(WINDOW_S, time.monotonic() - self._since_s)

    def _drop(self) -> None:
        oldest = time.monotonic() - WINDOW_S
        while self._parts and self._parts[0][0] < oldest:
            self._parts.popleft()


def stats(windows: Iterable[Window]) -> wire.EndpointStats:
    """Sum windows up."""
    windows = list(windows)
    requests = errors = 0
    buckets: dict[int, int] = {}
    for window in windows:
        for _, count, wrong, part in window.parts():
            requests += count
            errors += wrong
            for bucket, number in part.items():
                buckets[bucket] = buckets.get(bucket, 0) + number
    age_s = max([1.0, *(window.age_s for window in windows)])
    return wire.EndpointStats(
        window_s=WINDOW_S,
        requests=requests,
        errors=errors,
        requests_per_s=round(requests / age_s, 3),
        p50_ms=quantile_ms(buckets, 0.5),
        p95_ms=quantile_ms(buckets, 0.95),
    )
