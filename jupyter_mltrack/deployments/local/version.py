"""One version of a model behind an endpoint: its replicas, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.deployments.local.process import Crashed, Refused, Replica
from jupyter_mltrack.deployments.local.spec import DeploymentSpec, write_private
from jupyter_mltrack.deployments.local.window import Window, stats

if TYPE_CHECKING:
    from jupyter_mltrack.deployments.local.endpoint import Endpoint

CRASHES_MAX = 5
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 30.0
LOG_BYTES_MAX = 5 << 20
TAIL_LINES = 20


class Version:
    """Keeps as many replicas alive as are wanted."""

    def __init__(self, endpoint: Endpoint, spec: DeploymentSpec) -> None:
        self.endpoint = endpoint
        self.spec = spec
        self.replicas: list[Replica] = []
        self.window = Window()
        self.restarts = 0
        self.failed = False
        self.problem = ""
        self._was_ready = False
        self._crashes = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._first_ready = asyncio.Event()
        self._log_start = 0

    # ------------------------------------------------------------------------- life

    def start(self) -> None:
        """Start as many replicas as are wanted."""
        if any(not task.done() for task in self._tasks):
            return
        self.failed, self.problem, self._crashes = False, "", 0
        self._log_start = self._log_size()
        count = max(1, self.endpoint.spec.options.replicas)
        self._tasks = [asyncio.create_task(self._keep(number)) for number in range(count)]

    async def stop(self, limit_s: float) -> None:
        """End all replicas; returns when their processes are gone."""
        tasks, self._tasks = self._tasks, []
        replicas, self.replicas = self.replicas, []  # it may be started again meanwhile
        self._first_ready = asyncio.Event()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*(one.end(limit_s) for one in replicas), return_exceptions=True)
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def ready(self) -> list[Replica]:
        """Replicas that have proven that they answer."""
        return [replica for replica in self.replicas if replica.ready]

    @property
    def busy(self) -> int:
        """How many requests are being answered."""
        return sum(replica.busy for replica in self.replicas)

    @property
    def state(self) -> wire.DeploymentState:
        """What holds now, in the words of the contract."""
        if self.endpoint.spec.wanted == "stopped":
            return "stopped"
        if self.failed:
            return "failed"
        if self.ready or self.endpoint.asleep:
            return "ready"
        return "unhealthy" if self._was_ready else "deploying"

    async def _keep(self, number: int) -> None:
        if number:
            await self._first_ready.wait()
        while not self.failed:
            replica = self.endpoint.new_replica(number, self._hear)
            self.replicas.append(replica)
            try:
                await self._live(replica)
            except Refused as error:
                self._crashed(str(error), final=not self._was_ready)
            except (Crashed, OSError) as error:
                self._crashed(str(error), final=False)
            except Exception as error:  # our own mistake must not leave it deploying for ever
                traceback.print_exc()
                self._crashed(f"{type(error).__name__}: {error}", final=False)
            finally:
                if asyncio.current_task() in self._tasks:  # else `stop` ends it with more patience
                    await asyncio.shield(replica.end(0.2))
                    if replica in self.replicas:
                        self.replicas.remove(replica)
                    if replica.pid is not None:
                        self.endpoint.close_left_logs(replica.pid)
            self.endpoint.changed(reroute=True)
            if not self.failed:
                await asyncio.sleep(min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** (self._crashes - 1)))
                self.restarts += 1

    async def _live(self, replica: Replica) -> None:
        endpoint = self.endpoint
        with self._open_log() as log:
            line = await endpoint.launcher.launch(
                endpoint.replica_config(self.spec),
                private=replica.private,
                public=endpoint.listener,
                log=log.fileno(),
                python=self.spec.python,
                fork=self.spec.fork,
            )
        replica.attach(line)
        endpoint.changed()
        await replica.load()
        endpoint.changed()
        proof = self._proof()
        await replica.prove(proof)
        replica.detail = "" if proof is not None else "no input example: not asked"
        replica.ready = True
        self._was_ready = True
        self._crashes = 0
        self.problem = ""
        self._first_ready.set()
        self.say(f"replica {replica.number} is ready, process {replica.pid}")
        endpoint.changed(reroute=True)
        if self.spec.fork and self.spec.python in ("", sys.executable):
            await endpoint.launcher.warm.learn(replica.loaded_modules)
        await replica.watch(endpoint.spec.options.memory_limit_mb << 20)

    def _crashed(self, cause: str, *, final: bool) -> None:
        self._crashes += 1
        self.problem = cause
        self.failed = final or self._crashes >= CRASHES_MAX
        self.say(f"{cause}; {'given up' if self.failed else 'it is started again'}")
        if self.failed and not self._was_ready:
            self.endpoint.give_share_back(self.spec.label)
        if self.failed:
            for task in self._tasks:
                if task is not asyncio.current_task():
                    task.cancel()

    def _hear(self, event: dict[str, Any]) -> None:
        kind = event.get("event")
        if kind == "stats":
            self.window.add(event)
            self.endpoint.heard(event)
        elif kind == "log_closed":
            self.endpoint.log_closed()

    def _proof(self) -> bytes | None:
        endpoint = self.endpoint
        try:
            return endpoint.places.proof(endpoint.spec.name, self.spec.label).read_bytes()
        except OSError:
            return None

    # -------------------------------------------------------------------------- log

    def say(self, text: str) -> None:
        """Write a line of the keeper's own into the log."""
        with contextlib.suppress(OSError), self._open_log() as log:
            log.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} mltrack: {text}\n".encode())

    def tail(self) -> list[str]:
        """Return the last lines since this version was last started."""
        try:
            with open(self._log_path(), "rb") as file:
                file.seek(
                    max(
                        self._log_start if self._log_size() >= self._log_start else 0,
                        self._log_size() - 32_768,
                    )
                )
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return []
        return lines[-TAIL_LINES:]

    def trim_log(self) -> None:
        """Keep the log small: what was written so far becomes the one before."""
        if self._log_size() <= LOG_BYTES_MAX:
            return
        path = self._log_path()
        with contextlib.suppress(OSError):
            write_private(path.with_name(f"{path.name}.1"), path.read_bytes()[-LOG_BYTES_MAX:])
            os.truncate(path, 0)  # replicas append: they go on at the beginning
            self._log_start = 0

    def _log_path(self) -> Any:
        return self.endpoint.places.log(self.endpoint.spec.name, self.spec.label)

    def _log_size(self) -> int:
        try:
            return int(os.stat(self._log_path()).st_size)
        except OSError:
            return 0

    def _open_log(self) -> Any:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.fdopen(os.open(self._log_path(), flags, 0o600), "ab", buffering=0)

    # ----------------------------------------------------------------------- report

    def info(self) -> wire.DeploymentInfo:
        """What everybody may see of it."""
        spec, state = self.spec, self.state
        ready = self.ready
        problem = None
        if self.problem and state in ("failed", "unhealthy", "deploying"):
            hint = "The log has the whole story." if self.tail() else ""
            problem = wire.Problem(code="internal", message=self.problem, hint=hint)
        memory = [replica.own_bytes() for replica in self.replicas]
        known = [size for size in memory if size is not None]
        return wire.DeploymentInfo(
            label=spec.label,
            model=spec.model,
            version=spec.version,
            uri=spec.uri,
            run_id=wire.RunId(spec.run_id) if spec.run_id else None,
            state=state,
            traffic_percent=spec.traffic_percent,
            shadow=spec.shadow,
            replicas=max(1, self.endpoint.spec.options.replicas),
            replicas_ready=len(ready),
            restarts=self.restarts,
            memory_bytes=sum(known) if known else None,
            deployed_ms=spec.deployed_ms,
            by=spec.by,
            digest=spec.digest,
            detail=self._detail(state),
            problem=problem,
            log_tail=self.tail() if state == "failed" else [],
            stats=stats([self.window]),
        )

    def _detail(self, state: wire.DeploymentState) -> str:
        if self.endpoint.asleep and state == "ready":
            return "asleep: the next request starts it"
        details = [replica.detail for replica in self.replicas if replica.detail]
        if state == "deploying" and not details:
            return "waiting to be started again"
        return details[0] if details and state not in ("failed", "stopped") else ""
