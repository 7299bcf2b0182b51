"""The process that holds the sign-ins of one user, as ssh-agent holds keys.

It outlives kernels and the Jupyter server, so that what they leave behind can still be sent. It
serves access tokens to processes of this user only, writes none, leaves no core dump, and ends
when nothing is held any more, or nobody asked for a long time.

    python -m jupyter_mltrack.azure.token_keeper DATA_DIR
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.azure import accounts, holding
from jupyter_mltrack.azure.holding import Flow, Held
from jupyter_mltrack.azure.keeper_line import PROTOCOL, SOCKET, gone
from jupyter_mltrack.deployments.local.control import Control
from jupyter_mltrack.deployments.local.launching import bind_private
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.settings import ensure_private_dir

LOOK_EVERY_S = 2.0
IDLE_EXIT_S = 900.0
MEMORY_IDLE_EXIT_S = 7 * 86_400.0
FLOWS_MAX = 8
LOG_BYTES_MAX = 1 << 20
Message = dict[str, Any]


class TokenKeeper:
    """Answers commands; see `keeper_line` for the other end."""

    def __init__(self, folder: Path, lock: int) -> None:
        self._folder = folder
        self._lock_file = lock
        self._held: dict[tuple[str, str], Held] = {}
        self._flows: dict[str, Flow] = {}
        self._guard = threading.Lock()
        self._control = Control(self._handle)
        self._asked_at_s = time.monotonic()
        self._end = asyncio.Event()
        self._acts: dict[str, Callable[[Message], Awaitable[Message]]] = {
            "hello": self._hello,
            "token": self._token,
            "begin": self._begin,
            "look": self._look_at,
            "cancel": self._cancel,
            "secret": self._secret,
            "out": self._out,
            "quit": self._quit,
        }

    async def run(self) -> None:
        """Answer until nothing is held any more."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        await self._control.start(bind_private(self._folder, SOCKET))
        while not self._end.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), LOOK_EVERY_S)
            self._look()
        self._control.close()
        with contextlib.suppress(OSError):
            os.unlink(self._folder / SOCKET)

    def _look(self) -> None:
        if not self._is_at_home():
            self._end.set()  # its folder was removed: nobody could reach it any more
            return
        self._collect()
        now_s = time.monotonic()
        in_memory = any(not one.account.persisted for one in self._held.values())
        limit_s = MEMORY_IDLE_EXIT_S if in_memory else IDLE_EXIT_S
        if any(flow.is_open() for flow in self._flows.values()):
            self._asked_at_s = now_s
        elif now_s - self._asked_at_s > limit_s:
            self._end.set()

    def _is_at_home(self) -> bool:
        try:
            there = os.stat(self._folder / "tokens.lock", follow_symlinks=False)
        except OSError:
            return False
        return os.path.samestat(there, os.fstat(self._lock_file))

    def _collect(self) -> None:
        """Take over what flows have brought, and forget old ones."""
        with self._guard:
            for flow in list(self._flows.values()):
                if flow.held is not None:
                    account = flow.held.account
                    self._held.setdefault((account.cloud, account.tenant), flow.held)
                    if self._held[account.cloud, account.tenant].account.at_ms < account.at_ms:
                        self._held[account.cloud, account.tenant] = flow.held
                is_old = time.monotonic() - flow.begun_s > holding.KEPT_FLOWS_S
                if is_old and not flow.is_open():
                    del self._flows[flow.id]

    # ------------------------------------------------------------------------- commands

    async def _handle(self, message: Message) -> Message:
        act = self._acts.get(str(message.get("op")))
        if act is None:
            raise UsageError(f"The keeper of sign-ins knows no command {message.get('op')!r}.")
        if message["op"] != "hello":
            self._asked_at_s = time.monotonic()
        return await act(message)

    async def _hello(self, _: Message) -> Message:
        return {"protocol": PROTOCOL, "pid": os.getpid(), "held": len(self._held)}

    async def _token(self, message: Message) -> Message:
        cloud, tenant = dict(message["cloud"]), str(message.get("tenant") or "")
        scopes = tuple(str(one) for one in message["scopes"])
        token = await asyncio.to_thread(
            lambda: self._holder(cloud, tenant).token(
                scopes, tenant, message.get("claims"), renewed=bool(message.get("renewed"))
            )
        )
        return {"token": token.token, "expires_on": token.expires_on}

    def _holder(self, cloud: Message, tenant: str) -> Held:
        """The sign-in for a tenant; one of an earlier keeper is taken up again."""
        self._collect()
        account = accounts.chosen(str(cloud["key"]), tenant)
        if account is None:
            raise NotFound("Nobody is signed in by hand.", holding.AGAIN_HINT)
        key = (account.cloud, account.tenant)
        with self._guard:
            found = self._held.get(key)
            if found is None:
                found = holding.restored(cloud, account)
                if found is None:
                    raise gone(account)
                self._held[key] = found
        return found

    async def _begin(self, message: Message) -> Message:
        cloud, tenant = dict(message["cloud"]), str(message.get("tenant") or "")
        how = msgspec.convert(message["how"], wire.SignInHow)
        for flow in self._flows.values():
            flow.cancel()  # one person enters one code
        while len(self._flows) >= FLOWS_MAX:
            del self._flows[next(iter(self._flows))]
        flow = Flow(cloud, how, tenant)
        self._flows[flow.id] = flow
        flow.start()
        await asyncio.to_thread(flow.wait, 0, holding.CODE_LIMIT_S)
        return {"sign_in": msgspec.to_builtins(flow.info()), "changes": flow.changes}

    async def _look_at(self, message: Message) -> Message:
        name = str(message.get("id") or "")
        flow = self._flows.get(name) if name else next(reversed(self._flows.values()), None)
        if flow is None:
            raise NotFound("There is no such sign-in.", holding.AGAIN_HINT)
        wait_s = min(30.0, float(message.get("wait_s") or 0))
        if wait_s and flow.is_open():
            await asyncio.to_thread(flow.wait, int(message.get("seen") or 0), wait_s)
        self._collect()
        return {"sign_in": msgspec.to_builtins(flow.info()), "changes": flow.changes}

    async def _cancel(self, message: Message) -> Message:
        flow = self._flows.get(str(message.get("id")))
        if flow is None:
            raise NotFound("There is no such sign-in.", holding.AGAIN_HINT)
        flow.cancel()
        return {"sign_in": msgspec.to_builtins(flow.info()), "changes": flow.changes}

    async def _secret(self, message: Message) -> Message:
        held = await asyncio.to_thread(
            holding.of_secret,
            dict(message["cloud"]),
            str(message["tenant"]),
            str(message["client_id"]),
            str(message["secret"]),
        )
        with self._guard:
            self._held[held.account.cloud, held.account.tenant] = held
        return {"account": msgspec.to_builtins(held.account)}

    async def _out(self, message: Message) -> Message:
        """Forget all sign-ins of a cloud."""
        cloud = dict(message["cloud"])
        for flow in list(self._flows.values()):
            flow.cancel()
        self._collect()
        self._flows.clear()
        gone_now = accounts.remove(str(cloud["key"]))
        for account in gone_now:
            with self._guard:
                held = self._held.pop((account.cloud, account.tenant), None)
            if held is None:
                held = await asyncio.to_thread(holding.restored, cloud, account)
            if held is not None:
                await asyncio.to_thread(held.drop)
        if not self._held:
            asyncio.get_running_loop().call_later(0.2, self._end.set)
        return {"accounts": [msgspec.to_builtins(one) for one in gone_now]}

    async def _quit(self, _: Message) -> Message:
        self._end.set()
        return {}


def main(data_dir: str) -> int:
    """Be the keeper of a data folder, unless there is one."""
    os.environ["MLTRACK_DATA_DIR"] = data_dir
    os.umask(0o077)
    _leave_no_traces()
    folder = Path(data_dir) / "azure"
    ensure_private_dir(folder)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(folder / "tokens.lock", flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    with contextlib.suppress(OSError):
        if (folder / "tokens.log").stat().st_size > LOG_BYTES_MAX:
            os.truncate(folder / "tokens.log", 0)
    asyncio.run(_run(folder, lock))
    return 0


async def _run(folder: Path, lock: int) -> None:
    await TokenKeeper(folder, lock).run()


def _leave_no_traces() -> None:
    """No core dump, and no other process of the user may look into the memory."""
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform.startswith("linux"):
        import ctypes

        dumpable = 4  # PR_SET_DUMPABLE
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(dumpable, 0, 0, 0, 0)


if __name__ == "__main__":
    # a daemon thread of a flow may wait for a person still: nobody shall wait for it
    os._exit(main(sys.argv[1]))
