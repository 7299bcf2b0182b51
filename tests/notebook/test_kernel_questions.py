"""A person is asked in the notebook before something is run or deleted, and the answer is obeyed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pytest

from jupyter_mltrack import deployments, workspaces

THEIRS = """
import mlflow


class Doubled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["x"] * 2


mlflow.models.set_model(Doubled())
"""


class Talk:
    """Runs cells of a kernel and answers what it asks."""

    def __init__(self, kernel: Any) -> None:
        self._client = kernel.client

    def run(self, code: str, *answers: str) -> tuple[list[str], str]:
        """Questions that were asked, and all that was shown."""
        left = list(answers)
        asked: list[str] = []
        shown: list[str] = []

        def ask(message: dict[str, Any]) -> None:
            asked.append(message["content"]["prompt"])
            self._client.input(left.pop(0))

        def show(message: dict[str, Any]) -> None:
            content = message["content"]
            shown.extend(content.get("traceback", []))
            shown.append(content.get("text") or content.get("data", {}).get("text/plain", ""))

        self._client.execute_interactive(
            code, allow_stdin=True, timeout=150, stdin_hook=ask, output_hook=show
        )
        return asked, "\n".join(shown)


@pytest.fixture
def theirs(private_place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A registered model that was not made here."""
    import pandas as pd

    place = workspaces.resolve("local", private_place / "work")
    place.prepare()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", place.tracking_uri)
    code = tmp_path / "doubled.py"
    code.write_text(THEIRS)
    folder = tmp_path / "model"
    mlflow.pyfunc.save_model(
        str(folder), python_model=str(code), pip_requirements=["mlflow"],
        input_example=pd.DataFrame({"x": [1.0]}),
    )  # fmt: skip
    client = mlflow.MlflowClient(place.tracking_uri)
    client.create_registered_model("theirs")
    client.create_model_version("theirs", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    return "theirs"


def test_s16_a_cell_shows_what_would_run_and_asks(kernel: Any, theirs: str) -> None:
    talk = Talk(kernel)
    asked, shown = talk.run("%mltrack deploy theirs", "n")
    assert asked == ["Run the code of theirs/1 on this machine? [y/N] "]
    assert "theirs/1 was not made here. Loading it runs its code on this machine:" in shown
    assert "files that run: doubled.py" in shown
    assert "requirements: mlflow" in shown
    assert "then add --trust to run it." in shown
    assert deployments.list_endpoints().endpoints == []
    asked, shown = talk.run("%mltrack deploy theirs", "y")
    assert len(asked) == 1
    assert "● theirs-local · ready · theirs 1" in shown
    asked, shown = talk.run("%mltrack deploy theirs")
    assert asked == []
    assert "● theirs-local · ready" in shown


def test_what_deletes_or_stops_asks_and_a_no_changes_nothing(kernel: Any, theirs: str) -> None:
    talk = Talk(kernel)
    talk.run("%mltrack deploy theirs --trust")
    asked, shown = talk.run("%mltrack stop theirs-local", "")
    assert asked == ["Stop endpoint theirs-local? [y/N] "]
    asked, shown = talk.run("%mltrack rm theirs-local", "no")
    assert asked == ["Delete endpoint theirs-local? [y/N] "]
    assert deployments.get_endpoint("theirs-local").state == "ready"
    asked, shown = talk.run("%mltrack rm theirs-local", "yes")
    assert "✓ deleted endpoint theirs-local" in shown
    assert deployments.list_endpoints().endpoints == []
    asked, shown = talk.run("%mltrack rm theirs", "y")
    assert asked == ["Delete model theirs with 1 version? [y/N] "]
    assert "✓ deleted model theirs with 1 version" in shown
