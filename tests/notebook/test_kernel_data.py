"""The data and the order of cells with a real kernel: seen by MLflow, `show` and the line."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from jupyter_mltrack import workspaces
from jupyter_mltrack.runs.inputs import datasets
from jupyter_mltrack.wire import DataInfo


def data_of(work: Path, run_id: str) -> dict[tuple[str, str], DataInfo]:
    found = datasets(workspaces.resolve("local", work), run_id)
    return {(one.name, one.context): one for one in found}


def save(path: Path, *cells: tuple[str, str]) -> None:
    content = [{"cell_type": "code", "id": one, "source": text} for one, text in cells]
    path.write_text(json.dumps({"cells": content}))
    os.utime(path, (time.time() + 60, time.time() + 60))


def test_a_run_has_the_data_its_cell_used_and_warns_of_its_order(
    new_kernel: Any, store: Any, private_place: Path, monkeypatch: Any
) -> None:
    work = private_place / "work"
    (work / "rows.csv").write_text("x,y\n1,2\n3,4\n")
    notebook = work / "n.ipynb"
    monkeypatch.setenv("JPY_SESSION_NAME", str(notebook))
    kernel = new_kernel()
    setup = (
        "import pandas as pd, numpy as np\nframe = pd.DataFrame({'a': [1.0, 2.0], 't': ['u', 'v']})\n"
        "big = np.zeros((1_000_000, 3))\nunused = np.zeros(9)\nloop = []; loop.append(loop)\n"
        "odd = pd.Series([loop, lambda: 1])\ndef total(): return frame.a.sum()\n"
    )
    patient = "from jupyter_mltrack.tracking.used import uses; uses.BUDGET_S = 100"
    assert kernel.run(patient).status == "ok"
    assert kernel.run(setup, cellId="one").status == "ok"
    cell = (
        "%%track study\nrows = pd.read_csv('rows.csv')\nframe = total() + big.sum() + len(odd)\n"
        "big += 1\nprint(rows.x.mean())\n# unused\n"
    )
    save(notebook, ("one", setup), ("two", cell))
    assert kernel.run(cell, cellId="two").shown.startswith("✓ study")
    lost = "%%track lost\nprint(big.sum(), len(odd))\nraise ValueError\n"
    doubts = "big from a cell further below; odd from a cell that was edited since it ran"
    save(notebook, ("three", lost), ("one", setup + "x = 1"), ("two", cell))
    reply = kernel.run(lost, cellId="three")
    assert reply.error == "ValueError"
    assert f"⚠ {doubts}" in reply.lines
    assert kernel.run("%%track await\nimport asyncio\nawait asyncio.sleep(0)\nodd\n").status == "ok"
    kernel.settle()
    study, failed, waited = store.runs()
    found = data_of(work, study["id"])
    assert set(found) == {
        ("rows.csv", "file"), ("rows", "made in the cell"), ("frame", "used"), ("big", "used"),
        ("odd", "used"),
    }  # fmt: skip
    frame, big = found["frame", "used"], found["big", "used"]
    assert (frame.shape, [one.type for one in frame.columns]) == ([2, 2], ["double", "string"])
    assert (big.rows, big.shape, big.size_bytes) == (1_000_000, [1_000_000, 3], 24_000_000)
    assert big.note == "digest of 9,984 of 1,000,000 rows"
    assert found["rows.csv", "file"].source == "rows.csv"
    assert big.digest != data_of(work, failed["id"])["big", "used"].digest  # seen before `big += 1`
    assert set(data_of(work, waited["id"])) == {("odd", "used")}
    assert "mltrack.order" not in study["tags"]
    assert failed["tags"]["mltrack.order"] == doubts
    shown = kernel.run(f"%mltrack show {failed['id']}").shown
    assert "1,000,000 x 3" in shown
    assert f"⚠ {doubts}" in shown
    requirements = work / ".mltrack" / "artifacts" / study["id"]
    text = next(requirements.rglob("requirements.txt")).read_text()
    assert "\npandas==" in text

    from mlflow import MlflowClient

    uri = workspaces.resolve("local", work).tracking_uri
    inputs = MlflowClient(uri).get_run(study["id"]).inputs.dataset_inputs
    assert {one.dataset.name for one in inputs} == {name for name, _ in found}
    (work / "mltrack.toml").write_text("keep_data = false\nkeep_order = false\n")
    assert kernel.run(lost.replace("lost", "off"), cellId="three").lines[-1].startswith("✕ off")
    kernel.settle()
    off = store.runs()[-1]
    assert data_of(work, off["id"]) == {}
    assert "mltrack.order" not in off["tags"]
