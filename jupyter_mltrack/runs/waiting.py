"""What journals of this machine know of a workspace's runs that its store does not know yet.

A list of runs is the store's answer with this laid over it: runs that were born a moment ago (or
while the store was away), newer values, newer states. Only what comes after the shipped cursor is
read. It also tells which runs have a living process behind them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import JournalError
from jupyter_mltrack.journal.columns import metric_rank
from jupyter_mltrack.journal.facts import RunFacts
from jupyter_mltrack.runs import tags
from jupyter_mltrack.runs.query import Wanted
from jupyter_mltrack.runs.tags import chosen

_READ_BYTES = 8 << 20


@dataclass
class WaitingRun:
    """One run as the journals have it. `run_id` is the id in the store where it has one there."""

    run_id: str
    facts: RunFacts
    newest: dict[str, wire.MetricValue] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    points: int = 0
    events: int = 0
    live: bool = False
    left_behind_ms: int | None = None
    """When a process that is gone last wrote to this run without ending it."""

    def summary(self, wanted: Wanted | None = None) -> wire.RunSummary:
        """The run as a row, from the journal alone."""
        wanted = wanted or Wanted()
        facts = self.facts
        return wire.RunSummary(
            run_id=wire.RunId(self.run_id),
            workspace_id=facts.workspace_id,
            experiment_id=facts.experiment_id,
            experiment=facts.experiment,
            name=facts.name or self.run_id[:8],
            status=facts.status,
            start_ms=facts.start_ms,
            end_ms=facts.end_ms,
            metrics=_shown(self.newest, wanted),
            parent_run_id=facts.parent_run_id,
            notebook=facts.notebook,
            error=facts.error,
            waiting_points=self.points,
            live=self.live,
            params=chosen(self.params, wanted.keys("params")),
            tags=chosen(self.tags, wanted.keys("tags")),
            user=self.tags.get(tags.USER, ""),
            starred=tags.is_starred(self.tags),
            attempt=tags.attempt_of(self.tags),
        )

    def over(self, row: wire.RunSummary, wanted: Wanted | None = None) -> wire.RunSummary:
        """The store's row with what is newer here laid over it."""
        wanted = wanted or Wanted()
        facts = self.facts
        changes: dict[str, object] = {"waiting_points": self.points, "live": self.live}
        if self.newest:
            newest = {value.key: value for value in row.metrics}
            for key, value in self.newest.items():
                known = newest.get(key)
                if known is None or _is_newer(value, known):
                    newest[key] = value
            changes["metrics"] = _shown(newest, wanted)
        for kind, mine in (("params", self.params), ("tags", self.tags)):
            if mine and wanted.keys(kind):
                both = {one.key: one.value for one in getattr(row, kind)} | mine
                changes[kind] = chosen(both, wanted.keys(kind))
        if self.events:
            changes |= {"status": facts.status, "end_ms": facts.end_ms}
            changes |= {"name": facts.name} if facts.name else {}
            changes |= {"error": facts.error} if facts.error else {}
        return msgspec.structs.replace(row, **changes)

    def detail(self) -> wire.RunDetail:
        """The whole run, from the journal alone."""
        return wire.RunDetail(
            summary=self.summary(),
            params=_pairs(self.params),
            tags=_pairs(self.tags),
            merged=True,
        )

    def over_detail(self, detail: wire.RunDetail) -> wire.RunDetail:
        """The store's run with what is newer here laid over it."""
        params = {one.key: one.value for one in detail.params} | self.params
        labels = {one.key: one.value for one in detail.tags} | self.tags
        return msgspec.structs.replace(
            detail, summary=self.over(detail.summary), params=_pairs(params), tags=_pairs(labels)
        )


def _pairs(values: dict[str, str]) -> list[wire.Pair]:
    return [wire.Pair(key=key, value=values[key]) for key in sorted(values)]


def _ranked(values: Iterable[wire.MetricValue]) -> list[wire.MetricValue]:
    return sorted(values, key=lambda value: metric_rank(value.key))


def _shown(newest: dict[str, wire.MetricValue], wanted: Wanted) -> list[wire.MetricValue]:
    """Those that a row holds: the columns asked for, else all of them."""
    if wanted.columns is None:
        return _ranked(newest.values())
    return [newest[key] for key in wanted.metrics if key in newest]


def _is_newer(value: wire.MetricValue, than: wire.MetricValue) -> bool:
    """MLflow's own rule for the newest value: step, then time, then value."""
    return (value.step, value.timestamp_ms) >= (than.step, than.timestamp_ms)


def waiting_runs(data_dir: Path, workspace_id: str) -> dict[str, WaitingRun]:
    """By id in the store: runs with something unsent, and runs that a living process writes."""
    from jupyter_mltrack.journal import JournalReader, list_journals, owner_alive
    from jupyter_mltrack.journal.progress import Progress

    found: dict[str, WaitingRun] = {}
    for path in list_journals(data_dir):
        try:
            reader = JournalReader(path)
            if reader.meta.workspace_id != workspace_id:
                continue
        except (JournalError, OSError):
            continue  # removed meanwhile, or damaged beyond reading: shipping reports it
        progress = Progress.load(path)
        if progress.finished_ms:
            continue
        alive = owner_alive(path)
        for local_id, start_ms in progress.open.items():
            run = _run(found, local_id, progress.ids, reader.meta)
            run.facts.start_ms = run.facts.start_ms or start_ms
            run.live = alive
            run.left_behind_ms = None if alive else progress.last_ms or start_ms
        _read(reader, progress, found, alive)
    for run in found.values():
        _end_if_left_behind(run)
    return found


def _end_if_left_behind(run: WaitingRun) -> None:
    """Tell at once what shipping will write soon: a run without its process has failed."""
    if run.left_behind_ms is None or run.live or run.facts.ended:
        return
    newest = [value.timestamp_ms for value in run.newest.values()]
    run.facts.fail(max([run.left_behind_ms, run.facts.start_ms, *newest]))
    run.events += 1


def _run(
    found: dict[str, WaitingRun], local_id: str, ids: dict[str, str], meta: wire.JournalMeta
) -> WaitingRun:
    run_id = ids.get(local_id, local_id)
    if run_id not in found:
        facts = RunFacts(run_id=wire.RunId(run_id), workspace_id=meta.workspace_id)
        found[run_id] = WaitingRun(run_id, facts)
    return found[run_id]


def _read(reader: object, progress: object, found: dict[str, WaitingRun], alive: bool) -> None:
    from jupyter_mltrack.journal import Event

    cursor = progress.cursor  # type: ignore[attr-defined]
    while True:
        batch = reader.read(cursor, limit_bytes=_READ_BYTES)  # type: ignore[attr-defined]
        for record in batch.records:
            local_id = record.event.run_id if isinstance(record, Event) else record.run_id
            if local_id is None:
                continue
            run = _run(found, local_id, progress.ids, reader.meta)  # type: ignore[attr-defined]
            if isinstance(record, Event):
                _take_event(run, record.event, alive)
            else:
                _take_rows(run, record)
                run.live = run.live or (alive and not run.facts.ended)
        if batch.cursor == cursor:
            return
        cursor = batch.cursor


def _take_rows(run: WaitingRun, rows: object) -> None:
    keys, steps = rows.keys, rows.steps  # type: ignore[attr-defined]
    times, values = rows.timestamps_ms, rows.values  # type: ignore[attr-defined]
    run.points += len(keys) * len(steps)
    if not steps:
        return
    # MLflow's newest is the one with the highest step, then time: not always the last written.
    at = max(range(len(steps)), key=lambda index: (steps[index], times[index]))
    for place, key in enumerate(keys):
        _keep(run, _value(key, repr(values[at][place]), steps[at], times[at]))


def _take_event(run: WaitingRun, event: wire.JournalEvent, alive: bool) -> None:
    if isinstance(event, wire.RunMetrics):
        run.points += len(event.metrics)
        for point in event.metrics:
            _keep(run, _value(point.key, point.value, point.step, point.timestamp_ms))
        return
    if isinstance(event, wire.Noted | wire.RunProgressed | wire.RunPrinted | wire.RunKept):
        return
    run.events += 1
    run.facts.apply(event)
    run.live = alive and not run.facts.ended
    if isinstance(event, wire.RunBorn) and not alive:
        run.left_behind_ms = event.start_ms
    if isinstance(event, wire.RunBorn | wire.RunTags):
        run.tags |= event.tags
    elif isinstance(event, wire.RunTagDeleted):
        run.tags.pop(event.key, None)
    elif isinstance(event, wire.RunParams):
        run.params = (
            {**event.params, **run.params} if event.automatic else run.params | event.params
        )


def _keep(run: WaitingRun, made: wire.MetricValue) -> None:
    known = run.newest.get(made.key)
    if known is None or _is_newer(made, known):
        run.newest[made.key] = made


def _value(key: str, text: str, step: int, timestamp_ms: int) -> wire.MetricValue:
    number = float(text)
    value = number if math.isfinite(number) else None
    return wire.MetricValue(key=key, value=value, text=text, step=step, timestamp_ms=timestamp_ms)
