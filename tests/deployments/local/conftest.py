"""Real models on this machine: one keeper for a session's tests, another for those that kill it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_ground import Ground, save_models, wait_until


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of saved models: `plain` (scikit-learn), `odd` (does what it is told), `broken`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return save_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def session_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("keeper") / "data"
    yield place
    Ground(place, {}).quit()


@pytest.fixture
def ground(
    private_place: Path,
    session_place: Path,
    models: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Ground]:
    """A keeper that other tests use too; the endpoints of this test go when it ends."""
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(session_place))
    ground = Ground(session_place, models)
    yield ground
    ground.clear()


@pytest.fixture
def own_ground(private_place: Path, models: dict[str, Path]) -> Iterator[Ground]:
    """A keeper of this test alone."""
    ground = Ground(Path(os.environ["MLTRACK_DATA_DIR"]), models)
    yield ground
    pids = ground.processes()
    ground.quit()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
