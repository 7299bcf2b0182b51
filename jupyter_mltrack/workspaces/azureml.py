"""Azure ML workspaces as workspaces: what a person writes becomes an address, asking nobody.

    azureml                                  environment, or config.json upward of the folder
    azureml:/subscriptions/...               an ARM id; also without `azureml:`
    azureml:NAME                             one that was used here before
    azureml://HOST/mlflow/v2.0/subscriptions/...   MLflow's own address of it

The address that MLflow needs holds the workspace's host, which Azure must be asked for once:
`located` does so. Until then the address is the ARM id after `azureml:`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack.azure.scope import Scope, find_config
from jupyter_mltrack.errors import Ambiguous, NotFound, UsageError

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.azure.known import WorkspaceFacts
    from jupyter_mltrack.workspaces.resolve import Workspace

WORD = "azureml"
LOCATE_S = 20.0


def from_spec(spec: str, base: Path) -> Workspace | None:
    """The workspace that `spec` means; None when `spec` is not about Azure ML.

    Raises:
        UsageError: neither environment nor a file upward names a workspace, or the id is damaged.
        NotFound: no workspace of that name was used here.
        Ambiguous: several were.
    """
    if spec.lower() == WORD:
        scope = find_config(base)
        if scope is None:
            raise UsageError(
                f"No config.json above {base} names an Azure ML workspace.",
                "Write: use azureml --subscription ID --resource-group GROUP --workspace NAME, "
                "or use azureml --list to see those there are.",
            )
        return from_scope(scope)
    if spec.lower().startswith("/subscriptions/"):
        return from_scope(Scope.parse(spec))
    word, colon, rest = spec.partition(":")
    if word.lower() != WORD or not colon:
        return None
    if "/" not in rest:
        return from_scope(_named(rest))
    return from_scope(Scope.parse(rest))


def from_scope(scope: Scope, name: str | None = None) -> Workspace:
    """The workspace; its address is whole where its host is known."""
    from jupyter_mltrack.azure import known
    from jupyter_mltrack.workspaces.resolve import Workspace

    facts = known.known(scope)
    named = f"{WORD}:{(facts.scope if facts else scope).arm_id}"
    return Workspace(
        id=known.id_of(scope),
        kind="azureml",
        name=name or scope.workspace_name,
        tracking_uri=facts.tracking_uri if facts is not None else named,
        display_uri=named,
    )


def from_meta(meta: wire.JournalMeta) -> Workspace:
    """The workspace that a journal belongs to."""
    return from_scope(Scope.parse(meta.tracking_uri), meta.workspace_name)


def is_located(workspace: Workspace) -> bool:
    """Whether its address is whole: MLflow can use it."""
    return workspace.kind != "azureml" or "://" in workspace.tracking_uri


def located(workspace: Workspace, *, timeout_s: float = LOCATE_S) -> Workspace:
    """The same workspace with its whole address; Azure is asked where the host is not known.

    Any workspace that is not one of Azure ML is returned as it is.

    Raises:
        MltrackError: nobody is signed in, there is no such workspace, or Azure gave no answer.
    """
    if is_located(workspace):
        return workspace
    return replace(workspace, tracking_uri=facts(workspace, timeout_s=timeout_s).tracking_uri)


def facts(workspace: Workspace, *, timeout_s: float = LOCATE_S) -> WorkspaceFacts:
    """What is known of an Azure ML workspace; Azure is asked where nothing is.

    Raises:
        MltrackError: as `located`.
    """
    from jupyter_mltrack.azure.known import facts_of

    return facts_of(Scope.parse(workspace.tracking_uri), timeout_s=timeout_s)


def canonical(uri: str) -> str:
    """One spelling for all addresses of a workspace; what its id is made from."""
    scope = Scope.find(uri)
    return f"{WORD}:{scope.key}" if scope is not None else uri


def run_link(workspace: Workspace, run_id: str) -> str | None:
    """The address of the run's page in the studio; None where that is not known."""
    from jupyter_mltrack.azure.known import known

    scope = workspace.scope
    found = known(scope) if scope is not None else None
    return found.studio_link(f"runs/{run_id}") if found is not None else None


def signed_in_name(workspace: Workspace) -> str | None:
    """Who signed in by hand to the cloud of an Azure ML workspace; None elsewhere. Asks nobody."""
    if workspace.kind != WORD:
        return None
    from jupyter_mltrack.azure import accounts, clouds

    account = accounts.chosen(clouds.current_key())
    return account.name if account is not None else None


def _named(name: str) -> Scope:
    from jupyter_mltrack.azure.known import all_known

    fits = [one for one in all_known() if one.workspace_name.lower() == name.lower()]
    if len(fits) == 1:
        return fits[0].scope
    shown = "".join(c for c in name if c.isprintable())[:80]
    if fits:
        raise Ambiguous(
            f"Several Azure ML workspaces are called {shown}.",
            f"Name one by its id: azureml:{fits[0].scope.arm_id}",
            choices=[one.scope.arm_id for one in fits],
        )
    raise NotFound(
        f"No Azure ML workspace called {shown} was used here.",
        "See those that there are: %mltrack use azureml --list",
    )
