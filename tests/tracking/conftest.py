"""A fresh MLflow in this process for each test, plain or under our hands, on a store of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import leftovers
import pytest

_TEMPLATE = """
import sys
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore(sys.argv[1], sys.argv[2])
"""


@pytest.fixture(scope="session")
def database_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's schema, made by MLflow once."""
    path = tmp_path_factory.mktemp("template") / "mlflow.db"
    subprocess.run(
        [sys.executable, "-c", _TEMPLATE, f"sqlite:///{path}", str(path.parent / "artifacts")],
        check=True,
        capture_output=True,
    )
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


@pytest.fixture(scope="session")
def mlflow_server(
    database_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a real `mlflow server` on loopback."""
    place = tmp_path_factory.mktemp("server")
    shutil.copy(database_template, place / "mlflow.db")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "MLTRACK_"))}
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
            *("--backend-store-uri", f"sqlite:///{place}/mlflow.db", "--workers", "1"),
            *("--artifacts-destination", str(place / "artifacts")),
        ],
        cwd=place,
        env=environment | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=(place / "log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    uri = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=1)
                _create_a_run(uri)
                break
            except OSError:
                assert process.poll() is None, (place / "log").read_text()
                time.sleep(0.1)
        yield uri
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # it holds nothing that a test reads later
        process.wait()


def _create_a_run(uri: str) -> None:
    """Have the server import what its first requests need, so that no test waits for that."""
    for path, body in (
        ("experiments/search", '{"max_results": 1}'),
        ("runs/create", '{"experiment_id": "0"}'),
    ):
        request = urllib.request.Request(
            f"{uri}/api/2.0/mlflow/{path}", body.encode(), {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=60).read()


@pytest.fixture(autouse=True)
def fresh_tracking() -> Iterator[None]:
    """Begin with an MLflow as after its import, and leave nothing: before the data folder goes."""
    leftovers.reset_mlflow()
    yield
    leftovers.forget_tracking()
