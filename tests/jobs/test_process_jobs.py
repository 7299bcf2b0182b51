"""Scripts as jobs of this machine: real processes, killed and stopped in all ways."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import nbformat
import patience
import pytest

from jupyter_mltrack import jobs, runs, wire, workspaces
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.jobs import folders
from jupyter_mltrack.jobs.order import Order

LIMIT_S = patience.WAIT_S
LOAD = "%load_ext jupyter_mltrack"
TRACKED = "%%track part\nfrom jupyter_mltrack import log\nlog({'loss': rate})"


def submitted(
    source: str, *arguments: str, key: str | None = None, **options: object
) -> wire.SubmittedJob:
    Path("script.py").write_text(source)
    order = Order(
        name="script", on="process", workspace="", folder=os.getcwd(), script="script.py",
        arguments=list(arguments), options=dict(options),
    )  # fmt: skip
    return jobs.submit_file(workspaces.resolve(), order, key=key)


def until(said: Callable[[], bool]) -> None:
    end_s = time.monotonic() + LIMIT_S
    while not said():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def printed(job: wire.SubmittedJob) -> str:
    return jobs.log_text(job.id).text


def test_a_script_runs_as_a_run_of_its_own_with_its_arguments_and_inputs() -> None:
    Path("data.csv").write_text("1")
    job = submitted(
        "import sys, os\nfrom jupyter_mltrack import log\n"
        "print(sys.argv[1:], os.path.basename(os.getcwd()))\nlog({'loss': 0.5})\n"
        "print('token ghp_' + 'a' * 36)\n",
        "--lr", "0.1", "--data", "${{inputs.data}}", inputs=["data=data.csv"],
    )  # fmt: skip
    job = jobs.wait(job.id, limit_s=LIMIT_S)
    assert (job.state, job.problem) == ("done", None)
    assert printed(job).splitlines()[0] == "['--lr', '0.1', '--data', 'data.csv'] work"
    assert "ghp_" not in printed(job)
    run = runs.get_run(workspaces.resolve(), job.id)
    assert (run.summary.name, run.summary.status) == ("script", "FINISHED")
    assert {one.key: one.value for one in run.summary.metrics} == {"loss": 0.5}
    assert {one.key: one.value for one in run.tags}["mltrack.job"] == "process"
    assert [one.id for one in jobs.listed()] == [job.id]
    jobs.remove(job.id)
    with pytest.raises(NotFound):
        jobs.get(job.id)


def test_a_notebook_runs_as_one_run_with_its_parameters_and_says_where_it_failed() -> None:
    sources = ["rate = 0.1\nfails = False", LOAD, TRACKED, "if fails: raise ValueError('as told')"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in sources])
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, "study.ipynb")

    def order(*arguments: str) -> Order:
        return Order(
            name="study", on="process", workspace="", folder=os.getcwd(), script="study.ipynb",
            arguments=list(arguments),
        )  # fmt: skip

    workspace = workspaces.resolve()
    for wrong, said in ((("-p", "speed=1"), "speed"), (("--lr", "1"), "'--lr' is no parameter")):
        with pytest.raises(UsageError, match=said):
            jobs.submit_file(workspace, order(*wrong))
    good = jobs.submit_file(workspace, order("-p", "rate=0.5"))
    bad = jobs.submit_file(workspace, order("-p", "fails=True"))
    good, bad = (jobs.wait(one.id, limit_s=LIMIT_S) for one in (good, bad))
    assert (good.state, good.problem, bad.state) == ("done", None, "failed")
    assert bad.problem is not None
    assert bad.problem.message == "cell 4 of 4: ValueError: as told"
    assert re.search(r"study · cell [1-4] of 4", printed(good))  # those that took long enough
    assert printed(good).splitlines()[-1] == "✓ 4 of 4 cells"
    runs_there = {run.run_id: run for run in runs.list_runs(workspace).runs}
    ended = (runs_there[good.id].status, runs_there[bad.id].status)
    assert ended == ("FINISHED", "FAILED")
    below = runs.list_runs(workspace, parent=good.id).runs
    assert [(run.name, run.metrics[0].value) for run in below] == [("part", 0.5)]


def test_the_same_key_is_the_same_job_however_often_it_is_sent() -> None:
    first = submitted("print(1)\n", key="click")
    again = submitted("print(1)\n", key="click")
    assert (again.id, again.submitted_ms) == (first.id, first.submitted_ms)
    jobs.wait(first.id, limit_s=LIMIT_S)
    assert len(jobs.listed()) == 1


def test_a_stopped_job_is_cancelled_with_all_that_it_started() -> None:
    job = submitted(
        "import subprocess, time, sys\n"
        "child = subprocess.Popen([sys.executable, '-c',"
        " 'import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(300)'])\n"
        "print('child', child.pid, flush=True)\ntime.sleep(300)\n"
    )
    until(lambda: "child" in printed(job))
    child = int(printed(job).split()[1])
    with pytest.raises(folders.Conflict):
        jobs.remove(job.id)
    jobs.cancel(job.id)
    job = jobs.wait(job.id, limit_s=LIMIT_S)
    assert job.state == "cancelled"
    assert runs.get_run(workspaces.resolve(), job.id).summary.status == "KILLED"
    until(lambda: _is_gone(child))


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_a_killed_job_and_a_killed_keeper_have_an_honest_end() -> None:
    source = (
        "import os, time\nprint('pid', os.getpid(), os.getppid(), flush=True)\ntime.sleep(300)\n"
    )
    killed, orphan = submitted(source), None
    until(lambda: "pid" in printed(killed))
    os.kill(int(printed(killed).split()[1]), signal.SIGKILL)
    orphan = submitted(source)
    job = jobs.wait(killed.id, limit_s=LIMIT_S)
    assert job.state == "failed"
    assert job.problem is not None
    assert job.problem.message == "The job's process was ended by SIGKILL."
    until(lambda: "pid" in printed(orphan))
    child, keeper = map(int, printed(orphan).split()[1:3])
    os.kill(keeper, signal.SIGKILL)
    until(lambda: jobs.get(orphan.id).state == "failed")
    assert jobs.get(orphan.id).detail == "ended from outside"
    until(lambda: _is_gone(child))  # nothing runs unseen
    run = runs.get_run(workspaces.resolve(), orphan.id).summary
    assert run.status in ("KILLED", "FAILED")


def test_what_is_no_script_or_no_option_is_told_before_anything_starts() -> None:
    with pytest.raises(UsageError, match="no option 'instances'"):
        submitted("x = 1\n", instances="4")
    order = Order(name="", on="process", workspace="", folder=os.getcwd(), script="gone.py")
    with pytest.raises(UsageError, match=r"gone\.py is no Python script"):
        jobs.submit_file(workspaces.resolve(), order)
    wrong = msgspec.structs.replace(order, on="process:gpu")
    with pytest.raises(UsageError, match="has no targets"):
        jobs.submit_file(workspaces.resolve(), wrong)
    assert jobs.listed() == []
