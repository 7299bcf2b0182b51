"""Connect to Azure: find the workspace that is meant, sign in and out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, NotFound, SignedOut, Unreachable, UsageError
from jupyter_mltrack.verbs.confirming import can_ask, typed
from jupyter_mltrack.verbs.progress import OneLine

if TYPE_CHECKING:
    from jupyter_mltrack.azure.scope import Scope

T = TypeVar("T")
_LOOK_S = 1.0
_ONE_WAY = "Say one way to sign in: --device-code, --browser, --service-principal, --cli ..."


# --------------------------------------------------------------------------------- use


def is_about_azure(spec: str | None) -> bool:
    """Whether `use SPEC` means a workspace of Azure ML."""
    return spec is not None and spec.lower().startswith(("azureml", "/subscriptions/"))


def chosen(
    spec: str,
    subscription: str | None = None,
    resource_group: str | None = None,
    workspace: str | None = None,
) -> str:
    """The Azure ML workspace that was named, as `azureml:/subscriptions/...`.

    Where nothing names one, the person picks it from what the account sees. Somebody who is
    signed out is shown how to sign in, where a person can be asked.

    Raises:
        MltrackError: there is no such workspace, nobody is signed in, or it may not be used.
    """
    from jupyter_mltrack.azure.credentials import credential
    from jupyter_mltrack.azure.known import facts_of, known

    scope = _within_sign_in(lambda: _found(spec, subscription, resource_group, workspace), None)
    try:
        _within_sign_in(lambda: credential(scope).get_token(), scope)
        facts_of(scope)
    except Unreachable:
        pass  # chosen all the same: what is logged waits here
    except SignedOut:
        if known(scope) is None:
            raise
    return f"azureml:{scope.arm_id}"


def listed(subscription: str | None = None) -> wire.WorkspacesSeen:
    """The Azure ML workspaces that the account sees.

    Raises:
        MltrackError: nobody is signed in, or Azure gave no answer.
    """
    from jupyter_mltrack.azure.seeing import workspaces_seen

    return _within_sign_in(lambda: workspaces_seen(subscription), None)


def _found(
    spec: str, subscription: str | None, resource_group: str | None, workspace: str | None
) -> Scope:
    from jupyter_mltrack.azure import seeing
    from jupyter_mltrack.azure.scope import Scope, find_config

    if subscription and resource_group and workspace:
        return Scope.of(subscription, resource_group, workspace)
    rest = spec.partition(":")[2]
    if "/" in spec:
        return Scope.parse(spec)
    if rest:
        return _by_name(rest, subscription, resource_group)
    if workspace:
        return seeing.find(workspace, subscription, resource_group)
    if not (subscription or resource_group):
        scope = find_config(Path.cwd())
        if scope is not None:
            return scope
    return _picked(subscription, resource_group)


def _by_name(name: str, subscription: str | None, resource_group: str | None) -> Scope:
    from jupyter_mltrack.azure import seeing
    from jupyter_mltrack.azure.known import all_known

    fits = [one for one in all_known() if one.workspace_name.lower() == name.lower()]
    if len(fits) == 1 and not (subscription or resource_group):
        return fits[0].scope
    return seeing.find(name, subscription, resource_group)


def _picked(subscription: str | None, resource_group: str | None) -> Scope:
    """The workspace that a person picks; the only one there is, without asking."""
    from jupyter_mltrack.azure import seeing
    from jupyter_mltrack.azure.scope import Scope

    seen = seeing.workspaces_seen(subscription).workspaces
    if resource_group:
        seen = [one for one in seen if one.resource_group.lower() == resource_group.lower()]
    if not seen:
        raise NotFound(
            "No config.json names an Azure ML workspace here, and the account sees none.",
            "Is it the right account? %mltrack status says which; %mltrack login changes it.",
        )
    if len(seen) == 1:
        return Scope.parse(seen[0].spec)
    said = _picked_number(seen) if can_ask() else None
    if said is None:
        names = ", ".join(one.name for one in seen[:10])
        raise UsageError(
            f"The account sees {len(seen)} Azure ML workspaces: {names}.",
            "Name one: use azureml:NAME",
        )
    if not said.isdecimal() or not 1 <= int(said) <= len(seen):
        raise UsageError("No workspace was picked; nothing was changed.", "use azureml:NAME")
    return Scope.parse(seen[int(said) - 1].spec)


def _picked_number(seen: list[wire.WorkspaceSeen]) -> str | None:
    for number, one in enumerate(seen, 1):
        place = f"{one.resource_group}, {one.subscription}, {one.location}"
        print(f"{number:>3}  {one.name}  ({place})")
    return typed(f"Which one? [1-{len(seen)}] ")


def _within_sign_in(act: Callable[[], T], scope: Scope | None) -> T:
    """Do something that needs a sign-in; who is signed out signs in first, if anybody can."""
    try:
        return act()
    except SignedOut:
        if not can_ask():
            raise
    sign_in_by_hand("device_code", scope)
    return act()


# ------------------------------------------------------------------------------- login


def login(
    spec: str | None = None,
    *,
    device_code: bool = False,
    browser: bool = False,
    service_principal: bool = False,
    managed_identity: bool = False,
    cli: bool = False,
    tenant: str | None = None,
) -> wire.AccountReport:
    """Sign in to Azure, or say who is signed in already.

    Without a way the machine's own ones are tried; where none works, and for `device_code` and
    `browser`, a person signs in.

    Args:
        spec: an Azure ML workspace; the sign-in is to its organisation.
        device_code: enter a code on a page, on any machine.
        browser: open a browser on this machine.
        service_principal: of AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
        managed_identity: of the machine.
        cli: of `az login`.
        tenant: the organisation, by id or domain.

    Raises:
        SignedOut: it did not work; what was tried is named.
        UsageError: two ways were named.
    """
    from jupyter_mltrack.azure import signing_in

    ways = [device_code, browser, service_principal, managed_identity, cli]
    if sum(ways) > 1:
        raise UsageError("More than one way to sign in was named.", _ONE_WAY)
    scope = _scope_of(spec)
    if service_principal:
        _with_secret(tenant)
    elif managed_identity or cli:
        signing_in.pin("cli" if cli else "managed_identity")
    elif device_code or browser:
        sign_in_by_hand("browser" if browser else "device_code", scope, tenant)
    else:
        report = signing_in.who(scope, fresh=True)
        if report.account is not None:
            return report
        if not can_ask():
            raise _error_of(report)
        sign_in_by_hand("browser" if signing_in.has_browser() else "device_code", scope, tenant)
    report = signing_in.who(scope, fresh=True)
    if report.account is None:
        raise _error_of(report)
    return report


def logout() -> wire.AccountReport:
    """Forget the sign-ins that were made here; those of the machine itself stay."""
    from jupyter_mltrack.azure import signing_in

    gone = signing_in.out()
    report = signing_in.who(fresh=True)
    left = report.account
    if gone:
        names = ", ".join(one.name for one in gone)
        tried = [wire.Pair(key=f"sign-in of {names}", value="ended"), *report.tried]
        return wire.AccountReport(account=left, tried=tried)
    if left is not None:
        raise UsageError(
            f"{left.name} was not signed in here, but by {left.way}.",
            "Sign out where that was done, for example: az logout",
        )
    raise NotFound("Nobody is signed in to Azure.", "Sign in: %mltrack login")


def sign_in_by_hand(
    how: wire.SignInHow, scope: Scope | None = None, tenant: str | None = None
) -> wire.AccountInfo:
    """Show what to do in a browser and wait for it; an interrupt cancels the sign-in.

    Raises:
        SignedOut: it failed, or its code expired.
    """
    from jupyter_mltrack.azure import signing_in
    from jupyter_mltrack.verbs import connect_views

    found = signing_in.begin(how, scope, tenant)
    changes = 0
    with OneLine() as shown:
        try:
            while found.state in ("starting", "waiting"):
                shown.show_view(connect_views.sign_in_line(found, int(time.time() * 1000)))
                found, changes = signing_in.look(found.id, wait_s=_LOOK_S, seen=changes)
        except KeyboardInterrupt:
            signing_in.cancel(found.id)
            raise
    if found.account is None:
        raise SignedOut(found.message or "The sign-in did not work.", found.hint)
    return found.account


def _with_secret(tenant: str | None) -> None:
    from jupyter_mltrack.azure import signing_in

    values = {
        "AZURE_TENANT_ID": tenant or os.environ.get("AZURE_TENANT_ID", ""),
        "AZURE_CLIENT_ID": os.environ.get("AZURE_CLIENT_ID", ""),
        "AZURE_CLIENT_SECRET": os.environ.get("AZURE_CLIENT_SECRET", ""),
    }
    missing = [name for name, value in values.items() if not value]
    if missing and not can_ask():
        raise UsageError(
            f"A service principal needs {', '.join(values)}; {' and '.join(missing)} not set.",
            "Set them in the environment of Jupyter.",
        )
    for name in missing:
        from getpass import getpass

        values[name] = getpass(f"{name}: ").strip()
    signing_in.with_secret(*values.values())


def _scope_of(spec: str | None) -> Scope | None:
    """The workspace that a sign-in is for: the one named, else the current one."""
    from jupyter_mltrack import workspaces
    from jupyter_mltrack.tracking import choice

    if spec is None:
        return choice.workspace().scope
    found = workspaces.resolve(spec)
    if found.scope is None:
        raise UsageError(
            f"{found.name} is no workspace of Azure ML: it needs no sign-in of this kind.",
            "An MLflow server takes MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
        )
    return found.scope


def _error_of(report: wire.AccountReport) -> MltrackError:
    problem = report.problem
    if problem is None:
        return SignedOut("Nobody is signed in to Azure.", "Sign in: %mltrack login")
    tried = "; ".join(f"{one.key}: {one.value}" for one in report.tried if one.value)
    message = f"{problem.message} Tried {tried}." if tried else problem.message
    return MltrackError(message, problem.hint, code=problem.code)
