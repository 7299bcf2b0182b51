"""Full disk, cap, read-only folder: the cell runs on, the user is told once, order is kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import patience
import pytest
from journal_rig import PRELUDE, WORKSPACE, events, points, read_all, run_python, small_segments

from jupyter_mltrack import wire
from jupyter_mltrack.journal import (
    Journal,
    JournalReader,
    Trouble,
    list_journals,
    owner_alive,
    space,
)


def wait_until(true: Callable[[], bool], timeout_s: float = 5.0) -> None:
    until = time.monotonic() + patience.least(timeout_s)
    while not true():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def run_on_small_disk(size: str, place: Path, code: str) -> list[str]:
    """Run code in a process whose data folder is a file system of its own; returns its words."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("needs unshare for a small file system of its own")
    place.mkdir(parents=True)
    mount = f"mount -t tmpfs -o size={size},mode=700 none {place} && exec "
    probe = subprocess.run(
        [unshare, "-rm", "sh", "-c", mount + "true"], capture_output=True, check=False
    )
    if probe.returncode:
        pytest.skip("may not mount a small file system here")
    text = PRELUDE.format(here=str(Path(__file__).parent)) + textwrap.dedent(code)
    environment = {**os.environ, "MLTRACK_DATA_DIR": str(place / "data"), "TMPDIR": str(place)}
    done = subprocess.run(
        [unshare, "-rm", "sh", "-c", mount + f'"{sys.executable}" -c "$CODE"'],
        env={**environment, "CODE": text},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


FULL_DISK = """
from journal_rig import read_all, points, events
from jupyter_mltrack.journal import space
space.MEMORY_MAX_BYTES = {memory}
journal = small_segments()
told = []
journal.on_write_trouble = lambda trouble: told.append(trouble.code)
sink = journal.sink("run")
filler = journal.path.parents[2] / "filler"
logged = 0
def log(count):
    global logged
    for _ in range(count):
        sink.append({{"a": float(logged), "b": 1.0}}, logged)
        logged += 1
log(100)
try:
    with open(filler, "wb") as file:
        while True:
            file.write(bytes(4096))
except OSError:
    pass
log({count})
time.sleep(0.3)
log(100)
print(*told, "|", journal.in_memory, journal.lost_points)
os.unlink(filler)
until = time.monotonic() + 150
while (journal.in_memory or journal.lost_points or "room_again" not in told) and time.monotonic() < until:
    time.sleep(0.02)
log(100)
journal.event(wire.RunEnded(run_id="run", status="FINISHED", end_ms=1))
journal.close()
records, damaged = read_all(journal.path)
steps = [step for _, step, key, _ in points(records) if key == "a"]
notes = [event.message.split()[0] for event in events(records) if isinstance(event, wire.Noted)]
print("|", *told, "|", logged, len(steps), steps == sorted(set(steps)), len(damaged), "|", *notes)
"""


def test_a_full_disk_keeps_points_in_memory_and_writes_them_when_there_is_room(
    tmp_path: Path,
) -> None:
    code = FULL_DISK.format(memory=4 << 20, count=5_000)
    words = " ".join(run_on_small_disk("2m", tmp_path / "disk", code)).split(" | ")
    assert words[0] == "disk_full"
    assert words[1] == "True 0"
    assert words[2] == "disk_full room_again"
    assert words[3].split("|")[0].strip() == "5300 5300 True 0"


def test_what_a_full_disk_and_full_memory_cannot_keep_is_counted_and_noted(
    tmp_path: Path,
) -> None:
    code = FULL_DISK.format(memory=128 << 10, count=20_000)
    words = " ".join(run_on_small_disk("1m", tmp_path / "disk", code)).split(" | ")
    assert words[0] == "disk_full memory_full"
    in_memory, lost = words[1].split()
    assert in_memory == "True"
    assert int(lost) > 10_000
    assert words[2] == "disk_full memory_full room_again"
    logged, kept, in_order, damaged = words[3].split()
    assert (logged, in_order, damaged) == ("20300", "True", "0")
    (noted,) = words[4].split()
    assert int(noted) + 2 * int(kept) == 2 * int(logged)


def test_a_limit_on_file_sizes_is_a_full_disk() -> None:
    out = run_python(
        """
        import resource
        journal = small_segments(segment_bytes=128 << 10)
        told = []
        journal.on_write_trouble = lambda trouble: told.append(trouble.code)
        sink = journal.sink("run")
        resource.setrlimit(resource.RLIMIT_FSIZE, (100 << 10, resource.RLIM_INFINITY))
        for i in range(10_000):
            sink.append({"a": float(i)}, i)
        print(*told, journal.in_memory)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        while journal.in_memory:
            time.sleep(0.02)
        print(journal.path)
        """
    )
    told, path = out.splitlines()
    assert told == "disk_full True"
    assert [step for _, step, _, _ in points(read_all(Path(path))[0])] == list(range(10_000))


def test_the_cap_warns_then_refuses_points_keeps_events_and_never_drops_the_oldest() -> None:
    journal = small_segments(max_bytes=512 << 10)
    told: list[Trouble] = []
    journal.on_write_trouble = told.append
    sink = journal.sink("run")
    for i in range(20_000):
        sink.append({"a": float(i)}, i)
    lost = journal.lost_points
    assert [trouble.code for trouble in told] == ["journal_nearly_full", "journal_full"]
    assert lost > 1_000
    records, _ = read_all(journal.path)
    assert [step for _, step, _, _ in points(records)] == list(range(20_000 - lost))
    ended = wire.RunEnded(run_id=wire.RunId("run"), status="FINISHED", end_ms=1)
    journal.event(ended)
    assert events(read_all(journal.path)[0])[-1] == ended
    for number in (1, 2, 3, 4):  # as shipping does
        (journal.path / f"0000000{number}.seg").unlink()
    wait_until(lambda: journal.lost_points == 0)
    sink.append({"a": -1.0}, 20_000)
    journal.close()
    records, damaged = read_all(journal.path)
    assert not damaged
    assert [value for *_, value in points(records)][-1] == -1.0
    noted = [event for event in events(records) if isinstance(event, wire.Noted)]
    assert len(noted) == 1
    assert (noted[0].code, noted[0].run_id) == ("points_lost", "run")
    assert noted[0].message.startswith(f"{lost} points")
    assert [trouble.code for trouble in told][2:] == ["room_again"]


def test_a_refused_point_costs_little() -> None:
    journal = small_segments(max_bytes=256 << 10)
    journal.on_write_trouble = lambda trouble: None
    sink = journal.sink("run")
    for i in range(10_000):
        sink.append({"a": float(i)}, i)
    assert journal.lost_points
    began = time.process_time()
    for i in range(5_000):
        sink.append({"a": float(i)}, i)
    assert time.process_time() - began < 0.5
    journal.close()


def unwritable(tmp_path: Path) -> Path:
    """A data folder that cannot be made, whoever runs the tests: its parent is a file."""
    blocked = tmp_path / "blocked"
    blocked.write_text("not a folder")
    return blocked / "data"


def test_a_read_only_data_folder_moves_the_journal_to_a_private_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = unwritable(tmp_path)
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(data))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told: list[Trouble] = []
    journal = Journal(WORKSPACE)
    journal.on_write_trouble = told.append
    journal.open()
    journal.sink("run").append({"a": 1.0})
    assert [trouble.code for trouble in told] == ["other_folder"]
    assert str(journal.path) in str(journal.path)
    assert journal.path.parents[1].parent == tmp_path
    assert journal.path.parents[1].stat().st_mode & 0o777 == 0o700
    assert list_journals(data) == [journal.path]
    assert owner_alive(journal.path)
    assert [value for *_, value in points(read_all(journal.path)[0])] == [1.0]
    journal.close()


def test_without_any_folder_points_wait_in_memory_until_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = unwritable(tmp_path)
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(data))
    monkeypatch.setattr(tempfile, "tempdir", str(data))
    told: list[Trouble] = []
    journal = Journal(WORKSPACE)
    journal.on_write_trouble = told.append
    journal.open()
    sink = journal.sink("run")
    for i in range(1_000):
        sink.append({"a": float(i)}, i)
    journal.event(wire.RunTags(run_id=wire.RunId("run"), tags={"a": "b"}))
    assert [trouble.code for trouble in told] == ["not_writable"]
    assert journal.in_memory
    (tmp_path / "blocked").unlink()
    (tmp_path / "blocked").mkdir()
    wait_until(lambda: not journal.in_memory)
    sink.append({"a": -1.0}, 1_000)
    assert [trouble.code for trouble in told] == ["not_writable", "room_again"]
    records, damaged = read_all(journal.path)
    assert not damaged
    assert [step for _, step, _, _ in points(records)] == list(range(1_001))
    assert len(events(records)) == 1
    assert JournalReader(journal.path).meta.journal_id == journal.id
    journal.close()


def test_what_is_in_memory_only_at_the_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = unwritable(tmp_path)
    monkeypatch.setenv("MLTRACK_DATA_DIR", str(data))
    monkeypatch.setattr(tempfile, "tempdir", str(data))
    told: list[Trouble] = []
    journal = Journal.create(WORKSPACE)
    journal.on_write_trouble = told.append
    journal.sink("run").append({"a": 1.0})
    journal.close()
    assert told[-1].code == "memory_lost"


def test_a_data_folder_removed_while_it_is_written_costs_nothing_that_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(space, "MEMORY_MAX_BYTES", 1 << 20)
    journal = small_segments()
    journal.on_write_trouble = lambda trouble: None
    sink = journal.sink("run")
    for i in range(10):
        sink.append({"a": float(i)}, i)
    shutil.rmtree(journal.path)
    for i in range(20_000):
        sink.append({"a": float(i)}, i)
    journal.close()


def test_a_callback_that_fails_breaks_nothing(tmp_path: Path) -> None:
    journal = small_segments(max_bytes=256 << 10)

    def broken(trouble: Trouble) -> None:
        raise ValueError(trouble)

    journal.on_write_trouble = broken
    for i in range(10_000):
        journal.sink("run").append({"a": float(i), "bad": "text"}, i)
    assert journal.lost_points
    journal.close()
