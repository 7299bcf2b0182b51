"""Every test works in a folder of its own: no run, journal or setting of the person who runs it is touched."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_CLEARED = ("MLFLOW_", "MLTRACK_", "DATABRICKS_", "AZUREML_")


@pytest.fixture(autouse=True)
def private_place(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Point data, Jupyter, home-like and working folders at a temporary place."""
    for name in [name for name in os.environ if name.startswith(_CLEARED)]:
        monkeypatch.delenv(name)
    place = tmp_path / "place"
    work = place / "work"
    work.mkdir(parents=True)
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(place / "data"))
    # MLflow makes its schema once for all tests, not once for each
    templates = tmp_path_factory.getbasetemp().parent / "mltrack_templates"
    monkeypatch.setenv("MLTRACK_TEMPLATES_DIR", str(templates))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(place / "jupyter"))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(place / "jupyter_config"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(place / "jupyter_runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(place / "ipython"))
    monkeypatch.chdir(work)
    return place
