"""The real ML client works against the emulator's workspaces, computes and datastores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.emulators.azure.handle import Azure, Scope


@pytest.fixture
def client(azure: Azure, scope: Scope) -> Any:
    return ml_client(azure, scope)


def ml_client(azure: Azure, scope: Scope) -> Any:
    """The ML client of a workspace, signed in as the service principal."""
    pytest.importorskip("azure.ai.ml")
    from azure.ai.ml import MLClient
    from azure.identity import ClientSecretCredential

    service = azure.login.service
    credential = ClientSecretCredential(
        azure.login.tenant, service.name, service.secret, authority=azure.origin,
        disable_instance_discovery=True,
    )  # fmt: skip
    return MLClient(
        credential, scope.subscription_id, scope.resource_group, scope.workspace_name,
        enable_telemetry=False,
    )  # fmt: skip


def test_a_workspace_is_made_listed_and_deleted(azure: Azure, client: Any) -> None:
    from azure.ai.ml.entities import Workspace
    from azure.core.exceptions import ResourceNotFoundError

    mark = azure.requests.mark()
    made = client.workspaces.begin_create(
        Workspace(name="fresh-one", location="westeurope", description="made by a test")
    ).result()
    assert (made.name, made.location) == ("fresh-one", "westeurope")
    assert "fresh-one" in [one.name for one in client.workspaces.list()]
    client.workspaces.begin_delete("fresh-one", delete_dependent_resources=False).result()
    with pytest.raises(ResourceNotFoundError):
        client.workspaces.get("fresh-one")
    assert azure.requests.unknown(mark) == []


def test_datastores_are_listed_and_give_their_secret(client: Any) -> None:
    names = sorted(one.name for one in client.datastores.list())
    assert names == ["workspaceartifactstore", "workspaceblobstore"]
    found = client.datastores.get_default(include_secrets=True)
    assert found.name == "workspaceblobstore"
    assert "sig=" in found.credentials.sas_token


def test_a_cluster_is_made_scaled_and_deleted(client: Any) -> None:
    from azure.ai.ml.entities import AmlCompute
    from azure.core.exceptions import ResourceNotFoundError

    wanted = AmlCompute(name="cpu", size="Standard_DS3_v2", min_instances=0, max_instances=2,
                        idle_time_before_scale_down=120)  # fmt: skip
    made = client.compute.begin_create_or_update(wanted).result()
    assert (made.provisioning_state, made.size, made.max_instances) == (
        "Succeeded", "Standard_DS3_v2", 2,
    )  # fmt: skip
    wanted.max_instances = 4
    assert client.compute.begin_create_or_update(wanted).result().max_instances == 4
    assert [one.name for one in client.compute.list()] == ["cpu"]
    client.compute.begin_delete("cpu").result()
    with pytest.raises(ResourceNotFoundError):
        client.compute.get("cpu")


def test_an_instance_stops_and_starts_and_is_seen_between(azure: Azure, client: Any) -> None:
    from azure.ai.ml.entities import ComputeInstance

    for name in ("desk", "slow"):
        made = ComputeInstance(name=name, size="Standard_DS3_v2")
        client.compute.begin_create_or_update(made).result()
    client.compute.begin_stop("desk").result()
    assert client.compute.get("desk").state == "Stopped"
    client.compute.begin_start("desk").result()
    client.compute.begin_restart("desk").result()
    assert client.compute.get("desk").state == "Running"
    azure.switches.operation_s = 600  # seen before it ends, however slow the machine
    client.compute.begin_stop("slow")
    assert client.compute.get("slow").state == "Stopping"


def test_attached_kubernetes_is_detached(client: Any) -> None:
    from azure.ai.ml.entities import KubernetesCompute

    cluster = (
        "/subscriptions/0/resourceGroups/r/providers/Microsoft.ContainerService/managedClusters/k"
    )
    wanted = KubernetesCompute(name="aks1", resource_id=cluster, namespace="default")
    made = client.compute.begin_create_or_update(wanted).result()
    assert (made.type, made.namespace) == ("kubernetes", "default")
    client.compute.begin_delete("aks1", action="Detach").result()
    assert list(client.compute.list()) == []


def test_a_missing_role_and_a_full_quota_are_said_as_azure_says_them(
    azure: Azure, client: Any
) -> None:
    from azure.ai.ml.entities import AmlCompute
    from azure.core.exceptions import HttpResponseError

    wanted = AmlCompute(name="cpu", size="Standard_DS3_v2", max_instances=3)
    azure.switches.vcpu_quota = {"standardDSv2Family": 8}
    with pytest.raises(HttpResponseError, match="vCPU quota of 8"):
        client.compute.begin_create_or_update(wanted).result()
    azure.switches.vcpu_quota = {}
    azure.deny("*/computes/write")
    with pytest.raises(HttpResponseError, match="workspaces/computes/write") as caught:
        client.compute.begin_create_or_update(wanted)
    assert caught.value.status_code == 403
    assert list(client.compute.list()) == []


def test_an_environment_gets_versions(client: Any) -> None:
    from azure.ai.ml.entities import Environment

    def made(image: str) -> Any:
        return client.environments.create_or_update(Environment(name="mine", image=image))

    assert (made("example.org/one").version, made("example.org/two").version) == ("1", "2")
    assert client.environments.get("mine", label="latest").image == "example.org/two"
    names = {one.name for one in client.environments.list()}
    assert {"mine", "AzureML-sklearn-1.5"} <= names


def test_models_are_the_same_in_arm_and_in_mlflow(
    azure: Azure, client: Any, scope: Scope, tmp_path: Path
) -> None:
    from azure.ai.ml.entities import Model
    from azure.core.exceptions import ResourceNotFoundError

    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "weights.txt").write_text("1 2 3")
    made = client.models.create_or_update(
        Model(name="wine", path=str(tmp_path / "m"), type="custom_model", tags={"stage": "new"})
    )
    assert (made.version, made.type) == ("1", "custom_model")
    found = requests.get(
        f"https://{azure.host}/mlflow/v2.0{scope.arm_id}/api/2.0/mlflow/model-versions/get",
        params={"name": "wine", "version": "1"},
        headers={"Authorization": f"Bearer {azure.token()}"},
        timeout=60,
    ).json()["model_version"]
    assert (found["source"], found["tags"]) == (made.path, [{"key": "stage", "value": "new"}])
    second = client.models.create_or_update(Model(name="wine", path=made.path, type="mlflow_model"))
    assert second.version == "2"
    assert [one.name for one in client.models.list()] == ["wine"]
    assert sorted(one.version for one in client.models.list(name="wine")) == ["1", "2"]
    assert client.models.get("wine", label="latest").version == "2"
    client.models.archive("wine", version="1")
    assert [one.version for one in client.models.list(name="wine")] == ["2"]
    client.models.download("wine", "1", download_path=str(tmp_path / "back"))
    assert [path.read_text() for path in (tmp_path / "back").rglob("*.txt")] == ["1 2 3"]
    with pytest.raises(ResourceNotFoundError):
        client.models.get("wine", version="9")
