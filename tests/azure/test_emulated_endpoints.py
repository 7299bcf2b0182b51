"""Online endpoints as the real clients make and ask them: each deployment is a scoring process."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.emulators.azure import artifacts, computes, gateway, sas
from tests.emulators.azure.blobs import blobs_of
from tests.emulators.azure.endpoints import endpoints_of

E = "{S}/onlineEndpoints/{endpoint}"


def ask(azure: Any, uri: str, key: str, rows: list[list[float]], **headers: str) -> httpx.Response:
    return httpx.post(
        uri,
        json={"input_data": {"columns": ["x"], "index": list(range(len(rows))), "data": rows}},
        headers={"Authorization": f"Bearer {key}"} | headers,
        verify=azure.tls_context,
        timeout=60,
    )


def _watched(azure: Any, scope: Any, ml_client: Any) -> None:
    """A monitor that names nothing but the deployment: the SDK fills in signals and collected data."""
    from azure.ai.ml.entities import (
        AlertNotification,
        MonitorDefinition,
        MonitoringTarget,
        MonitorSchedule,
        RecurrenceTrigger,
        ServerlessSparkCompute,
    )

    schedule = MonitorSchedule(
        name="whole", trigger=RecurrenceTrigger(frequency="day", interval=1),
        create_monitor=MonitorDefinition(
            compute=ServerlessSparkCompute(instance_type="standard_e4s_v3", runtime_version="3.4"),
            monitoring_target=MonitoringTarget(
                ml_task="regression", endpoint_deployment_id="azureml:serve:blue"
            ),
            alert_notification=AlertNotification(emails=["ada@example.org"]),
        ),
    )  # fmt: skip
    ml_client.schedules.begin_create_or_update(schedule).result()
    name = ml_client.schedules.trigger("whole").job_name
    job = azure.workspace(scope).rooms["jobs"][name.lower()]
    assert job.ended.wait(60)
    assert (job.status, job.error) == ("Completed", None)


def test_a_managed_endpoint_is_made_asked_and_deleted_by_the_sdk(
    azure: Any, scope: Any, ml_client: Any, registered_model: str, tmp_path: Path
) -> None:
    from azure.ai.ml.entities import (
        DataCollector,
        DeploymentCollection,
        ManagedOnlineDeployment,
        ManagedOnlineEndpoint,
    )
    from azure.core.exceptions import HttpResponseError

    mark = azure.requests.mark()
    ml_client.online_endpoints.begin_create_or_update(
        ManagedOnlineEndpoint(name="serve", auth_mode="key")
    ).result()
    collected = {
        name: DeploymentCollection(enabled="true") for name in ("model_inputs", "model_outputs")
    }
    for name in ("blue", "green"):
        ml_client.online_deployments.begin_create_or_update(
            ManagedOnlineDeployment(
                name=name, endpoint_name="serve", model=registered_model, instance_type="Standard_DS2_v2", instance_count=1,
                data_collector=DataCollector(collected) if name == "blue" else None,
            )
        ).result()  # fmt: skip
    endpoint = ml_client.online_endpoints.get("serve")
    endpoint.traffic = {"blue": 75, "green": 25}
    ml_client.online_endpoints.begin_create_or_update(endpoint).result()
    body = tmp_path / "rows.json"
    body.write_text(json.dumps({"input_data": {"columns": ["x"], "index": [0], "data": [[3.0]]}}))
    assert json.loads(
        ml_client.online_endpoints.invoke("serve", request_file=str(body))
    ) == pytest.approx([6.0])
    keys = ml_client.online_endpoints.get_keys("serve")
    uri = ml_client.online_endpoints.get("serve").scoring_uri
    answers = [ask(azure, uri, keys.secondary_key, [[1.0], [2.0]]) for _ in range(8)]
    assert answers[0].json() == pytest.approx([2.0, 4.0])
    asked = [answer.headers["azureml-model-deployment"] for answer in answers]
    assert (asked.count("blue"), asked.count("green")) == (6, 2)
    assert ask(azure, uri, "wrong", [[1.0]]).status_code == 401
    assert "Ready to score" in ml_client.online_deployments.get_logs("blue", "serve", lines=50)
    names = blobs_of(azure.state).names(
        azure.workspace(scope).account, sas.container_of(azure.workspace(scope)),
        gateway.folder_of("serve", "blue", "model_inputs"),
    )  # fmt: skip
    assert len(names) in {1, 2}  # an hour may end meanwhile
    _watched(azure, scope, ml_client)
    with pytest.raises(HttpResponseError, match="live traffic"):
        ml_client.online_deployments.begin_delete("green", "serve").result()
    pids = [scorer.pid for scorer in endpoints_of(azure.workspace(scope))["serve"].scorers.values()]
    ml_client.online_endpoints.begin_delete("serve").result()
    until_s = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        assert time.monotonic() < until_s
        time.sleep(0.05)
    assert (
        azure.requests.of("PUT", f"{E}/deployments/{{deployment}}", mark)[0].body["properties"][
            "model"
        ]
        == registered_model
    )
    assert not azure.requests.unknown(mark)


def test_the_plugin_of_mlflow_deploys_and_predicts(
    azure: Any, scope: Any, registered_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd
    from azure.identity import EnvironmentCredential
    from azureml.mlflow import get_mlflow_tracking_uri_v2
    from mlflow.deployments import get_deploy_client

    class Named:
        ml_flow_tracking_uri = azure.tracking_uri(scope)

    credential = EnvironmentCredential(authority=azure.origin, disable_instance_discovery=True)
    uri = get_mlflow_tracking_uri_v2(Named(), {
        "subscription_id": scope.subscription_id, "resource_group_name": scope.resource_group,
        "workspace_name": scope.workspace_name, "auth": credential, "host_url": azure.origin,
    })  # fmt: skip
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    (tmp_path / "deploy.json").write_text(
        json.dumps({"instance_type": "Standard_DS2_v2", "instance_count": 1})
    )
    deploy = get_deploy_client(uri)
    deploy.create_endpoint("plug")
    deploy.create_deployment(
        "only",
        "models:/double/1",
        config={"deploy-config-file": str(tmp_path / "deploy.json")},
        endpoint="plug",
    )
    found = deploy.predict("only", pd.DataFrame({"x": [4.0]}), endpoint="plug")
    assert found.to_numpy().ravel().tolist() == pytest.approx([8.0])
    assert azure.requests.of("POST", f"{E}/token")


def arm(azure: Any, scope: Any, method: str, path: str, body: Any = None) -> httpx.Response:
    return httpx.request(
        method, f"{azure.origin}{scope.arm_id}/{path}?api-version=2024-10-01", json=body,
        headers={"Authorization": f"Bearer {azure.token()}"}, verify=azure.tls_context, timeout=60,
    )  # fmt: skip


def deployed(azure: Any, scope: Any, endpoint: str, name: str, **properties: Any) -> str:
    """Make a deployment with plain requests; its state at the end."""
    path = f"onlineEndpoints/{endpoint}/deployments/{name}"
    first = arm(azure, scope, "PUT", path, {"location": "eastus", "properties": properties})
    assert first.status_code == 201, first.text
    again = arm(azure, scope, "PUT", path, {"location": "eastus", "properties": properties})
    assert again.status_code in {409, 200}  # while it is being made it is not made twice
    until_s = time.monotonic() + 150
    while True:
        now = arm(azure, scope, "GET", path).json()["properties"]["provisioningState"]
        if now not in {"Creating", "Updating"}:
            return str(now)
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_a_kubernetes_endpoint_mirrors_and_a_broken_model_fails_with_its_log(
    azure: Any, scope: Any, registered_model: str, linear_model: Path
) -> None:
    workspace = azure.workspace(scope)
    computes.add(azure.state, workspace, "aks1", "Kubernetes")
    body = {
        "location": "eastus",
        "properties": {"authMode": "AMLToken", "compute": f"{scope.arm_id}/computes/aks1"},
    }
    made = arm(azure, scope, "PUT", "onlineEndpoints/k8s", body).json()
    kubernetes = {"endpointComputeType": "Kubernetes", "model": registered_model}
    on = {"collections": {"model_outputs": {"dataCollectionMode": "Enabled"}}}
    assert deployed(azure, scope, "k8s", "a", **kubernetes) == "Succeeded"
    assert deployed(azure, scope, "k8s", "b", **kubernetes, dataCollector=on) == "Succeeded"
    shares = {"properties": {"traffic": {"a": 100}, "mirrorTraffic": {"b": 50}}}
    assert arm(azure, scope, "PATCH", "onlineEndpoints/k8s", shares).status_code == 202
    token = arm(azure, scope, "POST", "onlineEndpoints/k8s/token", {}).json()["accessToken"]
    for _ in range(4):
        assert ask(azure, made["properties"]["scoringUri"], token, [[1.0]]).json() == pytest.approx(
            [2.0]
        )
    folder, account = gateway.folder_of("k8s", "b", "model_outputs"), workspace.account
    until_s = time.monotonic() + 60
    lines: list[bytes] = []
    while len(lines) < 2:
        assert time.monotonic() < until_s
        store, box = blobs_of(azure.state), sas.container_of(workspace)
        lines = [line for name in store.names(account, box, folder)
                 for line in store.get((account, box, name)).file.read_bytes().splitlines()]  # fmt: skip
        time.sleep(0.05)
    assert [json.loads(line)["data"] for line in lines] == [[{"0": pytest.approx(2.0)}]] * 2
    wrong = httpx.post(made["properties"]["scoringUri"], json={"dataframe_split": {}}, verify=azure.tls_context,
                       headers={"Authorization": f"Bearer {token}"})  # fmt: skip
    assert wrong.status_code == 400
    bad = ask(azure, made["properties"]["scoringUri"], token, [["no number"]])  # type: ignore[list-item]
    assert (bad.status_code, bad.headers["ms-azureml-model-error-statuscode"]) == (424, "400")
    broken = (linear_model / "MLmodel").read_bytes() + b"# broken\n"
    artifacts.add(azure.state, workspace, "r1", "model/MLmodel", broken)
    assert deployed(azure, scope, "k8s", "c", **kubernetes) == "Failed"
    log = arm(
        azure, scope, "POST", "onlineEndpoints/k8s/deployments/c/getLogs", {"tail": 100}
    ).json()
    assert "RuntimeError: broken weights" in log["content"]


def test_what_cannot_be_deployed_is_refused_before_anything_starts(
    azure: Any, scope: Any, registered_model: str
) -> None:
    azure.switches.vcpu_quota = {"standardDSv2Family": 2}
    body = {"location": "eastus", "properties": {"authMode": "Key"}}
    assert arm(azure, scope, "PUT", "onlineEndpoints/e", body).status_code == 201
    path, managed = (
        "onlineEndpoints/e/deployments/d",
        {"endpointComputeType": "Managed", "model": registered_model},
    )
    for wrong, code in (
        (managed, "BadRequest"),
        (managed | {"instanceType": "Standard_None"}, "InvalidVmSize"),
        (managed | {"instanceType": "Standard_D4ds_v5", "model": "double"}, "BadRequest"),
        (managed | {"instanceType": "Standard_DS3_v2"}, "OutOfQuota"),
        (managed | {"endpointComputeType": "Kubernetes"}, "BadRequest"),
        (
            managed | {"instanceType": "Standard_DS2_v2", "model": registered_model[:-1] + "9"},
            "ModelNotFound",
        ),
    ):
        answer = arm(azure, scope, "PUT", path, {"location": "eastus", "properties": wrong})
        assert answer.json()["error"]["code"] == code
    assert arm(azure, scope, "GET", path).status_code == 404
    shares = {"properties": {"traffic": {"d": 100}}}
    assert arm(azure, scope, "PATCH", "onlineEndpoints/e", shares).status_code == 400
