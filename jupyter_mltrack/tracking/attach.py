"""Put us where MLflow's store and functions stand, as soon as MLflow is there, and take us away.

`attach` imports nothing: it points MLflow at the workspace through the environment, and waits for
the user's own `import mlflow` with an import hook that removes itself. `detach` is the mirror
image: what was there before is there again, not a fresh default.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import caution

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from jupyter_mltrack.workspaces import Workspace

URI_VARIABLE = "MLFLOW_TRACKING_URI"


class _Attachment:
    """What was changed, so that it can be put back."""

    def __init__(self) -> None:
        self.on = False
        self.hook: _Finder | None = None
        self.uri_set: str | None = None
        """The tracking URI that we put into the environment; None when we put none."""
        self.uri_before: str | None = None
        self.mlflow_uri_before: Any = None
        self.mlflow_uri_set = False


_attachment = _Attachment()


def is_attached() -> bool:
    """Say whether MLflow is, or will be when it is imported, under our hands."""
    return _attachment.on


def attach() -> None:
    """Take MLflow's logging calls over from now on; twice does no harm. Never raises."""
    if _attachment.on:
        return
    _attachment.on = True
    try:
        _set_uri()
    except Exception as error:
        caution.trouble("attach-uri", "MLflow was not pointed at the embedded workspace", error)
    if _is_being_imported("mlflow"):
        from jupyter_mltrack.tracking import lazy

        lazy.install()
        _when_imported(sys.modules["mlflow"], _imported)
    elif "mlflow.tracking.fluent" in sys.modules:
        _take_over()
    else:
        _attachment.hook = _Finder("mlflow", _imported)
        sys.meta_path.insert(0, _attachment.hook)


def detach() -> None:
    """Give MLflow back as it was found."""
    if not _attachment.on:
        return
    _attachment.on = False
    if _attachment.hook is not None:
        _attachment.hook.remove()
        _attachment.hook = None
    if "jupyter_mltrack.tracking.front" in sys.modules:
        from jupyter_mltrack.tracking import front

        front.restore()
    if "jupyter_mltrack.azure.tracking.doors" in sys.modules:
        from jupyter_mltrack.azure.tracking import doors

        doors.unregister()
    if "jupyter_mltrack.tracking.lazy" in sys.modules:
        from jupyter_mltrack.tracking import lazy

        lazy.restore()
    _restore_uri()
    from jupyter_mltrack.tracking import board, lineage

    board.withdraw()
    lineage.refresh_check()


def _imported(_module: ModuleType) -> None:
    _attachment.hook = None
    if _attachment.on:
        _take_over()


def _take_over() -> None:
    try:
        from jupyter_mltrack.tracking import front, lazy

        lazy.install()
        front.install()
    except Exception as error:
        caution.trouble(
            "attach", "MLflow's calls are not tracked by mltrack; they work as always", error
        )


def _is_being_imported(name: str) -> bool:
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def _when_imported(module: ModuleType, then: Callable[[ModuleType], None]) -> None:
    """Call back when an import under way is done; the import system marks that on the spec."""
    spec = module.__spec__
    assert spec is not None
    own: type[ModuleSpec] = type(spec)

    class _Watched(own):  # type: ignore[misc,valid-type]
        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, value)
            if name == "_initializing" and not value:
                self.__class__ = own  # type: ignore[assignment]
                then(module)

    spec.__class__ = _Watched


# ------------------------------------------------------------------------------ workspace


def _set_uri() -> None:
    """Point MLflow at the embedded workspace, or what the settings say, unless the user did."""
    if os.environ.get(URI_VARIABLE):
        return
    utils = sys.modules.get("mlflow.tracking._tracking_service.utils")
    if utils is not None and getattr(utils, "_tracking_uri", None):
        return
    from jupyter_mltrack.tracking import choice

    found = choice.workspace_for_runs()
    _attachment.uri_before = os.environ.get(URI_VARIABLE)
    _attachment.uri_set = os.environ[URI_VARIABLE] = found.tracking_uri


def point_to(workspace: Workspace) -> None:
    """Make `workspace` the one that MLflow and we use from now on."""
    if _attachment.uri_set is None and not _attachment.mlflow_uri_set:
        _attachment.uri_before = os.environ.get(URI_VARIABLE)
    _attachment.uri_set = os.environ[URI_VARIABLE] = workspace.tracking_uri
    utils = sys.modules.get("mlflow.tracking._tracking_service.utils")
    if utils is not None and not _is_being_imported("mlflow"):
        if not _attachment.mlflow_uri_set:
            _attachment.mlflow_uri_before = utils._tracking_uri
            _attachment.mlflow_uri_set = True
        utils.set_tracking_uri(workspace.tracking_uri)


def _restore_uri() -> None:
    """Take our tracking URI back, unless the user has set another one since."""
    ours, before = _attachment.uri_set, _attachment.uri_before
    if ours is None:
        return
    utils = sys.modules.get("mlflow.tracking._tracking_service.utils")
    if _attachment.mlflow_uri_set and utils is not None and utils._tracking_uri == ours:
        utils.set_tracking_uri(_attachment.mlflow_uri_before)
    if os.environ.get(URI_VARIABLE) == ours:
        if before is None:
            del os.environ[URI_VARIABLE]
        else:
            os.environ[URI_VARIABLE] = before
    _attachment.uri_set = _attachment.uri_before = _attachment.mlflow_uri_before = None
    _attachment.mlflow_uri_set = False


# --------------------------------------------------------------------------- import hook


class _Finder:
    """Calls back once when `name` was imported, then is gone."""

    def __init__(self, name: str, then: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._then = then
        self._busy = False

    def remove(self) -> None:
        """Take the hook away; harmless if it is gone."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module as the others would, with a loader that calls back."""
        if fullname != self._name or self._busy:
            return None
        self._busy = True
        try:
            from importlib.util import find_spec

            spec = find_spec(fullname)
        finally:
            self._busy = False
        if spec is None or spec.loader is None:
            return None
        spec.loader = _Loader(spec.loader, self)  # type: ignore[assignment]
        return spec

    def imported(self, module: ModuleType) -> None:
        """Be gone, and call back."""
        self.remove()
        self._then(module)


class _Loader:
    """The module's own loader, and a word afterwards."""

    def __init__(self, loader: Any, finder: _Finder) -> None:
        self._loader = loader
        self._finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create as the module's own loader does."""
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        """Execute as the module's own loader does, leave no trace of ours, and say so."""
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._finder.imported(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
