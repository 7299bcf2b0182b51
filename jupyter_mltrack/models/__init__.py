"""The only reader of registered models, and the few acts that change them. Nothing here loads one.

A SQLite store that MLflow made is read by SQL, any other store through MLflow's client with a
time limit. Changes go through MLflow's client always, so that the store's own rules hold.

The package is also the verb: `jupyter_mltrack.models("churn")` calls it, because one name cannot
be both otherwise.
"""

from __future__ import annotations

import contextlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.models.naming import ModelWords, parse_model

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

__all__ = [
    "find_version",
    "get_model",
    "get_version",
    "list_models",
    "location",
    "parse_model",
    "versions_of_run",
]

LIMIT_MAX = 200
VERSIONS = 50


def list_models(
    workspace: Workspace, *, text: str = "", limit: int = 50, page_token: str | None = None
) -> wire.ModelPage:
    """A page of registered models, the one changed last first.

    Args:
        workspace: whose models.
        text: words that each must be in the name.
        limit: how many at most.
        page_token: `next_page_token` of the page before.

    Raises:
        Unreachable: the store gave no answer.
        UsageError: the token is none of ours.
    """
    from jupyter_mltrack.models import client_models, sqlite_models

    words = text.split()
    limit = max(1, min(limit, LIMIT_MAX))
    if workspace.database is None:
        return client_models.page(workspace, words, limit, page_token)
    token = page_token or "0"
    if not token.isdecimal() or len(token) > 9:
        raise UsageError("The page token is none of ours.", "Ask for the first page.")
    with sqlite_models.reading(workspace.database) as connection:
        if connection is None:
            return wire.ModelPage(models=[], total=0)
        return sqlite_models.page(connection, workspace.id, words, limit, int(token))


def get_model(workspace: Workspace, name: str, *, versions: int = VERSIONS) -> wire.ModelInfo:
    """One registered model with its newest versions.

    Raises:
        NotFound: there is none of that name; the hint names those that are near.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.models import client_models, sqlite_models

    found = None
    if workspace.database is None:
        with contextlib.suppress(NotFound):  # said below, with what there is
            found = client_models.model(workspace, name, versions)
    else:
        with sqlite_models.reading(workspace.database) as connection:
            if connection is not None:
                found = sqlite_models.model(connection, workspace.id, name, versions)
    if found is None:
        raise _no_model(workspace, name)
    return found


def find_version(workspace: Workspace, words: str | ModelWords) -> wire.ModelVersionInfo:
    """The version that the words mean: the newest one where none is named.

    Raises:
        UsageError: the words name nothing, or a model that is in no registry.
        NotFound: no such model, version, alias or stage.
        Unreachable: the store gave no answer.
    """
    wanted = parse_model(words) if isinstance(words, str) else words
    if wanted.uri is not None:
        raise UsageError(
            f"{clean(wanted.uri)} is not registered.", "Register it: %mltrack register RUN NAME"
        )
    model = get_model(workspace, wanted.name)
    number = wanted.version
    if wanted.alias is not None:
        number = next((one.value for one in model.aliases if one.key == wanted.alias), None)
        if number is None:
            raise _no_alias(workspace, model, wanted.alias)
    for one in model.versions:
        if wanted.stage is not None and one.stage != wanted.stage:
            continue
        if number is None or one.version == number:
            return one
    if number is not None and model.version_count != len(model.versions):
        return get_version(workspace, model.name, number)
    raise _no_version(workspace, model, number or wanted.stage or "")


def versions_of_run(workspace: Workspace, run_id: str) -> list[wire.ModelVersionInfo]:
    """Registered versions that a run made, the newest first.

    Raises:
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.models import client_models, sqlite_models

    if workspace.database is None:
        return client_models.of_run(workspace, run_id, VERSIONS)
    with sqlite_models.reading(workspace.database) as connection:
        return [] if connection is None else sqlite_models.of_run(connection, run_id, VERSIONS)


def get_version(workspace: Workspace, name: str, number: str) -> wire.ModelVersionInfo:
    """One version of a registered model.

    Raises:
        NotFound: there is none.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.models import client_models, sqlite_models

    found = None
    if workspace.database is None:
        with contextlib.suppress(NotFound):  # said below, with what there is
            found = client_models.version(workspace, name, number)
    else:
        with sqlite_models.reading(workspace.database) as connection:
            if connection is not None:
                found = sqlite_models.version(connection, name, number)
    if found is None:
        raise _no_version(workspace, get_model(workspace, name), number)
    return found


def location(workspace: Workspace, name: str, number: str) -> str:
    """Where the files of a version lie, as an address.

    Raises:
        NotFound: there is no such version, or it has no files.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.models import client_models, sqlite_models

    if workspace.database is None:
        return client_models.location(workspace, name, number)
    found = None
    with sqlite_models.reading(workspace.database) as connection:
        if connection is not None:
            found = sqlite_models.location(connection, name, number)
    if found is None:
        raise NotFound(
            f"Version {number} of model {clean(name)!r} has no files.", "Register it anew."
        )
    return found


# ------------------------------------------------------------------------------ refusals


def _place(workspace: Workspace) -> str:
    return f"workspace {workspace.title}"


def _no_model(workspace: Workspace, name: str) -> NotFound:
    import difflib

    names = [one.name for one in list_models(workspace, limit=LIMIT_MAX).models]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(map(clean, near))}? " if near else ""
    hint += (
        "Those there are: %mltrack models" if names else "Register one: %mltrack register RUN NAME"
    )
    return NotFound(f"No model {clean(name)!r} in {_place(workspace)}.", hint)


def _no_version(workspace: Workspace, model: wire.ModelInfo, word: str) -> NotFound:
    numbers = sorted(int(one.version) for one in model.versions)
    if not numbers:
        there = "It has no version"
    elif len(numbers) == 1:
        there = f"Version {numbers[0]} exists"
    elif numbers == list(range(numbers[0], numbers[-1] + 1)):
        there = f"Versions {numbers[0]} to {numbers[-1]} exist"
    else:
        there = f"Versions {', '.join(map(str, numbers[-10:]))} exist"
    name = clean(model.name)
    return NotFound(
        f"No model version {name}/{clean(word)} in {_place(workspace)}.",
        f"{there}: %mltrack models {name}",
    )


def _no_alias(workspace: Workspace, model: wire.ModelInfo, alias: str) -> NotFound:
    known = ", ".join(f"{one.key} ({one.value})" for one in model.aliases)
    name = clean(model.name)
    return NotFound(
        f"Model {name} has no alias {clean(alias)!r} in {_place(workspace)}.",
        f"Its aliases: {clean(known)}"
        if known
        else f"Give one: %mltrack alias {name}/1 {clean(alias)}",
    )


class _ModelsVerb(ModuleType):
    """The package itself, callable as the verb `models`."""

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        from jupyter_mltrack.verbs import model_acts

        return model_acts.models(*args, **keywords)


sys.modules[__name__].__class__ = _ModelsVerb
