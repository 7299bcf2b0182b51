"""What the tests of shipping share: workspaces, journals with known content, plain readers."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import patience

from jupyter_mltrack import wire, workspaces
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.ship import ShipperHandle, ensure_shipper
from jupyter_mltrack.settings import data_dir

RUN = "0" * 31 + "1"


def local_workspace(name: str = "project") -> workspaces.Workspace:
    """An embedded workspace that is ready."""
    folder = Path.cwd() / name
    folder.mkdir(exist_ok=True)
    workspace = workspaces.resolve(str(folder))
    workspace.prepare()
    return workspace


def born(journal: Journal, run_id: str = RUN, name: str = "run", **fields: Any) -> None:
    """Begin a run in a journal."""
    fields.setdefault("start_ms", 1_000)
    journal.event(wire.RunBorn(run_id=wire.RunId(run_id), name=name, **fields))


def ended(journal: Journal, run_id: str = RUN, status: str = "FINISHED", **fields: Any) -> None:
    """End a run in a journal."""
    fields.setdefault("end_ms", 2_000)
    journal.event(wire.RunEnded(run_id=wire.RunId(run_id), status=status, **fields))


def points_in(database: Path, run_id: str = RUN, key: str | None = None) -> list[tuple[Any, ...]]:
    """(key, step, value) of a run's points in a SQLite store, sorted."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        found = connection.execute(
            "SELECT key, step, value FROM metrics WHERE run_uuid = ? ORDER BY key, step, value",
            (run_id,),
        ).fetchall()
    return [row for row in found if key is None or row[0] == key]


def run_in(database: Path, run_id: str = RUN) -> dict[str, Any]:
    """The run's row with its tags and parameters."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        connection.row_factory = sqlite3.Row
        row = dict(
            connection.execute("SELECT * FROM runs WHERE run_uuid = ?", (run_id,)).fetchone() or {}
        )
        for table in ("tags", "params"):
            row[table] = dict(
                tuple(pair)
                for pair in connection.execute(
                    f"SELECT key, value FROM {table} WHERE run_uuid = ?", (run_id,)
                )
            )
    return row


_READ = """
import json, sys
from mlflow import MlflowClient
from mlflow.entities import ViewType
uri, run_ids = sys.argv[1], sys.argv[2:]
client = MlflowClient(uri)
assert type(client._tracking_client.store).__module__.startswith("mlflow."), "decorated"
found = {}
for run_id in run_ids:
    run = client.get_run(run_id)
    found[run_id] = {
        "name": run.info.run_name, "status": run.info.status, "start": run.info.start_time,
        "end": run.info.end_time, "user": run.info.user_id, "params": run.data.params, "tags": run.data.tags,
        "metrics": {k: repr(v) for k, v in run.data.metrics.items()},
        "history": {
            key: [[m.step, m.timestamp, repr(m.value)] for m in client.get_metric_history(run_id, key)]
            for key in run.data.metrics
        },
        "artifact_uri": run.info.artifact_uri,
        "experiment": client.get_experiment(run.info.experiment_id).name,
    }
print(json.dumps(found))
"""


def read_plainly(uri: str, *run_ids: str) -> dict[str, dict[str, Any]]:
    """What MLflow's own client reads, in a process of its own."""
    command = [sys.executable, "-c", _READ, uri, *run_ids]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def until(condition: Callable[[], Any], timeout_s: float = 20.0, what: str = "") -> Any:
    """Wait until `condition()` is true; returns its value."""
    timeout_s = patience.least(timeout_s)
    end_s = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end_s, f"not within {timeout_s} s: {what or condition}"
        time.sleep(0.02)


def journals() -> list[Path]:
    """Folders of journals that are there."""
    folder = data_dir() / "journals"
    return (
        sorted(p for p in folder.iterdir() if not p.name.startswith(".")) if folder.is_dir() else []
    )


class Shipped:
    """A journal with its shipper process, both ended at the end."""

    def __init__(self, workspace: workspaces.Workspace) -> None:
        self.workspace = workspace
        self.journal = Journal.create(workspace)
        self.handle: ShipperHandle = ensure_shipper(self.journal)

    def __enter__(self) -> Shipped:
        return self

    def __exit__(self, *_: object) -> None:
        self.journal.close()
        self.stop()

    def stop(self) -> None:
        """End the shipper process."""
        process = self.handle.process
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(150)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.wait(150)
        self.handle.close()
