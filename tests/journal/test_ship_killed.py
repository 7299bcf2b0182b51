"""The shipper and its writers killed at any moment: nothing is lost, nothing doubled, no orphan is left."""

import json
import os
import random
import signal
import subprocess
import sys
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
    run_in,
    until,
)
from writer_ground import kill_after, len_shipped, shippers_of, start_writer

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.facts import OWNER_GONE
from jupyter_mltrack.journal.ship import (
    ensure_shipper,
    recover,
    sync,
    wait_shipped,
)
from jupyter_mltrack.settings import data_dir


@pytest.mark.parametrize("round_", range(5))
def test_a_writer_killed_at_a_random_moment_loses_nothing_and_its_run_is_ended(round_: int) -> None:
    workspace = local_workspace()
    assert workspace.root is not None
    assert workspace.database is not None
    run_id = f"{round_:032x}"
    process = start_writer(workspace.root, run_id)
    delay_s = random.uniform(0.0, 0.4)
    acknowledged = kill_after(process, delay_s)
    until(
        lambda: run_in(workspace.database, run_id).get("status") == "FAILED",
        timeout_s=20,
        what="FAILED",
    )
    steps = [step for _, step, _ in points_in(workspace.database, run_id, "loss")]
    assert steps == list(range(len(steps)))
    assert len(steps) >= len(acknowledged), f"killed after {delay_s:.3f} s"
    row = run_in(workspace.database, run_id)
    assert row["tags"]["mltrack.error"] == OWNER_GONE
    assert row["start_time"] <= row["end_time"] <= time.time() * 1000
    until(lambda: journals() == [], what="journal removed")
    until(lambda: shippers_of(data_dir()) == [], what="shipper gone")


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
    assert wait_shipped(journal.path, journal.position(), stall_s=60, timeout_s=120)
    for key in ("loss", "acc", "x"):
        assert [step for _, step, _ in points_in(workspace.database, RUN, key)] == list(
            range(total)
        )
    assert run_in(workspace.database)["status"] == "FINISHED"
    journal.close()


def test_a_journal_without_owner_is_finished_at_the_next_look() -> None:
    workspace = local_workspace()
    assert workspace.root is not None
    assert workspace.database is not None
    process = start_writer(workspace.root, RUN, start="", count=100)
    kill_after(process, 1.0)
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
    process = start_writer(workspace.root, RUN, start="", count=100)
    kill_after(process, 1.0)
    with Shipped(workspace):
        until(lambda: run_in(workspace.database).get("status") == "FAILED", timeout_s=10)
        until(lambda: len(journals()) == 1)


def test_sync_ships_everything_and_ends_the_runs_of_the_dead() -> None:
    workspace = local_workspace()
    assert workspace.root is not None
    assert workspace.database is not None
    process = start_writer(workspace.root, "b" * 32, start="", count=50)
    kill_after(process, 1.0)
    journal = Journal.create(workspace)
    born(journal)
    journal.sink(RUN).append({"loss": 1.0}, 0)
    report = sync(data_dir(), timeout_s=120)
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
    sync(data_dir(), timeout_s=120)
    assert run_in(workspace.database)["status"] == "RUNNING"
    assert len(points_in(workspace.database)) == 3
    assert [path.name for path in journals()[0].iterdir() if path.suffix == ".seg"] == []
    owner.kill()
    owner.wait()
    sync(data_dir(), timeout_s=120)
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
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=60, timeout_s=120)
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
    report = sync(data_dir(), journal=path, timeout_s=120)
    assert report.waiting_points == 0, report


def test_a_journal_that_holds_nothing_goes_and_so_does_its_shipper() -> None:
    line = Shipped(local_workspace())
    with line.handle.journal.joinpath("ship.lock").open("wb") as lock:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
        (line.journal.path / "ship.json").write_text('{"cursor": [1, 64], "durable": [1, 0]}')
    line.journal.close()
    until(lambda: journals() == [], timeout_s=15)
    until(lambda: shippers_of(data_dir()) == [] or line.handle.process is None, timeout_s=15)
    line.stop()


def test_a_project_that_was_deleted_is_not_made_again_and_keeps_no_process_busy() -> None:
    import shutil

    workspace = local_workspace()
    assert workspace.root is not None
    process = start_writer(workspace.root, RUN, start="", count=10)
    kill_after(process, 1.0)
    shutil.rmtree(workspace.root)
    assert recover(data_dir()) == 1
    until(lambda: shippers_of(data_dir()), timeout_s=10)
    until(lambda: shippers_of(data_dir()) == [], timeout_s=20)
    assert not workspace.root.exists()
    assert len(journals()) == 1, "its points are still here"
