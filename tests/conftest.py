"""Every test works in a folder of its own: no run, journal or setting of the person who runs it is touched."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from pathlib import Path

import hypothesis
import leftovers
import mlflow_ground
import places
import pytest

# pyspark takes a main module of which nothing is known for a run of its own doctests, and ends the
# process when it is imported; pytest-xdist's workers have such a one.
if getattr(sys.modules["__main__"], "__spec__", None) is None:
    sys.modules["__main__"].__spec__ = ModuleSpec("__main__", None)

# How long an example takes says how busy the machine is, and nothing else.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")


@pytest.fixture(autouse=True)
def private_place(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Point data, Jupyter, home-like and working folders at a temporary place."""
    process = leftovers.Process()
    place = tmp_path / "place"
    monkeypatch.chdir(places.point_at(place, places.templates(tmp_path_factory), monkeypatch))
    yield place
    leftovers.end_keeper(place / "data")
    leftovers.forget_tracking()
    process.restore()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real MLflow server that all tests use; names in it are a test's own."""
    place = mlflow_ground.of_all(tmp_path_factory) / "mlflow_server"
    with mlflow_ground.shared(place, places.templates(tmp_path_factory)) as address:
        yield address


@pytest.fixture
def mlflow_server(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real MLflow server for one test, and its process, to be ended in mid-work."""
    (tmp_path / "served").mkdir()
    database = mlflow_ground.new_database(tmp_path / "served", places.templates(tmp_path_factory))
    address, process = mlflow_ground.start(tmp_path / "server", database)
    yield address, process
    mlflow_ground.end(process.pid)
    process.wait(150)
