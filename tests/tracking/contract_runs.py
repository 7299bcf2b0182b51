"""Scenarios of MLflow's contract: runs, values, tags, experiments."""

from __future__ import annotations

import math
import os
import time
from typing import Any

import mlflow
from contract_eyes import Eyes, scenario
from mlflow.entities import Metric, Param, RunTag


@scenario
def a_run_with_everything(eyes: Eyes) -> None:
    with mlflow.start_run(run_name="whole", tags={"t": "1"}, description="about") as run:
        eyes.know(run.info.run_id)
        eyes.see(mlflow.log_param("p", 0.5), mlflow.log_params({"q": "x", "r": None}))
        eyes.see(mlflow.log_metric("m", 1.5), mlflow.log_metrics({"n": 2, "o": 3.5}, step=4))
        eyes.see(mlflow.set_tag("u", 7), mlflow.set_tags({"v": "w"}))
        eyes.see(mlflow.active_run().info.run_id)
    eyes.see(mlflow.active_run(), mlflow.last_active_run().info.run_id)
    eyes.run(run.info.run_id)


@scenario
def an_implicit_run(eyes: Eyes) -> None:
    mlflow.log_metric("m", 1)
    run_id = eyes.know(mlflow.active_run().info.run_id)
    mlflow.log_metric("m", 2, step=1, timestamp=1_700_000_000_000)
    mlflow.end_run("FAILED")
    eyes.run(run_id)


@scenario
def names_that_are_refused_and_taken(eyes: Eyes) -> None:
    with mlflow.start_run() as run:
        eyes.know(run.info.run_id)
        odd = [
            "a b",
            "a/b",
            "a:b",
            "ä",
            "",
            "/",
            ".",
            "..",
            "../x",
            "a//b",
            "a/",
            "x\n",
            "x\ty",
            "(",
            "a" * 250,
        ]
        odd += ["a" * 251, None, "a.b-c_d", "é", "x\u202e", "'", "__proto__"]
        for name in odd:
            eyes.error(mlflow.log_metric, name, 1.0)
            eyes.error(mlflow.log_metrics, {name: 2.0})
            eyes.error(mlflow.log_param, name, 1)
            eyes.error(mlflow.set_tag, name, 1)
    eyes.run(run.info.run_id)


@scenario
def values_that_are_refused_and_taken(eyes: Eyes) -> None:
    import numpy as np

    with mlflow.start_run() as run:
        eyes.know(run.info.run_id)
        values: list[Any] = [1, 0.5, True, "0.5", "x", None, [1], 2**53 + 1, -0.0, 1e308, 5e-324]
        values += [
            math.nan,
            math.inf,
            -math.inf,
            np.float32(0.1),
            np.int64(3),
            np.array([2.5]),
        ]
        values += [np.array([1.0, 2.0]), np.bool_(True), 10**400, 1j]
        for at, value in enumerate(values):
            eyes.error(mlflow.log_metric, f"one{at}", value)
            eyes.error(mlflow.log_metrics, {f"many{at}": value, "fine": 1.0}, step=at)
    eyes.run(run.info.run_id)


@scenario
def steps_and_times(eyes: Eyes) -> None:
    with mlflow.start_run() as run:
        eyes.know(run.info.run_id)
        for value, step in enumerate((None, 0, 1, -3, 2**31, True)):
            eyes.error(mlflow.log_metric, "m", float(value), step)
        for step in ("1", [1], "x"):
            eyes.error(mlflow.log_metric, "n", 1.0, step)
            eyes.error(mlflow.log_metrics, {"n": 1.0}, step)
        for value, at in enumerate((None, 0, 1, 1_700_000_000_000)):
            eyes.error(mlflow.log_metric, "t", float(value), timestamp=at)
        eyes.error(mlflow.log_metric, "t", 1.0, timestamp=-5)
        eyes.error(mlflow.log_metric, "t", 1.0, timestamp="x")
    eyes.run(run.info.run_id)
    eyes.see(sorted(p.timestamp for p in eyes.client.get_metric_history(run.info.run_id, "t"))[:2])


@scenario
def the_same_point_twice(eyes: Eyes) -> None:
    with mlflow.start_run() as run:
        eyes.know(run.info.run_id)
        for _ in range(3):
            mlflow.log_metric("m", 1.0, step=1, timestamp=1000)
        mlflow.log_metric("m", 2.0, step=1, timestamp=1000)
        mlflow.log_metric("m", 5.0, step=0, timestamp=2000)
        batch = [
            Metric("b", 1.0, 1, 0),
            Metric("b", 1.0, 1, 0),
            Metric("b", 3.0, 1, 0),
            Metric("c", 1.0, 1, 0),
        ]
        eyes.client.log_batch(run.info.run_id, metrics=batch)
    eyes.run(run.info.run_id)


@scenario
def parameters_that_change(eyes: Eyes) -> None:
    with mlflow.start_run() as run:
        run_id = eyes.know(run.info.run_id)
        mlflow.log_param("p", 1)
        eyes.error(mlflow.log_param, "p", 1)
        eyes.error(mlflow.log_param, "p", 2)
        eyes.error(mlflow.log_params, {"q": 1, "p": 3})
        eyes.error(mlflow.log_params, {"p": 1, "r": 2})
        eyes.error(eyes.client.log_param, run_id, "r", 9)
        eyes.error(eyes.client.log_batch, run_id, params=[Param("a", "1"), Param("a", "2")])
        eyes.error(eyes.client.log_batch, run_id, params=[Param("a", "1"), Param("a", "1")])
        mlflow.log_param("after", "all")
    with mlflow.start_run(run_id=run_id):
        eyes.error(mlflow.log_param, "p", 2)
    eyes.run(run_id)


@scenario
def lengths_over_the_limit(eyes: Eyes) -> None:
    with mlflow.start_run() as run:
        eyes.know(run.info.run_id)
        eyes.error(mlflow.log_param, "exact", "x" * 6000)
        mlflow.log_param("long", "x" * 6001)
        mlflow.log_params({"long2": "y" * 7000})
        mlflow.set_tag("long", "z" * 8001)
        eyes.error(mlflow.log_param, "long", "other")
        os.environ["MLFLOW_TRUNCATE_LONG_VALUES"] = "false"
        try:
            eyes.error(mlflow.log_param, "refused", "x" * 6001)
            eyes.error(mlflow.set_tag, "refused", "x" * 8001)
        finally:
            del os.environ["MLFLOW_TRUNCATE_LONG_VALUES"]
    eyes.run(run.info.run_id)


@scenario
def batches_over_the_limit(eyes: Eyes) -> None:
    store = eyes.client._tracking_client.store
    with mlflow.start_run() as run:
        run_id = eyes.know(run.info.run_id)
        eyes.error(
            store.log_batch, run_id, [Metric(f"m{i}", 1.0, 1, 0) for i in range(1001)], [], []
        )
        eyes.error(store.log_batch, run_id, [], [Param(f"p{i}", "1") for i in range(101)], [])
        eyes.error(store.log_batch, run_id, [], [], [RunTag(f"t{i}", "1") for i in range(101)])
        both = (
            [Metric(f"m{i}", 1.0, 1, 0) for i in range(950)],
            [Param(f"p{i}", "1") for i in range(60)],
        )
        eyes.error(store.log_batch, run_id, *both, [])
        mlflow.log_metrics({f"k{i}": float(i) for i in range(1200)})
        mlflow.log_params({f"a{i}": i for i in range(150)})
        mlflow.set_tags({f"g{i}": i for i in range(130)})
    found = eyes.client.get_run(run_id).data
    own = [tag for tag in found.tags if not tag.startswith("ml")]
    eyes.see(len(found.metrics), len(found.params), len(own))


@scenario
def deleted_and_unknown_runs(eyes: Eyes) -> None:
    with mlflow.start_run() as run:
        run_id = eyes.know(run.info.run_id)
        mlflow.log_metric("m", 1.0)
    mlflow.delete_run(run_id)
    for unwilling in (run_id, "0" * 32, "no such run", "x" * 300):
        eyes.error(eyes.client.log_metric, unwilling, "m", 2.0)
        eyes.error(eyes.client.log_param, unwilling, "p", 2.0)
        eyes.error(eyes.client.set_tag, unwilling, "t", 2.0)
        eyes.error(eyes.client.delete_tag, unwilling, "t")
        eyes.error(eyes.client.log_batch, unwilling, [Metric("m", 1.0, 1, 0)])
        eyes.error(eyes.client.set_terminated, unwilling)
        eyes.error(mlflow.start_run, run_id=unwilling)
        eyes.error(mlflow.log_metric, "m", 1.0, run_id=unwilling)
    eyes.client.restore_run(run_id)
    eyes.client.log_metric(run_id, "m", 3.0)
    eyes.run(run_id)


@scenario
def a_run_deleted_while_active(eyes: Eyes) -> None:
    run = mlflow.start_run()
    eyes.know(run.info.run_id)
    mlflow.log_metric("m", 1.0)
    mlflow.delete_run(run.info.run_id)
    eyes.error(mlflow.log_metric, "m", 2.0)
    eyes.error(mlflow.log_metrics, {"m": 2.0})
    eyes.error(mlflow.log_param, "p", 2.0)
    eyes.error(mlflow.end_run)
    eyes.see(mlflow.active_run())


@scenario
def nested_and_resumed_runs(eyes: Eyes) -> None:
    with mlflow.start_run(run_name="outer") as outer:
        eyes.know(outer.info.run_id)
        eyes.error(mlflow.start_run)
        with mlflow.start_run(run_name="inner", nested=True) as inner:
            eyes.know(inner.info.run_id)
            mlflow.log_metric("i", 1.0)
        mlflow.log_metric("o", 1.0)
    with mlflow.start_run(parent_run_id=outer.info.run_id, run_name="later") as later:
        eyes.know(later.info.run_id)
    with mlflow.start_run(run_id=inner.info.run_id, tags={"again": "yes"}) as again:
        eyes.see(again.info.run_id, again.info.status, again.data.metrics)
        mlflow.log_metric("i", 2.0, step=1)
    eyes.see(mlflow.get_parent_run(inner.info.run_id).info.run_id)
    for run in (outer, inner, later):
        eyes.run(run.info.run_id)


@scenario
def an_error_in_a_run(eyes: Eyes) -> None:
    try:
        with mlflow.start_run() as run:
            eyes.know(run.info.run_id)
            mlflow.log_metric("m", 1.0)
            raise ValueError("no")
    except ValueError:
        eyes.see("went on")
    eyes.run(run.info.run_id)


@scenario
def a_search_right_after_a_log(eyes: Eyes) -> None:
    for at in range(3):
        with mlflow.start_run(run_name=f"r{at}") as run:
            eyes.know(run.info.run_id)
            mlflow.log_metric("score", at)
            mlflow.log_param("at", at)
            if at == 2:
                found = mlflow.search_runs(filter_string="params.at = '2'", output_format="list")
                eyes.see([(r.info.run_id, r.info.status, r.data.metrics) for r in found])
    found = mlflow.search_runs(order_by=["metrics.score DESC"], output_format="list")
    eyes.see([(r.info.run_name, r.info.status, r.data.metrics, r.data.params) for r in found])
    frame = mlflow.search_runs(filter_string="metrics.score > 0.5")
    eyes.see(len(frame), sorted(frame["metrics.score"]))
    experiment = mlflow.get_experiment(run.info.experiment_id)
    found = eyes.client.search_runs([experiment.experiment_id], max_results=2)
    eyes.see(len(found), found.token is not None)


@scenario
def asynchronous_logging(eyes: Eyes) -> None:
    with mlflow.start_run() as run:
        eyes.know(run.info.run_id)
        pending = mlflow.log_metric("m", 1.0, synchronous=False)
        eyes.see(type(pending).__name__, pending.wait())
        mlflow.log_metrics({"n": 1.0}, synchronous=False).wait()
        mlflow.log_param("p", 1, synchronous=False).wait()
        mlflow.set_tag("t", 1, synchronous=False).wait()
        mlflow.log_params({"q": 1}, synchronous=False)
        mlflow.flush_async_logging()
        os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "true"
        try:
            eyes.see(
                type(mlflow.log_metric("o", 1.0)).__name__,
                type(mlflow.log_metrics({"o2": 1.0})).__name__,
            )
        finally:
            del os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"]
        mlflow.flush_async_logging()
    eyes.run(run.info.run_id)


@scenario
def tags_set_and_taken_away(eyes: Eyes) -> None:
    with mlflow.start_run() as run:
        run_id = eyes.know(run.info.run_id)
        mlflow.set_tag("a", 1)
        mlflow.set_tag("a", 2)
        mlflow.delete_tag("a")
        eyes.error(mlflow.delete_tag, "a")
        mlflow.set_tag("b", 3)
        eyes.client.set_tag(run_id, "mlflow.runName", "renamed")
    eyes.client.update_run(run_id, name="again")
    eyes.client.update_run(run_id, status="KILLED")
    eyes.run(run_id)


@scenario
def runs_made_by_a_client(eyes: Eyes) -> None:
    experiment_id = mlflow.tracking.fluent._get_experiment_id()
    run = eyes.client.create_run(experiment_id, start_time=123, tags={"a": "b"}, run_name="mine")
    run_id = eyes.know(run.info.run_id)
    eyes.see(
        run.info.status, run.info.start_time, run.info.run_name, run.data.tags, run.data.params
    )
    eyes.client.log_metric(run_id, "m", 1.0, timestamp=5, step=2)
    eyes.client.log_param(run_id, "p", 1)
    eyes.client.set_terminated(run_id, "FAILED", end_time=456)
    eyes.see(eyes.client.get_run(run_id).info.end_time)
    eyes.run(run_id)
    eyes.error(eyes.client.create_run, "999999")
    eyes.error(eyes.client.create_run, experiment_id, tags={"mlflow.runName": "x"}, run_name="y")
    other = eyes.client.create_run(experiment_id)
    eyes.client.update_run(eyes.know(other.info.run_id), status="FINISHED")
    eyes.run(other.info.run_id)


@scenario
def experiments_made_used_and_deleted(eyes: Eyes) -> None:
    name = f"more-{time.time_ns()}"
    experiment_id = mlflow.create_experiment(name)
    with mlflow.start_run(experiment_id=experiment_id) as run:
        eyes.know(run.info.run_id)
        eyes.see(run.info.experiment_id == experiment_id)
    mlflow.delete_experiment(experiment_id)
    try:
        mlflow.start_run(experiment_id=experiment_id)
    except Exception as error:
        text = str(error).replace(experiment_id, "EXPERIMENT")
        eyes.see(type(error).__name__, getattr(error, "error_code", None), text)
    eyes.see(eyes.client.get_run(run.info.run_id).info.lifecycle_stage)
