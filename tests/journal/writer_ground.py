"""Processes that write into a journal until they are killed, and the shippers that they leave."""

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path

HERE = str(Path(__file__).parent)

WRITER = """
import os, sys, time
sys.path.insert(0, {here!r})
from jupyter_mltrack import workspaces, wire
from jupyter_mltrack.journal import Journal
from jupyter_mltrack.journal.ship import ensure_shipper
journal = Journal.create(workspaces.resolve({project!r}))
{start}
run_id = {run_id!r}
journal.event(wire.RunBorn(run_id=run_id, name="killed", start_ms=int(time.time() * 1000)))
sink = journal.sink(run_id)
print(os.getpid(), journal.path, flush=True)
for step in range({count}):
    sink.append({{"loss": step / 3, "acc": 1.0}}, step)
    os.write(1, b"%d\\n" % step)
    {pause}
{after}
"""


def start_writer(
    project: Path,
    run_id: str,
    *,
    count: int = 10**9,
    pause: str = "",
    start: str = "handle = ensure_shipper(journal)",
    after: str = "time.sleep(600)",
) -> subprocess.Popen[str]:
    code = WRITER.format(
        here=HERE,
        project=str(project),
        run_id=run_id,
        count=count,
        pause=pause,
        start=start,
        after=after,
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def kill_after(process: subprocess.Popen[str], delay_s: float) -> list[int]:
    """Kill the writer; returns the steps whose call had returned."""
    assert process.stdout is not None
    process.stdout.readline()
    threading.Timer(delay_s, process.kill).start()
    acknowledged = [int(line) for line in process.stdout if line.endswith("\n")]
    process.wait()
    return acknowledged


def shippers_of(place: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (str(place).encode(), b"journal.shipper")
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            if all(word in line for word in words):
                found.append(int(entry.name))
    return found


def len_shipped(path: Path) -> int:
    """Points that `ship.json` counts."""
    try:
        return int(json.loads((path / "ship.json").read_text())["shipped_points"])
    except (OSError, ValueError):
        return 0
