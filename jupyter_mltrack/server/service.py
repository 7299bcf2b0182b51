"""What the routes do: answers from the live index, the series files and the reader processes.

Nothing here touches HTTP, and nothing here asks a store: that is the pool's. Reading files and
thinning columns happens in threads. A store that cannot be asked is a problem, never an empty
list.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, NotFound
from jupyter_mltrack.journal.live import LiveIndex
from jupyter_mltrack.server import requests
from jupyter_mltrack.server.clean import clean_text, without_folders
from jupyter_mltrack.server.drawing import Drawing
from jupyter_mltrack.server.health import HealthWatch
from jupyter_mltrack.server.known import KnownWorkspaces
from jupyter_mltrack.server.pool import ReaderPool, StoreTrouble
from jupyter_mltrack.server.reader import CallName
from jupyter_mltrack.workspaces import Workspace

READ_LIMIT_S = 6.0
"""For a store elsewhere; a page waits no longer."""
LOCAL_READ_LIMIT_S = 15.0
"""For an embedded store: the first filter makes the reader import MLflow."""
CAUGHT_UP_S = 1.0
CATCH_UP_LIMIT_S = 0.3
SYNC_TIME_S = 20.0
SYNC_LIMIT_S = 30.0
RECOVER_LIMIT_S = 10.0
OTHERS_CHECKED = 2
"""Workspaces besides the notebook's own that are checked while a page looks."""
OUT_OF_REACH = frozenset({"store_unreachable", "store_timeout"})
"""Problems that leave a page with what waits on this machine."""


@dataclass(frozen=True)
class FileAnswer:
    """An answer of bytes: `open` gives the file, already checked; at most `size_bytes` are sent."""

    name: str
    size_bytes: int
    open: Callable[[], BinaryIO]


class Service:
    """One for each server. Its public coroutines are the functions of the route table."""

    def __init__(
        self,
        data_dir: Path,
        known: KnownWorkspaces,
        index: LiveIndex,
        pool: ReaderPool,
        health: HealthWatch,
    ) -> None:
        self._data_dir = data_dir
        self._known = known
        self._index = index
        self._pool = pool
        self._health = health
        self._drawing = Drawing(data_dir, index)
        self.asked_at_s = -1e9
        """When a page asked last, on the monotonic clock."""
        self.catch_up: Callable[[float], None] = lambda _timeout_s: None
        """Called in a thread when a page asks for the first time in a while."""

    # ------------------------------------------------------------------------- from here

    async def status(self, _request: requests.NoFields) -> wire.Status:
        """What a page asks first."""
        from importlib.metadata import version

        self._note_asked()
        return wire.Status(
            wire_version=wire.WIRE_VERSION,
            version=version("jupyter_mltrack"),
            now_ms=int(time.time() * 1000),
        )

    async def workspaces(self, request: requests.WorkspacesRequest) -> wire.WorkspaceList:
        """Workspaces known here; the one of the notebook's project first."""
        await self._watched()
        current = await asyncio.to_thread(self._known.of_path, request.path)
        found = await asyncio.to_thread(self._all_workspaces)
        others = [one for one in reversed(found) if one.id != current.id]
        self._health.watch([current, *others[:OTHERS_CHECKED]])
        infos = [self._info(one, current.id) for one in (current, *others)]
        return wire.WorkspaceList(workspaces=infos)

    async def live(self, request: requests.LiveRequest) -> wire.LiveRuns:
        """Runs that are running or ended a moment ago."""
        await self._watched()
        return await asyncio.to_thread(self._index.live_runs, request.workspace)

    # -------------------------------------------------------------------- from the stores

    async def experiments(self, request: requests.ExperimentsRequest) -> wire.ExperimentList:
        """Experiments of a workspace."""
        workspace = await self._asked(request.workspace)
        raw = await self._ask("experiments", workspace, {})
        return msgspec.json.decode(raw, type=wire.ExperimentList)

    async def runs(self, request: requests.RunsRequest) -> wire.RunPage:
        """A page of runs, with the newest values of those that are live here."""
        from jupyter_mltrack.runs.query import looks_like_filter

        workspace = await self._asked(request.workspace)
        search = (request.search or "").strip()
        is_filter = looks_like_filter(search)
        args = {
            "experiment": request.experiment,
            "text": None if is_filter else search or None,
            "filter": search if is_filter else None,
            "limit": request.limit,
            "page_token": request.page_token,
        }
        try:
            raw = await self._ask("runs", workspace, args)
            page = msgspec.json.decode(raw, type=wire.RunPage)
        except StoreTrouble as trouble:
            if trouble.code not in OUT_OF_REACH or workspace.kind == "local":
                raise
            page = await self._waiting_page(workspace, args, trouble)
        runs = [self._with_live(workspace, run) for run in page.runs]
        return msgspec.structs.replace(page, runs=runs)

    async def run(self, request: requests.RunRequest) -> wire.RunDetail:
        """One run with its parameters and tags."""
        workspace = await self._asked(request.workspace)
        try:
            raw = await self._ask("run", workspace, {"run_id": request.run_id})
        except StoreTrouble as trouble:
            if trouble.code not in OUT_OF_REACH or workspace.kind == "local":
                raise
            raw = await self._ask_here("waiting_run", workspace, {"run_id": request.run_id})
            if raw == b"null":
                raise
        detail = msgspec.json.decode(raw, type=wire.RunDetail)
        return msgspec.structs.replace(detail, summary=self._with_live(workspace, detail.summary))

    async def series(self, request: requests.SeriesRequest) -> wire.Series:
        """Points of a run: from memory, else from its series file, else from the store."""
        await self._watched()
        await self._get(request.workspace)
        found = await asyncio.to_thread(self._drawing.series, request)
        if found is not None:
            return found
        partial = self._drawing.is_partial(request)
        try:
            workspace = await self._asked(request.workspace)
            args = {
                "run_id": request.run_id,
                "keys": None if partial else request.keys,
                "max_points": request.max_points,
            }
            raw = await self._ask("series", workspace, args)
        except (StoreTrouble, NotFound):
            if not partial:
                raise
            raw = b"null"
        stored = msgspec.json.decode(raw, type=wire.Series | None)
        if partial:
            again = await asyncio.to_thread(self._drawing.completed, request, stored)
            if again is not None:
                return again
        if stored is None:
            raise NotFound(f"No points of run {request.run_id} are known.")
        return self._drawing.stored(request, stored)

    # --------------------------------------------------------------------------- artifacts

    async def artifacts(self, request: requests.ArtifactsRequest) -> wire.ArtifactList:
        """Entries of a folder of a run's artifacts, if they lie on this machine."""
        from jupyter_mltrack.server.artifacts import list_folder

        workspace, uri = await self._artifact_uri(request.workspace, request.run_id)
        return await asyncio.to_thread(list_folder, workspace, uri, request.path)

    async def artifact_file(self, request: requests.ArtifactFileRequest) -> FileAnswer:
        """One artifact as a download."""
        from jupyter_mltrack.server.artifacts import open_file

        workspace, uri = await self._artifact_uri(request.workspace, request.run_id)
        name, size_bytes, file = await asyncio.to_thread(open_file, workspace, uri, request.path)
        return FileAnswer(name=name, size_bytes=size_bytes, open=lambda: file)

    async def _artifact_uri(self, workspace_id: str, run_id: str) -> tuple[Workspace, str]:
        workspace = await self._asked(workspace_id)
        raw = await self._ask("artifact_root", workspace, {"run_id": run_id})
        uri = msgspec.json.decode(raw, type=dict[str, str | None])["uri"]
        if not uri:
            raise NotFound(f"Run {run_id} has no artifacts yet.")
        return workspace, uri

    # -------------------------------------------------------------------------------- acts

    async def sync(self, request: requests.SyncRequest) -> wire.SyncReport:
        """Ship what waits now; a workspace that is named is connected by that."""
        self._note_asked()
        if request.workspace_id is not None:
            await self._get(request.workspace_id)
            workspace = self._known.connect(request.workspace_id)
            self._health.look_again(workspace)
        args = {"workspace_id": request.workspace_id, "timeout_s": SYNC_TIME_S}
        raw = await self._pool.call("sync", None, args, limit_s=SYNC_LIMIT_S, process="sync")
        return msgspec.json.decode(raw, type=wire.SyncReport)

    async def recover(self) -> None:
        """Have journals whose owner is gone brought to their end."""
        await self._pool.call("recover", None, {}, limit_s=RECOVER_LIMIT_S)

    # ------------------------------------------------------------------------------- parts

    def _note_asked(self) -> None:
        self.asked_at_s = time.monotonic()

    async def _watched(self) -> None:
        """Note that a page looks; the first look in a while finds what is there now."""
        before_s = self.asked_at_s
        self._note_asked()
        if self.asked_at_s - before_s > CAUGHT_UP_S:
            await asyncio.to_thread(self.catch_up, CATCH_UP_LIMIT_S)

    async def _get(self, workspace_id: str) -> Workspace:
        try:
            return self._known.get(workspace_id)
        except NotFound:
            await asyncio.to_thread(self.catch_up, CATCH_UP_LIMIT_S)
            await asyncio.to_thread(self._all_workspaces)
            return self._known.get(workspace_id)

    async def _asked(self, workspace_id: str) -> Workspace:
        await self._watched()
        await self._get(workspace_id)
        return self._known.asked(workspace_id)

    def _all_workspaces(self) -> list[Workspace]:
        for meta in list(self._index.metas.values()):
            self._known.add_journal(meta)
        return self._known.all()

    async def _waiting_page(
        self, workspace: Workspace, args: Mapping[str, Any], trouble: StoreTrouble
    ) -> wire.RunPage:
        """What waits on this machine, with the reason why there is no more."""
        page = wire.RunPage(runs=[])
        if args["page_token"] is None and args["filter"] is None:
            raw = await self._ask_here("waiting", workspace, args)
            page = msgspec.json.decode(raw, type=wire.RunPage)
        problem = wire.Problem(
            code=trouble.code,  # type: ignore[arg-type]
            message=clean_text(without_folders(trouble.message)),
            hint=clean_text(without_folders(trouble.hint)),
            retry_after_ms=trouble.retry_after_ms,
        )
        return msgspec.structs.replace(page, problem=problem)

    async def _ask_here(
        self, name: CallName, workspace: Workspace, args: Mapping[str, Any]
    ) -> bytes:
        """Ask the process that reads this machine only: no store holds it up."""
        return await self._pool.call(
            name, workspace, dict(args), limit_s=LOCAL_READ_LIMIT_S, process="local"
        )

    async def _ask(self, name: CallName, workspace: Workspace, args: Mapping[str, Any]) -> bytes:
        limit_s = LOCAL_READ_LIMIT_S if workspace.kind == "local" else READ_LIMIT_S
        try:
            return await self._pool.call(name, workspace, dict(args), limit_s=limit_s)
        except MltrackError:
            self._health.look_again(workspace)
            raise

    def _info(self, workspace: Workspace, current_id: str) -> wire.WorkspaceInfo:
        return wire.WorkspaceInfo(
            id=wire.WorkspaceId(workspace.id),
            kind=workspace.kind,
            name=workspace.name,
            uri=workspace.display_uri,
            health=self._health.of(workspace),
            experiment=self._known.experiment(workspace.id),
            current=workspace.id == current_id,
        )

    def _with_live(self, workspace: Workspace, run: wire.RunSummary) -> wire.RunSummary:
        """The store's row with what the live index knows better."""
        live = self._index.summary(workspace.id, run.run_id)
        if live is None:
            return run
        newest = {value.key: value for value in run.metrics}
        newest.update({value.key: value for value in live.metrics})
        keys = [value.key for value in live.metrics]
        keys += [value.key for value in run.metrics if value.key not in set(keys)]
        return msgspec.structs.replace(
            run,
            status=live.status,
            end_ms=live.end_ms,
            error=live.error or run.error,
            live=live.live,
            metrics=[newest[key] for key in keys],
        )
