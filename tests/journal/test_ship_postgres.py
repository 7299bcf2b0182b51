"""Shipping to PostgreSQL through MLflow's own store, and through its going away and coming back."""

import glob
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ship_ground import RUN, Shipped, born, ended, read_plainly, until

from jupyter_mltrack import wire, workspaces
from jupyter_mltrack.journal.ship import backlog, health, run_alias, sync, wait_shipped
from jupyter_mltrack.settings import data_dir

psycopg2 = pytest.importorskip("psycopg2", reason="needs psycopg2 to reach PostgreSQL")


class _Postgres:
    """A server of our own on loopback; root may not run one, so another user does."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._as: dict[str, Any] = {"user": "postgres"} if os.geteuid() == 0 else {}
        self.place = Path(tempfile.mkdtemp(prefix="mltrack-pg-"))
        if self._as:
            shutil.chown(self.place, "postgres")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.uri = f"postgresql+psycopg2://someone:word@127.0.0.1:{self.port}/postgres"
        words = self.place / "words"
        words.write_text("word")
        words.chmod(0o644)
        self._run(
            "initdb",
            "-D",
            str(self.place / "d"),
            "-U",
            "someone",
            "-A",
            "md5",
            "--pwfile",
            str(words),
        )

    def _run(self, name: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._binaries / name), *arguments],
            check=True,
            cwd=self.place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as,
        )

    def start(self) -> None:
        options = f"-p {self.port} -k {self.place} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run(
            "pg_ctl",
            "-D",
            str(self.place / "d"),
            "-l",
            str(self.place / "log"),
            "-w",
            "-o",
            options,
            "start",
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.place / "d"), "-m", "immediate", "-w", "stop")


@pytest.fixture(scope="module")
def postgres() -> Iterator[_Postgres]:
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    server = _Postgres(Path(found[-1]).parent)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.place, ignore_errors=True)


@pytest.mark.slow
def test_a_run_survives_the_databases_going_away_and_arrives_once(
    postgres: _Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", postgres.uri)
    workspace = workspaces.resolve()
    with Shipped(workspace) as line:
        rid = wire.RunId(RUN)
        born(line.journal, name="pg", experiment="digits", tags={"a": "b"})
        sink = line.journal.sink(RUN)
        for step in range(1_500):
            sink.append({"loss": step / 3}, step, step)
        line.handle.wake()
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=60, timeout_s=90)
        postgres.stop()
        for step in range(1_500, 2_000):
            sink.append({"loss": step / 3}, step, step)
        line.handle.wake()
        seen = until(lambda: _bad(workspace.id), timeout_s=30)
        assert seen.state == "unreachable"
        assert "word" not in seen.message
        line.journal.event(wire.RunParams(run_id=rid, params={"lr": "0.1"}))
        ended(line.journal)
        postgres.start()
        sync(data_dir(), timeout_s=60)
        until(lambda: backlog(data_dir())[workspace.id].points == 0, timeout_s=60)
    remote = run_alias(data_dir(), RUN)
    found = read_plainly(postgres.uri, remote)[remote]
    assert found["history"]["loss"] == [[step, step, repr(step / 3)] for step in range(2_000)]
    assert (found["status"], found["params"], found["experiment"]) == (
        "FINISHED",
        {"lr": "0.1"},
        "digits",
    )
    for path in data_dir().rglob("*"):
        if path.is_file():
            assert b"someone:word" not in path.read_bytes(), path


def _bad(workspace_id: str) -> wire.Health | None:
    seen = health(data_dir(), workspace_id)
    return seen if seen is not None and seen.state not in ("ready", "connecting") else None
