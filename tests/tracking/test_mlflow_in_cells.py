"""Unchanged MLflow code inside a tracked cell: whose run it is, what it is called, how it ends."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient

from jupyter_mltrack import log, track

Keeper = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("mlflow").setLevel(logging.ERROR)


def test_the_first_run_is_the_cells_run_and_later_ones_are_named_after_it(kept: Keeper) -> None:
    with track("cell", tags={"a": "b"}) as cell:
        with mlflow.start_run() as first:
            mlflow.log_metric("m", 1)
        with mlflow.start_run() as second:
            mlflow.log_metric("m", 2)
            with mlflow.start_run(nested=True) as third:
                mlflow.log_metric("m", 3)
        with mlflow.start_run(run_name="mine"):
            mlflow.log_metric("m", 4)
    assert first.info.run_id == cell.run_id
    assert [run.info.run_name for run in (first, second, third)] == ["cell", "cell-2", "cell-3"]
    found = kept()
    assert {name: run.points["m"][0][1] for name, run in found.items()} == {
        "cell": 1.0,
        "cell-2": 2.0,
        "cell-3": 3.0,
        "mine": 4.0,
    }
    assert found["cell-3"].parent == second.info.run_id
    assert {run.tags["a"] for run in found.values()} == {"b"}
    assert {run.tags["mltrack.cell_run"] for run in found.values()} == {cell.run_id}
    assert {run.status for run in found.values()} == {"FINISHED"}


def test_points_of_both_kinds_land_in_one_run(kept: Keeper) -> None:
    with track("both") as cell:
        log({"ours": 1})
        mlflow.log_metric("theirs", 2, step=3)
        log({"ours": 2})
        mlflow.log_param("p", 1)
        with mlflow.start_run(nested=True, run_name="inner"):
            log({"inner": 1})
        log({"ours": 3})
        assert mlflow.active_run().info.run_id == cell.run_id
    found = kept()
    assert found["both"].points == {"ours": [(0, 1.0), (4, 2.0), (5, 3.0)], "theirs": [(3, 2.0)]}
    assert found["both"].params == {"p": "1"}
    assert list(found["inner"].points) == ["inner"]


def test_a_run_started_after_the_first_point_is_the_same_run(kept: Keeper) -> None:
    with track("cell") as cell:
        log({"before": 1})
        with mlflow.start_run(tags={"t": "u"}) as run:
            mlflow.log_metric("m", 1)
        assert run.info.run_id == cell.run_id
    (found,) = kept().values()
    assert sorted(found.points) == ["before", "m"]
    assert found.tags["t"] == "u"


def test_nested_runs_are_children_of_the_cells_run_also_before_it_logged(kept: Keeper) -> None:
    with track("sweep") as cell:
        for rate in (0.1, 0.2):
            with mlflow.start_run(nested=True, run_name=f"rate {rate}"):
                mlflow.log_metric("loss", rate)
            log({"best": rate})
        with mlflow.start_run(nested=True) as unnamed:
            mlflow.log_metric("loss", 3)
    found = kept()
    assert set(found) == {"sweep", "rate 0.1", "rate 0.2", unnamed.info.run_name}
    assert {run.parent for name, run in found.items() if name != "sweep"} == {cell.run_id}
    assert found["sweep"].points == {"best": [(0, 0.1), (1, 0.2)]}
    assert {run.status for run in found.values()} == {"FINISHED"}


def test_threads_adopt_the_cells_run_or_begin_children_of_it(kept: Keeper) -> None:
    def implicit() -> None:
        mlflow.log_metric("implicit", 1)
        mlflow.log_param("p", 1)

    def explicit() -> None:
        with mlflow.start_run(run_name="child"):
            mlflow.log_metric("explicit", 1)

    with track("cell") as cell:
        for work in (implicit, explicit, implicit):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        assert mlflow.active_run() is None
    found = kept()
    assert set(found) == {"cell", "child"}
    assert found["cell"].points.keys() == {"implicit"}
    assert found["child"].parent == cell.run_id
    assert {run.status for run in found.values()} == {"FINISHED"}


def test_a_thread_of_mlflow_that_outlives_the_cell_makes_no_stray_run(kept: Keeper) -> None:
    go = threading.Event()

    def late() -> None:
        mlflow.log_metric("early", 1)
        go.wait(150)
        mlflow.log_metric("late", 1)

    with track("cell"):
        mlflow.log_metric("m", 1)
        thread = threading.Thread(target=late)
        thread.start()
        time.sleep(0.2)
    go.set()
    thread.join()
    (found,) = kept().values()
    assert found.points.keys() == {"m", "early", "late"}
    assert found.status == "FINISHED"


def test_a_run_left_open_by_the_cell_is_ended_and_the_next_cell_is_clean(kept: Keeper) -> None:
    with pytest.raises(ValueError, match="x"), track("one"):  # noqa: PT012  # a cell has many lines
        mlflow.start_run(nested=True)
        mlflow.start_run(nested=True)
        mlflow.log_metric("m", 1)
        raise ValueError("x")
    assert mlflow.active_run() is None
    with track("two"), mlflow.start_run():
        mlflow.log_metric("m", 1)
    found = kept()
    assert {name: run.status for name, run in found.items()} == {
        "one": "FAILED",
        "one-2": "FAILED",
        "one-3": "FAILED",
        "two": "FINISHED",
    }


def test_a_run_that_was_active_before_the_cell_is_active_after_it(kept: Keeper) -> None:
    with track("starter"):
        pass
    before = mlflow.start_run(run_name="before")
    with track("cell"):
        mlflow.log_metric("inside", 1)
    assert mlflow.active_run().info.run_id == before.info.run_id
    mlflow.log_metric("outside", 1)
    mlflow.end_run()
    found = kept()
    assert {name: sorted(run.points) for name, run in found.items() if run.points} == {
        "cell": ["inside"],
        "before": ["outside"],
    }


def test_the_users_own_end_start_and_delete_keep_their_meaning(kept: Keeper) -> None:
    with track("cell"):
        mlflow.log_metric("m", 1)
        first = mlflow.active_run().info.run_id
        mlflow.end_run("KILLED")
        with mlflow.start_run() as second:
            mlflow.log_metric("m", 2)
        mlflow.delete_run(second.info.run_id)
        with pytest.raises(mlflow.MlflowException, match="'active' state"):
            MlflowClient().log_metric(second.info.run_id, "m", 3)
        assert mlflow.get_run(first).info.status == "KILLED"
    found = kept()
    assert {name: run.status for name, run in found.items()} == {
        "cell": "KILLED",
        "cell-2": "FINISHED",
    }


def test_set_experiment_within_a_cell_counts(kept: Keeper) -> None:
    with track("cell", experiment="header") as cell:
        experiment = mlflow.set_experiment("inside")
        mlflow.log_metric("m", 1)
        assert mlflow.get_run(cell.run_id).info.experiment_id == experiment.experiment_id
    with track("other", experiment="header") as other:
        mlflow.log_metric("m", 1)
        name = mlflow.get_experiment(mlflow.get_run(other.run_id).info.experiment_id).name
    assert name in ("header", "inside")  # the user's choice outlives the cell, the header is newer
    assert name == "header"
    kept()


def test_set_tracking_uri_within_a_cell_counts(
    kept: Keeper, new_sqlite: Callable[[str], str]
) -> None:
    import sqlite3

    uri = new_sqlite("elsewhere")
    with track("cell"):
        mlflow.set_tracking_uri(uri)
        mlflow.log_metric("m", 1)
        run_id = mlflow.active_run().info.run_id
        assert mlflow.get_run(run_id).data.metrics == {"m": 1.0}
        mlflow.end_run()
    assert MlflowClient(uri).get_run(run_id).info.status == "FINISHED"
    rows = sqlite3.connect(uri.removeprefix("sqlite:///")).execute(
        "SELECT run_uuid, status FROM runs"
    )
    assert rows.fetchall() == [(run_id, "FINISHED")]


def test_a_client_in_a_cell_makes_the_cells_run(kept: Keeper) -> None:
    with track("cell") as cell:
        client = MlflowClient()
        run = client.create_run("0", run_name="by client")
        client.log_metric(run.info.run_id, "m", 1)
        client.log_param(run.info.run_id, "p", 1)
    assert run.info.run_id == cell.run_id
    (found,) = kept().values()
    assert (found.name, found.status, found.points) == ("by client", "FINISHED", {"m": [(0, 1.0)]})


def test_autologging_of_one_cell_lands_in_its_run_and_is_off_again(kept: Keeper) -> None:
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, target = load_iris(return_X_y=True)
    with track("fit", autolog=True) as cell:
        LogisticRegression(max_iter=200).fit(features, target)
        assert mlflow.last_active_run().info.run_id == cell.run_id
    LogisticRegression(max_iter=200).fit(features, target)
    (found,) = kept().values()
    assert found.params["max_iter"] == "200"
    assert "training_accuracy_score" in found.points
    assert AUTOLOGGING_INTEGRATIONS["sklearn"].get("disable", True) is True


def test_no_autolog_keeps_a_cell_from_it_and_gives_it_back(kept: Keeper) -> None:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, target = load_iris(return_X_y=True)
    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        with track("without", autolog=False):
            LogisticRegression(max_iter=200).fit(features, target)
        with track("with"):
            LogisticRegression(max_iter=200).fit(features, target)
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
    found = kept()
    assert {name: "max_iter" in run.params for name, run in found.items()} == {
        "without": False,
        "with": True,
    }


def wait_for_system_metrics(run_id: str) -> None:
    """Wait for the first of them: on a busy machine it takes a while."""
    until_s = time.monotonic() + 150
    while time.monotonic() < until_s:
        if any(key.startswith("system/") for key in mlflow.get_run(run_id).data.metrics):
            return
        time.sleep(0.05)


def test_system_metrics_are_recorded_with_the_cells_run(
    kept: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")
    with track("load", system_metrics=True) as run:
        log({"m": 1})
        wait_for_system_metrics(run.run_id)
    found = kept()["load"]
    assert any(key.startswith("system/") for key in found.points)


def test_mlflows_own_switch_for_system_metrics_works(
    kept: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.1")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "1")
    with track("load") as run:
        mlflow.log_metric("m", 1)
        wait_for_system_metrics(run.run_id)
    assert not [t for t in threading.enumerate() if t.name == "SystemMetricsMonitor"]
    assert any(key.startswith("system/") for key in kept()["load"].points)


def test_reads_see_writes_of_forked_workers(kept: Keeper) -> None:
    with track("cell") as cell:
        mlflow.log_metric("m", 1)
        child = os.fork()
        if child == 0:
            log({"worker": 1.0})
            os._exit(0)
        os.waitpid(child, 0)
        assert mlflow.get_run(cell.run_id).data.metrics == {"m": 1.0, "worker": 1.0}
    kept()
