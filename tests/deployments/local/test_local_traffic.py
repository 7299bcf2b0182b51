"""Versions behind an endpoint of this machine: shares, shadows, changes without a gap."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from local_ground import Ground, act, alive, wait_until

from jupyter_mltrack.deployments.local import keeper_client
from jupyter_mltrack.errors import MltrackError, UsageError


def test_a_second_version_takes_no_traffic_until_it_is_told_to(ground: Ground) -> None:
    ground.deploy("two", "odd", "1")
    info = ground.deploy("two", "odd", "2")
    assert [(one.label, one.traffic_percent) for one in info.deployments] == [("1", 100), ("2", 0)]
    assert {keeper_client.ask("two", act("hello")).version for _ in range(10)} == {"1"}


def test_a_split_holds_from_the_next_request_on_without_a_restart(ground: Ground) -> None:
    ground.deploy("two", "odd", "1")
    ground.deploy("two", "odd", "2", traffic=30)
    first, second = ground.pid_of("two", "1"), ground.pid_of("two", "2")
    count = Counter(keeper_client.ask("two", act("hello")).version for _ in range(200))
    assert 25 <= count["2"] <= 100, count  # 60 are expected
    info = keeper_client.set_traffic("two", {"2": 100})
    assert [one.traffic_percent for one in info.deployments] == [0, 100]
    wait_until(lambda: keeper_client.ask("two", act("hello")).version == "2")
    assert {keeper_client.ask("two", act("hello")).version for _ in range(20)} == {"2"}
    keeper_client.set_traffic("two", {"1": 100, "2": 0})
    wait_until(lambda: keeper_client.ask("two", act("hello")).version == "1")
    assert ground.pid_of("two") == first
    assert alive(second)


def test_where_the_other_version_does_not_answer_the_first_one_does(ground: Ground) -> None:
    ground.deploy("two", "odd", "1")
    ground.deploy("two", "odd", "2", traffic=50)
    os.kill(ground.pid_of("two", "2"), 9)
    answers = [keeper_client.ask("two", act("hello")) for _ in range(20)]
    assert {answer.status for answer in answers} == {200}


def test_a_shadow_gets_copies_and_its_answers_are_only_kept(ground: Ground) -> None:
    ground.deploy("two", "odd", "1")
    ground.deploy("two", "odd", "2", shadow=True)
    answers = [keeper_client.ask("two", act("hello")) for _ in range(5)]
    assert {answer.version for answer in answers} == {"1"}

    def copies() -> bool:
        by_label = {one.label: one for one in keeper_client.endpoint("two").deployments}
        return by_label["2"].stats.requests == 5

    wait_until(copies)
    records = wait_until(lambda: [one for one in _log(ground, "two") if one["version"] == "2"])
    assert all(one["shadow"] for one in records)
    assert {one["id"] for one in records} <= {answer.request_id for answer in answers}


def _log(ground: Ground, name: str) -> list[dict]:
    lines = []
    for path in ground.places.inference(name).glob("*.jsonl"):
        lines += [json.loads(line) for line in path.read_text().splitlines()]
    return lines


def test_shares_that_are_not_100_and_unknown_labels_are_refused(ground: Ground) -> None:
    ground.deploy("two", "odd", "1")
    with pytest.raises(UsageError, match="make 90 %"):
        keeper_client.set_traffic("two", {"1": 90})
    with pytest.raises(UsageError, match="no version 9"):
        keeper_client.set_traffic("two", {"9": 100})


def test_another_model_under_the_same_label_takes_over_without_a_gap(ground: Ground) -> None:
    ground.deploy("churn", "odd")
    before = ground.pid_of("churn")
    ground.models["again"] = ground.models["odd"]
    ground.deploy("churn", "again")
    after = ground.pid_of("churn")
    assert after != before
    wait_until(lambda: not alive(before))


def test_a_line_that_is_kept_open_gets_the_new_version_too(ground: Ground) -> None:
    import http.client

    info = ground.deploy("two", "odd", "1")
    ground.deploy("two", "odd", "2")
    token = ground.places.token("two").read_text()
    line = http.client.HTTPConnection(info.address.removeprefix("http://"))

    def version() -> str | None:
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        line.request("POST", "/invocations", act("hello"), headers)
        answer = line.getresponse()
        answer.read()
        return answer.getheader("x-model-version")

    assert version() == "1"
    socket = line.sock
    keeper_client.set_traffic("two", {"2": 100})
    wait_until(lambda: version() == "2")
    assert line.sock is socket
    line.close()


def test_no_request_is_lost_while_versions_change(ground: Ground) -> None:
    import threading

    ground.models["next"] = ground.models["odd"]
    ground.deploy("busy", "odd", "1", replicas=2)
    answers = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                answer = keeper_client.ask("busy", act("hello"))
                answers.append((answer.status, answer.version))
            except MltrackError as error:
                answers.append((0, error.message))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        ground.deploy("busy", "odd", "2")
        keeper_client.set_traffic("busy", {"2": 100})
        ground.deploy("busy", "next", "2")
        keeper_client.drop("busy", "1")
        keeper_client.set_traffic("busy", {"2": 100})
        time.sleep(1)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    count = Counter(answers)
    assert set(count) == {(200, "1"), (200, "2")}, count
    assert min(count.values()) > 10


def test_a_new_version_that_never_comes_up_gives_its_share_back(ground: Ground) -> None:
    ground.deploy("two", "odd", "1")
    with pytest.raises(MltrackError):
        ground.deploy("two", "broken", "2", traffic=40)
    info = keeper_client.endpoint("two")
    assert [(one.state, one.traffic_percent) for one in info.deployments] == [
        ("ready", 100),
        ("failed", 0),
    ]
    assert info.state == "ready"
    assert {keeper_client.ask("two", act("hello")).status for _ in range(10)} == {200}
    with pytest.raises(UsageError, match="has failed"):
        keeper_client.set_traffic("two", {"1": 50, "2": 50})


def test_many_changes_of_traffic_in_a_row_end_with_the_last_one(ground: Ground) -> None:
    ground.deploy("two", "odd", "1")
    ground.deploy("two", "odd", "2")
    for turn in range(21):
        first = 100 * (turn % 2)
        keeper_client.set_traffic("two", {"1": first, "2": 100 - first})
    wait_until(lambda: keeper_client.ask("two", act("hello")).version == "2")
    answers = Counter(keeper_client.ask("two", act("hello")).version for _ in range(40))
    assert answers == {"2": 40}
    one, two = ground.pid_of("two", "2"), _pid_of_first(ground)
    assert _accepts(ground, one)
    assert not _accepts(ground, two)


def _pid_of_first(ground: Ground) -> int:
    keeper_client.set_traffic("two", {"1": 1, "2": 99})
    return ground.pid_of("two", "1")


def _accepts(ground: Ground, pid: int) -> bool:
    """Whether a process waits for connections of the endpoint's public socket."""
    port = f":{int(keeper_client.endpoint('two').address.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inode = next(row[9] for row in rows if row[3] == "0A" and row[1].endswith(port))
    handles = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.readlink(entry) == f"socket:[{inode}]":
                handles.append(entry.name)
        except FileNotFoundError:
            continue
    return len(handles) == 2  # the one that it was given, and the one that it listens with
