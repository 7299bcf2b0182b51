"""Customers, models trained on them in tracked runs, and the log of an endpoint that served one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import jupyter_mltrack
from jupyter_mltrack.workspaces import Workspace


class Ground(NamedTuple):
    """The workspace, where its data lies, and the runs that made its models."""

    workspace: Workspace
    data_dir: Path
    runs: dict[str, str]


INPUTS = ["age", "city", "visits", "member"]


def customers(rows: int, seed: int = 0, *, shift: float = 0.0) -> pd.DataFrame:
    """Rows with the column `left` that the model learns; `shift` makes them older."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": generator.normal(40 + shift, 10, rows),
            "city": generator.choice(["Basel", "Bern", "Genf"], rows, p=[0.5, 0.3, 0.2]),
            "visits": generator.integers(0, 6, rows),
            "member": generator.random(rows) < 0.3,
        }
    )
    risk = (frame["age"] - 40) / 10 + 0.5 * frame["member"] + generator.normal(0, 0.5, rows)
    frame["left"] = np.where(risk > 0.2, "yes", "no")
    return frame


def train_churn() -> str:
    """A run that logs its training data and its model; the run's id."""
    rows = customers(4_000)
    with jupyter_mltrack.track("fit churn", quiet=True) as run:
        dataset = mlflow.data.from_pandas(rows, targets="left", name="customers")
        mlflow.log_input(dataset, context="training")
        model = make_pipeline(
            make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), ["city"]),
                ("passthrough", ["age", "visits", "member"]),
            ),
            LogisticRegression(max_iter=1_000),
        ).fit(rows[INPUTS], rows["left"])
        outputs = pd.DataFrame({"left": model.predict(rows[INPUTS])})
        mlflow.sklearn.log_model(
            model,
            name="model",
            signature=infer_signature(rows[INPUTS], outputs),
            pip_requirements=["scikit-learn"],
        )
    return run.run_id


def train_price() -> str:
    """The same from arrays, whose columns have no names, with the model before the data."""
    generator = np.random.default_rng(1)
    x = generator.normal(size=(1_000, 3))
    y = x @ np.array([1.0, 2.0, 3.0])
    with jupyter_mltrack.track("fit price", quiet=True) as run:
        model = LinearRegression().fit(x, y)
        mlflow.sklearn.log_model(
            model, name="model", signature=infer_signature(x, y), pip_requirements=["scikit-learn"]
        )
        mlflow.log_input(mlflow.data.from_numpy(x, targets=y), context="train")
    return run.run_id


def train_bare() -> str:
    """A run that logs a model and no data."""
    rows = customers(200)
    with jupyter_mltrack.track("fit bare", quiet=True) as run:
        mlflow.sklearn.log_model(
            LinearRegression().fit(rows[["age"]], rows["visits"]),
            name="model",
            signature=infer_signature(rows[["age"]], rows["visits"]),
            pip_requirements=["scikit-learn"],
        )
    return run.run_id


def served(
    rows: pd.DataFrame,
    name: str,
    *,
    predict: Callable[[pd.DataFrame], Any],
    version: str = "1",
    every_ms: int = 1_000,
    redact: str = "",
) -> list[str]:
    """Write the log of an endpoint that was asked for these rows one by one; ids of the requests."""
    from jupyter_mltrack.monitoring import endpoint_folder

    folder: Path = endpoint_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "endpoint.json").write_text("{}")
    answers = list(predict(rows))
    now_ms = int(time.time() * 1000)
    ids = [f"{name}-{version}-{at}" for at in range(len(rows))]
    with (folder / f"{version}-1-{now_ms}.jsonl").open("w") as file:
        for at, (values, answer) in enumerate(zip(rows.to_dict("records"), answers, strict=True)):
            row = ["[redacted]" if key == redact else values[key] for key in rows.columns]
            said = {
                "t_ms": now_ms - (len(rows) - at) * every_ms,
                "id": ids[at],
                "version": version,
                "status": 200,
                "latency_ms": 2.0 + at % 10,
                "rows": 1,
                "inputs": {"columns": list(rows.columns), "data": [[_json(one) for one in row]]},
                "outputs": {"columns": ["left"], "data": [[_json(answer)]]},
                "shadow": False,
                "error": None,
            }
            file.write(json.dumps(said) + "\n")
    return ids


def _json(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not np.isfinite(value) else value
