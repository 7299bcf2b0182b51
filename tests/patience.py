"""How long tests wait, and how they measure, on a machine that has other things to do.

A condition that must come is waited for with `WAIT_S`, many times what it takes on any machine. Where the
time that something takes is the point, it is measured by `Watch`, which leaves out the time in which this
thread could have run and the machine ran something else.
"""

from __future__ import annotations

import time
from pathlib import Path

WAIT_S = 150.0
"""For what takes seconds; below pytest's own limit for a test."""


def least(limit_s: float) -> float:
    """Return a limit for what must come: the one that is given, or more."""
    return max(limit_s, WAIT_S)


def _queued_s(task: Path) -> float:
    """Return for how long a thread waited for a processor so far; 0 where that is not counted."""
    try:
        return int((task / "schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


class Watch:
    """The time since it was made, without what this thread waited for a processor.

    Args:
        of_all: nor what the other threads of this process waited, one of which may have had the
            interpreter's lock.
    """

    def __init__(self, *, of_all: bool = False) -> None:
        self._of_all = of_all
        self.restart()

    def _queued(self) -> float:
        if not self._of_all:
            return _queued_s(Path("/proc/thread-self"))
        return sum(map(_queued_s, Path("/proc/self/task").glob("*")))

    def restart(self) -> None:
        """Begin anew."""
        self._queued_s = self._queued()
        self._began_s = time.perf_counter()

    @property
    def took_s(self) -> float:
        """Seconds in which this thread ran, or waited for something else than a processor."""
        whole_s = time.perf_counter() - self._began_s
        return max(0.0, whole_s - max(0.0, self._queued() - self._queued_s))
