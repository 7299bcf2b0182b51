"""The routes about models and endpoints: what a page gets, and what it may not do."""

from __future__ import annotations

import asyncio
import json
import uuid
from pathlib import Path

import mlflow
import pytest

from jupyter_mltrack.workspaces import Workspace, resolve, used

MODEL = """
import mlflow


class Doubled(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["x"] * 2


mlflow.models.set_model(Doubled())
"""


@pytest.fixture
def registered(
    workspace: Workspace, journal: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Workspace:
    """The workspace with a model that nobody here made: doubled, version 1."""
    import pandas as pd

    workspace.prepare()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", workspace.tracking_uri)
    code = tmp_path / "doubled.py"
    code.write_text(MODEL)
    frame = pd.DataFrame({"x": [1.0, 2.5]})
    mlflow.pyfunc.save_model(
        str(tmp_path / "model"), python_model=str(code), pip_requirements=["mlflow"],
        input_example=frame, signature=mlflow.models.infer_signature(frame, frame["x"]),
    )  # fmt: skip
    with mlflow.start_run(run_name="theirs") as run:
        mlflow.log_artifacts(str(tmp_path / "model"), "model")
    client = mlflow.MlflowClient(workspace.tracking_uri)
    client.create_registered_model("doubled")
    client.create_model_version("doubled", f"{run.info.artifact_uri}/model", run.info.run_id)
    return workspace


async def test_models_are_listed_looked_at_named_and_deleted(api, registered):
    here = f"workspace={registered.id}"
    (model,) = (await api(f"models?{here}")).json["models"]
    assert (model["name"], model["versions"][0]["run_name"]) == ("doubled", "theirs")
    assert (await api(f"models?{here}&search=nothing")).json["models"] == []
    detail = (await api(f"model/version?{here}&name=doubled&version=1")).json
    assert [one["name"] for one in detail["signature"]["inputs"]] == ["x"]
    assert json.loads(detail["input_example"])["data"] == [[1.0], [2.5]]
    body = {"workspace_id": registered.id, "name": "doubled", "version": "1"}
    named = await api("models/alias", "POST", body={**body, "alias": "best"})
    assert named.json["aliases"] == ["best"]
    gone = await api("models/alias", "POST", body={**body, "alias": "best", "remove": True})
    assert gone.json["aliases"] == []
    tagged = {"workspace_id": registered.id, "name": "doubled", "key": "team", "value": "a"}
    assert (await api("models/tag", "POST", body=tagged)).json["tags"] == [
        {"key": "team", "value": "a"}
    ]
    refused = await api("models/remove", "POST", body={**body, "confirm": "double"})
    assert (refused.status, refused.json["code"]) == (400, "bad_request")
    removed = await api("models/remove", "POST", body={**body, "confirm": "doubled"})
    assert removed.json == {"what": "model version doubled/1", "done": True}
    answer = await api(f"model/version?{here}&name=doubled&version=1")
    assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_a_run_is_registered_by_a_click(api, registered):
    client = mlflow.MlflowClient(registered.tracking_uri)
    (run,) = client.search_runs(["0"])
    body = {"workspace_id": registered.id, "run_id": run.info.run_id, "name": "doubled"}
    assert (await api("models/register", "POST", body=body)).json["version"] == "2"
    wrong = await api("models/register", "POST", body={**body, "name": "a/b"})
    assert (wrong.status, wrong.json["hint"]) == (400, "A name holds no slash, colon or @.")


async def test_s16_s17_a_page_deploys_a_strangers_model_with_consent_to_these_files_only(
    api, registered, tmp_path
):
    body = {"workspace_id": registered.id, "model": "doubled/1"}
    plan = (await api("deploy/plan", "POST", body=body)).json
    assert (plan["needs_consent"], plan["name"], plan["made_by"] != "") == (
        True, "doubled-local", True,
    )  # fmt: skip
    key = uuid.uuid4().hex
    refused = await api("deploy", "POST", body={**body, "key": key})
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    other = await api("deploy", "POST", body={**body, "key": key, "consent_digest": "0" * 64})
    assert other.status == 409
    wanted = {**body, "key": key, "consent_digest": plan["digest"]}
    jobs = [(await api("deploy", "POST", body=wanted)).json for _ in range(3)]
    assert len({job["id"] for job in jobs}) == 1
    for _ in range(1_500):
        job = (await api(f"deploy/job?id={jobs[0]['id']}")).json
        if job["state"] != "running":
            break
        await asyncio.sleep(0.1)
    assert (job["state"], job["problem"]) == ("done", None)
    (endpoint,) = (await api("endpoints")).json["endpoints"]
    assert (endpoint["name"], endpoint["state"]) == ("doubled-local", "ready")
    token = Path(endpoint["token_file"]).expanduser().read_text()
    assert token not in json.dumps(endpoint)
    asked = {"name": "doubled-local", "body": '{"inputs": {"x": [2.0]}}'}
    answer = (await api("endpoints/predict", "POST", body=asked)).json
    assert (answer["status"], answer["rows"], answer["version"]) == (200, [["4"]], "1")
    wrong = {"name": "doubled-local", "body": '{"inputs": {"y": [2.0]}}'}
    problem = (await api("endpoints/predict", "POST", body=wrong)).json["problem"]
    assert problem["message"].startswith("Model is missing inputs ['x']")
    logs = (await api("endpoints/logs?name=doubled-local")).json["lines"]
    assert any("is ready" in line for line in logs)
    unconfirmed = {"name": "doubled-local", "confirm": "doubled"}
    assert (await api("endpoints/remove", "POST", body=unconfirmed)).status == 400
    stopped = await api("endpoints/stop", "POST", body={"name": "doubled-local"})
    assert stopped.json["state"] == "stopped"
    confirmed = {"name": "doubled-local", "confirm": "doubled-local"}
    assert (await api("endpoints/remove", "POST", body=confirmed)).json["done"]
    assert (await api("endpoints")).json["endpoints"] == []


async def test_what_is_not_there_is_not_found_and_what_is_wrong_is_said(api, registered):
    for path in ("endpoints/logs?name=nothing", f"deploy/job?id={'0' * 20}"):
        assert (await api(path)).status == 404
    for path, body in (
        ("endpoints/stop", {"name": "nothing"}),
        ("endpoints/traffic", {"name": "nothing", "percents": {"1": 100}}),
        ("endpoints/predict", {"name": "nothing", "body": "{}"}),
        ("deploy/plan", {"workspace_id": registered.id, "model": "nothing"}),
    ):
        answer = await api(path, "POST", body=body)
        assert (answer.status, answer.json["code"]) == (404, "not_found"), path
    for path, body in (
        ("endpoints/stop", {"name": "../../etc"}),
        ("endpoints/predict", {"name": "nothing", "body": "=cmd"}),
        ("endpoints/traffic", {"name": "nothing", "percents": {"1": 101}}),
        ("deploy", {"workspace_id": registered.id, "model": "doubled", "key": "short"}),
        ("deploy/plan", {"workspace_id": registered.id, "model": "a/b/c"}),
        ("deploy/plan", {"workspace_id": registered.id, "model": "doubled", "target": "no"}),
    ):
        answer = await api(path, "POST", body=body)
        assert (answer.status, answer.json["code"]) == (400, "bad_request"), path


async def test_targets_are_listed_with_their_forms(api):
    found = {one["name"]: one for one in (await api("targets")).json["targets"]}
    form = json.loads(found["local"]["form"])
    assert (form["title"], form["properties"]["replicas"]["default"]) == ("This machine", 1)
    in_azure = ["azureml", "azureml-kubernetes", "aci", "aks-v1"]
    assert list(found) == ["local", "docker", *in_azure]
    assert all("%mltrack use azureml" in found[name]["why_not"] for name in in_azure)


async def test_targets_in_azure_can_be_taken_once_a_workspace_there_was_chosen(api):
    scope = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices"
    used.note(resolve(f"azureml:{scope}/workspaces/team"))
    found = {one["name"]: one for one in (await api("targets")).json["targets"]}
    assert found["azureml"]["available"]


async def test_s36_an_answer_for_a_page_cannot_be_framed_elsewhere(api):
    answer = await api("endpoints")
    assert "frame-ancestors 'self'" in (answer.header("content-security-policy") or "")


async def test_drift_of_an_endpoint_is_compared_shown_and_kept_as_a_run(api, workspace, journal):
    import pandas as pd

    import jupyter_mltrack
    from jupyter_mltrack import deployments
    from jupyter_mltrack.tracking import attach, choice

    frame = pd.DataFrame({"x": [float(one) for one in range(400)]})
    workspace.prepare()
    choice.choose(str(workspace.root))
    attach.attach()
    try:
        with jupyter_mltrack.track("mine"):
            mlflow.log_input(mlflow.data.from_pandas(frame, name="numbers"), context="training")
            mlflow.pyfunc.log_model(
                name="model", python_model=lambda model_input: model_input, input_example=frame[:2],
                pip_requirements=["mlflow"],
            )  # fmt: skip
        jupyter_mltrack.register("mine", "numbers")
        jupyter_mltrack.deploy("numbers")
    finally:
        attach.detach()
        choice.forget()
    for at in range(0, 400, 100):
        deployments.predict("numbers-local", frame[at : at + 100] + 1000.0)
    body = {"workspace_id": workspace.id, "name": "numbers-local"}
    report = (await api("endpoints/drift", "POST", body=body)).json
    assert (report["verdict"], report["drifted"], report["rows_data"]) == ("drift", 2, 400)
    assert [(one["name"], one["verdict"]) for one in report["features"]] == [("x", "drift")]
    assert [one["verdict"] for one in report["predictions"]] == ["drift"]
    await api("sync", "POST", body={"workspace_id": workspace.id})
    run = (await api(f"runs/{report['run_id']}?workspace={workspace.id}")).json
    assert run["summary"]["status"] == "FINISHED"
