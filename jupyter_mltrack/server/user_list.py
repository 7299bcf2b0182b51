"""The workspaces that the user added to the list in the panel, and those taken off it.

One private file of this user: addresses and folders, never a credential. Nothing is connected by
reading it.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from jupyter_mltrack.azure.scope import Scope
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.settings import ensure_private_dir
from jupyter_mltrack.workspaces import Workspace, resolve
from jupyter_mltrack.workspaces.azureml import from_scope
from jupyter_mltrack.workspaces.resolve import DATABASE, FOLDER, renamed

ADDED_MAX = 100
FORGOTTEN_MAX = 1_000
_FILE = "listed.json"
_BYTES_MAX = 1 << 20
_HOST = re.compile(r"[A-Za-z0-9._:-]+\Z")
_PORT_MAX = 65_535


class Added(msgspec.Struct, frozen=True):
    """One workspace that was added; `spec` is an address, or the whole path of a folder."""

    id: str
    spec: str
    name: str = ""


class _Kept(msgspec.Struct):
    added: list[Added] = []
    forgotten: dict[str, int] = {}
    """Id -> when it was taken off the list; a journal that is younger brings it back."""


class UserList:
    """Reads and writes the file. Call its methods off the event loop."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / _FILE

    def load(self) -> _Kept:
        """What is kept; nothing where there is no file, or a damaged one."""
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                return msgspec.json.decode(file.read(_BYTES_MAX), type=_Kept)
        except (OSError, msgspec.DecodeError):
            return _Kept()

    def add(self, workspace: Workspace, spec: str, name: str) -> None:
        """Keep a workspace in the list.

        Raises:
            UsageError: the list is full.
        """
        kept = self.load()
        others = [one for one in kept.added if one.id != workspace.id]
        if len(others) >= ADDED_MAX:
            raise UsageError(f"The list holds {ADDED_MAX} workspaces.", "Forget one of them first.")
        kept.added = [*others, Added(workspace.id, spec, name)]
        kept.forgotten.pop(workspace.id, None)
        self._save(kept)

    def forget(self, workspace_id: str) -> None:
        """Take a workspace off the list; nothing in it is touched."""
        kept = self.load()
        kept.added = [one for one in kept.added if one.id != workspace_id]
        kept.forgotten[workspace_id] = int(time.time() * 1000)
        while len(kept.forgotten) > FORGOTTEN_MAX:
            kept.forgotten.pop(min(kept.forgotten, key=kept.forgotten.__getitem__))
        self._save(kept)

    def _save(self, kept: _Kept) -> None:
        from jupyter_mltrack.journal.progress import replace_file

        ensure_private_dir(self._path.parent)
        replace_file(self._path, msgspec.json.encode(kept))


# -------------------------------------------------------------------------- what may be added


def from_spec(spec: str, name: str, root_dir: Path) -> tuple[Workspace, str]:
    """The workspace that a person named, and how it is kept: an address, or a whole path.

    Raises:
        UsageError: it is neither an http(s) address nor a folder below the server's.
        NotFound: the folder keeps no runs.
    """
    spec = spec.strip()
    scope = azure_scope(spec)
    if scope is not None:
        found = from_scope(scope)
        kept = found.display_uri
    elif re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", spec):
        found = resolve(_address(spec))
        kept = found.display_uri
    else:
        folder = _folder(spec, root_dir)
        found = _of_folder(folder)
        kept = str(folder)
    return (renamed(found, _plain(name)) if _plain(name) else found), kept


def azure_scope(spec: str) -> Scope | None:
    """The Azure ML workspace that `spec` names by its id; None when it names something else.

    Its host is never taken from `spec`: Azure says which it is.

    Raises:
        UsageError: the id is damaged.
    """
    plain = spec.strip()
    if not plain.lower().startswith(("azureml:/subscriptions/", "/subscriptions/")):
        return None
    scope = Scope.parse(plain)
    if scope.arm_id.lower() != plain.partition(":")[2 if ":" in plain else 0].lower():
        raise UsageError(
            "This names more than an Azure ML workspace.",
            "Write azureml:/subscriptions/ID/resourceGroups/GROUP/providers/"
            "Microsoft.MachineLearningServices/workspaces/NAME",
        )
    return scope


def from_kept(added: Added, root_dir: Path) -> Workspace | None:
    """The workspace again; None when its folder is gone, or not below the server's any more."""
    try:
        found, _ = from_spec(added.spec, added.name, root_dir)
    except (UsageError, NotFound):
        return None
    return found if found.id == added.id else None


def _address(spec: str) -> str:
    parts = None
    if spec.isascii() and spec.isprintable() and " " not in spec and "\\" not in spec:
        try:
            parts = urlsplit(spec)
            port = parts.port or 0
        except ValueError:
            parts = None
    if parts is None or parts.scheme.lower() not in ("http", "https"):
        raise UsageError(
            "Only addresses that begin with http:// or https:// can be added, Azure ML workspaces "
            "and folders.",
            "Another store: name it in mltrack.toml, or choose it in a cell with %mltrack use.",
        )
    if "@" in parts.netloc:
        raise UsageError(
            "An address with a user name or a password is not kept.",
            "Leave them out; put them into MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
        )
    host = parts.hostname or ""
    if not host or not _HOST.match(host) or port > _PORT_MAX or parts.query or parts.fragment:
        raise UsageError(
            "The address names no server.", "Write it like https://mlflow.example.org."
        )
    return spec.rstrip("/")


def _folder(spec: str, root_dir: Path) -> Path:
    """The real folder, if it lies below the server's."""
    outside = UsageError(
        "The folder is not below the server's folder.", "Name it as the file browser shows it."
    )
    if not spec or "\0" in spec or "\\" in spec or spec.startswith("~"):
        raise outside
    root = Path(os.path.realpath(root_dir))
    named = Path(spec)
    if ".." in named.parts:
        raise outside
    # The file browser's paths begin at the server's folder, with a slash or without.
    inside = named if named.is_relative_to(root) else root / spec.lstrip("/")
    try:
        folder = Path(os.path.realpath(inside))
        if not folder.is_relative_to(root):
            raise outside
        if folder.is_dir():
            return folder
    except (OSError, ValueError):
        raise outside from None
    raise NotFound("There is no such folder.", "Name it as the file browser shows it.")


def _of_folder(folder: Path) -> Workspace:
    if folder.name == FOLDER:
        folder = folder.parent
    if (folder / FOLDER / DATABASE).is_file():
        return resolve(str(folder))
    if (folder / DATABASE).is_file():
        return resolve(f"sqlite:///{folder / DATABASE}")
    for place in (folder, folder / "mlruns"):
        if (place / "0" / "meta.yaml").is_file():
            return resolve(place.as_uri())
    raise NotFound(
        "The folder keeps no runs.", "Name one with .mltrack, mlflow.db or mlruns in it."
    )


def _plain(name: str) -> str:
    return " ".join(clean(name).split())[:60]
