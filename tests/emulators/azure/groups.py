"""What an account sees before it picks a workspace: tenants, subscriptions, resource groups."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure.core import (
    GROUP,
    PROVIDER,
    ApiError,
    Json,
    Route,
    State,
    body_of,
    listed,
)  # fmt: skip
from tests.emulators.azure.operations import accepted


def subscription(state: State, sub: str) -> Json:
    """One subscription, or ARM's 404."""
    found = state.subscriptions.get(sub.lower())
    if found is None:
        raise ApiError(404, "SubscriptionNotFound", f"The subscription '{sub}' could not be found.")
    return found


def group(state: State, sub: str, name: str) -> Json:
    """One resource group, or ARM's 404."""
    found: Json | None = subscription(state, sub)["groups"].get(name.lower())
    if found is None:
        raise ApiError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
    return found


def add_group(state: State, sub: str, name: str, location: str = "eastus") -> Json:
    """A resource group that is there from now on, its subscription too."""
    owner = state.subscriptions.setdefault(
        sub.lower(), {"id": sub, "displayName": "Emulated subscription", "groups": {}}
    )
    made: Json = owner["groups"].setdefault(
        name.lower(),
        {
            "id": GROUP.format(sub=sub, rg=name),
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "location": location,
            "tags": {},
            "properties": {"provisioningState": "Succeeded"},
        },
    )
    return made


def _shown(state: State, sub: str) -> Json:
    found = subscription(state, sub)
    return {
        "id": f"/subscriptions/{found['id']}", "subscriptionId": found["id"], "state": "Enabled",
        "displayName": found["displayName"], "tenantId": state.login.tenant,
        "subscriptionPolicies": {"quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
    }  # fmt: skip


async def tenants(state: State, request: Request) -> Response:
    tenant = state.login.tenant
    return listed(
        request,
        [{"id": f"/tenants/{tenant}", "tenantId": tenant, "displayName": "Emulated directory",
          "defaultDomain": "example.org", "tenantCategory": "Home"}],
    )  # fmt: skip


async def subscriptions(state: State, request: Request) -> Response:
    return listed(request, [_shown(state, sub) for sub in state.subscriptions])


async def one_subscription(state: State, request: Request) -> Response:
    return JSONResponse(_shown(state, request.path_params["sub"]))


async def groups(state: State, request: Request) -> Response:
    found = subscription(state, request.path_params["sub"])["groups"]
    return listed(request, list(found.values()))


async def one_group(state: State, request: Request) -> Response:
    at = request.path_params
    return JSONResponse(group(state, at["sub"], at["rg"]))


async def put_group(state: State, request: Request) -> Response:
    at, body = request.path_params, await body_of(request)
    owner = subscription(state, at["sub"])
    new = at["rg"].lower() not in owner["groups"]
    made = add_group(state, owner["id"], at["rg"], body.get("location", "eastus"))
    made["tags"] = body.get("tags") or {}
    return JSONResponse(made, 201 if new else 200)


async def delete_group(state: State, request: Request) -> Response:
    """The group and all that is in it."""
    at = request.path_params
    found = group(state, at["sub"], at["rg"])
    found["properties"]["provisioningState"] = "Deleting"
    inside = found["id"].lower() + "/"

    def gone() -> None:
        from tests.emulators.azure.workspaces import remove

        for key in [key for key in state.workspaces if key.startswith(inside)]:
            remove(state, state.workspaces[key])
        subscription(state, at["sub"])["groups"].pop(at["rg"].lower(), None)

    operation = state.operations.begin(state.switches.operation_s, gone)
    return accepted(state, request, operation, location=True)


async def resources(state: State, request: Request) -> Response:
    """What is in a group: the workspaces and the services that belong to them."""
    at = request.path_params
    inside = group(state, at["sub"], at["rg"])["id"].lower() + "/"
    found: list[Json] = []
    for key, workspace in state.workspaces.items():
        if not key.startswith(inside):
            continue
        shown = workspace.resource
        found.append({name: shown[name] for name in ("id", "name", "type", "location", "tags")})
        for field in ("storageAccount", "keyVault", "applicationInsights"):
            arm_id = shown["properties"][field]
            kind = "/".join(arm_id.split("/")[6:8])
            found.append(
                {"id": arm_id, "name": arm_id.rsplit("/", 1)[-1], "type": kind,
                 "location": workspace.location, "tags": {}}
            )  # fmt: skip
        for endpoint in workspace.collection("onlineEndpoints").values():
            found.append(
                {"id": endpoint["id"], "name": f"{workspace.name}/{endpoint['name']}",
                 "type": f"{PROVIDER}/workspaces/onlineEndpoints", "location": workspace.location,
                 "tags": endpoint.get("tags") or {}}
            )  # fmt: skip
    return listed(request, found)


ROUTES = [
    Route("GET", "/tenants", tenants),
    Route("GET", "/subscriptions", subscriptions),
    Route("GET", "/subscriptions/{sub}", one_subscription),
    Route("GET", "/subscriptions/{sub}/resourceGroups", groups),
    Route("GET", GROUP, one_group),
    Route("PUT", GROUP, put_group),
    Route("DELETE", GROUP, delete_group),
    Route("GET", f"{GROUP}/resources", resources),
]
