"""The shipper process with a SQLite store: quick, beside others, never in the way."""

import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import patience
import pytest
from ship_ground import (
    RUN,
    Shipped,
    born,
    ended,
    journals,
    local_workspace,
    points_in,
    read_plainly,
    run_in,
    until,
)
from writer_ground import len_shipped, start_writer

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.ship import (
    backlog,
    health,
    ship,
    wait_shipped,
)
from jupyter_mltrack.settings import data_dir


def test_points_are_in_the_store_soon_after_they_were_logged() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    with Shipped(workspace) as line:
        born(line.journal)
        sink = line.journal.sink(RUN)
        sink.append({"loss": 0.0}, 0)
        until(lambda: points_in(workspace.database), what="first point")
        taken = []
        for step in range(1, 15):
            begun_s = time.monotonic()
            sink.append({"loss": 1.0}, step)
            until(lambda step=step: len(points_in(workspace.database)) > step)
            taken.append(time.monotonic() - begun_s)
        assert sorted(taken)[7] < 3.0, "a fraction of that where the machine is idle"
        status = Path(f"/proc/{line.handle.process.pid}/status").read_text()
        resident_kib = int(status.split("VmRSS:")[1].split()[0])
        assert resident_kib < 60_000, "a shipper for SQLite must not import MLflow"
        assert os.getpriority(os.PRIO_PROCESS, line.handle.process.pid) > os.getpriority(
            os.PRIO_PROCESS, 0
        )
        assert os.getsid(line.handle.process.pid) != os.getsid(0)


def test_plain_mlflow_reads_what_was_shipped() -> None:
    workspace = local_workspace()
    with Shipped(workspace) as line:
        born(line.journal, name="mine", user="me", experiment="digits", tags={"a": "b"})
        sink = line.journal.sink(RUN)
        for step in range(2_000):
            sink.append({"loss": 1 / (step + 1), "acc": step / 2}, step, 5_000 + step)
        line.journal.event(wire.RunParams(run_id=wire.RunId(RUN), params={"lr": "0.1"}))
        ended(line.journal, error="ValueError: x", status="FAILED", end_ms=9_000)
        line.handle.wake()
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=60, timeout_s=120)
    found = read_plainly(workspace.tracking_uri, RUN)[RUN]
    history = found.pop("history")
    assert found == {
        "name": "mine",
        "status": "FAILED",
        "start": 1_000,
        "end": 9_000,
        "user": "me",
        "params": {"lr": "0.1"},
        "tags": {"a": "b", "mlflow.runName": "mine", "mltrack.error": "ValueError: x"},
        "metrics": {"loss": "0.0005", "acc": "999.5"},
        "artifact_uri": f"{workspace.artifact_root}/1/{RUN}/artifacts",
        "experiment": "digits",
    }
    assert history["loss"] == [[step, 5_000 + step, repr(1 / (step + 1))] for step in range(2_000)]
    assert len(history["acc"]) == 2_000


def test_the_workspace_is_made_ready_ahead_of_the_first_run() -> None:
    from jupyter_mltrack import workspaces

    Path("fresh").mkdir()
    workspace = workspaces.resolve("fresh")
    with Shipped(workspace):
        until(workspace.is_ready, timeout_s=60)


def test_automatic_parameters_yield_to_the_users() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    born(journal)
    rid = wire.RunId(RUN)
    journal.event(wire.RunParams(run_id=rid, params={"lr": "auto", "depth": "3"}, automatic=True))
    ship(journal.path)
    journal.event(wire.RunParams(run_id=rid, params={"lr": "0.5"}))
    ended(journal)
    ship(journal.path)
    journal.close()
    assert run_in(workspace.database)["params"] == {"lr": "0.5", "depth": "3"}


def test_two_ships_at_once_add_nothing_twice() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    born(journal)
    sink = journal.sink(RUN)
    for step in range(30_000):
        sink.append({"loss": 1.0}, step)
    results = []

    def run() -> None:
        while not wait_shipped(journal.path, journal.position(), stall_s=1, timeout_s=10):
            pass
        results.append(True)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len(points_in(workspace.database)) == 30_000
    journal.close()


def test_the_second_shipper_of_a_journal_leaves() -> None:
    with Shipped(local_workspace()) as line:
        lock = line.journal.path / "shipper.lock"
        until(lock.exists)
        done = subprocess.run(
            [sys.executable, "-m", "jupyter_mltrack.journal.shipper", str(line.journal.path)],
            timeout=150,
            check=False,
        )
        assert done.returncode == 0
        assert line.handle.process is not None


def test_four_processes_write_into_one_store_and_nothing_is_missing() -> None:
    workspace = local_workspace()
    assert workspace.root is not None
    assert workspace.database is not None
    ids = [f"{n:032x}" for n in range(4)]
    writers = [
        start_writer(workspace.root, run_id, count=10_000, after="journal.close()")
        for run_id in ids
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.read()
        assert writer.wait() == 0
    until(lambda: journals() == [], timeout_s=60)
    for run_id in ids:
        assert len(points_in(workspace.database, run_id)) == 20_000


def test_a_store_locked_for_seconds_is_waited_for_without_an_error() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    locker = sqlite3.connect(workspace.database, isolation_level=None)
    with Shipped(workspace) as line:
        locker.execute("BEGIN IMMEDIATE")
        born(line.journal)
        line.journal.sink(RUN).append({"loss": 1.0}, 0)
        line.handle.wake()
        watch = patience.Watch()
        assert not wait_shipped(
            line.journal.path, line.journal.position(), stall_s=0.3, timeout_s=60
        )
        assert watch.took_s < 20
        until(lambda: health(data_dir(), workspace.id))
        time.sleep(2)
        assert line.handle.process is not None
        waiting = backlog(data_dir())[workspace.id]
        assert waiting.points == 2
        assert waiting.since_ms == 1_000
        seen = until(lambda: health(data_dir(), workspace.id))
        assert (seen.state, seen.waiting_points) == ("connecting", 2)
        assert "locked by another program" in seen.message
        locker.execute("ROLLBACK")
        until(lambda: points_in(workspace.database))
    locker.close()
    assert not (line.journal.path / "set_aside.jsonl").exists()


def test_other_writers_get_in_while_much_is_shipped() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    born(journal)
    sink = journal.sink(RUN)
    for step in range(60_000):
        sink.append({"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0}, step)
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyter_mltrack.journal.shipper", str(journal.path)]
    )
    other = sqlite3.connect(workspace.database, timeout=60, isolation_level=None)
    times = last = 0
    while len_shipped(journal.path) < 300_000:
        other.execute("BEGIN IMMEDIATE")
        other.execute("COMMIT")
        between = len_shipped(journal.path)
        times += between not in (0, 300_000, last)
        last = between
        time.sleep(0.01)
    process.terminate()
    process.wait()
    other.close()
    journal.close()
    assert times, "it got in between parts of what was shipped"


def test_a_full_segment_goes_once_its_points_are_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mltrack.journal import series

    workspace = local_workspace()
    with Shipped(workspace) as line:
        journal = line.journal
        born(journal)
        sink = journal.sink(RUN)
        for step in range(120_000):
            sink.append({"loss": 1.0, "acc": 2.0, "x": 3.0}, step)
        line.handle.wake()
        assert journal.position()[0] > 1
        until(lambda: not (journal.path / "00000001.seg").exists(), timeout_s=30)
        kept = series.load(data_dir(), workspace.id, RUN)
        assert kept is not None
        assert kept.columns["loss"].total > 0


def test_inputs_of_a_run_are_kept_through_mlflow_itself_and_once() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    body = {
        "datasets": [
            {
                "dataset": {"name": "iris", "digest": "d1", "source_type": "local", "source": "{}"},
                "tags": [{"key": "mlflow.data.context", "value": "training"}],
            }
        ]
    }
    with Shipped(workspace) as line:
        born(line.journal)
        rid = wire.RunId(RUN)
        for _ in range(2):
            line.journal.event(wire.RunCall(run_id=rid, method="log_inputs", body=json.dumps(body)))
        line.journal.event(wire.RunCall(run_id=rid, method="log_inputs", body="no json"))
        line.journal.sink(RUN).append({"loss": 1.0}, 0)
        line.handle.wake()
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=60, timeout_s=120)
        aside = (line.journal.path / "set_aside.jsonl").read_text().splitlines()
    with sqlite3.connect(workspace.database) as connection:
        assert connection.execute("SELECT name, digest FROM datasets").fetchall() == [
            ("iris", "d1")
        ]
        assert connection.execute("SELECT destination_id FROM inputs").fetchall() == [(RUN,)]
        assert connection.execute("SELECT name, value FROM input_tags").fetchall() == [
            ("mlflow.data.context", "training")
        ]
    assert len(points_in(workspace.database)) == 1
    assert [json.loads(line)["record"]["body"] for line in aside] == ["no json"]
