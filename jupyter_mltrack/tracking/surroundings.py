"""Where a run comes from: the user, the notebook or script, and the version of this package.

Only what can be read without asking anybody: environment variables and the interpreter's own
state. The environment is an allow-list of names; values of other variables are never looked at.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache

USER_TAG = "mlflow.user"
SOURCE_NAME_TAG = "mlflow.source.name"
SOURCE_TYPE_TAG = "mlflow.source.type"
NOTEBOOK_TAG = "mltrack.notebook"


@lru_cache(maxsize=1)
def user() -> str:
    """Return the name of the user as MLflow would find it."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def notebook_path() -> str | None:
    """Return the path of the kernel's notebook, as the Jupyter server told it."""
    path = os.environ.get("JPY_SESSION_NAME")
    return path if path and path.endswith(".ipynb") else None


def tags() -> dict[str, str]:
    """Return the tags that say where a run was started."""
    found = {USER_TAG: user()}
    notebook = notebook_path()
    if notebook:
        found[SOURCE_NAME_TAG] = os.path.basename(notebook)
        found[SOURCE_TYPE_TAG] = "NOTEBOOK"
        found[NOTEBOOK_TAG] = notebook
    elif "ipykernel" in sys.modules:
        found[SOURCE_NAME_TAG] = "notebook"
        found[SOURCE_TYPE_TAG] = "NOTEBOOK"
    else:
        found[SOURCE_NAME_TAG] = sys.argv[0] if sys.argv and sys.argv[0] else "python"
        found[SOURCE_TYPE_TAG] = "LOCAL"
    return found
