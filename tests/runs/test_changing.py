"""Acts on runs write what MLflow writes, in a database and through a server."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from mlflow.entities import ViewType
from mlflow.tracking import MlflowClient

from jupyter_mltrack import runs, wire, workspaces
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.runs import changing, columns, numbers
from jupyter_mltrack.workspaces import Workspace

TABLES = ("runs", "tags", "params", "latest_metrics", "experiments")


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything but when something was deleted."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint")
        found = {}
        for table in TABLES:
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            shown = ", ".join(
                f"{name} IS NULL" if name == "deleted_time" else name for name in names
            )
            found[table] = sorted(map(repr, connection.execute(f"SELECT {shown} FROM {table}")))
    return found


@pytest.fixture
def twins(database: Path, tmp_path: Path) -> tuple[Path, Path]:
    mine, theirs = tmp_path / "mine.db", tmp_path / "theirs.db"
    shutil.copy(database, mine)
    shutil.copy(database, theirs)
    return mine, theirs


def test_acts_by_sql_leave_the_rows_that_mlflow_leaves(twins: tuple[Path, Path]) -> None:
    mine, theirs = twins
    place = workspaces.resolve(f"sqlite:///{mine}")
    client = MlflowClient(tracking_uri=f"sqlite:///{theirs}")
    luck = random.Random(5)
    ids = [row.run_id for row in runs.list_runs(place, limit=40).runs]
    for _ in range(60):
        run_id = luck.choice(ids)
        deleted = client.get_run(run_id).info.lifecycle_stage == "deleted"
        act = luck.choice(["tag", "untag", "rename", "delete", "restore"])
        text = luck.choice(["x", "ü" * 30, "y" * 9_000, "", "'; DROP TABLE runs"])
        if act == "tag":
            done = changing.set_tag(place, [run_id], "team/a b", text)
        elif act == "untag":
            done = changing.set_tag(place, [run_id], "team/a b", None)
        elif act == "rename":
            done = changing.rename(place, run_id, f"name {text[:100]}")
        elif act == "delete":
            done = changing.delete(place, [run_id])
        else:
            done = changing.restore(place, [run_id])
        if deleted and act in ("tag", "untag", "rename"):
            assert done.problems[0].code == "conflict"
            continue
        assert done == wire.RunsChanged(run_ids=[wire.RunId(run_id)])
        if act == "tag":
            client.set_tag(run_id, "team/a b", text)
        elif act == "untag":
            if "team/a b" in client.get_run(run_id).data.tags:
                client.delete_tag(run_id, "team/a b")
        elif act == "rename":
            client.update_run(run_id, name=f"name {text[:100]}".strip())
        elif act == "delete":
            client.delete_run(run_id)
        else:
            client.restore_run(run_id)
    assert rows(mine) == rows(theirs)


def test_deleted_runs_nested_runs_and_pages_are_those_of_mlflow(
    twins: tuple[Path, Path],
) -> None:
    mine, _ = twins
    place = workspaces.resolve(f"sqlite:///{mine}")
    client = MlflowClient(tracking_uri=place.tracking_uri)
    luck = random.Random(6)
    ids = [row.run_id for row in runs.list_runs(place, limit=60).runs]
    for child in ids[20:]:
        changing.set_tag(place, [child], "mlflow.parentRunId", luck.choice(ids[:20]))
    theirs = client.search_runs(["0", "1"], run_view_type=ViewType.DELETED_ONLY, max_results=1_000)
    found = runs.list_runs(place, deleted=True, limit=1_000)
    assert [row.run_id for row in found.runs] == [run.info.run_id for run in theirs]
    assert all(row.deleted for row in found.runs)
    for order in ("metrics.m4 DESC", "params.p1 ASC", "attributes.end_time DESC", None):
        token, seen = None, []
        for _ in range(1_000):
            page = runs.list_runs(place, order_by=order, limit=97, page_token=token, roots=True)
            seen += [row.run_id for row in page.runs]
            token = page.next_page_token
            if token is None:
                break
        every = client.search_runs(
            ["0", "1"], order_by=[order] if order else None, max_results=5_000
        )
        nested = set(ids[20:])
        assert seen == [run.info.run_id for run in every if run.info.run_id not in nested]
    for parent in ids[:3]:
        below = runs.list_runs(place, parent=parent)
        same = client.search_runs(["0", "1"], f"tags.`mlflow.parentRunId` = '{parent}'")
        assert [row.run_id for row in below.runs] == [run.info.run_id for run in same]
        (row,) = runs.list_runs(place, filter=f"attributes.run_id = '{parent}'").runs
        assert row.children == len(same)


def test_columns_and_numbers_are_counted_from_what_mlflow_gives(place: Workspace) -> None:
    client = MlflowClient(tracking_uri=place.tracking_uri)
    newest = client.search_runs(["0", "1"], max_results=1_000)
    found = columns.list_columns(place)
    assert found.runs == len(newest)
    for one in found.columns:
        held = [getattr(run.data, one.kind).get(one.key) for run in newest]
        held = [value for value in held if value is not None]
        assert one.runs == len(held), one.key
        if one.kind == "params":
            assert set(one.values) <= set(held)
            assert one.differs == (len(set(held)) > 1 or len(held) <= 0.9 * len(newest))


def test_numbers_of_a_metric_equal_its_history(empty_database: Path, tmp_path: Path) -> None:
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    place = workspaces.resolve(f"sqlite:///{tmp_path}/mlflow.db")
    client = MlflowClient(tracking_uri=place.tracking_uri)
    run_id = client.create_run("0").info.run_id
    inf, nan = float("inf"), float("nan")
    for key, values in {
        "a": [3.0, 1.0, 2.0],
        "b": [nan, 5.0, inf, -inf, 4.0],
        "c": [nan],
        "d": [1e308, 1e308, 1e308],
    }.items():
        for step, value in enumerate(values):
            client.log_metric(run_id, key, value, step=step, timestamp=step)
    stats = {one.key: one for one in numbers.metric_table(place, run_id).metrics}
    a, b, c, d = (stats[key] for key in "abcd")
    assert (a.minimum, a.minimum_step, a.maximum, a.maximum_step, a.mean) == (1.0, 1, 3.0, 0, 2.0)
    assert (b.minimum, b.maximum, b.mean, b.count, b.last) == (4.0, 5.0, 4.5, 5, 4.0)
    assert (c.minimum, c.mean, c.text, c.count) == (None, None, "nan", 1)
    assert d.mean == pytest.approx(1e308)
    page = numbers.metric_table(place, run_id, search="B", offset=0, limit=1)
    assert ([one.key for one in page.metrics], page.total) == (["b"], 1)


def test_odd_names_are_refused(place: Workspace) -> None:
    for key in ("", "/a", "a//b", "../x", "a\nb", "<b>", "a/"):
        with pytest.raises(UsageError):
            changing.set_tag(place, ["x"], key, "y")
    with pytest.raises(UsageError):
        changing.rename(place, "x", "  ")
