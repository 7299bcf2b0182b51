"""Counts of requests and a histogram of their latency in steps of ten percent."""

from __future__ import annotations

import math
from collections.abc import Mapping

_GROWTH = math.log(1.1)
_SMALLEST_MS = 0.01


def bucket_of(latency_ms: float) -> int:
    """Return the number of the bucket that holds a latency."""
    return max(0, math.ceil(math.log(max(latency_ms, _SMALLEST_MS) / _SMALLEST_MS) / _GROWTH))


def bucket_ms(bucket: int) -> float:
    """Return the middle of a bucket."""
    return _SMALLEST_MS * math.exp(_GROWTH * (bucket - 0.5)) if bucket else _SMALLEST_MS


def quantile_ms(buckets: Mapping[int, int], share: float) -> float | None:
    """Return the latency that `share` of the requests stay below; None where there were none."""
    total = sum(buckets.values())
    if not total:
        return None
    wanted = share * total
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= wanted:
            return round(bucket_ms(bucket), 3)
    return None


class Tally:
    """What happened since it was last taken."""

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.buckets: dict[int, int] = {}
        self.unanswered: dict[str, int] = {}
        """Label of another version -> how often it did not answer."""
        self.busy = 0
        self._busy_told = 0

    def count(self, latency_ms: float, status: int) -> None:
        """Count one answered request."""
        self.requests += 1
        self.errors += status >= 400
        bucket = bucket_of(latency_ms)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def count_unanswered(self, label: str) -> None:
        """Count a request that another version did not answer."""
        self.unanswered[label] = self.unanswered.get(label, 0) + 1

    def take(self) -> dict[str, object] | None:
        """Return what changed and begin anew; None where nothing did."""
        if not self.requests and not self.unanswered and self.busy == self._busy_told:
            return None
        taken: dict[str, object] = {
            "event": "stats",
            "requests": self.requests,
            "errors": self.errors,
            "buckets": {str(key): count for key, count in self.buckets.items()},
            "unanswered": self.unanswered,
            "busy": self.busy,
        }
        self.requests = self.errors = 0
        self.buckets, self.unanswered = {}, {}
        self._busy_told = self.busy
        return taken
