"""Find the workspace that is meant: argument > `MLFLOW_TRACKING_URI` > settings > embedded.

Nothing here opens a connection or imports MLflow: resolving happens in the kernel, before the
user's cell runs. A workspace is known by its `id`, made from its address without user name and
password, so that the same store has the same id in every process.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit, urlunsplit

from jupyter_mltrack.errors import MltrackError, UsageError, WorkspaceError
from jupyter_mltrack.settings import (
    Settings,
    data_dir,
    load_settings,
    project_root,
    unsafe_reason,
    working_folder,
)

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.azure.scope import Scope

FOLDER = ".mltrack"
DATABASE = "mlflow.db"
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*:")
_WORDS = {"databricks", "databricks-uc", "uc", "azureml"}
_SECRET_QUERY = re.compile(r"(?i)(?:^|(?<=&))[^=&]*(?:pass|pwd|secret|token|sig|key)[^=&]*=[^&]*&?")
_DATABASE_ENDINGS = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True)
class Workspace:
    """A place where runs are kept. Passing it on is free: it holds no connection."""

    id: str
    kind: Literal["local", "mlflow", "azureml"]
    name: str
    tracking_uri: str = field(repr=False)
    """What MLflow is given; may hold a user name and password: never shown, never stored."""
    display_uri: str
    """The same without them."""
    root: Path | None = None
    """The project's folder (embedded workspace only)."""
    artifact_root: str | None = None
    """Where artifacts of runs born here go (embedded workspace only); a `file://` address."""
    note: str = ""
    """Something the user should be told once, for example that another folder had to be taken."""

    @property
    def database(self) -> Path | None:
        """The SQLite file behind this workspace, if it is one."""
        return sqlite_path(self.tracking_uri)

    @property
    def title(self) -> str:
        """Name and address, as an error names it; an id of Azure's would fill it."""
        kind = "Azure ML" if self.kind == "azureml" else self.display_uri
        return f"{self.name} ({kind})"

    @property
    def scope(self) -> Scope | None:
        """Which Azure ML workspace it is, if it is one."""
        from jupyter_mltrack.azure.scope import Scope

        return Scope.find(self.tracking_uri) if self.kind == "azureml" else None

    def artifact_uri(self, run_id: str) -> str | None:
        """Return where a run born here keeps its artifacts; None leaves it to the store."""
        return f"{self.artifact_root}/{run_id}/artifacts" if self.artifact_root else None

    def prepare(self) -> None:
        """Make the database and folders of an embedded workspace. Takes seconds the first time.

        Raises:
            WorkspaceError: the folder is not safe, or the database belongs to a newer MLflow.
        """
        from jupyter_mltrack.workspaces import local

        local.prepare(self)

    def is_ready(self) -> bool:
        """Say whether runs can be written now: the database is there with the schema we know."""
        from jupyter_mltrack.workspaces import local

        return self.database is None or local.is_ready(self)

    def check(self, timeout_s: float) -> wire.Health:
        """Ask the workspace how it is. Never raises, never takes much longer than `timeout_s`."""
        from jupyter_mltrack.workspaces.health import check

        return check(self, timeout_s)

    def run_link(self, run_id: str, experiment_id: str | None) -> str | None:
        """Return the address of the run's page in the store's own web page, if it has one."""
        if self.kind == "azureml":
            from jupyter_mltrack.workspaces import azureml

            return azureml.run_link(self, run_id)
        if not self.display_uri.startswith(("http://", "https://")):
            return None
        base = self.display_uri.rstrip("/")
        experiment = experiment_id if experiment_id is not None else "0"
        return f"{base}/#/experiments/{experiment}/runs/{run_id}"


# ---------------------------------------------------------------------------- addresses


def sqlite_path(uri: str) -> Path | None:
    """Return the file that a `sqlite:///` address names; None for any other address."""
    found = re.match(r"sqlite(?:\+\w+)?:///([^?]*)", uri)
    if not found or found.group(1) in ("", ":memory:"):
        return None
    return Path(os.path.abspath(found.group(1)))


def strip_credentials(uri: str) -> str:
    """Return `uri` without user name, password and secrets in its query."""
    if "://" not in uri:
        return uri
    head, _, rest = uri.partition("://")
    place, slash, tail = rest.partition("/")
    place = place.rpartition("@")[2]
    path, mark, query = tail.partition("?")
    query = _SECRET_QUERY.sub("", query).rstrip("&")
    return f"{head}://{place}{slash}{path}{mark if query else ''}{query}"


def canonical(uri: str) -> str:
    """Return one spelling for all spellings of an address; what the id is made from."""
    path = sqlite_path(uri)
    if path is not None:
        return f"sqlite:///{os.path.realpath(path)}"
    plain = strip_credentials(uri)
    if plain.lower().startswith("azureml:"):
        from jupyter_mltrack.workspaces import azureml

        return azureml.canonical(plain)
    if not plain.lower().startswith(("http://", "https://")):
        return plain
    parts = urlsplit(plain)
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        host = f"[{host}]"
    try:
        port = parts.port
    except ValueError:
        port = None
    usual = {"http": 80, "https": 443}[parts.scheme.lower()]
    place = host if port in (None, usual) else f"{host}:{port}"
    return urlunsplit((parts.scheme.lower(), place, parts.path.rstrip("/"), "", ""))


def workspace_id(uri: str) -> str:
    """Return the id of the workspace at this address."""
    return hashlib.sha256(canonical(uri).encode()).hexdigest()[:12]


# ----------------------------------------------------------------------------- embedded


def embedded(root: Path) -> Workspace:
    """Return the embedded workspace of a project; in the data folder if the project forbids it."""
    root = Path(os.path.realpath(root))
    folder = root / FOLDER
    reason = _unusable_reason(folder)
    note = ""
    if reason:
        key = hashlib.sha256(os.fsencode(root)).hexdigest()[:12]
        place = Path(os.path.realpath(data_dir())) / "workspaces" / key
        note = f"{folder} cannot be used ({reason}): runs of this project are kept in {place}."
        folder = place
    uri = f"sqlite:///{folder / DATABASE}"
    return Workspace(
        id=workspace_id(uri),
        kind="local",
        name=root.name or "root",
        tracking_uri=uri,
        display_uri=uri,
        root=root,
        artifact_root=(folder / "artifacts").as_uri(),
        note=note,
    )


def _unusable_reason(folder: Path) -> str:
    if "?" in str(folder):
        return "a database address cannot hold a question mark"
    try:
        status = os.lstat(folder)
    except FileNotFoundError:
        return "" if os.access(folder.parent, os.W_OK | os.X_OK) else "the folder is read-only"
    except OSError as error:
        return error.strerror or "it cannot be read"
    reason = unsafe_reason(status)
    if reason:
        return reason
    return "" if os.access(folder, os.W_OK | os.X_OK) else "it is read-only"


# ------------------------------------------------------------------------------ resolve


def resolve(spec: str | None = None, start: Path | None = None) -> Workspace:
    """Return the workspace that `spec` means; without it the one set, else the embedded one.

    Args:
        spec: `local`, a name from the settings file, a path, or an address that MLflow knows.
        start: folder that paths and the project are looked up from; None is the working folder.

    Raises:
        UsageError: `spec` is neither a name, nor a path that exists, nor an address.
        SettingsError: the project's settings file is damaged.
    """
    base = Path(os.path.abspath(start if start is not None else working_folder()))
    if spec:
        return _from_spec(spec, base, None)
    from_environment = os.environ.get("MLFLOW_TRACKING_URI")
    if from_environment:
        return _from_uri(from_environment, Path(working_folder()))
    settings = load_settings(base)
    if settings.tracking:
        root = settings.source.parent if settings.source else base
        return _from_spec(settings.tracking, root, settings)
    return embedded(project_root(base))


def _from_spec(spec: str, base: Path, settings: Settings | None) -> Workspace:
    spec = spec.strip()
    if spec == "local":
        return embedded(project_root(base))
    if _SCHEME.match(spec) or spec in _WORDS or spec.lower().startswith("/subscriptions/"):
        return _from_uri(spec, base)
    settings = settings if settings is not None else load_settings(base)
    named = settings.workspaces.get(spec)
    if named is not None:
        root = settings.source.parent if settings.source else base
        return renamed(_from_named(named, root), spec)
    path = base / os.path.expanduser(spec)
    if path.is_dir():
        return _from_folder(path)
    if path.name.endswith(_DATABASE_ENDINGS) and path.parent.is_dir():
        return _from_uri(f"sqlite:///{path}", base)
    raise _no_workspace(spec, settings)


def _from_named(spec: str, base: Path) -> Workspace:
    plain = spec == "local" or spec in _WORDS or spec.startswith("/subscriptions/")
    if plain or _SCHEME.match(spec):
        return _from_spec(spec, base, Settings())
    return _from_spec(os.path.join(base, os.path.expanduser(spec)), base, Settings())


def _from_folder(path: Path) -> Workspace:
    if path.name == FOLDER:
        return embedded(path.parent)
    if (path / "0" / "meta.yaml").exists() or (path / ".trash").is_dir():
        return _from_uri(path.resolve().as_uri(), path)
    return embedded(path)


def _from_uri(uri: str, base: Path) -> Workspace:
    if uri.lower().startswith(("azureml", "/subscriptions/")):
        from jupyter_mltrack.workspaces import azureml

        found = azureml.from_spec(uri, base)
        if found is not None:
            return found
    if not _SCHEME.match(uri) and uri not in _WORDS:  # MLflow takes a plain path as a folder
        uri = (base / os.path.expanduser(uri)).resolve().as_uri()
    if uri.startswith("sqlite"):
        return _from_sqlite(uri, base)
    if uri.lower().startswith(("http:", "https:")) and not _host_of(uri):
        raise UsageError(
            f'The address "{strip_credentials(uri)}" names no server.',
            "Write it like http://127.0.0.1:5000.",
        )
    name = _name_of(uri)
    return Workspace(
        id=workspace_id(uri),
        kind="mlflow",
        name=name,
        tracking_uri=uri,
        display_uri=strip_credentials(uri),
    )


def _host_of(uri: str) -> str:
    try:
        return urlsplit(uri).hostname or ""
    except ValueError:
        return ""


def _from_sqlite(uri: str, base: Path) -> Workspace:
    found = re.match(r"(sqlite(?:\+\w+)?):///([^?]*)(\?.*)?$", uri)
    if not found or found.group(2) in ("", ":memory:"):
        raise WorkspaceError(
            f"The workspace {uri} lives in the memory of one process: nothing can be kept there.",
            "Name a file, for example sqlite:///mlflow.db, or use local.",
            code="bad_request",
        )
    path = Path(os.path.realpath(base / found.group(2)))
    if path.name == DATABASE and path.parent.name == FOLDER:
        here = embedded(path.parent.parent)
        if here.database == path:
            return here
    full = f"{found.group(1)}:///{path}{found.group(3) or ''}"
    return Workspace(
        id=workspace_id(full),
        kind="mlflow",
        name=path.name,
        tracking_uri=full,
        display_uri=strip_credentials(full),
    )


def _name_of(uri: str) -> str:
    plain = strip_credentials(uri)
    if uri.startswith("file:"):
        return Path(urlsplit(plain).path).name or plain
    place = plain.partition("://")[2]
    if plain.lower().startswith(("http://", "https://")):
        return place.rstrip("/") or plain
    return place.split("?")[0].rstrip("/") or plain


def renamed(workspace: Workspace, name: str) -> Workspace:
    """The same workspace under the name that a person gave it."""
    from dataclasses import replace

    return replace(workspace, name=name)


def _no_workspace(spec: str, settings: Settings) -> UsageError:
    import difflib

    shown = "".join(c for c in spec if c.isprintable())[:80]
    names = ["local", *settings.workspaces]
    near = difflib.get_close_matches(spec, names, n=2)
    hint = (
        f"Did you mean {' or '.join(near)}?"
        if near
        else "Say local, a folder that exists, a file ending in .db, sqlite:///..., http(s)://..., "
        "or a name from mltrack.toml."
    )
    return UsageError(f'There is no workspace "{shown}".', hint)


# ------------------------------------------------------------------------------ journals


def from_meta(meta: wire.JournalMeta) -> Workspace:
    """Return the workspace that a journal belongs to, with credentials if this process has them."""
    if meta.workspace_kind == "azureml":
        from jupyter_mltrack.workspaces import azureml

        return azureml.from_meta(meta)
    uri = meta.tracking_uri
    for candidate in (os.environ.get("MLTRACK_SHIP_URI"), os.environ.get("MLFLOW_TRACKING_URI")):
        if candidate and _SCHEME.match(candidate) and workspace_id(candidate) == meta.workspace_id:
            uri = candidate
            break
    else:
        uri = _from_project(meta) or uri
    local = meta.workspace_kind == "local"
    path = sqlite_path(uri)
    return Workspace(
        id=meta.workspace_id,
        kind=meta.workspace_kind,
        name=meta.workspace_name,
        tracking_uri=uri,
        display_uri=strip_credentials(uri),
        root=Path(meta.project_root) if local and meta.project_root else None,
        artifact_root=(path.parent / "artifacts").as_uri() if local and path else None,
    )


def _from_project(meta: wire.JournalMeta) -> str | None:
    """Look for the address with credentials in the settings of the project it came from."""
    if meta.workspace_kind == "local" or not meta.project_root:
        return None
    try:
        settings = load_settings(Path(meta.project_root), environ={})
    except MltrackError:
        return None
    for uri in (settings.tracking, *settings.workspaces.values()):
        if uri and _SCHEME.match(uri) and workspace_id(uri) == meta.workspace_id:
            return uri
    return None
