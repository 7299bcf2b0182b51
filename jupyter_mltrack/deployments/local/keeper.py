"""The process that looks after all endpoints of one data folder, and outlives kernels and servers.

It holds each endpoint's listening socket, so that an address stays while replicas come and go. It
imports neither MLflow nor anything else that is large. When it dies, its replicas die with it;
whoever looks next starts it again, and it restores what is wanted from `endpoint.json`.

    python -m jupyter_mltrack.deployments.local.keeper DATA_DIR
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.modules["ssl"] = None  # type: ignore[assignment]  # asyncio would load it for nothing

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mltrack.deployments.local import ports
from jupyter_mltrack.deployments.local.children import Children
from jupyter_mltrack.deployments.local.control import Control
from jupyter_mltrack.deployments.local.endpoint import Endpoint
from jupyter_mltrack.deployments.local.launching import CAN_FORK, Launcher, WarmParent, bind_private
from jupyter_mltrack.deployments.local.serving.lifeline import adopt_orphans
from jupyter_mltrack.deployments.local.spec import (
    PROTOCOL,
    DeploymentSpec,
    EndpointSpec,
    Options,
    Places,
    load_all,
    now_ms,
    save,
)
from jupyter_mltrack.deployments.local.wanting import merged, shared, without
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.settings import ensure_private_dir

LOOK_EVERY_S = 1.0
IDLE_EXIT_S = 900.0
PORT_TRIES = 40
PORT_LIMIT_S = 2.0
WARM_IDLE_S = 600.0
REMOVE_LIMIT_S = 3.0
Message = dict[str, Any]


class Keeper:
    """Answers commands and keeps every endpoint as it is wanted."""

    def __init__(self, places: Places, lock: int) -> None:
        self.places = places
        self._lock = lock
        self.endpoints: dict[str, Endpoint] = {}
        self._children = Children()
        self._warm = WarmParent(self._children, sys.stderr.fileno())
        self._launcher = Launcher(self._children, self._warm, places.run)
        self._ports = ports.Ports(places.root / "ports.json")
        self._control = Control(self._handle)
        self._changed = asyncio.Condition()
        self._telling: asyncio.Task[None] | None = None
        self._asked_at_s = time.monotonic()
        self._end = asyncio.Event()
        self._acts: dict[str, Callable[[Message], Awaitable[Message]]] = {
            "hello": self._hello,
            "warm": self._start_warm,
            "deploy": self._deploy,
            "endpoints": self._list,
            "endpoint": self._one,
            "watch": self._watch,
            "traffic": self._traffic,
            "stop": self._stop,
            "start": self._start,
            "remove": self._remove,
            "drop": self._drop,
            "quit": self._quit,
        }

    async def run(self) -> None:
        """Restore what is wanted, answer, and end when nothing is wanted any more."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        adopt_orphans()
        self._children.start()
        ensure_private_dir(self.places.run)
        for entry in os.scandir(self.places.run):
            os.unlink(entry.path)
        for spec in load_all(self.places):
            try:
                await self._restore(spec)
            except (OSError, MltrackError):  # the others shall come up all the same
                traceback.print_exc()
        listener = bind_private(self.places.root, "keeper.sock")
        await self._control.start(listener)
        while not self._end.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), LOOK_EVERY_S)
            self._look()
        self._control.close()
        with contextlib.suppress(OSError):
            os.unlink(self.places.root / "keeper.sock")
        await asyncio.gather(*(one.close() for one in self.endpoints.values()))
        self._warm.stop()

    async def _restore(self, spec: EndpointSpec) -> None:
        listener, detail = await self._listen_again(spec.port), ""
        if listener is None:
            listener = self._ports.open(self._taken())
            detail = f"port {spec.port} was taken by another program: this address is new"
        endpoint = self._open(spec, listener)
        endpoint.detail = detail
        endpoint.close_left_logs()
        endpoint.apply(endpoint.spec)

    async def _listen_again(self, port: int) -> socket.socket | None:
        """Take a port again; replicas of a keeper that was killed let go of it in a moment."""
        for _ in range(PORT_TRIES):
            try:
                return ports.listen(port)
            except OSError:
                await asyncio.sleep(PORT_LIMIT_S / PORT_TRIES)
        return None

    def _open(self, spec: EndpointSpec, listener: Any) -> Endpoint:
        port = listener.getsockname()[1]
        if port != spec.port:
            spec = msgspec.structs.replace(spec, port=port)
            save(self.places, spec)
        endpoint = Endpoint(spec, listener, self.places, self._launcher, self._tell)
        self.endpoints[spec.name] = endpoint
        return endpoint

    def _taken(self) -> set[int]:
        return {one.spec.port for one in self.endpoints.values()}

    def _look(self) -> None:
        if not self._is_at_home():
            self._end.set()  # its folder was removed: nobody could reach it any more
            return
        for endpoint in self.endpoints.values():
            endpoint.look()
        now_s = time.monotonic()
        wanted = any(one.spec.wanted == "running" for one in self.endpoints.values())
        if wanted:
            self._asked_at_s = now_s
        elif now_s - self._asked_at_s > IDLE_EXIT_S:
            self._end.set()
        if not wanted and self._warm.pid and now_s - self._warm.used_at_s > WARM_IDLE_S:
            self._warm.stop()

    def _is_at_home(self) -> bool:
        try:
            there = os.stat(self.places.root / "keeper.lock", follow_symlinks=False)
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(self._lock))

    # ------------------------------------------------------------------------ commands

    async def _handle(self, message: Message) -> Message:
        self._asked_at_s = time.monotonic()
        act = self._acts.get(str(message.get("op")))
        if act is None:
            raise UsageError(f"The keeper knows no command {message.get('op')!r}.")
        return await act(message)

    async def _hello(self, _: Message) -> Message:
        return {"protocol": PROTOCOL, "pid": os.getpid(), "warm": self._warm.pid}

    async def _start_warm(self, _: Message) -> Message:
        if CAN_FORK:
            self._warm.start()
        return {}

    async def _deploy(self, message: Message) -> Message:
        one = msgspec.convert(message["deployment"], DeploymentSpec)
        options = msgspec.convert(message["options"], Options) if message.get("options") else None
        name = str(message["name"])
        known = self.endpoints.get(name)
        before = known.spec if known is not None else None
        if before is None:
            before = EndpointSpec(
                name=name,
                workspace_id=message["workspace_id"],
                workspace_name=message["workspace_name"],
                created_ms=now_ms(),
            )
        spec = merged(
            before, one, options, message.get("traffic_percent"), shadow=bool(message["shadow"])
        )
        if known is None:
            ensure_private_dir(self.places.endpoint(name))
            listener = self._ports.open(self._taken())
            spec = msgspec.structs.replace(spec, port=listener.getsockname()[1])
            save(self.places, spec)
            known = self._open(spec, listener)
        else:
            save(self.places, spec)
        known.apply(spec)
        return self._answer(known)

    async def _list(self, _: Message) -> Message:
        return {"endpoints": [msgspec.to_builtins(one.info()) for one in self._sorted()]}

    async def _one(self, message: Message) -> Message:
        return self._answer(self._find(message))

    async def _watch(self, message: Message) -> Message:
        """Answer when the endpoint is different from what the caller has seen, or time is up."""
        endpoint = self._find(message)
        seen = message.get("seen")
        with contextlib.suppress(TimeoutError):
            async with self._changed:
                await asyncio.wait_for(
                    self._changed.wait_for(lambda: endpoint.changes != seen or endpoint.closed),
                    min(60.0, float(message.get("timeout_s", 10))),
                )
        return self._answer(self._find(message))

    async def _traffic(self, message: Message) -> Message:
        endpoint = self._find(message)
        failed = {label for label, one in endpoint.versions.items() if one.failed}
        spec = shared(endpoint.spec, dict(message["shares"]), list(message["shadow"]), failed)
        return self._change(endpoint, spec)

    async def _stop(self, message: Message) -> Message:
        endpoint = self._find(message)
        self._change(endpoint, msgspec.structs.replace(endpoint.spec, wanted="stopped"))
        await endpoint.stop()
        return self._answer(endpoint)

    async def _start(self, message: Message) -> Message:
        endpoint = self._find(message)
        for version in endpoint.versions.values():
            version.failed = False
        self._change(endpoint, msgspec.structs.replace(endpoint.spec, wanted="running"))
        endpoint.wake()
        return self._answer(endpoint)

    async def _drop(self, message: Message) -> Message:
        endpoint = self._find(message)
        return self._change(endpoint, without(endpoint.spec, str(message["label"])))

    async def _remove(self, message: Message) -> Message:
        endpoint = self._find(message)
        del self.endpoints[endpoint.spec.name]
        await endpoint.close(REMOVE_LIMIT_S)
        self._ports.release(endpoint.spec.port)
        await _remove_folder(self.places.endpoint(endpoint.spec.name))
        self._tell()
        return {}

    async def _quit(self, _: Message) -> Message:
        self._end.set()
        return {}

    # --------------------------------------------------------------------------- parts

    def _find(self, message: Message) -> Endpoint:
        name = str(message.get("name"))
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            raise NotFound(f"No endpoint {name}.", hint_of(list(self.endpoints)))
        return endpoint

    def _change(self, endpoint: Endpoint, spec: EndpointSpec) -> Message:
        spec = msgspec.structs.replace(spec, updated_ms=now_ms())
        save(self.places, spec)
        endpoint.apply(spec)
        return self._answer(endpoint)

    def _answer(self, endpoint: Endpoint) -> Message:
        return {"endpoint": msgspec.to_builtins(endpoint.info()), "changes": endpoint.changes}

    def _sorted(self) -> list[Endpoint]:
        return [self.endpoints[name] for name in sorted(self.endpoints)]

    def _tell(self) -> None:
        """Wake whoever watches, once for all that changes within one turn of the loop."""
        if self._telling is None or self._telling.done():
            self._telling = asyncio.get_running_loop().create_task(self._tell_now())

    async def _tell_now(self) -> None:
        async with self._changed:
            self._changed.notify_all()


async def _remove_folder(folder: Path) -> None:
    """Remove it though the last log of its replicas is being compacted in it."""
    until_s = time.monotonic() + REMOVE_LIMIT_S
    while True:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and error.filename == str(folder):
                return
            if time.monotonic() > until_s:
                raise
            await asyncio.sleep(0.05)
        else:
            return


def hint_of(names: list[str]) -> str:
    """Say which endpoints there are."""
    if not names:
        return "There is none: %mltrack deploy MODEL --to local"
    return f"There are: {', '.join(sorted(names)[:10])}"


def main(data_dir: str) -> int:
    """Be the keeper of a data folder, unless there is one."""
    os.environ["MLTRACK_DATA_DIR"] = data_dir
    os.umask(0o077)
    places = Places(data_dir)
    ensure_private_dir(places.endpoints)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(places.root / "keeper.lock", flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    os.truncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    trim(places.root / "keeper.log")
    asyncio.run(_run(places, lock))
    return 0


def trim(log: Path, limit: int = 1 << 20) -> None:
    """Begin the log anew where it has grown large."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > limit:
            os.truncate(log, 0)


async def _run(places: Places, lock: int) -> None:
    await Keeper(places, lock).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
