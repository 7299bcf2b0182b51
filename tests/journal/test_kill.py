"""SIGKILL at any moment: what a call has returned for is there, and nothing is there twice."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest
from journal_rig import points, read_all, start_python

from jupyter_mltrack.journal import owner_alive

WRITER = """
journal = small_segments()
sink = journal.sink("run")
acknowledged = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
print(journal.path, flush=True)
i = 0
while True:
    sink.append({{"a": float(i), "b": i / 3, f"k{{i // 500 % 40}}": 1.0}}, i)
    if i % 97 == 0:
        journal.event(wire.RunTags(run_id="run", tags={{"n": str(i)}}))
    os.write(acknowledged, b"%d\\n" % i)
    i += 1
"""


@pytest.mark.parametrize("round_", range(12))
def test_a_kill_in_the_middle_of_writing_loses_nothing_that_returned(
    tmp_path: Path, round_: int
) -> None:
    log = tmp_path / "acknowledged"
    process = start_python(WRITER.format(log=str(log)))
    assert process.stdout is not None
    path = Path(process.stdout.readline().strip())
    time.sleep(random.uniform(0.0, 0.25))
    assert owner_alive(path)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=150) == -signal.SIGKILL
    process.stdout.close()
    assert not owner_alive(path)
    returned = [int(line) for line in log.read_text().splitlines()] if log.exists() else []
    records, damaged = read_all(path)
    steps = [step for _, step, key, _ in points(records) if key == "a"]
    assert steps == list(range(len(steps)))
    assert len(returned) <= len(steps) <= len(returned) + 1
    assert all(value == step / 3 for _, step, key, value in points(records) if key == "b")
    # Only the one frame that was being copied when the signal came may be torn.
    assert len(damaged) <= 1


@pytest.mark.parametrize("end", ["os._exit(3)", "os.abort()", "os.kill(os.getpid(), 15)", "1/0"])
def test_every_other_end_of_a_process_keeps_everything_too(end: str) -> None:
    process = start_python(
        f"""
        import faulthandler, resource
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        journal = Journal.create(WORKSPACE)
        sink = journal.sink("run")
        print(journal.path, flush=True)
        for i in range(1000):
            sink.append({{"a": float(i)}}, i)
        {end}
        """,
        stderr=-3,
    )
    out, _ = process.communicate(timeout=150)
    assert process.returncode != 0
    records, damaged = read_all(Path(out.strip()))
    assert not damaged
    assert [step for _, step, _, _ in points(records)] == list(range(1000))
    assert not owner_alive(Path(out.strip()))


def test_a_stopped_owner_is_alive(tmp_path: Path) -> None:
    process = start_python(WRITER.format(log=str(tmp_path / "log")))
    assert process.stdout is not None
    path = Path(process.stdout.readline().strip())
    os.kill(process.pid, signal.SIGSTOP)
    assert owner_alive(path)
    process.kill()
    process.wait(timeout=150)
    process.stdout.close()
    assert not owner_alive(path)
