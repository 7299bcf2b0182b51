"""Keys of endpoints in Azure: in a private file, never in an answer, a message or a notebook.

Snippets and the person's own programs read the file. It is written when somebody wants it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack.deployments.azure import online
from jupyter_mltrack.errors import WorkspaceError

if TYPE_CHECKING:
    from jupyter_mltrack.azure.manage.place import Place


def _path(place: Place, name: str) -> Path:
    from jupyter_mltrack.azure.known import id_of
    from jupyter_mltrack.settings import data_dir

    return data_dir() / "azure" / "keys" / f"{id_of(place.scope)}-{name}"


def known_file(place: Place, name: str) -> str:
    """The file that holds the key, if it was written."""
    path = _path(place, name)
    return str(path) if path.is_file() else ""


def keep(place: Place, name: str, key: str) -> str:
    """Write the key into its file and return the file's path.

    Raises:
        WorkspaceError: there is no key.
    """
    from jupyter_mltrack.azure.private import write
    from jupyter_mltrack.settings import ensure_private_dir
    from jupyter_mltrack.tracking.redaction import hide_exactly

    if not key:
        raise WorkspaceError(f"Azure gave no key for endpoint {name}.", "Look at it in the studio.")
    hide_exactly(key)
    path = _path(place, name)
    ensure_private_dir(path.parent.parent)
    write(path, key.encode())
    return str(path)


def of_online(place: Place, name: str, mode: str) -> str:
    """The key of an online endpoint, asked of the service."""
    from jupyter_mltrack.tracking.redaction import hide_exactly

    key = online.key_of(place, name, mode)
    hide_exactly(key)
    return key


def forget(place: Place, name: str) -> None:
    """Remove the file, because the endpoint is gone or its key changed."""
    with contextlib.suppress(OSError):
        _path(place, name).unlink()
