"""A part of a run is thinned by itself: what the whole run's chart left out shows again."""

from __future__ import annotations

import math
import random
from pathlib import Path

from jupyter_mltrack import wire
from jupyter_mltrack.journal import series as series_files
from jupyter_mltrack.journal.columns import Points, Window
from jupyter_mltrack.journal.copied import keep_copy
from jupyter_mltrack.journal.facts import RunFacts


def made(steps: list[int], times: list[int], values: list[float]) -> Points:
    points = Points()
    points.extend(1, steps, times, values)
    return points


def test_a_window_holds_both_its_ends_and_keeps_the_extremes() -> None:
    count = 100_000
    values = [math.sin(at) for at in range(count)]
    values[50_001], values[50_003] = 7.0, -7.0
    points = made(list(range(count)), [at * 10 for at in range(count)], values)
    column = points.within(Window(50_000, 59_999)).column("a", 0, 200)
    assert (column.steps[0], column.steps[-1], column.total) == (50_000, 59_999, 10_000)
    assert (max(column.values), min(column.values)) == (7.0, -7.0)
    assert len(column.values) <= 200
    narrow = points.within(Window(500_010, 500_050, "time")).column("a", 0, 200)
    assert narrow.steps == [50_001, 50_002, 50_003, 50_004, 50_005]
    assert points.within(Window(None, 2)).column("a", 0, 10).steps == [0, 1, 2]
    assert points.within(Window(count, None)).column("a", 0, 10).steps == []


def test_a_window_equals_a_plain_selection_whatever_the_order_of_the_points() -> None:
    luck = random.Random(3)
    for _ in range(200):
        count = luck.randrange(40)
        ordered = luck.random() < 0.5
        steps = [luck.randrange(-9, 9) for _ in range(count)]
        steps = sorted(steps) if ordered else steps
        points = made(steps, [luck.randrange(9) for _ in range(count)], [luck.random()] * count)
        points.add_exact(2, 3, 4, str(2**70 + 1))
        start, end = luck.randrange(-10, 10), luck.randrange(-10, 10)
        x = luck.choice(["step", "time"])
        axis = points.steps if x == "step" else points.times
        wanted = [at for at, value in enumerate(axis) if start <= value <= end]
        found = points.within(Window(start, end, x))  # type: ignore[arg-type]
        assert found.steps.tolist() == [points.steps[at] for at in wanted]
        assert found.times.tolist() == [points.times[at] for at in wanted]
        assert found.exact == {
            new: points.exact[old] for new, old in enumerate(wanted) if old in points.exact
        }
        points.extend(3, [-20], [-20], [0.0])  # now it goes back
        again = points.within(Window(-20, -20, x))  # type: ignore[arg-type]
        assert again.steps.tolist() == [-20]


def test_a_copy_of_a_run_grows_by_metrics_until_the_store_says_something_else(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(tmp_path))
    facts = RunFacts(wire.RunId("r" * 32), wire.WorkspaceId("0123456789ab"), status="FINISHED")
    facts.born = True

    def load() -> series_files.KeptRun:
        found = series_files.load(tmp_path, facts.workspace_id, facts.run_id)
        assert found is not None
        return found

    one = made([1, 2], [3, 4], [math.nan, math.inf])
    keep_copy(tmp_path, facts, {"a": one}, "stamp", ["a", "b"])
    assert (load().stamp, load().complete, set(load().columns)) == ("stamp", False, {"a"})
    keep_copy(tmp_path, facts, {"b": one}, "stamp", ["a", "b"])
    assert (load().complete, set(load().columns)) == (True, {"a", "b"})
    assert repr(load().columns["a"].values) == repr(one.values)
    keep_copy(tmp_path, facts, {"b": one}, "other", ["b"])
    assert (load().stamp, set(load().columns)) == ("other", {"b"})


def test_numpy_thins_to_the_same_points(monkeypatch) -> None:
    import sys

    import numpy as np

    luck = random.Random(9)
    values = [luck.choice([luck.random(), 0.5, -3.0, 3.0, 1e308]) for _ in range(150_000)]
    points = made(list(range(150_000)), list(range(150_000)), values)
    monkeypatch.setitem(sys.modules, "numpy", np)
    fast = points.column("a", 7, 500)
    monkeypatch.delitem(sys.modules, "numpy")
    assert points.column("a", 7, 500) == fast
    monkeypatch.setitem(sys.modules, "numpy", np)
    points.extend(2, [1], [1], [1.0])  # nothing holds on to the column
