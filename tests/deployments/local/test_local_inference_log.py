"""What a replica keeps of requests: whole, in time, within its limits, and nothing it must not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from local_ground import COLUMNS, ROW, Ground, act, wait_until

from jupyter_mltrack.deployments.local import endpoint, keeper_client
from jupyter_mltrack.deployments.local.serving import inference_log, tables
from jupyter_mltrack.deployments.local.serving.inference_log import InferenceLog, Record
from jupyter_mltrack.deployments.local.serving.predicting import Seen


def _records(ground: Ground, name: str, count: int) -> list[dict]:
    def read() -> list[dict]:
        found = []
        for path in ground.places.inference(name).glob("*.jsonl"):
            found += [json.loads(line) for line in path.read_text().splitlines()]
        return found

    return wait_until(lambda: len(found := read()) >= count and found)


def test_a_request_is_kept_as_the_model_saw_it(ground: Ground) -> None:
    ground.deploy("kept", label="3")
    answer = keeper_client.ask("kept", b"a,b,c,d\n1,2,3,4\n5,6,7,8\n", "text/csv")
    assert answer.status == 200, answer
    (one,) = _records(ground, "kept", 1)
    outputs = json.loads(answer.body)["predictions"]
    assert one.pop("latency_ms") > 0
    assert one.pop("t_ms") > 1_700_000_000_000
    assert one == {
        "id": answer.request_id,
        "version": "3",
        "status": 200,
        "rows": 2,
        "inputs": {"columns": COLUMNS, "data": [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]},
        "outputs": {"columns": ["prediction"], "data": [[one] for one in outputs]},
        "shadow": False,
        "error": None,
    }


def test_a_failed_request_is_kept_with_its_error(ground: Ground) -> None:
    ground.deploy("kept", "odd")
    keeper_client.ask("kept", act("raise"))
    keeper_client.ask("kept", b"{")
    first, second = _records(ground, "kept", 2)
    assert (first["status"], first["outputs"]) == (400, None)
    assert first["inputs"] == {"columns": ["act"], "data": [["raise"]]}
    assert "the model does not like it" in first["error"]
    assert (second["status"], second["inputs"]) == (400, None)


def test_columns_that_are_not_to_be_kept_are_not_and_rows_are_capped(ground: Ground) -> None:
    ground.deploy("kept", redact_columns=["b"], log_rows_max=2)
    body = json.dumps({"inputs": {name: [0.125] * 5 for name in COLUMNS}}).encode()
    assert keeper_client.ask("kept", body).status == 200
    (one,) = _records(ground, "kept", 1)
    assert one["rows"] == 5
    assert one["inputs"]["data"] == [[0.125, "[redacted]", 0.125, 0.125]] * 2
    assert len(one["outputs"]["data"]) == 2


def test_a_log_that_is_switched_off_writes_nothing(ground: Ground) -> None:
    ground.deploy("kept", "odd", log_inference=False)
    keeper_client.ask("kept", act("hello"))
    keeper_client.stop("kept")
    assert list(ground.places.inference("kept").iterdir()) == []


def test_a_sample_of_none_keeps_the_request_without_its_values(ground: Ground) -> None:
    ground.deploy("kept", log_sample=0)
    keeper_client.ask("kept", ROW)
    (one,) = _records(ground, "kept", 1)
    assert (one["status"], one["inputs"], one["outputs"]) == (200, None, None)


def test_not_a_number_is_kept_as_null(ground: Ground) -> None:
    ground.deploy("kept", "odd")
    assert keeper_client.ask("kept", act("nan")).status == 200
    (one,) = _records(ground, "kept", 1)
    assert one["outputs"]["data"] == [[None]]


def test_the_file_is_closed_when_the_replica_ends_and_packed_by_the_warm_process(
    ground: Ground,
) -> None:
    ground.deploy("kept", "odd")
    answer = keeper_client.ask("kept", act("hello"))
    keeper_client.stop("kept")
    folder = ground.places.inference("kept")

    def packed() -> bool:
        return bool(list(folder.glob("*.parquet"))) and not list(folder.glob("*.jsonl"))

    wait_until(packed)
    from jupyter_mltrack.monitoring import inference_log as reading

    frame = reading.read(folder).requests
    assert frame["id"].tolist() == [answer.request_id]


def test_a_model_that_changes_its_input_does_not_change_the_log() -> None:
    frame = pd.DataFrame({"a": [1, 2, 3]})
    rows, kept = tables.head(frame, 2)
    frame["a"] = 0
    assert (rows, tables.table(kept, 2)) == (3, {"columns": ["a"], "data": [[1], [2]]})


@pytest.mark.parametrize(
    ("value", "columns", "data"),
    [
        (
            pd.DataFrame({"a": [1.5], "t": [pd.Timestamp("2026-01-02")], "n": [None]}),
            ["a", "t", "n"],
            [[1.5, "2026-01-02T00:00:00", None]],
        ),
        (pd.Series([1, 2], name="y"), ["y"], [[1], [2]]),
        (np.array([1.0, np.inf]), ["prediction"], [[1.0], [None]]),
        (np.array([[1, 2], [3, 4]]), ["0", "1"], [[1, 2], [3, 4]]),
        (np.zeros((1, 2, 2)), ["0", "1"], [[[0.0, 0.0], [0.0, 0.0]]]),
        ([{"x": 1}, {"y": "b"}], ["x", "y"], [[1, None], [None, "b"]]),
        ({"x": [1, 2], "y": [3, 4]}, ["x", "y"], [[1, 3], [2, 4]]),
        ({"x": np.array([1, 2])}, ["x"], [[1], [2]]),
        (["a", "b"], ["prediction"], [["a"], ["b"]]),
        ("text", ["prediction"], [["text"]]),
        (np.float32(2.5), ["prediction"], [[2.5]]),
        (b"\xff", ["prediction"], [["b'\\xff'"]]),
        (pd.DataFrame({"t": [pd.NaT], "c": pd.Categorical(["u"])}), ["t", "c"], [[None, "u"]]),
        ([], ["prediction"], []),
    ],
)
def test_any_shape_becomes_columns_and_rows(value: object, columns: list[str], data: list) -> None:
    found = tables.table(value, 100, ["prediction"])
    assert found == {"columns": columns, "data": data}
    json.dumps(found, allow_nan=False)


def _record(number: int) -> Record:
    seen = Seen(1, pd.DataFrame({"a": ["x" * 500]}), np.array([number]))
    return Record(number, str(number), 200, 1.0, seen, False, None)


def test_a_file_that_is_large_enough_is_closed_and_no_record_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference_log, "_FILE_BYTES_MAX", 20_000)
    told = []
    folder = tmp_path / "log"
    folder.mkdir()
    log = InferenceLog(str(folder), "1", {}, ([], ["prediction"]), lambda: told.append(1))
    log.start()
    for number in range(500):
        log.add(_record(number))
    log.close()
    files = sorted(folder.iterdir())
    assert len(files) > 1
    assert len(told) == len(files)
    assert all(path.name.endswith(".closed.jsonl") for path in files)
    ids = [json.loads(line)["id"] for path in files for line in path.read_text().splitlines()]
    assert sorted(map(int, ids)) == list(range(500))


def test_where_the_folder_is_gone_the_replica_goes_on_and_says_so_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = InferenceLog(str(tmp_path / "none"), "1", {}, ([], []), lambda: None)
    log.start()
    for number in range(3):
        log.add(_record(number))
    log.close()
    assert capsys.readouterr().err.count("cannot be written") == 1


def test_without_a_warm_process_the_oldest_files_still_go_first(tmp_path: Path) -> None:
    import os

    folder = tmp_path / "log"
    folder.mkdir()
    for number in range(5):
        path = folder / f"1-1-{number}.closed.jsonl"
        path.write_bytes(b"x" * 100)
        os.utime(path, (number, number))
    (folder / "1-1-9.jsonl").write_bytes(b"x" * 100)
    endpoint.drop_oldest(folder, 350)
    left = sorted(path.name for path in folder.iterdir())
    assert left == ["1-1-3.closed.jsonl", "1-1-4.closed.jsonl", "1-1-9.jsonl"]


def test_what_a_killed_replica_left_open_is_closed(ground: Ground) -> None:
    import os
    import signal

    ground.deploy("kept", "odd")
    pid = ground.pid_of("kept")
    _records(ground, "kept", 1)
    os.kill(pid, signal.SIGKILL)
    folder = ground.places.inference("kept")
    wait_until(lambda: not list(folder.glob(f"1-{pid}-*[0-9].jsonl")))


def test_a_value_that_cannot_be_copied_does_not_fail_the_prediction() -> None:
    from jupyter_mltrack.deployments.local.serving.predicting import _Watched

    class Odd:
        shape = (3,)
        dtype = "odd"

        def __getitem__(self, _: object) -> object:
            raise RuntimeError("no slices of this")

    class Model:
        metadata = None

        def predict(self, data: object, params: object = None) -> object:
            return data

    model = _Watched(Model(), 10)
    odd = Odd()
    assert model.predict(odd) is odd
    assert model.seen == Seen(None, None, None)


def test_of_a_large_answer_only_the_first_rows_are_held() -> None:
    from jupyter_mltrack.deployments.local.serving.predicting import _Watched

    class Model:
        metadata = None

        def predict(self, data: object, params: object = None) -> np.ndarray:
            return np.zeros(1_000_000)

    model = _Watched(Model(), 10)
    model.predict(np.zeros((5, 2)))
    assert model.seen is not None
    assert (model.seen.rows, model.seen.outputs.shape, model.seen.outputs.base) == (5, (10,), None)
