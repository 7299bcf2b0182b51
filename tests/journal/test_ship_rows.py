"""The bulk path writes exactly what MLflow's own store writes for the same input."""

import math
import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from ship_ground import local_workspace

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.ship import ship
from jupyter_mltrack.workspaces import Workspace

_TABLES = {
    "runs": "run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time,"
    " source_version, lifecycle_stage, experiment_id, deleted_time",
    "tags": "key, value, run_uuid",
    "params": "key, value, run_uuid",
    "metrics": "key, value, typeof(value), timestamp, run_uuid, step, is_nan, typeof(is_nan)",
    "latest_metrics": "key, value, typeof(value), timestamp, step, is_nan, run_uuid",
    "logged_model_metrics": "*",
    "experiments": "experiment_id, name, lifecycle_stage, workspace",
    "experiment_tags": "*",
}
_VALUES = (
    *(
        math.nan,
        math.inf,
        -math.inf,
        -0.0,
        0.0,
        1e308,
        5e-324,
        0.1,
        1 / 3,
        1.0,
        -7.0,
        2.0**53,
        1e16,
    ),
    *(1.7976931348623157e308, -1.7976931348623157e308),
)


def _content(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    with sqlite3.connect(database) as connection:
        return {
            table: sorted(connection.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)
            for table, columns in _TABLES.items()
        }


def _plain_store(workspace: Workspace) -> Any:
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    return SqlAlchemyStore(workspace.tracking_uri, workspace.artifact_root)


def _random_points(seed: int) -> list[tuple[dict[str, float], int, int]]:
    """Calls of a loop: odd values, steps that repeat and go back, a clock that does too."""
    chance = random.Random(seed)
    calls = []
    for at in range(chance.choice((1, 7, 8, 63, 64, 65, 300))):
        keys = chance.sample(
            ["loss", "acc", "a/b c.d-e:f", "zusätzlich", "k" * 250], chance.randint(1, 5)
        )
        step = chance.choice((at, at, at, chance.randint(-5, 5), 2**62))
        when = chance.choice((1_700_000_000_000 + at // 3, 1_700_000_000_000 - at, 0))
        calls.append(
            ({key: chance.choice((*_VALUES, chance.random())) for key in keys}, step, when)
        )
        if chance.random() < 0.1:
            calls.append(calls[chance.randrange(len(calls))])
    return calls


@pytest.mark.parametrize("seed", range(12))
def test_points_are_the_same_rows_as_mlflow_writes(seed: int) -> None:
    from mlflow.entities import Metric

    plain, bulk = local_workspace("plain"), local_workspace("bulk")
    calls = _random_points(seed)
    store = _plain_store(plain)
    run_id = store.create_run("0", "me", 5, [], "odd").info.run_id
    points = [Metric(k, v, at, step) for values, step, at in calls for k, v in values.items()]
    for at in range(0, len(points), 1000):
        store.log_batch(run_id, points[at : at + 1000], [], [])
    journal = Journal.create(bulk)
    journal.event(wire.RunBorn(run_id=wire.RunId(run_id), name="odd", start_ms=5, user="me"))
    sink = journal.sink(run_id)
    for values, step, at in calls:
        sink.append(values, step, at)
    assert ship(journal.path).done
    journal.close()
    assert bulk.database is not None
    assert plain.database is not None
    mine = _content(bulk.database)
    assert mine == _content(plain.database)


def test_a_runs_life_is_the_same_rows_as_mlflow_writes() -> None:
    from mlflow.entities import Metric, Param, RunStatus, RunTag

    plain, bulk = local_workspace("plain"), local_workspace("bulk")
    store = _plain_store(plain)
    experiment_id = store.create_experiment("digits")
    tags = {"mlflow.user": "me", "mlflow.source.name": "a.ipynb", "note": "x" * 9000}
    run = store.create_run(
        experiment_id, "me", 5, [RunTag(k, v[:8000]) for k, v in tags.items()], "first name"
    )
    run_id = run.info.run_id
    store.log_batch(
        run_id, [], [Param("p", "q" * 7000), Param("empty", "")], [RunTag("t", "u" * 9000)]
    )
    store.log_batch(
        run_id, [], [], [RunTag("t", "2"), RunTag("gone", "1"), RunTag("mlflow.runName", "second")]
    )
    store.delete_tag(run_id, "gone")
    store.log_batch(run_id, [Metric("big", 2**60 + 1, 7, 3)], [], [])
    model_id = store.create_logged_model(experiment_id, "model").model_id
    store.log_batch(
        run_id,
        [Metric("m", math.inf, 8, 1, model_id=model_id, dataset_name="d", dataset_digest="e")],
        [],
        [],
    )
    store.update_run_info(run_id, RunStatus.RUNNING, None, "third")
    store.update_run_info(run_id, RunStatus.FAILED, 99, None)
    store.set_tag(run_id, RunTag("mltrack.error", "ValueError: no"))

    with sqlite3.connect(bulk.database or "") as connection:
        connection.execute("ATTACH ? AS other", (str(plain.database),))
        connection.execute("INSERT INTO logged_models SELECT * FROM other.logged_models")
    journal = Journal.create(bulk)
    rid = wire.RunId(run_id)
    for event in (
        wire.RunBorn(
            run_id=rid, name="first name", start_ms=5, experiment="digits", tags=tags, user="me"
        ),
        wire.RunParams(run_id=rid, params={"p": "q" * 7000, "empty": ""}),
        wire.RunTags(run_id=rid, tags={"t": "u" * 9000}),
        wire.RunTags(run_id=rid, tags={"t": "2", "gone": "1", "mlflow.runName": "second"}),
        wire.RunTagDeleted(run_id=rid, key="gone"),
        wire.RunMetrics(
            run_id=rid,
            metrics=[wire.MetricPoint(key="big", value=str(2**60 + 1), step=3, timestamp_ms=7)],
        ),
        wire.RunMetrics(
            run_id=rid,
            metrics=[
                wire.MetricPoint(
                    key="m",
                    value="inf",
                    step=1,
                    timestamp_ms=8,
                    model_id=model_id,
                    dataset_name="d",
                    dataset_digest="e",
                )
            ],
        ),
        wire.RunUpdated(run_id=rid, name="third", status="RUNNING"),
        wire.RunEnded(run_id=rid, status="FAILED", end_ms=99, error="ValueError: no"),
    ):
        journal.event(event)
    assert ship(journal.path).done
    journal.close()
    assert bulk.database is not None
    assert plain.database is not None
    assert _content(bulk.database) == _content(plain.database)
    with sqlite3.connect(bulk.database) as mine, sqlite3.connect(plain.database) as theirs:
        query = "SELECT artifact_location FROM experiments UNION SELECT artifact_uri FROM runs"
        expected = [row[0].replace("/plain/", "/bulk/") for row in theirs.execute(query)]
        assert [row[0] for row in mine.execute(query)] == expected


def test_shipping_the_same_journal_again_changes_no_row() -> None:
    workspace = local_workspace()
    assert workspace.database is not None
    journal = Journal.create(workspace)
    rid = wire.RunId("a" * 32)
    journal.event(wire.RunBorn(run_id=rid, name="x", start_ms=1, experiment="e"))
    sink = journal.sink(rid)
    for at in range(500):
        sink.append({"loss": at / 7, "odd": math.nan if at % 3 else -0.0}, at, 1000 + at)
    journal.event(wire.RunTags(run_id=rid, tags={"a": "b"}))
    journal.event(wire.RunEnded(run_id=rid, status="FINISHED", end_ms=5000))
    assert ship(journal.path).done
    before = _content(workspace.database)
    (journal.path / "ship.json").unlink()
    again = ship(journal.path)
    assert again.shipped_points == 1000
    assert _content(workspace.database) == before
    journal.close()
