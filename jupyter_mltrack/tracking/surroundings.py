"""Where a run comes from: the user, the notebook or script, and the version of this package.

Only what can be read without asking anybody: environment variables and the interpreter's own
state. The environment is an allow-list of names; values of other variables are never looked at.
"""

from __future__ import annotations

import os
import re
import sys
from functools import lru_cache
from types import FrameType

from jupyter_mltrack import settings
from jupyter_mltrack.tracking import driven, headless, moved

USER_TAG = "mlflow.user"
SOURCE_NAME_TAG = "mlflow.source.name"
SOURCE_TYPE_TAG = "mlflow.source.type"
NOTEBOOK_TAG = "mltrack.notebook"
NOTEBOOK_VARIABLE = "MLTRACK_NOTEBOOK"
"""Path of the notebook that `run NOTEBOOK` executes in this kernel."""
PARENT_VARIABLE = "MLTRACK_PARENT_RUN"
"""Id of the run that all runs of this process are below; `run NOTEBOOK` sets it for its kernel."""
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_CONNECTION_FILE = re.compile(r"kernel-([0-9A-Za-z-]{1,100})\.json\Z")


@lru_cache(maxsize=1)
def user() -> str:
    """Return the name of the user as MLflow would find it."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def notebook_path() -> str | None:
    """Return the path of the kernel's notebook, as far as anything tells it.

    The command that executes it without a page, the Jupyter server, VS Code and papermill each
    have a way to say it; else it is known by its cells.
    """
    if "ipykernel" not in sys.modules:  # a script, maybe one that a notebook started
        told = os.environ.get("JPY_SESSION_NAME")
        return told if told and told.endswith(".ipynb") else None
    variables = vars(sys.modules.get("__main__", sys))
    for found in (
        os.environ.get(NOTEBOOK_VARIABLE),
        headless.notebook(),
        session_notebook(),
        variables.get("__vsc_ipynb_file__"),
        variables.get("PAPERMILL_INPUT_PATH"),
    ):
        if isinstance(found, str) and found.endswith(".ipynb"):
            return found
    return driven.path()


def session_notebook() -> str | None:
    """Return the path by which the Jupyter server knows the kernel's notebook now."""
    told = os.environ.get("JPY_SESSION_NAME")
    if not told or headless.is_handed_down("JPY_SESSION_NAME", told):
        return None  # a program that one of its cells or terminals began has started this kernel
    return moved.path_now(kernel_id(), told)


def script() -> str | None:
    """Return the file of the user's that this process runs, absolute; None in a kernel.

    Of a process that a library began (a worker of joblib, `torchrun`, `pytest`) it is the file that
    calls us.
    """
    if "ipykernel" in sys.modules:
        return None
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    frame: FrameType | None = sys._getframe(1)
    while not _is_users_file(path):
        if frame is None:
            return None
        path, frame = frame.f_code.co_filename, frame.f_back
    return os.path.abspath(path or "")


@lru_cache(maxsize=64)
def _is_users_file(path: str | None) -> bool:
    """Whether it is a file of Python's that is no part of an installed package."""
    if not path or not path.endswith(".py") or not os.path.isfile(path):
        return False
    path = os.path.abspath(path)
    return not (
        {"site-packages", "dist-packages"} & set(path.split(os.sep))
        or path.startswith((os.path.dirname(os.__file__) + os.sep, _PACKAGE))
    )


def notebook_name() -> str | None:
    """Return the notebook's path, below the project's folder if it lies there."""
    path = notebook_path()
    return None if path is None else _below_project(path, settings.working_folder())


@lru_cache(maxsize=16)
def _below_project(path: str, folder: str) -> str:
    from pathlib import Path

    root = str(settings.project_root(Path(folder)))
    path = os.path.normpath(os.path.join(folder, path))
    return path[len(root) + 1 :] if path.startswith(root + os.sep) else path


def parent_run() -> str | None:
    """Return the id of the run that all runs of this process are below, if there is one."""
    run_id = os.environ.get(PARENT_VARIABLE, "")
    return run_id if re.fullmatch(r"[0-9A-Za-z_-]{1,256}", run_id) else None


@lru_cache(maxsize=1)
def kernel_id() -> str:
    """Return the id that the Jupyter server knows this kernel by; empty in a process that is none.

    A server names the kernel's connection file after it.
    """
    module = sys.modules.get("ipykernel.kernelapp")
    app = getattr(getattr(module, "IPKernelApp", None), "_instance", None)
    found = _CONNECTION_FILE.search(str(getattr(app, "connection_file", "")))
    return found[1] if found else ""


def tags() -> dict[str, str]:
    """Return the tags that say where a run was started."""
    found = {USER_TAG: user()}
    notebook = notebook_name()
    if notebook:
        found[SOURCE_NAME_TAG] = notebook
        found[SOURCE_TYPE_TAG] = "NOTEBOOK"
        found[NOTEBOOK_TAG] = notebook
    elif "ipykernel" in sys.modules:
        found[SOURCE_NAME_TAG] = "notebook"
        found[SOURCE_TYPE_TAG] = "NOTEBOOK"
    else:
        path = script()
        told = sys.argv[0] if sys.argv and sys.argv[0] else "python"
        found[SOURCE_NAME_TAG] = _below_project(path, settings.working_folder()) if path else told
        found[SOURCE_TYPE_TAG] = "LOCAL"
    return found
