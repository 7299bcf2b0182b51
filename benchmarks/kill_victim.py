"""Logs without pause and says on stdout which step is acknowledged; killed by `kills.py`."""

from __future__ import annotations

import os
import sys

import jupyter_mltrack

name, pause_us = sys.argv[1], int(sys.argv[2])
with jupyter_mltrack.track(name, quiet=True):
    for step in range(10_000_000):
        jupyter_mltrack.log({"loss": float(step), "acc": step / 2}, step=step)
        os.write(1, step.to_bytes(8, "little"))
        if pause_us:
            import time

            time.sleep(pause_us / 1e6)
