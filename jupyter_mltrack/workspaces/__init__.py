"""Where runs are kept: the embedded workspace of a project, or anything MLflow can talk to."""

from jupyter_mltrack.workspaces.azureml import located
from jupyter_mltrack.workspaces.resolve import (
    Workspace,
    embedded,
    from_meta,
    resolve,
    sqlite_path,
    strip_credentials,
)

__all__ = [
    "Workspace",
    "embedded",
    "from_meta",
    "located",
    "resolve",
    "sqlite_path",
    "strip_credentials",
]
