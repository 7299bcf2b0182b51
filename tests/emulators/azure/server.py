"""The emulator as a thread of this process, behind TLS on a port of its own."""

from __future__ import annotations

import importlib
import socket
import threading
import time
from pathlib import Path
from types import ModuleType

import uvicorn

from tests.emulators.azure import tls
from tests.emulators.azure.core import State
from tests.emulators.azure.faults import Faults
from tests.emulators.azure.modules import MODULES
from tests.emulators.azure.operations import Operations
from tests.emulators.azure.recorder import Recorder
from tests.emulators.azure.tokens import Login
from tests.emulators.azure.web import App


class Server:
    """Serves from `start` to `stop`; `state` is what the handlers see."""

    def __init__(self, place: Path, port: int = 0) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.tls = tls.make(place / "tls")
        # the protocol by name: asyncio sends small answers at once only where it stands
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self._socket.listen(256)
        login = Login()
        self.state = State(
            place, self._socket.getsockname()[1], login, Recorder(place / "requests.jsonl"), Faults(),
            Operations(),
        )  # fmt: skip
        login.audiences.add(self.state.origin)
        self._modules: list[ModuleType] = [
            importlib.import_module(f"tests.emulators.azure.{name}") for name in MODULES
        ]
        app = App(self.state, [route for module in self._modules for route in module.ROUTES])
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                app, ssl_certfile=str(self.tls.certificate), ssl_keyfile=str(self.tls.key),
                lifespan="off", loop="asyncio", http="h11", ws="none", log_level="critical",
                access_log=False, timeout_keep_alive=60, timeout_graceful_shutdown=1,
            )
        )  # fmt: skip
        app.connections = lambda: self._uvicorn.server_state.connections
        self._thread = threading.Thread(
            target=self._uvicorn.run, args=([self._socket],), name="azure-emulator", daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        until_s = time.monotonic() + 20
        while not self._uvicorn.started:
            if time.monotonic() > until_s or not self._thread.is_alive():
                raise RuntimeError("the emulator did not start")
            time.sleep(0.01)

    def stop(self) -> None:
        """End what the modules run, then the server."""
        for module in reversed(self._modules):
            if hasattr(module, "stop"):
                module.stop(self.state)
        self._uvicorn.should_exit = self._uvicorn.force_exit = True
        self._thread.join(10)
        self.state.recorder.close()
