"""The legacy web services and the schedules, as the real clients use them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.emulators.azure import computes, sas, services
from tests.emulators.azure.blobs import blobs_of
from tests.emulators.azure.gateway import folder_of

V1 = "/modelmanagement/v1.0{S}/services"


@pytest.fixture
def deploy(azure: Any, scope: Any, registered_model: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The plugin's deployment client of a fresh workspace that has the model."""
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
    return get_deploy_client(uri)


def test_a_container_instance_is_deployed_asked_and_deleted(
    azure: Any, scope: Any, deploy: Any
) -> None:
    import pandas as pd

    mark = azure.requests.mark()
    made = deploy.create_deployment("small", "models:/double/1")
    assert (made["name"], made["state"]) == ("small", "Healthy")
    found = deploy.predict("small", pd.DataFrame({"x": [4.0]}))
    assert found.to_numpy().ravel().tolist() == pytest.approx([8.0])
    assert [one["name"] for one in deploy.list_deployments()] == ["small"]
    [sent] = azure.requests.of("POST", V1, mark)
    assert sent.body["environmentImageRequest"]["modelIds"] == ["double:1"]
    deploy.delete_deployment("small")
    assert services.services_of(azure.workspace(scope)) == {}
    assert not azure.requests.unknown(mark)


def test_a_cluster_service_wants_its_key(
    azure: Any, scope: Any, deploy: Any, tmp_path: Path
) -> None:
    computes.add(azure.state, azure.workspace(scope), "aks1", "Kubernetes")
    config = tmp_path / "aks.json"
    config.write_text(json.dumps({
        "computeType": "aks", "computeTargetName": "aks1", "numReplicas": 1,
        "containerResourceRequirements": {"cpu": 1, "memoryInGB": 1},
    }))  # fmt: skip
    made = deploy.create_deployment(
        "large", "models:/double/1", config={"deploy-config-file": str(config)}
    )
    assert made["state"] == "Healthy"
    service = services.services_of(azure.workspace(scope))["large"]
    uri, rows = service.told["scoringUri"], {"input_data": {"columns": ["x"], "data": [[1.0]]}}
    assert httpx.post(uri, json=rows, verify=azure.tls_context).status_code == 401
    head = {"Authorization": f"Bearer {service.keys[1]}"}
    assert httpx.post(
        uri, json=rows, headers=head, verify=azure.tls_context
    ).json() == pytest.approx([2.0])


def _write(azure: Any, scope: Any, path: str, text: str) -> None:
    workspace = azure.workspace(scope)
    blobs_of(azure.state).put((workspace.account, sas.container_of(workspace), path), text.encode())


def test_a_monitor_is_kept_by_the_sdk_and_computes_drift_when_it_is_triggered(
    azure: Any, scope: Any, ml_client: Any
) -> None:
    from azure.ai.ml import Input
    from azure.ai.ml.entities import (
        CronTrigger,
        DataDriftSignal,
        MonitorDefinition,
        MonitorSchedule,
        ProductionData,
        ReferenceData,
        ServerlessSparkCompute,
    )
    from azure.ai.ml.entities._monitoring.thresholds import (
        DataDriftMetricThreshold,
        NumericalDriftMetrics,
    )

    _write(azure, scope, "reference.csv", f"x,y\n{chr(10).join(f'{v},{v}' for v in range(100))}\n")
    rows = [{"x": float(value), "y": float(value + 300)} for value in range(100)]
    event = json.dumps({"specversion": "1.0", "data": rows})
    _write(
        azure, scope, f"{folder_of('serve', 'blue', 'model_inputs')}/2026/11/21/10/a.jsonl", event
    )
    base = "azureml://datastores/workspaceblobstore/paths"
    signal = DataDriftSignal(
        production_data=ProductionData(
            input_data=Input(type="uri_folder", path=f"{base}/{folder_of('serve', 'blue', 'model_inputs')}"),
            data_context="model_inputs", pre_processing_component=None,
        ),
        reference_data=ReferenceData(
            input_data=Input(type="uri_file", path=f"{base}/reference.csv"), data_context="training",
        ),
        metric_thresholds=DataDriftMetricThreshold(
            numerical=NumericalDriftMetrics(jensen_shannon_distance=0.1)
        ),
    )  # fmt: skip
    schedule = MonitorSchedule(
        name="watch", trigger=CronTrigger(expression="15 10 * * *"),
        create_monitor=MonitorDefinition(
            compute=ServerlessSparkCompute(instance_type="standard_e4s_v3", runtime_version="3.4"),
            monitoring_signals={"inputs": signal},
        ),
    )  # fmt: skip
    ml_client.schedules.begin_create_or_update(schedule).result()
    assert [one.name for one in ml_client.schedules.list()] == ["watch"]
    turn = ml_client.schedules.trigger("watch")
    job = azure.workspace(scope).rooms["jobs"][turn.job_name.lower()]
    assert job.ended.wait(60)
    assert (job.status, job.error) == ("Completed", None)
    run = httpx.get(
        f"{azure.origin}/mlflow/v2.0{scope.arm_id}/api/2.0/mlflow/runs/get", params={"run_id": turn.job_name},
        headers={"Authorization": f"Bearer {azure.token()}"}, verify=azure.tls_context, timeout=30,
    ).json()["run"]  # fmt: skip
    values = {one["key"].split("/")[1]: one["value"] for one in run["data"]["metrics"]}
    assert values == {"x": pytest.approx(0, abs=1e-6), "y": pytest.approx(1)}
    assert {"key": "drifted_features", "value": "y"} in run["data"]["tags"]
    listed = httpx.get(
        f"{azure.origin}{scope.arm_id}/jobs", params={"scheduled": "true", "scheduleId": "watch"},
        headers={"Authorization": f"Bearer {azure.token()}"}, verify=azure.tls_context,
    ).json()["value"]  # fmt: skip
    assert [one["name"] for one in listed] == [turn.job_name]
    ml_client.schedules.begin_disable("watch").result()
    assert list(ml_client.schedules.list()) == []
    ml_client.schedules.begin_delete("watch").result()
    until_s = time.monotonic() + 60
    while azure.workspace(scope).collection("schedules"):
        assert time.monotonic() < until_s
