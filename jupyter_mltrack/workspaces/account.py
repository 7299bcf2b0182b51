"""Who asks a workspace, for a person to read; nothing here is asked over the network."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from jupyter_mltrack.workspaces.azureml import signed_in_name
from jupyter_mltrack.workspaces.resolve import Workspace


def account_of(workspace: Workspace) -> str | None:
    """The user name in its address, or who signed in by hand; None where that names nobody."""
    if workspace.kind == "azureml":
        return signed_in_name(workspace)
    if not workspace.tracking_uri.lower().startswith(("http://", "https://")):
        return None
    return unquote(urlsplit(workspace.tracking_uri).username or "") or None
