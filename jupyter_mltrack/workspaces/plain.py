"""A workspace as it goes through a private pipe to a process of ours; the address is whole."""

from __future__ import annotations

from pathlib import Path

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.workspaces.resolve import Workspace


class PlainWorkspace(msgspec.Struct, frozen=True):
    """A workspace as it goes through the pipe; the pipe is private, the address is whole."""

    id: str
    kind: wire.WorkspaceKind
    name: str
    tracking_uri: str
    display_uri: str
    root: str | None = None
    artifact_root: str | None = None

    @classmethod
    def of(cls, workspace: Workspace) -> PlainWorkspace:
        """The same workspace, ready for the pipe."""
        return cls(
            id=workspace.id,
            kind=workspace.kind,
            name=workspace.name,
            tracking_uri=workspace.tracking_uri,
            display_uri=workspace.display_uri,
            root=str(workspace.root) if workspace.root else None,
            artifact_root=workspace.artifact_root,
        )

    def workspace(self) -> Workspace:
        """The workspace as the readers want it."""
        return Workspace(
            id=self.id,
            kind=self.kind,
            name=self.name,
            tracking_uri=self.tracking_uri,
            display_uri=self.display_uri,
            root=Path(self.root) if self.root else None,
            artifact_root=self.artifact_root,
        )
