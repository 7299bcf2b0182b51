"""What waits in journals is laid over what the store says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_mltrack import runs, settings, wire, workspaces
from jupyter_mltrack.errors import Unreachable
from jupyter_mltrack.journal import Journal, progress, ship
from jupyter_mltrack.journal.facts import OWNER_GONE
from jupyter_mltrack.runs import listing
from jupyter_mltrack.server.reader import Call, answer
from jupyter_mltrack.workspaces import Workspace
from jupyter_mltrack.workspaces.plain import PlainWorkspace


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    folder = tmp_path / "project"
    folder.mkdir()
    made = workspaces.resolve(str(folder))
    made.prepare()
    return made


@pytest.fixture
def journal(place: Workspace) -> Any:
    made = Journal.create(place)
    yield made
    made.close()


def begin(journal: Journal, name: str, **fields: Any) -> str:
    run_id = uuid.uuid4().hex
    fields.setdefault("start_ms", 1_000)
    journal.event(wire.RunBorn(run_id=wire.RunId(run_id), name=name, **fields))
    return run_id


def test_a_run_that_came_to_the_store_while_it_was_asked_is_listed_once(
    place: Workspace, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = begin(journal, "fresh")
    journal.sink(run_id).append({"loss": 1.0}, 0)
    (row,) = runs.list_runs(place).runs
    stored = msgspec.structs.replace(row, run_id="there", waiting_points=0)

    def answered(*_: Any) -> wire.RunPage:
        progress.remember_ids(settings.data_dir(), place.id, {run_id: "there"})
        return wire.RunPage(runs=[stored], total=1)

    monkeypatch.setattr(listing, "_store_page", answered)
    page = runs.list_runs(place)
    assert [(one.run_id, one.waiting_points) for one in page.runs] == [("there", 1)]
    assert page.total == 1


def test_a_run_that_the_store_has_not_got_is_listed_as_it_is(
    place: Workspace, journal: Journal
) -> None:
    run_id = begin(journal, "fresh", tags={"mltrack.notebook": "Notes.ipynb"}, experiment="digits")
    sink = journal.sink(run_id)
    for step in range(3):
        sink.append({"acc": step / 10, "loss": 1.0 - step}, step)
    offered = runs.list_experiments(place).experiments
    assert [(one.id, one.name) for one in offered if one.name == "digits"] == [("digits", "digits")]
    (row,) = runs.list_runs(place).runs
    assert (row.run_id, row.name, row.status, row.live) == (run_id, "fresh", "RUNNING", True)
    assert (row.notebook, row.experiment, row.waiting_points) == ("Notes.ipynb", "digits", 6)
    assert [(one.key, one.value, one.step) for one in row.metrics] == [
        ("loss", -1.0, 2),
        ("acc", 0.2, 2),
    ]
    detail = runs.get_run(place, run_id)
    assert detail.merged
    assert runs.find_run(place, "fresh") == run_id
    assert runs.find_run(place, "best:acc") == run_id
    assert [run.name for run in runs.list_runs(place, text="notes").runs] == ["fresh"]
    assert [run.name for run in runs.list_runs(place, experiment="digits").runs] == ["fresh"]
    assert "digits" in [one.name for one in runs.list_experiments(place).experiments]


def test_metrics_that_only_a_journal_knows_are_told_in_numbers(
    place: Workspace, journal: Journal
) -> None:
    run_id = begin(journal, "fresh")
    sink = journal.sink(run_id)
    for step in range(3):
        sink.append({"acc": step / 10, "loss": 1.0 - step}, step)

    def ask(**args: Any) -> Any:
        call = Call(1, "waiting_metrics", PlainWorkspace.of(place), args)
        return msgspec.json.decode(answer(call).answer)

    table = ask(run_id=run_id, search="lo")
    assert [(one["key"], one["last"], one["step"], one["count"]) for one in table["metrics"]] == [
        ("loss", -1.0, 2, 0)
    ]
    assert (table["total"], ask(run_id=run_id, limit=1)["total"]) == (1, 2)
    assert ask(run_id="0" * 32) is None


def test_the_answer_is_the_same_before_and_after_shipping(
    place: Workspace, journal: Journal
) -> None:
    run_id = begin(journal, "one")
    journal.event(wire.RunParams(run_id=wire.RunId(run_id), params={"lr": "0.1"}))
    journal.event(wire.RunTags(run_id=wire.RunId(run_id), tags={"owner": "me"}))
    journal.sink(run_id).append({"loss": 0.25}, 7)
    journal.event(
        wire.RunEnded(
            run_id=wire.RunId(run_id), status="FAILED", end_ms=2_000, error="ValueError: x"
        )
    )
    before = runs.get_run(place, run_id)
    while ship.ship(journal.path).busy:
        pass
    after = runs.get_run(place, run_id)
    assert (before.merged, after.merged) == (True, False)
    for field in ("run_id", "name", "status", "start_ms", "end_ms", "error", "live"):
        assert getattr(before.summary, field) == getattr(after.summary, field), field
    assert [(one.key, one.text, one.step) for one in before.summary.metrics] == [
        (one.key, one.text, one.step) for one in after.summary.metrics
    ]
    assert before.params == after.params
    assert {"owner": "me"}.items() <= {pair.key: pair.value for pair in after.tags}.items()


def test_newer_values_and_states_lie_over_older_ones(place: Workspace, journal: Journal) -> None:
    run_id = begin(journal, "one")
    journal.sink(run_id).append({"loss": 0.9, "old": 1.0}, 1)
    assert not ship.ship(journal.path).busy
    journal.sink(run_id).append({"loss": 0.1}, 2)
    journal.event(wire.RunUpdated(run_id=wire.RunId(run_id), name="renamed"))
    (row,) = runs.list_runs(place).runs
    assert (row.name, row.waiting_points, row.live) == ("renamed", 1, True)
    assert {one.key: one.value for one in row.metrics} == {"loss": 0.1, "old": 1.0}


def test_a_value_that_is_older_by_step_does_not_win(place: Workspace, journal: Journal) -> None:
    run_id = begin(journal, "one")
    journal.sink(run_id).append({"loss": 0.9}, 100)
    assert not ship.ship(journal.path).busy
    journal.sink(run_id).append({"loss": 0.1}, 2)
    (row,) = runs.list_runs(place).runs
    assert [(one.value, one.step) for one in row.metrics] == [(0.9, 100)]


def test_runs_from_both_stand_in_one_order(place: Workspace, journal: Journal) -> None:
    for number, name in enumerate(["b", "d"]):
        begin(journal, name, start_ms=1_000 * (2 * number + 2))
    assert not ship.ship(journal.path).busy
    for number, name in enumerate(["a", "c", "e"]):
        run_id = begin(journal, name, start_ms=1_000 * (2 * number + 1))
        journal.sink(run_id).append({"loss": float(number)}, 0)
    page = runs.list_runs(place)
    assert [run.name for run in page.runs] == ["e", "d", "c", "b", "a"]
    assert page.total == 5
    by_loss = runs.list_runs(place, order_by="metrics.loss DESC").runs
    assert [run.name for run in by_loss] == ["e", "c", "a", "d", "b"]


def test_another_workspaces_journal_is_not_mixed_in(
    place: Workspace, journal: Journal, tmp_path: Path
) -> None:
    (tmp_path / "else").mkdir()
    elsewhere = workspaces.resolve(str(tmp_path / "else"))
    begin(journal, "mine")
    assert runs.list_runs(elsewhere).runs == []


_DYING = """
import sys, os, signal
from jupyter_mltrack import wire, workspaces
from jupyter_mltrack.journal import Journal
journal = Journal.create(workspaces.resolve(sys.argv[1]))
journal.event(wire.RunBorn(run_id="d" * 32, name="dying", start_ms=1000))
journal.sink("d" * 32).append({"loss": 0.5}, 3)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_run_whose_process_is_gone_is_failed_before_anybody_ships(place: Workspace) -> None:
    ended = subprocess.run([sys.executable, "-c", _DYING, str(place.root)], check=False)
    assert ended.returncode == -signal.SIGKILL
    (row,) = runs.list_runs(place).runs
    assert (row.name, row.status, row.live) == ("dying", "FAILED", False)
    assert row.error == OWNER_GONE
    assert row.end_ms is not None
    assert row.end_ms >= row.start_ms


def test_a_store_out_of_reach_gives_what_waits_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    remote = workspaces.resolve("http://127.0.0.1:9")
    journal = Journal.create(remote)
    try:
        run_id = begin(journal, "offline")
        journal.sink(run_id).append({"loss": 0.5}, 0)
        with pytest.raises(Unreachable):
            runs.list_runs(remote)
        page = runs.list_runs(remote, offline=True)
        assert [run.name for run in page.runs] == ["offline"]
        assert page.problem is not None
        assert page.problem.code == "store_unreachable"
        assert runs.get_run(remote, run_id).merged
        assert runs.find_run(remote, "offline") == run_id
        for spec in ("last", "best:loss", "nobody"):
            with pytest.raises(Unreachable):
                runs.find_run(remote, spec)
    finally:
        journal.close()


def test_a_damaged_or_foreign_folder_among_the_journals_is_passed_over(
    place: Workspace, journal: Journal
) -> None:
    begin(journal, "fine")
    folder = settings.data_dir() / "journals"
    (folder / "empty").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / "meta.json").write_text("{")
    os.mkfifo(folder / "pipe")
    assert [run.name for run in runs.list_runs(place).runs] == ["fine"]
