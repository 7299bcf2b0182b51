"""What `diff` and `compare` show, as a person types them."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from jupyter_mltrack import settings, wire, workspaces
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.journal import Journal, kept, ship
from jupyter_mltrack.verbs.door import answer


@pytest.fixture
def two_runs() -> None:
    place = workspaces.resolve("local")
    journal = Journal.create(place)
    for number, name in enumerate(("old", "new")):
        run_id = wire.RunId(uuid.uuid4().hex)
        born = wire.RunBorn(run_id=run_id, name=name, start_ms=1_000 + number)
        params = {"lr": f"0.{number + 1}", "same": "1"}
        journal.event(born)
        journal.event(wire.RunParams(run_id=run_id, params=params))
        journal.sink(run_id).append({"loss": 1.0 / (number + 1)}, 0, 1_500)
        journal.event(wire.RunEnded(run_id=run_id, status="FINISHED", end_ms=2_000))
        folder = kept.folder(settings.data_dir(), place.id, run_id)
        kept.write(folder, kept.SOURCE, f"import x\nlr = 0.{number + 1}\n<script>\n".encode())
    journal.close()
    assert ship.sync(settings.data_dir(), timeout_s=60).waiting_points == 0


@pytest.mark.usefixtures("two_runs", "private_place")
def test_two_runs_are_compared_as_a_person_reads_it() -> None:
    shown = answer("diff old new")
    rows = [row.split() for row in shown.plain.splitlines()]
    assert ["parameter", "lr", "0.1", "0.2"] in rows
    assert ["metric", "loss", "1.0", "0.5"] in rows
    assert "- lr = 0.1\n+ lr = 0.2" in shown.plain
    assert "  import x" in shown.plain
    assert "<script>" not in shown.html
    assert not any("same" in row for row in rows)
    assert "Nothing that is kept differs." in answer("diff last last").plain
    said = json.loads(answer("diff old new --json").plain)
    assert said["params"] == [{"key": "lr", "left": "0.1", "right": "0.2"}]


@pytest.mark.usefixtures("two_runs", "private_place")
def test_runs_stand_side_by_side() -> None:
    plain = answer("compare old new").plain
    rows = [row.split() for row in plain.splitlines()]
    assert ["parameter", "lr", "0.1", "0.2"] in rows
    assert not any("same" in row for row in rows)
    assert ["parameter", "same", "1", "1"] in [
        row.split() for row in answer("compare old new --all").plain.splitlines()
    ]
    with pytest.raises(UsageError, match="2 to 50"):
        answer("compare old")
    with pytest.raises(NotFound):
        answer("compare old nothing-like-it")


@pytest.mark.usefixtures("private_place")
def test_the_kept_folder_is_private(tmp_path: Path) -> None:
    folder = kept.folder(settings.data_dir(), "0" * 12, "a" * 32)
    kept.write(folder, kept.SOURCE, b"x")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / kept.SOURCE).stat().st_mode & 0o777 == 0o600
    for odd in ("..", "a/b", "", "a" * 300):
        with pytest.raises(ValueError, match="not an id"):
            kept.folder(tmp_path, "0" * 12, odd)


@pytest.mark.usefixtures("private_place")
def test_the_runs_used_least_recently_go_first() -> None:
    import os

    folders = []
    for number in range(4):
        folder = kept.folder(settings.data_dir(), "0" * 12, f"{number}" * 32)
        kept.write(folder, kept.SOURCE, b"x" * 1_000)
        os.utime(folder / kept.SOURCE, (number, number))
        folders.append(folder)
    kept.trim(settings.data_dir(), 2_000)
    assert [folder.exists() for folder in folders] == [False, False, True, True]
