"""What the verbs on registered models do: `register`, `models`, `alias`, `tag`, `rm`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import Ambiguous, MltrackError, NotFound, UsageError
from jupyter_mltrack.models.naming import ModelWords, parse_model
from jupyter_mltrack.tracking import choice
from jupyter_mltrack.verbs.confirming import confirm
from jupyter_mltrack.verbs.endpoint_acts import find_endpoint, remove_endpoint

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace


def register(run: str, name: str) -> wire.ModelVersionInfo:
    """Make a run's model the next version of a registered model; a new name makes a new model.

    Args:
        run: the run, as `show` takes it; `RUN/PATH` where it logged several models.
        name: of the registered model.

    Raises:
        NotFound: no such run, or it logged no model.
        Ambiguous: several runs fit.
        UsageError: several models fit, or the name cannot be one.
    """
    from jupyter_mltrack.models import registering

    workspace = choice.workspace()
    run_id, path = _run_and_path(workspace, run)
    _ship(workspace)
    return registering.register(workspace, run_id, name, path)


def _run_and_path(workspace: Workspace, words: str) -> tuple[str, str | None]:
    from jupyter_mltrack import runs as reader

    words = words.removeprefix("runs:/")
    try:
        return reader.find_run(workspace, words), None
    except NotFound:
        spec, slash, path = words.partition("/")
        if not slash or not path:
            raise
        return reader.find_run(workspace, spec), path


def _ship(workspace: Workspace) -> None:
    """The store must know of the run before its model is registered."""
    from jupyter_mltrack.journal import ship
    from jupyter_mltrack.settings import data_dir

    ship.sync(data_dir(), workspace_id=workspace.id, timeout_s=10.0)


def models(
    model: str | None = None, limit: int | str = 50
) -> wire.ModelPage | wire.ModelInfo | wire.ModelVersionDetail:
    """Registered models; one with its versions; or one version with what lies in its files.

    Args:
        model: `NAME`, `NAME/VERSION` or `NAME@ALIAS`; without it, all of them.
        limit: how many at most.

    Raises:
        NotFound: no such model, version or alias.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack import models as reader
    from jupyter_mltrack.models import files
    from jupyter_mltrack.verbs.acts import _count

    workspace = choice.workspace()
    if model is None:
        return reader.list_models(workspace, limit=_count(limit))
    words = parse_model(model)
    if words.uri is None and words == ModelWords(words.name):
        return reader.get_model(workspace, words.name)
    return files.detail(workspace, reader.find_version(workspace, words))


def alias(model: str, name: str, remove: bool = False) -> wire.ModelInfo:
    """Point an alias at a version, or take it away.

    Args:
        model: `NAME/VERSION` (or `NAME`, its newest version).
        name: the alias.
        remove: take it away.

    Raises:
        NotFound: no such model or version.
        UsageError: the alias cannot be one.
    """
    from jupyter_mltrack import models as reader
    from jupyter_mltrack.models import registering

    workspace = choice.workspace()
    words = parse_model(model)
    if remove:
        known = reader.get_model(workspace, words.name)
        if name not in {one.key for one in known.aliases}:
            reader.find_version(workspace, ModelWords(words.name, alias=name))
        registering.remove_alias(workspace, words.name, name)
    else:
        registering.set_alias(workspace, reader.find_version(workspace, words), name)
    return reader.get_model(workspace, words.name)


def tag(subject: str, pair: str) -> wire.Pair:
    """Set a tag of a run, a model or a version of a model.

    Args:
        subject: `RUN`, `NAME/VERSION` or `NAME`; `run:` or `model:` before it says which.
        pair: `KEY=VALUE`.

    Raises:
        UsageError: the pair is none.
        NotFound: nothing fits the subject.
        Ambiguous: a run and a model fit.
    """
    from jupyter_mltrack.models import registering
    from jupyter_mltrack.runs.client_store import ask

    key, equals, value = pair.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{clean(pair)!r} is no tag.", "Write KEY=VALUE.")
    workspace = choice.workspace()
    found = _subject(workspace, subject)
    if isinstance(found, str):
        _ship(workspace)
        ask(workspace, lambda client: client.set_tag(found, key, value))
    else:
        registering.set_tag(workspace, found.name, found.version, key, value)
    return wire.Pair(key=key, value=value)


def rm(subject: str, yes: bool = False) -> wire.Removed:
    """Delete a run, a model with its versions, one version, an endpoint or a job; asks first.

    Args:
        subject: an endpoint, `RUN`, `NAME/VERSION` or `NAME`; `run:`, `model:`, `endpoint:` or
            `job:` before it says which. A job and its run share their id: without a word before
            it, the run is meant.
        yes: the answer, given ahead.

    Raises:
        NotFound: nothing fits the subject.
        Ambiguous: a run and a model fit.
        UsageError: nobody can be asked and `yes` was not said.
    """
    from jupyter_mltrack import models as reader
    from jupyter_mltrack.models import registering

    workspace = choice.workspace()
    if subject.startswith("job:"):
        from jupyter_mltrack.jobs import folders
        from jupyter_mltrack.verbs.job_acts import remove_job

        return remove_job(folders.find(subject), yes=yes)
    endpoint = None if subject.startswith(("run:", "model:")) else find_endpoint(subject)
    if endpoint is not None:
        return remove_endpoint(*endpoint, yes=yes)
    found = _subject(workspace, subject)
    if isinstance(found, str):
        return _remove_run(workspace, found, yes=yes)
    if found.version is not None:
        what = f"model version {clean(found.name)}/{found.version}"
    else:
        model = reader.get_model(workspace, found.name)
        count = len(model.versions) if model.version_count is None else model.version_count
        what = f"model {clean(found.name)} with {count} version{'' if count == 1 else 's'}"
    served = _served(workspace, found.name, found.version)
    done = confirm(f"Delete {what}?{served}", yes=yes)
    if done:
        registering.remove(workspace, found.name, found.version)
    return wire.Removed(what=what, done=done)


def _served(workspace: Workspace, name: str, version: str | None) -> str:
    """What goes on answering with a model that is to be deleted, as a sentence."""
    from jupyter_mltrack import deployments

    with contextlib.suppress(MltrackError):  # the question is asked all the same
        ends = [
            clean(end.name)
            for end in deployments.list_endpoints().endpoints
            if end.workspace_id == workspace.id
            and any(one.model == name and version in (None, one.version) for one in end.deployments)
        ]
        if ends:
            if len(ends) == 1:
                return f" Endpoint {ends[0]} serves it and goes on doing so."
            return f" Endpoints {', '.join(ends)} serve it and go on doing so."
    return ""


def _remove_run(workspace: Workspace, run_id: str, *, yes: bool) -> wire.Removed:
    from jupyter_mltrack import runs as run_reader
    from jupyter_mltrack.jobs import stopping
    from jupyter_mltrack.runs.client_store import ask

    run = run_reader.get_run(workspace, run_id).summary
    what = f"run {clean(run.name or run_id)} ({run_id[:8]})"
    job = stopping.state_there(workspace, run_id) if workspace.scope is not None else ""
    if job not in ("", "done", "failed", "cancelled"):
        raise UsageError(
            f"The {what} is a job that still runs: without its run nobody would see what it costs.",
            f"Stop it first: %mltrack stop run:{run_id[:8]}",
        )
    question = f"Delete {what}?"
    if job:
        question += f" Azure deletes no job: in workspace {clean(workspace.name)} it is archived."
    done = confirm(question, yes=yes)
    if done:
        _ship(workspace)
        ask(workspace, lambda client: client.delete_run(run_id))
        if job:
            stopping.archive(workspace, run_id)
    return wire.Removed(what=what, done=done)


def _subject(workspace: Workspace, text: str) -> str | ModelWords:
    """The run's id, or the model with the number of its version."""
    from jupyter_mltrack import runs as run_reader

    kind, colon, rest = text.partition(":")
    if colon and kind == "run":
        return run_reader.find_run(workspace, rest)
    if colon and kind == "model":
        return _model_subject(workspace, rest)
    model: ModelWords | None = None
    problem: NotFound | None = None
    if not text.startswith(("best:", "worst:", "last")):
        try:
            model = _model_subject(workspace, text)
        except (NotFound, UsageError) as error:
            problem = error if isinstance(error, NotFound) else None
    if "/" in text or "@" in text:
        if model is not None:
            return model
        if problem is not None:
            raise problem
    try:
        run_id = run_reader.find_run(workspace, text)
    except NotFound:
        if model is not None:
            return model
        raise NotFound(
            f"No run, model or endpoint {clean(text)!r} in workspace {workspace.name}.",
            "Those there are: %mltrack runs, %mltrack models, %mltrack endpoints",
        ) from None
    if model is None:
        return run_id
    raise Ambiguous(
        f"{clean(text)!r} is a run and a model.",
        f"Say which: run:{clean(text)} or model:{clean(text)}",
        choices=(f"run:{text}", f"model:{text}"),
    )


def _model_subject(workspace: Workspace, text: str) -> ModelWords:
    from jupyter_mltrack import models as reader

    words = parse_model(text)
    if words == ModelWords(words.name):
        return ModelWords(reader.get_model(workspace, words.name, versions=1).name)
    version = reader.find_version(workspace, words)
    return ModelWords(version.name, version=version.version)
