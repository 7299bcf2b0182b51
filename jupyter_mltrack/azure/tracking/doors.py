"""Make MLflow resolve `azureml://` addresses to our stores, and give its own back.

Azure's plugin registers itself at the same places when MLflow is imported. It is set aside, not
removed: `unregister` puts back what was there, and addresses that only it knows still reach it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from jupyter_mltrack.azure.tracking import address

SCHEME = "azureml"
_lock = threading.RLock()


class _Doors:
    """What stood where ours stand."""

    def __init__(self) -> None:
        self.before: list[tuple[dict[str, Any], Any]] = []
        self.models_of_run: Any = None
        self.on = False


_doors = _Doors()


def register_for(uri: str | None) -> None:
    """Register if `uri` is an address of Azure ML; cheap for all others."""
    if address.is_azure(uri):
        register()


def register() -> None:
    """Put our stores into MLflow's registries (imports MLflow); twice does no harm."""
    with _lock:
        if _doors.on:
            return
        from mlflow.store.artifact import artifact_repository_registry as artifacts
        from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository
        from mlflow.tracking._model_registry import utils as models
        from mlflow.tracking._tracking_service import utils as runs

        files = artifacts._artifact_repository_registry._registry
        theirs = files.get(SCHEME)
        for registry, builder in (
            (runs._tracking_store_registry._registry, _tracking_store),
            (models._get_store_registry()._registry, _registry_store),
            (files, _repository(theirs)),
        ):
            _doors.before.append((registry, registry.get(SCHEME)))
            registry[SCHEME] = builder
        name = "_get_logged_model_artifact_repo"
        original = vars(RunsArtifactRepository).get(name)
        if original is not None:
            _doors.models_of_run = original
            setattr(RunsArtifactRepository, name, _models_of_run(original))
        _doors.on = True


def unregister() -> None:
    """Give MLflow back as it was found."""
    with _lock:
        if not _doors.on:
            return
        for registry, before in _doors.before:
            if before is None:
                registry.pop(SCHEME, None)
            else:
                registry[SCHEME] = before
        if _doors.models_of_run is not None:
            from mlflow.store.artifact.runs_artifact_repo import RunsArtifactRepository

            RunsArtifactRepository._get_logged_model_artifact_repo = _doors.models_of_run
        _doors.__init__()  # type: ignore[misc]


def _tracking_store(store_uri: str, artifact_uri: str | None = None) -> Any:
    del artifact_uri
    from jupyter_mltrack.azure.tracking.tracking_store import store_class

    return store_class()(store_uri)


def _registry_store(store_uri: str, **_: Any) -> Any:
    from jupyter_mltrack.azure.tracking.registry_store import store_class

    return store_class()(store_uri)


def _repository(theirs: Callable[..., Any] | None) -> Callable[..., Any]:
    def build(
        artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None
    ) -> Any:
        from jupyter_mltrack.azure.tracking.repository import repository_class

        if theirs is not None and not _is_ours(artifact_uri):
            return theirs(artifact_uri, tracking_uri=tracking_uri, registry_uri=registry_uri)
        return repository_class()(artifact_uri, tracking_uri, registry_uri)

    return build


def _is_ours(artifact_uri: str) -> bool:
    stand_in = "azureml://h/mlflow/v2.0/subscriptions/s/resourceGroups/g/providers/"
    stand_in += "Microsoft.MachineLearningServices/workspaces/w"
    return address.files_of(artifact_uri, stand_in) is not None


def _models_of_run(original: Callable[..., Any]) -> Callable[..., Any]:
    """The files of a kept model lie among those of its run: MLflow must not list them twice."""

    def repository(self: Any, run_id: str, name: str) -> Any:
        from jupyter_mltrack.azure.tracking.repository import AzureFiles

        if isinstance(self.repo, AzureFiles):
            return None
        return original(self, run_id=run_id, name=name)

    return repository
