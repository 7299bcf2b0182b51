"""Give MLflow decorated stores, without building the store behind them before it is needed.

MLflow fetches a store at every turn; for a SQLite address building it imports SQLAlchemy and opens
the database, which a logging call does not need. So what is given is a small object that answers
the logging calls itself, and becomes an instance of the decorated class at the first other call. It
says which class it is without building anything, because MLflow asks that at the end of each run.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

from jupyter_mltrack.journal import mlflow_doors
from jupyter_mltrack.tracking import caution
from jupyter_mltrack.tracking.ledger import Ledger
from jupyter_mltrack.tracking.store import Decoration, decorated_class

_NOTHING = object()


class LazyStore(Decoration):
    """Stands for a store until something is asked that only the store itself can answer."""

    def __init__(self, ledger: Ledger, likely: tuple[str, str] | None) -> None:
        self._mltrack = ledger
        self._likely = likely
        self._lock = threading.RLock()

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        kind: Any = object.__getattribute__(self, "_kind")()
        return kind if isinstance(kind, type) else LazyStore

    def _kind(self) -> type:
        """Return the class of the store behind, if that can be told without building it."""
        if self._likely is None:
            return type(self._mltrack.real)
        module = sys.modules.get(self._likely[0])
        if module is None:  # nobody can ask for a class that nobody has imported
            from mlflow.store.tracking.abstract_store import AbstractStore

            return AbstractStore  # type: ignore[no-any-return]
        found: type = getattr(module, self._likely[1])
        return found

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_mltrack", "_likely", "_lock"):
            raise AttributeError(name)
        become(self)
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_mltrack", "_likely", "_lock"):
            object.__setattr__(self, name, value)
            return
        become(self)
        setattr(self, name, value)

    def __reduce__(self) -> Any:
        from jupyter_mltrack.tracking.store import _again

        return _again, (self._mltrack.workspace.tracking_uri,)


def become(store: Any) -> None:
    """Turn a lazy store into the decorated one."""
    if type(store) is not LazyStore:
        return
    with store._lock:
        if type(store) is not LazyStore:
            return
        ledger = store._mltrack
        real = ledger.real
        kind = decorated_class(type(real), ledger)
        object.__setattr__(store, "__dict__", real.__dict__)
        # the property on the class would catch a plain assignment
        object.__dict__["__class__"].__set__(store, kind)


# ------------------------------------------------------------------------------ registry


class _Installed:
    def __init__(self) -> None:
        self.registry: Any = None
        self.before: Any = _NOTHING
        self.stores: dict[tuple[str, str | None], Any] = {}
        self.lock = threading.RLock()


_installed = _Installed()


def install() -> None:
    """Have MLflow's registry of stores give decorated ones."""
    if _installed.registry is not None:
        return
    from mlflow.tracking._tracking_service import utils

    registry = utils._tracking_store_registry
    _installed.before = vars(registry).get("get_store", _NOTHING)
    _installed.registry = registry
    registry.get_store = get_store


def restore() -> None:
    """Have MLflow's registry give MLflow's own stores again."""
    registry = _installed.registry
    if registry is None:
        return
    for store in list(_installed.stores.values()):
        _settle_quietly(store)
    if vars(registry).get("get_store") is get_store:
        if _installed.before is _NOTHING:
            del registry.get_store
        else:
            registry.get_store = _installed.before
    _installed.stores.clear()
    _installed.registry = None
    _installed.before = _NOTHING


def _settle_quietly(store: Any) -> None:
    """Let plain MLflow find in the store what was journaled."""
    try:
        vars(type(store)).get("_mltrack", None) or store._mltrack
        store._mltrack.reading.settle()
    except Exception as error:
        caution.trouble("unload", "What waits in the journal is sent to the store later", error)


def get_store(store_uri: str | None = None, artifact_uri: str | None = None) -> Any:
    """Stand in for `TrackingStoreRegistry.get_store`."""
    from mlflow.tracking._tracking_service import utils

    resolved = utils._resolve_tracking_uri(store_uri)
    key = (resolved, artifact_uri)
    found = _installed.stores.get(key)
    if found is None:
        with _installed.lock:
            found = _installed.stores.get(key)
            if found is None:
                found = _make(resolved, artifact_uri)
                _installed.stores[key] = found
    return found


def ledger_of(store: Any) -> Ledger | None:
    """Return the ledger of a decorated store; None for any other."""
    found = getattr(type(store), "_mltrack", None) or vars(store).get("_mltrack")
    return found if isinstance(found, Ledger) else None


def current_ledger() -> Ledger | None:
    """Return the ledger of the store that MLflow points to now."""
    return ledger_of(get_store())


def _make(uri: str, artifact_uri: str | None) -> Any:
    registry = _installed.registry
    mlflow_doors.open_for(uri)
    builder = registry.get_store_builder(uri)  # raises as MLflow does for an unknown scheme
    try:
        from jupyter_mltrack import workspaces

        workspace = workspaces.resolve(uri)
    except Exception as error:
        caution.trouble(f"store {uri}", "Runs of this store are written by MLflow itself", error)
        return registry._get_store_with_resolved_uri(uri, artifact_uri)
    if artifact_uri is None and workspace.kind == "local":
        artifact_uri = workspace.artifact_root

    def build() -> Any:
        if workspace.kind == "local" and not workspace.is_ready():
            workspace.prepare()
        return registry._get_store_with_resolved_uri(uri, artifact_uri)

    return LazyStore(Ledger(workspace, build), _likely_class(builder))


def _likely_class(builder: Any) -> tuple[str, str] | None:
    """Return module and name of the class that one of MLflow's own builders builds."""
    if getattr(builder, "__module__", "") != "mlflow.tracking._tracking_service.utils":
        return None
    from mlflow.environment_variables import MLFLOW_ENABLE_WORKSPACES

    if builder.__name__ == "_get_sqlalchemy_store":
        if MLFLOW_ENABLE_WORKSPACES.get():
            return (
                "mlflow.store.tracking.sqlalchemy_workspace_store",
                "WorkspaceAwareSqlAlchemyStore",
            )
        return "mlflow.store.tracking.sqlalchemy_store", "SqlAlchemyStore"
    return {
        "_get_file_store": ("mlflow.store.tracking.file_store", "FileStore"),
        "_get_rest_store": ("mlflow.store.tracking.rest_store", "RestStore"),
        "_get_databricks_rest_store": (
            "mlflow.store.tracking.databricks_rest_store",
            "DatabricksTracingRestStore",
        ),
    }.get(builder.__name__)
