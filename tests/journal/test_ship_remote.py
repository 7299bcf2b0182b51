"""Shipping to a real MLflow server, directly and through a network that misbehaves."""

import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from faulty_proxy import FaultyProxy
from ship_ground import RUN, Shipped, born, ended, journals, read_plainly, until

from jupyter_mltrack import wire, workspaces
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.ship import backlog, health, recover, run_alias, sync, wait_shipped
from jupyter_mltrack.settings import data_dir


@pytest.fixture(scope="module")
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
            lambda: _listens(port),
            timeout_s=150,
            what=f"server: {(place / 'log').read_text()[-2000:]}",
        )
        yield port
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def proxy(server_port: int) -> Iterator[FaultyProxy]:
    with FaultyProxy(server_port) as found:
        yield found


def _log(line: Shipped, count: int = 300, first: int = 0) -> None:
    sink = line.journal.sink(RUN)
    for step in range(first, first + count):
        sink.append({"loss": 1 / (step + 1), "acc": float(step)}, step, 10_000 + step)


def _arrived(line: Shipped, timeout_s: float = 60) -> None:
    """Wait for everything; a person who is tired of waiting types sync."""
    report = sync(data_dir(), workspace_id=line.workspace.id, timeout_s=timeout_s)
    end_s = time.monotonic() + timeout_s
    while report.waiting_points and time.monotonic() < end_s:
        time.sleep(0.1)
        report = sync(data_dir(), workspace_id=line.workspace.id, timeout_s=5)
    assert report.waiting_points == 0, report


def _assert_all_there_once(port: int, count: int, status: str = "FINISHED") -> dict[str, Any]:
    remote = run_alias(data_dir(), RUN)
    assert remote != RUN
    run = _get(port, "runs/get", run_id=remote)["run"]
    for key, value in (("loss", lambda s: 1 / (s + 1)), ("acc", float)):
        points = _get(port, "metrics/get-history", run_id=remote, metric_key=key)["metrics"]
        found = [(int(p.get("step", 0)), int(p["timestamp"]), p.get("value", 0.0)) for p in points]
        assert found == [(s, 10_000 + s, value(s)) for s in range(count)]
    assert run["info"]["status"] == status
    return dict(run)


def _get(port: int, path: str, **query: str) -> dict[str, Any]:
    import urllib.parse
    import urllib.request

    address = f"http://127.0.0.1:{port}/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}"
    answer: dict[str, Any] = json.loads(urllib.request.urlopen(address, timeout=20).read())
    return answer


def _runs_with_tag(port: int) -> int:
    """How many runs the server has for our run."""
    body = {
        "experiment_ids": ["0"],
        "filter": f"tags.`mltrack.run_id` = '{RUN}'",
        "run_view_type": "ALL",
    }
    return len(_post(port, "runs/search", body).get("runs", []))


@pytest.fixture(autouse=True)
def run_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """One server serves all tests of this file: each has its own run id."""
    import uuid

    import ship_ground

    fresh = uuid.uuid4().hex
    monkeypatch.setattr(ship_ground, "RUN", fresh)
    monkeypatch.setitem(globals(), "RUN", fresh)
    monkeypatch.setattr(ship_ground.born, "__defaults__", (fresh, "run"))
    monkeypatch.setattr(ship_ground.ended, "__defaults__", (fresh, "FINISHED"))


def test_a_whole_run_arrives_as_plain_mlflow_would_have_written_it(server_port: int) -> None:
    workspace = workspaces.resolve(f"http://127.0.0.1:{server_port}")
    with Shipped(workspace) as line:
        rid = wire.RunId(RUN)
        born(line.journal, name="mine", experiment="remote", tags={"a": "b"}, user="me")
        line.journal.event(
            wire.RunParams(run_id=rid, params={"lr": "auto", "depth": "3"}, automatic=True)
        )
        line.journal.event(wire.RunParams(run_id=rid, params={"lr": "0.1", "long": "x" * 7000}))
        line.journal.event(wire.RunTags(run_id=rid, tags={"gone": "1", "kept": "ü" * 9000}))
        line.journal.event(wire.RunTagDeleted(run_id=rid, key="gone"))
        _log(line, 2_500)
        line.journal.sink(RUN).append({"odd": math.nan}, 0, 5)
        line.journal.sink(RUN).append({"odd": math.inf}, 1, 5)
        child = "c" + RUN[1:]
        born(line.journal, child, "child", tags={"mlflow.parentRunId": RUN})
        ended(line.journal, child)
        line.journal.event(wire.RunUpdated(run_id=rid, name="renamed"))
        ended(line.journal, status="FAILED", error="ValueError: x")
        line.handle.wake()
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=20, timeout_s=60)
        seen = health(data_dir(), workspace.id)
        assert seen is not None
        assert (seen.state, seen.waiting_points) == ("ready", 0)
    _assert_all_there_once(server_port, 2_500, "FAILED")
    remote, remote_child = run_alias(data_dir(), RUN), run_alias(data_dir(), child)
    both = read_plainly(workspace.tracking_uri, remote, remote_child)
    found, nested = both[remote], both[remote_child]
    assert found["params"] == {"lr": "0.1", "depth": "3", "long": "x" * 6000}
    assert found["tags"] == {
        "a": "b",
        "kept": "ü" * 8000,
        "mlflow.runName": "renamed",
        "mltrack.error": "ValueError: x",
        "mltrack.run_id": RUN,
    }
    assert (found["name"], found["user"], found["experiment"]) == ("renamed", "me", "remote")
    assert (found["start"], found["end"]) == (1_000, 2_000)
    assert [repr_ for _, _, repr_ in found["history"]["odd"]] == ["nan", "1.7976931348623157e+308"]
    assert nested["tags"]["mlflow.parentRunId"] == remote
    recover(data_dir())
    until(lambda: journals() == [], timeout_s=60)
    assert run_alias(data_dir(), RUN) == remote, "old ids resolve after the journal is gone"


_NOT_MLFLOW = "something that is not MLflow's"


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([("refuse", "unreachable", "cannot be reached")], id="refuses"),
        pytest.param([("hang", "unreachable", "takes its time to answer")], id="hangs"),
        pytest.param([("cut", "unreachable", "cannot be reached")], id="cuts answers"),
        pytest.param(
            [
                ("status:503", "unreachable", "answered 503"),
                ("retry:1", "unreachable", "answered 429"),
                ("status:401", "signed_out", "wants a sign-in (401)"),
                ("status:403", "denied", "refuses to write (403)"),
                ("escape", "unreachable", "answered 500"),
            ],
            id="says no",
        ),
        pytest.param(
            [
                ("html", "broken", _NOT_MLFLOW),
                ("garbage", "broken", _NOT_MLFLOW),
                ("deep", "broken", _NOT_MLFLOW),
                ("huge", "unreachable", "larger than anything"),
            ],
            id="says nonsense",
        ),
    ],
)
def test_s09_a_server_in_trouble_costs_nothing_and_loses_nothing(
    proxy: FaultyProxy, server_port: int, faults: list[tuple[str, str, str]]
) -> None:
    workspace = workspaces.resolve(proxy.uri)
    with Shipped(workspace) as line:
        born(line.journal)
        _log(line, 100)
        line.handle.wake()
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=20, timeout_s=40)
        count = 100
        for mode, state, words in faults:
            proxy.mode = mode
            _log(line, 50, first=count)
            line.handle.wake()
            seen = until(lambda: _bad_health(workspace.id), timeout_s=30, what=mode)
            assert (mode, seen.state, seen.waiting_points) == (mode, state, 100)
            assert words in seen.message
            assert seen.message.isprintable()
            assert "<img" not in seen.message
            begun_s = time.monotonic()
            assert not wait_shipped(
                line.journal.path, line.journal.position(), stall_s=0.05, timeout_s=5
            )
            assert time.monotonic() - begun_s < 0.5
            _log(line, 50, first=count + 50)
            count += 100
            proxy.mode = "pass"
            _arrived(line)
            until(lambda: _bad_health(workspace.id) is None)
        ended(line.journal)
        _arrived(line)
    _assert_all_there_once(server_port, count)
    assert _runs_with_tag(server_port) == 1
    assert not (line.journal.path / "set_aside.jsonl").exists()


def _bad_health(workspace_id: str) -> wire.Health | None:
    seen = health(data_dir(), workspace_id)
    return seen if seen is not None and seen.state not in ("ready", "connecting") else None


@pytest.mark.parametrize("path", ["runs/create", "runs/log-batch", "runs/update"])
@pytest.mark.parametrize("mode", ["lost", "cut"])
def test_an_answer_lost_after_the_work_was_done_does_nothing_twice(
    proxy: FaultyProxy, server_port: int, path: str, mode: str
) -> None:
    left = {"count": 1 if path == "runs/create" else 2}  # the second try finds what was created

    def choose(_method: str, found: str) -> str | None:
        if found.endswith(path) and left["count"]:
            left["count"] -= 1
            return mode
        return None

    proxy.choose = choose
    workspace = workspaces.resolve(proxy.uri)
    with Shipped(workspace) as line:
        born(line.journal)
        _log(line, 300)
        ended(line.journal)
        line.handle.wake()
        _arrived(line)
    assert left["count"] == 0
    _assert_all_there_once(server_port, 300)
    assert _runs_with_tag(server_port) == 1


def test_a_shipper_killed_while_a_run_is_created_creates_it_once(
    proxy: FaultyProxy, server_port: int
) -> None:
    proxy.choose = lambda _method, path: "hang" if path.endswith("runs/create") else None
    workspace = workspaces.resolve(proxy.uri)
    with Shipped(workspace) as line:
        born(line.journal)
        _log(line, 50)
        ended(line.journal)
        until(lambda: any(p.endswith("runs/create") for _, p, _ in proxy.seen), timeout_s=30)
        assert line.handle.process is not None
        line.handle.process.kill()
        line.handle.process.wait()
        # the server did the work although the answer came too late
        request = {"experiment_id": "0", "start_time": 1000, "run_name": "run"}
        request["tags"] = [{"key": "mltrack.run_id", "value": RUN}]  # type: ignore[assignment]
        _post(server_port, "runs/create", request)
        proxy.choose = lambda _method, _path: None
        proxy.mode = "pass"
        _arrived(line)
    _assert_all_there_once(server_port, 50)
    assert _runs_with_tag(server_port) == 1


def _post(port: int, path: str, body: dict[str, Any]) -> dict[str, Any]:
    import urllib.request

    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/2.0/mlflow/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    answer: dict[str, Any] = json.loads(urllib.request.urlopen(request, timeout=20).read())
    return answer


class _Elsewhere:
    """A host that must never see a credential."""

    def __init__(self) -> None:
        self.seen: list[dict[str, str]] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def _handle(self) -> None:
                owner.seen.append(dict(self.headers))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_GET = do_POST = _handle

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://localhost:{self.server.server_address[1]}/other"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def test_s08_a_redirect_to_another_host_is_not_followed(
    proxy: FaultyProxy, server_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = _Elsewhere()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary-token")
    workspace = workspaces.resolve(proxy.uri)
    proxy.mode = f"redirect:{elsewhere.uri}?secret=canary-query"
    with Shipped(workspace) as line:
        born(line.journal)
        _log(line, 10)
        ended(line.journal)
        seen = until(lambda: _bad_health(workspace.id), timeout_s=30)
        assert seen.state == "broken"
        assert seen.message.endswith(
            f"sends to localhost:{elsewhere.server.server_address[1]} instead of answering; it was not followed."
        )
        assert elsewhere.seen == []
        proxy.mode = "pass"
        _arrived(line)
    assert elsewhere.seen == []
    assert any(h.get("Authorization") == "Bearer canary-token" for _, _, h in proxy.seen)
    _assert_all_there_once(server_port, 10)
    elsewhere.server.shutdown()


def test_s28_credentials_are_in_no_file_and_in_no_process_arguments(
    proxy: FaultyProxy, server_port: int
) -> None:
    uri = proxy.uri.replace("http://", "http://someone:canary-password@")
    workspace = workspaces.resolve(uri)
    proxy.mode = "status:500"
    with Shipped(workspace) as line:
        born(line.journal)
        _log(line, 10)
        ended(line.journal)
        until(lambda: _bad_health(workspace.id), timeout_s=30)
        arguments = Path(f"/proc/{line.handle.process.pid}/cmdline").read_bytes()  # type: ignore[union-attr]
        assert b"canary" not in arguments
        for path in data_dir().rglob("*"):
            if path.is_file():
                assert b"canary-password" not in path.read_bytes(), path
        proxy.mode = "pass"
        _arrived(line)
    assert any(h.get("Authorization", "").startswith("Basic ") for _, _, h in proxy.seen)


def test_s30_credentials_of_one_server_do_not_go_to_the_journal_of_another(
    proxy: FaultyProxy, server_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal.create(workspaces.resolve(proxy.uri))
    born(journal)
    journal.sink(RUN).append({"loss": 1.0, "acc": 0.0}, 0, 10_000)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "canary-token")
    report = sync(data_dir(), timeout_s=40)
    journal.close()
    assert (report.shipped_points, report.waiting_points) == (2, 0)
    assert proxy.seen
    assert [h for _, _, h in proxy.seen if "Authorization" in h] == []
    until(lambda: journals() == [], timeout_s=20)


def test_signing_in_later_sends_what_waits(
    proxy: FaultyProxy, server_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(_method: str, _path: str) -> str | None:
        return None if proxy.seen[-1][2].get("Authorization") == "Bearer good" else "status:401"

    proxy.choose = choose
    workspace = workspaces.resolve(proxy.uri)
    with Shipped(workspace) as line:
        born(line.journal)
        _log(line, 20)
        ended(line.journal)
        line.handle.wake()
        seen = until(lambda: _bad_health(workspace.id), timeout_s=30)
        assert seen.state == "signed_out"
        assert "MLFLOW_TRACKING_TOKEN" in seen.hint
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "good")
        line.handle.wake()
        assert wait_shipped_after_sign_in(line)
    _assert_all_there_once(server_port, 20)


def wait_shipped_after_sign_in(line: Shipped) -> bool:
    """The health file still says signed out for a moment: wait by what arrives."""
    until(lambda: backlog(data_dir())[line.workspace.id].points == 0, timeout_s=20)
    return True


def test_retry_after_is_honoured(proxy: FaultyProxy, server_port: int) -> None:
    workspace = workspaces.resolve(proxy.uri)
    proxy.mode = "retry:4"
    with Shipped(workspace) as line:
        born(line.journal)
        _log(line, 10)
        ended(line.journal)
        until(lambda: len(proxy.seen) == 1, timeout_s=30)
        begun_s = time.monotonic()
        until(lambda: len(proxy.seen) == 2, timeout_s=30)
        assert time.monotonic() - begun_s > 3.5
        proxy.mode = "pass"
        _arrived(line)
    _assert_all_there_once(server_port, 10)


def test_a_record_that_is_refused_for_ever_is_set_aside_and_the_rest_arrives(
    proxy: FaultyProxy, server_port: int
) -> None:
    proxy.choose = lambda _method, path: (
        "refused_record:poison" if path.endswith("log-batch") else None
    )
    workspace = workspaces.resolve(proxy.uri)
    with Shipped(workspace) as line:
        born(line.journal)
        sink = line.journal.sink(RUN)
        for step in range(40):
            values = {"loss": 1 / (step + 1), "acc": float(step)}
            sink.append({**values, "poison": 6.0} if step == 17 else values, step, 10_000 + step)
        ended(line.journal)
        line.handle.wake()
        _arrived(line)
        aside = [
            json.loads(text)
            for text in (line.journal.path / "set_aside.jsonl").read_text().splitlines()
        ]
    assert [entry["record"]["metrics"] for entry in aside] == [[["poison", "6.0", 10_017, 17]]]
    assert "not this one" in aside[0]["reason"]
    _assert_all_there_once(server_port, 40)


def test_a_run_begun_without_network_arrives_after_its_kernel_is_gone(server_port: int) -> None:
    with FaultyProxy(server_port) as proxy:
        proxy.mode = "refuse"
        workspace = workspaces.resolve(proxy.uri)
        line = Shipped(workspace)
        born(line.journal)
        _log(line, 30)
        line.stop()  # the kernel and its shipper die with the laptop
        line.journal.close()
        proxy.mode = "pass"
        report = sync(data_dir(), timeout_s=40)
        assert report.waiting_points == 0
        assert report.problems == []
    _assert_all_there_once(server_port, 30, "FAILED")


def test_a_run_whose_experiment_was_deleted_meanwhile_is_kept_in_the_default_one(
    server_port: int,
) -> None:
    workspace = workspaces.resolve(f"http://127.0.0.1:{server_port}")
    made = _post(server_port, "experiments/create", {"name": f"gone-{RUN}"})["experiment_id"]
    _post(server_port, "experiments/delete", {"experiment_id": made})
    with Shipped(workspace) as line:
        born(line.journal, experiment_id=made)
        _log(line, 5)
        ended(line.journal)
        other = "e" + RUN[1:]
        born(line.journal, other, experiment=f"gone-{RUN}")
        ended(line.journal, other)
        line.handle.wake()
        _arrived(line)
    run = _assert_all_there_once(server_port, 5)
    assert run["info"]["experiment_id"] == "0"
    remote = _get(server_port, "runs/get", run_id=run_alias(data_dir(), other))["run"]["info"]
    assert (remote["experiment_id"], remote["status"]) == ("0", "FINISHED")


def test_sync_says_what_stands_in_the_way(server_port: int) -> None:
    with FaultyProxy(server_port) as proxy:
        proxy.mode = "status:401"
        journal = Journal.create(workspaces.resolve(proxy.uri))
        born(journal)
        report = sync(data_dir(), timeout_s=40)
        assert report.waiting_points == 1
        assert [problem.code for problem in report.problems] == ["signed_out"]
        journal.close()
        proxy.mode = "pass"
        sync(data_dir(), timeout_s=40)


def test_a_hundred_ms_away_points_go_in_full_batches_side_by_side(
    proxy: FaultyProxy, server_port: int
) -> None:
    proxy.delay_s = 0.1
    workspace = workspaces.resolve(proxy.uri)
    with Shipped(workspace) as line:
        born(line.journal)
        line.handle.wake()
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=20, timeout_s=40)
        proxy.seen.clear()
        begun_s = time.monotonic()
        _log(line, 5_000)
        ended(line.journal)
        line.handle.wake()
        assert wait_shipped(line.journal.path, line.journal.position(), stall_s=20, timeout_s=60)
        took_s = time.monotonic() - begun_s
        batches = [path for _, path, _ in proxy.seen if path.endswith("log-batch")]
        assert len(batches) <= 13, "5,000 rows of two are ten full batches"
    _assert_all_there_once(server_port, 5_000)
    print(f"took {took_s:.2f} s")


def test_s09_an_answer_that_trickles_is_left_behind(
    proxy: FaultyProxy, server_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mltrack.journal.guarded_http import BoundedCalls, LostCall

    calls = BoundedCalls(limit_s=0.5)
    proxy.mode = "trickle"

    def ask() -> bytes:
        import urllib.request

        return bytes(urllib.request.urlopen(proxy.uri, timeout=5).read())

    begun_s = time.monotonic()
    with pytest.raises(LostCall):
        calls.run(ask)
    assert time.monotonic() - begun_s < 2
    assert calls.lost == 1
    proxy.mode = "pass"
