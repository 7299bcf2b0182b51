"""The example notebooks run from top to bottom, in a kernel and as scripts without IPython, with the same runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from as_script import EXAMPLES, AsScript
from leftovers import end_keeper
from nbclient import NotebookClient

from jupyter_mltrack import deployments


def executed(name: str, folder: Path) -> str:
    """All that the notebook's cells show as text."""
    folder.mkdir(exist_ok=True)
    (folder / "mltrack.toml").touch()
    shutil.copy(EXAMPLES / name, folder)
    notebook = nbformat.read(folder / name, as_version=4)
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=280, kernel_name="python3", resources=place).execute()
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            texts.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return "\n".join(texts)


@pytest.fixture
def as_script(tmp_path: Path) -> Iterator[Callable[..., AsScript]]:
    """Starts an example as a script in the folder `script`; with endpoints of its own if told so."""
    begun: list[AsScript] = []
    own_data = tmp_path / "script-data"

    def start(name: str, *, apart: bool = False) -> AsScript:
        begun.append(AsScript(name, tmp_path / "script", own_data if apart else None))
        return begun[-1]

    yield start
    for one in begun:
        one.stop()
    end_keeper(own_data)


@pytest.fixture
def learned(store_of: Callable[[Path], Any]) -> Callable[[Path], dict[str, tuple[Any, ...]]]:
    """Status, parameters, newest metrics and number of points of a folder's runs, by name."""
    return lambda folder: {
        run["name"]: (run["status"], run["params"], run["metrics"], run["points"])
        for run in store_of(folder).runs()
    }


@pytest.mark.slow
def test_the_quickstart_trains_registers_deploys_and_predicts_in_a_kernel_and_as_a_script(
    tmp_path: Path,
    as_script: Callable[..., AsScript],
    learned: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = as_script("quickstart.ipynb", apart=True)
    shown = executed("quickstart.ipynb", tmp_path / "kernel")
    for text in (shown, script.printed()):
        assert "● digits-local · ready · digits 1 · http://127.0.0.1:" in text
        assert "digits-local answered · version 1" in text
        assert "The labels say 1 5 6" in text
    (endpoint,) = deployments.list_endpoints().endpoints
    assert (endpoint.name, endpoint.state) == ("digits-local", "ready")
    found = learned(tmp_path / "kernel")
    assert found.keys() == {"digits-mlp", "digits-linear"}
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(tmp_path / "script-data"))
    assert learned(tmp_path / "script") == found


@pytest.mark.slow
def test_the_deploy_notebook_goes_the_whole_way_and_leaves_no_endpoint_nor_does_its_script(
    tmp_path: Path,
    as_script: Callable[..., AsScript],
    learned: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = as_script("deploy.ipynb", apart=True)
    shown = executed("deploy.ipynb", tmp_path / "kernel")
    for text in (shown, script.printed()):
        for words in (
            "✓ tumours/1",
            "● tumours · ready · tumours 1 ",
            "tumours answered · version 1",
            "● tumours · ready · tumours 1 (90 %), 2 (10 %)",
            "● tumours · ready · tumours 1 (0 %), 2 (100 %)",
            "143 rows scored",
            "▲ Drift: ",
            "✓ deleted endpoint tumours",
            "No endpoints yet",
        ):
            assert words in text
    assert deployments.list_endpoints().endpoints == []
    found = learned(tmp_path / "kernel")
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(tmp_path / "script-data"))
    assert deployments.list_endpoints().endpoints == []
    others = learned(tmp_path / "script")
    assert others.keys() == found.keys()
    for name in ("tumours-linear", "tumours-svm"):
        assert others[name] == found[name]


@pytest.mark.slow
def test_a_sweep_is_one_run_that_holds_its_trials_in_a_kernel_and_as_a_script(
    tmp_path: Path,
    as_script: Callable[..., AsScript],
    store_of: Callable[..., Any],
    learned: Callable[..., Any],
) -> None:
    script = as_script("sweep.ipynb")
    shown = executed("sweep.ipynb", tmp_path / "kernel")
    assert "✓ sweep · best_val_loss 0.04" in shown
    assert "✓ chosen · " in shown
    script.printed()
    for folder in (tmp_path / "kernel", tmp_path / "script"):
        runs = {run["name"]: run for run in store_of(folder).runs()}
        sweep = runs.pop("sweep")
        assert runs.pop("chosen")["params"].keys() == {"rate", "alpha"}
        assert len(runs) == 9
        assert {run["tags"]["mlflow.parentRunId"] for run in runs.values()} == {sweep["id"]}
        assert {run["points"] for run in runs.values()} == {60}
        best = min(run["metrics"]["val_loss"] for run in runs.values())
        assert sweep["metrics"]["best_val_loss"] == best
    assert learned(tmp_path / "script") == learned(tmp_path / "kernel")


@pytest.mark.slow
def test_a_watched_loop_has_the_same_curve_in_a_kernel_and_as_a_script(
    tmp_path: Path, as_script: Callable[..., AsScript], learned: Callable[..., Any]
) -> None:
    script = as_script("boosting.ipynb")
    shown = executed("boosting.ipynb", tmp_path / "kernel")
    assert "✓ boosting · loss " in shown
    script.printed()
    found = learned(tmp_path / "kernel")
    status, params, metrics, points = found["boosting"]
    assert (status, params["patience"], metrics.keys()) == ("FINISHED", "15", {"loss", "val_loss"})
    assert points > 100
    assert learned(tmp_path / "script") == found


@pytest.mark.slow
def test_the_headless_notebook_runs_by_the_terminals_word_and_as_a_script(
    tmp_path: Path, as_script: Callable[..., AsScript], learned: Callable[..., Any]
) -> None:
    script = as_script("headless.ipynb")
    folder = tmp_path / "terminal"
    folder.mkdir()
    (folder / "mltrack.toml").touch()
    shutil.copy(EXAMPLES / "headless.ipynb", folder)
    done = subprocess.run(
        [*(sys.executable, "-m", "jupyter_mltrack.cli", "run", "headless.ipynb"),
         *("-p", "hidden=16", "-o", "executed.ipynb")],
        cwd=folder, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "✓ wine · " in str(nbformat.read(folder / "executed.ipynb", as_version=4))
    script.printed()
    assert (tmp_path / "script" / "wine.html").exists()
    status, params, metrics, points = learned(tmp_path / "script")["wine"]
    assert (status, points) == ("FINISHED", 41)
    assert params == {"hidden": "32", "rate": "0.01", "epochs": "20"}
    others = learned(folder)
    assert others["wine"][0] == "FINISHED"
    assert others["wine"][1] == params | {"hidden": "16"}
    assert others["wine"][2].keys() == metrics.keys()
    assert {status for status, *_ in others.values()} == {"FINISHED"}
    assert len(others) == 2
