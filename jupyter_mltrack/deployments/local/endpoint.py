"""One endpoint in the keeper: its socket, the versions behind it, and who answers which request."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.deployments.local.launching import Launcher
from jupyter_mltrack.deployments.local.process import Replica
from jupyter_mltrack.deployments.local.refusing import Refuser
from jupyter_mltrack.deployments.local.serving.inference_log import CLOSED
from jupyter_mltrack.deployments.local.spec import EndpointSpec, Places, save, token_of
from jupyter_mltrack.deployments.local.version import Version
from jupyter_mltrack.deployments.local.wanting import without_share
from jupyter_mltrack.deployments.local.window import stats
from jupyter_mltrack.settings import ensure_private_dir

END_LIMIT_S = 10.0


class Endpoint:
    """Brings about what its specification says, and says how it stands."""

    def __init__(
        self,
        spec: EndpointSpec,
        listener: socket.socket,
        places: Places,
        launcher: Launcher,
        changed: Callable[[], None],
    ) -> None:
        self.spec = spec
        self.listener = listener
        self.places = places
        self.launcher = launcher
        self.versions: dict[str, Version] = {}
        self.asleep = False
        self.detail = ""
        self.changes = 0
        self._retiring: list[Version] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._told = changed
        self._asked_at_s = time.monotonic()
        self._waits_for_request = False
        self.closed = False
        self._refuser = Refuser(listener, self._why_refused)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.listener.getsockname()[1])

    # ------------------------------------------------------------------- what is wanted

    def apply(self, spec: EndpointSpec) -> None:
        """Bring about what is wanted now; returns at once."""
        folder = self.places.endpoint(spec.name)
        for name in ("log", "inference", "proof"):
            ensure_private_dir(folder / name)
        token_of(self.places, spec.name)
        rebuilt = self._needs_new_processes(spec)
        self.spec = spec
        wanted = {one.label: one for one in spec.deployments}
        for label in [label for label in self.versions if label not in wanted]:
            self._later(self.versions.pop(label).stop(END_LIMIT_S))
        new = False
        for label, one in wanted.items():
            known = self.versions.get(label)
            if known is not None and not rebuilt and _same_process(known.spec, one):
                known.spec = one
                continue
            if known is not None:
                self._retiring.append(known)  # it answers until the new one is ready
            self.versions[label] = Version(self, one)
            new = True
        if spec.wanted == "stopped":
            self._wake_on_request(wanted=False)
            self.asleep = False
        elif self.asleep and new:
            self.wake()
        elif not self.asleep:
            self._start()
        self.changed(reroute=True)

    def _start(self) -> None:
        for version in self.versions.values():
            if not version.failed:
                version.start()

    async def stop(self, limit_s: float = END_LIMIT_S) -> None:
        """End all replicas; returns when they are gone."""
        self._wake_on_request(wanted=False)
        everybody = [*self.versions.values(), *self._retiring]
        self._retiring = []
        await asyncio.gather(*(version.stop(limit_s) for version in everybody))
        self.changed(reroute=True)

    async def close(self, limit_s: float = END_LIMIT_S) -> None:
        """End everything, the socket too."""
        self.closed = True
        self._told()
        self._refuser.set(active=False)
        await self.stop(limit_s)
        self._refuser.set(active=False)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=limit_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self.listener.close()

    def _needs_new_processes(self, spec: EndpointSpec) -> bool:
        plain = msgspec.structs.replace(spec.options, idle_stop_s=0, memory_limit_mb=0)
        before = msgspec.structs.replace(self.spec.options, idle_stop_s=0, memory_limit_mb=0)
        return plain != before

    def new_replica(self, number: int, told: Callable[[dict[str, Any]], None]) -> Replica:
        """Make a replica that has no process yet."""
        private = f"{secrets.token_hex(8)}.sock"
        return Replica(number, private, self.places.run, self.launcher.children, told)

    def replica_config(self, one: Any) -> dict[str, Any]:
        """What a replica of this version reads first."""
        name = self.spec.name
        return {
            "label": one.label,
            "model_dir": one.model_dir,
            "token_file": str(self.places.token(name)),
            "inference": str(self.places.inference(name)),
            "run": str(self.places.run),
            "port": self.port,
            "cwd": str(self.places.endpoint(name)),
            "grace_s": END_LIMIT_S,
            "options": msgspec.to_builtins(self.spec.options),
        }

    # --------------------------------------------------------------------- who answers

    def changed(self, *, reroute: bool = False) -> None:
        """Note that something is different; tell the replicas where that concerns them."""
        self.changes += 1
        if reroute:
            self._retire()
            self._route()
        self._told()

    def _retire(self) -> None:
        for old in list(self._retiring):
            new = self.versions.get(old.spec.label)
            if new is None or new.ready or self.spec.wanted == "stopped":
                self._retiring.remove(old)
                self._later(old.stop(END_LIMIT_S))

    def _route(self) -> None:
        answering = [version for version in self._serving() if not version.spec.shadow]
        shadows = [version for version in self._serving() if version.spec.shadow]
        can_come = any(not version.failed for version in self.versions.values())
        self._refuser.set(
            active=not answering
            and not self.asleep
            and (self.spec.wanted == "stopped" or not can_come)
        )
        if not answering:
            return
        primary = max(answering, key=lambda version: version.spec.traffic_percent)
        percents = {id(version): float(version.spec.traffic_percent) for version in answering}
        percents[id(primary)] = 100 - (sum(percents.values()) - percents[id(primary)])
        copies = [[one.spec.label, [replica.private for replica in one.ready]] for one in shadows]
        for version in sorted([*answering, *shadows], key=lambda one: one is not primary):
            shares = [
                [
                    one.spec.label,
                    percents[id(one)],
                    [] if one is version else [replica.private for replica in one.ready],
                ]
                for one in answering
                if percents[id(one)] > 0
            ]
            public = version is primary
            for replica in version.ready:
                replica.route({"public": public, "shares": shares, "shadows": copies})

    def _serving(self) -> list[Version]:
        """Versions that can answer now: the old one until the new one of its label can."""
        found = {old.spec.label: old for old in self._retiring if old.ready}
        found.update({one.spec.label: one for one in self.versions.values() if one.ready})
        return list(found.values())

    def _why_refused(self) -> str:
        if self.spec.wanted == "stopped":
            return f"Endpoint {self.spec.name} is stopped."
        return f"Endpoint {self.spec.name} has failed: no version of its model could be started."

    def give_share_back(self, label: str) -> None:
        """A version never came up: the others answer what it was to answer."""
        spec = without_share(self.spec, label)
        for one in spec.deployments:
            if one.label in self.versions:
                self.versions[one.label].spec = one
        self.spec = spec
        save(self.places, spec)

    # ------------------------------------------------------------------------- asleep

    def heard(self, event: dict[str, Any]) -> None:
        """Take counts of a replica."""
        if event["requests"] or event["busy"]:
            self._asked_at_s = time.monotonic()
        for label, count in event["unanswered"].items():
            if label in self.versions:
                self.versions[label].window.add_errors(int(count))
        self.changed()

    def look(self) -> None:
        """Do what is due: sleep where nobody asks, keep logs small."""
        idle_s = self.spec.options.idle_stop_s
        versions = self.versions.values()
        for version in versions:
            version.trim_log()
        if not idle_s or self.asleep or self.spec.wanted != "running":
            return
        quiet = time.monotonic() - self._asked_at_s > idle_s
        busy = any(version.busy for version in versions)
        settled = all(version.ready or version.failed for version in versions)
        if quiet and not busy and settled and any(version.ready for version in versions):
            self._sleep()

    def _sleep(self) -> None:
        self.asleep = True
        for version in self.versions.values():
            version.say("no request for a while: it sleeps until the next one")
            self._later(version.stop(END_LIMIT_S))
        self._wake_on_request(wanted=True)
        self.changed(reroute=True)

    def wake(self) -> None:
        """Start the replicas of an endpoint that sleeps."""
        self._wake_on_request(wanted=False)
        if self.asleep and self.spec.wanted == "running":
            self.asleep = False
            self._asked_at_s = time.monotonic()
            self._start()
            self.changed(reroute=True)

    def _wake_on_request(self, *, wanted: bool) -> None:
        if wanted == self._waits_for_request:
            return
        self._waits_for_request = wanted
        loop = asyncio.get_running_loop()
        if wanted:
            loop.add_reader(self.listener, self.wake)
        else:
            loop.remove_reader(self.listener)

    # ---------------------------------------------------------------- inference log

    def log_closed(self) -> None:
        """A file of the inference log is complete."""
        if self.closed:
            return
        folder, limit = self.places.inference(self.spec.name), self.spec.options.log_max_bytes
        self._later(self._compact(folder, limit))

    async def _compact(self, folder: Path, limit: int) -> None:
        if not await self.launcher.warm.compact(folder, limit):
            drop_oldest(folder, limit)

    def close_left_logs(self, pid: int | None = None) -> None:
        """Close what a replica that is gone left open; None: those of an earlier keeper."""
        folder = self.places.inference(self.spec.name)
        closed = False
        with contextlib.suppress(OSError):
            for entry in os.scandir(folder):
                ours = pid is None or entry.name.rsplit("-", 2)[-2:-1] == [str(pid)]
                if ours and entry.name.endswith(".jsonl") and not entry.name.endswith(CLOSED):
                    os.rename(entry.path, entry.path[: -len(".jsonl")] + CLOSED)
                    closed = True
        if closed:
            self.log_closed()

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -------------------------------------------------------------------------- report

    @property
    def state(self) -> wire.DeploymentState:
        """What holds for the whole: whether it answers."""
        if self.spec.wanted == "stopped":
            return "stopped"
        taking = [one for one in self.versions.values() if not one.spec.shadow]
        states = [one.state for one in taking]
        if "ready" in states or any(old.ready for old in self._retiring):
            return "ready"
        for found in ("unhealthy", "deploying"):
            if found in states:
                return found
        return "failed" if states else "stopped"

    def info(self) -> wire.EndpointInfo:
        """What everybody may see of it."""
        spec = self.spec
        return wire.EndpointInfo(
            name=spec.name,
            target=spec.target,
            workspace_id=wire.WorkspaceId(spec.workspace_id),
            workspace_name=spec.workspace_name,
            state=self.state,
            address=f"http://127.0.0.1:{self.port}",
            token_file=str(self.places.token(spec.name)),
            deployments=[self.versions[one.label].info() for one in spec.deployments],
            stats=stats([version.window for version in self.versions.values()]),
            created_ms=spec.created_ms,
            updated_ms=spec.updated_ms,
            asleep=self.asleep,
            detail=self.detail,
            options=msgspec.json.encode(spec.options).decode(),
        )


def _same_process(before: Any, after: Any) -> bool:
    fields = ("model_dir", "digest", "python", "fork", "deployed_ms")
    return all(getattr(before, name) == getattr(after, name) for name in fields)


def drop_oldest(folder: Path, limit: int) -> None:
    """Remove the oldest closed files where the folder is over its limit."""
    try:
        entries = [
            (entry.stat().st_mtime, entry.stat().st_size, entry.path)
            for entry in os.scandir(folder)
        ]
    except OSError:
        return
    total = sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= limit:
            return
        if path.endswith((CLOSED, ".parquet")):
            with contextlib.suppress(OSError):
                os.unlink(path)
                total -= size
