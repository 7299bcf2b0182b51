"""Tells kernels that their notebook was renamed or moved: no frontend does.

The server's contents service says of each file and folder that it moves; the sessions say which
kernels have a notebook there.
"""

from __future__ import annotations

import asyncio
from typing import Any

from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import ApiPath, ensure_async, to_os_path

from jupyter_mltrack import own_log
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.tracking import moved

_log = own_log.logger(__name__)


class NotebookMoves:
    """Listens to one server's contents service. `start` and `stop` belong together.

    Args:
        server: whose files and sessions are followed.
        root_dir: the folder of its contents.
    """

    def __init__(self, server: ServerApp, root_dir: str) -> None:
        self._server = server
        self._root_dir = root_dir

    def start(self) -> None:
        """Listen from now on."""
        self._server.event_logger.add_listener(schema_id=self._schema_id(), listener=self._told)

    def stop(self) -> None:
        """Listen no more."""
        self._server.event_logger.remove_listener(listener=self._told)

    def _schema_id(self) -> str:
        return str(self._server.contents_manager.event_schema_id)

    async def _told(self, logger: Any, schema_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002
        if data.get("action") != "rename":
            return
        try:
            await self._note(data["source_path"].strip("/"), data["path"].strip("/"))
        except (MltrackError, OSError) as error:
            _log.warning("A kernel could not be told that its notebook was moved: %s", error)

    async def _note(self, old: str, new: str) -> None:
        """Note it for the kernels of the file, or of notebooks below the folder."""
        for session in await ensure_async(self._server.session_manager.list_sessions()):
            path = str(session["path"]).strip("/")
            if path != old and not path.startswith(f"{old}/"):
                continue
            before, now = (
                to_os_path(ApiPath(one), self._root_dir) for one in (path, new + path[len(old) :])
            )
            await asyncio.to_thread(moved.note, session["kernel"]["id"], before, now)
