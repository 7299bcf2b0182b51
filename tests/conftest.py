"""Every test works in a folder of its own: no run, journal or setting of the person who runs it is touched."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import leftovers
import pytest

# pyspark takes a main module of which nothing is known for a run of its own doctests, and ends the
# process when it is imported; pytest-xdist's workers have such a one.
if getattr(sys.modules["__main__"], "__spec__", None) is None:
    sys.modules["__main__"].__spec__ = ModuleSpec("__main__", None)

_CLEARED = ("MLFLOW_", "MLTRACK_", "DATABRICKS_", "AZUREML_")


@pytest.fixture(autouse=True)
def private_place(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Point data, Jupyter, home-like and working folders at a temporary place."""
    process = leftovers.Process()
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
    yield place
    leftovers.end_keeper(place / "data")
    leftovers.forget_tracking()
    process.restore()


@pytest.fixture
def mlflow_server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real MLflow server that hands artifacts out itself, and its process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (tmp_path / "served").mkdir()
    from jupyter_mltrack import workspaces

    place = workspaces.resolve(str(tmp_path / "served"))
    place.prepare()
    keep = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
         "--workers", "1", "--backend-store-uri", place.tracking_uri,
         "--artifacts-destination", str(tmp_path / "served" / "files")],
        cwd=tmp_path, env=keep | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        until_s = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1).close()
                break
            except OSError:
                assert time.monotonic() < until_s
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.wait(20)
