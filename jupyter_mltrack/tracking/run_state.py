"""What a process knows of one run that it writes to."""

from __future__ import annotations

import threading

ENDED = frozenset({"FINISHED", "FAILED", "KILLED"})


class RunState:
    """What is known of one run: enough to see what the store would refuse, and to answer for it."""

    __slots__ = (
        "artifact_uri",
        "complete",
        "end_ms",
        "error",
        "experiment",
        "experiment_id",
        "lifecycle",
        "metrics",
        "name",
        "params",
        "run_id",
        "start_ms",
        "status",
        "tags",
        "thread",
        "user",
        "written",
    )

    def __init__(self, run_id: str, name: str, start_ms: int) -> None:
        self.run_id = run_id
        self.name = name
        self.start_ms = start_ms
        self.end_ms: int | None = None
        self.status = "RUNNING"
        self.lifecycle = "active"
        self.experiment: str | None = None
        self.experiment_id: str | None = None
        self.artifact_uri: str | None = None
        self.user = ""
        self.error: str | None = None
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.metrics: dict[str, tuple[float, int, int]] = {}
        """Newest value, step and time of metrics that the store had when it was asked."""
        self.thread: int = threading.get_ident()
        self.complete = True
        """False when others may have written parameters and tags that are not known here."""
        self.written = False
        """True once this process journaled its birth, or met it in the store."""

    @property
    def ended(self) -> bool:
        """Say whether the run has come to its end."""
        return self.status in ENDED
