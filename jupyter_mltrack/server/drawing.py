"""Points for a chart: from the live index while it has the run, else from the run's series file.

A page holds a cursor and asks for what came after it. When the place that answers changes (the run
left memory, the server was started anew) the cursor is not one of that place: the answer starts
over and says so. Run ids are the store's; journals may know the run by another id.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.journal import series as series_files
from jupyter_mltrack.journal.columns import BYTES_PER_POINT, FAST_FROM
from jupyter_mltrack.journal.live import LiveIndex
from jupyter_mltrack.journal.live_run import answer
from jupyter_mltrack.journal.numbers import keys_of_page, stat_of
from jupyter_mltrack.journal.progress import local_ids
from jupyter_mltrack.server.requests import SeriesRequest
from jupyter_mltrack.server.run_requests import MetricTableRequest

KEPT_BYTES_MAX = 128 << 20


class Drawing:
    """Answers requests for points without asking a store. May be called from any thread."""

    def __init__(self, data_dir: Path, index: LiveIndex) -> None:
        self._data_dir = data_dir
        self._index = index
        self._lock = threading.Lock()
        self._kept: OrderedDict[Path, tuple[tuple[int, int], series_files.KeptRun]] = OrderedDict()

    def series(self, request: SeriesRequest) -> wire.Series | None:
        """The points asked for; None when only the store has them."""
        for run_id in local_ids(self._data_dir, request.run_id):
            live = self._index.series(
                request.workspace,
                run_id,
                since=request.since,
                keys=request.keys,
                max_points=request.max_points,
                window=request.window,
            )
            found = live or self._from_file(request, run_id)
            if found is not None:
                return msgspec.structs.replace(found, run_id=request.run_id)
            if self._index.is_partial(request.workspace, run_id):
                return None
        return None

    def stamp(self, request: SeriesRequest) -> str | None:
        """What the store said of the run when its points were copied; None for no copy."""
        kept = self._load(request.workspace, request.run_id)
        return kept.stamp if kept is not None else None

    def metrics(self, request: MetricTableRequest) -> wire.MetricTable | None:
        """A page of the run's metrics in numbers; None when only the store has all of them."""
        total = 0

        def choose(keys: Iterable[str]) -> list[str]:
            nonlocal total
            chosen, total = keys_of_page(keys, request.search, request.offset, request.limit)
            return chosen

        for run_id in local_ids(self._data_dir, request.run_id):
            columns = self._index.copied(request.workspace, run_id, choose)
            if columns is None:
                kept = self._load(request.workspace, run_id)
                if kept is None or not kept.complete or kept.stamp or kept.hidden:
                    continue
                if kept.facts.resumed or not (kept.facts.ended and kept.facts.born):
                    continue
                columns = {key: kept.columns[key] for key in choose(kept.columns)}
            stats = [stat_of(key, points) for key, points in columns.items()]
            return wire.MetricTable(metrics=stats, total=total)
        return None

    def is_partial(self, request: SeriesRequest) -> bool:
        """Say whether the run is live here while its older points are only in the store."""
        ids = local_ids(self._data_dir, request.run_id)
        return any(self._index.is_partial(request.workspace, run_id) for run_id in ids)

    def completed(self, request: SeriesRequest, stored: wire.Series | None) -> wire.Series | None:
        """The points asked for, once the store has told what came before the journal."""
        for run_id in local_ids(self._data_dir, request.run_id):
            self._index.complete(request.workspace, run_id, stored)
        return self.series(request)

    def stored(self, request: SeriesRequest, stored: wire.Series) -> wire.Series:
        """The store's answer: always from the first point on, so nothing new is said as nothing."""
        if request.window is not None:
            return msgspec.structs.replace(stored, reset=True)
        total = sum(column.total or len(column.values) for column in stored.columns)
        cursor = total + 1
        if request.since == cursor:
            return msgspec.structs.replace(stored, columns=[], cursor=cursor, reset=False)
        return msgspec.structs.replace(stored, cursor=cursor, reset=True)

    def _from_file(self, request: SeriesRequest, run_id: str) -> wire.Series | None:
        kept = self._load(request.workspace, run_id)
        if kept is None or kept.facts.resumed or not kept.facts.ended:
            return None
        if not kept.complete:
            partly = kept.stamp is not None and request.keys is not None
            if not partly or not kept.columns.keys() >= set(request.keys or ()):
                return None
        if not kept.facts.born:
            return None
        total = sum(points.total for points in kept.columns.values()) + 1
        return answer(
            kept.facts,
            kept.columns,
            keys=request.keys if request.keys is not None else sorted(kept.columns),
            since=request.since,
            versions=(total, total),
            max_points=request.max_points,
            hidden=kept.hidden,
            window=request.window,
        )

    def _load(self, workspace_id: str, run_id: str) -> series_files.KeptRun | None:
        try:
            path = series_files.path_of(self._data_dir, workspace_id, run_id)
            state = path.stat()
        except (OSError, ValueError):
            return None
        stamp = (state.st_size, state.st_ino)
        with self._lock:
            cached = self._kept.get(path)
            if cached is not None and cached[0] == stamp:
                self._kept.move_to_end(path)
                return cached[1]
        kept = series_files.load(self._data_dir, workspace_id, run_id)
        if kept is None:
            return None
        if stamp[0] > BYTES_PER_POINT * FAST_FROM:
            import numpy  # noqa: F401, ICN001  # long columns are thinned by it
        with self._lock:
            self._kept[path] = (stamp, kept)
            self._kept.move_to_end(path)
            while (
                len(self._kept) > 1
                and sum(one[0][0] for one in self._kept.values()) > KEPT_BYTES_MAX
            ):
                self._kept.popitem(last=False)
        return kept
