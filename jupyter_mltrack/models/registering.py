"""The acts that change a registry: register, alias, tag, remove. MLflow's client does each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.runs.client_store import ask

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from jupyter_mltrack.workspaces import Workspace

REGISTER_LIMIT_S = 300.0
CREATION_S = 120


def register(
    workspace: Workspace, run_id: str, name: str, path: str | None = None
) -> wire.ModelVersionInfo:
    """Make the next version of `name` from a model that a run logged; a new name makes the model.

    Args:
        workspace: whose run and registry.
        run_id: the run.
        name: of the registered model.
        path: name of the model in the run; not needed where the run logged one.

    Raises:
        NotFound: the run logged no model, or none of that name.
        UsageError: the run logged several and none is named, or the name is none.
        Unreachable: the store gave no answer.
    """
    if not name.strip() or "/" in name or ":" in name or "@" in name:
        raise UsageError(
            f"A model cannot be named {clean(name)!r}.", "A name holds no slash, colon or @."
        )

    def question(client: MlflowClient) -> str:
        from mlflow.exceptions import MlflowException

        source, model_id = source_of(client, run_id, path)
        if model_id is not None and not workspace.tracking_uri.startswith(("http:", "https:")):
            # A database's store looks a `models:/` address up in the process's own tracking URI.
            source = str(client.get_logged_model(model_id).artifact_location)
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = client.create_model_version(
            name, source, run_id, model_id=model_id, await_creation_for=CREATION_S
        )
        return str(made.version)

    number = ask(workspace, question, limit_s=REGISTER_LIMIT_S)
    from jupyter_mltrack import models

    return models.get_version(workspace, name, number)


def source_of(client: MlflowClient, run_id: str, path: str | None) -> tuple[str, str | None]:
    """Address of the run's model, and its id where the store has logged models."""
    run = client.get_run(run_id)
    found = _logged(client, run) or _in_artifacts(client, run)
    if path is not None:
        wanted = path.strip("/")
        if wanted not in found:
            if _is_model(client, run_id, wanted):
                return f"{run.info.artifact_uri}/{wanted}", None
            raise NotFound(
                f"Run {clean(run.info.run_name or run_id)} has no model {clean(wanted)!r}.",
                f"It has: {clean(', '.join(found))}" if found else _LOG_ONE,
            )
        return found[wanted]
    if not found:
        raise NotFound(f"Run {clean(run.info.run_name or run_id)} has no model.", _LOG_ONE)
    if len(found) > 1:
        raise UsageError(
            f"Run {clean(run.info.run_name or run_id)} has {len(found)} models.",
            f"Name one: RUN/PATH with {clean(', '.join(found))}",
        )
    return next(iter(found.values()))


_LOG_ONE = "Log one in the cell: mlflow.sklearn.log_model(model, name='model')"


def _logged(client: MlflowClient, run: Any) -> dict[str, tuple[str, str | None]]:
    """Logged models of a run by name, newest whole one of each; none in a store without such."""
    outputs = getattr(run, "outputs", None)
    found: dict[str, tuple[str, str | None]] = {}
    for output in getattr(outputs, "model_outputs", None) or []:
        model = client.get_logged_model(output.model_id)
        if str(getattr(model.status, "value", model.status)).endswith("FAILED"):
            continue  # it has no files, or not all of them
        found[model.name] = f"models:/{model.model_id}", model.model_id
    return found


def _in_artifacts(client: MlflowClient, run: Any) -> dict[str, tuple[str, str | None]]:
    """Folders of the run's artifacts that hold an MLmodel file, by name."""
    found: dict[str, tuple[str, str | None]] = {}
    for one in client.list_artifacts(run.info.run_id):
        if one.is_dir and _is_model(client, run.info.run_id, one.path):
            found[one.path] = f"{run.info.artifact_uri}/{one.path}", None
    return found


def _is_model(client: MlflowClient, run_id: str, path: str) -> bool:
    if ".." in path.split("/"):
        return False
    return any(one.path == f"{path}/MLmodel" for one in client.list_artifacts(run_id, path))


def set_alias(workspace: Workspace, version: wire.ModelVersionInfo, alias: str) -> None:
    """Point an alias at a version; it leaves the version that had it."""
    ask(
        workspace,
        lambda client: client.set_registered_model_alias(version.name, alias, version.version),
    )


def remove_alias(workspace: Workspace, name: str, alias: str) -> None:
    """Take an alias away."""
    ask(workspace, lambda client: client.delete_registered_model_alias(name, alias))


def set_tag(
    workspace: Workspace, name: str, version: str | None, key: str, value: str | None
) -> None:
    """Set a tag of a model, or of a version of it; None takes it away."""

    def question(client: MlflowClient) -> None:
        if version is None and value is None:
            client.delete_registered_model_tag(name, key)
        elif version is None:
            client.set_registered_model_tag(name, key, value)
        elif value is None:
            client.delete_model_version_tag(name, version, key)
        else:
            client.set_model_version_tag(name, version, key, value)

    ask(workspace, question)


def describe(workspace: Workspace, name: str, version: str | None, description: str) -> None:
    """Describe a model, or a version of it."""
    from jupyter_mltrack.tracking.redaction import redact

    kept = redact(description)

    def question(client: MlflowClient) -> None:
        if version is None:
            client.update_registered_model(name, description=kept)
        else:
            client.update_model_version(name, version, description=kept)

    ask(workspace, question)


def set_stage(workspace: Workspace, version: wire.ModelVersionInfo, stage: str) -> None:
    """Move a version to a stage, for registries whose users go by stages. Aliases replace them."""
    import warnings

    def question(client: MlflowClient) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # MLflow calls stages deprecated
            client.transition_model_version_stage(version.name, version.version, stage)

    ask(workspace, question)


def remove(workspace: Workspace, name: str, version: str | None) -> None:
    """Delete a model with all its versions, or one version."""

    def question(client: MlflowClient) -> None:
        if version is None:
            client.delete_registered_model(name)
        else:
            client.delete_model_version(name, version)

    ask(workspace, question)
