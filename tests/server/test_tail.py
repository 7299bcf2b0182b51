"""From a kernel's log to the page's nudge: quick, never too many, and nothing when nobody listens."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import patience
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_mltrack import wire
from jupyter_mltrack.journal.live_run import Change
from jupyter_mltrack.server import tail as tails
from jupyter_mltrack.server.tail import Tail

RUN = "a" * 32
WORKSPACE = wire.WorkspaceId("0" * 12)


class FakeIndex:
    """Says that a run changed as often as it is asked."""

    def __init__(self) -> None:
        self.polls = 0
        self.busy = True
        self.changes: list[Change] = []

    def poll(self) -> list[Change]:
        self.polls += 1
        return [change._replace(cursor=self.polls) for change in self.changes]

    def is_busy(self) -> bool:
        return self.busy

    def take_orphaned(self) -> list[Path]:
        return []


@pytest.fixture
def heard():
    """A tail over a fake index with what it sent, and when."""

    class Heard:
        def __init__(self) -> None:
            self.index = FakeIndex()
            self.listened = True
            self.nudges: list[tuple[float, wire.Nudge]] = []
            self.tail = Tail(
                self.index,
                is_listened=lambda: self.listened,
                send=lambda nudge: self.nudges.append((time.monotonic(), nudge)),
                orphaned=lambda: None,
            )

    made = Heard()
    yield made
    made.tail.stop()


def test_no_more_than_twenty_nudges_a_second_and_the_newest_cursor_in_each(heard):
    heard.index.changes = [Change("points", WORKSPACE, wire.RunId(RUN), 0)]
    heard.tail.start()
    began_s = time.monotonic()
    while len(heard.nudges) < 10:
        assert time.monotonic() < began_s + patience.WAIT_S
        time.sleep(0.05)
    heard.tail.stop()
    assert len(heard.nudges) <= 2 + 20 * (time.monotonic() - began_s)
    times = [at for at, _ in heard.nudges]
    assert min(b - a for a, b in itertools.pairwise(times)) > 0.02
    cursors = [nudge.cursors[0] for _, nudge in heard.nudges]
    assert cursors == sorted(set(cursors))


def test_what_changed_in_between_is_told_together(heard):
    heard.index.changes = [
        Change("points", WORKSPACE, wire.RunId(f"{at:032x}"), 0) for at in range(50)
    ]
    heard.tail.start()
    time.sleep(0.2)
    heard.tail.stop()
    for _, nudge in heard.nudges:
        assert len(nudge.run_ids) == len(nudge.cursors) == 50


def test_nobody_listens_nothing_is_sent_and_hardly_anything_is_read(heard):
    heard.listened = False
    heard.index.changes = [Change("points", WORKSPACE, wire.RunId(RUN), 0)]
    heard.tail.start()
    time.sleep(1)
    assert heard.index.polls <= 2
    assert heard.nudges == []
    heard.listened = True
    time.sleep(0.6)
    assert heard.nudges


def test_it_looks_less_often_when_nothing_is_live(heard):
    heard.index.busy = False
    heard.tail.start()
    time.sleep(1)
    assert 8 <= heard.index.polls <= 14


def test_catching_up_waits_for_a_poll_that_began_after_the_call(heard):
    heard.listened = False
    heard.tail.start()
    time.sleep(0.1)
    before = heard.index.polls
    heard.tail.catch_up(2.0)
    assert heard.index.polls > before


def test_a_failing_poll_is_said_and_tried_again(heard, caplog, monkeypatch):
    monkeypatch.setattr(tails, "IDLE_INTERVAL_S", 0.05)
    calls = []

    def fail() -> list[Change]:
        calls.append(1)
        raise RuntimeError("no")

    heard.index.poll = fail
    heard.tail.start()
    time.sleep(0.4)
    assert len(calls) > 1
    assert "could not be read" in caplog.text


def test_stopping_ends_the_thread(heard):
    heard.tail.start()
    heard.tail.stop()
    assert not [one for one in threading.enumerate() if one.name == "mltrack-tail"]


# ------------------------------------------------------------------- through a real server


async def subscribe(http_server_port, serverapp):
    url = f"ws://127.0.0.1:{http_server_port[1]}/a%40b/api/events/subscribe"
    token = serverapp.identity_provider.token
    return await websocket_connect(HTTPRequest(url, headers={"Authorization": f"token {token}"}))


async def next_nudge(socket, kind: str, limit_s: float = patience.WAIT_S) -> dict:
    while True:
        message = json.loads(await asyncio.wait_for(socket.read_message(), limit_s))
        if message["schema_id"].endswith("nudge/v1") and message["kind"] == kind:
            return message


async def test_a_point_reaches_a_listening_page_within_the_time_of_a_frame_or_two(
    http_server, http_server_port, jp_serverapp, journal, begin_run
):
    socket = await subscribe(http_server_port, jp_serverapp)
    run_id = begin_run(journal)
    nudge = await next_nudge(socket, "runs")
    assert (nudge["run_ids"], len(nudge["cursors"])) == ([run_id], 1)
    sink = journal.sink(run_id)
    took_s = []
    for step in range(30):
        await asyncio.sleep(0.06)
        watch = patience.Watch()
        sink.append({"loss": 1.0 / (step + 1)}, step)
        nudge = await next_nudge(socket, "points")
        took_s.append(watch.took_s)
        assert nudge["run_ids"] == [run_id]
        assert set(nudge) >= {"kind", "workspace_id", "run_ids", "cursors"}
        assert "values" not in nudge
    socket.close()
    assert sorted(took_s)[5] < 0.3  # a fraction of that where the machine is idle


async def test_the_cursor_of_a_nudge_fetches_exactly_what_is_new(
    api, http_server, http_server_port, jp_serverapp, journal, begin_run, workspace
):
    socket = await subscribe(http_server_port, jp_serverapp)
    run_id = begin_run(journal)
    await next_nudge(socket, "runs")
    sink, cursor, got = journal.sink(run_id), 0, []
    for step in range(10):
        sink.append({"loss": float(step)}, step)
        nudge = await next_nudge(socket, "points")
        assert nudge["cursors"][0] > cursor
        answer = (await api(f"runs/{run_id}/series?workspace={workspace.id}&since={cursor}")).json
        cursor = answer["cursor"]
        got += answer["columns"][0]["values"]
    socket.close()
    assert got == [float(step) for step in range(10)]


OWNER = """
import sys, time
from pathlib import Path
from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.workspaces import resolve
journal = Journal.create(resolve("local", Path(sys.argv[1])))
journal.event(wire.RunBorn(run_id="a" * 32, name="run", start_ms=1000))
journal.sink("a" * 32).append({"loss": 1.0}, 0)
print("ready", flush=True)
time.sleep(60)
"""


async def test_the_run_of_a_killed_kernel_is_told_failed_and_its_journal_is_finished(
    api, http_server, http_server_port, jp_serverapp, project, workspace, until
):
    workspace.prepare()
    socket = await subscribe(http_server_port, jp_serverapp)
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(project)], stdout=subprocess.PIPE, env=os.environ
    )
    try:
        await asyncio.to_thread(owner.stdout.readline)
        await next_nudge(socket, "points")
    finally:
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        owner.stdout.close()
    nudge = await next_nudge(socket, "runs")
    assert nudge["run_ids"] == [RUN]
    (row,) = (await api(f"live?workspace={workspace.id}")).json["runs"]
    assert (row["summary"]["status"], row["summary"]["error"]) == ("FAILED", "kernel died")

    def stored_status():
        import sqlite3

        with sqlite3.connect(workspace.database) as database:
            found = database.execute(
                "SELECT status FROM runs WHERE run_uuid = ?", (RUN,)
            ).fetchone()
        database.close()
        return found and found[0] == "FAILED"

    assert await until(stored_status, 30)
    socket.close()
