"""Whether the database of a workspace is still the file that this process began with.

Somebody may delete `.mltrack` under a living kernel. The cells that follow go on in a new one; what
the old one held is gone, and that is said once. MLflow would go on writing into the deleted file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import caution
from jupyter_mltrack.workspaces.database import file_identity

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace


class Footing:
    """Looks after one database; `changes` counts how often it was taken away or replaced."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._file: tuple[int, int] | None = None
        self.changes = 0

    def look(self) -> int:
        """Look at the file, and say it if it is another one; returns `changes`."""
        database = self._workspace.database
        if database is None:
            return 0
        file = file_identity(database)
        if self._file is not None and file != self._file:
            self.changes += 1
            place = database.parent if self._workspace.kind == "local" else database
            caution.warn_once(
                f"footing {database} {self.changes}",
                f"{place} was deleted or replaced while this kernel ran, and the runs in it are "
                "gone from here. What is tracked from now on goes into a new one.",
            )
        self._file = file
        return self.changes


def let_go(tracking_uri: str) -> None:
    """Have MLflow's stores of an address open its database anew."""
    import sys

    for module, name in (
        ("mlflow.store.tracking.sqlalchemy_store", "SqlAlchemyStore"),
        ("mlflow.store.model_registry.sqlalchemy_store", "SqlAlchemyStore"),
    ):
        engines: dict[str, Any] = getattr(
            getattr(sys.modules.get(module), name, None), "_engine_map", {}
        )
        engine = engines.get(tracking_uri)
        if engine is not None:
            engine.dispose()
