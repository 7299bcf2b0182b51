"""Whatever is killed, nothing stays behind, and what is wanted comes back."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import time

import pytest
from local_ground import ROW, Ground, act, alive, children_of, wait_until

from jupyter_mltrack.deployments.local import keeper_client


def _all_of(ground: Ground) -> list[int]:
    keeper = ground.keeper_pid()
    found = [keeper]
    for pid in found:
        found += children_of(pid)
    return found


def test_when_the_keeper_is_killed_everything_ends_and_the_next_look_restores_it(
    own_ground: Ground,
) -> None:
    before = own_ground.deploy("churn", "odd", replicas=2)
    wait_until(lambda: keeper_client.endpoint("churn").deployments[0].replicas_ready == 2)
    pids = _all_of(own_ground)
    assert len(pids) == 4, "keeper, warm process, two replicas"
    os.kill(pids[0], signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in pids))
    keeper_client.ensure()
    answer = keeper_client.ask("churn", act("hello"))
    assert answer.status == 200
    after = keeper_client.endpoint("churn")
    assert after.address == before.address
    assert json.loads(answer.body)["predictions"][0] not in pids


def test_when_the_warm_process_is_killed_replicas_live_on_and_new_ones_can_be_made(
    own_ground: Ground,
) -> None:
    own_ground.deploy("churn", "odd")
    replica = own_ground.pid_of("churn")
    warm = next(pid for pid in children_of(own_ground.keeper_pid()) if pid != replica)
    os.kill(warm, signal.SIGKILL)
    wait_until(lambda: not alive(warm))
    assert own_ground.pid_of("churn") == replica
    os.kill(replica, signal.SIGKILL)
    assert own_ground.pid_of("churn") not in (replica, warm)


def test_a_killed_replica_is_started_again_and_the_caller_waits(ground: Ground) -> None:
    ground.deploy("churn", "odd")
    before = ground.pid_of("churn")
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: not alive(before))
    assert ground.pid_of("churn") != before  # one request, which waits for the new one
    one = keeper_client.endpoint("churn").deployments[0]
    assert (one.state, one.restarts) == ("ready", 1)
    assert any("killed by SIGKILL" in line for line in keeper_client.logs("churn"))


def test_what_a_model_started_ends_with_its_replica(ground: Ground) -> None:
    ground.deploy("parent", "odd")
    child = int(json.loads(keeper_client.ask("parent", act("child")).body)["predictions"][0])
    assert alive(child)
    keeper_client.remove("parent")
    wait_until(lambda: not alive(child))


def test_what_a_model_started_ends_when_the_replica_crashes(ground: Ground) -> None:
    ground.deploy("parent", "odd")
    child = int(json.loads(keeper_client.ask("parent", act("child")).body)["predictions"][0])
    os.kill(ground.pid_of("parent"), signal.SIGKILL)
    wait_until(lambda: not alive(child))


def test_a_replica_from_a_fresh_process_ends_with_its_keeper_too(
    own_ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mltrack.deployments.local import deploying

    monkeypatch.setattr(deploying, "may_fork", lambda _: False)
    own_ground.deploy("fresh", "odd")
    pid = own_ground.pid_of("fresh")
    assert children_of(own_ground.keeper_pid()) == [pid], "no warm process was needed"
    os.kill(own_ground.keeper_pid(), signal.SIGKILL)
    wait_until(lambda: not alive(pid))


def test_a_replica_that_computes_ends_with_its_keeper_too(own_ground: Ground) -> None:
    import threading

    own_ground.deploy("busy", "odd")
    pids = _all_of(own_ground)

    def ask() -> None:
        with contextlib.suppress(http.client.RemoteDisconnected):
            own_ground.request("busy", body=act("sleep1000"))

    caller = threading.Thread(target=ask, daemon=True)
    caller.start()
    time.sleep(0.3)
    os.kill(own_ground.keeper_pid(), signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in pids))


def test_a_model_that_crashes_again_and_again_is_given_up(
    own_ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_mltrack.deployments import proof
    from jupyter_mltrack.errors import MltrackError

    monkeypatch.setattr(proof, "body_of", lambda _: act("abort"))
    started = time.monotonic()
    with pytest.raises(MltrackError, match="killed by SIGABRT"):
        own_ground.deploy("crash", "odd")
    assert time.monotonic() - started > 0.5 + 1 + 2 + 4, "it waits longer each time"
    info = keeper_client.endpoint("crash")
    assert (info.state, info.deployments[0].restarts) == ("failed", 4)
    assert own_ground.request("crash")[0] == 503


def test_a_replica_over_its_memory_limit_is_replaced_and_that_is_said(ground: Ground) -> None:
    ground.deploy("large", "odd", memory_limit_mb=600)
    before = ground.pid_of("large")
    with contextlib.suppress(http.client.RemoteDisconnected):
        ground.request("large", body=act("grow"))
    wait_until(lambda: not alive(before))
    assert ground.pid_of("large") != before
    assert any("MB of memory, 600 MB are allowed" in line for line in keeper_client.logs("large"))


def test_an_idle_endpoint_sleeps_and_the_next_request_wakes_it(ground: Ground) -> None:
    ground.deploy("nap", "odd", idle_stop_s=1)
    before = ground.pid_of("nap")
    info = wait_until(lambda: (found := keeper_client.endpoint("nap")).asleep and found)
    assert (info.state, info.deployments[0].replicas_ready) == ("ready", 0)
    wait_until(lambda: not alive(before))
    answer = keeper_client.ask("nap", act("hello"))
    assert answer.status == 200
    assert json.loads(answer.body)["predictions"][0] != before


def test_three_keepers_at_once_are_one(own_ground: Ground) -> None:
    import threading

    threads = [threading.Thread(target=keeper_client.ensure) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    place = str(own_ground.places.root.parent).encode()

    def keepers() -> list[int]:
        found = []
        for entry in os.scandir("/proc"):
            if entry.name.isdecimal():
                try:
                    line = (own_ground.places.root.__class__(entry.path) / "cmdline").read_bytes()
                except OSError:
                    continue
                if b"local.keeper" in line and place in line and b"/bin/sh" not in line:
                    found.append(int(entry.name))
        return found

    assert own_ground.keeper_pid() in keepers()
    wait_until(lambda: keepers() == [own_ground.keeper_pid()])  # those that came late have ended


def test_a_data_folder_as_deep_as_the_system_allows_works(
    own_ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = own_ground.places.root.parent / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(deep))
    ground = Ground(deep, own_ground.models)
    try:
        ground.deploy("deep", "odd", "1")
        ground.deploy("deep", "odd", "2", traffic=50)
        assert {ground.pid_of("deep", "1") == ground.pid_of("deep", "2")} == {False}
        assert keeper_client.ask("deep", ROW).status == 400
    finally:
        ground.quit()


def test_where_another_program_took_the_port_the_address_is_new_and_that_is_said(
    own_ground: Ground,
) -> None:
    import socket

    from jupyter_mltrack.deployments.local import ports

    before = own_ground.deploy("churn", "odd")
    pids = _all_of(own_ground)
    os.kill(pids[0], signal.SIGKILL)
    wait_until(lambda: not any(alive(pid) for pid in pids))
    port = int(before.address.rpartition(":")[2])

    def taken() -> socket.socket | None:
        with contextlib.suppress(OSError):
            return ports.listen(port)
        return None

    with wait_until(taken):
        after = keeper_client.endpoint("churn")
        assert after.address != before.address
        assert "was taken by another program" in after.detail
        assert keeper_client.ask("churn", act("hello")).status == 200


def test_a_warm_process_with_threads_forks_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    from jupyter_mltrack.deployments.local import warm

    ours, its = socket.socketpair()
    read, write = os.pipe()
    monkeypatch.setattr(warm, "thread_count", lambda: 2)
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("it forked"))
    warm.Warm(its)._fork({}, [write])
    assert json.loads(ours.recv(1000)) == {"event": "threads", "count": 2}
    assert os.read(read, 1) == b"", "the handles are closed"
    for one in (ours, its):
        one.close()
    os.close(read)


def test_the_warm_process_has_one_thread_after_all_its_imports() -> None:
    import subprocess
    import sys

    from jupyter_mltrack.deployments.local.launching import SINGLE_THREADED

    code = (
        "from jupyter_mltrack.deployments.local import warm\n"
        "warm.import_all([*warm._IMPORTS, *warm._IF_THERE])\nwarm.know_packages()\n"
        "print('COUNT', warm.thread_count())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **SINGLE_THREADED},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "COUNT 1" in answer.stdout


@pytest.mark.slow
def test_a_replica_that_hangs_is_replaced(ground: Ground) -> None:
    ground.deploy("hung", "odd")
    before = ground.pid_of("hung")
    os.kill(before, signal.SIGSTOP)
    wait_until(lambda: not alive(before))
    assert ground.pid_of("hung") != before
    assert any("did not answer 3 times in a row" in line for line in keeper_client.logs("hung"))


def test_a_request_that_comes_while_an_endpoint_falls_asleep_is_answered(ground: Ground) -> None:
    ground.deploy("nap", "odd", idle_stop_s=1)
    for _ in range(3):
        wait_until(lambda: keeper_client.endpoint("nap").asleep)
        assert keeper_client.ask("nap", act("hello"), timeout_s=120).status == 200


@pytest.mark.skipif(shutil.which("ps") is None, reason="one of the two ways asks `ps`")
def test_memory_is_measured_the_same_by_either_way() -> None:
    from jupyter_mltrack.deployments.local import process

    first, second = process.resident_bytes(os.getpid()), process._resident_by_ps(os.getpid())
    assert first is not None
    assert second is not None
    assert abs(first - second) < 16 << 20
    assert process.resident_bytes(2**22 - 1) is None
    assert process._resident_by_ps(2**22 - 1) is None


def test_an_endpoint_that_has_failed_does_not_fall_asleep(ground: Ground) -> None:
    from jupyter_mltrack.errors import MltrackError

    with pytest.raises(MltrackError):
        ground.deploy("bad", "broken", idle_stop_s=1)
    time.sleep(3)
    info = keeper_client.endpoint("bad")
    assert (info.state, info.asleep) == ("failed", False)


def test_a_broken_model_under_the_same_label_leaves_the_old_one_answering(ground: Ground) -> None:
    from jupyter_mltrack.errors import MltrackError

    ground.deploy("churn", "odd")
    before = ground.pid_of("churn")
    with pytest.raises(MltrackError):
        ground.deploy("churn", "broken")
    info = keeper_client.endpoint("churn")
    assert (info.state, info.deployments[0].state) == ("ready", "failed")
    assert ground.pid_of("churn") == before
    ground.deploy("churn", "odd")
    wait_until(lambda: not alive(before))
    assert ground.pid_of("churn") != before


def test_when_the_data_folder_is_removed_everything_ends(own_ground: Ground) -> None:
    own_ground.deploy("churn", "odd")
    pids = _all_of(own_ground)
    assert len(pids) == 3
    shutil.rmtree(own_ground.places.root.parent)
    wait_until(lambda: not any(alive(pid) for pid in pids))
