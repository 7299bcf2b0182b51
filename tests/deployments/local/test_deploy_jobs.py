"""A deploy is a job: one thing wanted is one deployment, whoever asks, however often."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import mlflow
import patience
import pytest
from local_ground import Ground, wait_until

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
        wait_until(lambda job=one: jobs.get(job.name).state != "running", 60)
    choice.forget()


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
    place: Workspace,
) -> None:
    first = deployments.start_deploy(
        place, "plain", name="busy", consent_digest=agreed(place, "plain")
    )
    same = deployments.start_deploy(place, "plain", name="busy")
    assert same.id == first.id
    with pytest.raises(jobs.Conflict):
        deployments.start_deploy(place, "plain", name="busy", options={"replicas": 2})
    assert jobs.wait(first.id).state == "done"
    with pytest.raises(UsageError) as caught:
        deployments.start_deploy(place, "odd", name="busy", consent_digest=agreed(place, "odd"))
    assert "serves plain" in caught.value.message


def test_a_deploy_that_is_killed_is_known_as_failed_and_can_be_done_again(
    place: Workspace,
) -> None:
    job = deployments.start_deploy(
        place, "plain", name="killed", consent_digest=agreed(place, "plain")
    )
    pid = next(
        int(entry.name)
        for entry in os.scandir("/proc")
        if entry.name.isdecimal() and job.id in Path(entry.path, "cmdline").read_text()
    )
    os.kill(pid, signal.SIGKILL)
    failed = wait_until(lambda: (now := jobs.get(job.id)).state == "failed" and now)
    assert failed.problem.message == "The deploy of plain/1 to local was ended from outside."
    assert [one.id for one in deployments.list_endpoints().jobs] == [job.id]
    again = jobs.wait(deployments.start_deploy(place, "plain", name="killed").id)
    assert again.state == "done"
    assert deployments.list_endpoints().jobs == []


def test_a_model_that_cannot_be_loaded_says_why_with_the_last_lines(place: Workspace) -> None:
    with pytest.raises(DeployFailed) as caught:
        answer("deploy broken --trust")
    assert "no_such_library_at_all" in caught.value.message
    assert any("ModuleNotFoundError" in line for line in caught.value.lines)
    (job,) = deployments.list_endpoints().jobs
    assert job.state == "failed"
    assert "no_such_library_at_all" in str(job.problem)


def test_a_model_whose_example_is_refused_is_not_ready(place: Workspace) -> None:
    with pytest.raises(DeployFailed) as caught:
        answer("deploy wrong --trust")
    assert "the model does not like it" in caught.value.message


def test_s17_a_model_that_changes_while_it_is_deployed_is_not(
    place: Workspace, ground: Ground, tmp_path: Path
) -> None:
    import shutil

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
    raise NotImplementedError


class Client(BaseDeploymentClient):
    def create_deployment(self, name, model_uri, flavor=None, config=None, endpoint=None):
        if config.get("size") == "large":
            raise RuntimeError("no large ones left")
        PLACE.write_text(json.dumps({"name": name, "model": model_uri, "config": config}))
        return {"name": name, "flavor": flavor, "address": "https://somewhere.example/" + name}

    def update_deployment(self, name, model_uri=None, flavor=None, config=None, endpoint=None):
        raise NotImplementedError

    def delete_deployment(self, name, config=None, endpoint=None):
        PLACE.unlink()

    def list_deployments(self, endpoint=None):
        return []

    def get_deployment(self, name, endpoint=None):
        return {"name": name}

    def predict(self, deployment_name=None, inputs=None, endpoint=None):
        raise NotImplementedError
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


def test_a_wait_that_is_interrupted_leaves_the_job_at_work(place: Workspace) -> None:
    job = deployments.start_deploy(
        place, "plain", name="waited", consent_digest=agreed(place, "plain")
    )
    seen: list[wire.JobInfo] = []

    def interrupted(now: wire.JobInfo) -> None:
        seen.append(now)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.wait(job.id, interrupted)
    assert seen[0].state == "running"
    until_s = time.monotonic() + patience.WAIT_S
    while jobs.get(job.id).state == "running" and time.monotonic() < until_s:
        time.sleep(0.1)
    assert jobs.get(job.id).state == "done"


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
