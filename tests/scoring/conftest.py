"""One embedded workspace for all tests here, with real models that MLflow saved and registered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mlflow.tracking import MlflowClient
from scoring_ground import save_all

from jupyter_mltrack import workspaces
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.workspaces import Workspace


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace with the models; its runs are those of all tests."""
    place = tmp_path_factory.mktemp("scoring")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLTRACK_DATA_DIR", str(place / "data"))
        made = workspaces.embedded(place)
        made.prepare()
        client = MlflowClient(tracking_uri=made.tracking_uri)
        for name, path in save_all(place).items():
            client.create_registered_model(name)
            client.create_model_version(name, path.as_uri())
    return made


@pytest.fixture
def here(store: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The same, as the workspace that is set."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.tracking_uri)
    yield store
    choice.forget()
