"""The emulator for all tests of a session, and an environment that points every client at it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

sys.path.insert(0, str(Path(__file__).parents[2]))

from jupyter_mltrack.azure import keeper_line, signing_in
from jupyter_mltrack.azure import scope as wanted
from jupyter_mltrack.azure.credentials import credential
from tests.emulators.azure import artifacts, mlflow_proxy
from tests.emulators.azure.handle import Azure, Scope

HERE = Path(__file__).parent
LIMIT_S = 600
"""The first test of a process waits for MLflow's server and for the import of Azure's clients."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests of this folder their time, unless one says how much it needs."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT_S))


@pytest.fixture(scope="session")
def azure_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """One emulator; Azure's plugin of MLflow reads the cloud's address when it is imported."""
    made = Azure(tmp_path_factory.mktemp("azure"))
    os.environ.update(made.signed_out)
    mlflow_proxy.warm(made.state)  # is up by the time a test needs it
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def azure(
    azure_session: Azure, private_place: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Azure]:
    """The emulator, its faults and switches as new, and this process as its service principal.

    Whatever a test does, it asks by routes of the service's contract only.
    """
    azure_session.reset()
    for name, value in azure_session.environment.items():
        monkeypatch.setenv(name, value)
    yield azure_session
    unknown = azure_session.unknown()
    azure_session.reset()
    assert unknown == []


@pytest.fixture
def scope(azure: Azure) -> Scope:
    """A workspace of this test alone."""
    return azure.fresh_workspace()


@pytest.fixture
def there(scope: Scope) -> wanted.Scope:
    """The same in the product's words."""
    return wanted.Scope.parse(scope.arm_id)


@pytest.fixture
def signed_out(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody is signed in; whatever keeps a sign-in afterwards is ended."""
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    credential().forget()
    yield
    if keeper_line.hello() is not None:
        signing_in.out()
        keeper_line.call({"op": "quit"})


_MLMODEL = """\
flavors:
  python_function:
    code: code
    loader_module: doubling
    env: conda.yaml
model_uuid: 0d0b1e00000040008000000000000d0b
signature:
  inputs: '[{"type": "double", "name": "x", "required": true}]'
  outputs: '[{"type": "double", "required": true}]'
"""
_DOUBLING = """\
class Doubling:
    def predict(self, frame, params=None):
        return (frame["x"] * 2).to_numpy()


def _load_pyfunc(path):
    if open(path + "/MLmodel").read().endswith("broken\\n"):
        raise RuntimeError("broken weights")
    return Doubling()
"""


@pytest.fixture(scope="session")
def linear_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model y = 2 x in MLflow's form, written without MLflow: its import takes a while."""
    folder = tmp_path_factory.mktemp("model") / "model"
    (folder / "code").mkdir(parents=True)
    (folder / "MLmodel").write_text(_MLMODEL)
    (folder / "conda.yaml").write_text("name: doubling\ndependencies: [python=3.11]\n")
    (folder / "code" / "doubling.py").write_text(_DOUBLING)
    return folder


@pytest.fixture
def registered_model(azure: Azure, scope: Scope, linear_model: Path) -> str:
    """That model registered in this test's workspace as `double`; its ARM id."""
    state, workspace = azure.state, azure.workspace(scope)
    for file in linear_model.rglob("*"):
        if file.is_file():
            path = f"model/{file.relative_to(linear_model).as_posix()}"
            artifacts.add(state, workspace, "r1", path, file.read_bytes())
    store = mlflow_proxy.mlflow_of(state)
    store.call(workspace.guid, "POST", "registered-models/create", body={"name": "double"})
    source = mlflow_proxy.artifact_uri(state, workspace, "0", "r1") + "/model"
    made = store.call(
        workspace.guid, "POST", "model-versions/create", body={"name": "double", "source": source}
    )
    assert made["model_version"]["version"] == "1"
    return f"{scope.arm_id}/models/double/versions/1"


@pytest.fixture
def ml_client(azure: Azure, scope: Scope) -> MLClient:
    """The SDK's client of this test's workspace, as the service principal."""
    from azure.ai.ml import MLClient
    from azure.identity import ClientSecretCredential

    login = azure.login
    credential = ClientSecretCredential(
        login.tenant, login.service.name, login.service.secret,
        authority=azure.origin, disable_instance_discovery=True,
    )  # fmt: skip
    return MLClient(
        credential, scope.subscription_id, scope.resource_group, scope.workspace_name,
        enable_telemetry=False,
    )  # fmt: skip
