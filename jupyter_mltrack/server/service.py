"""What the routes do: answers from the live index, the series files and the reader processes.

Nothing here touches HTTP, and nothing here asks a store: that is the pool's. Reading files and
thinning columns happens in threads. A store that cannot be asked is a problem, never an empty
list.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, NotFound
from jupyter_mltrack.journal.live import LiveIndex
from jupyter_mltrack.journal.progress import local_ids
from jupyter_mltrack.server import requests
from jupyter_mltrack.server.clean import clean_text, without_folders
from jupyter_mltrack.server.copies import CopyCheck
from jupyter_mltrack.server.drawing import Drawing
from jupyter_mltrack.server.elsewhere import Elsewhere
from jupyter_mltrack.server.health import HealthWatch
from jupyter_mltrack.server.known import KnownWorkspaces
from jupyter_mltrack.server.overlay import as_here, laid_over
from jupyter_mltrack.server.pool import ReaderPool, StoreTrouble
from jupyter_mltrack.server.reader import CallName
from jupyter_mltrack.workspaces import Workspace
from jupyter_mltrack.workspaces.account import account_of

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


def problem_of(trouble: StoreTrouble) -> wire.Problem:
    """Why a store could not be asked, as an answer carries it."""
    return wire.Problem(
        code=trouble.code,  # type: ignore[arg-type]
        message=clean_text(without_folders(trouble.message)),
        hint=clean_text(without_folders(trouble.hint)),
        retry_after_ms=trouble.retry_after_ms,
    )


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
        self.drawing = Drawing(data_dir, index)
        self._copies = CopyCheck(self.drawing, self._stamp)
        self.nudge: Callable[[wire.Nudge], None] = lambda _nudge: None
        """Tells pages that something changed."""
        self.elsewhere = Elsewhere(self._running_in)
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
        found = await asyncio.to_thread(self._live_here, request.workspace)
        if request.workspace is None:
            return found
        try:
            workspace = self._known.asked(request.workspace)
        except MltrackError:  # not known, or never used: nothing is asked there
            return found
        known = {one.summary.run_id for one in found.runs}
        more = [one for one in self.elsewhere.of(workspace) if one.summary.run_id not in known]
        return msgspec.structs.replace(found, runs=found.runs + more)

    def _live_here(self, workspace_id: wire.WorkspaceId | None) -> wire.LiveRuns:
        """Live runs of this machine, with their notebooks as this server names them."""
        found = self._index.live_runs(workspace_id)
        below = self._known.below_root
        runs = [as_here(run, below(run.notebook_path)) for run in found.runs]
        return msgspec.structs.replace(found, runs=runs)

    def notebook_here(self, workspace: Workspace, path: str) -> str:
        """The path of a notebook as this server names it; as it was kept where it is not here."""
        return self._known.below_root(path, workspace) or path

    # -------------------------------------------------------------------- from the stores

    async def experiments(self, request: requests.ExperimentsRequest) -> wire.ExperimentList:
        """Experiments of a workspace."""
        workspace = await self.asked(request.workspace)
        raw = await self.ask("experiments", workspace, {})
        return msgspec.json.decode(raw, type=wire.ExperimentList)

    async def runs(self, request: requests.RunsRequest) -> wire.RunPage:
        """A page of runs, with the newest values of those that are live here."""
        from jupyter_mltrack.server.run_routes import said_by

        workspace = await self.asked(request.workspace)
        args = {
            "experiment": request.experiment,
            **said_by(request.search),
            "order_by": request.order_by,
            "columns": request.columns,
            "deleted": request.deleted,
            "roots": request.roots,
            "parent": request.parent,
            "limit": request.limit,
            "page_token": request.page_token,
        }
        try:
            raw = await self.ask("runs", workspace, args)
            page = msgspec.json.decode(raw, type=wire.RunPage)
        except StoreTrouble as trouble:
            if trouble.code not in OUT_OF_REACH or workspace.kind == "local":
                raise
            page = await self._waiting_page(workspace, args, trouble)
        runs = [self.with_live(workspace, run, request.columns) for run in page.runs]
        return msgspec.structs.replace(page, runs=runs)

    async def run(self, request: requests.RunRequest) -> wire.RunDetail:
        """One run with its parameters and tags."""
        workspace = await self.asked(request.workspace)
        try:
            raw = await self.ask("run", workspace, {"run_id": request.run_id})
        except StoreTrouble as trouble:
            if trouble.code == "not_found":
                raise await self._not_here(workspace, request.run_id, trouble) from None
            if trouble.code not in OUT_OF_REACH or workspace.kind == "local":
                raise
            raw = await self.ask_here("waiting_run", workspace, {"run_id": request.run_id})
            if raw == b"null":
                raise
        detail = msgspec.json.decode(raw, type=wire.RunDetail)
        return msgspec.structs.replace(detail, summary=self.with_live(workspace, detail.summary))

    async def series(self, request: requests.SeriesRequest) -> wire.Series:
        """Points of a run: from memory, else from its series file, else from the store."""
        await self._watched()
        await self._get(request.workspace)
        found = await asyncio.to_thread(self.drawing.series, request)
        if found is not None and await self._copies.is_current(request):
            return found
        partial = self.drawing.is_partial(request)
        try:
            workspace = await self.asked(request.workspace)
            args = {
                "run_id": request.run_id,
                "keys": None if partial else request.keys,
                "max_points": request.max_points,
                "window": None if partial else request.window,
            }
            raw = await self.ask("series", workspace, args)
        except (StoreTrouble, NotFound):
            if not partial:
                raise
            raw = b"null"
        stored = msgspec.json.decode(raw, type=wire.Series | None)
        if partial:
            again = await asyncio.to_thread(self.drawing.completed, request, stored)
            if again is not None:
                return again
        if stored is None:
            raise NotFound(f"No points of run {request.run_id} are known.")
        return self.drawing.stored(request, stored)

    async def _not_here(
        self, workspace: Workspace, run_id: wire.RunId, trouble: StoreTrouble
    ) -> MltrackError:
        """What to say of a run that is not there: the workspace that has it, where one is known."""
        if "Restore" in trouble.hint:
            return trouble
        for other in self._known.all():
            kept = self._data_dir / "series" / other.id / f"{run_id}.series"
            if other.id != workspace.id and (
                kept.exists()
                or (
                    other.kind == "local"
                    and await self.ask_here("where_is", other, {"run_id": run_id}) == b"true"
                )
            ):
                return NotFound(
                    f"The run is not in workspace {workspace.name} but in {other.name}.",
                    f"Choose {other.name} in the panel's header to see it.",
                )
        return trouble

    async def _stamp(self, request: requests.SeriesRequest) -> bytes:
        workspace = await self.asked(request.workspace)
        return await self.ask("run_stamp", workspace, {"run_id": request.run_id})

    async def _running_in(self, workspace: Workspace) -> wire.RunPage:
        raw = await self.ask("running", workspace, {})
        return msgspec.json.decode(raw, type=wire.RunPage)

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

    def _note_asked(self) -> None:
        self.asked_at_s = time.monotonic()

    async def _watched(self) -> None:
        """Note that a page looks; the first look in a while finds what is there now."""
        before_s = self.asked_at_s
        self._note_asked()
        if self.asked_at_s - before_s > CAUGHT_UP_S:
            await asyncio.to_thread(self.catch_up, CATCH_UP_LIMIT_S)

    async def add_workspace(self, spec: str, name: str, path: str | None) -> wire.WorkspaceInfo:
        """Add a workspace to the user's list; `path` is the notebook that is looked at.

        Raises:
            UsageError: it is neither an http(s) address nor a folder below the server's.
            NotFound: the folder keeps no runs.
        """
        self._note_asked()
        workspace = await asyncio.to_thread(self._known.add, spec, name)
        self._health.look_again(workspace)
        current = await asyncio.to_thread(self._known.of_path, path)
        return self._info(workspace, current.id)

    def signed_in_or_out(self) -> None:
        """All workspaces are asked anew how they are."""
        self._health.look_at_all_again()

    async def forget_workspace(self, workspace_id: str) -> Workspace:
        """Take a workspace off the list.

        Raises:
            NotFound: it is not known.
        """
        await self._get(workspace_id)
        return await asyncio.to_thread(self._known.forget, workspace_id)

    async def _get(self, workspace_id: str) -> Workspace:
        try:
            return self._known.get(workspace_id)
        except NotFound:
            await asyncio.to_thread(self.catch_up, CATCH_UP_LIMIT_S)
            await asyncio.to_thread(self._all_workspaces)
            return self._known.get(workspace_id)

    async def asked(self, workspace_id: str) -> Workspace:
        """The workspace of that id, that a page asks for now.

        Raises:
            NotFound: none of that id is known here.
        """
        await self._watched()
        await self._get(workspace_id)
        return self._known.asked(workspace_id)

    def _all_workspaces(self) -> list[Workspace]:
        self._known.add_journals(list(self._index.metas.values()))
        self._known.add_listed()
        return self._known.all()

    async def _waiting_page(
        self, workspace: Workspace, args: Mapping[str, Any], trouble: StoreTrouble
    ) -> wire.RunPage:
        """What waits on this machine, with the reason why there is no more."""
        page = wire.RunPage(runs=[])
        if args["page_token"] is None and args["filter"] is None:
            raw = await self.ask_here("waiting", workspace, args)
            page = msgspec.json.decode(raw, type=wire.RunPage)
        return msgspec.structs.replace(page, problem=problem_of(trouble))

    async def ask_here(
        self, name: CallName, workspace: Workspace, args: Mapping[str, Any]
    ) -> bytes:
        """Ask the process that reads this machine only: no store holds it up."""
        return await self._pool.call(
            name, workspace, dict(args), limit_s=LOCAL_READ_LIMIT_S, process="local"
        )

    async def ask(self, name: CallName, workspace: Workspace, args: Mapping[str, Any]) -> bytes:
        """Ask the workspace's reader process.

        Raises:
            StoreTrouble: there is no answer, or it is a problem.
        """
        limit_s = LOCAL_READ_LIMIT_S if workspace.kind == "local" else READ_LIMIT_S
        try:
            return await self._pool.call(name, workspace, dict(args), limit_s=limit_s)
        except MltrackError:
            self._health.look_again(workspace)
            raise

    async def change(
        self,
        name: CallName,
        workspace_id: str,
        args: Mapping[str, Any],
        limit_s: float,
        process: str | None = None,
    ) -> bytes:
        """Have a reader process act on a workspace; that may take longer than reading.

        Raises:
            StoreTrouble: there is no answer, or it is a problem.
        """
        workspace = await self.asked(workspace_id)
        own = f"{process}-{workspace.id}" if process else None
        return await self._pool.call(name, workspace, dict(args), limit_s=limit_s, process=own)

    async def local(
        self, name: CallName, args: Mapping[str, Any], limit_s: float, process: str
    ) -> bytes:
        """Have a process of its own answer what no store is needed for.

        Raises:
            StoreTrouble: there is no answer, or it is a problem.
        """
        return await self._pool.call(name, None, dict(args), limit_s=limit_s, process=process)

    def renamed(self, workspace_id: str, run_id: str, name: str) -> None:
        """A run has another name in its store; the live one shows it too."""
        for known in local_ids(self._data_dir, run_id):
            self._index.rename(workspace_id, known, name)

    def _info(self, workspace: Workspace, current_id: str) -> wire.WorkspaceInfo:
        return wire.WorkspaceInfo(
            id=wire.WorkspaceId(workspace.id),
            kind=workspace.kind,
            name=workspace.name,
            uri=workspace.display_uri,
            health=self._health.of(workspace),
            experiment=self._known.experiment(workspace.id),
            current=workspace.id == current_id,
            account=account_of(workspace),
        )

    def with_live(
        self, workspace: Workspace, run: wire.RunSummary, columns: list[str] | None = None
    ) -> wire.RunSummary:
        """The store's row with what the live index knows better; `columns` as in the list."""
        return laid_over(run, self._index.summary(workspace.id, run.run_id), columns)
