"""What the routes about the resources of an Azure ML workspace do: look, list, start, stop, delete.

The cloud is asked by the workspace's reader process, as every store is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from jupyter_mltrack import wire
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.server.requests import WorkspaceField
from jupyter_mltrack.wire import Request

if TYPE_CHECKING:
    from jupyter_mltrack.server.service import Service

CHANGE_LIMIT_S = 60.0
DATA_LIMIT_S = 30.0

StoreField = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_-]{0,254}\Z")]
ComputeField = Annotated[str, Meta(pattern=r"\A[A-Za-z][A-Za-z0-9-]{1,31}\Z")]


class OverviewRequest(Request, frozen=True):
    """Whose resources."""

    workspace: WorkspaceField


class DataRequest(Request, frozen=True):
    """A folder of a datastore; an empty path is its top."""

    workspace: WorkspaceField
    store: StoreField
    path: Annotated[str, Meta(max_length=1024)] = ""


class ComputeRequest(Request, frozen=True):
    """What is to be done to a compute; its end wants its name repeated in `confirm`."""

    workspace_id: WorkspaceField
    name: ComputeField
    act: Literal["start", "stop", "restart", "delete"]
    confirm: Annotated[str, Meta(max_length=64)] = ""


async def overview(service: Service, request: OverviewRequest) -> wire.AzureOverview:
    """Computes, endpoints and models of the workspace, and what costs money."""
    workspace = await service.asked(request.workspace)
    raw = await service.ask("azure_overview", workspace, {})
    return msgspec.json.decode(raw, type=wire.AzureOverview)


async def list_data(service: Service, request: DataRequest) -> wire.DataListing:
    """What lies in one folder of a datastore."""
    args = {"store": request.store, "path": request.path}
    # Azure's client of storage is imported first: what reads runs does not wait for that
    raw = await service.change(
        "azure_data", request.workspace, args, DATA_LIMIT_S, process="artifacts"
    )
    return msgspec.json.decode(raw, type=wire.DataListing)


async def change_compute(service: Service, request: ComputeRequest) -> wire.AzureChange:
    """Start, stop, restart or delete a compute; the service goes on by itself."""
    if request.act == "delete" and request.confirm != request.name:
        raise UsageError(
            "The name was not repeated as it is.", f"Type {request.name} to delete it."
        )
    args = {"name": request.name, "act": request.act}
    raw = await service.change("azure_compute", request.workspace_id, args, CHANGE_LIMIT_S)
    return msgspec.json.decode(raw, type=wire.AzureChange)
