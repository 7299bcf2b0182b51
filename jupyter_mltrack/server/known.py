"""The workspaces this server knows. A request names one by its id, never by an address.

Known are: the workspace of a notebook's project, the one that the server's own environment
names, and those that kernels of this user wrote to. An address that only a project's file names
is listed but not asked until the user says so (a POST), or a kernel uses it: opening a folder
that somebody else wrote connects to nothing.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path, PurePosixPath

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.settings import load_settings
from jupyter_mltrack.workspaces import Workspace, from_meta, resolve

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
        if (self._data_dir / "state" / f"{workspace.id}.json").exists():
            self._connected.add(workspace.id)
        return workspace.id in self._connected

    def connect(self, workspace_id: str) -> Workspace:
        """Let the store be asked: the user said so."""
        workspace = self.get(workspace_id)
        self._connected.add(workspace_id)
        return workspace

    def add_journal(self, meta: wire.JournalMeta) -> Workspace:
        """Know the workspace that a journal belongs to: a kernel of this user uses it."""
        with self._lock:
            known = self._known.get(meta.workspace_id)
            if known is None or meta.workspace_id not in self._connected:
                known = known or from_meta(meta)
                self._add(known)
                self._connected.add(meta.workspace_id)
        return known

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

    def _add(self, workspace: Workspace) -> None:
        self._known[workspace.id] = workspace
        while len(self._known) > WORKSPACES_MAX:
            self._known.pop(next(iter(self._known)))

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
    return f"{workspace.display_uri} is named by this project's settings and was never used here."
