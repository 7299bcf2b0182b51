"""Azure ML workspaces themselves: what there are, making one with all that it needs, its end."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage import groups
from jupyter_mltrack.azure.manage.place import (
    API,
    GROUPS_API,
    PROVIDER,
    Place,
    checked,
    last_segment,
    properties,
    text,
)
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError

if TYPE_CHECKING:
    from jupyter_mltrack.azure.scope import Scope

DEPLOYMENTS_API = "2020-06-01"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,32}\Z")

Progress = Callable[[str, float], None]


def listed(
    arm: Any, subscription_id: str | None = None, group: str | None = None
) -> wire.AzureWorkspaceList:
    """Workspaces that the account sees, of one group, one subscription, or all of them."""
    found: list[wire.AzureWorkspaceInfo] = []
    problems: list[wire.Problem] = []
    subscriptions = [subscription_id] if subscription_id else _subscriptions(arm)
    for one in subscriptions:
        inside = f"/resourceGroups/{checked(group, 'A resource group')}" if group else ""
        path = f"/subscriptions/{checked(one, 'A subscription')}{inside}/providers/{PROVIDER}"
        try:
            found += [described(each) for each in arm.list(f"{path}/workspaces", API)]
        except MltrackError as error:
            if len(subscriptions) == 1:
                raise
            problems.append(_problem(error))
    found.sort(key=lambda one: (one.name.lower(), one.resource_group.lower()))
    return wire.AzureWorkspaceList(workspaces=found, problems=problems)


def _subscriptions(arm: Any) -> list[str]:
    found = arm.list("/subscriptions", "2020-01-01")
    return [text(one, "subscriptionId") for one in found if text(one, "subscriptionId")]


def _problem(error: MltrackError) -> wire.Problem:
    from jupyter_mltrack.models.files import problem_of

    return problem_of(error)


def get(place: Place) -> wire.AzureWorkspaceInfo:
    """The workspace of this scope.

    Raises:
        NotFound: there is none.
        Denied: the account may not look at it.
    """
    return described(place.arm.get(place.path(), API))


def described(resource: dict[str, Any]) -> wire.AzureWorkspaceInfo:
    """A workspace as the resource manager describes it, in our words."""
    inner = properties(resource)
    arm_id = text(resource, "id")
    parts = arm_id.split("/")
    access = text(inner, "publicNetworkAccess")
    tags = resource.get("tags")
    return wire.AzureWorkspaceInfo(
        name=text(resource, "name"),
        subscription_id=parts[2] if len(parts) > 4 else "",
        resource_group=parts[4] if len(parts) > 4 else "",
        arm_id=arm_id,
        location=text(resource, "location"),
        state=text(inner, "provisioningState"),
        kind=text(resource, "kind"),
        public={"enabled": True, "disabled": False}.get(access.lower()),
        storage=last_segment(text(inner, "storageAccount")),
        link=studio(f"home?wsid={arm_id}") if arm_id else "",
        description=text(inner, "description"),
        tags=[
            wire.Pair(key=clean(str(key)), value=clean(str(value)))
            for key, value in (tags.items() if isinstance(tags, dict) else ())
        ],
    )


def studio(rest: str) -> str:
    """Address of a page of Azure ML studio, for the cloud that is current."""
    from jupyter_mltrack.azure import clouds

    return f"{clouds.current().studio.rstrip('/')}/{rest}"


# ------------------------------------------------------------------------------ changing


def create(
    arm: Any,
    scope: Scope,
    location: str,
    *,
    description: str = "",
    public: bool = False,
    progress: Progress | None = None,
) -> wire.AzureWorkspaceInfo:
    """Make a workspace with the storage, key vault and insights that it needs.

    All of it is one template deployment, so that it is made whole; the group is made if need be.

    Raises:
        UsageError: it cannot have that name, or exists.
        Denied: the account may not.
    """
    if not _NAME.match(scope.workspace_name):
        raise UsageError(
            f"A workspace cannot be named {clean(scope.workspace_name)!r}.",
            "Use 3 to 33 letters, digits, - and _; a letter or digit first.",
        )
    try:
        arm.get(scope.arm_id, API)
    except NotFound:
        pass
    else:
        raise UsageError(
            f"Workspace {clean(scope.workspace_name)} exists.",
            f"Use it: %mltrack use azureml:{scope.arm_id}",
        )
    groups.ensure(arm, scope.subscription_id, scope.resource_group, location)
    name = f"{scope.workspace_name}-{int(time.time())}"
    path = (
        f"/subscriptions/{scope.subscription_id}/resourcegroups/{scope.resource_group}"
        f"/providers/Microsoft.Resources/deployments/{name}"
    )
    body = {"properties": _deployment(scope, location, description, public)}
    arm.put(path, DEPLOYMENTS_API, body, wait=True, progress=progress)
    return described(arm.get(scope.arm_id, API))


def _deployment(scope: Scope, location: str, description: str, public: bool) -> dict[str, Any]:
    """A template that makes the workspace and what it needs; names follow from the workspace's."""
    mark = hashlib.sha256(scope.arm_id.lower().encode()).hexdigest()[:8]
    stem = re.sub(r"[^a-z0-9]", "", scope.workspace_name.lower())[:10] or "ws"
    values = {
        "workspaceName": scope.workspace_name,
        "location": location,
        "kind": "Default",
        "description": description,
        "storageAccountName": f"{stem}st{mark}",
        "keyVaultName": f"{stem}-kv-{mark}",
        "applicationInsightsName": f"{stem}-ai-{mark}",
        "publicNetworkAccess": "Enabled" if public else "Disabled",
    }
    return {
        "mode": "Incremental",
        "template": {
            "$schema": (
                "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
            ),
            "contentVersion": "1.0.0.0",
            "parameters": {name: {"type": "string"} for name in values},
            "resources": _resources(),
        },
        "parameters": {name: {"value": value} for name, value in values.items()},
    }


def _resources() -> list[dict[str, Any]]:
    place = "[parameters('location')]"

    def named(parameter: str) -> str:
        return f"[parameters('{parameter}')]"

    def identity(kind: str, parameter: str) -> str:
        return f"[resourceId('{kind}', parameters('{parameter}'))]"

    needs = {
        "storageAccount": ("Microsoft.Storage/storageAccounts", "storageAccountName"),
        "keyVault": ("Microsoft.KeyVault/vaults", "keyVaultName"),
        "applicationInsights": ("Microsoft.Insights/components", "applicationInsightsName"),
    }
    ids = {key: identity(*value) for key, value in needs.items()}
    return [
        {
            "type": "Microsoft.Storage/storageAccounts",
            "apiVersion": "2023-01-01",
            "name": named("storageAccountName"),
            "location": place,
            "sku": {"name": "Standard_LRS"},
            "kind": "StorageV2",
            "properties": {
                "allowBlobPublicAccess": False,
                "minimumTlsVersion": "TLS1_2",
                "supportsHttpsTrafficOnly": True,
            },
        },
        {
            "type": "Microsoft.KeyVault/vaults",
            "apiVersion": "2023-02-01",
            "name": named("keyVaultName"),
            "location": place,
            "properties": {
                "tenantId": "[subscription().tenantId]",
                "sku": {"family": "A", "name": "standard"},
                "accessPolicies": [],
                "enableSoftDelete": True,
            },
        },
        {
            "type": "Microsoft.Insights/components",
            "apiVersion": "2020-02-02",
            "name": named("applicationInsightsName"),
            "location": place,
            "kind": "web",
            "properties": {"Application_Type": "web"},
        },
        {
            "type": f"{PROVIDER}/workspaces",
            "apiVersion": API,
            "name": named("workspaceName"),
            "location": place,
            "kind": named("kind"),
            "identity": {"type": "SystemAssigned"},
            "dependsOn": list(ids.values()),
            "properties": {
                "friendlyName": named("workspaceName"),
                "description": named("description"),
                "publicNetworkAccess": named("publicNetworkAccess"),
                **ids,
            },
        },
    ]


def delete(place: Place, progress: Progress | None = None) -> None:
    """Delete a workspace; its storage, vault and insights stay, as the service does it.

    Raises:
        NotFound: there is none.
        Denied: the account may not.
    """
    place.arm.get(place.path(), API)
    place.arm.delete(place.path(), API, wait=True, progress=progress)


def group_location(arm: Any, scope: Scope) -> str:
    """Where the group of a workspace is; empty where there is none yet."""
    path = f"/subscriptions/{scope.subscription_id}/resourceGroups/{scope.resource_group}"
    try:
        return text(arm.get(path, GROUPS_API), "location")
    except NotFound:
        return ""
