"""The inference log: what a replica writes is read back whole, however it was left."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jupyter_mltrack.monitoring import inference_log, log_packing
from jupyter_mltrack.monitoring.inference_log import compact, read, rows_of

HOUR_MS = 3_600_000


def line(number: int, **fields: object) -> str:
    said = {
        "t_ms": 1_000_000 + number,
        "id": f"r{number}",
        "version": "1",
        "status": 200,
        "latency_ms": 2.5,
        "rows": 1,
        "inputs": {"columns": ["x", "city"], "data": [[number, "a"]]},
        "outputs": {"columns": ["prediction"], "data": [[number * 2]]},
        "shadow": False,
        "error": None,
    }
    return json.dumps(said | fields) + "\n"


def write(folder: Path, name: str, numbers: range, **fields: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("".join(line(number, **fields) for number in numbers))
    return path


def ids(folder: Path, **window: int) -> list[str]:
    return read(folder, **window).requests["id"].tolist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "inference"


def test_no_folder_and_an_empty_one_are_a_log_without_requests(folder: Path) -> None:
    assert len(read(folder).requests) == 0
    folder.mkdir()
    found = read(folder)
    assert (len(found.requests), found.damaged) == (0, 0)
    assert list(found.requests.columns)[:3] == ["t_ms", "id", "version"]


def test_requests_come_in_order_of_time_from_lines_and_packed_files(folder: Path) -> None:
    write(folder, "2-10-500.jsonl", range(20, 30), version="2")
    write(folder, "1-10-100.closed.jsonl", range(10))
    assert compact(folder) == 1
    write(folder, "1-11-300.closed.jsonl", range(10, 20))
    assert ids(folder) == [f"r{number}" for number in range(30)]
    assert sorted(one.name for one in folder.iterdir() if one.name != "compact.lock") == [
        "1-10-100.parquet",
        "1-11-300.closed.jsonl",
        "2-10-500.jsonl",
    ]


def test_a_window_keeps_what_is_within_it(folder: Path) -> None:
    write(folder, "1-10-100.jsonl", range(10))
    assert ids(folder, since_ms=1_000_003, until_ms=1_000_006) == ["r3", "r4", "r5"]


def test_inputs_and_outputs_come_back_row_by_row_with_their_request(folder: Path) -> None:
    folder.mkdir()
    many = {"columns": ["x", "city"], "data": [[1, "a"], [None, "b"]]}
    other = {"columns": ["x", "age"], "data": [[5, 7.5]]}
    text = line(1, inputs=many, rows=2) + line(2, inputs=None, rows=None) + line(3, inputs=other)
    (folder / "1-10-100.jsonl").write_text(text)
    log = read(folder)
    found = rows_of(log, "inputs")
    assert log.requests["rows"].tolist() == [2, 0, 1]
    assert found.request.tolist() == [0, 0, 2]
    assert found.row.tolist() == [0, 1, 0]
    assert found.frame["city"].tolist()[:2] == ["a", "b"]
    assert found.frame["x"].isna().tolist() == [False, True, False]
    assert found.frame["age"].tolist()[2] == 7.5
    assert rows_of(log, "outputs").frame["prediction"].tolist() == [2, 4, 6]


def test_a_line_that_is_still_written_is_no_damage_and_damaged_ones_are_counted(
    folder: Path,
) -> None:
    path = write(folder, "1-10-100.jsonl", range(3))
    with path.open("a") as file:
        file.write('{"t_ms": 1, "id"\n[1, 2]\n\x00\x00\n')
        file.write(line(4, status=10**12))
        file.write(line(5)[:40])
    found = read(folder)
    assert (len(found.requests), found.damaged) == (3, 4)


def test_a_damaged_packed_file_is_counted_and_the_others_are_read(folder: Path) -> None:
    write(folder, "1-10-100.closed.jsonl", range(3))
    compact(folder)
    (folder / "1-10-050.parquet").write_bytes(b"PAR1 nothing of the kind")
    found = read(folder)
    assert (len(found.requests), found.damaged) == (3, 1)


def test_packed_files_are_private(folder: Path) -> None:
    write(folder, "1-10-100.closed.jsonl", range(3))
    before = os.umask(0)
    try:
        compact(folder)
    finally:
        os.umask(before)
    assert (folder / "1-10-100.parquet").stat().st_mode & 0o777 == 0o600


def test_small_packed_files_are_joined_and_no_request_is_lost_or_doubled(folder: Path) -> None:
    for number in range(20):
        write(folder, f"1-10-{number:03d}.closed.jsonl", range(number * 10, number * 10 + 10))
        os.utime(folder / f"1-10-{number:03d}.closed.jsonl", (1000 + number, 1000 + number))
    write(folder, "2-10-001.closed.jsonl", range(200, 205), version="2")
    assert compact(folder) == 21
    assert len(list(folder.glob("*.parquet"))) == 2
    assert ids(folder) == [f"r{number}" for number in range(205)]


def test_a_join_that_was_cut_short_doubles_nothing(folder: Path, tmp_path: Path) -> None:
    for number in range(10):
        path = write(folder, f"1-10-{number:03d}.closed.jsonl", range(number, number + 1))
        os.utime(path, (1000 + number, 1000 + number))
    log_packing._MERGE_FROM, before = 100, log_packing._MERGE_FROM
    try:
        compact(folder)
        kept = {path.name: path.read_bytes() for path in folder.glob("*.parquet")}
    finally:
        log_packing._MERGE_FROM = before
    compact(folder)
    for name, content in kept.items():  # as after a kill between writing and removing
        if not (folder / name).exists():
            (folder / name).write_bytes(content)
    assert len(list(folder.glob("*.parquet"))) == 10
    assert sorted(ids(folder)) == sorted(f"r{number}" for number in range(10))
    compact(folder)
    assert len(list(folder.glob("*.parquet"))) == 1
    assert sorted(ids(folder)) == sorted(f"r{number}" for number in range(10))


def test_lines_whose_packed_file_is_there_already_count_once(folder: Path) -> None:
    path = write(folder, "1-10-100.closed.jsonl", range(5))
    text = path.read_text()
    compact(folder)
    path.write_text(text)
    assert len(ids(folder)) == 5
    compact(folder)
    assert not path.exists()
    assert len(ids(folder)) == 5


def test_the_oldest_go_first_when_the_log_is_too_large(folder: Path) -> None:
    for number in range(5):
        blob = {"columns": ["x"], "data": [[os.urandom(20_000).hex()]]}
        path = write(
            folder, f"{number}-10-100.closed.jsonl", range(number, number + 1), inputs=blob
        )
        os.utime(path, (1000 + number, 1000 + number))
    write(folder, "9-10-900.jsonl", range(9, 10))
    compact(folder, max_bytes=60_000)
    left = ids(folder)
    assert left[-1] == "r9"
    assert "r4" in left
    assert "r0" not in left
    assert sum(one.stat().st_size for one in folder.iterdir()) <= 60_000


def test_a_file_left_open_by_a_killed_replica_is_packed_and_a_living_ones_is_not(
    folder: Path,
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = write(folder, f"1-{gone.pid}-100.jsonl", range(3))
    alive = write(folder, f"1-{os.getpid()}-100.jsonl", range(3, 6))
    for path in (dead, alive):
        os.utime(path, (1000, 1000))
    fresh = write(folder, f"1-{gone.pid}-200.jsonl", range(6, 7))
    assert compact(folder) == 1
    assert (dead.exists(), alive.exists(), fresh.exists()) == (False, True, True)
    assert len(ids(folder)) == 7


def test_two_packings_do_not_meet(folder: Path) -> None:
    write(folder, "1-10-100.closed.jsonl", range(5))
    with open(folder / "compact.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert compact(folder) == 0
    assert compact(folder) == 1


def test_a_link_in_place_of_the_lock_is_not_followed(folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    (folder / "compact.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        compact(folder)
    assert not (tmp_path / "elsewhere").exists()


def test_readers_miss_nothing_while_files_are_written_closed_and_packed(folder: Path) -> None:
    folder.mkdir()
    total, done = 600, threading.Event()

    def writer() -> None:
        for start in range(0, total, 20):
            time.sleep(0.002)  # a name of its own
            path = folder / f"1-{os.getpid()}-{time.time_ns() // 1_000_000}.jsonl"
            with path.open("w") as file:
                for number in range(start, start + 20):
                    file.write(line(number))
                    file.flush()
            path.rename(path.with_name(path.name.replace(".jsonl", ".closed.jsonl")))
            compact(folder)
        done.set()

    thread = threading.Thread(target=writer)
    thread.start()
    seen = 0
    while not done.is_set():
        found = ids(folder)
        assert len(found) == len(set(found))
        assert len(found) >= seen
        assert found == [f"r{number}" for number in range(len(found))]
        seen = len(found)
    thread.join()
    assert len(ids(folder)) == total


def _pack_until_killed(folder: str) -> None:
    while True:
        compact(folder)


def test_a_packing_that_is_killed_at_any_moment_loses_nothing(folder: Path) -> None:
    context = multiprocessing.get_context("spawn")
    expected = 0
    victim = None
    for turn in range(6):
        if victim is None:
            victim = context.Process(target=_pack_until_killed, args=(str(folder),))
            victim.start()
            time.sleep(1.0)
        for part in range(10):
            start = turn * 100 + part * 10
            write(folder, f"1-7-{start:05d}.tmp", range(start, start + 10)).rename(
                folder / f"1-7-{start:05d}.closed.jsonl"
            )
            expected += 10
        time.sleep(0.02 * turn)
        victim.kill()
        victim.join()
        victim = None
        assert len(ids(folder)) == expected
    compact(folder)
    assert sorted(ids(folder)) == sorted(f"r{number}" for number in range(expected))
    assert not list(folder.glob("*.closed.jsonl"))
    assert not list(folder.glob(".*.part"))


def test_what_the_replica_writes_is_what_is_read(folder: Path) -> None:
    from jupyter_mltrack.deployments.local.serving.inference_log import InferenceLog, Record
    from jupyter_mltrack.deployments.local.serving.predicting import Seen

    folder.mkdir()
    log = InferenceLog(str(folder), "5", {}, (["x"], ["prediction"]), lambda: None)
    log.start()
    log.add(Record(1_000, "first", 200, 3.25, None, shadow=False, error=None))
    log.add(Record(2_000, "second", 500, 1.0, None, shadow=True, error="ValueError: no"))
    seen = Seen(inputs=[[1.5], [2.5]], outputs=[3.0, 5.0], rows=2)
    log.add(Record(3_000, "third", 200, 3.25, seen, shadow=False, error=None))
    log.close()
    found = read(folder)
    assert found.damaged == 0
    columns = ["t_ms", "id", "version", "status", "rows", "shadow", "error"]
    told = found.requests[columns].astype(object).where(found.requests[columns].notna(), None)
    assert told.to_numpy().tolist() == [
        [1_000, "first", "5", 200, 0, False, None],
        [2_000, "second", "5", 500, 0, True, "ValueError: no"],
        [3_000, "third", "5", 200, 2, False, None],
    ]
    assert rows_of(found, "outputs").frame.to_numpy().ravel().tolist() == [3.0, 5.0]
    assert inference_log.rows_of(found, "inputs").request.tolist() == [2, 2]


def test_of_a_long_log_the_newest_rows_can_be_read_alone(folder: Path) -> None:
    for number in range(6):
        write(folder, f"1-10-{number}.closed.jsonl", range(number * 10, number * 10 + 10))
        os.utime(folder / f"1-10-{number}.closed.jsonl", (1000 + number, 1000 + number))
    compact(folder)
    found = read(folder, rows_max=25)
    assert found.cut
    assert found.requests["id"].tolist() == [f"r{number}" for number in range(35, 60)]
    whole = read(folder, rows_max=60)
    assert (len(whole.requests), whole.cut) == (60, False)
    thin = read(folder, every=5).requests["id"].tolist()
    assert thin == [f"r{number}" for number in range(0, 60, 5)]


def test_a_packed_file_of_somebody_else_is_damage(folder: Path) -> None:
    import pandas as pd

    write(folder, "1-10-100.closed.jsonl", range(3))
    compact(folder)
    pd.DataFrame({"a": [1]}).to_parquet(folder / "other.parquet")
    found = read(folder)
    pd.DataFrame("x", index=[0], columns=found.requests.columns).to_parquet(folder / "odd.parquet")
    found = read(folder)
    assert (len(found.requests), found.damaged) == (3, 2)
