"""Scenarios of MLflow's contract: data sets, artifacts, models, what the environment says."""

from __future__ import annotations

import os
from typing import Any

import mlflow
from contract_eyes import Eyes, scenario


@scenario
def data_sets_that_went_in(eyes: Eyes) -> None:
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2], "b": [3.0, 4.0]})
    data = mlflow.data.from_pandas(frame, name="frame", targets="b")
    with mlflow.start_run() as run:
        eyes.know(run.info.run_id)
        mlflow.log_input(data, context="training", tags={"k": "v"})
        mlflow.log_metric("fit", 0.5, dataset=data)
        mlflow.log_metrics({"fit2": 0.5}, dataset=data, step=1)
    found = eyes.client.get_run(run.info.run_id)
    inputs = [
        (i.dataset.name, i.dataset.digest, sorted((t.key, t.value) for t in i.tags))
        for i in found.inputs.dataset_inputs
    ]
    eyes.see(sorted(inputs))
    eyes.run(run.info.run_id)


@scenario
def artifacts(eyes: Eyes) -> None:
    with mlflow.start_run() as run:
        eyes.know(run.info.run_id)
        mlflow.log_text("hello", "a/b.txt")
        mlflow.log_dict({"x": 1}, "c.json")
    eyes.see(sorted(f.path for f in eyes.client.list_artifacts(run.info.run_id)))
    eyes.see(mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/a/b.txt"))


@scenario
def a_model_and_its_metrics(eyes: Eyes) -> None:
    class Plain(mlflow.pyfunc.PythonModel):
        def predict(self, context: Any, model_input: list[str], params: Any = None) -> list[str]:
            return model_input

    with mlflow.start_run() as run:
        eyes.know(run.info.run_id)
        logged = mlflow.pyfunc.log_model(name="model", python_model=Plain(), pip_requirements=[])
        mlflow.log_metric("score", 0.5, model_id=logged.model_id)
        mlflow.log_metrics({"other": 1.0}, model_id=logged.model_id, step=2)
        mlflow.log_metric("bare", 2.0)
    found = eyes.client.get_run(run.info.run_id)
    eyes.see(len(found.outputs.model_outputs))
    model = mlflow.get_logged_model(logged.model_id)
    eyes.see(sorted((m.key, m.value, m.step) for m in model.metrics or []))
    eyes.see(mlflow.pyfunc.load_model(logged.model_uri).predict(["x"]))
    eyes.run(run.info.run_id)


@scenario
def autologging_of_scikit_learn(eyes: Eyes) -> None:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    features, target = load_iris(return_X_y=True)
    mlflow.sklearn.autolog(log_models=False, silent=True)
    try:
        LogisticRegression(max_iter=50).fit(features, target)
        run_id = eyes.know(mlflow.last_active_run().info.run_id)
        with mlflow.start_run() as mine:
            eyes.know(mine.info.run_id)
            LogisticRegression(C=0.5, max_iter=50).fit(features, target)
    finally:
        mlflow.sklearn.autolog(disable=True, silent=True)
    for one in (run_id, mine.info.run_id):
        run = eyes.client.get_run(one)
        eyes.see(run.info.status, sorted(run.data.params.items()), sorted(run.data.metrics.items()))
        eyes.see(
            sorted(
                tag for tag in run.data.tags if tag.startswith(("estimator", "mlflow.autologging"))
            )
        )


@scenario
def environment_variables_that_mlflow_reads(eyes: Eyes) -> None:
    with mlflow.start_run() as run:
        run_id = eyes.know(run.info.run_id)
    os.environ["MLFLOW_RUN_ID"] = run_id
    mlflow.log_metric("m", 1.0)
    eyes.see(mlflow.active_run().info.run_id, "MLFLOW_RUN_ID" in os.environ)
    mlflow.end_run()
    eyes.run(run_id)
