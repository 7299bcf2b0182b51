"""A folder of a test's own for all that the product, Jupyter and MLflow would keep in a home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_CLEARED = ("MLFLOW_", "MLTRACK_", "DATABRICKS_", "AZUREML_")


def templates(factory: pytest.TempPathFactory) -> Path:
    """Where MLflow's schema is kept, which it makes once for all tests."""
    return factory.getbasetemp().parent / "mltrack_templates"


def point_at(place: Path, kept: Path, patched: pytest.MonkeyPatch) -> Path:
    """Have processes begun from now on work in a place; returns the folder to work in."""
    for name in [name for name in os.environ if name.startswith(_CLEARED)]:
        patched.delenv(name)
    work = place / "work"
    work.mkdir(parents=True)
    patched.setenv("MLTRACK_DATA_DIR", str(place / "data"))
    patched.setenv("MLTRACK_TEMPLATES_DIR", str(kept))
    patched.setenv("JUPYTER_DATA_DIR", str(place / "jupyter"))
    patched.setenv("JUPYTER_CONFIG_DIR", str(place / "jupyter_config"))
    patched.setenv("JUPYTER_RUNTIME_DIR", str(place / "jupyter_runtime"))
    patched.setenv("IPYTHONDIR", str(place / "ipython"))
    return work
