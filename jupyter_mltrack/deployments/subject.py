"""Which model is meant: a version in the registry, a model of a run, or a logged model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack.deployments import azure
from jupyter_mltrack.deployments.azure import fields as azure_fields
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.models.naming import ModelWords, parse_model

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

ID_SHOWN = 8
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}\Z")


class Subject(NamedTuple):
    """A model to deploy.

    Attributes:
        model: name in the registry; empty for a model that is in none.
        version: its number there.
        uri: how MLflow calls it.
        label: what traffic is given to.
        source: where its files lie.
        run_id: the run that made it.
    """

    model: str
    version: str | None
    uri: str
    label: str
    source: str
    run_id: str | None

    @property
    def title(self) -> str:
        """What a sentence calls it."""
        return f"{self.model}/{self.version}" if self.version else self.uri


def find(workspace: Workspace, words: str) -> Subject:
    """The model that the words mean; the newest version where none is named.

    Raises:
        NotFound: there is none.
        UsageError: the words name nothing.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack import models

    parsed = parse_model(words)
    if parsed.uri is not None:
        return _unregistered(workspace, parsed)
    version = models.find_version(workspace, parsed)
    return Subject(
        version.name,
        version.version,
        f"models:/{version.name}/{version.version}",
        version.version,
        models.location(workspace, version.name, version.version),
        version.run_id,
    )


def _unregistered(workspace: Workspace, words: ModelWords) -> Subject:
    from mlflow.exceptions import MlflowException

    from jupyter_mltrack.models import registering
    from jupyter_mltrack.runs.client_store import ask

    uri = str(words.uri)

    def question(client: Any) -> Subject:
        try:
            if uri.startswith("runs:/"):
                run_id, _, path = uri.removeprefix("runs:/").partition("/")
                source, model_id = registering.source_of(client, run_id, path)
                if model_id is not None:
                    source = str(client.get_logged_model(model_id).artifact_location)
                return Subject("", None, uri, run_id[:ID_SHOWN], source, run_id)
            model_id = uri.removeprefix("models:/")
            model = client.get_logged_model(model_id)
            label = model_id.removeprefix("m-")[:ID_SHOWN]
            return Subject("", None, uri, label, str(model.artifact_location), model.source_run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise NotFound(
                f"No model {clean(uri)} in workspace {workspace.name}.",
                "Those there are: %mltrack models",
            ) from error

    return ask(workspace, question)


def endpoint_name(subject: Subject, target: str, name: str | None) -> str:
    """The endpoint's name: the one that was given, or one made of the model's and the target's.

    Raises:
        UsageError: it cannot be one.
    """
    if azure.is_ours(target):
        words = subject.model or f"run-{subject.label}"
        return azure_fields.endpoint_name(name or azure_fields.fitting(words, target))
    if name is not None:
        return checked_name(name)
    words = re.sub(r"[^A-Za-z0-9_-]+", "-", subject.model).strip("-_") or f"run-{subject.label}"
    return checked_name(f"{words[: 62 - len(target)]}-{target}")


def checked_name(name: str) -> str:
    """The name, if an endpoint can have it.

    Raises:
        UsageError: it cannot.
    """
    if not _NAME.match(name):
        raise UsageError(
            f"An endpoint cannot be named {clean(name)!r}.",
            "Use letters, digits, - and _; at most 63, a letter or digit first.",
        )
    return name
