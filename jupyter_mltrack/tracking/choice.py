"""What was chosen for this process: workspace, experiment, and whether every cell is tracked.

A workspace is chosen the way MLflow's own code sees it, by its tracking URI, so a later
`mlflow.set_tracking_uri` of the user is a choice too, and the last one counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mltrack.errors import SettingsError
from jupyter_mltrack.tracking import caution

if TYPE_CHECKING:
    from jupyter_mltrack.settings import Settings
    from jupyter_mltrack.workspaces import Workspace


class _Chosen:
    def __init__(self) -> None:
        self.experiment: str | None = None
        self.auto = False


_chosen = _Chosen()


def workspace() -> Workspace:
    """Return the workspace that new runs go to.

    Raises:
        SettingsError: the settings file is damaged.
    """
    from jupyter_mltrack import workspaces

    return workspaces.resolve()


def settings_for_runs() -> Settings:
    """Return the settings; a damaged file is told once and does not stop the cell."""
    from jupyter_mltrack.settings import Settings, load_settings

    try:
        return load_settings()
    except SettingsError as error:
        caution.warn_once(f"settings {error.message}", str(error))
        return Settings()


def workspace_for_runs() -> Workspace:
    """Return the workspace of new runs; the embedded one while the settings file is damaged."""
    from jupyter_mltrack import workspaces
    from jupyter_mltrack.settings import project_root

    try:
        return workspace()
    except SettingsError as error:
        caution.warn_once(f"settings {error.message}", str(error))
        return workspaces.embedded(project_root())


def choose(spec: str) -> Workspace:
    """Make `spec` the workspace of new runs.

    Raises:
        UsageError: it means no workspace.
    """
    from jupyter_mltrack import workspaces
    from jupyter_mltrack.tracking import attach

    found = workspaces.resolve(spec)
    attach.point_to(found)
    return found


def experiment(settings: Settings | None = None) -> str | None:
    """Return the name of the experiment for new runs; None leaves it to MLflow ("Default")."""
    if _chosen.experiment is not None:
        return _chosen.experiment or None
    return (settings or settings_for_runs()).experiment


def experiment_or_default() -> str:
    """Return the name of the experiment for new runs, MLflow's "Default" when none was chosen."""
    return experiment() or "Default"


def choose_experiment(name: str | None) -> None:
    """Make `name` the experiment of new runs; "" leaves it to MLflow, None to the settings."""
    _chosen.experiment = name


def auto() -> bool:
    """Say whether every cell that logs or trains is tracked."""
    return _chosen.auto


def choose_auto(on: bool) -> None:
    """Track every cell that logs or trains, or only those that say so."""
    _chosen.auto = on


def forget() -> None:
    """Go back to what settings and environment say."""
    _chosen.__init__()  # type: ignore[misc]
