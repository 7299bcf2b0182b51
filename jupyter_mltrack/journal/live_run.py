"""One live run in memory, and how its points become an answer."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

from jupyter_mltrack import wire
from jupyter_mltrack.journal.columns import Points, metric_rank
from jupyter_mltrack.journal.facts import RunFacts

ANSWER_POINTS_MAX = 200_000
"""Points of one answer over all its columns; each column is thinned further beyond it."""
POINTS_A_KEY_MAX = 2_000
LIST_METRICS_MAX = 50
SPARKLINE_POINTS = 40


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
) -> wire.Series:
    """Columns of a run since a version, thinned; all for a reader that is too far behind."""
    first_version, version = versions
    wanted = [(key, columns[key]) for key in keys if key in columns]
    known = first_version <= since <= version
    reset = not known or any(points.reset_version > since for _, points in wanted)
    room = max(10, min(max_points, POINTS_A_KEY_MAX, ANSWER_POINTS_MAX // max(1, len(wanted))))
    answers = []
    for key, points in wanted:
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
