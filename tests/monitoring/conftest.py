"""One embedded workspace for all tests here, with models that were trained in tracked runs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import leftovers
import pytest
import watch_ground
from mlflow.tracking import MlflowClient
from watch_ground import Ground

from jupyter_mltrack import workspaces
from jupyter_mltrack.workspaces import Workspace


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """`churn/1` made here, `churn/2` a stranger's copy, `price/1` of arrays, `bare/1` without data."""
    place = tmp_path_factory.mktemp("watching")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLTRACK_DATA_DIR", str(place / "data"))
        templates = tmp_path_factory.getbasetemp().parent / "mltrack_templates"
        patch.setenv("MLTRACK_TEMPLATES_DIR", str(templates))
        made = workspaces.embedded(place)
        made.prepare()
        patch.setenv("MLFLOW_TRACKING_URI", made.tracking_uri)
        runs = {
            "churn": watch_ground.train_churn(),
            "price": watch_ground.train_price(),
            "bare": watch_ground.train_bare(),
        }
        import jupyter_mltrack

        for name, run_id in runs.items():
            jupyter_mltrack.register(run_id, name)
        client = MlflowClient(made.tracking_uri)
        source = client.get_model_version("churn", "1").source
        copy = place / "stranger"
        shutil.copytree(source.removeprefix("file://"), copy)
        with (copy / "MLmodel").open("a") as file:
            file.write("# not the same bytes\n")
        client.create_model_version("churn", copy.as_uri(), runs["churn"])
        client.create_registered_model("orphan")
        client.create_model_version("orphan", copy.as_uri())
    leftovers.forget_tracking()
    return Ground(made, place / "data", runs)


@pytest.fixture
def here(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The same, as the workspace that is set."""
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(ground.data_dir))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", ground.workspace.tracking_uri)
    yield ground.workspace
    shutil.rmtree(ground.data_dir / "deployments", ignore_errors=True)
