"""The process with the imports done: a replica that is forked from it starts in a blink.

It has one thread whenever it forks, so that no lock is held in the child for ever. Libraries that
cannot bear a fork are never imported here: their models get a fresh process. A replica is forked
twice, so that the keeper, which adopts it, is its parent.

Run by the keeper as `python -m jupyter_mltrack.deployments.local.warm FD`.
"""

from __future__ import annotations

import array
import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jupyter_mltrack.deployments.local.replica import serve
from jupyter_mltrack.deployments.local.serving.lifeline import end_with_parent

_FDS = ("line", "public", "private", "log")
_MESSAGE_MAX = 1 << 20
_QUIET_S = 2.0
"""A replica that was just forked loads its model: it shall have the processor for itself."""
_IMPORTS = (
    "asyncio",
    "concurrent.futures.thread",
    "numpy",
    "pandas",
    "mlflow.pyfunc",
    "mlflow.pyfunc.scoring_server",
    "mlflow.types.schema",
    "uvicorn",
    "uvicorn.protocols.http.auto",
    "uvicorn.lifespan.off",
    "jupyter_mltrack.deployments.local.serving.app",
)
_IF_THERE = ("cloudpickle", "mlflow.sklearn", "sklearn.pipeline", "skops.io")
_THREADED = ("polars",)
"""MLflow imports them where they are installed, and they start threads: left to the replica."""


def thread_count() -> int:
    """Return how many threads this process has, those of libraries included."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()


@contextlib.contextmanager
def _not_found(names: Iterable[str]) -> Iterator[None]:
    """Have these modules seem not to be installed."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


def import_all(names: Iterable[str]) -> None:
    """Import what can be and starts no threads; what cannot is left to the replica."""
    with _not_found(_THREADED):
        for name in names:
            try:
                importlib.import_module(name)
            except ModuleNotFoundError:
                continue
            except Exception as error:
                print(f"{name} is not imported ahead: {error}", file=sys.stderr, flush=True)


def know_packages() -> None:
    """Have MLflow find out which module is of which package; each load of a model asks for it."""
    from mlflow.utils import requirements_utils

    for name in ("_init_modules_to_packages_map", "_init_packages_to_modules_map"):
        find_out = getattr(requirements_utils, name, None)
        if find_out is not None:
            find_out()


class Warm:
    """Takes orders from the keeper until it hangs up."""

    def __init__(self, keeper: socket.socket) -> None:
        self._keeper = keeper
        self._later: deque[Callable[[], None]] = deque()

    def run(self) -> None:
        """Import, say so, and fork what is asked for; what can wait is imported in between."""
        started = time.perf_counter()
        import_all(_IMPORTS)
        self._settle()
        self._tell({"event": "warm", "seconds": round(time.perf_counter() - started, 3)})
        self._import_later(_IF_THERE)
        self._later.append(know_packages)
        self._rest(0)
        while True:
            message, fds = self._receive()
            if message is None:
                os._exit(0)
            if message["op"] == "fork":
                self._fork(message["config"], fds)
            elif message["op"] == "compact":
                self._compact(message)
            elif message["op"] == "import":
                self._import_later(message["modules"])
            self._rest(_QUIET_S)

    def _import_later(self, names: Iterable[str]) -> None:
        self._later.extend(functools.partial(import_all, [name]) for name in names)

    def _rest(self, quiet_s: float) -> None:
        """Do what can wait, once nothing was asked for so long, and as long as nothing is."""
        if not self._later:
            return
        while self._later and not select.select([self._keeper], [], [], quiet_s)[0]:
            self._later.popleft()()
            quiet_s = 0
        if not self._later:
            self._settle()

    def _settle(self) -> None:
        """Have the memory that is here shared with the children for good."""
        gc.collect()
        gc.freeze()
        if thread_count() > 1:
            self._tell({"event": "threads", "count": thread_count()})

    def _tell(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._keeper.sendall(json.dumps(message).encode() + b"\n")

    def _receive(self) -> tuple[dict[str, Any] | None, list[int]]:
        """Read one message, which comes in one piece, with the handles beside it."""
        size = array.array("i").itemsize
        space = socket.CMSG_SPACE(len(_FDS) * size)
        data, ancillary, _, _ = self._keeper.recvmsg(_MESSAGE_MAX, space)
        if not data:
            return None, []
        fds = array.array("i")
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds.frombytes(content[: len(content) - len(content) % size])
        return dict(json.loads(data)), list(fds)

    def _fork(self, config: dict[str, Any], fds: list[int]) -> None:
        threads = thread_count()
        between = os.fork() if threads == 1 else None
        if between != 0:
            for fd in fds:
                os.close(fd)
            if between is None:  # the replica's line ends by that, and a fresh process follows
                self._tell({"event": "threads", "count": threads})
            else:
                os.waitpid(between, 0)
            return
        try:
            self._be_replica(config, dict(zip(_FDS, fds, strict=True)))
        except BaseException:
            traceback.print_exc()
        os._exit(71)

    def _be_replica(self, config: dict[str, Any], fds: dict[str, int]) -> None:
        between = os.getpid()
        if os.fork():
            os._exit(0)
        self._keeper.close()
        os.setsid()
        while os.getppid() == between:
            time.sleep(0.0005)
        end_with_parent()
        os.dup2(fds["log"], 1)
        os.dup2(fds["log"], 2)
        os.close(fds["log"])
        sockets = {name: socket.socket(fileno=fds[name]) for name in ("public", "private")}
        serve(config, socket.socket(fileno=fds["line"]), sockets)

    def _compact(self, message: dict[str, Any]) -> None:
        """Have a child turn closed files of an inference log into columns."""
        between = os.fork()
        if between:
            os.waitpid(between, 0)
            return
        if os.fork():
            os._exit(0)
        self._keeper.close()
        os.nice(10)
        signal.alarm(600)  # it must never stay
        try:
            from pathlib import Path

            from jupyter_mltrack.monitoring import inference_log

            inference_log.compact(Path(message["folder"]), message["max_bytes"])
        except BaseException:
            traceback.print_exc()
        os._exit(0)


def main() -> None:
    """Run as the keeper's child; its standard error is the keeper's log."""
    end_with_parent()
    keeper = socket.socket(fileno=int(sys.argv[1]))
    keeper.set_inheritable(False)
    Warm(keeper).run()


if __name__ == "__main__":
    main()
