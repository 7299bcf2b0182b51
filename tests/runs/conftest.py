"""A real store that MLflow made, filled with many runs, and what MLflow itself answers."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path

import mlflow_ground
import places
import pytest

from jupyter_mltrack import workspaces

START_MS = 1_700_000_000_000

_SCHEMA = """
import sys
from mlflow.tracking import MlflowClient
client = MlflowClient(tracking_uri="sqlite:///" + sys.argv[1])
client.create_experiment("digits")
client.create_experiment("gone")
client.delete_experiment(client.get_experiment_by_name("gone").experiment_id)
"""


def _fill(path: Path, run_count: int) -> None:
    luck = random.Random(1)
    runs, tags, metrics, params = [], [], [], []
    for number in range(run_count):
        run_id = uuid.UUID(int=luck.getrandbits(128)).hex
        start_ms = START_MS + luck.randrange(10**6)
        status = luck.choice(["FINISHED", "FAILED", "RUNNING", "KILLED"])
        end_ms = None if status == "RUNNING" else start_ms + luck.randrange(10**5)
        stage = "deleted" if luck.random() < 0.1 else "active"
        name = f"sweep-{number}"
        runs.append(
            (run_id, name, "LOCAL", "", "", "me", status, start_ms, end_ms, "", stage,
             f"file:///a/{run_id}", luck.choice([0, 0, 1]))
        )  # fmt: skip
        tags.append(("mlflow.runName", name, run_id))
        if luck.random() < 0.3:
            tags.append(("mltrack.notebook", f"Notes {number % 7}.ipynb", run_id))
        for key in range(8):
            if luck.random() < 0.9:
                nan = luck.random() < 0.05
                value = (
                    0
                    if nan
                    else luck.choice([luck.random(), luck.random(), 1.7976931348623157e308])
                )
                metrics.append((f"m{key}", value, start_ms, luck.randrange(9), nan, run_id))
        params += [
            (f"p{key}", str(luck.randrange(4)), run_id) for key in range(4) if luck.random() < 0.8
        ]
    with sqlite3.connect(path) as connection:
        connection.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, status,"
            " start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            runs,
        )
        connection.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", tags)
        connection.executemany(
            "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)",
            metrics,
        )
        connection.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", params)


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's schema, from the template that all tests share."""
    folder = tmp_path_factory.mktemp("empty")
    path = mlflow_ground.new_database(folder, places.templates(tmp_path_factory))
    with closing(sqlite3.connect(path)) as connection:  # one file, so that tests may copy it
        connection.execute("PRAGMA journal_mode = DELETE")
    return path


@pytest.fixture(scope="session")
def with_experiments(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which MLflow made an experiment, and another that it deleted."""
    path = tmp_path_factory.mktemp("experiments") / "mlflow.db"
    shutil.copy(empty_database, path)
    subprocess.run([sys.executable, "-c", _SCHEMA, str(path)], check=True, capture_output=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return path


def _store(with_experiments: Path, folder: Path, run_count: int) -> Path:
    path = folder / "mlflow.db"
    shutil.copy(with_experiments, path)
    _fill(path, run_count)
    return path


@pytest.fixture(scope="session")
def database(with_experiments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _store(with_experiments, tmp_path_factory.mktemp("filled"), 1_500)


@pytest.fixture(scope="session")
def large_database(with_experiments: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _store(with_experiments, tmp_path_factory.mktemp("large"), 10_000)


@pytest.fixture
def place(database: Path) -> workspaces.Workspace:
    """A workspace of 1,500 runs; no test writes to it."""
    return workspaces.resolve(f"sqlite:///{database}")
