"""Shipping to a real MLflow server, directly and through a network that misbehaves."""

import json
import math
import time

import patience
import pytest
import ship_ground
from faulty_proxy import FaultyProxy
from remote_ground import (
    arrived,
    assert_all_there_once,
    bad_health,
    get,
    log_points,
    post,
    runs_with_tag,
)
from ship_ground import Shipped, born, ended, journals, read_plainly, until

from jupyter_mltrack import wire, workspaces
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.ship import health, recover, run_alias, sync, wait_shipped
from jupyter_mltrack.settings import data_dir

pytestmark = pytest.mark.usefixtures("run_of_this_test")


def test_a_whole_run_arrives_as_plain_mlflow_would_have_written_it(server_port: int) -> None:
    workspace = workspaces.resolve(f"http://127.0.0.1:{server_port}")
    with Shipped(workspace) as line:
        rid = wire.RunId(ship_ground.RUN)
        born(line.journal, name="mine", experiment="remote", tags={"a": "b"}, user="me")
        line.journal.event(
            wire.RunParams(run_id=rid, params={"lr": "auto", "depth": "3"}, automatic=True)
        )
        line.journal.event(wire.RunParams(run_id=rid, params={"lr": "0.1", "long": "x" * 7000}))
        line.journal.event(wire.RunTags(run_id=rid, tags={"gone": "1", "kept": "ü" * 9000}))
        line.journal.event(wire.RunTagDeleted(run_id=rid, key="gone"))
        log_points(line, 2_500)
        line.journal.sink(ship_ground.RUN).append({"odd": math.nan}, 0, 5)
        line.journal.sink(ship_ground.RUN).append({"odd": math.inf}, 1, 5)
        child = "c" + ship_ground.RUN[1:]
        born(line.journal, child, "child", tags={"mlflow.parentRunId": ship_ground.RUN})
        ended(line.journal, child)
        line.journal.event(wire.RunUpdated(run_id=rid, name="renamed"))
        ended(line.journal, status="FAILED", error="ValueError: x")
        line.handle.wake()
        arrived(line)
        seen = until(lambda: health(data_dir(), workspace.id))  # written after the points
        assert (seen.state, seen.waiting_points) == ("ready", 0)
    assert_all_there_once(server_port, 2_500, "FAILED")
    remote, remote_child = run_alias(data_dir(), ship_ground.RUN), run_alias(data_dir(), child)
    both = read_plainly(workspace.tracking_uri, remote, remote_child)
    found, nested = both[remote], both[remote_child]
    assert found["params"] == {"lr": "0.1", "depth": "3", "long": "x" * 6000}
    assert found["tags"] == {
        "a": "b",
        "kept": "ü" * 8000,
        "mlflow.runName": "renamed",
        "mltrack.error": "ValueError: x",
        "mltrack.run_id": ship_ground.RUN,
    }
    assert (found["name"], found["user"], found["experiment"]) == ("renamed", "me", "remote")
    assert (found["start"], found["end"]) == (1_000, 2_000)
    assert [repr_ for _, _, repr_ in found["history"]["odd"]] == ["nan", "1.7976931348623157e+308"]
    assert nested["tags"]["mlflow.parentRunId"] == remote
    recover(data_dir())
    until(lambda: journals() == [], timeout_s=60)
    assert run_alias(data_dir(), ship_ground.RUN) == remote, (
        "old ids resolve after the journal is gone"
    )


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
        log_points(line, 100)
        line.handle.wake()
        arrived(line)
        count = 100
        for mode, state, words in faults:
            proxy.mode = mode
            log_points(line, 50, first=count)
            line.handle.wake()
            seen = until(lambda: bad_health(workspace.id), timeout_s=30, what=mode)
            assert (mode, seen.state, seen.waiting_points) == (mode, state, 100)
            assert words in seen.message
            assert seen.message.isprintable()
            assert "<img" not in seen.message
            watch = patience.Watch()
            assert not wait_shipped(  # known to be away: not waited for at all
                line.journal.path, line.journal.position(), stall_s=60, timeout_s=120
            )
            assert watch.took_s < 10
            log_points(line, 50, first=count + 50)
            count += 100
            proxy.mode = "pass"
            arrived(line)
            until(lambda: bad_health(workspace.id) is None)
        ended(line.journal)
        arrived(line)
    assert_all_there_once(server_port, count)
    assert runs_with_tag(server_port) == 1
    assert not (line.journal.path / "set_aside.jsonl").exists()


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
        log_points(line, 300)
        ended(line.journal)
        line.handle.wake()
        arrived(line)
    assert left["count"] == 0
    assert_all_there_once(server_port, 300)
    assert runs_with_tag(server_port) == 1


def test_a_shipper_killed_while_a_run_is_created_creates_it_once(
    proxy: FaultyProxy, server_port: int
) -> None:
    proxy.choose = lambda _method, path: "hang" if path.endswith("runs/create") else None
    workspace = workspaces.resolve(proxy.uri)
    with Shipped(workspace) as line:
        born(line.journal)
        log_points(line, 50)
        ended(line.journal)
        until(lambda: any(p.endswith("runs/create") for _, p, _ in proxy.seen), timeout_s=30)
        assert line.handle.process is not None
        line.handle.process.kill()
        line.handle.process.wait()
        # the server did the work although the answer came too late
        request = {"experiment_id": "0", "start_time": 1000, "run_name": "run"}
        request["tags"] = [{"key": "mltrack.run_id", "value": ship_ground.RUN}]  # type: ignore[assignment]
        post(server_port, "runs/create", request)
        proxy.choose = lambda _method, _path: None
        proxy.mode = "pass"
        arrived(line)
    assert_all_there_once(server_port, 50)
    assert runs_with_tag(server_port) == 1


def test_a_run_that_the_server_made_late_beside_ours_is_ended_and_deleted(
    proxy: FaultyProxy, server_port: int
) -> None:
    tries: list[str] = []

    def choose(_method: str, found: str) -> str | None:
        if found.endswith("runs/create"):
            tries.append(found)
        return "late" if found.endswith("runs/create") and len(tries) == 1 else None

    proxy.choose = choose
    with Shipped(workspaces.resolve(proxy.uri)) as line:
        born(line.journal)
        log_points(line, 50)
        line.handle.wake()
        until(lambda: runs_with_tag(server_port) == 2, timeout_s=60)
        ended(line.journal)
        line.handle.wake()
        arrived(line)
    assert_all_there_once(server_port, 50)
    assert runs_with_tag(server_port, "ACTIVE_ONLY") == 1
    assert runs_with_tag(server_port, "ALL") == 2


def test_retry_after_is_honoured(proxy: FaultyProxy, server_port: int) -> None:
    workspace = workspaces.resolve(proxy.uri)
    proxy.mode = "retry:4"
    with Shipped(workspace) as line:
        born(line.journal)
        log_points(line, 10)
        ended(line.journal)
        until(lambda: len(proxy.seen) == 1, timeout_s=30)
        begun_s = time.monotonic()
        until(lambda: len(proxy.seen) == 2, timeout_s=30)
        assert time.monotonic() - begun_s > 3.5
        proxy.mode = "pass"
        arrived(line)
    assert_all_there_once(server_port, 10)


def test_a_record_that_is_refused_for_ever_is_set_aside_and_the_rest_arrives(
    proxy: FaultyProxy, server_port: int
) -> None:
    proxy.choose = lambda _method, path: (
        "refused_record:poison" if path.endswith("log-batch") else None
    )
    workspace = workspaces.resolve(proxy.uri)
    with Shipped(workspace) as line:
        born(line.journal)
        sink = line.journal.sink(ship_ground.RUN)
        for step in range(40):
            values = {"loss": 1 / (step + 1), "acc": float(step)}
            sink.append({**values, "poison": 6.0} if step == 17 else values, step, 10_000 + step)
        ended(line.journal)
        line.handle.wake()
        arrived(line)
        aside = [
            json.loads(text)
            for text in (line.journal.path / "set_aside.jsonl").read_text().splitlines()
        ]
    assert [entry["record"]["metrics"] for entry in aside] == [[["poison", "6.0", 10_017, 17]]]
    assert "not this one" in aside[0]["reason"]
    assert_all_there_once(server_port, 40)


def test_a_run_begun_without_network_arrives_after_its_kernel_is_gone(server_port: int) -> None:
    with FaultyProxy(server_port) as proxy:
        proxy.mode = "refuse"
        workspace = workspaces.resolve(proxy.uri)
        line = Shipped(workspace)
        born(line.journal)
        log_points(line, 30)
        line.stop()  # the kernel and its shipper die with the laptop
        line.journal.close()
        proxy.mode = "pass"
        report = sync(data_dir(), timeout_s=120)
        assert report.waiting_points == 0
        assert report.problems == []
    assert_all_there_once(server_port, 30, "FAILED")


def test_a_run_whose_experiment_was_deleted_meanwhile_is_kept_in_the_default_one(
    server_port: int,
) -> None:
    workspace = workspaces.resolve(f"http://127.0.0.1:{server_port}")
    made = post(server_port, "experiments/create", {"name": f"gone-{ship_ground.RUN}"})[
        "experiment_id"
    ]
    post(server_port, "experiments/delete", {"experiment_id": made})
    with Shipped(workspace) as line:
        born(line.journal, experiment_id=made)
        log_points(line, 5)
        ended(line.journal)
        other = "e" + ship_ground.RUN[1:]
        born(line.journal, other, experiment=f"gone-{ship_ground.RUN}")
        ended(line.journal, other)
        line.handle.wake()
        arrived(line)
    run = assert_all_there_once(server_port, 5)
    assert run["info"]["experiment_id"] == "0"
    remote = get(server_port, "runs/get", run_id=run_alias(data_dir(), other))["run"]["info"]
    assert (remote["experiment_id"], remote["status"]) == ("0", "FINISHED")


def test_sync_says_what_stands_in_the_way(server_port: int) -> None:
    with FaultyProxy(server_port) as proxy:
        proxy.mode = "status:401"
        journal = Journal.create(workspaces.resolve(proxy.uri))
        born(journal)
        report = sync(data_dir(), timeout_s=120)
        assert report.waiting_points == 1
        assert [problem.code for problem in report.problems] == ["signed_out"]
        journal.close()
        proxy.mode = "pass"
        sync(data_dir(), timeout_s=120)


def test_a_hundred_ms_away_points_go_in_full_batches_side_by_side(
    proxy: FaultyProxy, server_port: int
) -> None:
    proxy.delay_s = 0.1
    workspace = workspaces.resolve(proxy.uri)
    with Shipped(workspace) as line:
        born(line.journal)
        line.handle.wake()
        arrived(line)
        proxy.seen.clear()
        log_points(line, 5_000)
        ended(line.journal)
        line.handle.wake()
        arrived(line)
        batches = [path for _, path, _ in proxy.seen if path.endswith("log-batch")]
        assert len(batches) <= 13, "5,000 rows of two are ten full batches"
    assert_all_there_once(server_port, 5_000)


def test_s09_an_answer_that_trickles_is_left_behind(
    proxy: FaultyProxy, server_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mltrack.journal.guarded_http import BoundedCalls, LostCall

    calls = BoundedCalls(limit_s=0.5)
    proxy.mode = "trickle"

    def ask() -> bytes:
        import urllib.request

        return bytes(urllib.request.urlopen(proxy.uri, timeout=150).read())

    watch = patience.Watch()
    with pytest.raises(LostCall):
        calls.run(ask)
    assert watch.took_s < 10, "the answer trickles for much longer"
    assert calls.lost == 1
    proxy.mode = "pass"
