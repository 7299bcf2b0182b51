"""Endpoints of this machine: deployed, asked, split, stopped, removed; real processes, real models."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import patience
import pytest
from local_ground import COLUMNS, ROW, Ground, act, alive, wait_until

from jupyter_mltrack.deployments.local import keeper_client
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError


def test_a_deploy_is_ready_after_the_models_example_was_answered(ground: Ground) -> None:
    info = ground.deploy("churn")
    one = info.deployments[0]
    assert (info.state, one.state, one.traffic_percent, one.replicas_ready) == (
        "ready",
        "ready",
        100,
        1,
    )
    done = [key for key, state in ground.steps if state == "done"]
    assert done == ["start", "prediction"]
    assert one.stats.requests == 0, "the proof counts as no request"
    assert json.loads(keeper_client.ask("churn", ROW).body)["predictions"][0] in (0, 1)


def test_an_answer_names_the_version_and_the_request(ground: Ground) -> None:
    ground.deploy("churn", label="7")
    answer = keeper_client.ask("churn", ROW, headers={"X-Request-Id": "order-17"})
    assert (answer.version, answer.request_id, answer.status) == ("7", "order-17", 200)


def test_bodies_answers_and_errors_are_those_of_mlflows_own_server(ground: Ground) -> None:
    import mlflow.pyfunc
    from fastapi.testclient import TestClient
    from mlflow.pyfunc import scoring_server

    ground.deploy("churn")
    theirs = TestClient(scoring_server.init(mlflow.pyfunc.load_model(str(ground.models["plain"]))))
    records = [dict.fromkeys(COLUMNS, 0.5)]
    cases = [
        (ROW, "application/json"),
        (json.dumps({"dataframe_records": records}).encode(), "application/json"),
        (json.dumps({"instances": records}).encode(), "application/json; charset=utf-8"),
        (
            json.dumps({"inputs": {name: [0.1, 0.9] for name in COLUMNS}}).encode(),
            "application/json",
        ),
        (b"a,b,c,d\n0.1,0.2,0.3,0.4\n", "text/csv"),
        (b"a,b\n0.1,0.2\n", "text/csv"),
        (b"{", "application/json"),
        (b"[1, 2]", "application/json"),
        (b'{"nonsense": 1}', "application/json"),
        (json.dumps({"inputs": {"a": ["x"]}}).encode(), "application/json"),
        (ROW, "text/plain"),
        (ROW, "application/json; charset=latin-1"),
    ]
    for body, kind in cases:
        expected = theirs.post("/invocations", content=body, headers={"content-type": kind})
        status, headers, content = ground.request("churn", body=body, content_type=kind)
        assert (status, headers["content-type"]) == (
            expected.status_code,
            expected.headers["content-type"],
        ), (body, kind)
        assert _told(content) == _told(expected.content)
    for path in ("/ping", "/health", "/version"):
        expected = theirs.get(path)
        status, _, content = ground.request("churn", "GET", path, None)
        assert (status, content) == (expected.status_code, expected.content)


def _told(body: bytes) -> object:
    """The answer without its traceback; MLflow writes sets in an order of the day."""
    try:
        found = json.loads(body)
    except ValueError:
        return sorted(body.split())
    found.pop("stack_trace", None)
    if "message" in found:
        found["message"] = sorted(re.findall(r"\w+", found["message"]))
    return found


def test_parquet_is_taken_as_mlflow_takes_it(ground: Ground) -> None:
    import io

    import pandas as pd

    ground.deploy("churn")
    file = io.BytesIO()
    pd.DataFrame([[0.1, 0.2, 0.3, 0.4]], columns=COLUMNS).to_parquet(file)
    answer = keeper_client.ask("churn", file.getvalue(), "application/vnd.apache.parquet")
    assert answer.status == 200, answer


def test_a_model_that_cannot_be_loaded_fails_with_its_own_last_lines(ground: Ground) -> None:
    with pytest.raises(MltrackError, match="no_such_library_at_all") as caught:
        ground.deploy("broken", "broken")
    assert any("no_such_library_at_all" in line for line in caught.value.lines), caught.value.lines  # type: ignore[attr-defined]
    assert "--env uv" in caught.value.hint
    info = keeper_client.endpoint("broken")
    assert (info.state, info.deployments[0].state, info.deployments[0].restarts) == (
        "failed",
        "failed",
        0,
    )
    assert keeper_client.ask("broken", ROW).status == 503, "it answers at once, it does not hang"


def test_a_model_that_cannot_answer_its_own_example_fails_with_mlflows_words(
    ground: Ground,
) -> None:
    with pytest.raises(MltrackError, match="the model does not like it"):
        ground.deploy("wrong", "wrong")
    assert keeper_client.endpoint("wrong").deployments[0].state == "failed"


def test_a_model_without_example_is_ready_and_says_that_it_was_not_asked(ground: Ground) -> None:
    info = ground.deploy("bare", "bare")
    assert (info.state, info.deployments[0].detail) == ("ready", "no input example: not asked")


def test_the_same_deploy_again_makes_no_second_one(ground: Ground) -> None:
    ground.deploy("churn", "odd")
    before = ground.pid_of("churn")
    info = ground.deploy("churn", "odd")
    assert ground.pid_of("churn") == before
    assert len(info.deployments) == 1


def test_stopping_ends_the_processes_and_starting_keeps_the_address(ground: Ground) -> None:
    info = ground.deploy("churn", "odd")
    pid = ground.pid_of("churn")
    assert keeper_client.stop("churn").state == "stopped"
    assert not alive(pid)
    answer = keeper_client.ask("churn", act("hello"))
    assert (answer.status, json.loads(answer.body)) == (
        503,
        {"message": "Endpoint churn is stopped."},
    )
    keeper_client.start("churn")
    assert ground.pid_of("churn") != pid, "the caller waits until it is there"
    assert keeper_client.endpoint("churn").address == info.address


def test_removing_takes_processes_files_and_port_away(ground: Ground) -> None:
    info = ground.deploy("gone", "odd")
    pid = ground.pid_of("gone")
    keeper_client.remove("gone")
    assert not alive(pid)
    assert not ground.places.endpoint("gone").exists()
    with pytest.raises(NotFound):
        keeper_client.endpoint("gone")
    again = ground.deploy("gone", "odd")
    assert again.address != info.address, "a port is not given away again at once"


def test_a_version_is_dropped_and_the_last_one_is_not(ground: Ground) -> None:
    ground.deploy("two", "odd", "1")
    ground.deploy("two", "odd", "2", traffic=40)
    info = keeper_client.drop("two", "1")
    assert [(one.label, one.traffic_percent) for one in info.deployments] == [("2", 100)]
    with pytest.raises(UsageError, match="the only one"):
        keeper_client.drop("two", "2")


def test_what_the_model_prints_is_in_its_log(ground: Ground) -> None:
    ground.deploy("talk", "odd")
    keeper_client.ask("talk", act("say"))
    assert "spoken by the model" in wait_until(lambda: keeper_client.logs("talk", "1"))
    assert any("is ready" in line for line in keeper_client.logs("talk"))


def test_requests_and_latencies_are_counted_per_version(ground: Ground) -> None:
    ground.deploy("count", "odd")
    for _ in range(5):
        keeper_client.ask("count", act("hello"))
    assert keeper_client.ask("count", act("raise")).status == 400

    def counted() -> bool:
        return keeper_client.endpoint("count").stats.requests == 6

    wait_until(counted)
    stats = keeper_client.endpoint("count").deployments[0].stats
    assert (stats.requests, stats.errors) == (6, 1)
    assert stats.p50_ms is not None
    assert stats.p95_ms is not None
    assert 0 < stats.p50_ms <= stats.p95_ms


def test_a_ping_is_answered_while_a_prediction_takes_its_time(
    ground: Ground, tmp_path: Path
) -> None:
    import threading

    ground.deploy("slow", "odd")
    word = f"until {tmp_path / 'pinged'}"
    asked = threading.Thread(target=lambda: keeper_client.ask("slow", act(word)))
    asked.start()
    time.sleep(0.3)
    assert ground.request("slow", "GET", "/ping", None)[0] == 200
    assert asked.is_alive()
    (tmp_path / "pinged").touch()
    asked.join()


def test_looking_at_nothing_starts_nothing(own_ground: Ground) -> None:
    assert keeper_client.endpoints() == []
    assert own_ground.processes() == []
    with pytest.raises(NotFound):
        keeper_client.ask("none", ROW)
    assert own_ground.processes() == []


@pytest.mark.parametrize("name", ["", "../up", "a/b", "-x", "é", "a" * 64, "a b", "x\n"])
def test_a_name_that_could_leave_the_folder_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        keeper_client.check_name(name)


@pytest.mark.parametrize("label", ["", "../1", "a/b", ".hidden", "1\n"])
def test_a_label_that_could_leave_the_folder_is_refused(label: str) -> None:
    with pytest.raises(UsageError):
        keeper_client.check_label(label)


def test_whoever_watches_an_endpoint_learns_that_it_is_removed(ground: Ground) -> None:
    import threading

    ground.deploy("gone", "odd")
    _, seen = keeper_client.watch("gone")
    time.sleep(1.5)  # counts of the proof and the like have settled
    caught = []

    def watch() -> None:
        nonlocal seen
        try:
            while True:
                _, seen = keeper_client.watch("gone", seen, 20)
        except NotFound as error:
            caught.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    time.sleep(0.2)
    keeper_client.remove("gone")
    thread.join(patience.WAIT_S)
    assert caught
    assert not thread.is_alive()


def test_a_keeper_that_nobody_needs_ends_by_itself(private_place: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from jupyter_mltrack.deployments.local import keeper\n"
        "keeper.IDLE_EXIT_S = 1\nsys.exit(keeper.main(sys.argv[1]))"
    )
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-c", code, str(private_place / "data")], check=True, timeout=150
    )
    assert time.monotonic() - started > 1
    assert not (private_place / "data" / "deployments" / "keeper.sock").exists()


def test_parts_of_a_replica_need_nothing_else_of_this_product() -> None:
    import ast

    from jupyter_mltrack.deployments.local import serving

    folder = Path(serving.__file__).parent
    files = [*folder.glob("*.py"), folder.parent / "replica.py"]
    assert len(files) > 8
    for path in files:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "jupyter_mltrack"
            ):
                assert node.module.startswith("jupyter_mltrack.deployments.local.serving"), path


def test_options_that_need_new_processes_bring_them_and_others_do_not(ground: Ground) -> None:
    ground.deploy("churn", "odd")
    before = ground.pid_of("churn")
    info = ground.deploy("churn", "odd", memory_limit_mb=4000)
    assert json.loads(info.options)["memory_limit_mb"] == 4000
    assert ground.pid_of("churn") == before
    ground.deploy("churn", "odd", replicas=2)
    wait_until(lambda: keeper_client.endpoint("churn").deployments[0].replicas_ready == 2)
    wait_until(lambda: not alive(before))
    assert json.loads(keeper_client.endpoint("churn").options)["memory_limit_mb"] == 4000


def test_a_deploy_from_another_python_runs_in_that_one(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys
    import venv

    from jupyter_mltrack.deployments.local import deploying

    keeper_client.ensure()
    venv.create(tmp_path / "other", with_pip=False, symlinks=True)
    packages = next(one for one in sys.path if one.endswith("site-packages"))
    (pth,) = (tmp_path / "other").glob("lib/python*/site-packages")
    (pth / "there.pth").write_text(f"{packages}\n")
    other = str(tmp_path / "other" / "bin" / "python")
    with monkeypatch.context() as there:
        there.setattr(deploying.sys, "executable", other)
        ground.deploy("churn", "odd")
    argv = Path(f"/proc/{ground.pid_of('churn')}/cmdline").read_bytes().split(b"\0")
    assert argv[0].decode() == other
