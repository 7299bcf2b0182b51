"""Cells and scripts as command jobs: submitted, followed, cancelled, their names brought back."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mltrack import jobs, wire, workspaces
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.jobs import folders
from jupyter_mltrack.jobs.order import Order
from jupyter_mltrack.jobs.submitting import Cell
from jupyter_mltrack.verbs.door import answer
from tests.emulators.azure import computes
from tests.notebook.conftest import Kernel

LIMIT_S = 180.0


@pytest.fixture
def workspace(azure: Any, scope: Any) -> Any:
    computes.add(azure.state, azure.workspace(scope), "cpu", vmSize="Standard_DS3_v2")
    return workspaces.resolve(f"azureml:{scope.arm_id}")


def order(on: str = "azureml:cpu", **said: Any) -> Order:
    return Order(**{"name": "far", "on": on, "workspace": "", "folder": os.getcwd()} | said)


def submitted(workspace: Any, source: str, namespace: dict[str, Any], **said: Any) -> Any:
    cell = Cell(source, f"%%track --on azureml:cpu\n{source}", 1, namespace)
    return jobs.submit_cell(workspace, order(**said), cell)


def until(said: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not said():
        assert time.monotonic() < end_s
        time.sleep(0.1)


def ended(job: wire.SubmittedJob) -> wire.SubmittedJob:
    return jobs.wait(job.id, limit_s=LIMIT_S)


def test_s28_a_cell_runs_on_a_cluster_its_names_come_back_and_no_token_is_kept(
    azure: Any, scope: Any, workspace: Any
) -> None:
    Path("helper.py").write_text("FACTOR = 3\n")
    Path(".env").write_text("PASSWORD=x")
    Path("rows.csv").write_text("a\n1\n2\n")
    frame = pd.DataFrame({"a": [1, 2, 3]})
    job = submitted(
        workspace,
        "from jupyter_mltrack import log\nimport helper\nlr = 0.5\n"
        "for step in range(3):\n    log({'loss': 1 / (step + 1)})\n"
        "print('rows', open(rows).read().count('\\n'), flush=True)\n"
        "doubled = frame * 2\ntotal = base * helper.FACTOR\n",
        {"frame": frame, "base": 14},
        returns=["doubled", "total"], metrics=[("final", "total")], variables=["base"],
        options={"inputs": ["rows=rows.csv"]}, tags={"team": "a"}, experiment="digits",
    )  # fmt: skip
    assert job.snapshot is not None
    assert job.snapshot.paths == ["rows.csv", "helper.py"] or "helper.py" in job.snapshot.paths
    assert ".env" in [one.path for one in job.snapshot.left_out]
    job = ended(job)
    assert (job.state, job.problem) == ("done", None), jobs.log_text(job.id).text
    assert "rows 3" in jobs.log_text(job.id).text
    assert job.link is not None
    assert f"/runs/{job.id}?wsid=" in job.link
    found = jobs.results(job.id)
    assert found["total"] == 42
    pd.testing.assert_frame_equal(found["doubled"], frame * 2)
    sent = next(
        one.body["properties"] for one in azure.requests.of("PUT", "{S}/jobs/{name}")
        if job.id in one.path
    )  # fmt: skip
    assert sent["command"] == "python mltrack_job/body.py --input rows=${{inputs.rows}}"
    assert sent["environmentVariables"]["TZ"] == "UTC"
    assert sent["computeId"] == f"{scope.arm_id}/computes/cpu"
    assert not [one.path for one in azure.requests if one.path.endswith(".env")]  # S31
    kept = b"".join(path.read_bytes() for path in folders.folder().rglob("*") if path.is_file())
    assert azure.login.service.secret.encode() not in kept  # S28
    assert re.search(rb"eyJ[\w-]{10,}\.[\w-]{10,}", kept) is None


def test_a_script_goes_to_many_machines_and_is_stopped(
    azure: Any, scope: Any, workspace: Any
) -> None:
    Path("src").mkdir()
    Path("src/train.py").write_text(
        "import os, sys, time\nprint('args', sys.argv[1:], os.environ['WORLD_SIZE'], flush=True)\n"
        "time.sleep(300)\n"
    )
    Path("src/conda.yaml").write_text("dependencies: [python=3.11]\n")
    job = jobs.submit_file(
        workspace,
        order(
            script="src/train.py", is_cell=False, arguments=["--lr", "0.1"],
            options={"instances": "2", "distribution": "pytorch", "env": "src/conda.yaml"},
        ),
    )  # fmt: skip
    until(lambda: "args ['--lr', '0.1'] 2" in jobs.log_text(job.id).text)
    until(lambda: jobs.get(job.id).state == "running")
    jobs.cancel(job.id)
    assert ended(job).state == "cancelled"
    (sent,) = [
        one.body["properties"]
        for one in azure.requests.of("PUT", "{S}/jobs/{name}") if job.id in one.path
    ]  # fmt: skip
    assert sent["command"] == "python train.py --lr 0.1"
    assert sent["resources"] == {"instanceCount": 2}
    assert sent["distribution"] == {"distributionType": "PyTorch", "processCountPerInstance": 1}
    made = azure.workspace(scope).collection(
        sent["environmentId"].split(scope.arm_id + "/")[1][:-2]
    )
    assert made["1"]["properties"]["condaFile"] == "dependencies: [python=3.11]\n"


def test_a_job_goes_on_without_this_machine_and_is_followed_again(
    azure: Any, workspace: Any, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    job = submitted(
        workspace,
        f"import os, time\nprint('began', flush=True)\n"
        f"while not os.path.exists({str(go)!r}):\n    time.sleep(0.1)\nx = 5\n",
        {}, returns=["x"],
    )  # fmt: skip
    until(lambda: "began" in jobs.log_text(job.id).text)
    _end_keepers(job)
    assert jobs.get(job.id).state in ("preparing", "running")
    kernel = Kernel(tmp_path)
    try:
        kernel.run("%load_ext jupyter_mltrack")
        until(lambda: jobs.get(job.id).followed)
    finally:
        kernel.close()
    _end_keepers(job)
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--port=0",
         "--ServerApp.ip=127.0.0.1", "--ServerApp.jpserver_extensions={'jupyter_mltrack': True}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until(lambda: jobs.get(job.id).followed)
    finally:
        server.terminate()
        server.wait(30)
    _end_keepers(job)
    go.touch()
    answer("jobs")
    assert jobs.get(job.id).followed or jobs.get(job.id).state == "done"
    job = ended(job)
    assert job.state == "done"
    assert jobs.results(job.id) == {"x": 5}
    assert jobs.log_text(job.id).text.count("began") == 1


def _end_keepers(job: wire.SubmittedJob) -> None:
    """As when the machine is shut down."""
    for pid in _keepers(job.id):
        os.kill(pid, 9)
    until(lambda: not jobs.get(job.id).followed)


def _keepers(job_id: str) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"jupyter_mltrack.jobs.keeper" in words and any(job_id.encode() in one for one in words):
            found.append(int(place.name))
    return found


def test_a_lost_answer_and_a_service_in_trouble_make_one_job_and_an_honest_end(
    azure: Any, scope: Any, workspace: Any
) -> None:
    azure.faults.add("lost", "PUT", "{S}/jobs/{name}")
    details = "/history/v1.0{S}/runs/{run}/details"
    azure.faults.add("error", "GET", details, times=6, status=503)
    job = ended(submitted(workspace, "raise ValueError('not this way')\n", {}))
    assert job.state == "failed", job
    assert "not this way" in jobs.log_text(job.id).text
    assert list(azure.workspace(scope).rooms["jobs"]) == [job.id]


def test_what_cannot_run_there_is_told_before_anything_is_sent(workspace: Any) -> None:
    said = {
        "azureml": "On which compute",
        "azureml:cpu --env gone.yaml": "no environment file gone.yaml",
    }
    for words, message in said.items():
        on, _, env = words.partition(" --env ")
        with pytest.raises(UsageError, match=message):
            submitted(workspace, "x = 1\n", {}, on=on, options={"env": env} if env else {})
    with pytest.raises(UsageError, match="but runs go to work"):
        submitted(workspaces.resolve("local"), "x = 1\n", {})
    job = ended(submitted(workspace, "x = 1\n", {}, on="azureml:gpu"))
    assert job.problem is not None
    assert job.problem.message.startswith("There is no compute gpu in workspace")
    assert "Those there are: cpu" in job.problem.hint


def test_s31_more_than_100_mb_of_code_and_inputs_are_asked_for(
    workspace: Any, tmp_path: Path
) -> None:
    for name in ("data", "more"):
        (tmp_path / name).mkdir()
        with open(tmp_path / name / "rows.bin", "wb") as file:
            file.truncate(60 << 20)
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    inputs = [f"data={tmp_path}/data/rows.bin", f"more={tmp_path}/more", "far=azureml:a:1"]
    cell = Cell("x = 1\n", "x = 1\n", 1, {})
    with pytest.raises(UsageError, match=r"1 file, 60 MB of .* were not sent"):
        jobs.submit_cell(workspace, order(options={"inputs": inputs}), cell, ask=no)
    assert len(asked) == 1
    assert asked[0].startswith(f"Send 1 file, 60 MB of {tmp_path}/data/rows.bin and 1 file, 60 MB ")
    with pytest.raises(UsageError, match="were not sent"):  # nobody can be asked
        jobs.submit_cell(workspace, order(options={"inputs": inputs}), cell)
    assert jobs.listed() == []
