"""Command jobs as the real MLClient submits them: they run here, in a process, tracked in the same store."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx

from tests.emulators.azure import computes
from tests.emulators.azure.jobs import jobs_of

TRAIN = """
import argparse, os, pathlib
import mlflow
said = argparse.ArgumentParser()
for name in ("--lr", "--data", "--model"):
    said.add_argument(name)
said = said.parse_args()
mlflow.log_metric("loss", float(said.lr), step=1)
mlflow.log_text("from the job", "note.txt")
pathlib.Path(said.model, "weights.txt").write_text(pathlib.Path(said.data).read_text() * 2)
pathlib.Path("outputs").mkdir()
pathlib.Path("outputs/kept.txt").write_text("kept")
print("run", os.environ["AZUREML_RUN_ID"], flush=True)
"""


def plain(azure: Any, scope: Any, name: str, **properties: Any) -> httpx.Response:
    """A job by a plain PUT, without the SDK."""
    body = {"jobType": "Command", "environmentId": "azureml:any:1"} | properties
    return httpx.put(
        f"{azure.origin}{scope.arm_id}/jobs/{name}?api-version=2025-01-01-preview",
        json={"properties": body},
        headers={"Authorization": f"Bearer {azure.token()}"},
        verify=azure.tls_context,
        timeout=60,
    )


def wait(ml_client: Any, name: str, *states: str, timeout_s: float = 150) -> Any:
    until_s = time.monotonic() + timeout_s
    while (job := ml_client.jobs.get(name)).status not in states:
        assert time.monotonic() < until_s, job.status
        time.sleep(0.2)
    return job


def test_a_command_job_runs_as_a_process_and_is_a_run_of_the_same_name(
    azure: Any, scope: Any, ml_client: Any, tmp_path: Path, capsys: Any
) -> None:
    from azure.ai.ml import Input, Output, command

    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text(TRAIN)
    (tmp_path / "data.txt").write_text("ab")
    mark = azure.requests.mark()
    job = ml_client.jobs.create_or_update(
        command(
            code=str(code), environment="azureml:AzureML-sklearn-1.5:1", experiment_name="trials",
            command="python train.py --lr ${{inputs.lr}} --data ${{inputs.data}} --model ${{outputs.model}}",
            inputs={"lr": 0.5, "data": Input(type="uri_file", path=str(tmp_path / "data.txt"))},
            outputs={"model": Output(type="uri_folder")},
        )
    )  # fmt: skip
    ml_client.jobs.stream(job.name)
    assert ml_client.jobs.get(job.name).status == "Completed"
    assert f"run {job.name}" in capsys.readouterr().out
    run = httpx.get(
        f"{azure.origin}/mlflow/v2.0{scope.arm_id}/api/2.0/mlflow/runs/get",
        params={"run_id": job.name},
        headers={"Authorization": f"Bearer {azure.token()}"},
        verify=azure.tls_context,
    ).json()["run"]
    assert run["info"]["status"] == "FINISHED"
    assert [(m["key"], m["value"]) for m in run["data"]["metrics"]] == [("loss", 0.5)]
    ml_client.jobs.download(job.name, download_path=tmp_path / "back", all=True)
    ml_client.jobs.download(job.name, download_path=tmp_path / "back", output_name="model")
    back = {
        path.relative_to(tmp_path / "back").as_posix()
        for path in (tmp_path / "back").rglob("*.txt")
    }
    assert {
        "artifacts/note.txt", "artifacts/outputs/kept.txt", "artifacts/user_logs/std_log.txt",
        "named-outputs/model/weights.txt",
    } <= back  # fmt: skip
    assert (tmp_path / "back/named-outputs/model/weights.txt").read_text() == "abab"
    [submitted] = azure.requests.of("PUT", "{S}/jobs/{name}", mark)
    assert submitted.body["properties"]["inputs"]["lr"] == {
        "jobInputType": "literal",
        "value": "0.5",
    }
    assert azure.requests.of("GET", "/history/v1.0{S}/runs/{run}/details", mark)
    assert not azure.requests.unknown(mark)


def test_a_job_goes_through_its_states_and_a_cancelled_one_leaves_no_process(
    azure: Any, scope: Any, ml_client: Any, tmp_path: Path
) -> None:
    cluster = f"{scope.arm_id}/computes/cpu"
    computes.add(
        azure.state, azure.workspace(scope), "cpu", vmSize="Standard_DS2_v2",
        scaleSettings={"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT0S"},
    )  # fmt: skip
    assert list(ml_client.jobs.list()) == []  # the SDK loads parts of itself at its first question
    name = f"slow-{scope.workspace_name}"  # one run of an id for all workspaces: see `jobs.put`
    azure.switches.job_prepare_s = 3
    pids = tmp_path / "pids"
    line = f"echo $$ > {pids}; (sleep 300 & echo $! >> {pids}; wait) & wait"
    first = plain(
        azure, scope, name, command=line, computeId=cluster, experimentName="e",
        displayName="Slow",
    )  # fmt: skip
    assert (first.status_code, first.json()["properties"]["status"]) == (201, "NotStarted")
    assert ml_client.jobs.get(name).status in {"NotStarted", "Queued", "Preparing", "Starting"}
    wait(ml_client, name, "Running")
    assert ml_client.compute.get("cpu").provisioning_state == "Succeeded"
    assert (
        computes.find(azure.workspace(scope), "cpu")["properties"]["properties"]["currentNodeCount"]
        == 1
    )
    until_s = time.monotonic() + 120
    while not (pids.exists() and len(pids.read_text().split()) == 2):
        assert time.monotonic() < until_s
        time.sleep(0.05)
    ml_client.jobs.begin_cancel(name).result()
    assert wait(ml_client, name, "Canceled", "Failed", "Completed").status == "Canceled"
    went = azure.workspace(scope).rooms["jobs"][name].states
    assert went == ["Queued", "Preparing", "Starting", "Running", "Canceled"]
    until_s = time.monotonic() + 120
    while any(Path(f"/proc/{pid}").exists() for pid in pids.read_text().split()):
        assert time.monotonic() < until_s  # what is killed is gone when somebody has reaped it
        time.sleep(0.05)
    again = plain(azure, scope, name, command="echo no", displayName="Named anew")
    assert again.status_code == 200
    assert again.json()["properties"]["status"] == "Canceled"
    assert [job.display_name for job in ml_client.jobs.list()] == ["Named anew"]


def test_a_job_that_fails_says_so_with_its_log_and_processes_of_a_distribution_know_their_rank(
    azure: Any, scope: Any, ml_client: Any
) -> None:
    name = f"ranks-{scope.workspace_name}"
    plain(
        azure, scope, name, command="echo rank $RANK of $WORLD_SIZE; exit $RANK",
        distribution={"distributionType": "PyTorch", "processCountPerInstance": 1},
        resources={"instanceCount": 2}, environmentVariables={"NOTE": "x"},
    )  # fmt: skip
    assert wait(ml_client, name, "Failed", "Completed").status == "Failed"
    head = {"Authorization": f"Bearer {azure.token()}"}
    history = f"{azure.origin}/history/v1.0{scope.arm_id}"
    with httpx.Client(verify=azure.tls_context, headers=head) as http:
        told = http.get(f"{history}/runs/{name}/details").json()
        assert "exited with status code 1" in told["error"]["error"]["message"]
        logs = {
            path: httpx.get(url, verify=azure.tls_context).text
            for path, url in told["logFiles"].items()
        }
        assert logs == {
            "user_logs/std_log_process_0.txt": "rank 0 of 2\n",
            "user_logs/std_log_process_1.txt": "rank 1 of 2\n",
        }
        fresh = http.get(f"{history}/experimentids/{told['experimentId']}/runs/{name}/token").json()
        azure.login.revoke()
        own = {"Authorization": f"Bearer {fresh['token']}"}
        assert http.get(f"{history}/runs/{name}", headers=own).json()["status"] == "Failed"
        assert http.get(f"{history}/runs/{name}").status_code == 401


def test_a_job_of_a_kind_that_the_emulator_cannot_run_is_taken_and_fails(
    azure: Any, scope: Any
) -> None:
    assert plain(azure, scope, "sweep", jobType="Sweep", command="").status_code == 201
    job = jobs_of(azure.workspace(scope))["sweep"]
    assert job.ended.wait(150)
    assert job.status == "Failed"
    assert "command jobs only" in job.error["error"]["message"]


def test_a_job_without_what_it_needs_is_refused(azure: Any, scope: Any) -> None:
    for wrong in (
        {"command": ""},
        {"command": "true", "environmentId": ""},
        {"command": "true", "computeId": f"{scope.arm_id}/computes/none"},
        {"command": "true", "jobType": "Nonsense"},
    ):
        assert plain(azure, scope, "bad", **wrong).status_code == 400
