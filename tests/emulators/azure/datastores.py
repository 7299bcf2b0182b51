"""Datastores of a workspace and their secrets; the bytes are the blob store's."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure import sas
from tests.emulators.azure.core import (
    Json,
    Route,
    State,
    Workspace,
    body_of,
    listed,
    not_found,
    resource,
)  # fmt: skip


def add_defaults(state: State, workspace: Workspace) -> None:
    """The two that every workspace has."""
    add(state, workspace, "workspaceblobstore", sas.container_of(workspace), default=True)
    add(state, workspace, "workspaceartifactstore", "azureml")


def add(
    state: State, workspace: Workspace, name: str, container: str, *, default: bool = False
) -> Json:
    """A blob datastore; clients join account, "blob" and suffix, and so arrive here."""
    made = resource(
        f"{workspace.arm_id}/datastores/{name}",
        "workspaces/datastores",
        {
            "datastoreType": "AzureBlob", "isDefault": default, "description": "",
            "accountName": f"{state.host}/{workspace.account}", "containerName": container,
            "endpoint": "core.windows.net", "protocol": "https",
            "credentials": {"credentialsType": "Sas"}, "tags": {}, "properties": {},
            "serviceDataAccessAuthIdentity": "None",
        },
    )  # fmt: skip
    workspace.collection("datastores")[name.lower()] = made
    return made


async def all_of(state: State, request: Request) -> Response:
    found = list(state.workspace(request).collection("datastores").values())
    if request.query_params.get("isDefault", "").lower() == "true":
        found = [one for one in found if one["properties"]["isDefault"]]
    return listed(request, found)


async def get(state: State, request: Request) -> Response:
    return JSONResponse(state.workspace(request).find("datastores", request.path_params["name"]))


async def put(state: State, request: Request) -> Response:
    workspace, body = state.workspace(request), await body_of(request)
    name, sent = request.path_params["name"], body.get("properties") or {}
    stored = workspace.collection("datastores")
    new = name.lower() not in stored
    made = add(state, workspace, name, sent.get("containerName") or name)
    made["properties"].update(
        {key: value for key, value in sent.items() if value is not None and key != "credentials"}
    )
    kind = (sent.get("credentials") or {}).get("credentialsType", "None")
    made["properties"]["credentials"] = {"credentialsType": kind}
    return JSONResponse(made, 201 if new else 200)


async def delete(state: State, request: Request) -> Response:
    workspace, name = state.workspace(request), request.path_params["name"].lower()
    if workspace.collection("datastores").pop(name, None) is None:
        return Response(None, 204)
    return Response(None, 200)


async def secrets(state: State, request: Request) -> Response:
    workspace = state.workspace(request)
    found = workspace.find("datastores", request.path_params["name"])["properties"]
    if found["datastoreType"] != "AzureBlob":
        raise not_found(request.path_params["name"])
    signed = sas.token(workspace.account, found["containerName"])
    return JSONResponse({"secretsType": "Sas", "sasToken": signed})


ROUTES = [
    Route("GET", "{S}/datastores", all_of),
    Route("GET", "{S}/datastores/{name}", get),
    Route("PUT", "{S}/datastores/{name}", put),
    Route("DELETE", "{S}/datastores/{name}", delete),
    Route("POST", "{S}/datastores/{name}/listSecrets", secrets),
]
