"""One live run in memory, and how its points become an answer."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable
from typing import Literal, NamedTuple

from jupyter_mltrack import wire
from jupyter_mltrack.journal.alerts import Watch
from jupyter_mltrack.journal.columns import Points, Window, metric_rank
from jupyter_mltrack.journal.facts import RunFacts

ANSWER_POINTS_MAX = 200_000
"""Points of one answer over all its columns; each column is thinned further beyond it."""
POINTS_A_KEY_MAX = 2_000
LIST_METRICS_MAX = 50
SPARKLINE_POINTS = 40
OUTPUT_LINES = 5
LINE_CHARACTERS_MAX = 500
PRINTED_LINES_LOOKED_AT = 50


class Change(NamedTuple):
    """One run changed: new points, or what a list shows of it."""

    kind: Literal["points", "runs"]
    workspace_id: wire.WorkspaceId
    run_id: wire.RunId
    cursor: int


class LiveRunState:
    """One run in memory. `version` grows with every change; it is the cursor of its readers."""

    def __init__(self, facts: RunFacts) -> None:
        self.facts = facts
        self.columns: dict[str, Points] = {}
        self.hidden: set[int] = set()
        self.first_version = self.version = int(time.time() * 1000)
        self.size_bytes = 0
        self.ended_at_s: float | None = None
        self.used_at_s = time.monotonic()
        self.partial = False
        """True when the store has older points that are not here."""
        self.owned = False
        self.progress: wire.Progress | None = None
        self.watch = Watch()
        self._printed: deque[str] = deque(maxlen=OUTPUT_LINES)
        self._replaced = False
        """True when the newest printed line is a state that the next one takes the place of."""
        self._ranked: list[str] = []

    def ranked(self) -> list[str]:
        """The metrics in the order in which a row shows them."""
        if len(self._ranked) != len(self.columns):
            self._ranked = sorted(self.columns, key=metric_rank)
        return self._ranked

    def measure(self) -> None:
        """Take the size of the columns anew."""
        self.size_bytes = sum(points.size_bytes() for points in self.columns.values())

    def summary(self) -> wire.RunSummary:
        """The run as a row of a list."""
        facts, keys = self.facts, self.ranked()
        shown = keys[:LIST_METRICS_MAX]
        return wire.RunSummary(
            run_id=facts.run_id,
            workspace_id=facts.workspace_id,
            experiment_id=facts.experiment_id,
            experiment=facts.experiment,
            name=facts.name or facts.run_id[:8],
            status=facts.status,
            start_ms=facts.start_ms or self._first_time_ms(),
            end_ms=facts.end_ms,
            metrics=[self.columns[key].newest(key) for key in shown],
            parent_run_id=facts.parent_run_id,
            notebook=facts.notebook,
            error=facts.error,
            live=self.owned and not facts.ended,
            hidden_metrics=len(keys) - len(shown) + len(self.hidden),
            user=facts.user,
            attempt=facts.attempt,
        )

    def take_event(self, event: wire.JournalEvent) -> bool:
        """Take what a row shows beside facts and points; returns whether that changed."""
        if isinstance(event, wire.RunProgressed):
            changed = event.progress != self.progress
            self.progress = event.progress
            return changed
        if isinstance(event, wire.RunPrinted):
            self._take_text(event.text)
            return True
        if isinstance(event, wire.RunBorn | wire.RunTags):
            self.watch.take_tags(event.tags)
        return False

    def _take_text(self, text: str) -> None:
        """Keep the last lines; one that ends with a carriage return gives way to the next."""
        for line in text.splitlines(keepends=True)[-PRINTED_LINES_LOOKED_AT:]:
            if self._replaced and self._printed:
                self._printed.pop()
            self._replaced = line.endswith("\r")
            self._printed.append(line.rstrip("\r\n")[:LINE_CHARACTERS_MAX])

    def watch_time(self, now_ms: int) -> bool:
        """Say whether a rule about time came true."""
        if not self.watch.waits or self.facts.ended:
            return False
        newest = [points.times[-1] for points in self.columns.values() if points.times]
        return self.watch.take_time(max([self.facts.start_ms, *newest]), now_ms)

    def live(self, uploads: wire.Uploads | None = None) -> wire.LiveRun:
        """The run as the page's live section shows it."""
        values, key = self.sparkline()
        return wire.LiveRun(
            summary=self.summary(),
            sparkline=values,
            sparkline_key=key,
            cursor=self.version,
            progress=self.progress,
            output=list(self._printed),
            alerts=list(self.watch.told),
            kernel_id=self.facts.kernel_id,
            cell_id=self.facts.cell_id,
            notebook_path=self.facts.notebook_path,
            uploads=uploads,
        )

    def sparkline(self) -> tuple[list[float | None], str | None]:
        """A few values of the first main metric over the whole run, the newest last."""
        if not self.columns:
            return [], None
        key = self.ranked()[0]
        values = self.columns[key].values
        stride = max(1, -(-len(values) // SPARKLINE_POINTS))
        picked = values[::-1][::stride][::-1] if stride > 1 else values
        return [value if math.isfinite(value) else None for value in picked], key

    def _first_time_ms(self) -> int:
        return min((points.times[0] for points in self.columns.values()), default=0)


def alerted(run: LiveRunState, record: object) -> bool:
    """Look at the points of a record for the run's alerts; returns whether one came true."""
    from jupyter_mltrack.journal import Rows

    if isinstance(record, Rows):
        news = False
        for key, values in zip(record.keys, zip(*record.values, strict=True), strict=True):
            news |= run.watch.take_values(key, values, record.steps, record.timestamps_ms)
        return news
    event = record.event  # type: ignore[attr-defined]
    if not isinstance(event, wire.RunMetrics):
        return False
    told = [
        run.watch.take_values(one.key, [float(one.value)], [one.step], [one.timestamp_ms])
        for one in event.metrics
    ]
    return any(told)


def older_points(column: wire.Column, mine: Points) -> Points:
    """Points of a store's column that came before the first point of `mine`."""
    first = (mine.times[0], mine.steps[0]) if mine.times else (math.inf, 0)
    older = Points()
    rows = zip(column.steps, column.timestamps_ms, column.values, strict=True)
    for place, (step, time_ms, value) in enumerate(rows):
        if (time_ms, step) < first:
            text = column.exact.get(str(place)) or column.nonfinite.get(str(place)) or repr(value)
            older.add_exact(0, step, time_ms, text)
    newer = len(column.values) - len(older.values)
    older.total = max(older.total, column.total - newer)
    return older


def answer(
    facts: RunFacts,
    columns: dict[str, Points],
    *,
    keys: Iterable[str],
    since: int,
    versions: tuple[int, int],
    max_points: int,
    hidden: int = 0,
    window: Window | None = None,
) -> wire.Series:
    """Columns of a run since a version, thinned; all for a reader that is too far behind.

    With a window only what lies within it is thinned, whatever the reader knows.
    """
    first_version, version = versions
    wanted = [(key, columns[key]) for key in keys if key in columns]
    known = first_version <= since <= version
    reset = (
        not known or window is not None or any(points.reset_version > since for _, points in wanted)
    )
    room = max(10, min(max_points, POINTS_A_KEY_MAX, ANSWER_POINTS_MAX // max(1, len(wanted))))
    answers = []
    for key, points in wanted:
        if window is not None:
            answers.append(points.within(window).column(key, 0, room))
            continue
        start = 0 if reset else points.start_after(since)
        if reset or start < len(points.values):
            answers.append(points.column(key, start, room))
    note = ""
    if hidden:
        note = f"{hidden} more metrics are kept in the store; {len(columns)} can be drawn."
    return wire.Series(
        run_id=facts.run_id,
        status=facts.status,
        columns=answers,
        cursor=version,
        reset=reset,
        hidden_columns=hidden,
        note=note,
    )
