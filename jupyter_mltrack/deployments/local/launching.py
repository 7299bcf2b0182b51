"""Starting a replica's process: forked from the warm one, or fresh from any Python."""

from __future__ import annotations

import array
import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_mltrack.deployments.local.children import Children
from jupyter_mltrack.deployments.local.serving.addresses import socket_address

CAN_FORK = sys.platform.startswith("linux")
WARM_LIMIT_S = 120.0
EVENT_BYTES_MAX = 1 << 20
_LEARNED_AT_ONCE = 200
SINGLE_THREADED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_DROPPED = ("JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "JPY_API_TOKEN", "JPY_SESSION_NAME")
_DROPPED_BEGINNINGS = ("MLFLOW_TRACKING_", "MLTRACK_CONTEXT", "JPY_")


def model_environment() -> dict[str, str]:
    """Return this process's environment without what opens the server or the store."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _DROPPED and not name.startswith(_DROPPED_BEGINNINGS)
    }


class WarmParent:
    """The keeper's end of the warm process. Started when it is first needed."""

    def __init__(self, children: Children, log: int) -> None:
        self._children = children
        self._log = log
        self._socket: socket.socket | None = None
        self._ready: asyncio.Future[bool] | None = None
        self._seen: set[str] = set()
        self.pid: int | None = None
        self.used_at_s = time.monotonic()
        self.unfit = False
        """True where a library has started threads: a fork could then hang."""

    def start(self) -> None:
        """Start it unless it runs; returns at once."""
        self.used_at_s = time.monotonic()
        if self.pid is not None and self._children.lives(self.pid):
            return
        self.stop()
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with its:
            module = "jupyter_mltrack.deployments.local.warm"
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(its.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[its.fileno()],
                env={**model_environment(), **SINGLE_THREADED},
                start_new_session=True,
                cwd="/",
            )
        process.returncode = 0  # reaped by `Children`
        self.pid = process.pid
        self._children.expect(process.pid)
        self._socket = ours
        loop = asyncio.get_running_loop()
        self._ready = loop.create_future()
        loop.add_reader(ours, self._read)

    def stop(self) -> None:
        """End it; replicas that were forked from it live on."""
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        if self.pid is not None:
            self._children.kill(self.pid)
            self.pid = None
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(False)

    async def fork(self, config: dict[str, Any], fds: list[int]) -> bool:
        """Have a replica forked that gets these handles; False where there is no warm process."""
        for _ in range(0 if self.unfit else 2):  # it may have died a moment ago
            self.start()
            assert self._ready is not None
            try:
                warm = await asyncio.wait_for(asyncio.shield(self._ready), WARM_LIMIT_S)
            except TimeoutError:
                self.stop()
                return False
            if warm and await self._send({"op": "fork", "config": config}, fds):
                return True
        return False

    async def compact(self, folder: Path, max_bytes: int) -> bool:
        """Have closed files of an inference log turned into columns; False where it is not warm."""
        if self._socket is None:
            return False
        return await self._send(
            {"op": "compact", "folder": str(folder), "max_bytes": max_bytes}, []
        )

    async def learn(self, modules: list[str]) -> None:
        """Have it import what a model of this kind needed, for the next one."""
        new = [name for name in modules if name not in self._seen]
        self._seen.update(new)
        for start in range(0, len(new), _LEARNED_AT_ONCE):  # a message has to fit into one packet
            if self._socket is not None:
                part = new[start : start + _LEARNED_AT_ONCE]
                await self._send({"op": "import", "modules": part}, [])

    async def _send(self, message: dict[str, Any], fds: list[int]) -> bool:
        beside = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        data = json.dumps(message).encode()
        for _ in range(200):
            if self._socket is None:
                return False
            try:
                self._socket.sendmsg([data], beside)
            except BlockingIOError:
                await asyncio.sleep(0.05)
            except OSError:
                self.stop()
                return False
            else:
                self.used_at_s = time.monotonic()
                return True
        return False

    def _read(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.stop()
            return
        event = json.loads(data.splitlines()[0])
        if event["event"] == "threads":
            self.unfit = True
            print(f"The warm process has {event['count']} threads: it forks no more.", flush=True)
        if event["event"] == "warm" and self._ready is not None and not self._ready.done():
            self._ready.set_result(True)


class Line:
    """The keeper's end of the line to one replica."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def event(self) -> dict[str, Any] | None:
        """Wait for the next event; None where the replica is gone."""
        try:
            data = await self._reader.readline()
            return dict(json.loads(data)) if data else None
        except (OSError, ValueError):
            return None

    def tell(self, message: dict[str, Any]) -> None:
        """Send a command."""
        if not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        """Hang up, which ends the replica."""
        self._writer.close()


def bind_private(folder: Path, name: str) -> socket.socket:
    """Return a listening Unix socket of mode 0600."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder / name)
        found.bind(socket_address(folder, name))
        found.listen(512)
        found.setblocking(False)
    except BaseException:
        found.close()
        raise
    finally:
        os.umask(before)
    return found


class Launcher:
    """Starts replicas either way."""

    def __init__(self, children: Children, warm: WarmParent, run: Path) -> None:
        self.children = children
        self.warm = warm
        self.run = run

    async def launch(
        self,
        config: dict[str, Any],
        *,
        private: str,
        public: socket.socket,
        log: int,
        python: str,
        fork: bool,
    ) -> Line:
        """Start a replica and return the line to it.

        Args:
            config: what it reads first.
            private: name of its own socket in the folder `run`.
            public: the endpoint's listening socket.
            log: handle that its output goes to.
            python: its interpreter; empty for the one that runs here.
            fork: whether it may be forked from the warm process, which runs the keeper's Python.

        Raises:
            OSError: no room for a process or a socket.
        """
        ours, its = socket.socketpair()
        try:
            with its, bind_private(self.run, private) as own:
                forked = False
                if fork and CAN_FORK and python in ("", sys.executable):
                    fds = [its.fileno(), public.fileno(), own.fileno(), log]
                    forked = await self.warm.fork(config, fds)
                if not forked:
                    numbers = {"public": public.fileno(), "private": own.fileno()}
                    first = json.dumps({**config, "sockets": numbers}).encode()
                    ours.sendall(first + b"\n")
                    fds = [its.fileno(), *numbers.values()]
                    self._fresh(python or sys.executable, fds, log)
            reader, writer = await asyncio.open_connection(sock=ours, limit=EVENT_BYTES_MAX)
        except BaseException:
            ours.close()  # a replica that was started already ends by that
            raise
        return Line(reader, writer)

    def _fresh(self, python: str, fds: list[int], log: int) -> None:
        environment = model_environment() | {"MLFLOW_DISABLE_TELEMETRY": "true"}
        if python != sys.executable:
            environment.pop("PYTHONPATH", None)
            environment.pop("PYTHONHOME", None)
        process = subprocess.Popen(
            [python, str(Path(__file__).with_name("replica.py")), str(fds[0])],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=fds,
            env=environment,
            start_new_session=True,
            cwd="/",
        )
        process.returncode = 0  # reaped by `Children`
        self.children.expect(process.pid)
