"""Runs that no journal of this machine knows: on other machines, remote jobs, plain scripts.

Their newest values come from the store, asked in the background every few seconds while a page
looks, less often while nothing runs there, rarely while the store gives no answer. A page never
waits for it: it gets what was seen last. Alerts of these runs are about the values that were seen.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec

from jupyter_mltrack import own_log, wire
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.journal.alerts import Watch
from jupyter_mltrack.journal.live_run import SPARKLINE_POINTS
from jupyter_mltrack.workspaces import Workspace

ASK_S = 3.0
QUIET_MAX_S = 12.0
TROUBLE_MAX_S = 60.0
FORGET_S = 60.0
"""What was seen longer ago is not shown: nobody looked meanwhile, or the store is away."""

_log = own_log.logger(__name__)


@dataclass
class _Seen:
    """What is known of one workspace."""

    runs: dict[str, wire.LiveRun] = field(default_factory=dict)
    values: dict[str, deque[float | None]] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)
    at_s: float = -1e9
    next_s: float = -1e9
    pause_s: float = ASK_S
    task: asyncio.Task[None] | None = None
    jobs: bool = False
    """Whether its runs may be jobs of a service, which can be stopped there."""


class Elsewhere:
    """Answers from memory and has it renewed. Used from the event loop only.

    Args:
        ask: gives the running runs of a workspace's store.
    """

    def __init__(self, ask: Callable[[Workspace], Awaitable[wire.RunPage]]) -> None:
        self._ask = ask
        self.changed: Callable[[wire.Nudge], None] = lambda _nudge: None
        """Called when something that is shown changed."""
        self._seen: dict[str, _Seen] = {}

    def of(self, workspace: Workspace) -> list[wire.LiveRun]:
        """What was seen last; asks again in the background when it is time."""
        seen = self._seen.setdefault(workspace.id, _Seen())
        now_s = time.monotonic()
        if seen.task is None and now_s >= seen.next_s:
            seen.task = asyncio.ensure_future(self._renew(workspace, seen))
        return list(seen.runs.values()) if now_s - seen.at_s < FORGET_S else []

    async def close(self) -> None:
        """Stop asking."""
        tasks = [seen.task for seen in self._seen.values() if seen.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _renew(self, workspace: Workspace, seen: _Seen) -> None:
        try:
            page = await self._ask(workspace)
        except (MltrackError, msgspec.DecodeError) as error:
            seen.pause_s = min(TROUBLE_MAX_S, 2 * seen.pause_s)
            _log.debug("What runs in %s elsewhere is not known: %s", workspace.name, error)
        else:
            quiet_s = min(QUIET_MAX_S, max(ASK_S, 1.5 * seen.pause_s))
            seen.pause_s = ASK_S if page.runs else quiet_s
            seen.at_s = time.monotonic()
            self._take(workspace, seen, page.runs)
        finally:
            seen.next_s = time.monotonic() + seen.pause_s
            seen.task = None

    def _take(self, workspace: Workspace, seen: _Seen, rows: list[wire.RunSummary]) -> None:
        before, seen.jobs = seen.runs, workspace.scope is not None
        seen.runs = {row.run_id: self._live(seen, row) for row in rows}
        seen.values = {key: kept for key, kept in seen.values.items() if key in seen.runs}
        seen.watches = {key: kept for key, kept in seen.watches.items() if key in seen.runs}
        changed = [
            run_id
            for run_id in {**before, **seen.runs}
            if before.get(run_id) != seen.runs.get(run_id)
        ]
        if changed:
            self.changed(
                wire.Nudge(
                    kind="runs",
                    workspace_id=wire.WorkspaceId(workspace.id),
                    run_ids=[wire.RunId(run_id) for run_id in changed],
                    cursors=[
                        seen.runs[run_id].cursor if run_id in seen.runs else 0 for run_id in changed
                    ],
                )
            )

    def _live(self, seen: _Seen, row: wire.RunSummary) -> wire.LiveRun:
        known = seen.runs.get(row.run_id)
        alerts = _alerts(seen, row)
        row = msgspec.structs.replace(row, tags=[])
        if known is not None and known.summary == row and known.alerts == alerts:
            return known
        values = seen.values.setdefault(row.run_id, deque(maxlen=SPARKLINE_POINTS))
        first = row.metrics[0] if row.metrics else None
        last = known.summary.metrics[0] if known is not None and known.summary.metrics else None
        if first is not None and first != last:
            values.append(first.value)
        return wire.LiveRun(
            summary=row,
            sparkline=list(values),
            sparkline_key=first.key if first is not None else None,
            cursor=known.cursor + 1 if known is not None else int(time.time() * 1000),
            elsewhere=True,
            job=seen.jobs,
            alerts=alerts,
        )


def _alerts(seen: _Seen, row: wire.RunSummary) -> list[wire.RunAlert]:
    """What came true of a run since it was first seen."""
    watch = seen.watches.setdefault(row.run_id, Watch())
    watch.take_tags({one.key: one.value for one in row.tags})
    newest_ms = row.start_ms
    for metric in row.metrics:
        value = float(metric.text)
        watch.take_values(metric.key, [value], [metric.step], [metric.timestamp_ms])
        newest_ms = max(newest_ms, metric.timestamp_ms)
    watch.take_time(newest_ms, int(time.time() * 1000))
    return list(watch.told)
