"""What no store can hold, and files that a power cut or a full disk left: shipping goes on."""

import json
import sqlite3
import time

import pytest
from ship_ground import (
    RUN,
    born,
    ended,
    journals,
    local_workspace,
    points_in,
    run_in,
)

from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.ship import (
    backlog,
    ship,
    sync,
)
from jupyter_mltrack.settings import data_dir


def test_points_of_a_run_that_nobody_knows_are_set_aside_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    journal.sink("f" * 32).append({"lost": 1.5}, 3, 7)
    born(journal)
    journal.sink(RUN).append({"loss": 1.0}, 0)
    assert ship(journal.path).done
    assert points_in(workspace.database) == [("loss", 0, 1.0)]
    lines = [
        json.loads(line) for line in (journal.path / "set_aside.jsonl").read_text().splitlines()
    ]
    assert [line["record"] for line in lines] == [
        {
            "run_id": "f" * 32,
            "keys": ["lost"],
            "steps": [3],
            "timestamps_ms": [7],
            "values": [["1.5"]],
        }
    ]
    assert "no run" in lines[0]["reason"]
    assert backlog(data_dir())[workspace.id].set_aside == 1
    journal.close()
    sync(data_dir(), timeout_s=5)
    time.sleep(3.2)
    sync(data_dir(), timeout_s=5)
    assert journals() == []
    assert [path.suffix for path in (data_dir() / "set_aside").iterdir()] == [".jsonl"]


def test_a_deleted_run_takes_nothing_more_and_holds_nothing_up() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    born(journal)
    journal.sink(RUN).append({"loss": 1.0}, 0)
    ship(journal.path)
    with sqlite3.connect(workspace.database) as connection:
        connection.execute("UPDATE runs SET lifecycle_stage = 'deleted'")
    born(journal, "c" * 32)
    journal.sink(RUN).append({"loss": 1.0}, 1)
    journal.sink("c" * 32).append({"loss": 1.0}, 1)
    assert ship(journal.path).done
    assert len(points_in(workspace.database)) == 1
    assert len(points_in(workspace.database, "c" * 32)) == 1
    assert (journal.path / "set_aside.jsonl").exists()
    journal.close()


def test_a_name_that_no_store_can_hold_is_set_aside_alone() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    born(journal)
    sink = journal.sink(RUN)
    for step in range(100):
        sink.append({"good": 1.0, "bad\ud800": 2.0}, step)
    ended(journal)
    assert ship(journal.path).done
    assert len(points_in(workspace.database)) == 100
    assert run_in(workspace.database)["status"] == "FINISHED"
    journal.close()


def test_after_a_power_cut_what_was_not_safe_is_sent_again() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    born(journal)
    journal.sink(RUN).append({"loss": 1.0}, 0)
    ship(journal.path)
    with sqlite3.connect(workspace.database) as connection:  # what the disk did not get
        connection.execute("DELETE FROM metrics")
        connection.execute("DELETE FROM runs")
    state = json.loads((journal.path / "ship.json").read_text())
    (journal.path / "ship.json").write_text(json.dumps({**state, "boot_id": "another"}))
    ship(journal.path)
    assert len(points_in(workspace.database)) == 1
    journal.close()


@pytest.mark.parametrize("damage", [b"", b"{", b"null", b'{"cursor": 5}', b"\xff\xfe"])
def test_a_damaged_ship_json_only_means_sending_again(damage: bytes) -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    born(journal)
    journal.sink(RUN).append({"loss": 1.0}, 0)
    ship(journal.path)
    (journal.path / "ship.json").write_bytes(damage)
    journal.sink(RUN).append({"loss": 1.0}, 1)
    assert ship(journal.path).done
    assert len(points_in(workspace.database)) == 2
    journal.close()


def test_a_full_disk_under_the_store_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mltrack.journal import sqlite_rows

    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    born(journal)
    journal.sink(RUN).append({"loss": 1.0}, 0)

    def full(*_: object) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_rows, "insert_columns", full)
        result = ship(journal.path)
        assert result.trouble is not None
        assert result.trouble.message.startswith("No room on the disk")
        assert result.trouble.hint == "Make room; it goes on by itself."
    assert points_in(workspace.database) == []
    assert ship(journal.path).done
    assert len(points_in(workspace.database)) == 1
    journal.close()
