"""Read and change registered models through MLflow's own client, with a time limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.runs.client_store import LISTED_METRICS, ask, summary

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from jupyter_mltrack.workspaces import Workspace

LISTED_VERSIONS = 5
_SCAN_PAGE = 100
_SCAN_PAGES = 50


def page(
    workspace: Workspace, words: Sequence[str], limit: int, token: str | None
) -> wire.ModelPage:
    """Models whose names hold all `words`, the one changed last first."""
    folded = [word.casefold() for word in words]

    def question(client: MlflowClient) -> wire.ModelPage:
        found, at = [], token
        for _ in range(_SCAN_PAGES if folded else 1):
            models = client.search_registered_models(
                max_results=_SCAN_PAGE if folded else limit,
                order_by=["last_updated_timestamp DESC", "name ASC"],
                page_token=at,
            )
            at = models.token or None
            found += [
                _model(client, workspace, one, LISTED_VERSIONS)
                for one in models
                if all(word in one.name.casefold() for word in folded)
            ]
            if at is None or len(found) >= limit:
                break
        return wire.ModelPage(models=found, next_page_token=at)

    return ask(workspace, question)


def model(workspace: Workspace, name: str, versions: int) -> wire.ModelInfo:
    """One model with its newest versions.

    Raises:
        NotFound: there is none of that name.
    """

    def question(client: MlflowClient) -> wire.ModelInfo:
        return _model(client, workspace, client.get_registered_model(name), versions)

    return ask(workspace, question)


def version(workspace: Workspace, name: str, number: str) -> wire.ModelVersionInfo:
    """One version.

    Raises:
        NotFound: there is none.
    """

    def question(client: MlflowClient) -> wire.ModelVersionInfo:
        aliases = _aliases(client.get_registered_model(name))
        return _version(client, workspace, client.get_model_version(name, number), aliases)

    return ask(workspace, question)


def of_run(workspace: Workspace, run_id: str, limit: int) -> list[wire.ModelVersionInfo]:
    """Versions that were made by a run, the newest first."""

    def question(client: MlflowClient) -> list[wire.ModelVersionInfo]:
        quoted = run_id.replace("'", "''")
        found = client.search_model_versions(f"run_id = '{quoted}'", max_results=limit)
        found.sort(key=lambda one: -(one.creation_timestamp or 0))
        aliases = {
            name: _aliases(client.get_registered_model(name))
            for name in {one.name for one in found}
        }
        return [_version(client, workspace, one, aliases[one.name]) for one in found]

    return ask(workspace, question)


def location(workspace: Workspace, name: str, number: str) -> str:
    """Where the files of a version lie."""
    return ask(workspace, lambda client: str(client.get_model_version_download_uri(name, number)))


def _model(client: MlflowClient, workspace: Workspace, one: Any, versions: int) -> wire.ModelInfo:
    aliases = _aliases(one)
    quoted = one.name.replace("'", "''")
    found = client.search_model_versions(
        f"name = '{quoted}'", max_results=versions, order_by=["version_number DESC"]
    )
    return wire.ModelInfo(
        name=one.name,
        workspace_id=wire.WorkspaceId(workspace.id),
        created_ms=int(one.creation_timestamp or 0),
        updated_ms=int(one.last_updated_timestamp or 0),
        description=one.description or "",
        tags=_pairs(one.tags),
        aliases=[wire.Pair(key=alias, value=number) for alias, number in sorted(aliases.items())],
        versions=[_version(client, workspace, each, aliases) for each in found],
    )


def _version(
    client: MlflowClient, workspace: Workspace, one: Any, aliases: dict[str, str]
) -> wire.ModelVersionInfo:
    run = _run_of(client, workspace, one.run_id)
    number = str(one.version)
    return wire.ModelVersionInfo(
        name=one.name,
        version=number,
        created_ms=int(one.creation_timestamp or 0),
        updated_ms=int(one.last_updated_timestamp or 0),
        status=str(one.status or "READY"),
        aliases=sorted(alias for alias, at in aliases.items() if at == number),
        stage=None if one.current_stage in (None, "", "None") else one.current_stage,
        run_id=wire.RunId(one.run_id) if one.run_id else None,
        run_name=run.name if run else None,
        source=one.source or "",
        description=one.description or "",
        tags=_pairs(one.tags),
        metrics=run.metrics if run else [],
    )


def _run_of(client: MlflowClient, workspace: Workspace, run_id: str) -> wire.RunSummary | None:
    """The run that made a version; None when the store has it no more."""
    from mlflow.exceptions import MlflowException

    if not run_id:
        return None
    try:
        return summary(client.get_run(run_id), workspace.id, {}, LISTED_METRICS)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def _aliases(model: Any) -> dict[str, str]:
    return {alias: str(number) for alias, number in (getattr(model, "aliases", None) or {}).items()}


def _pairs(tags: Any) -> list[wire.Pair]:
    return [wire.Pair(key=key, value=str(tags[key])) for key in sorted(tags or {})]
