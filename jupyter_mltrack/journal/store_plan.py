"""Turn journal records into the few requests that bring them to a store.

Points of one run are gathered to as many as MLflow takes at once, whatever lies between them;
parameters and tags ride along. What must keep its place (a run's begin, its end, a tag taken
away) closes the gathering of that run. Requests of a run stay in order; requests that hold only
points may be sent side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_mltrack import wire

METRICS_MAX = 1000
PAIRS_MAX = 100
CHARACTERS_MAX = 400_000
PARAM_CHARACTERS_MAX = 6000
TAG_CHARACTERS_MAX = 8000
ERROR_TAG = "mltrack.error"


@dataclass
class Request:
    """One request: an event by itself, or a batch of points, parameters and tags of one run."""

    run_id: str
    event: Any = None
    metrics: list[tuple[str, float | str, int, int, Any]] = field(default_factory=list)
    """(key, value, timestamp_ms, step, the `wire.MetricPoint` it came from or None)"""
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    optional: bool = False
    """Parameters that yield to those which are there, and what nobody asked for."""
    done: bool = False

    @property
    def only_points(self) -> bool:
        """True when its place among the requests of its run does not matter."""
        return self.event is None and not self.params and not self.tags

    def items(self) -> int:
        """How many things it holds."""
        return len(self.metrics) + len(self.params) + len(self.tags)

    def halves(self) -> list[Request]:
        """Return the same content in two requests, to find what the store refuses."""
        if (bool(self.metrics) + bool(self.params) + bool(self.tags)) > 1:
            return [
                Request(self.run_id, metrics=self.metrics),
                Request(self.run_id, params=self.params, optional=self.optional),
                Request(self.run_id, tags=self.tags),
            ]
        parts = []
        for begin, end in ((0, self.items() // 2), (self.items() // 2, self.items())):
            parts.append(
                Request(
                    self.run_id,
                    metrics=self.metrics[begin:end],
                    params=dict(list(self.params.items())[begin:end]),
                    tags=dict(list(self.tags.items())[begin:end]),
                    optional=self.optional,
                )
            )
        return parts

    def describe(self) -> dict[str, Any]:
        """Return the content for the file of what was set aside."""
        if self.event is not None:
            import msgspec

            kept: dict[str, Any] = msgspec.to_builtins(self.event)
            return kept
        return {
            "run_id": self.run_id,
            "metrics": [[key, repr(value), at, step] for key, value, at, step, _ in self.metrics],
            "params": self.params,
            "tags": self.tags,
        }


def plan(records: Sequence[Any]) -> list[Request]:
    """Return the requests for `records`, those of one run in their order."""
    requests: list[Request] = []
    open_batches: dict[str, Request] = {}
    for record in records:
        event = getattr(record, "event", None)
        if event is None:
            _add_rows(requests, open_batches, record)
        elif isinstance(event, wire.Noted):
            continue
        elif isinstance(event, wire.RunMetrics):
            for metric in event.metrics:
                item = (metric.key, metric.value, metric.timestamp_ms, metric.step, metric)
                _batch(requests, open_batches, event.run_id).metrics.append(item)
        elif isinstance(event, wire.RunTags):
            for key, value in event.tags.items():
                _add_tag(requests, open_batches, event.run_id, key, value)
        elif isinstance(event, wire.RunParams):
            _add_params(requests, open_batches, event)
        else:
            if isinstance(event, wire.RunEnded) and event.error:
                _add_tag(requests, open_batches, event.run_id, ERROR_TAG, event.error)
            open_batches.pop(event.run_id, None)
            optional = isinstance(event, wire.RunCall) and event.automatic
            requests.append(Request(event.run_id, event=event, optional=optional))
    return requests


def _batch(requests: list[Request], open_batches: dict[str, Request], run_id: str) -> Request:
    batch = open_batches.get(run_id)
    if batch is None or len(batch.metrics) >= METRICS_MAX or batch.items() >= METRICS_MAX:
        batch = open_batches[run_id] = Request(run_id)
        requests.append(batch)
    return batch


def _add_rows(requests: list[Request], open_batches: dict[str, Request], rows: Any) -> None:
    for step, at, values in zip(rows.steps, rows.timestamps_ms, rows.values, strict=True):
        for key, value in zip(rows.keys, values, strict=True):
            _batch(requests, open_batches, rows.run_id).metrics.append((key, value, at, step, None))


def _add_tag(
    requests: list[Request], open_batches: dict[str, Request], run_id: str, key: str, value: str
) -> None:
    value = value[:TAG_CHARACTERS_MAX]
    batch = _batch(requests, open_batches, run_id)
    characters = sum(map(len, batch.tags.values())) + len(value)
    if len(batch.tags) >= PAIRS_MAX or characters > CHARACTERS_MAX:
        open_batches.pop(run_id)
        batch = _batch(requests, open_batches, run_id)
    batch.tags[key] = value


def _add_params(
    requests: list[Request], open_batches: dict[str, Request], event: wire.RunParams
) -> None:
    if event.automatic:  # by themselves, so that a refusal concerns only them
        items = list(event.params.items())
        for at in range(0, len(items), PAIRS_MAX):
            part = {k: v[:PARAM_CHARACTERS_MAX] for k, v in items[at : at + PAIRS_MAX]}
            requests.append(Request(event.run_id, params=part, optional=True))
        return
    for key, whole in event.params.items():
        value = whole[:PARAM_CHARACTERS_MAX]
        batch = _batch(requests, open_batches, event.run_id)
        characters = sum(map(len, batch.params.values())) + len(value)
        full = len(batch.params) >= PAIRS_MAX or characters > CHARACTERS_MAX
        if full or batch.params.get(key, value) != value:
            open_batches.pop(event.run_id)
            batch = _batch(requests, open_batches, event.run_id)
        batch.params[key] = value
