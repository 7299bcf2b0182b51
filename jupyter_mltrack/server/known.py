"""The workspaces this server knows. A request names one by its id, never by an address.

Known are: the workspace of a notebook's project, the one that the server's own environment
names, those that kernels of this user wrote to, and those the user added. An address that only a
project's file names is listed but not asked until the user says so (a POST), or a kernel uses
it: opening a folder that somebody else wrote connects to nothing.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.server.user_list import UserList, from_kept, from_spec
from jupyter_mltrack.settings import load_settings
from jupyter_mltrack.workspaces import Workspace, from_meta, resolve, used
from jupyter_mltrack.workspaces.resolve import workspace_id as id_of

WORKSPACES_MAX = 200
_DRIVE = re.compile(r"\A\w+:")


class KnownWorkspaces:
    """Workspaces by id. Its methods read files: call them off the event loop."""

    def __init__(self, data_dir: Path, root_dir: Path) -> None:
        self._data_dir = data_dir
        self._root_dir = root_dir
        self._lock = threading.Lock()
        self._known: dict[str, Workspace] = {}
        self._connected: set[str] = set()
        self._experiments: dict[str, str | None] = {}
        self._list = UserList(data_dir)

    def get(self, workspace_id: str) -> Workspace:
        """The workspace with this id.

        Raises:
            NotFound: no kernel wrote to it and no notebook's project names it.
        """
        workspace = self._known.get(workspace_id)
        if workspace is None:
            raise NotFound(
                f"No workspace {workspace_id} is known here.",
                "Open a notebook of its project, or track a cell with it.",
            )
        return workspace

    def asked(self, workspace_id: str) -> Workspace:
        """The workspace with this id, if its store may be asked.

        Raises:
            NotFound: it is not known.
            MltrackError: only a project's file names it, nobody has used it yet.
        """
        workspace = self.get(workspace_id)
        if not self.is_connected(workspace):
            raise MltrackError(not_connected(workspace), CONNECT_HINT, code="conflict")
        return workspace

    def is_connected(self, workspace: Workspace) -> bool:
        """Say whether the store behind it may be asked."""
        if workspace.kind == "local" or workspace.id in self._connected:
            return True
        written = (self._data_dir / "state" / f"{workspace.id}.json").exists()
        if written or used.is_used(self._data_dir, workspace.id):
            self._connected.add(workspace.id)
        return workspace.id in self._connected

    def connect(self, workspace_id: str) -> Workspace:
        """Let the store be asked: the user said so."""
        workspace = self.get(workspace_id)
        self._connected.add(workspace_id)
        return workspace

    def add_journals(self, metas: Iterable[wire.JournalMeta]) -> None:
        """Know the workspaces that journals belong to: kernels of this user use them."""
        forgotten = self._list.load().forgotten
        with self._lock:
            for meta in metas:
                if meta.created_ms <= forgotten.get(meta.workspace_id, -1):
                    continue
                known = self._known.get(meta.workspace_id)
                if known is None or meta.workspace_id not in self._connected:
                    self._add(known or from_meta(meta))
                    self._connected.add(meta.workspace_id)

    def add_listed(self) -> None:
        """Know the workspaces that the user added, and those that were chosen in a notebook."""
        self.add_journals(used.listed(self._data_dir))
        for added in self._list.load().added:
            if added.id in self._known:
                continue
            workspace = from_kept(added, self._root_dir)
            if workspace is not None:
                with self._lock:
                    self._add(workspace)
                    self._connected.add(workspace.id)

    def add(self, spec: str, name: str) -> Workspace:
        """Add a workspace to the user's list; its store may be asked from then on.

        Raises:
            UsageError: it is neither an http(s) address nor a folder below the server's.
            NotFound: the folder keeps no runs.
        """
        workspace, kept = from_spec(spec, name, self._root_dir)
        self._list.add(workspace, kept, workspace.name if name else "")
        with self._lock:
            self._known.pop(workspace.id, None)
            self._add(workspace)
            self._connected.add(workspace.id)
        return workspace

    def forget(self, workspace_id: str) -> Workspace:
        """Take a workspace off the list; nothing in it is deleted.

        Raises:
            NotFound: it is not known.
        """
        workspace = self.get(workspace_id)
        self._list.forget(workspace_id)
        with self._lock:
            self._known.pop(workspace_id, None)
            self._connected.discard(workspace_id)
        return workspace

    def is_only_added(self, workspace: Workspace) -> bool:
        """Whether only its entry in the user's list speaks for it: no kernel ever used it.

        The credentials in the server's environment are not meant for such a place. An Azure ML
        workspace gets tokens of its own cloud only; see `azure.clouds`.
        """
        if workspace.kind == "azureml":
            return False
        meant = os.environ.get("MLFLOW_TRACKING_URI")
        if meant and id_of(meant) == workspace.id:
            return False
        if (self._data_dir / "state" / f"{workspace.id}.json").exists():
            return False
        return any(one.id == workspace.id for one in self._list.load().added)

    def of_path(self, path: str | None) -> Workspace:
        """The workspace of the project that a notebook lies in.

        Raises:
            UsageError: the path leaves the server's root folder.
            SettingsError: the project's settings file is damaged.
        """
        folder = self._folder(path)
        workspace = resolve(None, folder)
        experiment = load_settings(folder).experiment
        with self._lock:
            self._add(workspace)
            self._experiments[workspace.id] = experiment
            if os.environ.get("MLFLOW_TRACKING_URI"):
                self._connected.add(workspace.id)
        return workspace

    def all(self) -> list[Workspace]:
        """Every workspace that is known, the newest last."""
        with self._lock:
            return list(self._known.values())

    def experiment(self, workspace_id: str) -> str | None:
        """The experiment that the project's settings name for new runs."""
        return self._experiments.get(workspace_id)

    def below_root(self, path: str, workspace: Workspace | None = None) -> str:
        """A notebook's path below the server's root folder, as JupyterLab names it.

        A path that is not absolute is below the project's folder. Empty where the notebook is
        elsewhere: then this server cannot open it.
        """
        if not path or "\0" in path:
            return ""
        place = Path(path)
        if not place.is_absolute():
            if workspace is None or workspace.root is None:
                return ""
            place = workspace.root / place
        try:
            found = place.resolve().relative_to(self._root_dir.resolve())
        except (OSError, ValueError, RuntimeError):
            return ""
        return found.as_posix()

    def _add(self, workspace: Workspace) -> None:
        self._known[workspace.id] = workspace
        while len(self._known) > WORKSPACES_MAX:
            self._known.pop(next(iter(self._known)))

    def file_of(self, path: str) -> str:
        """Where a file lies that JupyterLab names by its path below the server's root folder.

        Raises:
            UsageError: the path leaves that folder, also by a link, or there is no such file.
        """
        place = self._folder(path) / PurePosixPath(_DRIVE.sub("", path)).name
        try:
            found = place.resolve(strict=True)
            found.relative_to(self._root_dir.resolve())
        except (OSError, ValueError, RuntimeError):
            raise UsageError(
                "There is no such file.", "Name one below the server's folder."
            ) from None
        return str(found)

    def _folder(self, path: str | None) -> Path:
        parts = PurePosixPath(_DRIVE.sub("", path or "")).parts
        parts = tuple(part for part in parts if part != "/")
        if ".." in parts or any("\\" in part or "\0" in part for part in parts):
            raise UsageError("The path leaves the server's folder.", "Name a notebook below it.")
        folder = self._root_dir.joinpath(*parts)
        try:
            while not folder.is_dir() and folder != self._root_dir:
                folder = folder.parent
        except (OSError, ValueError):
            raise UsageError("The path is not one of this server.") from None
        return folder


CONNECT_HINT = "Press Sync to connect, or track a cell with it."


def not_connected(workspace: Workspace) -> str:
    """Why the store is not asked yet."""
    return f"{workspace.title} is named by this project's settings and was never used here."
