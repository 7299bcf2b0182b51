"""The shipper process with a SQLite store: quick, killed at any moment, never an orphan."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

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

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.facts import OWNER_GONE
from jupyter_mltrack.journal.ship import (
    backlog,
    ensure_shipper,
    health,
    recover,
    ship,
    sync,
    wait_shipped,
)
from jupyter_mltrack.settings import data_dir

HERE = str(Path(__file__).parent)

_WRITER = """
import os, sys, time
sys.path.insert(0, {here!r})
from jupyter_mltrack import workspaces, wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.ship import ensure_shipper
journal = Journal.create(workspaces.resolve({project!r}))
{start}
run_id = {run_id!r}
journal.event(wire.RunBorn(run_id=run_id, name="killed", start_ms=int(time.time() * 1000)))
sink = journal.sink(run_id)
print(os.getpid(), journal.path, flush=True)
for step in range({count}):
    sink.append({{"loss": step / 3, "acc": 1.0}}, step)
    os.write(1, b"%d\\n" % step)
    {pause}
{after}
"""


def _writer(
    project: Path,
    run_id: str,
    *,
    count: int = 10**9,
    pause: str = "",
    start: str = "handle = ensure_shipper(journal)",
    after: str = "time.sleep(600)",
) -> subprocess.Popen[str]:
    code = _WRITER.format(
        here=HERE,
        project=str(project),
        run_id=run_id,
        count=count,
        pause=pause,
        start=start,
        after=after,
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def _kill_after(process: subprocess.Popen[str], delay_s: float) -> list[int]:
    """Kill the writer; returns the steps whose call had returned."""
    assert process.stdout is not None
    process.stdout.readline()
    threading.Timer(delay_s, process.kill).start()
    acknowledged = [int(line) for line in process.stdout if line.endswith("\n")]
    process.wait()
    return acknowledged


def _shippers_of(place: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (str(place).encode(), b"journal.shipper")
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if all(word in line for word in words):
                found.append(int(entry.name))
    return found


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
        assert sorted(taken)[7] < 0.2
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
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=5, timeout_s=20)
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


@pytest.mark.parametrize("round_", range(5))
def test_a_writer_killed_at_a_random_moment_loses_nothing_and_its_run_is_ended(round_: int) -> None:
    workspace = local_workspace()
    assert workspace.root is not None
    assert workspace.database is not None
    run_id = f"{round_:032x}"
    process = _writer(workspace.root, run_id)
    delay_s = random.uniform(0.0, 0.4)
    acknowledged = _kill_after(process, delay_s)
    killed_s = time.monotonic()
    until(
        lambda: run_in(workspace.database, run_id).get("status") == "FAILED",
        timeout_s=20,
        what="FAILED",
    )
    assert time.monotonic() - killed_s < 10
    steps = [step for _, step, _ in points_in(workspace.database, run_id, "loss")]
    assert steps == list(range(len(steps)))
    assert len(steps) >= len(acknowledged), f"killed after {delay_s:.3f} s"
    row = run_in(workspace.database, run_id)
    assert row["tags"]["mltrack.error"] == OWNER_GONE
    assert row["start_time"] <= row["end_time"] <= time.time() * 1000
    until(lambda: journals() == [], what="journal removed")
    until(lambda: _shippers_of(data_dir()) == [], what="shipper gone")


def test_a_shipper_killed_again_and_again_sends_everything_once() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    born(journal)
    sink = journal.sink(RUN)
    total = 150_000
    for step in range(total):
        sink.append({"loss": step / 3, "acc": 1.0, "x": -1.0}, step)
    ended(journal)
    chance = random.Random(7)
    for _ in range(6):
        before = len_shipped(journal.path)
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_mltrack.journal.shipper", str(journal.path)]
        )
        until(lambda before=before: len_shipped(journal.path) > before, timeout_s=30)
        time.sleep(chance.uniform(0.0, 0.1))  # in the middle of the next batch
        process.kill()
        process.wait()
    assert len_shipped(journal.path) < 3 * total, "nothing was left to be interrupted"
    assert wait_shipped(journal.path, journal.position(), stall_s=5, timeout_s=30)
    for key in ("loss", "acc", "x"):
        assert [step for _, step, _ in points_in(workspace.database, RUN, key)] == list(
            range(total)
        )
    assert run_in(workspace.database)["status"] == "FINISHED"
    journal.close()


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
            timeout=20,
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
        _writer(workspace.root, run_id, count=10_000, after="journal.close()") for run_id in ids
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
        begun_s = time.monotonic()
        assert not wait_shipped(
            line.journal.path, line.journal.position(), stall_s=0.3, timeout_s=5
        )
        assert time.monotonic() - begun_s < 1.5
        time.sleep(5)
        assert line.handle.process is not None
        waiting = backlog(data_dir())[workspace.id]
        assert waiting.points == 2
        assert waiting.since_ms == 1_000
        seen = health(data_dir(), workspace.id)
        assert seen is not None
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
    other = sqlite3.connect(workspace.database, timeout=20, isolation_level=None)
    longest_s = 0.0
    while len_shipped(journal.path) < 300_000:
        begun_s = time.monotonic()
        other.execute("BEGIN IMMEDIATE")
        other.execute("COMMIT")
        longest_s = max(longest_s, time.monotonic() - begun_s)
        time.sleep(0.01)
    process.terminate()
    process.wait()
    other.close()
    journal.close()
    assert longest_s < 5.0


def len_shipped(path: Path) -> int:
    """Points that `ship.json` counts."""
    try:
        return int(json.loads((path / "ship.json").read_text())["shipped_points"])
    except (OSError, ValueError):
        return 0


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


def test_a_journal_without_owner_is_finished_at_the_next_look() -> None:
    workspace = local_workspace()
    assert workspace.root is not None
    assert workspace.database is not None
    process = _writer(workspace.root, RUN, start="", count=100)
    _kill_after(process, 1.0)
    assert journals()
    assert recover(data_dir()) == 1
    assert recover(data_dir()) == 0
    until(lambda: run_in(workspace.database).get("status") == "FAILED", timeout_s=10)
    assert len(points_in(workspace.database)) == 200
    until(lambda: journals() == [])


def test_a_kernels_shipper_finishes_what_another_left_in_the_workspace() -> None:
    workspace = local_workspace()
    assert workspace.root is not None
    assert workspace.database is not None
    process = _writer(workspace.root, RUN, start="", count=100)
    _kill_after(process, 1.0)
    with Shipped(workspace):
        until(lambda: run_in(workspace.database).get("status") == "FAILED", timeout_s=10)
        until(lambda: len(journals()) == 1)


def test_sync_ships_everything_and_ends_the_runs_of_the_dead() -> None:
    workspace = local_workspace()
    assert workspace.root is not None
    assert workspace.database is not None
    process = _writer(workspace.root, "b" * 32, start="", count=50)
    _kill_after(process, 1.0)
    journal = Journal.create(workspace)
    born(journal)
    journal.sink(RUN).append({"loss": 1.0}, 0)
    report = sync(data_dir(), timeout_s=20)
    assert report == wire.SyncReport(shipped_points=101, waiting_points=0)
    assert run_in(workspace.database, "b" * 32)["status"] == "FAILED"
    assert run_in(workspace.database)["status"] == "RUNNING"
    journal.close()


def test_a_shipper_that_was_killed_is_started_again_at_the_next_wake() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    with Shipped(workspace) as line:
        first = line.handle.process
        assert first is not None
        until((line.journal.path / "shipper.lock").exists)
        first.kill()
        first.wait()
        born(line.journal)
        line.journal.sink(RUN).append({"loss": 1.0}, 0)
        until(lambda: line.handle.wake() or line.handle.process, timeout_s=15)
        until(lambda: points_in(workspace.database))


def test_a_workers_journal_is_shipped_by_its_parents_shipper() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    with Shipped(workspace) as line:
        child = Journal.create(workspace, parent_journal_id=line.journal.path.name)
        handle = ensure_shipper(child)
        child.sink(RUN).append({"loss": 1.0}, 0)  # before its parent's journal has the run's birth
        time.sleep(0.3)
        born(line.journal)
        until(lambda: points_in(workspace.database), timeout_s=15)
        child.close()
        until(lambda: len(journals()) == 1, timeout_s=15)
        assert not (data_dir() / "set_aside").exists()
        assert run_in(workspace.database)["status"] == "RUNNING"
        handle.close()


def test_a_journal_that_never_held_a_run_goes_without_making_a_store() -> None:
    from jupyter_mltrack import workspaces

    Path("empty").mkdir()
    workspace = workspaces.resolve("empty")
    Journal.create(workspace).close()
    sync(data_dir(), timeout_s=5)
    assert not Path("empty/.mltrack").exists()


def test_sigint_does_not_reach_the_shipper() -> None:
    with Shipped(local_workspace()) as line:
        until((line.journal.path / "shipper.lock").exists)
        time.sleep(0.3)
        os.kill(line.handle.process.pid, signal.SIGINT)
        time.sleep(0.3)
        assert line.handle.process is not None


def test_a_run_that_a_worker_began_ends_with_the_process_it_belongs_to() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    worker = Journal.create(workspace, parent_journal_id="gone")
    born(worker, owner_pid=owner.pid)
    for step in range(3):
        worker.sink(RUN).append({"loss": 1.0}, step)
    worker.close()
    sync(data_dir(), timeout_s=10)
    assert run_in(workspace.database)["status"] == "RUNNING"
    assert len(points_in(workspace.database)) == 3
    assert [path.name for path in journals()[0].iterdir() if path.suffix == ".seg"] == []
    owner.kill()
    owner.wait()
    sync(data_dir(), timeout_s=10)
    assert run_in(workspace.database)["status"] == "FAILED"


def test_a_store_of_plain_files_gets_no_point_twice_when_the_shipper_is_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from jupyter_mltrack import workspaces

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    workspace = workspaces.resolve((Path.cwd() / "mlruns").as_uri())
    with Shipped(workspace) as line:
        born(line.journal)
        sink = line.journal.sink(RUN)
        for step in range(3_000):
            sink.append({"loss": 1.0}, step, step)
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=40, timeout_s=60)
        line.stop()
        (line.journal.path / "ship.json").write_text(
            json.dumps(
                {**json.loads((line.journal.path / "ship.json").read_text()), "cursor": [1, 0]}
            )
        )
        sink.append({"loss": 2.0}, 3_000, 3_000)
        ended(line.journal)
        recover_or_sync(line.journal.path)
    files = list(Path("mlruns").rglob("metrics/loss"))
    assert [int(text.split()[2]) for text in files[0].read_text().splitlines()] == list(
        range(3_001)
    )
    assert len(files) == 1


def recover_or_sync(path: Path) -> None:
    """Have one journal shipped by a fresh process."""
    report = sync(data_dir(), journal=path, timeout_s=60)
    assert report.waiting_points == 0, report


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
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=40, timeout_s=60)
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


def test_a_journal_that_holds_nothing_goes_and_so_does_its_shipper() -> None:
    line = Shipped(local_workspace())
    with line.handle.journal.joinpath("ship.lock").open("wb") as lock:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
        (line.journal.path / "ship.json").write_text('{"cursor": [1, 64], "durable": [1, 0]}')
    line.journal.close()
    until(lambda: journals() == [], timeout_s=15)
    until(lambda: _shippers_of(data_dir()) == [] or line.handle.process is None, timeout_s=15)
    line.stop()


def test_a_project_that_was_deleted_is_not_made_again_and_keeps_no_process_busy() -> None:
    import shutil

    workspace = local_workspace()
    assert workspace.root is not None
    process = _writer(workspace.root, RUN, start="", count=10)
    _kill_after(process, 1.0)
    shutil.rmtree(workspace.root)
    assert recover(data_dir()) == 1
    until(lambda: _shippers_of(data_dir()), timeout_s=10)
    until(lambda: _shippers_of(data_dir()) == [], timeout_s=20)
    assert not workspace.root.exists()
    assert len(journals()) == 1, "its points are still here"
