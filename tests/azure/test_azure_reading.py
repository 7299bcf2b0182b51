"""What panel and cells read of an Azure ML workspace, and which addresses get no token."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_mltrack import models, runs, workspaces
from jupyter_mltrack.azure.credentials import credential
from jupyter_mltrack.azure.scope import Scope
from jupyter_mltrack.azure.tracking import address, doors, reaching
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.models import registering
from jupyter_mltrack.server import far_artifacts
from jupyter_mltrack.workspaces import azureml
from tests.emulators.azure import mlflow_proxy


@pytest.fixture
def workspace(azure: Any, scope: Any) -> Any:
    mlflow_proxy.mlflow_of(azure.state).ready()
    credential(Scope.parse(scope.arm_id)).forget()
    return azureml.located(workspaces.resolve(f"azureml:{scope.arm_id}"))


def test_runs_files_and_models_are_read_without_the_plugin(
    azure: Any, workspace: Any, tmp_path: Path
) -> None:
    doors.register_for(workspace.tracking_uri)
    try:
        _read_everything(workspace, tmp_path)
    finally:
        doors.unregister()


def _read_everything(workspace: Any, tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(workspace.tracking_uri, workspace.tracking_uri)
    run = client.create_run(client.create_experiment("reads"), run_name="r")
    run_id, uri = run.info.run_id, run.info.artifact_uri
    client.log_metric(run_id, "loss", 0.5)
    model = tmp_path / "model"
    model.mkdir()
    (model / "MLmodel").write_text("flavors: {}\n")
    (model / "data.csv").write_text("a,b\n" + "1,2\n" * 5_000)
    client.log_artifacts(run_id, str(model), "model")  # nobody journals here: it goes at once
    client.set_terminated(run_id)

    detail = runs.get_run(workspace, run_id)
    assert (detail.summary.name, detail.summary.status, detail.summary.experiment) == (
        "r", "FINISHED", "reads",
    )  # fmt: skip
    assert [one.value for one in detail.summary.metrics] == [0.5]
    until_s = time.monotonic() + 150
    while True:  # storage is asked for a moment only; what it says is kept for the next look
        listed = far_artifacts.list_far(workspace, uri, "model")
        if all(one.size_bytes is not None for one in listed.artifacts):
            break
        assert time.monotonic() < until_s, listed
    assert [(one.path, one.size_bytes) for one in listed.artifacts] == [
        ("model/data.csv", (model / "data.csv").stat().st_size),
        ("model/MLmodel", (model / "MLmodel").stat().st_size),
    ]
    source = far_artifacts.FarSource(workspace, uri, "model/data.csv")
    assert source.head(8) == b"a,b\n1,2\n"
    assert source.size_bytes == (model / "data.csv").stat().st_size
    repository = far_artifacts.repository(workspace.tracking_uri, uri)
    assert b"".join(repository.pieces("model/data.csv")) == (model / "data.csv").read_bytes()

    made = registering.register(workspace, run_id, "reg")
    registering.set_alias(workspace, made, "champion")
    found = models.get_model(workspace, "reg")
    assert [(one.key, one.value) for one in found.aliases] == [("champion", "1")]
    assert [(one.version, one.aliases, one.run_name) for one in found.versions] == [
        ("1", ["champion"], "r"),
    ]  # fmt: skip
    page = models.list_models(workspace)
    assert [one.name for one in page.models] == ["reg"]
    assert workspace.run_link(run_id, None).startswith(f"https://ml.azure.com/runs/{run_id}?wsid=")


@pytest.mark.parametrize(
    "place",
    ["evil.example", "127.0.0.1:9", "ml.azure.com.evil.example", "user@evil.example"],
)
def test_s30_a_tracking_address_of_another_host_gets_no_token(
    azure: Any, workspace: Any, place: str
) -> None:
    other = f"azureml://{place}/mlflow/v2.0{workspace.scope.arm_id}"
    with pytest.raises(MltrackError):
        reaching.token(address.place_of(other))
    with pytest.raises(MltrackError):
        far_artifacts.checked(workspace, f"{other}/experiments/1/runs/r/artifacts")


def test_s30_files_are_sent_to_storage_of_the_cloud_only(azure: Any, workspace: Any) -> None:
    assert reaching.may_hold_files("https://lab.blob.core.windows.net/c/p?sig=x")
    assert reaching.may_hold_files(f"{azure.origin}/stlab.blob.core.windows.net/c/p?sig=x")
    for url in (
        "http://lab.blob.core.windows.net/c/p?sig=x",
        "https://evil.example/lab.blob.core.windows.net/c/p?sig=x",
        "https://lab.blob.core.windows.net.evil.example/c/p?sig=x",
        "https://lab.blob.core.windows.net@evil.example/c/p?sig=x",
    ):
        assert not reaching.may_hold_files(url)
