"""The backend `process`: the cell in a process of its own on this machine, the notebook free.

The keeper is the parent. Both ends of a pipe tie them together: a keeper that is killed takes the
job with it, so nothing runs unseen. The job's run goes through the journal like any tracked cell.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.jobs.door import Handle, Status, Tell
from jupyter_mltrack.jobs.folders import RETURNED

if TYPE_CHECKING:
    from jupyter_mltrack.jobs.order import Package

OUTCOME = "outcome.json"
INTERRUPT_S = 10.0
"""How long an interrupted job may take to end by itself."""
TERMINATE_S = 5.0
HELD_BYTES_MAX = 8 << 20
_DRAIN_S = 1.0
_LAST_WORDS_S = 0.1
"""What was printed last is on its way through the pipe."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How the cell ended, as its process wrote it down."""

    state: str
    error: str = ""
    hint: str = ""


class ProcessBackend:
    """Runs jobs as processes of this machine."""

    name = "process"
    title = "This machine"
    help = "A process of its own on this machine; the notebook stays free."
    away = False
    carries_bytes = 2 << 30
    poll_s = 0.2

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._place = Path()
        self._chunks: list[bytes] = []
        self._first = 0
        """Position of the first byte that is held."""
        self._reader: threading.Thread | None = None
        self._room = threading.Condition()
        self._asked_s: float | None = None
        self._tie: int | None = None

    def form(self) -> dict[str, Any]:
        """Inputs are paths of this machine; there is nothing else to choose."""
        return {
            "title": self.title,
            "type": "object",
            "properties": {
                "inputs": {
                    "type": "array",
                    "title": "Inputs",
                    "description": "NAME=PATH: the cell finds the path in a variable of that name.",
                }
            },
        }

    def why_not(self) -> str:
        """It can always be used."""
        return ""

    def check(
        self, target: str, options: Mapping[str, Any], _workspace: Any, _folder: Path
    ) -> None:
        """Refuse a target: there is one machine."""
        if target:
            raise UsageError("The process backend has no targets.", "Write: --on process")
        inputs_of(options)

    def submit(self, package: Package, _tell: Tell) -> dict[str, Any]:
        """Start the process."""
        self._place = package.place
        read_end, write_end = os.pipe()
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "MLTRACK_JOB": package.job_id}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_mltrack.jobs.child", str(package.place),
                 str(read_end)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[read_end],
                cwd="/",
                env=environment,
            )  # fmt: skip
        finally:
            os.close(read_end)
        self._tie = write_end
        self._reader = threading.Thread(target=self._read, name="mltrack-output", daemon=True)
        self._reader.start()
        return {"pid": self._process.pid}

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while content := os.read(descriptor, 1 << 16):
            with self._room:
                # A job that prints faster than it is kept waits, as at a terminal.
                self._room.wait_for(lambda: sum(map(len, self._chunks)) < HELD_BYTES_MAX)
                self._chunks.append(content)

    def status(self, _handle: Handle) -> Status:
        """Look at the process, and press on where a cancel is not followed."""
        process = self._process
        if process is None:
            return Status("failed", "ended from outside", "The job's process is gone.")
        code = process.poll()
        if code is None:
            self._press_on(process)
            outcome = self._outcome()
            if outcome is None:
                return Status("running")
            if self._asked_s is not None:
                return Status("finishing")
            time.sleep(_LAST_WORDS_S)
            # The run has ended; the process only waits until the store has all of it.
            return self._ended(0)
        if self._reader is not None:
            self._reader.join(_DRAIN_S)  # a child of the job may hold the pipe open
        if self._asked_s is not None:
            _signal(process, signal.SIGKILL)
        return self._ended(code)

    def _ended(self, code: int) -> Status:
        outcome = self._outcome()
        if outcome is not None and outcome.state == "done":
            return Status("done")
        if self._asked_s is not None or (outcome is not None and outcome.state == "cancelled"):
            return Status("cancelled")
        if outcome is not None:
            return Status("failed", "", outcome.error, outcome.hint)
        if code < 0:
            name = signal.Signals(-code).name
            hint = "Perhaps the machine had no memory left." if name == "SIGKILL" else ""
            return Status("failed", name, f"The job's process was ended by {name}.", hint)
        return Status("failed", "", f"The job's process ended with code {code}.")

    def _outcome(self) -> Outcome | None:
        try:
            content = (self._place / OUTCOME).read_bytes()
            return msgspec.json.decode(content, type=Outcome)
        except (OSError, msgspec.MsgspecError):
            return None

    def logs(self, _handle: Handle, position: int) -> bytes:
        """Return what was printed since; what was given out once is let go."""
        with self._room:
            content = b"".join(self._chunks)[max(0, position - self._first) :]
            self._first = position
            self._chunks = [content] if content else []
            if content:
                self._first = position + len(content)
                self._chunks = []
            self._room.notify_all()
        return content

    def cancel(self, _handle: Handle) -> None:
        """Interrupt the job as Ctrl-C does; `status` presses on if it does not end."""
        if self._process is not None and self._process.poll() is None:
            self._asked_s = time.monotonic()
            _signal(self._process, signal.SIGINT)

    def _press_on(self, process: subprocess.Popen[bytes]) -> None:
        if self._asked_s is None:
            return
        waited_s = time.monotonic() - self._asked_s
        if waited_s > INTERRUPT_S + TERMINATE_S:
            _signal(process, signal.SIGKILL)
        elif waited_s > INTERRUPT_S:
            _signal(process, signal.SIGTERM)

    def results(self, _handle: Handle, folder: Path) -> None:
        """They lie there already."""
        assert folder.name == RETURNED


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Tell the job and all that it started; its session is its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def inputs_of(options: Mapping[str, Any]) -> dict[str, str]:
    """Return inputs by name, from `NAME=PATH` each.

    Raises:
        UsageError: one has no name or no path.
    """
    found: dict[str, str] = {}
    for one in options.get("inputs") or []:
        name, equals, path = str(one).partition("=")
        if not equals or not name.strip().isidentifier() or not path.strip():
            raise UsageError(
                f"--inputs {one!r} has no name and path.", "Write it like --inputs data=train.csv"
            )
        found[name.strip()] = path.strip()
    return found
