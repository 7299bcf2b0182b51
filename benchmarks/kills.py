"""Kill the logging process at a random moment, many times, and count what is missing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import clean_environment, run_child, table, verdict

KILLS = 200


def run() -> None:
    chance = random.Random(20_26)
    acknowledged: dict[str, int] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        (place / "pyproject.toml").touch()
        environment = clean_environment(place)
        for number in range(KILLS):
            name = f"victim-{number}"
            pause_us = chance.choice([0, *[300] * 9])
            victim = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.kill_victim", name, str(pause_us)],
                cwd=place,
                env=environment,
                stdout=subprocess.PIPE,
            )
            assert victim.stdout is not None
            data = os.read(victim.stdout.fileno(), 8)
            limit_s = time.monotonic() + chance.expovariate(8.0)
            while time.monotonic() < limit_s:
                data += os.read(victim.stdout.fileno(), 65536)
            os.kill(victim.pid, signal.SIGKILL)
            data += victim.stdout.read()
            victim.wait()
            whole = len(data) // 8 * 8
            acknowledged[name] = int.from_bytes(data[whole - 8 : whole], "little") + 1
        found = run_child("benchmarks.kill_audit", str(place), place=place)
        lost = doubled = running = beyond = 0
        for name, steps in acknowledged.items():
            run_found = found.get(name)
            if run_found is None:
                lost += steps * 2
                continue
            total, distinct, status, expected_prefix = run_found  # type: ignore[misc]
            lost += max(0, steps * 2 - expected_prefix)
            beyond += max(0, total - steps * 2)
            doubled += total - distinct
            running += status == "RUNNING"
    table(
        f"SIGKILL at a random moment, {KILLS} times",
        [
            "acknowledged points",
            "lost",
            "doubled",
            "runs left RUNNING",
            "kept beyond the last word",
        ],
        [(sum(acknowledged.values()) * 2, lost, doubled, running, beyond)],
    )
    print(f"\n0 lost, 0 doubled, 0 RUNNING: {verdict(lost == doubled == running == 0)}")
