"""Experiment tracking that lives in the notebook.

`track` and `log` are here, and one function for each verb of `%mltrack`. Everything is
imported when it is first asked for, so that loading the extension costs the kernel next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.point import log
    from jupyter_mltrack.tracking.run import track

__all__ = ["load_ipython_extension", "log", "track", "unload_ipython_extension"]

_PLACES = {
    "log": "jupyter_mltrack.tracking.point",
    "track": "jupyter_mltrack.tracking.run",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    place = _PLACES.get(name)
    if place is not None:
        value = getattr(import_module(place), name)
    elif name == "__version__":
        from importlib.metadata import version

        value = version("jupyter_mltrack")
    else:
        value = _verb(name)
    globals()[name] = value
    return value


def _verb(name: str) -> Any:
    if not name.startswith("_"):
        from importlib import import_module

        functions = getattr(import_module("jupyter_mltrack.verbs"), "FUNCTIONS", {})
        if name in functions:
            return functions[name]
    raise AttributeError(f"module 'jupyter_mltrack' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """Add the magics and begin to track; `%load_ext jupyter_mltrack` calls it."""
    from jupyter_mltrack.notebook import extension

    extension.load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """Put everything back as it was."""
    from jupyter_mltrack.notebook import extension

    extension.unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_mltrack.server.extension import MltrackApp

    return [{"module": "jupyter_mltrack", "app": MltrackApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-mltrack"}]
