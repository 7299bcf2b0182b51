"""A deploy is a job: one thing wanted is one deployment, whoever asks, however often."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import mlflow
import msgspec
import pytest
from local_ground import Ground, process_of, wait_until

from jupyter_mltrack import deployments, wire, workspaces
from jupyter_mltrack.deployments import jobs, targets
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.models import trust
from jupyter_mltrack.models.trust import ConsentNeeded
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.verbs.deploy_acts import DeployFailed
from jupyter_mltrack.verbs.door import answer
from jupyter_mltrack.workspaces import Workspace


@pytest.fixture
def place(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """An embedded workspace with the models registered: flowers, odd, broken."""
    made = workspaces.resolve("local")
    made.prepare()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", made.tracking_uri)
    client = mlflow.MlflowClient(made.tracking_uri)
    for name in ("plain", "odd", "broken", "wrong"):
        client.create_registered_model(name)
        client.create_model_version(name, str(ground.models[name]))
    yield made
    for one in jobs._jobs(jobs.folder()):
        wait_until(lambda job=one: jobs.get(job.name).state != "running")
    choice.forget()


@pytest.fixture
def go(place: Workspace, ground: Ground, tmp_path: Path) -> Iterator[Path]:
    """A registered model `patient`, whose loading waits until this file is there."""
    made = tmp_path / "go"
    folder = tmp_path / "patient"
    shutil.copytree(ground.models["odd"], folder)
    code = folder / "odd_model.py"
    code.write_text(
        f"import os\nimport time\n\nwhile not os.path.exists({str(made)!r}):\n"
        f"    time.sleep(0.05)\n{code.read_text()}"
    )
    client = mlflow.MlflowClient(place.tracking_uri)
    client.create_registered_model("patient")
    client.create_model_version("patient", str(folder))
    yield made
    made.touch()


def listed_job(subject: str) -> wire.JobInfo:
    """The deploy to an endpoint that is listed; those of other tests are, too."""
    (found,) = [one for one in deployments.list_endpoints().jobs if one.subject == subject]
    return found


def agreed(place: Workspace, model: str) -> str:
    return deployments.plan_deploy(place, model).digest


def test_a_model_is_deployed_asked_and_deleted_by_words(
    place: Workspace, ground: Ground, tmp_path: Path
) -> None:
    said = answer("deploy plain --trust --replicas 1").plain
    assert said.startswith("● plain-local · ready · plain 1 · http://127.0.0.1:")
    rows = tmp_path / "rows.csv"
    rows.write_text("a,b,c,d\n0.9,0.9,0.1,0.1\n0.1,0.1,0.1,0.1\n")
    table = answer(f"predict plain-local --data {rows}").plain.splitlines()
    assert [line.strip() for line in table[:3]] == ["prediction", "1", "0"]
    assert "plain-local answered · version 1" in table[3]
    assert "plain-local" in answer("endpoints").plain
    assert "plain-local · ready" in answer("status").plain
    assert "is ready" in answer("logs plain-local").plain
    answer("stop plain-local --yes")
    with pytest.raises(MltrackError):
        answer(f"predict plain-local --data {rows}")
    assert answer("deploy plain").plain.startswith("● plain-local · ready")
    assert answer("rm plain-local --yes").plain == "✓ deleted endpoint plain-local"
    with pytest.raises(NotFound):
        answer("endpoints plain-local")


def test_data_that_does_not_fit_is_refused_with_the_columns_it_lacks(place: Workspace) -> None:
    answer("deploy plain --trust")
    with pytest.raises(MltrackError) as caught:
        answer('predict plain-local --data \'[{"a": 1.0, "b": 2.0}]\'')
    assert caught.value.message.startswith("Model is missing inputs ['c', 'd']")
    assert caught.value.hint == "See what it takes: %mltrack models plain/1"
    assert caught.value.code == "bad_request"


def test_three_clicks_and_a_lost_answer_make_one_deployment(place: Workspace) -> None:
    digest, key = agreed(place, "plain"), uuid.uuid4().hex
    found: list[wire.JobInfo] = []

    def click() -> None:
        found.append(deployments.start_deploy(place, "plain", consent_digest=digest, key=key))

    clicks = [threading.Thread(target=click) for _ in range(3)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert len({one.id for one in found}) == 1
    done = jobs.wait(found[0].id)
    assert done.state == "done"
    assert [step.state for step in done.steps] == ["done"] * 3
    click()  # the answer was lost: asked again with the same key, long after it was done
    assert found[-1].id == done.id
    (endpoint,) = deployments.list_endpoints().endpoints
    assert [one.label for one in endpoint.deployments] == ["1"]


def test_another_deploy_to_an_endpoint_that_is_being_deployed_is_refused(
    place: Workspace, go: Path
) -> None:
    first = deployments.start_deploy(
        place, "patient", name="busy", consent_digest=agreed(place, "patient")
    )
    same = deployments.start_deploy(place, "patient", name="busy")
    assert same.id == first.id
    with pytest.raises(jobs.Conflict):
        deployments.start_deploy(place, "patient", name="busy", options={"replicas": 2})
    go.touch()
    assert jobs.wait(first.id).state == "done"
    with pytest.raises(UsageError) as caught:
        deployments.start_deploy(place, "odd", name="busy", consent_digest=agreed(place, "odd"))
    assert "serves patient" in caught.value.message


def test_a_deploy_that_is_killed_is_known_as_failed_and_can_be_done_again(
    place: Workspace, go: Path
) -> None:
    job = deployments.start_deploy(
        place, "patient", name="killed", consent_digest=agreed(place, "patient")
    )
    os.kill(wait_until(lambda: process_of(job.id)), signal.SIGKILL)
    failed = wait_until(lambda: (now := jobs.get(job.id)).state == "failed" and now)
    assert failed.problem.message == "The deploy of patient/1 to local was ended from outside."
    assert listed_job("killed").id == job.id
    go.touch()
    again = jobs.wait(deployments.start_deploy(place, "patient", name="killed").id)
    assert again.state == "done"
    assert "killed" not in {one.subject for one in deployments.list_endpoints().jobs}


def test_a_model_that_cannot_be_loaded_says_why_with_the_last_lines(place: Workspace) -> None:
    with pytest.raises(DeployFailed) as caught:
        answer("deploy broken --trust")
    cause = "ModuleNotFoundError: No module named 'no_such_library_at_all' (odd_model.py, line 3)"
    again = "%mltrack deploy broken/1 --name broken-local --env uv"
    assert str(caught.value).splitlines() == [
        f"broken/1 did not come up: {cause}",
        f"Give it a Python with its own requirements: {again}",
    ]
    assert any("ModuleNotFoundError" in line for line in caught.value.lines)
    job = listed_job("broken-local")
    assert (job.state, job.problem.message) == ("failed", caught.value.message)
    assert f"✕ {caught.value.message}" in answer("endpoints").plain.splitlines()
    shown = answer("endpoints broken-local").plain.splitlines()
    assert any("No module named 'no_such_library_at_all'" in line for line in shown[-3:])


def test_what_a_deploy_said_can_be_read_where_no_endpoint_came_of_it(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFound):
        answer("logs plain-local")
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(DeployFailed) as caught:
        answer("deploy plain --trust --env conda")
    monkeypatch.setenv("PATH", path)
    assert str(caught.value).splitlines() == [
        "conda is not installed.",
        "Install Miniforge, or use --env uv.",
    ]
    assert answer("logs plain-local").plain == "plain-local has written nothing yet."
    job = listed_job("plain-local")
    told = msgspec.structs.replace(job, log_tail=["one", "two"])
    jobs.write(jobs.folder() / job.id, told)
    assert answer("logs plain-local --lines 1").plain == "two"
    answer("deploy plain --trust")
    assert "is ready" in answer("logs plain-local").plain


def test_what_cannot_be_is_said_before_anybody_is_asked(place: Workspace) -> None:
    answer("deploy plain --trust --name taken")
    for words, said in (
        ("deploy broken --replicas 0", "replicas does not take 0."),
        ("deploy broken --cost 1", "The target has no option 'cost'."),
        ("deploy broken --traffic 200", "A share of traffic is not 200 %."),
        ("deploy broken --name taken", "Endpoint taken serves plain."),
        ("deploy broken --to azureml", "Workspace work is not one of Azure ML."),
    ):
        with pytest.raises(UsageError) as caught:
            answer(words)
        assert caught.value.message == said


def test_who_deletes_a_model_is_told_what_goes_on_serving_it(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mltrack.verbs import model_acts

    asked: list[str] = []
    monkeypatch.setattr(model_acts, "confirm", lambda words, *, yes: bool(asked.append(words)))
    answer("deploy plain --trust --name kept")
    for words in ("plain", "plain/1", "odd"):
        answer(f"rm model:{words}")
    kept = "Endpoint kept serves it and goes on doing so."
    assert asked == [
        f"Delete model plain with 1 version? {kept}",
        f"Delete model version plain/1? {kept}",
        "Delete model odd with 1 version?",
    ]


def test_a_model_whose_example_is_refused_is_not_ready(place: Workspace) -> None:
    with pytest.raises(DeployFailed) as caught:
        answer("deploy wrong --trust")
    assert "the model does not like it" in caught.value.message


def test_s17_a_model_that_changes_while_it_is_deployed_is_not(
    place: Workspace, ground: Ground, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    shutil.copytree(ground.models["plain"], folder)
    mlflow.MlflowClient(place.tracking_uri).create_registered_model("own")
    mlflow.MlflowClient(place.tracking_uri).create_model_version("own", str(folder))
    plan = deployments.plan_deploy(place, "own")
    trust.agree(plan.digest, model="own/1")
    order = jobs.Order(
        model="models:/own/1", title="own/1", target="local", name="own", digest=plan.digest
    )
    (folder / "more.txt").write_text("x")
    job = jobs.wait(jobs.start(place, order, None).id)
    assert job.state == "failed"
    assert "was changed while it was being deployed" in str(job.problem)
    with pytest.raises(NotFound):
        deployments.get_endpoint("own")
    with pytest.raises(ConsentNeeded):
        answer("deploy own")


# ------------------------------------------------------------------ targets of others

PLUGIN = """
import json
from pathlib import Path

from mlflow.deployments import BaseDeploymentClient

PLACE = Path(__file__).with_name("made.json")


def target_form():
    return {"title": "Somewhere", "type": "object", "properties": {
        "size": {"type": "string", "enum": ["small", "large"], "default": "small"},
        "count": {"type": "integer", "minimum": 1, "default": 1}}}


def target_help():
    return "Deploys somewhere."


def run_local(target, name, model_uri, flavor=None, config=None):
    raise NotImplementedError  # MLflow wants it there; no test asks for it


class Client(BaseDeploymentClient):
    def create_deployment(self, name, model_uri, flavor=None, config=None, endpoint=None):
        if config.get("size") == "large":
            raise RuntimeError("no large ones left")
        PLACE.write_text(json.dumps({"name": name, "model": model_uri, "config": config}))
        return {"name": name, "flavor": flavor, "address": "https://somewhere.example/" + name}

    def update_deployment(self, name, model_uri=None, flavor=None, config=None, endpoint=None):
        raise NotImplementedError  # MLflow wants it there; no test asks for it

    def delete_deployment(self, name, config=None, endpoint=None):
        PLACE.unlink()

    def list_deployments(self, endpoint=None):
        return []

    def get_deployment(self, name, endpoint=None):
        return {"name": name}

    def predict(self, deployment_name=None, inputs=None, endpoint=None):
        raise NotImplementedError  # MLflow wants it there; no test asks for it
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugin of `mlflow.deployments`, installed as pip would; the file that it writes."""
    site = tmp_path / "site"
    info = site / "somewhere-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "somewhere_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: somewhere\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mlflow.deployments]\nsomewhere = somewhere_plugin\nbroken = no_such_plugin\n"
    )
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *sys.path]))
    return site / "made.json"


def test_a_target_of_another_package_is_listed_filled_in_used_and_cleared(
    place: Workspace, plugin: Path
) -> None:
    known = {one.name: one for one in targets.listed().targets}
    assert list(known)[:2] == ["local", "docker"]
    assert (known["somewhere"].title, known["somewhere"].available) == ("Somewhere", True)
    assert known["broken"].why_not.startswith("Target broken cannot be used")
    for words, message in (
        ("--size huge", "size does not take 'huge'."),
        ("--count 0", "count does not take 0."),
        ("--cont 1", "The target has no option 'cont'."),
    ):
        with pytest.raises(UsageError) as caught:
            answer(f"deploy plain --to somewhere --trust {words}")
        assert caught.value.message == message
    with pytest.raises(DeployFailed) as failed:
        answer("deploy plain --to somewhere --trust --size large")
    assert "no large ones left" in failed.value.message
    said = answer("deploy plain --to somewhere --trust --count 3").plain
    assert said.startswith("● plain-somewhere · ready · plain 1 · https://somewhere.example/")
    import json

    made = json.loads(plugin.read_text())
    assert made["config"] == {"count": 3}
    assert Path(made["model"]).is_relative_to(jobs.folder().parent / "models")
    assert "plain-somewhere" in answer("endpoints").plain
    with pytest.raises(UsageError):
        answer("traffic plain-somewhere 1=100")
    answer("rm plain-somewhere --yes")
    assert not plugin.exists()
    assert "plain-somewhere" not in answer("endpoints").plain


def test_a_target_that_is_not_installed_says_which_are(place: Workspace) -> None:
    with pytest.raises(UsageError) as caught:
        answer("deploy plain --to nowhere")
    assert caught.value.message == "Target 'nowhere' is not installed."
    assert caught.value.hint.startswith("Targets here: local, docker, azureml, ")


def test_a_wait_that_is_interrupted_leaves_the_job_at_work(place: Workspace, go: Path) -> None:
    job = deployments.start_deploy(
        place, "patient", name="waited", consent_digest=agreed(place, "patient")
    )
    seen: list[wire.JobInfo] = []

    def interrupted(now: wire.JobInfo) -> None:
        seen.append(now)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.wait(job.id, interrupted)
    assert seen[0].state == "running"
    go.touch()
    assert jobs.wait(job.id).state == "done"


def test_the_lines_to_copy_ask_the_endpoint(place: Workspace) -> None:
    import subprocess

    answer("deploy plain --trust")
    info = deployments.get_endpoint("plain-local")
    lines = {one.key: one.value for one in info.snippets}
    assert list(lines) == ["curl", "Python"]
    token = Path(info.token_file).read_text()
    assert token not in "".join(lines.values())
    said = subprocess.run(
        [sys.executable, "-c", lines["Python"]], capture_output=True, text=True, check=True
    )
    assert said.stdout.startswith("{'predictions': [")
    said = subprocess.run(["sh", "-c", lines["curl"]], capture_output=True, text=True, check=False)
    if said.returncode != 127:  # curl is not on every machine
        assert said.stdout.startswith('{"predictions": [')
