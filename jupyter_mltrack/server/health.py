"""How each workspace is: asked in the background, answered at once from memory.

Two things are put together: a check by a reader process (or, until the first one is done, what the
shipper saw), and what waits in journals for longer than shipping takes. Both are repeated only
while a page looks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from jupyter_mltrack import own_log, wire
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.journal.shipping_state import Backlog, BacklogMeter, read_health
from jupyter_mltrack.server.known import CONNECT_HINT, KnownWorkspaces, not_connected
from jupyter_mltrack.server.pool import ReaderPool
from jupyter_mltrack.workspaces import Workspace

ROUND_S = 2.0
LATE_MS = 4_000
READY_AGAIN_S = 20.0
TROUBLE_AGAIN_S = 5.0
CHECK_TIME_S = 4.0
CHECK_LIMIT_S = 6.0

_log = own_log.logger(__name__)


class HealthWatch:
    """Keeps the newest health of each workspace. Used from the event loop only."""

    def __init__(
        self,
        data_dir: Path,
        pool: ReaderPool,
        known: KnownWorkspaces,
        *,
        is_watched: Callable[[], bool],
        changed: Callable[[Workspace], None],
    ) -> None:
        self._data_dir = data_dir
        self._pool = pool
        self._known = known
        self._is_watched = is_watched
        self._changed = changed
        self._meter = BacklogMeter(data_dir)
        self._backlog: dict[str, Backlog] = {}
        self._watched: list[Workspace] = []
        self._rounds: asyncio.Task[None] | None = None
        self._health: dict[str, wire.Health] = {}
        self._checked_at_s: dict[str, float] = {}
        self._checks: dict[str, asyncio.Task[None]] = {}

    def of(self, workspace: Workspace) -> wire.Health:
        """The newest that is known; what waits is read anew from the state file."""
        if not self._known.is_connected(workspace):
            return wire.Health(
                state="connecting",
                since_ms=int(time.time() * 1000),
                message=not_connected(workspace),
                hint=CONNECT_HINT,
            )
        health = self._health.get(workspace.id) or read_health(self._data_dir, workspace.id)
        if health is None:
            health = wire.Health(state="connecting", since_ms=int(time.time() * 1000))
        waits = self._late(workspace.id)
        if waits is None:
            return health
        return waits.added_to(health)

    def start(self) -> None:
        """Begin to measure what waits, and to check again what a page looks at."""
        self._rounds = asyncio.ensure_future(self._go_round())

    async def _go_round(self) -> None:
        while True:
            await asyncio.sleep(ROUND_S)
            if not self._is_watched():
                continue
            before = {one.id: self._late(one.id) for one in self._watched}
            try:
                self._backlog = await asyncio.to_thread(self._meter.measure)
            except OSError as error:
                _log.info("What waits could not be measured: %s", error)
                continue
            for workspace in self._watched:
                if self._late(workspace.id) != before[workspace.id]:
                    self._changed(workspace)
            self.watch(self._watched)

    def _late(self, workspace_id: str) -> Backlog | None:
        """What waits longer than shipping takes when all is well."""
        waits = self._backlog.get(workspace_id)
        if waits is None or waits.since_ms is None:
            return None
        return waits if time.time() * 1000 - waits.since_ms > LATE_MS else None

    def watch(self, workspaces: list[Workspace]) -> None:
        """Check those whose health is old; returns at once."""
        now_s = time.monotonic()
        self._watched = list(workspaces)
        for workspace in workspaces:
            if workspace.id in self._checks or not self._known.is_connected(workspace):
                continue
            health = self._health.get(workspace.id)
            ready = health is not None and health.state == "ready"
            again_s = READY_AGAIN_S if ready else TROUBLE_AGAIN_S
            if now_s - self._checked_at_s.get(workspace.id, -1e9) >= again_s:
                self._checks[workspace.id] = asyncio.ensure_future(self._check(workspace))

    def look_again(self, workspace: Workspace) -> None:
        """Something went wrong, or somebody asked: check soon."""
        last_s = self._checked_at_s.get(workspace.id, -1e9)
        if time.monotonic() - last_s > 1.0:
            self._checked_at_s.pop(workspace.id, None)
            others = [one for one in self._watched if one.id != workspace.id]
            self.watch([workspace, *others])

    def look_at_all_again(self) -> None:
        """Somebody signed in or out: check all that a page looks at."""
        self._checked_at_s.clear()
        self.watch(self._watched)

    async def close(self) -> None:
        """Stop all checks."""
        checks = [*self._checks.values(), *([self._rounds] if self._rounds else [])]
        for check in checks:
            check.cancel()
        await asyncio.gather(*checks, return_exceptions=True)

    async def _check(self, workspace: Workspace) -> None:
        before = self._health.get(workspace.id)
        try:
            raw = await self._pool.call(
                "check", workspace, {"timeout_s": CHECK_TIME_S}, limit_s=CHECK_LIMIT_S
            )
            health = msgspec.json.decode(raw, type=wire.Health)
        except MltrackError as error:
            health = _health_of(error)
        except msgspec.DecodeError:
            _log.warning("The health of %s could not be read", workspace.name, exc_info=True)
            return
        finally:
            self._checks.pop(workspace.id, None)
            self._checked_at_s[workspace.id] = time.monotonic()
        if before is not None and before.state == health.state:
            health = msgspec.structs.replace(health, since_ms=before.since_ms)
        self._health[workspace.id] = health
        if health.state == "ready":
            self._pool.resume(workspace)
        if before is None or (before.state, before.message) != (health.state, health.message):
            self._changed(workspace)


_STATE_OF_CODE: dict[str, wire.HealthState] = {
    "signed_out": "signed_out",
    "forbidden": "denied",
    "store_unreachable": "unreachable",
    "store_timeout": "unreachable",
    "too_many_requests": "connecting",
}


def _health_of(error: MltrackError) -> wire.Health:
    return wire.Health(
        state=_STATE_OF_CODE.get(error.code, "broken"),
        since_ms=int(time.time() * 1000),
        message=error.message,
        hint=error.hint,
    )
