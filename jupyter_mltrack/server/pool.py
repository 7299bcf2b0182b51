"""Reader processes of the server: one for embedded workspaces, one for each other, one to ship.

A call that lasts too long costs its process, never the server: the process is killed, the caller
gets a problem, and the workspace is left alone for a while that grows with each failure. No more
than a few processes live at once; all end with the server, since their stdin does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from jupyter_mltrack import own_log
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.server.reader import WITHOUT_CREDENTIALS, Call, CallName, Reply
from jupyter_mltrack.workspaces import Workspace
from jupyter_mltrack.workspaces.plain import PlainWorkspace

PROCESSES_MAX = 6
WAITING_MAX = 32
REPLY_BYTES_MAX = 64 << 20
START_LIMIT_S = 60.0
IDLE_S = 600.0
FIRST_PAUSE_S = 2.0
PAUSE_MAX_S = 30.0
WITHOUT_MLFLOW: dict[CallName, str] = {
    "azure_overview": "azure",
    "azure_compute": "azure",
    "cloud_endpoint": "azure",
    "cloud_act": "endpoints",
    "remove_job": "azure",
    "stop_run": "azure",
}
"""Plain requests to a cloud -> the process for them, which need not wait for MLflow's import."""
CREDENTIALS = frozenset(
    {
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "MLFLOW_TRACKING_AUTH",
        "MLFLOW_TRACKING_AWS_SIGV4",
        "MLFLOW_TRACKING_CLIENT_CERT_PATH",
    }
)
"""What a process does not get that asks a place the credentials were not set for."""

_log = own_log.logger(__name__)


class StoreTrouble(MltrackError):
    """A reader process gave a problem, or none of its own in time."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        code: str,
        retry_after_ms: int | None = None,
        at: int | None = None,
    ) -> None:
        super().__init__(message, hint, code=code)
        self.retry_after_ms = retry_after_ms
        self.at = at


class _Reader:
    """One process and the calls to it, one at a time."""

    def __init__(self, name: str, warm: Mapping[str, Any], *, may_sign_in: bool = True) -> None:
        self.name = name
        self._may_sign_in = may_sign_in
        self.used_at_s = time.monotonic()
        self._warm = dict(warm)
        self._is_warm = False
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._next_id = 0
        self._pause_s = 0.0
        self._paused_until_s = 0.0

    @property
    def busy(self) -> bool:
        return self._waiting > 0

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    async def call(self, call: Call, limit_s: float) -> bytes:
        """The reply's answer as JSON.

        Raises:
            StoreTrouble: the process answered with a problem, or not in time.
        """
        self.used_at_s = time.monotonic()
        if call.name != "check":
            self._refuse_while_paused(limit_s)
        if self._waiting >= WAITING_MAX:
            raise StoreTrouble(
                f"Too many questions to {self.name} at once.",
                code="too_many_requests",
                retry_after_ms=1_000,
            )
        self._waiting += 1
        work = asyncio.ensure_future(self._in_turn(call, limit_s, time.monotonic() + 2 * limit_s))
        work.add_done_callback(self._note_done)
        return await asyncio.shield(work)

    def _note_done(self, work: asyncio.Future[bytes]) -> None:
        self._waiting -= 1
        if not work.cancelled():
            work.exception()

    async def _in_turn(self, call: Call, limit_s: float, deadline_s: float) -> bytes:
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + 2 * limit_s):
                await self._lock.acquire()
        except TimeoutError:
            raise self._silent(limit_s, "store_timeout", 1_000) from None
        try:
            if call.name != "check":
                self._refuse_while_paused(limit_s)
            await self._ready(deadline_s, warm=call.name != "check")
            return await self._ask(call, limit_s)
        finally:
            self._lock.release()

    async def _ask(self, call: Call, limit_s: float) -> bytes:
        try:
            reply = await asyncio.wait_for(self._exchange(call), limit_s)
        except TimeoutError:
            pause_ms = self._pause()
            await self.close()
            raise self._silent(limit_s, "store_timeout", pause_ms) from None
        except (OSError, ValueError, EOFError, msgspec.DecodeError) as error:
            _log.warning("The reader process for %s ended: %s", self.name, error)
            await self.close()
            raise StoreTrouble(
                f"The process that reads {self.name} ended.", "Try again.", code="store_error"
            ) from None
        problem = reply.problem
        if problem is not None:
            retry_ms = problem.retry_after_ms
            if problem.code == "store_unreachable":
                retry_ms = self._pause()
            raise StoreTrouble(
                problem.message,
                problem.hint,
                code=problem.code,
                retry_after_ms=retry_ms,
                at=problem.at,
            )
        if call.name != "check":
            self._pause_s = 0.0
        return bytes(reply.answer)

    def resume(self) -> None:
        """The store is there again: ask it."""
        self._pause_s = self._paused_until_s = 0.0

    def _refuse_while_paused(self, limit_s: float) -> None:
        left_s = self._paused_until_s - time.monotonic()
        if left_s > 0:
            raise self._silent(limit_s, "store_unreachable", int(left_s * 1000))

    def _pause(self) -> int:
        """Leave the workspace alone for a while; returns for how many milliseconds."""
        self._pause_s = min(PAUSE_MAX_S, self._pause_s * 2 or FIRST_PAUSE_S)
        self._paused_until_s = time.monotonic() + self._pause_s
        return int(self._pause_s * 1000)

    def _silent(self, limit_s: float, code: str, retry_after_ms: int) -> StoreTrouble:
        return StoreTrouble(
            f"{self.name} gave no answer within {limit_s:g} s.",
            "What you log is kept on this machine and sent later.",
            code=code,
            retry_after_ms=retry_after_ms,
        )

    async def _ready(self, deadline_s: float, *, warm: bool) -> None:
        """Wait until the process is up; starting goes on when the caller's time is over.

        A check needs no `warm` process: how a store is shows before MLflow is imported.
        """
        lives = self._process is not None and self._process.returncode is None
        if lives and (self._is_warm or not warm) and not self._starting:
            return
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start(lives=lives, warm=warm))
        left_s = max(0.05, deadline_s - time.monotonic())
        try:
            await asyncio.wait_for(asyncio.shield(self._starting), left_s)
        except TimeoutError:
            raise StoreTrouble(
                f"{self.name} is being opened.", code="store_timeout", retry_after_ms=1_000
            ) from None
        finally:
            if self._starting is not None and self._starting.done():
                self._starting = None

    async def _start(self, *, lives: bool, warm: bool) -> None:
        try:
            if not lives:
                await self._launch()
            if warm and not self._is_warm:
                call = Call(0, "warm", args=self._warm)
                await asyncio.wait_for(self._exchange(call), START_LIMIT_S)
                self._is_warm = True
        except (TimeoutError, OSError, ValueError, EOFError) as error:
            await self.close()
            _log.warning("The reader process for %s did not start: %r", self.name, error)
            raise StoreTrouble(
                f"The process that reads {self.name} could not be started.", code="store_error"
            ) from error

    async def _launch(self) -> None:
        self._is_warm = False
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        if not self._may_sign_in:
            environment = {k: v for k, v in environment.items() if k not in CREDENTIALS}
            environment[WITHOUT_CREDENTIALS] = "1"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "jupyter_mltrack.server.reader",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
            limit=REPLY_BYTES_MAX,
            start_new_session=True,
        )  # fmt: skip
        await asyncio.wait_for(self._exchange(Call(0, "warm")), START_LIMIT_S)

    async def _exchange(self, call: Call) -> Reply:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise EOFError
        self._next_id += 1
        numbered = msgspec.structs.replace(call, id=self._next_id)
        process.stdin.write(msgspec.json.encode(numbered) + b"\n")
        await process.stdin.drain()
        line = await process.stdout.readline()
        if not line:
            message = "its output ended"
            raise EOFError(message)
        reply = msgspec.json.decode(line, type=Reply)
        if reply.id != self._next_id:
            message = "it answered something else"
            raise ValueError(message)
        return reply

    async def close(self) -> None:
        """Kill the process and wait for it."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class ReaderPool:
    """Hands calls to the process that is theirs. Used from the event loop only."""

    def __init__(self) -> None:
        self._readers: dict[str, _Reader] = {}
        self._closed = False
        self.may_sign_in: Callable[[Workspace], bool] = lambda _workspace: True
        """Whether the credentials of the server's environment are meant for a workspace."""

    async def call(
        self,
        name: CallName,
        workspace: Workspace | None,
        args: dict[str, Any],
        *,
        limit_s: float,
        process: str | None = None,
    ) -> bytes:
        """Ask a reader process; the answer is JSON of the reader's struct.

        `process` names a process of its own, for calls that may take long.

        Raises:
            StoreTrouble: there is no answer, or it is a problem.
        """
        if self._closed:
            raise StoreTrouble("The server is stopping.", code="store_error")
        local = workspace is not None and workspace.kind == "local"
        key = process or ("local" if local or workspace is None else workspace.id)
        if workspace is not None and not local and name in WITHOUT_MLFLOW:
            key = f"{WITHOUT_MLFLOW[name]}-{workspace.id}"
        reader = self._readers.get(key)
        if reader is None:
            await self._make_room()
            shown = workspace.name if workspace else "the workspace"
            with_mlflow = workspace is not None and not local and name not in WITHOUT_MLFLOW
            warm = {"mlflow": True} if with_mlflow else {}
            trusted = workspace is None or local or self.may_sign_in(workspace)
            reader = self._readers[key] = _Reader(shown, warm, may_sign_in=trusted)
        plain = PlainWorkspace.of(workspace) if workspace else None
        return await reader.call(Call(0, name, plain, args), limit_s)

    def resume(self, workspace: Workspace) -> None:
        """A check found the store well: end the pause that trouble brought."""
        reader = self._readers.get(workspace.id)
        if reader is not None:
            reader.resume()

    def pids(self) -> list[int]:
        """The processes that live now."""
        return [reader.pid for reader in self._readers.values() if reader.pid is not None]

    async def close_idle(self) -> None:
        """End processes that nobody has asked for a while."""
        now_s = time.monotonic()
        for key, reader in list(self._readers.items()):
            if not reader.busy and now_s - reader.used_at_s > IDLE_S:
                del self._readers[key]
                await reader.close()

    async def close(self) -> None:
        """End all processes."""
        self._closed = True
        readers, self._readers = list(self._readers.values()), {}
        for reader in readers:
            await reader.close()

    async def _make_room(self) -> None:
        idle = sorted(
            (reader.used_at_s, key) for key, reader in self._readers.items() if not reader.busy
        )
        while len(self._readers) >= PROCESSES_MAX:
            if not idle:
                raise StoreTrouble(
                    "Too many workspaces are being read at once.",
                    code="too_many_requests",
                    retry_after_ms=2_000,
                )
            _, key = idle.pop(0)
            await self._readers.pop(key).close()
