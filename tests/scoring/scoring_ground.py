"""Rows, and real models that MLflow saves."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import cloudpickle
import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from mlflow.types import ColSpec, Schema
from sklearn.linear_model import LinearRegression, LogisticRegression


class Odd(mlflow.pyfunc.PythonModel):
    """Fails where `a` is negative; else gives text, whatever else is in the row."""

    def predict(self, context, model_input, params=None):
        if (model_input["a"] < 0).any():
            raise ArithmeticError("a is below zero")
        return [f"{value:.0f}" for value in model_input["a"]]


class Short(mlflow.pyfunc.PythonModel):
    """Gives one value for all rows."""

    def predict(self, context, model_input, params=None):
        return np.array([1.0])


class Slow(mlflow.pyfunc.PythonModel):
    """Takes ten minutes."""

    def predict(self, context, model_input, params=None):
        if len(model_input) > 20:  # it was asked before what it gives
            time.sleep(600)
        return np.zeros(len(model_input))


def customers(rows: int, seed: int = 0) -> pd.DataFrame:
    """Rows as the model `churn` takes them."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["age", "balance", "last seen"])
    return found.assign(children=rng.integers(0, 4, rows))


def save_all(place: Path) -> dict[str, Path]:
    """Models in folders, by name."""
    rows = customers(200)
    churned = (rows["balance"] > 0).map({True: "yes", False: "no"})
    inputs = Schema(
        [
            ColSpec("double", "age"),
            ColSpec("double", "balance"),
            ColSpec("double", "last seen"),
            ColSpec("long", "children"),
        ]
    )
    outputs = Schema([ColSpec("string", "churned")])
    signature = mlflow.models.ModelSignature(inputs=inputs, outputs=outputs)
    churn = LogisticRegression().fit(rows, churned)
    unsigned = LinearRegression().fit(rows.to_numpy(), rows["age"] * 2)
    twin = LinearRegression().fit(rows[["age"]], rows["age"] * 3)
    own_name = infer_signature(rows[["age"]], pd.DataFrame({"age": [0.0]}))
    found = {name: place / name for name in ("churn", "unsigned", "twin", "odd", "short", "slow")}
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    keywords = {"pip_requirements": ["scikit-learn"]}
    mlflow.sklearn.save_model(churn, found["churn"], signature=signature, **keywords)
    mlflow.sklearn.save_model(unsigned, found["unsigned"], **keywords)
    mlflow.sklearn.save_model(twin, found["twin"], signature=own_name, **keywords)
    mlflow.pyfunc.save_model(found["odd"], python_model=Odd(), pip_requirements=[])
    mlflow.pyfunc.save_model(found["short"], python_model=Short(), pip_requirements=[])
    mlflow.pyfunc.save_model(found["slow"], python_model=Slow(), pip_requirements=[])
    cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    return found


def files() -> list[str]:
    """Names of what lies in the working folder."""
    return sorted(os.listdir())
