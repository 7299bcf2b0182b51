"""What a test may leave in its process: taken back after each, as no test may count on another.

Only modules that were imported are looked at; nothing is imported for this.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

_ENVIRONMENT_OF_PYTEST = ("PYTEST_",)
_LOGGERS = ("mlflow", "sqlalchemy", "alembic")


class Process:
    """Environment, folder, search path, levels of logs and handler of interrupts as they are now."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)
        self.folder = os.getcwd()
        self.search_path = list(sys.path)
        self.levels = {name: logging.getLogger(name).level for name in _LOGGERS}
        self.on_interrupt = signal.getsignal(signal.SIGINT)

    def restore(self) -> None:
        """Bring them back."""
        for name in os.environ.keys() - self.environment.keys():
            if not name.startswith(_ENVIRONMENT_OF_PYTEST):
                del os.environ[name]
        for name, value in self.environment.items():
            if os.environ.get(name) != value and not name.startswith(_ENVIRONMENT_OF_PYTEST):
                os.environ[name] = value
        os.chdir(self.folder)
        sys.path[:] = self.search_path
        for name, level in self.levels.items():
            logging.getLogger(name).setLevel(level)
        if self.on_interrupt is not None:
            signal.signal(signal.SIGINT, self.on_interrupt)


def module(name: str) -> Any:
    """A module that was imported; None for another."""
    return sys.modules.get(name)


def end_keeper(data_dir: Path) -> None:
    """End the keeper of local endpoints, if a test had it started, and with it all it started."""
    from jupyter_mltrack.deployments.local import keeper_line
    from jupyter_mltrack.deployments.local.spec import Places

    if (data_dir / "deployments" / "keeper.sock").exists():
        with contextlib.suppress(OSError):
            keeper_line.send(Places(data_dir), {"op": "quit"}, 5)


def forget_tracking() -> None:
    """Leave no context, journal, attachment, choice or address behind."""
    tracking = "jupyter_mltrack.tracking"
    if context := module(f"{tracking}.context"):
        for one in reversed(list(context.open_contexts())):
            one.leave(None)
    reset_mlflow()
    if attach := module(
        f"{tracking}.attach"
    ):  # a verb of the test may have taken MLflow's calls over
        attach.detach()
        attach._attachment = type(attach._attachment)()
    for name in ("lineage", "choice", "caution"):
        if found := module(f"{tracking}.{name}"):
            found.forget()
    forget_addresses()
    if asking := module(f"{tracking}.asking"):
        asking._silent_until_s.clear()  # by address, and ports come again
    if book := module(f"{tracking}.book"):
        for one in book.all_books():
            if one._shipper is not None:
                one._shipper.close()
        book._books.clear()
    if living := module("jupyter_mltrack.journal.living"):
        living.living.close_all()


def forget_addresses() -> None:
    """Take back what MLflow was pointed at, for runs and for models."""
    for name, held in (
        ("mlflow.tracking._tracking_service.utils", "_tracking_uri"),
        ("mlflow.tracking._model_registry.utils", "_registry_uri"),
    ):
        if found := module(name):
            setattr(found, held, None)


def reset_mlflow() -> None:
    """Bring MLflow's process-wide state back to that of a fresh import."""
    fluent = module("mlflow.tracking.fluent")
    if fluent is None:
        return
    utils = module("mlflow.tracking._tracking_service.utils")
    while fluent.active_run() is not None:
        fluent._active_run_stack.get().pop()
    fluent._active_experiment_id = None
    fluent._last_active_run_id.set(None)
    fluent.run_id_to_system_metrics_monitor.clear()
    utils._artifact_repos_cache.clear()
    forget_addresses()
    for name in ("MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID", "MLFLOW_TRACKING_URI", "MLTRACK_CONTEXT"):
        os.environ.pop(name, None)
    if integrations := module("mlflow.utils.autologging_utils"):
        # MLflow takes an integration that was ever switched off by hand for the user's choice
        integrations.AUTOLOGGING_INTEGRATIONS.clear()
