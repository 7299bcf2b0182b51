"""`python -m benchmarks.ground FOLDER [--runs N] [--points N]`: a project with many runs, for measuring.

MLflow makes the database; the rows go in by SQL, as MLflow itself would write them, because its
client would need hours. Same arguments, same runs: names, values and times come from one seed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PARAMS = 20
METRICS = 20
NEWEST_MS = 1_760_000_000_000
APART_MS = 60_000
EXPERIMENT = "sweep"
LONG_KEY = "loss"
CHUNK = 50_000
WORDS = ("amber", "brisk", "calm", "deep", "early", "fair", "grand", "hazy", "idle", "jolly")
THINGS = ("oak", "pine", "reed", "fern", "moss", "elm", "birch", "ivy", "sage", "thorn")
OPTIMIZERS = ("adam", "sgd", "adamw", "lion")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ground", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--points", type=int, default=0, help="of one more run's only metric")
    said = parser.parse_args()
    began = time.perf_counter()
    made = make(said.folder, runs=said.runs, points=said.points)
    print(json.dumps(made | {"seconds": round(time.perf_counter() - began, 1)}))


def make(folder: Path, *, runs: int = 10_000, points: int = 0) -> dict[str, str]:
    """Make the project; returns the ids of its workspace, experiment and long run."""
    from jupyter_mltrack.workspaces import resolve

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").touch()
    workspace = resolve("local", folder)
    workspace.prepare()
    database = workspace.database
    assert database is not None
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-400000")
        connection.execute("BEGIN")
        experiment = _experiment(connection, workspace.artifact_root or "")
        for start in range(0, runs, 1_000):
            _write_runs(connection, experiment, workspace, range(start, min(runs, start + 1_000)))
        long_run = _write_long(connection, experiment, workspace, points) if points else ""
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    return {"workspace": workspace.id, "experiment": str(experiment), "long_run": long_run}


def _experiment(connection: sqlite3.Connection, root: str) -> int:
    number = connection.execute("SELECT MAX(experiment_id) + 1 FROM experiments").fetchone()[0]
    connection.execute(
        "INSERT INTO experiments (experiment_id, name, artifact_location, lifecycle_stage,"
        " creation_time, last_update_time) VALUES (?, ?, ?, 'active', ?, ?)",
        (number, EXPERIMENT, f"{root}/{number}", NEWEST_MS, NEWEST_MS),
    )
    return int(number)


def run_id(number: int) -> str:
    """The id of the run with this number; 0 is the newest."""
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


def _run_row(number: int, name: str, experiment: int, workspace: Any) -> tuple[Any, ...]:
    start_ms = NEWEST_MS - number * APART_MS
    failed = number % 17 == 3
    status = "FAILED" if failed else "KILLED" if number % 101 == 7 else "FINISHED"
    return (
        run_id(number), name, "UNKNOWN", "", "", ("ada", "ben", "cleo")[number % 3], status,
        start_ms, start_ms + 1_000 + number % 50_000, "", "active",
        workspace.artifact_uri(run_id(number)), experiment,
    )  # fmt: skip


def _tags(number: int, name: str) -> Iterator[tuple[str, str]]:
    yield "mlflow.runName", name
    yield "mlflow.user", ("ada", "ben", "cleo")[number % 3]
    yield "mlflow.source.name", "sweep.ipynb"
    yield "mlflow.source.type", "NOTEBOOK"
    yield "team", ("vision", "text")[number % 2]
    if number % 17 == 3:
        yield "mltrack.error", "ValueError: shapes (64,10) and (3,) not aligned"
    if number % 97 == 0:
        yield "mltrack.starred", "true"
    if number % 50 in (1, 2, 3):  # three of each fifty runs are nested under a fourth
        yield "mlflow.parentRunId", run_id(number - number % 50)


def _params(number: int, chance: random.Random) -> Iterator[tuple[str, str]]:
    yield "lr", repr(round(10 ** chance.uniform(-5, -1), 6))
    yield "batch_size", str(2 ** chance.randrange(4, 10))
    yield "optimizer", chance.choice(OPTIMIZERS)
    yield "seed", str(number)
    yield "dataset", "digits-v3"
    for at in range(5, PARAMS):
        yield f"option_{at:02}", str(chance.randrange(at)) if at % 2 else f"fixed-{at}"


def _metrics(number: int, chance: random.Random) -> Iterator[tuple[str, float, bool]]:
    for at in range(METRICS):
        key = ("loss", "val loss", "acc", "val/acc")[at] if at < 4 else f"metric_{at:02}"
        if number % 211 == at:
            yield key, math.nan, True
        else:
            yield key, round(chance.random() * (1 if at < 4 else 100), 6), False


def _write_runs(
    connection: sqlite3.Connection, experiment: int, workspace: Any, numbers: range
) -> None:
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _INSERTS}
    for number in numbers:
        chance = random.Random(number)
        name = f"{chance.choice(WORDS)}-{chance.choice(THINGS)}-{number}"
        own = run_id(number)
        rows["runs"].append(_run_row(number, name, experiment, workspace))
        rows["tags"] += [(key, value, own) for key, value in _tags(number, name)]
        rows["params"] += [(key, value, own) for key, value in _params(number, chance)]
        at_ms = NEWEST_MS - number * APART_MS + 900
        for key, value, is_nan in _metrics(number, chance):
            row = (key, 0.0 if is_nan else value, at_ms, 9, is_nan, own)
            rows["latest_metrics"].append(row)
            rows["metrics"].append(row)
    for name, statement in _INSERTS.items():
        connection.executemany(statement, rows[name])


_INSERTS = {
    "runs": "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name,"
    " user_id, status, start_time, end_time, source_version, lifecycle_stage, artifact_uri,"
    " experiment_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "tags": "INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)",
    "params": "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)",
    "latest_metrics": "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid)"
    " VALUES (?, ?, ?, ?, ?, ?)",
    "metrics": "INSERT INTO metrics (key, value, timestamp, step, is_nan, run_uuid)"
    " VALUES (?, ?, ?, ?, ?, ?)",
}


def long_value(step: int, points: int) -> float:
    """A falling curve with noise and, at a seventh of the way, one lonely peak."""
    if step == points // 7:
        return 99.0
    return 2.0 * math.exp(-4.0 * step / points) + ((step * 2_654_435_761) % 1_000) / 5_000.0


def _write_long(
    connection: sqlite3.Connection, experiment: int, workspace: Any, points: int
) -> str:
    own, name = run_id(-1), f"long-{points}"
    connection.execute(_INSERTS["runs"], _run_row(-1, name, experiment, workspace))
    connection.executemany(_INSERTS["tags"], [(key, value, own) for key, value in _tags(-1, name)])
    start_ms = NEWEST_MS + APART_MS
    for start in range(0, points, CHUNK):
        connection.executemany(
            _INSERTS["metrics"],
            (
                (LONG_KEY, long_value(step, points), start_ms + step, step, False, own)
                for step in range(start, min(points, start + CHUNK))
            ),
        )
    last = points - 1
    newest = (LONG_KEY, long_value(last, points), start_ms + last, last, False, own)
    connection.execute(_INSERTS["latest_metrics"], newest)
    connection.execute("UPDATE runs SET end_time = ? WHERE run_uuid = ?", (start_ms + last, own))
    return own


if __name__ == "__main__":
    main()
