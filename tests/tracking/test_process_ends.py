"""However the process ends: nothing acknowledged is lost, and no run is left running."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

_HEAD = """
import os, signal, sys, atexit
from jupyter_mltrack import log, track
"""
_ENDS = {
    "os._exit": ("os._exit(3)", "FAILED"),
    "abort": ("os.abort()", "FAILED"),
    "kill": ("os.kill(os.getpid(), signal.SIGKILL)", "FAILED"),
    "terminate": ("os.kill(os.getpid(), signal.SIGTERM); import time; time.sleep(5)", "FAILED"),
    "segfault": ("import ctypes; ctypes.string_at(0)", "FAILED"),
    "exit": ("sys.exit(0)", "FINISHED"),
    "exit with a code": ("sys.exit(2)", "FAILED"),
    "error": ("raise ValueError('x')", "FAILED"),
    "interrupt": ("raise KeyboardInterrupt", "KILLED"),
}


@pytest.mark.parametrize("end", _ENDS)
def test_a_process_that_ends_in_mid_cell_leaves_an_honest_run(
    kept: Callable[..., dict[str, Any]], end: str
) -> None:
    act, status = _ENDS[end]
    code = f'{_HEAD}\nwith track("one"):\n    for at in range(500): log({{"m": at}}, step=at)\n    {act}\n'
    subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, timeout=150)
    found = kept()["one"]
    assert found.status == status
    assert found.points["m"] == [(at, float(at)) for at in range(500)]


def test_a_context_that_is_open_at_exit_is_ended_as_killed(
    kept: Callable[..., dict[str, Any]],
) -> None:
    code = f'{_HEAD}\nmanager = track("open"); manager.__enter__(); log({{"m": 1}})'
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert kept()["open"].status == "KILLED"


def test_a_script_that_only_logs_has_a_finished_run_when_it_has_ended(
    kept: Callable[..., dict[str, Any]],
) -> None:
    code = f'{_HEAD}\nlog({{"m": 1}})'
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = kept().values()
    assert (run.status, run.points) == ("FINISHED", {"m": [(0, 1.0)]})


def test_everything_is_in_the_store_when_a_headless_process_has_ended() -> None:
    import sqlite3

    code = f'{_HEAD}\nwith track("one"):\n    for at in range(5000): log({{"m": at}}, step=at)\n'
    subprocess.run([sys.executable, "-c", code], check=True, timeout=150)
    database = sqlite3.connect(".mltrack/mlflow.db")  # nobody has shipped anything since
    assert database.execute("SELECT count(*) FROM metrics").fetchone() == (5000,)
    assert database.execute("SELECT status FROM runs").fetchall() == [("FINISHED",)]


def test_a_run_of_mlflow_that_is_left_open_ends_as_mlflow_ends_it(
    kept: Callable[..., dict[str, Any]],
) -> None:
    code = f"""{_HEAD}
from jupyter_mltrack.tracking import attach
attach.attach()
import mlflow
mlflow.start_run(run_name="left")
mlflow.log_metric("m", 1)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert kept()["left"].status == "FINISHED"


def test_an_interrupted_run_of_mlflow_is_killed_not_failed(
    kept: Callable[..., dict[str, Any]],
) -> None:
    code = f"""{_HEAD}
import mlflow
with track("cell"):
    with mlflow.start_run(run_name="theirs"):
        mlflow.log_metric("m", 1)
        raise KeyboardInterrupt
"""
    subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    (run,) = kept().values()
    assert (run.name, run.status) == ("theirs", "KILLED")
