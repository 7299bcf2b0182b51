"""The keeper's child processes: what ended and how, and nothing that they started stays."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

_REMEMBERED = 200


class Children:
    """Reaps every child, adopted ones too. A child that leads a process group takes it along."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[asyncio.Future[int]]] = {}
        self._living: set[int] = set()
        self._last: dict[int, int] = {}

    def start(self) -> None:
        """Begin to notice ends; needs the running event loop."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._reap)

    def expect(self, pid: int) -> None:
        """Say that this child lives."""
        self._living.add(pid)

    def lives(self, pid: int) -> bool:
        """Whether the child has not been reaped, so that its number is still its own."""
        return pid in self._living

    def kill(self, pid: int) -> None:
        """End a child and its process group now."""
        if self.lives(pid):
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    async def ended(self, pid: int, timeout_s: float) -> int | None:
        """Wait for a child's end; its wait status, None where it lives on or is none of ours."""
        self._reap()
        if pid not in self._living:
            return self._last.get(pid)
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(pid, []).append(future)
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            return None

    def _reap(self) -> None:
        while (ended := _next_ended()) is not None:
            pid, status = ended
            self._living.discard(pid)
            self._last[pid] = status
            while len(self._last) > _REMEMBERED:
                self._last.pop(next(iter(self._last)))
            for future in self._waiting.pop(pid, []):
                if not future.done():
                    future.set_result(status)


def _next_ended() -> tuple[int, int] | None:
    """Number and wait status of a child that has ended; None where there is none."""
    try:
        if not hasattr(os, "waitid"):  # macOS before Python 3.13
            pid, status = os.waitpid(-1, os.WNOHANG)
            return (pid, status) if pid else None
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if not found:
            return None
        with contextlib.suppress(OSError):
            os.killpg(found.si_pid, signal.SIGKILL)  # whatever it started in its group
        return os.waitpid(found.si_pid, 0)
    except ChildProcessError:
        return None


def words(status: int | None) -> str:
    """Say how a process ended."""
    if status is None:
        return "ended"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(number).name}"
        return f"killed by signal {number}"
    return f"ended with exit code {os.waitstatus_to_exitcode(status)}"
