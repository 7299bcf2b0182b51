"""A real MLflow server that the tests of shipping share, and a proxy before it that misbehaves."""

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator

import pytest
import ship_ground
from faulty_proxy import FaultyProxy
from ship_ground import until


@pytest.fixture(scope="session")
def server_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A real MLflow server on loopback."""
    place = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "MLTRACK_"))}
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
    ]
    command += [
        "--backend-store-uri",
        f"sqlite:///{place}/store.db",
        "--default-artifact-root",
        f"file://{place}/a",
    ]
    with (place / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env=environment, cwd=place, start_new_session=True
        )
    try:
        until(
            lambda: listens(port),
            timeout_s=150,
            what=f"server: {(place / 'log').read_text()[-2000:]}",
        )
        yield port
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def proxy(server_port: int) -> Iterator[FaultyProxy]:
    with FaultyProxy(server_port) as found:
        yield found


@pytest.fixture
def run_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """One server serves many tests: each has its own run id."""
    fresh = uuid.uuid4().hex
    monkeypatch.setattr(ship_ground, "RUN", fresh)
    monkeypatch.setattr(ship_ground.born, "__defaults__", (fresh, "run"))
    monkeypatch.setattr(ship_ground.ended, "__defaults__", (fresh, "FINISHED"))
