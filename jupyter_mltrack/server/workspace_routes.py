"""What the routes do that change the list of workspaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_mltrack import wire
from jupyter_mltrack.server import run_requests as requests
from jupyter_mltrack.server.account_routes import LIMIT_S, PROCESS
from jupyter_mltrack.server.user_list import azure_scope

if TYPE_CHECKING:
    from jupyter_mltrack.server.service import Service


async def add(service: Service, request: requests.AddWorkspaceRequest) -> wire.WorkspaceInfo:
    """Add a server, an Azure ML workspace or a folder to the list."""
    scope = azure_scope(request.spec)
    if scope is not None:  # who may not read it learns so now
        await service.local("learn_workspace", {"scope": scope.arm_id}, LIMIT_S, PROCESS)
    return await service.add_workspace(request.spec, request.name, request.path)


async def forget(service: Service, request: requests.ForgetWorkspaceRequest) -> wire.Removed:
    """Take a workspace off the list; nothing in it is deleted."""
    workspace = await service.forget_workspace(request.workspace_id)
    return wire.Removed(what=f"workspace {workspace.name}", done=True)
