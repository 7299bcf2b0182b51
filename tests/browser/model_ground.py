"""Models trained and registered for the browser, and what a person does with them in the panel."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from screen import LIMIT_MS

PANEL = "#jupyter-mltrack-panel"
MODELS = f'{PANEL} .mltrack-Section[aria-label="Models"]'
DEPLOYMENTS = f'{PANEL} .mltrack-Section[aria-label="Deployments"]'
API = "mltrack/api"

TRAIN = """
import json, os, sys
from jupyter_mltrack import workspaces
place = workspaces.resolve("local")
place.prepare()
os.environ["MLFLOW_TRACKING_URI"] = place.tracking_uri
import jupyter_mltrack, mlflow, numpy as np, pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

class Broken(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        raise RuntimeError("the weights <b>are</b> not there")
    def predict(self, context, model_input, params=None):
        return model_input

for seed, want in enumerate(json.loads(sys.argv[1])):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"tenure": rng.integers(1, 72, 200), "monthly": rng.normal(60, 20, 200)})
    y = np.where(X["monthly"] / X["tenure"] > 2, "leaves", "stays")
    X = X.rename(columns=want.get("columns", {}))
    fit = LogisticRegression(max_iter=500).fit(X, y)
    with jupyter_mltrack.track(want["run"]):
        mlflow.log_input(mlflow.data.from_pandas(X, name="customers"))
        mlflow.log_metric("acc", float(fit.score(X, y)))
        given = dict(name="model", input_example=X.head(1), registered_model_name=want.get("model"))
        # Named here: MLflow would load each model in a process of its own to find them out.
        given["pip_requirements"] = ["mlflow", "scikit-learn"]
        signature = infer_signature(X, pd.DataFrame({"churn": fit.predict(X)}))
        if want.get("broken"):
            mlflow.pyfunc.log_model(python_model=Broken(), signature=signature, **given)
        else:
            mlflow.sklearn.log_model(fit, signature=signature, **given)
"""
HOSTILE = "\"><img src='trap-img' onerror=alert(1)>\u202egnirts"


def train(lab: Any, path: str, *wanted: dict[str, Any], data: Path | None = None) -> None:
    """Train and register versions with a program of the project's folder.

    Args:
        lab: whose settings.
        path: of the project's notebook.
        wanted: for each version its `run` and `model`.
        data: another data folder: then it was not made here.
    """
    environment = {"MLTRACK_DATA_DIR": str(data)} if data else {}
    run_program(lab, path, TRAIN, json.dumps(wanted), environment)


def run_program(
    lab: Any, path: str, source: str, argument: str = "", environment: dict[str, str] | None = None
) -> None:
    """Run a program in the project's folder as its user would."""
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", source, argument],
        cwd=lab.folder(path),
        env=lab.environment | (environment or {}),
        check=True,
        capture_output=True,
        timeout=1000,
    )


@pytest.fixture(scope="session")
def project(lab: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A notebook in a project with models of all kinds."""
    path = lab.project("1")
    train(
        lab,
        path,
        {"model": "churn", "run": "first"},
        {"model": "churn", "run": "second"},
        {"model": "broken", "run": "third", "broken": True},
        {"model": HOSTILE, "run": HOSTILE, "columns": {"tenure": HOSTILE}},
        {"run": "logged only"},
    )
    train(
        lab,
        path,
        {"model": "theirs", "run": "elsewhere"},
        data=tmp_path_factory.mktemp("elsewhere"),
    )
    return path


@pytest.fixture
def opened(screen: Any, lab: Any, project: str) -> Iterator[Any]:
    """The panel on that project; what was deployed is taken away afterwards."""
    screen.open(project)
    screen.wait(f"{MODELS} .mltrack-ModelRow")
    yield screen
    for one in lab.request(f"{API}/endpoints")["endpoints"]:
        post(lab, "endpoints/remove", {"name": one["name"], "confirm": one["name"]})


def post(lab: Any, route: str, body: Any) -> Any:
    """Ask a route to do something, as a program would."""
    request = urllib.request.Request(
        f"{lab.address}/{API}/{route}", data=json.dumps(body).encode(), method="POST"
    )
    request.add_header("Authorization", "token browser")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=LIMIT_MS / 1000) as answer:
        return json.loads(answer.read())


def model_row(name: str) -> str:
    return f'{MODELS} .mltrack-ModelRow[data-model="{name}"]'


def version(number: int) -> str:
    return f'{MODELS} .mltrack-Version[data-version="{number}"]'


def open_form(screen: Any, number: int) -> str:
    """Open the deploy form of a version; its selector."""
    screen.page.click(f"{version(number)} .mltrack-Version-head >> text=Deploy")
    form = f"{version(number)} .mltrack-Deploy"
    screen.wait(f"{form} .mltrack-Targets")
    return form


def deploy(screen: Any, number: int) -> str:
    """The two clicks of a deploy with nothing changed, to its end."""
    form = open_form(screen, number)
    screen.page.click(f'{form} button[type="submit"]:enabled')
    screen.wait(f'{form} .mltrack-Job[data-state="done"]')
    return form


def open_endpoint(screen: Any, name: str, tab: str = "try") -> str:
    row = f'{DEPLOYMENTS} .mltrack-EndpointRow[data-endpoint="{name}"]'
    screen.wait(row)
    if screen.page.get_attribute(row, "aria-expanded") == "false":
        screen.page.click(row)
    screen.page.click(f'{DEPLOYMENTS} [data-tab="{tab}"]')
    return f"{DEPLOYMENTS} .mltrack-Endpoint"


def predict(screen: Any, **values: str) -> str:
    """Fill in fields and press Predict; the text of the answer's first row."""
    form = f"{DEPLOYMENTS} .mltrack-Try"
    for name, value in values.items():
        screen.page.fill(f'{form} [data-input="{name}"] input', value)
    before = screen.page.locator(f"{form} .mltrack-Answer")
    number = int(before.get_attribute("data-call")) if before.count() else 0
    screen.page.click(f'{form} button[type="submit"]')
    screen.wait(f'{form} .mltrack-Answer[data-call="{number + 1}"]')
    return screen.page.locator(f"{form} .mltrack-Predictions tbody tr").first.text_content()
