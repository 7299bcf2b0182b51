"""All of a workspace at one look, asked in parallel, and what of it costs money now."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage import computes, datastores, workspaces
from jupyter_mltrack.azure.manage.place import API, Place, last_segment, properties, text
from jupyter_mltrack.errors import MltrackError


def look(place: Place, *, with_models: bool = True) -> wire.AzureOverview:
    """Workspace, computes, endpoints, datastores and the number of models.

    What cannot be asked is among the problems; the workspace itself must answer.

    Raises:
        SignedOut: somebody must sign in.
        Denied: the account may not look at the workspace.
        NotFound: there is no such workspace.
    """
    began_s = time.monotonic()
    problems: list[wire.Problem] = []
    with ThreadPoolExecutor(5, thread_name_prefix="mltrack-azure") as pool:
        workspace = pool.submit(workspaces.get, place)
        machines = pool.submit(computes.listed, place)
        served = pool.submit(endpoints, place)
        stores = pool.submit(datastores.listed, place)
        models = pool.submit(_models, place) if with_models else None
        about = workspace.result()
        found = _result(machines, problems, [])
        answering = _result(served, problems, [])
        holding = _result(stores, problems, [])
        count = _result(models, problems, None) if models is not None else None
    return wire.AzureOverview(
        workspace=about,
        computes=found,
        endpoints=answering,
        datastores=holding,
        models=count,
        problems=problems,
        asked_ms=int(time.time() * 1000),
        took_ms=int((time.monotonic() - began_s) * 1000),
    )


def _result(future: Future[Any], problems: list[wire.Problem], otherwise: Any) -> Any:
    from jupyter_mltrack.models.files import problem_of

    try:
        return future.result()
    except MltrackError as error:
        problems.append(problem_of(error))
        return otherwise


def _models(place: Place) -> int:
    return len(place.arm.list(place.path("models"), API))


def endpoints(place: Place) -> list[wire.AzureEndpointInfo]:
    """Online endpoints of the workspace, whoever made them, by name."""
    found = [_endpoint(place, one) for one in place.arm.list(place.path("onlineEndpoints"), API)]
    return sorted(found, key=lambda one: one.name.lower())


def _endpoint(place: Place, resource: dict[str, Any]) -> wire.AzureEndpointInfo:
    inner = properties(resource)
    shares = inner.get("traffic")
    traffic = [
        wire.Pair(key=str(key), value=str(value))
        for key, value in (shares.items() if isinstance(shares, dict) else ())
    ]
    compute = last_segment(text(inner, "compute"))
    name = text(resource, "name")
    access = text(inner, "publicNetworkAccess").lower()
    state = text(inner, "provisioningState")
    return wire.AzureEndpointInfo(
        name=name,
        kind=f"Kubernetes ({compute})" if compute else "Managed",
        state=state,
        auth=text(inner, "authMode"),
        address=text(inner, "scoringUri"),
        public={"enabled": True, "disabled": False}.get(access),
        traffic=traffic,
        costs=bill(managed=not compute, versions=len(traffic), state=state),
        link=workspaces.studio(f"endpoints/realtime/{name}/detail?wsid={place.scope.arm_id}"),
    )


def bill(*, managed: bool, versions: int, state: str) -> str:
    """Why an endpoint costs money now; empty where it does not."""
    if not managed or state == "Deleting" or not versions:
        return ""
    return "its machines are billed until it is deleted"


def costs(overview: wire.AzureOverview) -> list[str]:
    """What costs money now, a sentence each."""
    found = [
        f"compute {one.name} ({one.size or one.kind}) {one.costs}"
        for one in overview.computes
        if one.costs
    ]
    found += [f"endpoint {one.name}: {one.costs}" for one in overview.endpoints if one.costs]
    return found
