"""MLflow's REST, artifacts and blobs as the real clients use them: azureml-mlflow, MLflow, azure-storage-blob."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.emulators.azure import artifacts, mlflow_proxy
from tests.emulators.azure.blobs import blobs_of

M = "/mlflow/{version}{S}/api/2.0/mlflow"
H = "/history/v1.0{S}/experiments/{experiment}/runs/{run}/artifacts"
BLOB = "/{account}.blob.core.windows.net/{container}/{blob:path}"


@pytest.fixture
def tracked(azure: Any, scope: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """MLflow with the plugin, pointed at a fresh workspace by the service principal."""
    monkeypatch.setenv("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow_proxy.warm(azure.state)
    import mlflow
    from azure.identity import ClientSecretCredential
    from azureml.mlflow import get_mlflow_tracking_uri_v2

    login = azure.login
    credential = ClientSecretCredential(
        login.tenant, login.service.name, login.service.secret,
        authority=azure.origin, disable_instance_discovery=True,
    )  # fmt: skip

    class Named:
        ml_flow_tracking_uri = azure.tracking_uri(scope).replace("/v2.0", "/v1.0", 1)

    uri = get_mlflow_tracking_uri_v2(Named(), {
        "subscription_id": scope.subscription_id, "resource_group_name": scope.resource_group,
        "workspace_name": scope.workspace_name, "auth": credential, "host_url": azure.origin,
    })  # fmt: skip
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(before)
    mlflow.tracking.fluent._active_experiment_id = None


def test_a_run_with_all_its_kinds_of_values_is_kept_by_the_real_store(
    azure: Any, scope: Any, tracked: Any
) -> None:
    mark = azure.requests.mark()
    tracked.set_experiment("Ünits / one")
    with tracked.start_run(run_name="first") as run:
        tracked.log_params({"a": 1, "b": "two"})
        tracked.log_metrics({"x": 1.0, "y": 2.0}, step=3)
        tracked.log_metric("later", 3.0, synchronous=False).wait()
        tracked.set_tag("note", "é")
    kept = tracked.MlflowClient().get_run(run.info.run_id)
    assert kept.info.status == "FINISHED"
    assert kept.data.params == {"a": "1", "b": "two"}
    assert kept.data.metrics == {"x": 1.0, "y": 2.0, "later": 3.0}
    assert kept.data.tags["note"] == "é"
    assert kept.info.artifact_uri == (
        f"{azure.tracking_uri(scope)}/experiments/{kept.info.experiment_id}/runs/{run.info.run_id}/artifacts"
    )
    [created] = azure.requests.of("POST", f"{M}/runs/create", mark)
    assert created.body["run_name"] == "first"
    preview = "/mlflow/{version}{S}/api/2.0/preview/mlflow/runs"
    [batch] = azure.requests.of("POST", f"{preview}/log-batch-async", mark)
    assert [metric["key"] for metric in batch.body["metrics"]] == ["later"]
    assert azure.requests.of("GET", f"{preview}/get-run-data-status", mark)
    assert not azure.requests.unknown(mark)


def test_what_the_service_lacks_is_answered_404_with_nothing(
    azure: Any, scope: Any, tracked: Any
) -> None:
    from mlflow.exceptions import MlflowException

    client = tracked.MlflowClient()
    client.create_registered_model("m")
    with tracked.start_run() as run:
        pass
    for call in (
        lambda: client.list_artifacts(run.info.run_id, "sub"),
        lambda: client.set_registered_model_alias("m", "best", "1"),
        lambda: client.search_logged_models(["0"]),
    ):
        with pytest.raises(MlflowException, match=r"error code 404 != 200\. Response body: ''$"):
            call()
    azure.switches.aliases = True
    client.create_model_version("m", run.info.artifact_uri + "/model")
    client.set_registered_model_alias("m", "best", "1")
    assert client.get_model_version_by_alias("m", "best").version == "1"


def test_workspaces_see_nothing_of_each_other(azure: Any, tracked: Any) -> None:
    tracked.set_experiment("mine")
    other = azure.fresh_workspace()
    base = f"{azure.origin}/mlflow/v2.0{other.arm_id}/api/2.0/mlflow"
    with httpx.Client(verify=ssl.create_default_context(cafile=azure.tls.bundle)) as http:
        head = {"Authorization": f"Bearer {azure.token()}"}
        found = http.post(f"{base}/experiments/search", json={"max_results": 10}, headers=head)
        assert found.json() == {}
        assert http.post(f"{base}/experiments/search", json={"max_results": 10}).status_code == 401


def test_artifacts_of_a_run_go_up_once_and_come_back(
    azure: Any, tracked: Any, tmp_path: Path
) -> None:
    from azure.core.exceptions import ResourceExistsError

    mark = azure.requests.mark()
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(66 * 2**20))
    with tracked.start_run() as run:
        tracked.log_text("hé", "sub/té xt.txt")
        with pytest.raises(ResourceExistsError, match="BlobAlreadyExists"):
            tracked.log_text("again", "sub/té xt.txt")
        tracked.log_text("", "empty.txt")
        tracked.log_artifact(str(big))
    client = tracked.MlflowClient()
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == [
        "big.bin",
        "empty.txt",
        "sub",
    ]
    load = tracked.artifacts.load_text
    assert load(f"{run.info.artifact_uri}/sub/té xt.txt") == "hé"
    assert load(f"{run.info.artifact_uri}/empty.txt") == ""
    back = tracked.artifacts.download_artifacts(f"runs:/{run.info.run_id}/big.bin")
    assert Path(back).read_bytes() == big.read_bytes()
    [row] = azure.requests.of("POST", f"{H}/batch/metadata", mark)[-1:]
    assert row.body == {"paths": [{"path": "big.bin"}]}
    parts = azure.requests.of("PUT", BLOB, mark)
    assert {part.query.get("comp") for part in parts} == {None, "block", "blocklist"}
    assert not azure.requests.unknown(mark)


def test_models_are_registered_and_loaded_from_a_run_and_from_a_folder(
    azure: Any, tracked: Any, linear_model: Path
) -> None:
    import mlflow.pyfunc
    import pandas as pd

    with tracked.start_run() as run:
        tracked.log_artifacts(str(linear_model), "model")
    tracked.register_model(f"{run.info.artifact_uri}/model", "line")
    local = tracked.MlflowClient().create_model_version("line", f"file://{linear_model}")
    assert local.source.startswith("azureml://artifacts/LocalUpload/")
    for uri in (f"runs:/{run.info.run_id}/model", "models:/line/1", "models:/line/2"):
        frame = pd.DataFrame({"x": [3.0]})
        assert mlflow.pyfunc.load_model(uri).predict(frame).tolist() == pytest.approx([6.0])
    moved = tracked.MlflowClient().transition_model_version_stage("line", "1", "Production")
    assert moved.current_stage == "Production"


def test_runs_within_a_run_are_its_children_in_the_run_history(
    azure: Any, scope: Any, tracked: Any
) -> None:
    with tracked.start_run() as parent:
        for name in ("one", "two"):
            with tracked.start_run(run_name=name, nested=True):
                tracked.log_metric("m", 1.0)
    base = f"{azure.origin}/history/v1.0{scope.arm_id}/runs/{parent.info.run_id}"
    head = {"Authorization": f"Bearer {azure.token()}"}
    with httpx.Client(verify=azure.tls_context, headers=head) as http:
        found = http.get(f"{base}/children").json()["value"]
        assert sorted(row["displayName"] for row in found) == ["one", "two"]
        told = http.get(f"{base}/details").json()
    assert (told["status"], told["logFiles"]) == ("Completed", {})


def test_a_workspace_with_logged_models_keeps_them_with_their_files(
    azure: Any, tracked: Any, linear_model: Path
) -> None:
    import mlflow.pyfunc
    import pandas as pd

    azure.switches.logged_models = True
    client = tracked.MlflowClient()
    experiment = client.create_experiment("with models")
    made = client.create_logged_model(experiment, name="line")
    client.log_model_artifacts(made.model_id, str(linear_model))
    client.finalize_logged_model(made.model_id, "READY")
    found = client.search_logged_models([experiment])
    assert [(one.name, str(one.status)) for one in found] == [("line", "READY")]
    loaded = mlflow.pyfunc.load_model(f"models:/{made.model_id}")
    assert loaded.predict(pd.DataFrame({"x": [2.0]})).tolist() == pytest.approx([4.0])


def test_a_signed_address_ends_and_does_what_it_was_made_for_only(azure: Any, scope: Any) -> None:
    from azure.core.exceptions import HttpResponseError
    from azure.storage.blob import BlobClient

    workspace, state = azure.workspace(scope), azure.state
    artifacts.add(state, workspace, "r1", "a.txt", b"abc")
    place = ("ExperimentRun", artifacts.run_container("r1"), "a.txt")
    read = BlobClient.from_blob_url(artifacts.link(state, workspace, *place))
    assert read.download_blob().readall() == b"abc"
    assert read.download_blob(offset=1, length=1).readall() == b"b"
    assert read.get_blob_properties().size == 3
    with pytest.raises(HttpResponseError, match="AuthorizationPermissionMismatch"):
        read.upload_blob(b"x", overwrite=True)
    blobs_of(state).sas_s = 1
    try:
        short = BlobClient.from_blob_url(artifacts.link(state, workspace, *place))
    finally:
        blobs_of(state).sas_s = 3600
    time.sleep(2.1)  # ends are named in whole seconds
    with pytest.raises(HttpResponseError, match="AuthenticationFailed"):
        short.download_blob()


def test_a_datastore_is_listed_written_and_read_by_the_storage_client(
    azure: Any, scope: Any
) -> None:
    from azure.core.exceptions import ResourceNotFoundError
    from azure.storage.blob import ContainerClient

    from tests.emulators.azure import sas

    workspace = azure.workspace(scope)
    box = ContainerClient.from_container_url(sas.url(azure.state, workspace, "data"))
    for name in ("a/1.csv", "a/2 é.csv", "b.csv"):
        box.upload_blob(name, name.encode(), metadata={"name": "set"})
    assert [blob.name for blob in box.list_blobs()] == ["a/1.csv", "a/2 é.csv", "b.csv"]
    assert [blob.name for blob in box.walk_blobs()] == ["a/", "b.csv"]
    assert [blob.name for page in box.list_blobs(results_per_page=2).by_page() for blob in page][
        -1
    ] == "b.csv"
    one = box.get_blob_client("a/2 é.csv")
    assert one.get_blob_properties().metadata == {"name": "set"}
    one.delete_blob()
    with pytest.raises(ResourceNotFoundError):
        one.download_blob()
