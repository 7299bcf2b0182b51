"""The live index follows real journals: points, events, deaths, restarts, and bounded memory."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import patience
import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal, series
from jupyter_mltrack.journal.live import LiveIndex
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.workspaces import Workspace, resolve

RUN = "a" * 32


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return resolve("local", tmp_path)


@pytest.fixture
def index() -> LiveIndex:
    return LiveIndex(data_dir())


@pytest.fixture
def journal(workspace):
    made = Journal.create(workspace)
    yield made
    made.close()


def born(journal: Journal, run_id: str = RUN, **more) -> str:
    journal.event(wire.RunBorn(run_id=wire.RunId(run_id), name="run", start_ms=1_000, **more))
    return run_id


def ended(journal: Journal, run_id: str = RUN, status="FINISHED") -> None:
    journal.event(wire.RunEnded(run_id=wire.RunId(run_id), status=status, end_ms=2_000))


def poll_until(index: LiveIndex, question, limit_s: float = 10) -> list:
    changes = []
    end_s = time.monotonic() + patience.least(limit_s)
    while time.monotonic() < end_s:
        changes += index.poll()
        if question():
            return changes
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def values(index: LiveIndex, workspace: Workspace, run_id: str = RUN, **more) -> dict[str, list]:
    answer = index.series(workspace.id, run_id, **more)
    return {column.key: column.values for column in answer.columns}


def test_points_and_events_become_a_row_and_columns(index, journal, workspace):
    born(
        journal,
        tags={"mlflow.source.name": "a.ipynb", "mlflow.parentRunId": "p"},
        experiment="digits",
    )
    sink = journal.sink(RUN)
    for step in range(3):
        sink.append({"loss": 1.0 / (step + 1), "acc": step * 1.0}, step, 5_000 + step)
    changes = poll_until(index, lambda: index.summary(workspace.id, RUN))
    assert {change.kind for change in changes} == {"runs", "points"}
    row = index.summary(workspace.id, RUN)
    assert (row.name, row.status, row.experiment, row.notebook, row.parent_run_id, row.live) == (
        "run", "RUNNING", "digits", "a.ipynb", "p", True,
    )  # fmt: skip
    assert [(one.key, one.value, one.step) for one in row.metrics] == [
        ("loss", 1 / 3, 2),
        ("acc", 2.0, 2),
    ]
    assert values(index, workspace) == {"loss": [1.0, 0.5, 1 / 3], "acc": [0.0, 1.0, 2.0]}


def test_increments_put_together_are_the_whole(index, journal, workspace):
    born(journal)
    sink = journal.sink(RUN)
    got: list[float] = []
    cursor = 0
    for round_ in range(30):
        for at in range(7):
            sink.append({"loss": float(round_ * 7 + at)})
        poll_until(
            index,
            lambda wanted=round_ * 7 + 7: (
                index.summary(workspace.id, RUN)
                and index.series(workspace.id, RUN).columns[0].total == wanted
            ),
        )
        answer = index.series(workspace.id, RUN, since=cursor)
        assert answer.reset == (round_ == 0)
        got += answer.columns[0].values
        assert answer.cursor > cursor
        cursor = answer.cursor
    assert got == [float(at) for at in range(210)]
    assert index.series(workspace.id, RUN, since=cursor).columns == []


def test_a_cursor_of_another_life_starts_over(index, journal, workspace):
    born(journal)
    journal.sink(RUN).append({"loss": 1.0}, 0)
    poll_until(index, lambda: index.summary(workspace.id, RUN))
    for since in (5, 2**60):
        answer = index.series(workspace.id, RUN, since=since)
        assert (answer.reset, answer.columns[0].values) == (True, [1.0])


def test_a_new_journal_is_noticed_at_the_next_poll(index, workspace):
    index.poll()
    journal = Journal.create(workspace)
    born(journal)
    try:
        poll_until(index, lambda: index.summary(workspace.id, RUN))
        assert index.is_busy()
    finally:
        journal.close()


def test_an_ended_run_is_listed_for_a_minute_and_drawn_for_longer(
    index, journal, workspace, monkeypatch
):
    born(journal)
    journal.sink(RUN).append({"loss": 1.0}, 0)
    ended(journal)
    poll_until(index, lambda: index.summary(workspace.id, RUN))
    assert [run.summary.status for run in index.live_runs().runs] == ["FINISHED"]
    assert not index.is_busy()
    now_s = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now_s + 61)
    assert index.live_runs().runs == []
    assert values(index, workspace) == {"loss": [1.0]}


OWNER = """
import os, sys, time
from pathlib import Path
from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.workspaces import resolve
journal = Journal.create(resolve("local", Path(sys.argv[1])))
journal.event(wire.RunBorn(run_id="a" * 32, name="run", start_ms=1000))
sink = journal.sink("a" * 32)
for step in range(100):
    sink.append({"loss": float(step)}, step)
print("ready", flush=True)
time.sleep(60)
"""


def test_the_run_of_a_killed_owner_turns_failed_within_a_second_and_is_handed_on(
    index, workspace, tmp_path
):
    owner = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER), str(tmp_path)],
        stdout=subprocess.PIPE,
        env=os.environ,
    )
    try:
        assert owner.stdout.readline() == b"ready\n"
        poll_until(index, lambda: index.summary(workspace.id, RUN))
        assert index.summary(workspace.id, RUN).status == "RUNNING"
        assert index.take_orphaned() == []
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        owner.stdout.close()
    watch = patience.Watch()
    poll_until(index, lambda: index.summary(workspace.id, RUN).status == "FAILED")
    assert watch.took_s < 2.5
    row = index.summary(workspace.id, RUN)
    assert (row.error, row.live) == ("kernel died", False)
    assert row.end_ms >= row.start_ms
    assert len(index.take_orphaned()) == 1
    assert index.take_orphaned() == []
    assert values(index, workspace)["loss"] == [float(step) for step in range(100)]


def test_a_worker_of_a_run_does_not_end_it_when_it_goes(index, journal, workspace):
    born(journal)
    journal.sink(RUN).append({"loss": 0.0}, 0)
    poll_until(index, lambda: index.summary(workspace.id, RUN))
    worker = Journal.create(workspace, parent_journal_id=journal.path.name)
    worker.sink(RUN).append({"loss": 1.0}, 1)
    poll_until(index, lambda: len(values(index, workspace)["loss"]) == 2)
    worker.close()
    for _ in range(3):
        time.sleep(0.3)
        index.poll()
    assert index.summary(workspace.id, RUN).status == "RUNNING"


def small_segments(workspace: Workspace) -> Journal:
    journal = Journal(workspace, max_bytes=0)
    journal._space.segment_bytes = 64 << 10
    journal.open()
    return journal


def test_after_a_restart_the_early_points_come_from_the_series_file(workspace, request):
    journal = small_segments(workspace)
    request.addfinalizer(journal.close)
    born(journal)
    sink = journal.sink(RUN)
    for step in range(20_000):
        sink.append({"loss": float(step)}, step)
    journal.sync()
    segments = sorted(journal.path.glob("[0-9]*.seg"))
    assert len(segments) > 2
    gone = segments[: len(segments) // 2]
    through = int(gone[-1].stem)
    series.keep(data_dir(), journal.path, through)
    series.keep(data_dir(), journal.path, through)
    for path in gone:
        path.unlink()
    index = LiveIndex(data_dir())
    poll_until(
        index,
        lambda: (
            index.summary(workspace.id, RUN)
            and index.series(workspace.id, RUN).columns[0].total == 20_000
        ),
    )
    answer = index.series(workspace.id, RUN)
    assert (answer.columns[0].steps[0], answer.columns[0].steps[-1]) == (0, 19_999)
    assert index.summary(workspace.id, RUN).name == "run"
    assert index.is_busy()


def test_points_before_a_resumed_run_are_asked_of_the_store_once(index, journal, workspace):
    born(journal, resumed=True)
    journal.sink(RUN).append({"loss": 3.0}, 3, 3_000)
    poll_until(index, lambda: index.summary(workspace.id, RUN))
    assert index.is_partial(workspace.id, RUN)
    assert index.series(workspace.id, RUN) is None
    older = wire.Column(
        key="loss",
        steps=[1, 2, 3],
        timestamps_ms=[1_000, 2_000, 3_000],
        values=[1.0, None, 3.0],
        nonfinite={"1": "NaN"},
    )
    stored = wire.Series(run_id=wire.RunId(RUN), status="RUNNING", columns=[older], cursor=1)
    index.complete(workspace.id, RUN, stored)
    (column,) = index.series(workspace.id, RUN).columns
    assert column.steps == [1, 2, 3]
    assert (column.values, column.nonfinite) == ([1.0, None, 3.0], {"1": "NaN"})
    assert not index.is_partial(workspace.id, RUN)


def test_memory_is_bounded_ended_runs_go_first(journal, workspace, monkeypatch):
    from jupyter_mltrack.journal import live

    monkeypatch.setattr(live, "LIVE_AFTER_END_S", 0.0)
    index = LiveIndex(data_dir(), memory_bytes_max=4 << 20)
    for number in range(4):
        run_id = f"{number:032x}"
        born(journal, run_id)
        sink = journal.sink(run_id)
        for step in range(60_000):
            sink.append({"loss": math.sin(step)}, step)
        if number < 3:
            ended(journal, run_id)
        poll_until(
            index,
            lambda run_id=run_id: (
                index.summary(workspace.id, run_id)
                and index.series(workspace.id, run_id).columns[0].total == 60_000
            ),
        )
        time.sleep(0.01)
        index.poll()
    held = sum(run.size_bytes for run in index._runs.values())
    assert held <= 4 << 20
    assert f"{3:032x}" in {run_id for _, run_id in index._runs}
    assert len(index._runs) < 4


def test_a_long_column_of_a_live_run_is_thinned_and_says_its_true_total(journal, workspace):
    index = LiveIndex(data_dir(), memory_bytes_max=1 << 20)
    born(journal)
    sink = journal.sink(RUN)
    for step in range(100_000):
        sink.append({"loss": 1.0 if step == 31_234 else 0.0}, step)
    poll_until(
        index,
        lambda: (
            index.summary(workspace.id, RUN)
            and index.series(workspace.id, RUN).columns[0].total == 100_000
        ),
    )
    index.poll()
    (column,) = index.series(workspace.id, RUN).columns
    assert max(column.values) == 1.0
    assert (column.steps[0], column.steps[-1], column.total) == (0, 99_999, 100_000)
    assert sum(run.size_bytes for run in index._runs.values()) <= 1 << 20


def test_an_idle_poll_costs_next_to_nothing(index, journal, workspace):
    born(journal)
    poll_until(index, lambda: index.summary(workspace.id, RUN))
    began_s = time.process_time()
    for _ in range(2_000):
        index.poll()
    assert (time.process_time() - began_s) / 2_000 < 200e-6


def test_a_journal_that_is_removed_while_it_is_followed_is_let_go(index, workspace):
    import shutil

    journal = Journal.create(workspace)
    born(journal)
    poll_until(index, lambda: index.summary(workspace.id, RUN))
    shutil.rmtree(journal.path)
    for _ in range(3):
        index.poll()
    journal.close()
    assert index.summary(workspace.id, RUN) is not None


def test_garbage_in_the_journals_folder_is_passed_over(index, workspace):
    folder = data_dir() / "journals"
    folder.mkdir(parents=True)
    (folder / "file").write_text("x")
    (folder / "empty").mkdir()
    (folder / "damaged").mkdir()
    (folder / "damaged" / "meta.json").write_text("{")
    assert index.poll() == []
    journal = Journal.create(workspace)
    born(journal)
    poll_until(index, lambda: index.summary(workspace.id, RUN))
    journal.close()
