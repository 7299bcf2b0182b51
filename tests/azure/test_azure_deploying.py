"""Models deployed to Azure ML: exactly once, private, with authentication; traffic, logs, deletion."""

from __future__ import annotations

import shutil
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from jupyter_mltrack import deployments, wire, workspaces
from jupyter_mltrack.deployments import elsewhere, jobs, targets
from jupyter_mltrack.deployments.azure import deploying, fields, scoring, services
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.verbs import deploy_acts, endpoint_acts
from tests.emulators.azure import computes as machines
from tests.emulators.azure.handle import Azure, Scope

ENDPOINT = "{S}/onlineEndpoints/{endpoint}"
DEPLOYMENT = "{S}/onlineEndpoints/{endpoint}/deployments/{deployment}"
DATA = '{"dataframe_split": {"columns": ["x"], "data": [[1.0], [4.0]]}}'


@pytest.fixture
def here(linear_model: Path, tmp_path: Path) -> Any:
    """A workspace of this machine with the model `double` in two versions."""
    from mlflow import MlflowClient

    workspace = workspaces.resolve("local")
    workspace.prepare()
    client = MlflowClient(tracking_uri=workspace.tracking_uri)
    client.create_registered_model("double")
    for number in ("1", "2"):
        folder = tmp_path / "own" / "files" / number
        shutil.copytree(linear_model, folder)
        (folder / "serving_input_example.json").write_text(DATA)
        (folder / "note.txt").write_text(number)
        client.create_model_version("double", source=folder.as_uri())
    return workspace


def deploy(
    workspace: Any,
    scope: Scope,
    model: str = "double/1",
    *,
    target: str = "azureml",
    key: str | None = None,
    **options: Any,
) -> wire.JobInfo:
    """Deploy with the consent given, and wait for the end."""
    said = {name: options.pop(name) for name in ("traffic_percent", "shadow") if name in options}
    name = options.pop("name", "double-online")
    plan = deployments.plan_deploy(workspace, model, target, name)
    job = deployments.start_deploy(
        workspace, model, target=target, name=name, key=key, consent_digest=plan.digest,
        options={"workspace": scope.arm_id, **options}, **said,
    )  # fmt: skip
    return jobs.wait(job.id, limit_s=240)


def done(job: wire.JobInfo) -> wire.EndpointInfo:
    assert job.problem is None, (job.problem, job.log_tail)
    assert job.endpoint is not None
    return job.endpoint


def puts(azure: Azure, mark: int) -> list[str | None]:
    return [one.template for one in azure.requests.since(mark) if one.method == "PUT"]


def test_a_model_of_this_machine_is_registered_there_served_and_asked(
    azure: Azure, scope: Scope, here: Any
) -> None:
    mark = azure.requests.mark()
    info = done(deploy(here, scope, public=True))
    assert (info.state, info.target, info.workspace_name) == (
        "ready", "azureml", scope.workspace_name,
    )  # fmt: skip
    assert [(one.label, one.model, one.traffic_percent) for one in info.deployments] == [
        ("1", "double", 100)
    ]
    sent = [one for one in azure.requests.since(mark) if one.method == "PUT"]
    made = next(one.body for one in sent if one.template == ENDPOINT)
    assert made["properties"]["authMode"] == "Key"
    assert made["properties"]["publicNetworkAccess"] == "Enabled"
    version = next(one.body for one in sent if one.template == DEPLOYMENT)
    assert version["properties"]["model"].endswith("/models/double/versions/1")
    answer = deployments.predict("double-online", DATA)
    assert (answer.problem, answer.rows, answer.version) == (None, [["2"], ["8"]], "1")
    assert deployments.log_lines("double-online").lines


def test_s32_three_clicks_and_lost_answers_make_one_endpoint_with_one_put_each(
    azure: Azure, scope: Scope, here: Any
) -> None:
    azure.faults.add("lost", "PUT", ENDPOINT)
    azure.faults.add("lost", "PUT", DEPLOYMENT)
    mark = azure.requests.mark()
    key = uuid.uuid4().hex
    plan = deployments.plan_deploy(here, "double/1", "azureml", "once")

    def click() -> wire.JobInfo:
        return deployments.start_deploy(
            here, "double/1", target="azureml", name="once", key=key,
            consent_digest=plan.digest, options={"workspace": scope.arm_id},
        )  # fmt: skip

    clicks = [click() for _ in range(3)]
    assert len({one.id for one in clicks}) == 1
    info = done(jobs.wait(clicks[0].id, limit_s=240))
    sent = [one for one in azure.requests.since(mark) if one.method == "PUT"]
    bodies = [one.body for one in sent if one.template == ENDPOINT]
    assert [body["properties"].get("traffic") for body in bodies] == [None, {"version-1": 100}]
    assert puts(azure, mark).count(DEPLOYMENT) == 1
    assert bodies[0]["properties"]["publicNetworkAccess"] == "Disabled"
    assert info.detail == "private: only the workspace's network reaches it"
    ended = azure.requests.mark()
    again = click()  # whoever lost the answer asks once more when all is done
    assert (again.id, again.state) == (clicks[0].id, "done")
    assert puts(azure, ended) == []


def test_a_request_that_did_not_arrive_fails_with_the_reason_and_can_be_repeated(
    azure: Azure, scope: Scope, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure.deny("*/onlineEndpoints/write")
    job = deploy(here, scope)
    assert job.problem is not None
    assert job.problem.code == "forbidden"
    assert "onlineEndpoints/write" in job.problem.message
    azure.state.denied.clear()
    assert done(deploy(here, scope)).state == "ready"


def test_a_second_version_takes_its_share_is_promoted_and_the_first_one_deleted(
    azure: Azure, scope: Scope, here: Any
) -> None:
    done(deploy(here, scope))
    info = done(deploy(here, scope, "double/2", traffic_percent=10))
    assert {one.label: one.traffic_percent for one in info.deployments} == {"1": 90, "2": 10}
    assert {one.label: one.version for one in info.deployments} == {"1": "1", "2": "2"}
    with pytest.raises(UsageError, match="answers 90 %"):
        deployments.remove("double-online", "1")
    with pytest.raises(UsageError, match="150 together"):
        endpoint_acts.traffic("double-online", "1=90 2=60")
    endpoint_acts.traffic("double-online", "2=100")
    assert deployments.predict("double-online", DATA).version == "2"
    assert deployments.predict("double-online", DATA, label="1").version == "1"
    deployments.set_traffic("double-online", {"2": 100}, ["1"])
    assert [one.shadow for one in deployments.refreshed("double-online").deployments] == [
        True, False,
    ]  # fmt: skip
    deployments.remove("double-online", "1")
    assert [one.label for one in deployments.refreshed("double-online").deployments] == ["2"]
    with pytest.raises(UsageError, match="nothing stops but by deletion"):
        endpoint_acts.stop("double-online", yes=True)
    deployments.remove("double-online")
    with pytest.raises(NotFound):
        deployments.get_endpoint("double-online")
    assert azure.workspace(scope).collection("onlineEndpoints") == {}


def test_s28_keys_lie_in_a_private_file_and_in_nothing_that_is_shown(
    azure: Azure, scope: Scope, here: Any
) -> None:
    from tests.emulators.azure.endpoints import find

    done(deploy(here, scope))
    key = find(azure.workspace(scope), "double-online").keys[0]
    info = endpoint_acts.keys("double-online")
    assert isinstance(info, wire.EndpointInfo)
    file = Path(info.token_file)
    assert file.read_text() == key
    assert file.stat().st_mode & 0o777 == 0o600
    job = next(iter(jobs.folder().iterdir())) if jobs.folder().exists() else None
    told = [str(info), str(deployments.list_endpoints()), str(elsewhere.listed())]
    told += [one.read_text(errors="replace") for one in jobs.folder().rglob("*") if one.is_file()]
    assert job is not None
    assert all(key not in one for one in told)
    assert "input_data" in next(one.value for one in info.snippets if one.key == "curl")
    with pytest.raises(UsageError, match="Nobody can be asked"):
        endpoint_acts.keys("double-online", regenerate="primary")
    endpoint_acts.keys("double-online", regenerate="primary", yes=True)
    assert file.read_text() != key


def test_a_model_on_an_attached_cluster(azure: Azure, scope: Scope, here: Any) -> None:
    job = deploy(here, scope, target="aks")
    assert job.problem is not None
    assert "No Kubernetes cluster is attached" in job.problem.message
    machines.add(azure.state, azure.workspace(scope), "aks1", "Kubernetes", namespace="default")
    mark = azure.requests.mark()
    info = done(deploy(here, scope, target="aks"))
    assert info.target == "azureml-kubernetes"
    body = next(one.body for one in azure.requests.since(mark) if one.template == DEPLOYMENT
                and one.method == "PUT")  # fmt: skip
    assert body["properties"]["endpointComputeType"] == "Kubernetes"
    assert deployments.predict("double-online", DATA).rows == [["2"], ["8"]]


def test_a_container_instance_of_the_first_generation(
    azure: Azure, scope: Scope, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("azureml.mlflow")
    with pytest.raises(UsageError, match="on the open internet"):
        deploy(here, scope, target="aci")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", here.tracking_uri)
    for yes in (True, False):  # before the person is asked whether it may cost money
        with pytest.raises(UsageError, match="on the open internet"):
            deploy_acts.deploy("double/1", to="aci", trust=True, yes=yes, workspace=scope.arm_id)
    assert not jobs.folder().exists()
    mark = azure.requests.mark()
    info = done(deploy(here, scope, target="aci", public=True, cpu=1.5))
    post = next(one for one in azure.requests.since(mark) if one.method == "POST"
                and one.path.endswith("/services"))  # fmt: skip
    assert post.body["authEnabled"] is True
    assert post.body["containerResourceRequirements"]["cpu"] == 1.5
    assert (info.state, info.target) == ("ready", "aci")
    assert deployments.predict("double-online", DATA).rows == [["2"], ["8"]]
    deployments.remove("double-online")
    with pytest.raises(NotFound):
        deployments.get_endpoint("double-online")


def test_a_service_on_a_cluster_of_the_first_generation(
    azure: Azure, scope: Scope, here: Any
) -> None:
    pytest.importorskip("azureml.mlflow")
    with pytest.raises(UsageError, match="On which cluster"):
        deploy(here, scope, target="aks-v1")
    machines.add(azure.state, azure.workspace(scope), "aks1", "Kubernetes")
    said = {"target": "aks-v1", "compute": "aks1", "auth": "token", "replicas": 2}
    template = "/modelmanagement/v1.0{S}/services"
    azure.faults.add("lost", "POST", template)
    mark = azure.requests.mark()
    info = done(deploy(here, scope, **said))
    assert (info.state, info.target) == ("ready", "aks-v1")
    again = done(deploy(here, scope, **said))
    assert again.created_ms == info.created_ms
    (post,) = azure.requests.of("POST", template, mark)
    assert post.body["computeName"] == "aks1"
    assert post.body["numReplicas"] == 2
    assert (post.body["authEnabled"], post.body["aadAuthEnabled"]) == (False, True)
    assert deployments.predict("double-online", DATA).rows == [["2"], ["8"]]
    other = deploy(here, scope, "double/2", **said)
    assert other.problem is not None
    assert "exists and serves something else" in other.problem.message
    deployments.remove("double-online")
    with pytest.raises(NotFound):
        deployments.get_endpoint("double-online")


def test_an_endpoint_that_was_deleted_elsewhere_is_forgotten(
    azure: Azure, scope: Scope, here: Any
) -> None:
    done(deploy(here, scope))
    azure.workspace(scope).collection("onlineEndpoints").clear()
    azure.workspace(scope).rooms["endpoints"].clear()
    with pytest.raises(NotFound, match="no longer in workspace"):
        deployments.refreshed("double-online")
    assert elsewhere.find("double-online") is None


def test_what_costs_money_says_target_size_and_reach_before_anything_is_made(
    azure: Azure, scope: Scope, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", here.tracking_uri)
    mark = azure.requests.mark()
    with pytest.raises(UsageError) as said:
        deploy_acts.deploy("double/1", to="azureml", trust=True, workspace=scope.arm_id)
    assert "double/1 to azureml as double-azureml" in said.value.message
    assert "1 x Standard_DS3_v2, private" in said.value.message
    assert puts(azure, mark) == []


def test_what_an_endpoint_collected_is_compared_and_a_schedule_watches_it(
    azure: Azure, scope: Scope, here: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pandas as pd

    from jupyter_mltrack.monitoring import sides
    from jupyter_mltrack.verbs import azure_data_acts, watch_acts

    done(deploy(here, scope, collect=True, public=True))
    with pytest.raises(NotFound, match="has no monitor"):
        watch_acts.monitor("double-online")
    for _ in range(3):
        deployments.predict("double-online", DATA)
    found = sides.data_of("double-online", None, None)
    assert found.name == "endpoint double-online"
    assert sorted(found.frame["x"])[-2:] == [4.0, 4.0]
    assert found.outputs is not None
    (tmp_path / "reference.csv").write_text(
        pd.DataFrame({"x": [float(n % 7) for n in range(50)]}).to_csv(index=False)
    )
    azure_data_acts.data(
        "put", str(tmp_path / "reference.csv"), "default/reference.csv", workspace=scope.arm_id
    )
    made = watch_acts.monitor("double-online", every="day", reference="default/reference.csv")
    assert isinstance(made, wire.MonitorSchedule)
    assert (made.enabled, made.cron, made.signals) == (True, "0 3 * * *", ["data-drift"])
    watch_acts.monitor("double-online", now=True)
    for _ in range(600):
        now = watch_acts.monitor("double-online")
        assert isinstance(now, wire.MonitorSchedule)
        if now.last_state in ("Completed", "Failed"):
            break
        time.sleep(0.1)
    assert now.last_state == "Completed", now
    off = watch_acts.monitor("double-online", every="off")
    assert isinstance(off, wire.MonitorSchedule)
    assert not off.enabled


def test_forms_have_a_default_for_every_field_and_authentication_on() -> None:
    for name in ("azureml", "azureml-kubernetes", "aci", "aks-v1"):
        form = targets.form_of(targets.module_of(name))
        assert all("default" in one for one in form["properties"].values())
        assert form["properties"].get("public", {"default": False})["default"] is False
    config = services.configuration("aks-v1", {"compute": "a"}, "eastus", "d")
    assert (config["authEnabled"], config["computeTargetName"]) == (True, "a")


def test_words_for_the_scoring_script() -> None:
    made = scoring.translated(b'{"dataframe_records": [{"a": 1}, {"a": 2, "b": 3}]}')
    assert made == (
        b'{"input_data": {"columns": ["a", "b"], "index": [0, 1], "data": [[1, null], [2, 3]]}}'
    )
    assert scoring.translated(b'{"inputs": [[1]]}') == b'{"input_data": [[1]]}'
    with pytest.raises(UsageError):
        scoring.translated(b'{"nothing": 1}')
    with pytest.raises(MltrackError, match="TLS"):
        scoring.ask("http://example.org/score", "k", b"{}")


def test_names_and_shares() -> None:
    assert fields.fitting("Churn model (v2)", "azureml") == "Churn-model-v2-azureml"
    assert fields.deployment_name("6") == "version-6"
    assert deploying.shares({"a": 90, "b": 10}, {"a": 90, "b": 10}, "c", 25) == {
        "a": 68, "b": 7, "c": 25,
    }  # fmt: skip
    with pytest.raises(UsageError, match="cannot be named"):
        fields.endpoint_name("1-bad_name")
