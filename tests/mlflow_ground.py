"""A real MLflow server for tests: one for all processes that run them, or one of a test's own.

It is the application that `mlflow server` runs, in one process instead of two, on a copy of a database
that MLflow made once. Tests that share it make runs, experiments and models under names of their own.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import patience
import pytest

_SERVE = """
import os, sys, threading, time
from mlflow.server import constants
database, files, port, owner = sys.argv[1:]
os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = database
os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = "mlflow-artifacts:/"
os.environ[constants.ARTIFACTS_DESTINATION_ENV_VAR] = files
os.environ[constants.SERVE_ARTIFACTS_ENV_VAR] = "true"


def end_with_the_tests():
    while os.path.exists(f"/proc/{owner}"):
        time.sleep(1)
    os._exit(0)


threading.Thread(target=end_with_the_tests, daemon=True).start()
import uvicorn
uvicorn.run("mlflow.server.fastapi_app:app", host="127.0.0.1", port=int(port), log_level="warning")
"""
_NOT_OURS = ("MLFLOW_", "MLTRACK_")


def start(place: Path, database: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """Start a server on a database with MLflow's schema; its files are kept in `place`."""
    place.mkdir(exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    keep = {name: text for name, text in os.environ.items() if not name.startswith(_NOT_OURS)}
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, f"sqlite:///{database}", str(place / "files"), str(port),
             str(_owner())],
            cwd=place, stdout=log, stderr=log, start_new_session=True,
            env=keep
            | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(address, process, place / "log")
    except BaseException:
        end(process.pid)
        process.wait()
        raise
    return address, process


def _owner() -> int:
    """The process whose end is the end of all tests."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


def of_all(factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of these tests share, and no others."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it answers, and has imported what its first requests need."""
    until_s = time.monotonic() + patience.WAIT_S
    while True:
        try:
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
            break
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until_s, log.read_text()
            time.sleep(0.1)
    for path, body in (
        ("experiments/search", {"max_results": 1}),
        ("runs/search", {"experiment_ids": ["0"], "max_results": 1}),
    ):
        request = urllib.request.Request(
            f"{address}/api/2.0/mlflow/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=patience.WAIT_S).read()


def end(pid: int) -> None:
    """End a server at once: it holds nothing that a test reads later."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


@contextlib.contextmanager
def shared(place: Path, templates: Path) -> Iterator[str]:
    """The address of the server that processes with the same `place` use together.

    The first one starts it, the last one ends it.
    """
    place.mkdir(exist_ok=True)
    with _state(place) as state:
        if not state.get("users"):
            made = _made(place, templates)
            address, process = start(place, made)
            state |= {"address": address, "pid": process.pid, "users": 0}
        state["users"] += 1
        address = str(state["address"])
    try:
        yield address
    finally:
        with _state(place) as state:
            state["users"] -= 1
            if not state["users"]:
                end(state["pid"])


@contextlib.contextmanager
def _state(place: Path) -> Iterator[dict[str, Any]]:
    """What the processes know together; one at a time."""
    with (place / "state.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        state = json.loads(file.read() or "{}")
        try:
            yield state
        finally:
            file.truncate(0)
            file.write(json.dumps(state))
            file.flush()


def _made(place: Path, templates: Path) -> Path:
    folder = place / f"store-{time.time_ns()}"
    folder.mkdir()
    return new_database(folder, templates)


def new_database(folder: Path, templates: Path) -> Path:
    """Make an empty database in a folder, from the schema that MLflow makes once for all tests."""
    from jupyter_mltrack import workspaces

    before = os.environ.get("MLTRACK_TEMPLATES_DIR")
    os.environ["MLTRACK_TEMPLATES_DIR"] = str(templates)
    try:
        workspace = workspaces.resolve(str(folder))
        workspace.prepare()
    finally:
        if before is None:
            del os.environ["MLTRACK_TEMPLATES_DIR"]
        else:
            os.environ["MLTRACK_TEMPLATES_DIR"] = before
    assert workspace.database is not None
    return workspace.database
