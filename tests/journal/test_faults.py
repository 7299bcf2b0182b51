"""The n-th system call of the writer fails, for every n: nothing raised, nothing lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from journal_rig import PRELUDE, events, points, read_all

CALLS = (
    "openat",
    "mkdir",
    "chmod",
    "fchmod",
    "fallocate",
    "pwrite64",
    "write",
    "rename",
    "ftruncate",
    "fdatasync",
    "fsync",
    "fcntl",
    "unlink",
    "close",
    "newfstatat",
    "lseek",
)

LIFE = """
import gc, io
from jupyter_mltrack.journal import flusher, lease, place, space
import jupyter_mltrack.journal.events, tempfile
# Everything that is imported late is imported now: the faults are for the writer.
warm = small_segments()
warm.event(wire.RunTags(run_id="run", tags={"a": "b"}))
warm.close()
gc.disable()
space._RETRY_S = 0.02
told = []
print("ready", flush=True)
sys.stdin.readline()
def life():
    journal = Journal(WORKSPACE)
    journal.on_write_trouble = lambda trouble: told.append(trouble.code)
    journal._space.segment_bytes = 64 << 10
    journal.open()
    sink = journal.sink("run")
    for i in range(3000):
        sink.append({"a": float(i), "b": 0.5}, i)
        if i % 1000 == 999:
            journal.event(wire.RunTags(run_id="run", tags={"n": str(i)}))
            journal.sync()
    journal.sync()
    lost = journal.lost_points
    journal.close()
    return journal, lost
journal, lost = life()
sys.stdin.readline()
words = " ".join((str(journal.path), str(lost), *told)).encode()
while True:
    try:
        os.write(1, words)
        os._exit(0)
    except OSError:
        pass
"""


def one_life(tmp_path: Path, fault: str) -> tuple[Path, int, list[str], str]:
    """Run a writer's life under strace with a fault; path, lost points, troubles and the trace."""
    script = tmp_path / "life.py"
    script.write_text(PRELUDE.format(here=str(Path(__file__).parent)) + LIFE)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    ready = process.stdout.readline()
    assert ready == "ready\n", process.communicate()[1]
    trace = tmp_path / "trace"
    tracer = subprocess.Popen(
        [
            "strace", "-f", "-q", "-o", str(trace), "-p", str(process.pid),
            "-e", f"trace={','.join(CALLS)}", "-e", f"inject={fault}",
        ],
        stderr=subprocess.PIPE,
    )  # fmt: skip
    status = Path(f"/proc/{process.pid}/status")
    until = time.monotonic() + 150
    while "TracerPid:\t0\n" in status.read_text():
        if tracer.poll() is not None or time.monotonic() > until:
            process.kill()
            process.communicate()
            pytest.skip("strace may not attach here")
    process.stdin.write("go\n")
    process.stdin.flush()
    try:
        out, err = process.communicate("end\n", timeout=150)
    finally:
        process.kill()
        tracer.communicate(timeout=150)
    assert process.returncode == 0, err
    assert err == "", err
    path, lost, *told = out.split()
    return Path(path), int(lost), told, trace.read_text()


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to let system calls fail")
@pytest.mark.parametrize("call", CALLS)
def test_the_nth_system_call_fails_for_every_n(tmp_path: Path, call: str) -> None:
    errors = ("EIO", "ENOSPC", "EINTR", "EAGAIN")
    for n in range(1, 200):
        fault = f"{call}:error={errors[n % 4]}:when={n}"
        path, lost, told, trace = one_life(tmp_path, fault)
        injected = trace.count("(INJECTED)")
        assert lost == 0, (fault, told)
        records, damaged = read_all(path)
        assert not damaged, fault
        assert [s for _, s, key, _ in points(records) if key == "a"] == list(range(3000)), fault
        assert [event.tags["n"] for event in events(records)] == ["999", "1999", "2999"], fault
        # Each thread has an n-th call of its own, so there may be two faults, one after the other.
        assert all(told.count(code) <= max(1, injected) for code in told), (fault, told)
        if not injected:
            assert told == []
            return
    raise AssertionError(f"{call} is called without end")


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to let system calls fail")
@pytest.mark.parametrize("call", ["fallocate", "fdatasync", "rename", "openat", "mkdir"])
def test_a_call_that_fails_for_ever_raises_nothing_and_is_told_once(
    tmp_path: Path, call: str
) -> None:
    _, _, told, trace = one_life(tmp_path, f"{call}:error=EIO:when=1+")
    assert "(INJECTED)" in trace
    assert told
    assert len(told) == len(set(told))
