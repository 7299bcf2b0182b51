"""Versioned assets that are kept as they were sent: environments, code, data, components."""

from __future__ import annotations

import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure import sas
from tests.emulators.azure.core import (
    ApiError,
    Handler,
    Json,
    Route,
    State,
    Workspace,
    body_of,
    listed,
    not_found,
    resource,
)  # fmt: skip

# what a version of each kind may not change once it is there
_FIXED = {
    "codes": ["codeUri"], "data": ["dataUri"], "environments": ["image", "condaFile", "build"],
    "components": [],
}  # fmt: skip
CURATED = {
    "AzureML-sklearn-1.5": "sklearn-1.5",
    "AzureML-pytorch-2.2": "acpt-pytorch-2.2-cuda12.1",
    "AzureML-ai-studio-development": "ai-studio-dev",
}


def _versions(workspace: Workspace, kind: str, name: str) -> dict[str, Json]:
    if kind == "environments":
        _curated(workspace)
    return workspace.collection(f"{kind}/{name}/versions")


def _curated(workspace: Workspace) -> None:
    """The environments that come with every workspace, put there at the first look."""
    if workspace.rooms.get("curated"):
        return
    workspace.rooms["curated"] = True
    for name, image in CURATED.items():
        properties = {
            "image": f"mcr.microsoft.com/azureml/curated/{image}:1", "osType": "Linux",
            "environmentType": "Curated", "isAnonymous": False, "isArchived": False, "tags": {},
            "properties": {}, "description": "", "autoRebuild": "Disabled",
        }  # fmt: skip
        arm_id = f"{workspace.arm_id}/environments/{name}/versions/1"
        made = resource(arm_id, "workspaces/environments/versions", properties)
        workspace.collection(f"environments/{name}/versions")["1"] = made


def container(workspace: Workspace, kind: str, name: str) -> Json:
    """The asset over its versions; its newest and its next number are part of it."""
    versions = list(_versions(workspace, kind, name).values())
    if not versions:
        raise not_found(f"{workspace.name}/{kind}/{name}")
    numbers = [int(one["name"]) for one in versions if one["name"].isdigit()]
    properties = {
        "description": None, "tags": {}, "properties": {},
        "isArchived": all(one["properties"].get("isArchived") for one in versions),
        "latestVersion": versions[-1]["name"], "nextVersion": str(max(numbers, default=0) + 1),
    }  # fmt: skip
    if kind == "data":
        properties["dataType"] = versions[-1]["properties"].get("dataType", "uri_folder")
    path = versions[-1]["id"].rsplit("/versions/", 1)[0]
    return resource(path, f"workspaces/{kind}", properties) | {
        "systemData": versions[-1]["systemData"]
    }


def _names(workspace: Workspace, kind: str) -> list[str]:
    if kind == "environments":
        _curated(workspace)
    return [
        path.split("/")[1]
        for path, found in workspace.items.items()
        if path.startswith(f"{kind}/") and path.endswith("/versions") and found
    ]


def archived_wanted(request: Request, found: list[Json]) -> list[Json]:
    """The ones that `listViewType` asks for; active ones if it says nothing."""
    view = request.query_params.get("listViewType", "ActiveOnly").lower()
    if view == "all":
        return found
    return [
        one
        for one in found
        if bool(one["properties"].get("isArchived")) == (view == "archivedonly")
    ]


def newest_first(request: Request, found: list[Json]) -> list[Json]:
    """In the order and the number that `$orderBy` and `$top` ask for."""
    step = -1 if "desc" in request.query_params.get("$orderBy", "").lower() else 1
    top = request.query_params.get("$top")
    return found[::step][: int(top) if top else None]


def _routes(kind: str) -> list[Route]:
    """The table of one kind."""

    async def containers(state: State, request: Request) -> Response:
        workspace = state.workspace(request)
        found = [container(workspace, kind, name) for name in _names(workspace, kind)]
        return listed(request, archived_wanted(request, found))

    async def one_container(state: State, request: Request) -> Response:
        workspace = state.workspace(request)
        return JSONResponse(container(workspace, kind, request.path_params["name"]))

    async def delete_container(state: State, request: Request) -> Response:
        workspace, name = state.workspace(request), request.path_params["name"]
        found = workspace.items.pop(f"{kind}/{name}/versions".lower(), None)
        return Response(None, 200 if found else 204)

    async def versions(state: State, request: Request) -> Response:
        found = list(
            _versions(state.workspace(request), kind, request.path_params["name"]).values()
        )
        digest = request.query_params.get("hash")
        if digest:
            found = [
                one for one in found
                if (one["properties"].get("properties") or {}).get("hash_sha256") == digest
            ]  # fmt: skip
        return listed(request, newest_first(request, archived_wanted(request, found)))

    async def version(state: State, request: Request) -> Response:
        at = request.path_params
        found = _versions(state.workspace(request), kind, at["name"]).get(at["version"].lower())
        if found is None:
            raise not_found(f"{at['ws']}/{kind}/{at['name']}/versions/{at['version']}")
        return JSONResponse(found)

    async def put(state: State, request: Request) -> Response:
        at, workspace = request.path_params, state.workspace(request)
        sent = (await body_of(request)).get("properties") or {}
        stored, key = _versions(workspace, kind, at["name"]), at["version"].lower()
        old = stored.get(key)
        for field in _FIXED[kind] if old else []:
            if sent.get(field) != old["properties"].get(field):
                raise ApiError(
                    409, "UserError", f"A different {kind} with the same name and version already "
                    f"exists: {at['name']}:{at['version']}. {field} cannot be changed.")  # fmt: skip
        made = resource(
            f"{workspace.arm_id}/{kind}/{at['name']}/versions/{at['version']}",
            f"workspaces/{kind}/versions", _completed(kind, sent),
        )  # fmt: skip
        stored[key] = made
        return JSONResponse(made, 200 if old else 201)

    async def delete(state: State, request: Request) -> Response:
        at = request.path_params
        stored = _versions(state.workspace(request), kind, at["name"])
        return Response(None, 200 if stored.pop(at["version"].lower(), None) else 204)

    base = f"{{S}}/{kind}/{{name}}"
    rows: list[tuple[str, str, Handler]] = [
        ("GET", f"{{S}}/{kind}", containers), ("GET", base, one_container),
        ("DELETE", base, delete_container), ("GET", f"{base}/versions", versions),
        ("GET", f"{base}/versions/{{version}}", version),
        ("PUT", f"{base}/versions/{{version}}", put),
        ("DELETE", f"{base}/versions/{{version}}", delete),
    ]  # fmt: skip
    return [Route(*row) for row in rows]


def _completed(kind: str, sent: Json) -> Json:
    made = {"isAnonymous": False, "isArchived": False, "description": None} | sent
    made["tags"], made["properties"] = sent.get("tags") or {}, sent.get("properties") or {}
    if kind == "environments":
        made = {
            "osType": "Linux",
            "environmentType": "UserCreated",
            "autoRebuild": "Disabled",
        } | made
    made["provisioningState"] = "Succeeded"
    return made


async def start_pending_upload(state: State, request: Request) -> Response:
    """A place for the files of a version, and the right to write there."""
    workspace, upload = state.workspace(request), str(uuid.uuid4())
    container_name = sas.container_of(workspace)
    blob = sas.url(state, workspace, container_name, signed=False)
    signed = sas.url(state, workspace, container_name)
    return JSONResponse(
        {
            "pendingUploadId": upload,
            "pendingUploadType": "TemporaryBlobReference",
            "blobReferenceForConsumption": {
                "blobUri": blob,
                "storageAccountArmId": workspace.resource["properties"]["storageAccount"],
                "credential": {"credentialType": "SAS", "sasUri": signed},
            },
        }
    )


ROUTES = [
    *(route for kind in _FIXED for route in _routes(kind)),
    *(
        Route("POST", f"{{S}}/{kind}/{{name}}/versions/{{version}}/startPendingUpload", start_pending_upload)
        for kind in (*_FIXED, "models")
    ),
]  # fmt: skip
