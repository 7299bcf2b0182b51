"""The Azure ML workspaces that an account sees, over all of its subscriptions."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.azure import clouds
from jupyter_mltrack.azure.arm import Arm
from jupyter_mltrack.azure.credentials import credential
from jupyter_mltrack.azure.scope import Scope
from jupyter_mltrack.azure.signing_in import account_info, problem_of
from jupyter_mltrack.errors import Ambiguous, MltrackError, NotFound

API = "2024-10-01"
SUBSCRIPTIONS_API = "2022-12-01"
SEE_S = 20.0
SUBSCRIPTIONS_MAX = 200
_AT_ONCE = 8
_LIST_HINT = "See those that there are: %mltrack use azureml --list"


def workspaces_seen(
    subscription: str | None = None, *, timeout_s: float = SEE_S
) -> wire.WorkspacesSeen:
    """What the account sees, by name; a subscription that cannot be asked is told of.

    Args:
        subscription: its id; None asks all of them.
        timeout_s: for all of it.

    Raises:
        SignedOut: nobody is signed in.
        Unreachable: Azure gave no answer.
    """
    until_s = time.monotonic() + timeout_s
    signed_in = credential()
    arm = Arm(clouds.current(), signed_in)
    names = _subscriptions(arm, subscription, timeout_s)
    problems: list[wire.Problem] = []
    found: list[wire.WorkspaceSeen] = []

    def of_one(one: str) -> list[dict[str, Any]] | MltrackError:
        try:
            return arm.list(
                f"/subscriptions/{one}/providers/Microsoft.MachineLearningServices/workspaces",
                API,
                operation=f"list the workspaces of subscription {names[one]}",
                timeout_s=max(1.0, until_s - time.monotonic()),
            )
        except MltrackError as error:
            return error

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="mltrack-azure") as pool:
        for one, answer in zip(names, pool.map(of_one, names), strict=True):
            if isinstance(answer, MltrackError):
                problems.append(problem_of(answer))
                continue
            found += [info for item in answer if (info := _info(item, names[one])) is not None]
    found.sort(key=lambda info: (info.name.lower(), info.spec.lower()))
    return wire.WorkspacesSeen(workspaces=found, account=account_info(signed_in), problems=problems)


def find(name: str, subscription: str | None = None, resource_group: str | None = None) -> Scope:
    """The workspace of this name that the account sees.

    Raises:
        NotFound: it sees none.
        Ambiguous: it sees several; the choices are listed.
        MltrackError: as `workspaces_seen`.
    """
    seen = workspaces_seen(subscription)
    fits = [
        one
        for one in seen.workspaces
        if one.name.lower() == name.lower()
        and (resource_group is None or one.resource_group.lower() == resource_group.lower())
    ]
    if len(fits) == 1:
        return Scope.parse(fits[0].spec)
    shown = "".join(c for c in name if c.isprintable())[:80]
    who = seen.account.name if seen.account is not None else "the account"
    if not fits:
        blind = f" {len(seen.problems)} subscriptions could not be asked." if seen.problems else ""
        raise NotFound(f"{who} sees no Azure ML workspace called {shown}.{blind}", _LIST_HINT)
    raise Ambiguous(
        f"{who} sees {len(fits)} Azure ML workspaces called {shown}.",
        f"Add --resource-group: {', '.join(one.resource_group for one in fits)}.",
        choices=[one.spec for one in fits],
    )


def _subscriptions(arm: Arm, only: str | None, timeout_s: float) -> dict[str, str]:
    """Id -> name."""
    if only is not None:
        return {only: only}
    found = arm.list(
        "/subscriptions", SUBSCRIPTIONS_API, operation="list subscriptions", timeout_s=timeout_s
    )
    enabled = [one for one in found if one.get("state", "Enabled") == "Enabled"]
    return {
        str(one["subscriptionId"]): str(one.get("displayName") or one["subscriptionId"])
        for one in enabled[:SUBSCRIPTIONS_MAX]
        if one.get("subscriptionId")
    }


def _info(item: dict[str, Any], subscription: str) -> wire.WorkspaceSeen | None:
    scope = Scope.find(str(item.get("id") or ""))
    # hubs and registries are kept at the same place and track nothing
    if scope is None or str(item.get("kind") or "Default").lower() in ("hub", "featurestore"):
        return None
    return wire.WorkspaceSeen(
        name=scope.workspace_name,
        resource_group=scope.resource_group,
        subscription=subscription,
        location=str(item.get("location") or ""),
        spec=f"azureml:{scope.arm_id}",
    )
