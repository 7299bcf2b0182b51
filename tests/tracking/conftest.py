"""A fresh MLflow in this process for each test, plain or under our hands, on a store of its own."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import leftovers
import mlflow_ground
import places
import pytest


@pytest.fixture(scope="session")
def database_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's schema, made by MLflow once for all tests."""
    folder = tmp_path_factory.mktemp("template")
    templates = places.templates(tmp_path_factory)
    path = mlflow_ground.new_database(folder, templates)
    with closing(sqlite3.connect(path)) as connection:  # one file, so that tests may copy it
        connection.execute("PRAGMA journal_mode = DELETE")
    return path


@pytest.fixture
def new_sqlite(database_template: Path, tmp_path: Path) -> Callable[[str], str]:
    """Make a store's database and return its address."""

    def make(name: str) -> str:
        path = tmp_path / f"{name}.db"
        shutil.copy(database_template, path)
        return f"sqlite:///{path}"

    return make


@pytest.fixture(scope="session")
def shared_data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared") / "data"


@pytest.fixture(autouse=True)
def one_data_dir(
    private_place: Path, shared_data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """One data folder for all tests here, because making MLflow's schema takes seconds."""
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(shared_data_dir))
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    return shared_data_dir


class Kept:
    """A run as it is in the embedded database of the working folder."""

    def __init__(self, database: sqlite3.Connection, row: tuple[Any, ...]) -> None:
        self.run_id, self.name, self.status, self.start_ms, self.end_ms = row
        ask = lambda what: database.execute(what, (self.run_id,)).fetchall()  # noqa: E731
        self.params = dict(ask("SELECT key, value FROM params WHERE run_uuid = ?"))
        self.tags = dict(ask("SELECT key, value FROM tags WHERE run_uuid = ?"))
        self.points: dict[str, list[tuple[int, float]]] = {}
        for key, step, value in ask(
            "SELECT key, step, value FROM metrics WHERE run_uuid = ? ORDER BY key, step, timestamp"
        ):
            self.points.setdefault(key, []).append((step, value))

    @property
    def parent(self) -> str | None:
        return self.tags.get("mlflow.parentRunId")

    def __repr__(self) -> str:
        return f"<{self.name} {self.status} {self.points}>"


def kept_runs(folder: Path | None = None, timeout_s: float = 90.0) -> dict[str, Kept]:
    """Ship everything, and return the runs of the embedded workspace by name."""
    from jupyter_mltrack import workspaces
    from jupyter_mltrack.journal.ship import sync
    from jupyter_mltrack.settings import data_dir

    workspace = workspaces.resolve("local", folder)
    until_s = time.monotonic() + timeout_s
    while True:  # somebody else may be at it and take in more than one look
        left_s = until_s - time.monotonic()
        report = sync(data_dir(), workspace_id=workspace.id, timeout_s=max(1.0, left_s))
        if not report.waiting_points or left_s <= 0:
            break
        time.sleep(0.2)
    assert report.waiting_points == 0, report
    assert workspace.database is not None
    database = sqlite3.connect(workspace.database)
    try:
        rows = database.execute(
            "SELECT run_uuid, name, status, start_time, end_time FROM runs ORDER BY start_time"
        ).fetchall()
        found = [Kept(database, row) for row in rows]
    finally:
        database.close()
    assert len({run.name for run in found}) == len(found), found
    return {run.name: run for run in found}


@pytest.fixture
def kept() -> Callable[..., dict[str, Kept]]:
    return kept_runs


@pytest.fixture
def mlflow_server(shared_server: str) -> str:
    """The address of a real `mlflow server` on loopback."""
    return shared_server


@pytest.fixture
def patient_with_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a store says is the point, not for how long a cell waits for it."""
    from jupyter_mltrack.tracking import asking, offline, reading

    monkeypatch.setattr(asking, "LIMIT_S", 60.0)
    monkeypatch.setattr(offline, "LOOK_UP_LIMIT_S", 60.0)
    monkeypatch.setattr(reading, "STALL_CONNECTED_S", reading.STALL_S)


@pytest.fixture(autouse=True)
def fresh_tracking() -> Iterator[None]:
    """Begin with an MLflow as after its import, and leave nothing: before the data folder goes."""
    leftovers.reset_mlflow()
    yield
    leftovers.forget_tracking()
