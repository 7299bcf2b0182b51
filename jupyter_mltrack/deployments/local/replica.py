"""A process that loads one model and answers requests, until its keeper says so or is gone.

Forked from the warm process, or run as a plain file by any Python that has MLflow and uvicorn:
`python .../replica.py FD`, where FD is the line to the keeper, whose first line is the
configuration. As a plain file it makes the packages above `serving` known without running them,
so that nothing else of this product has to be installed there.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    import types

    here = os.path.dirname(os.path.abspath(__file__))
    if sys.path and os.path.abspath(sys.path[0]) == here:
        del sys.path[0]  # a file here must not stand in for a module of the model
    for name, levels in (
        ("jupyter_mltrack", 2),
        ("jupyter_mltrack.deployments", 1),
        ("jupyter_mltrack.deployments.local", 0),
    ):
        place = here
        for _ in range(levels):
            place = os.path.dirname(place)
        package = types.ModuleType(name)
        package.__path__ = [place]
        sys.modules[name] = package

import asyncio
import contextlib
import random
import signal
import socket
import time
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.deployments.local.serving.lifeline import Lifeline, Message, end_with_parent

if TYPE_CHECKING:
    import uvicorn

    from jupyter_mltrack.deployments.local.serving.inference_log import InferenceLog

STATS_EVERY_S = 1.0
KEEP_ALIVE_S = 60
LAST_REQUESTS_S = 2.0
"""How long a caller whose connection was taken may take to send its request."""
_ROUNDS_TO_BEGIN = 5
"""Of the event loop: within fewer a connection that was taken is known to its server."""
_NAMES_MAX = 2_000
_SHARED_ROOTS = ("sklearn", "scipy", "numpy", "pandas", "mlflow", "lightgbm", "xgboost", "joblib")


def load(config: Message, lifeline: Lifeline) -> Any:
    """Load the model; where it cannot be loaded, tell the keeper why and end."""
    before = set(sys.modules)
    started = time.perf_counter()
    os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"
    try:
        import mlflow.pyfunc

        model = mlflow.pyfunc.load_model(config["model_dir"])
    except BaseException as error:
        traceback.print_exc()
        sys.stderr.flush()
        cause = cause_of(error, config["model_dir"])
        lifeline.tell({"event": "load_failed", "message": cause[:2000]})
        time.sleep(0.2)  # the keeper reads it before it sees the end
        os._exit(3)
    seen = [name for name in sys.modules.keys() - before if name.partition(".")[0] in _SHARED_ROOTS]
    seconds = round(time.perf_counter() - started, 3)
    lifeline.tell({"event": "loaded", "seconds": seconds, "modules": sorted(seen)[:_NAMES_MAX]})
    return model


def cause_of(error: BaseException, model_dir: str) -> str:
    """Say what went wrong and in which line of the model's code, the first cause first."""
    first: BaseException = error
    while (earlier := first.__cause__ or first.__context__) is not None:
        first = earlier
    inside = os.path.join(model_dir, "")
    said = [" ".join(str(one).split()).replace(inside, "") for one in (first, error)]
    words = f"{type(first).__name__}: {said[0]}"
    if said[0] not in said[1]:
        words = f"{words} ({type(error).__name__}: {said[1]})"
    places = [
        (frame.filename.removeprefix(inside), frame.lineno)
        for frame in traceback.extract_tb(first.__traceback__)
        if frame.filename.startswith(inside)
    ]
    return f"{words} ({places[-1][0]}, line {places[-1][1]})" if places else words


def names_of(model: Any) -> tuple[list[str], list[str]]:
    """Return the names of a model's inputs and outputs, as its signature has them."""
    found: list[list[str]] = []
    for schema in (model.metadata.get_input_schema(), model.metadata.get_output_schema()):
        named = schema is not None and schema.has_input_names()
        found.append([str(name) for name in schema.input_names()] if named else [])
    return found[0], found[1] or ["prediction"]


class Serving:
    """The sockets of a replica and the commands that come in."""

    def __init__(
        self, config: Message, lifeline: Lifeline, sockets: dict[str, socket.socket]
    ) -> None:
        self._config = config
        self._lifeline = lifeline
        self._sockets = sockets
        with open(config["token_file"], "rb") as file:
            self._token = file.read().strip()
        self._servers: list[uvicorn.Server] = []
        self._public: uvicorn.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._end: asyncio.Event | None = None

    async def run(self, model: Any) -> None:
        """Answer until the keeper says that it is enough."""
        from jupyter_mltrack.deployments.local.serving.app import App
        from jupyter_mltrack.deployments.local.serving.inference_log import InferenceLog
        from jupyter_mltrack.deployments.local.serving.passing import Routes
        from jupyter_mltrack.deployments.local.serving.predicting import Predictor
        from jupyter_mltrack.deployments.local.serving.tally import Tally

        config, options = self._config, self._config["options"]
        log = InferenceLog(
            config["inference"],
            config["label"],
            options,
            names_of(model),
            lambda: self._lifeline.tell({"event": "log_closed"}),
        )
        self._routes = Routes(config["label"], config["run"])
        self._tally = Tally()
        self._app = App(
            Predictor(
                model, sample=_sample(options), rows_max=int(options.get("log_rows_max", 100))
            ),
            self._routes,
            self._tally,
            log,
            port=config["port"],
            token=self._token,
        )
        log.start()
        await self._serve(log)

    async def _serve(self, log: InferenceLog) -> None:
        self._end = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._end.set)
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        telling = asyncio.create_task(self._tell_stats())
        self._start(self._app.private, self._sockets["private"])
        self._lifeline.listen(self._command)
        await self._end.wait()
        if self._public is not None:
            self._accept(wanted=False)
        await self._last_requests()
        for server in self._servers:
            _end(server)
        telling.cancel()
        await asyncio.gather(telling, *self._tasks, return_exceptions=True)
        self._tell_now()
        await asyncio.to_thread(log.close)

    def _command(self, message: Message) -> None:
        if message["op"] == "routes":
            self._routes.set(message)
            self._accept(wanted=bool(message["public"]))
            self._lifeline.tell({"event": "routed", "number": message["number"]})
        elif message["op"] == "exit" and self._end is not None:
            self._end.set()

    def _accept(self, *, wanted: bool) -> None:
        """Take new connections of the public socket or leave them; those that are open stay."""
        if wanted == (self._public is not None):
            return
        if wanted:
            self._public = self._start(self._app.public, self._sockets["public"].dup())
            return
        server, self._public = self._public, None
        if not getattr(server, "servers", None):
            _end(server)  # it has not even begun
            return
        loop = asyncio.get_running_loop()
        for listening in server.servers:  # type: ignore[union-attr]
            for taken in listening.sockets:
                loop.remove_reader(taken)
            # asyncio drops a connection that it has taken but not begun when its server closes
            loop.call_soon(listening.close)

    async def _last_requests(self) -> None:
        """Wait for the requests of connections that were taken and have sent nothing yet."""
        until_s = time.monotonic() + LAST_REQUESTS_S
        for _ in range(_ROUNDS_TO_BEGIN):
            await asyncio.sleep(0)
        while time.monotonic() < until_s and any(  # noqa: ASYNC110 (uvicorn has no event for it)
            line.cycle is None  # type: ignore[union-attr]
            for server in self._servers
            if server.config.app == self._app.public
            for line in server.server_state.connections
        ):
            await asyncio.sleep(0.01)

    def _start(self, app: Any, listener: socket.socket) -> uvicorn.Server:
        import uvicorn

        config = uvicorn.Config(
            app,
            interface="asgi3",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(self._config.get("grace_s", 10)),
        )
        server = _quiet_server(config)
        self._servers.append(server)
        self._tasks.append(asyncio.create_task(server.serve(sockets=[listener])))
        return server

    async def _tell_stats(self) -> None:
        while True:
            await asyncio.sleep(STATS_EVERY_S)
            self._tell_now()

    def _tell_now(self) -> None:
        taken = self._tally.take()
        if taken is not None:
            self._lifeline.tell(taken)


def _sample(options: Message) -> float:
    return float(options.get("log_sample", 1.0)) if options.get("log_inference", True) else 0.0


def _end(server: Any) -> None:
    server.should_exit = True
    server.ended.set()


def _quiet_server(config: uvicorn.Config) -> uvicorn.Server:
    """Return a server that takes no signals and does not wake ten times a second."""
    import uvicorn

    class Quiet(uvicorn.Server):
        def __init__(self, config: uvicorn.Config) -> None:
            super().__init__(config)
            self.ended = asyncio.Event()

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

        def install_signal_handlers(self) -> None:
            """Older versions call this instead."""

        async def main_loop(self) -> None:
            await self.on_tick(0)
            await self.ended.wait()

    return Quiet(config)


def serve(config: Message, line: socket.socket, sockets: dict[str, socket.socket]) -> None:
    """Be a replica from here on; does not return."""
    for listener in sockets.values():
        # Processes share it: were it to block for one, all would wait in their next `accept`,
        # and a `dup` of a socket object that believes to block makes it do so.
        listener.setblocking(False)
    lifeline = Lifeline(line)
    lifeline.tell({"event": "hello", "pid": os.getpid()})
    lifeline.start()
    _reseed()
    os.chdir(config["cwd"])
    status = 0
    try:
        model = load(config, lifeline)
        asyncio.run(Serving(config, lifeline, sockets).run(model))
    except BaseException:
        traceback.print_exc()
        status = 4
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)


def _reseed() -> None:
    """Give a forked replica random numbers of its own."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def main() -> None:
    """Run as a plain file: the line to the keeper is a file descriptor."""
    end_with_parent()
    line = socket.socket(fileno=int(sys.argv[1]))
    line.set_inheritable(False)
    config = Lifeline(line).read_first()
    sockets = {}
    for name, number in config["sockets"].items():
        sockets[name] = socket.socket(fileno=int(number))
        sockets[name].set_inheritable(False)
    serve(config, line, sockets)


if __name__ == "__main__":
    main()
