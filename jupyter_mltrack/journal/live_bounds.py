"""What the live index keeps in memory: ended runs go first, then long columns are thinned."""

from __future__ import annotations

import time

from jupyter_mltrack.journal.columns import Points
from jupyter_mltrack.journal.live_run import POINTS_A_KEY_MAX, LiveRunState

RUNS_MAX = 500


def bound_memory(runs: dict[tuple[str, str], LiveRunState], bytes_max: int, kept_s: float) -> None:
    """Let go of what is beyond the bounds; whoever calls holds the lock of the runs.

    A run that ended stays for at least `kept_s`.
    """
    total = sum(run.size_bytes for run in runs.values())
    if total <= bytes_max and len(runs) <= RUNS_MAX:
        return
    now_s = time.monotonic()
    ended = [
        (run.used_at_s, key)
        for key, run in runs.items()
        if run.ended_at_s is not None and now_s - run.ended_at_s > kept_s
    ]
    for _, key in sorted(ended):
        if total <= bytes_max and len(runs) <= RUNS_MAX:
            return
        total -= runs.pop(key).size_bytes
    while total > bytes_max:
        run = max(runs.values(), key=lambda one: one.size_bytes)
        points = max(run.columns.values(), key=Points.size_bytes)
        if len(points.values) < POINTS_A_KEY_MAX:
            return
        run.version += 1
        points.shrink(run.version)
        total -= run.size_bytes
        run.measure()
        total += run.size_bytes
