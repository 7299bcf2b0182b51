"""Where a run is to be seen, and where its files go, told to MLflow without asking the store.

MLflow asks the server for both what is known already, and prints an address that leads nowhere on
Azure ML.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.tracking import entities

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.run_state import RunState

_CACHED_MAX = 1024


def log_url(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return MLflow's word on where to see a run, without asking the server for what is known."""

    @functools.wraps(original)
    def _log_url(self: Any, run_id: str) -> Any:
        from jupyter_mltrack.tracking import lazy

        ledger = lazy.ledger_of(self.store)
        if ledger is not None:
            uri = ledger.workspace.tracking_uri
            if uri.startswith("azureml:"):
                _studio_url(ledger, run_id)
                return None
            if not uri.startswith(("http", "databricks")):
                return None
            state = ledger.book.runs.get(ledger.book.canonical(run_id))
            if state is not None and uri.startswith("http"):
                return original(_Known(self, state, run_id), run_id)
        return original(self, run_id)

    return _log_url


def _studio_url(ledger: Any, run_id: str) -> None:
    """Say where the run is to be seen; MLflow's own address leads nowhere on Azure ML."""
    from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT

    state = ledger.book.runs.get(ledger.book.canonical(run_id))
    if MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.get() or state is None:
        return
    link = ledger.workspace.run_link(ledger.reading.store_id(run_id), state.experiment_id)
    if link:
        sys.stdout.write(f"🏃 View run {state.name} at: {link}\n")


def repository(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return the repository of a run's files, without waiting until the store has met the run."""

    @functools.wraps(original)
    def _get_artifact_repo(self: Any, resource_id: str, **options: Any) -> Any:
        from jupyter_mltrack.tracking import lazy

        ledger = lazy.ledger_of(self.store)
        if (
            ledger is None
            or ledger.workspace.kind != "azureml"
            or options.get("resource", "run") != "run"
        ):
            return original(self, resource_id, **options)
        state = ledger.known(resource_id)
        if state is None or not (state.artifact_uri or "").startswith("azureml:"):
            return original(self, resource_id, **options)
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
        from mlflow.tracking._tracking_service import utils

        cache = utils._artifact_repos_cache
        found = cache.get(resource_id)
        if found is None:
            found = get_artifact_repository(state.artifact_uri, tracking_uri=self.tracking_uri)
            while len(cache) > _CACHED_MAX:
                cache.popitem(last=False)
            cache[resource_id] = found
        return found

    return _get_artifact_repo


class _Known:
    """A tracking client whose store answers from what is known of one run."""

    def __init__(self, client: Any, state: RunState, run_id: str) -> None:
        self.tracking_uri = client.tracking_uri
        self.store = _KnownStore(client.store, state, run_id)


class _KnownStore:
    def __init__(self, store: Any, state: RunState, run_id: str) -> None:
        self._store = store
        self._run = entities.run_of(state, run_id=run_id)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return self._store.__class__  # type: ignore[no-any-return]

    def get_run(self, _run_id: str) -> Any:
        return self._run

    def get_host_creds(self) -> Any:
        return self._store.get_host_creds()
