"""An endpoint in Azure in the words that every endpoint here is described with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage import workspaces
from jupyter_mltrack.azure.manage.overview import bill
from jupyter_mltrack.azure.manage.place import Place, properties, text, time_ms, whole
from jupyter_mltrack.deployments.azure import keys, model_there, online

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATES: dict[str, wire.DeploymentState] = {
    "succeeded": "ready",
    "creating": "deploying",
    "updating": "deploying",
    "scaling": "deploying",
    "failed": "failed",
    "canceled": "failed",
    "deleting": "stopped",
    "healthy": "ready",
    "transitioning": "deploying",
    "unhealthy": "unhealthy",
    "unschedulable": "unhealthy",
}


def state_of(word: str) -> wire.DeploymentState:
    """The service's word for how something is, in ours."""
    return _STATES.get(word.lower(), "deploying")


def endpoint(
    place: Place,
    target: str,
    resource: Mapping[str, Any],
    behind: list[dict[str, Any]],
    before: wire.EndpointInfo | None = None,
) -> wire.EndpointInfo:
    """An online endpoint with the versions behind it.

    Args:
        place: whose.
        target: where it was deployed to, in our words.
        resource: as the service describes it.
        behind: the deployments.
        before: what was noted of it here; options and names of models are taken from it.
    """
    inner = properties(dict(resource))
    shares = inner.get("traffic")
    mirror = inner.get("mirrorTraffic")
    noted = {one.label: one for one in before.deployments} if before is not None else {}
    versions = [
        _version(
            one,
            shares if isinstance(shares, dict) else {},
            mirror if isinstance(mirror, dict) else {},
            noted.get(online.label_of(one)),
        )
        for one in behind
    ]
    name = text(dict(resource), "name")
    word = text(inner, "provisioningState")
    state = _whole(state_of(word), versions)
    system = resource.get("systemData")
    system = system if isinstance(system, dict) else {}
    now_ms = int(time.time() * 1000)
    return wire.EndpointInfo(
        name=name,
        target=target,
        workspace_id=wire.WorkspaceId(_workspace_id(place)),
        workspace_name=place.scope.workspace_name,
        state=state,
        created_ms=time_ms(system.get("createdAt")) or (before.created_ms if before else now_ms),
        updated_ms=time_ms(system.get("lastModifiedAt")) or now_ms,
        address=text(inner, "scoringUri"),
        token_file=keys.known_file(place, name),
        deployments=sorted(versions, key=lambda one: one.label),
        detail=_detail(inner, target),
        options=before.options if before is not None else "{}",
        resource=place.path(f"onlineEndpoints/{name}"),
        link=workspaces.studio(f"endpoints/realtime/{name}/detail?wsid={place.scope.arm_id}"),
        costs=bill(managed=target == "azureml", versions=len(versions), state=word),
    )


def _workspace_id(place: Place) -> str:
    from jupyter_mltrack.azure.known import id_of

    return id_of(place.scope)


def _whole(
    state: wire.DeploymentState, versions: list[wire.DeploymentInfo]
) -> wire.DeploymentState:
    """An endpoint whose only versions failed is not ready, whatever it says of itself."""
    if state != "ready":
        return state
    if not versions:
        return "stopped"
    states = {one.state for one in versions}
    if "ready" in states:
        return "ready"
    return "deploying" if "deploying" in states else "failed"


def _version(
    one: dict[str, Any],
    shares: Mapping[str, Any],
    mirror: Mapping[str, Any],
    noted: wire.DeploymentInfo | None,
) -> wire.DeploymentInfo:
    inner = properties(one)
    name, version = model_there.of_deployment(inner)
    service_name = text(one, "name")
    sku = one.get("sku")
    count = (whole(sku, "capacity") if isinstance(sku, dict) else None) or 1
    state = state_of(text(inner, "provisioningState"))
    system = one.get("systemData")
    system = system if isinstance(system, dict) else {}
    tags = one.get("tags")
    tags = tags if isinstance(tags, dict) else {}
    created = time_ms(system.get("createdAt"))
    share = shares.get(service_name)
    return wire.DeploymentInfo(
        label=online.label_of(one),
        model=noted.model if noted is not None else name,
        version=noted.version if noted is not None else version or None,
        uri=noted.uri if noted is not None else f"models:/{name}/{version}",
        state=state,
        run_id=noted.run_id if noted is not None else None,
        traffic_percent=int(share) if isinstance(share, int) else 0,
        shadow=bool(mirror.get(service_name)),
        replicas=count,
        replicas_ready=count if state == "ready" else 0,
        deployed_ms=created or (noted.deployed_ms if noted is not None else 0),
        by=text(system, "createdBy"),
        digest=str(tags.get(online.DIGEST) or ""),
        detail=" ".join(part for part in (service_name, text(inner, "instanceType")) if part),
    )


def _detail(inner: dict[str, Any], target: str) -> str:
    access = text(inner, "publicNetworkAccess").lower()
    if target != "azureml":
        return ""
    return {
        "disabled": "private: only the workspace's network reaches it",
        "enabled": "public, with authentication",
    }.get(access, "")
