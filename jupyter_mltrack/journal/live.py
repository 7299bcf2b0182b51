"""The live index: what every running kernel of this machine logs, as columns in memory.

It tails the journals of one data folder. A memory-mapped write changes no modification time,
so the tail asks the reader for what comes after its cursor; asking costs microseconds. Nobody
is told about values here: `poll` says which runs changed, readers fetch what they draw with the
cursor they know. Memory is bounded: runs that ended go first, then long columns are thinned.
An owner that is gone has its open runs shown FAILED; finishing its journal is the shipper's.
Other threads may read while one polls.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

from jupyter_mltrack import own_log, wire
from jupyter_mltrack.errors import JournalError
from jupyter_mltrack.journal import series as series_files
from jupyter_mltrack.journal.columns import (
    BYTES_PER_POINT,
    COLUMN_OVERHEAD_BYTES,
    COLUMN_POINTS_MAX,
    HIDDEN_NAMES_COUNTED_MAX,
    Points,
    Window,
)
from jupyter_mltrack.journal.facts import RunFacts
from jupyter_mltrack.journal.live_bounds import bound_memory
from jupyter_mltrack.journal.live_run import (
    POINTS_A_KEY_MAX,
    Change,
    LiveRunState,
    alerted,
    answer,
    older_points,
)
from jupyter_mltrack.journal.tailed import Tailed
from jupyter_mltrack.journal.uploads_seen import UploadsSeen

MEMORY_BYTES_MAX = 256 << 20
LIVE_AFTER_END_S = 60.0
OWNER_CHECK_S = 0.5
RESCAN_S = 1.0
_READ_BYTES = 4 << 20

_log = own_log.logger(__name__)


class LiveIndex:
    """Follows every journal below `data_dir`. `poll` does the work, the rest answers."""

    def __init__(self, data_dir: Path, *, memory_bytes_max: int = MEMORY_BYTES_MAX) -> None:
        self._data_dir = data_dir
        self._memory_bytes_max = memory_bytes_max
        self._lock = threading.RLock()
        self._tailed: dict[Path, Tailed] = {}
        self._done: set[Path] = set()
        self._runs: dict[tuple[str, str], LiveRunState] = {}
        self._uploads = UploadsSeen(data_dir)
        self._orphaned: list[Path] = []
        self._listed_mtime_ns = -1
        self._listed_at_s = -RESCAN_S
        self.metas: dict[wire.WorkspaceId, wire.JournalMeta] = {}
        """The newest journal of each workspace that was seen here."""

    # ------------------------------------------------------------------------ the work

    def poll(self, budget_s: float = 0.05) -> list[Change]:
        """Read what is new in all journals; returns at most one change of a kind for each run.

        Stops after `budget_s` so that a long backlog is shown while it is read.
        """
        changes: dict[tuple[str, str, str], Change] = {}
        self._scan()
        deadline_s = time.monotonic() + budget_s
        for tailed in list(self._tailed.values()):
            try:
                self._follow(tailed, deadline_s, changes)
            except (OSError, JournalError) as error:
                _log.info("The journal %s is not followed any more: %s", tailed.path.name, error)
                self._forget(tailed)
        self._watch_time(changes)
        self._watch_uploads(changes)
        with self._lock:
            bound_memory(self._runs, self._memory_bytes_max, LIVE_AFTER_END_S)
        return list(changes.values())

    def _watch_time(self, changes: dict[tuple[str, str, str], Change]) -> None:
        """Look for runs that were told to be heard of when they stall."""
        now_ms = int(time.time() * 1000)
        with self._lock:
            for run in self._runs.values():
                if run.watch_time(now_ms):
                    run.version += 1
                    self._changed(run, "runs", changes)

    def _watch_uploads(self, changes: dict[tuple[str, str, str], Change]) -> None:
        """Look how far the artifacts of the runs are on their way."""
        for key in self._uploads.look():
            with self._lock:
                run = self._runs.get(key)
                if run is not None:
                    run.version += 1
                    self._changed(run, "runs", changes)

    def is_busy(self) -> bool:
        """Say whether a run is open in a journal whose owner lives."""
        return any(tailed.alive and tailed.open_runs for tailed in list(self._tailed.values()))

    def take_orphaned(self) -> list[Path]:
        """Journals whose owner is gone, each named once; somebody has to finish them."""
        with self._lock:
            taken, self._orphaned = self._orphaned, []
        return taken

    def has_left_behind(self) -> bool:
        """Say whether a journal whose owner is gone has not been brought to its end yet."""
        return any(path.exists() for path in list(self._done))

    def _scan(self) -> None:
        from jupyter_mltrack.journal import list_journals, owner_alive

        now_s = time.monotonic()
        try:
            mtime_ns = (self._data_dir / "journals").stat().st_mtime_ns
        except OSError:
            return
        if mtime_ns == self._listed_mtime_ns and now_s - self._listed_at_s < RESCAN_S:
            return
        self._listed_at_s, self._listed_mtime_ns = now_s, mtime_ns
        found = list_journals(self._data_dir)
        self._done.intersection_update(found)
        for path in found:
            if path in self._tailed or path in self._done:
                continue
            try:
                tailed = Tailed(path)
            except (OSError, JournalError, ValueError):
                self._listed_mtime_ns = -1  # not whole yet, or damaged: look again
                continue
            self.metas[tailed.meta.workspace_id] = tailed.meta
            tailed.alive = owner_alive(path)
            if not tailed.alive:
                self._orphaned.append(path)
                if time.time() * 1000 - tailed.meta.created_ms > LIVE_AFTER_END_S * 10_000:
                    self._done.add(path)
                    continue
            self._tailed[path] = tailed

    def _follow(
        self, tailed: Tailed, deadline_s: float, changes: dict[tuple[str, str, str], Change]
    ) -> None:
        from jupyter_mltrack.journal import owner_alive

        now_s = time.monotonic()
        check = not tailed.alive or now_s - tailed.checked_at_s >= OWNER_CHECK_S
        if check and tailed.alive:
            tailed.checked_at_s = now_s
            tailed.alive = owner_alive(tailed.path)
        while tailed.has_news(now_s):
            batch = tailed.reader.read(tailed.cursor, limit_bytes=_READ_BYTES)
            if batch.records:
                with self._lock:
                    self._take(tailed, batch.records, changes)
            moved = batch.cursor != tailed.cursor
            tailed.cursor = batch.cursor
            if not moved:
                break
            if time.monotonic() > deadline_s:
                return
        if not tailed.alive:
            self._finish(tailed, changes)

    def _finish(self, tailed: Tailed, changes: dict[tuple[str, str, str], Change]) -> None:
        """The owner is gone and everything is read: end its open runs, stop following."""
        with self._lock:
            for run_id in tailed.open_runs:
                run = self._runs.get((tailed.meta.workspace_id, run_id))
                if run is None or run.facts.ended:
                    continue
                last_ms = max((points.times[-1] for points in run.columns.values()), default=0)
                run.facts.fail(max(last_ms, run.facts.start_ms) or int(time.time() * 1000))
                self._changed(run, "runs", changes)
            if tailed.path not in self._orphaned:
                self._orphaned.append(tailed.path)
        self._forget(tailed)

    def close(self) -> None:
        """Follow nothing any more."""
        for tailed in list(self._tailed.values()):
            self._forget(tailed)

    def _forget(self, tailed: Tailed) -> None:
        tailed.close()
        self._tailed.pop(tailed.path, None)
        self._done.add(tailed.path)

    # ------------------------------------------------------------------- taking records

    def _take(
        self,
        tailed: Tailed,
        records: Iterable[object],
        changes: dict[tuple[str, str, str], Change],
    ) -> None:
        from jupyter_mltrack.journal import Rows

        bumped: set[str] = set()
        for record in records:
            event = None if isinstance(record, Rows) else record.event  # type: ignore[attr-defined]
            run_id = record.run_id if isinstance(record, Rows) else getattr(event, "run_id", None)
            if not tailed.first_segment:
                tailed.first_segment = record.end[0]  # type: ignore[attr-defined]
            if run_id is None:
                continue
            run = self._run_of(tailed, wire.RunId(run_id), event)
            if run_id not in bumped:
                bumped.add(run_id)
                run.version += 1
            if event is not None and (run.facts.apply(event) | run.take_event(event)):
                self._changed(run, "runs", changes)
            if alerted(run, record):
                self._changed(run, "runs", changes)
            if self._add_points(run, record):
                self._changed(run, "points", changes)
            self._note_end(tailed, run, event)

    def _run_of(
        self, tailed: Tailed, run_id: wire.RunId, event: wire.JournalEvent | None
    ) -> LiveRunState:
        workspace_id = tailed.meta.workspace_id
        run = self._runs.get((workspace_id, run_id))
        found_here = run is None
        if run is None:
            run = LiveRunState(RunFacts(run_id, workspace_id))
            run.owned = True
            if not isinstance(event, wire.RunBorn) or event.resumed:
                self._load_older(tailed, run)
            self._runs[workspace_id, run_id] = run
        if isinstance(event, wire.RunBorn):
            ends_here = event.owner_pid in (None, tailed.meta.pid)
        else:
            ends_here = tailed.meta.parent_journal_id is None and (found_here or not run.facts.born)
        if (ends_here and not run.facts.ended) or (
            isinstance(event, wire.RunBorn) and event.resumed
        ):
            tailed.open_runs.add(run_id)
        return run

    def _load_older(self, tailed: Tailed, run: LiveRunState) -> None:
        """Take what an earlier part of the journal, or an earlier life of the run, left behind."""
        until = (tailed.meta.journal_id, tailed.first_segment)
        kept = series_files.load(
            self._data_dir, run.facts.workspace_id, run.facts.run_id, until=until
        )
        run.partial = kept is None or not kept.complete
        if kept is None:
            return
        run.facts, run.columns = kept.facts, kept.columns
        run.facts.status, run.facts.end_ms = "RUNNING", None
        run.measure()

    def _add_points(self, run: LiveRunState, record: object) -> bool:
        before = len(run.columns)
        added, dropped = series_files.add_record(record, run.columns, run.version)
        if len(run.hidden) < HIDDEN_NAMES_COUNTED_MAX:
            run.hidden.update(map(hash, dropped))
        run.size_bytes += BYTES_PER_POINT * added
        run.size_bytes += COLUMN_OVERHEAD_BYTES * (len(run.columns) - before)
        if added > 1_000 or run.version % 64 == 0:
            for points in run.columns.values():
                if len(points.values) > COLUMN_POINTS_MAX:
                    points.shrink(run.version)
                    run.measure()
        return added > 0 or bool(dropped)

    def _note_end(self, tailed: Tailed, run: LiveRunState, event: wire.JournalEvent | None) -> None:
        if run.facts.ended:
            tailed.open_runs.discard(run.facts.run_id)
            if run.ended_at_s is None:
                run.ended_at_s = time.monotonic()
        elif event is not None:
            run.ended_at_s = None

    def _changed(
        self,
        run: LiveRunState,
        kind: Literal["points", "runs"],
        changes: dict[tuple[str, str, str], Change],
    ) -> None:
        facts = run.facts
        if facts.ended and run.ended_at_s is None:
            run.ended_at_s = time.monotonic()
        key = (kind, facts.workspace_id, facts.run_id)
        changes[key] = Change(kind, facts.workspace_id, facts.run_id, run.version)

    # -------------------------------------------------------------------------- answers

    def live_runs(self, workspace_id: wire.WorkspaceId | None = None) -> wire.LiveRuns:
        """Runs that are running, ended a minute ago or have files on their way; newest first."""
        now_s = time.monotonic()
        found = []
        with self._lock:
            for run in self._runs.values():
                recent = run.ended_at_s is None or now_s - run.ended_at_s <= LIVE_AFTER_END_S
                uploads = self._uploads.runs.get((run.facts.workspace_id, run.facts.run_id))
                if (not recent and uploads is None) or workspace_id not in (
                    None,
                    run.facts.workspace_id,
                ):
                    continue
                found.append(run.live(uploads))
        found.sort(key=lambda one: (-one.summary.start_ms, one.summary.run_id))
        return wire.LiveRuns(runs=found, now_ms=int(time.time() * 1000))

    def copied(
        self, workspace_id: str, run_id: str, choose: Callable[[Iterable[str]], Iterable[str]]
    ) -> dict[str, Points] | None:
        """Copies of the points of chosen metrics; None when not all of the run is here."""
        with self._lock:
            run = self._runs.get((workspace_id, run_id))
            if run is None or run.partial or run.hidden:
                return None
            return {key: run.columns[key].copy() for key in choose(run.columns)}

    def rename(self, workspace_id: str, run_id: str, name: str) -> None:
        """Show the run under the name that somebody gave it in the store."""
        with self._lock:
            run = self._runs.get((workspace_id, run_id))
            if run is not None:
                run.facts.name = name
                run.version += 1

    def summary(self, workspace_id: str, run_id: str) -> wire.RunSummary | None:
        """The run as a row, if it is here."""
        with self._lock:
            run = self._runs.get((workspace_id, run_id))
            return run.summary() if run else None

    def series(
        self,
        workspace_id: str,
        run_id: str,
        *,
        since: int = 0,
        keys: list[str] | None = None,
        max_points: int = POINTS_A_KEY_MAX,
        window: Window | None = None,
    ) -> wire.Series | None:
        """The points after `since`; None when the run is not here, or older points are missing."""
        with self._lock:
            run = self._runs.get((workspace_id, run_id))
            if run is None or run.partial:
                return None
            run.used_at_s = time.monotonic()
            return answer(
                run.facts,
                run.columns,
                keys=keys if keys is not None else run.ranked(),
                since=since,
                versions=(run.first_version, run.version),
                max_points=max_points,
                hidden=len(run.hidden),
                window=window,
            )

    def is_partial(self, workspace_id: str, run_id: str) -> bool:
        """Say whether the run is here but its older points are only in the store."""
        with self._lock:
            run = self._runs.get((workspace_id, run_id))
            return run is not None and run.partial

    def complete(self, workspace_id: str, run_id: str, older: wire.Series | None) -> None:
        """Put the store's older points before what is here; None when the store cannot tell."""
        with self._lock:
            run = self._runs.get((workspace_id, run_id))
            if run is None or not run.partial:
                return
            run.partial = False
            run.version += 1
            for column in older.columns if older else ():
                mine = series_files.column_for(run.columns, column.key)
                if mine is not None:
                    mine.prepend(older_points(column, mine), run.version)
            run.measure()
