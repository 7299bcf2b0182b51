"""What a reader process does for the routes about the resources of an Azure ML workspace."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.workspaces import Workspace


def _overview(workspace: Workspace, _args: dict[str, Any]) -> Any:
    from jupyter_mltrack.azure.manage import overview, place

    return overview.look(place.here(None, workspace))


def _compute(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.azure.manage import computes, place
    from jupyter_mltrack.errors import NotFound

    there = place.here(None, workspace)
    name, act = args["name"], args["act"]
    if act == "delete":
        computes.delete(there, name, wait=False)
    else:
        computes.act(there, name, act, wait=False)
    try:
        now = computes.get(there, name)
    except NotFound:
        return wire.AzureChange(what=name, act=act, state="Deleted")
    return wire.AzureChange(what=name, act=act, state=now.state, compute=now)


def _data(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.azure.manage import datastores, place

    store = args["store"]
    path = datastores.parse(f"{store}/{args['path']}").path
    return datastores.ls(place.here(None, workspace), datastores.Spot(store, path))


MANAGE_CALLS = {"azure_overview": _overview, "azure_compute": _compute, "azure_data": _data}
