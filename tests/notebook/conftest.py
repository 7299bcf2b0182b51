"""A real kernel, asked through the messages that a notebook sends."""

from __future__ import annotations

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import patience
import places
import pytest
from jupyter_client.manager import KernelManager

from jupyter_mltrack import settings
from jupyter_mltrack.journal import ship

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_SECONDS = re.compile(r"· 00:\d\d")


def in_no_time(text: str) -> str:
    """A line of a cell as on a machine that has nothing else to do: its cells take no second."""
    return _SECONDS.sub("· 00:00", text)


class Reply:
    """What one cell answered."""

    def __init__(self) -> None:
        self.status = ""
        self.error = ""
        self.traceback: list[str] = []
        self.stdout = ""
        self.stderr = ""
        self.bundles: list[dict[str, Any]] = []
        self.metadata: list[dict[str, Any]] = []
        self.updates = 0
        """How often an output was renewed in place."""
        self._places: dict[str, int] = {}

    def show(self, kind: str, content: dict[str, Any]) -> None:
        """Take an output, or the renewal of one, as a notebook does."""
        known = content.get("transient", {}).get("display_id")
        if kind == "update_display_data":
            at = self._places.get(known)
            if at is not None:
                self.updates += 1
                self.bundles[at], self.metadata[at] = content["data"], content["metadata"]
            return
        self._places[known] = len(self.bundles)
        self.bundles.append(content["data"])
        self.metadata.append(content["metadata"])

    @property
    def lines(self) -> list[str]:
        """The plain text of all displays, line by line, cells of a minute at most in no time."""
        texts = [bundle.get("text/plain", "") for bundle in self.bundles]
        return [line for text in texts for line in in_no_time(text).split("\n")]

    @property
    def shown(self) -> str:
        return "\n".join(self.lines)


class Kernel:
    """One kernel process; `run` is a cell."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd
        self.manager = KernelManager()
        self.manager.start_kernel(cwd=str(cwd))
        self._connect()

    def _connect(self) -> None:
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=patience.WAIT_S)

    @property
    def pid(self) -> int:
        return self.manager.provisioner.process.pid

    def start(self, code: str, **metadata: Any) -> str:
        """Send a cell and return at once."""
        message = self.client.session.msg(
            "execute_request",
            {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            },
            metadata=metadata,
        )
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def run(self, code: str, timeout_s: float = 60, **metadata: Any) -> Reply:
        """Run a cell and wait for all it says."""
        return self.finish(self.start(code, **metadata), patience.least(timeout_s))

    def finish(self, message_id: str, timeout_s: float = patience.WAIT_S) -> Reply:
        reply = Reply()
        until = time.monotonic() + timeout_s
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.1, until - time.monotonic()))
            if message["parent_header"].get("msg_id") != message_id:
                continue
            content, kind = message["content"], message["msg_type"]
            if kind == "stream":
                setattr(reply, content["name"], getattr(reply, content["name"]) + content["text"])
            elif kind in ("display_data", "execute_result", "update_display_data"):
                reply.show(kind, content)
            elif kind == "error":
                reply.error = content["ename"]
                reply.traceback = [_ANSI.sub("", line) for line in content["traceback"]]
            elif kind == "status" and content["execution_state"] == "idle":
                break
        while True:
            answer = self.client.get_shell_msg(timeout=max(0.1, until - time.monotonic()))
            if answer["parent_header"].get("msg_id") == message_id:
                reply.status = answer["content"]["status"]
                return reply

    def settle(self) -> None:
        """Have the kernel write down what the runs of its cells remember."""
        code = "from jupyter_mltrack.tracking import remembering as _; _.finish(100)"
        assert self.run(code).status == "ok"

    def wait_for_output(self, message_id: str, text: str, timeout_s: float = 30) -> None:
        """Read on until the running cell has printed `text`."""
        until = time.monotonic() + patience.least(timeout_s)
        while time.monotonic() < until:
            message = self.client.get_iopub_msg(timeout=max(0.1, until - time.monotonic()))
            mine = message["parent_header"].get("msg_id") == message_id
            if mine and message["msg_type"] == "stream" and text in message["content"]["text"]:
                return
        raise AssertionError(f"{text!r} was not printed")

    def complete(self, code: str) -> list[str]:
        """What Tab offers at the end of the code."""
        message_id = self.client.complete(code, len(code))
        while True:
            answer = self.client.get_shell_msg(timeout=patience.WAIT_S)
            if answer["parent_header"].get("msg_id") == message_id:
                return list(answer["content"]["matches"])

    def restart(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_wait_time = patience.WAIT_S  # before Jupyter kills it
        self.manager.restart_kernel(now=False)
        self._connect()

    def kill(self) -> None:
        """SIGKILL, and no new kernel."""
        os.kill(self.pid, 9)
        self.manager.provisioner.process.wait(150)

    def close(self) -> None:
        self.client.stop_channels()
        if self.manager.has_kernel:
            self.manager.shutdown_kernel(now=True)


@pytest.fixture
def new_kernel(private_place: Path) -> Iterator[Callable[[], Kernel]]:
    """Makes kernels that are closed at the end; the extension is loaded in each."""
    made: list[Kernel] = []

    def make(load: bool = True) -> Kernel:
        kernel = Kernel(private_place / "work")
        made.append(kernel)
        if load:
            reply = kernel.run("%load_ext jupyter_mltrack")
            assert reply.status == "ok", reply.traceback
        return kernel

    yield make
    for kernel in made:
        kernel.close()


@pytest.fixture(scope="module")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """One kernel for those tests of a module that leave nothing in it, in a place of its own."""
    with pytest.MonkeyPatch.context() as patched:
        place = tmp_path_factory.mktemp("kernel") / "place"
        kernel = Kernel(places.point_at(place, places.templates(tmp_path_factory), patched))
    assert kernel.run("%load_ext jupyter_mltrack").status == "ok"
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(new_kernel: Callable[[], Kernel]) -> Kernel:
    return new_kernel()


class Store:
    """The project's embedded store, read by plain SQL after a sync."""

    def __init__(self, work: Path) -> None:
        self.database = work / ".mltrack" / "mlflow.db"
        self._work = work

    def sync(self) -> None:
        ship.sync(settings.data_dir(), timeout_s=patience.WAIT_S)

    def runs(self) -> list[dict[str, Any]]:
        """Runs, oldest first, with params, tags, newest metrics and the number of points."""
        self.sync()
        found = []
        with sqlite3.connect(self.database) as connection:
            rows = connection.execute(
                "SELECT r.run_uuid, r.name, r.status, e.name FROM runs r JOIN experiments e"
                " USING (experiment_id) WHERE r.lifecycle_stage = 'active' ORDER BY r.start_time"
            ).fetchall()
            for run_id, name, status, experiment in rows:
                one: dict[str, Any] = {
                    "id": run_id,
                    "name": name,
                    "status": status,
                    "experiment": experiment,
                }
                for table, field in (
                    ("params", "params"),
                    ("tags", "tags"),
                    ("latest_metrics", "metrics"),
                ):
                    one[field] = dict(
                        connection.execute(
                            f"SELECT key, value FROM {table} WHERE run_uuid = ?", (run_id,)
                        )
                    )
                asked = "SELECT COUNT(*) FROM metrics WHERE run_uuid = ?"
                one["points"] = connection.execute(asked, (run_id,)).fetchone()[0]
                found.append(one)
        return found

    def written_statuses(self) -> list[str]:
        """What the database says now, without a sync."""
        if not self.database.exists():
            return []
        with sqlite3.connect(self.database) as connection:
            return [row[0] for row in connection.execute("SELECT status FROM runs")]

    def statuses(self) -> dict[str, str]:
        return {run["name"]: run["status"] for run in self.runs()}


@pytest.fixture
def store(private_place: Path) -> Store:
    return Store(private_place / "work")


@pytest.fixture
def store_of() -> Callable[[Path], Store]:
    """The embedded store of another folder."""
    return Store
