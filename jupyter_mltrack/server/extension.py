"""The Jupyter server extension: makes the parts, mounts the routes, ends what it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Float, Integer

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.journal.live import LiveIndex
from jupyter_mltrack.schema.events import NUDGE_SCHEMA_ID, nudge_event_schema
from jupyter_mltrack.server.handler import handler_rows
from jupyter_mltrack.server.health import HealthWatch
from jupyter_mltrack.server.known import KnownWorkspaces
from jupyter_mltrack.server.limits import ALL_REQUESTS_MAX, USER_REQUESTS_MAX, RequestLimits
from jupyter_mltrack.server.moves import NotebookMoves
from jupyter_mltrack.server.pool import ReaderPool
from jupyter_mltrack.server.routes import ROUTES
from jupyter_mltrack.server.service import Service
from jupyter_mltrack.server.tail import Tail
from jupyter_mltrack.settings import SERVER_ROOT_VARIABLE, data_dir
from jupyter_mltrack.workspaces import Workspace

ASKED_COUNTS_S = 30.0
"""A page that asked within this time is taken for a listener, whatever its event socket does."""
TIDY_INTERVAL_S = 60.0


class MltrackApp(ExtensionApp):
    """Serves the panel: REST below `mltrack/api`, nudges on the server's event bus."""

    name = "jupyter_mltrack"
    load_other_extensions = True

    live_memory_mb = Integer(
        256,
        min=16,
        help="Memory for the points of live and recent runs, in megabytes, for example 512.",
    ).tag(config=True)
    requests_of_user_max = Integer(
        USER_REQUESTS_MAX,
        min=1,
        help="Requests that one user may have under way at once; more are answered 429.",
    ).tag(config=True)
    requests_max = Integer(
        ALL_REQUESTS_MAX,
        min=1,
        help="Requests that all users together may have under way at once; more are answered 429.",
    ).tag(config=True)
    asked_counts_s = Float(
        ASKED_COUNTS_S,
        min=0,
        help="Seconds after a page's last request during which journals are watched closely; "
        "0 leaves it to the event socket alone.",
    ).tag(config=True)

    def initialize_settings(self) -> None:
        """Make the parts and have them started with the server's loop."""
        folder = data_dir()
        os.environ[SERVER_ROOT_VARIABLE] = self._root_dir()
        self._tasks: set[asyncio.Task[None]] = set()
        self._index = LiveIndex(folder, memory_bytes_max=self.live_memory_mb << 20)
        self._pool = ReaderPool()
        self._known = KnownWorkspaces(folder, Path(self._root_dir()))
        self._pool.may_sign_in = lambda workspace: not self._known.is_only_added(workspace)
        self._health = HealthWatch(
            folder,
            self._pool,
            self._known,
            is_watched=self._is_listened,
            changed=self._health_changed,
        )
        self._service = Service(folder, self._known, self._index, self._pool, self._health)
        self._tail = Tail(
            self._index,
            is_listened=self._is_listened,
            send=self._send_soon,
            orphaned=self._recover_soon,
        )
        self._service.catch_up = self._tail.catch_up
        self._service.nudge = self._service.elsewhere.changed = self._emit
        self._server.event_logger.register_event_schema(nudge_event_schema())
        self._moves = NotebookMoves(self._server, self._root_dir())
        self._moves.start()
        self._loop: asyncio.AbstractEventLoop = self._server.io_loop.asyncio_loop  # type: ignore[attr-defined]
        self._loop.call_soon_threadsafe(self._start)

    def initialize_handlers(self) -> None:
        """Mount one handler for each path of the route table."""
        limits = RequestLimits(self.requests_of_user_max, self.requests_max)
        self.handlers.extend(handler_rows(ROUTES, self._service, limits))

    async def stop_extension(self) -> None:
        """End the thread, the tasks and the processes that were started here."""
        self._moves.stop()
        await asyncio.to_thread(self._tail.stop)
        self._index.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._service.elsewhere.close()
        await self._health.close()
        await self._pool.close()

    # ---------------------------------------------------------------------------- parts

    @property
    def _server(self) -> ServerApp:
        assert self.serverapp is not None
        return self.serverapp

    def _root_dir(self) -> str:
        contents = self._server.contents_manager
        return getattr(contents, "root_dir", "") or self._server.root_dir

    def _start(self) -> None:
        self._tail.start()
        self._health.start()
        self._spawn(self._tidy())
        self._spawn(self._follow_jobs())

    async def _follow_jobs(self) -> None:
        """Have jobs at services followed that nobody follows since this machine was shut down."""
        from jupyter_mltrack.jobs import folders

        try:
            await asyncio.to_thread(folders.resume)
        except (MltrackError, OSError) as error:
            self.log.info("Jobs at services wait for somebody who looks: %s", error)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_INTERVAL_S)
            await self._pool.close_idle()
            if await asyncio.to_thread(self._index.has_left_behind):
                await self._recover()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_listened(self) -> bool:
        if time.monotonic() - self._service.asked_at_s < self.asked_counts_s:
            return True
        listeners = getattr(self._server.event_logger, "_modified_listeners", {})
        return bool(listeners.get(NUDGE_SCHEMA_ID))

    def _send_soon(self, nudge: wire.Nudge) -> None:
        """Called in the tail's thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
            self._loop.call_soon_threadsafe(self._emit, nudge)

    def _emit(self, nudge: wire.Nudge) -> None:
        self._server.event_logger.emit(schema_id=NUDGE_SCHEMA_ID, data=msgspec.to_builtins(nudge))

    def _health_changed(self, workspace: Workspace) -> None:
        self._emit(wire.Nudge(kind="health", workspace_id=wire.WorkspaceId(workspace.id)))

    def _recover_soon(self) -> None:
        """Called in the tail's thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(lambda: self._spawn(self._recover()))

    async def _recover(self) -> None:
        try:
            await self._service.recover()
        except MltrackError as error:
            self.log.info("Journals of ended kernels wait: %s", error.message)
