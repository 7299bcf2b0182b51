"""Online endpoints of a workspace, managed or on Kubernetes: made, shared out, read, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack.azure.manage.place import (
    API,
    Place,
    checked,
    last_segment,
    properties,
    text,
)
from jupyter_mltrack.deployments.azure import fields, once
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_mltrack.deployments.azure.task import Task

LABEL = "mltrack.label"
DIGEST = "mltrack.digest"
AUTH = {"key": "Key", "aml_token": "AMLToken"}
COLLECTED = ("model_inputs", "model_outputs")


def path_of(place: Place, name: str, deployment: str | None = None) -> str:
    """Path of an endpoint, or of one deployment behind it."""
    base = place.path(f"onlineEndpoints/{checked(name, 'An endpoint')}")
    return f"{base}/deployments/{checked(deployment, 'A deployment')}" if deployment else base


def get(place: Place, name: str) -> dict[str, Any] | None:
    """An endpoint as the service describes it; None where there is none."""
    try:
        return dict(place.arm.get(path_of(place, name), API))
    except NotFound:
        return None


def deployments(place: Place, name: str) -> list[dict[str, Any]]:
    """Deployments behind an endpoint; empty where there is no such endpoint."""
    try:
        return [dict(one) for one in place.arm.list(f"{path_of(place, name)}/deployments", API)]
    except NotFound:
        return []


def label_of(deployment: dict[str, Any]) -> str:
    """What traffic is given to: the model's version, or the service's own name."""
    tags = deployment.get("tags")
    said = tags.get(LABEL) if isinstance(tags, dict) else None
    return clean(str(said)) if said else text(deployment, "name")


def named(place: Place, name: str, label: str) -> str:
    """The service's name of a version behind an endpoint.

    Raises:
        NotFound: there is none.
    """
    found = deployments(place, name)
    for one in found:
        if label in (label_of(one), text(one, "name")):
            return text(one, "name")
    there = ", ".join(label_of(one) for one in found) or "none"
    raise NotFound(f"Endpoint {name} has no version {clean(label)}.", f"It has: {there}.")


# -------------------------------------------------------------------------------- making


def ensure_endpoint(task: Task, told: once.Told) -> dict[str, Any]:
    """Have the endpoint there, with authentication on and private unless said otherwise.

    Raises:
        UsageError: one of that name is of another kind, or its authentication is off.
        AzureError: the service refused.
    """
    place, name, options = task.place, task.order.name, task.options
    known = get(place, name)
    compute = _compute(place, options) if task.order.target == "azureml-kubernetes" else ""
    if known is not None:
        _check_same(name, properties(known), compute)
        return known
    inner: dict[str, Any] = {
        "authMode": AUTH[str(options.get("auth") or "key")],
        "description": "Made by jupyter_mltrack",
        "properties": {},
    }
    if compute:
        inner["compute"] = compute
    else:
        inner["publicNetworkAccess"] = "Enabled" if options.get("public") else "Disabled"
    body = {
        "location": task.location,
        "tags": {**fields.tag_pairs(options), once.MARK: task.mark},
        "identity": {"type": "SystemAssigned"},
        "properties": inner,
    }
    return once.put(place, path_of(place, name), body, task.mark, told)


def _check_same(name: str, inner: dict[str, Any], compute: str) -> None:
    there = text(inner, "compute")
    if bool(there) != bool(compute) or last_segment(there) != last_segment(compute):
        what = f"on {last_segment(there)}" if there else "a managed one"
        raise UsageError(
            f"Endpoint {name} exists and is {what}.", "Choose another name: --name NAME"
        )
    if text(inner, "authMode").lower() not in ("key", "amltoken", "aadtoken"):
        raise UsageError(
            f"Endpoint {name} answers without authentication: nothing is put behind it.",
            "Choose another name: --name NAME",
        )


def _compute(place: Place, options: Mapping[str, Any]) -> str:
    """ARM id of the attached cluster that is meant.

    Raises:
        UsageError: there is none, or several.
    """
    from jupyter_mltrack.azure.manage import computes

    name = str(options.get("compute") or "")
    if name:
        found = computes.get(place, name)
        if found.kind not in ("Kubernetes", "AKS"):
            raise UsageError(
                f"Compute {found.name} is a {found.kind}, no Kubernetes cluster.",
                "Those there are: %mltrack compute list",
            )
        return place.path(f"computes/{found.name}")
    clusters = [one.name for one in computes.listed(place) if one.kind == "Kubernetes"]
    if len(clusters) == 1:
        return place.path(f"computes/{clusters[0]}")
    if not clusters:
        raise UsageError(
            "No Kubernetes cluster is attached to the workspace.",
            "Attach one: %mltrack compute create NAME --kind kubernetes --resource ARM_ID",
        )
    raise UsageError(
        f"Several clusters are attached: {', '.join(clusters)}.", "Say which: --compute NAME"
    )


def ensure_deployment(task: Task, told: once.Told) -> str:
    """Have the version behind the endpoint and return the service's name of it.

    One that is there already, whole and the same, is left as it is.

    Raises:
        AzureError: the service refused, or it failed to start.
    """
    place, endpoint, options = task.place, task.order.name, task.options
    label, digest = task.found.label, task.fetched.digest
    name = fields.deployment_name(label)
    inner = _deployment(task, name)
    count = int(options.get("instances") or 1)
    known = next((one for one in deployments(place, endpoint) if text(one, "name") == name), None)
    if known is not None and _is_same(known, inner, count, digest):
        return name
    body = {
        "location": task.location,
        "sku": {"name": "Default", "tier": "Standard", "capacity": count},
        "tags": {
            **fields.tag_pairs(options),
            LABEL: label,
            DIGEST: digest,
            once.MARK: task.mark,
        },
        "properties": inner,
    }
    if options.get("collect"):
        _data_assets(place, endpoint, name)
    once.put(place, path_of(place, endpoint, name), body, task.mark, told)
    return name


def _is_same(known: dict[str, Any], inner: dict[str, Any], count: int, digest: str) -> bool:
    there = properties(known)
    sku = known.get("sku")
    tags = known.get("tags")
    return (
        text(there, "provisioningState") == "Succeeded"
        and (sku.get("capacity") if isinstance(sku, dict) else None) == count
        and (tags.get(DIGEST) if isinstance(tags, dict) else None) == digest
        and all(
            there.get(key) == inner.get(key)
            for key in ("model", "instanceType", "appInsightsEnabled", "dataCollector")
        )
    )


def _deployment(task: Task, name: str) -> dict[str, Any]:
    place, endpoint, options = task.place, task.order.name, task.options
    kubernetes = task.order.target == "azureml-kubernetes"
    settings: dict[str, Any] = {"requestTimeout": _span(int(options.get("timeout_ms") or 30_000))}
    if not kubernetes:
        settings["maxConcurrentRequestsPerInstance"] = int(options.get("concurrency") or 4)
    inner: dict[str, Any] = {
        "endpointComputeType": "Kubernetes" if kubernetes else "Managed",
        "model": task.model,
        "environmentVariables": {},
        "appInsightsEnabled": bool(options.get("insights")),
        "requestSettings": settings,
        "scaleSettings": {"scaleType": "Default"},
    }
    if not kubernetes:
        inner["instanceType"] = fields.size_of(options)
    else:
        if options.get("instance_type"):
            inner["instanceType"] = fields.size_of(options)
        wanted = {
            "cpu": str(options.get("cpu") or "500m"),
            "memory": str(options.get("memory") or "1Gi"),
        }
        inner["containerResourceRequirements"] = {
            "containerResourceRequests": wanted,
            "containerResourceLimits": wanted,
        }
    if options.get("collect"):
        inner["dataCollector"] = {
            "collections": {
                kind: {
                    "dataCollectionMode": "Enabled",
                    "dataId": _asset(place, endpoint, name, kind),
                    "samplingRate": 1.0,
                }
                for kind in COLLECTED
            },
            "rollingRate": "Hour",
        }
    return inner


def _span(milliseconds: int) -> str:
    seconds = milliseconds / 1000
    return f"PT{int(seconds)}S" if seconds == int(seconds) else f"PT{seconds:g}S"


def _asset(place: Place, endpoint: str, name: str, kind: str) -> str:
    return place.path(f"data/{endpoint}-{name}-{kind}/versions/1")


def collected_path(endpoint: str, name: str, kind: str) -> str:
    """Where the service puts what it collects, in the default datastore."""
    return f"modelDataCollector/{endpoint}/{name}/{kind}"


def _data_assets(place: Place, endpoint: str, name: str) -> None:
    """The data assets that collected requests belong to, as the service's own client makes them."""
    from jupyter_mltrack.azure.manage import datastores

    store = text(datastores.find(place, ""), "name")
    for kind in COLLECTED:
        uri = f"azureml://datastores/{store}/paths/{collected_path(endpoint, name, kind)}"
        body = {"properties": {"dataType": "uri_folder", "dataUri": uri, "isAnonymous": False}}
        place.arm.put(_asset(place, endpoint, name, kind), API, body, wait=True)


# ------------------------------------------------------------------------------- changing


def set_traffic(
    place: Place,
    name: str,
    traffic: Mapping[str, int],
    mirror: Mapping[str, int] | None = None,
    told: once.Told | None = None,
) -> dict[str, Any]:
    """Share the requests out; names are the service's own.

    Raises:
        NotFound: no such endpoint.
    """
    known = place.arm.get(path_of(place, name), API)
    inner = {
        key: value
        for key, value in properties(known).items()
        if key not in ("provisioningState", "scoringUri", "swaggerUri", "keys")
        and value is not None
    }
    inner["traffic"] = {key: int(value) for key, value in traffic.items()}
    inner["mirrorTraffic"] = {key: int(value) for key, value in (mirror or {}).items()}
    body = {
        key: known[key] for key in ("location", "tags", "kind", "sku") if known.get(key) is not None
    }
    identity = known.get("identity")
    kind = identity.get("type") if isinstance(identity, dict) else None
    body["identity"] = {"type": kind or "SystemAssigned"}
    body["properties"] = inner
    progress = (lambda state, _: told(state)) if told is not None else None
    return dict(place.arm.put(path_of(place, name), API, body, wait=True, progress=progress))


def delete(place: Place, name: str, deployment: str | None = None) -> None:
    """Delete an endpoint with all behind it, or one deployment; harmless where it is gone."""
    try:
        place.arm.delete(path_of(place, name, deployment), API, wait=True)
    except NotFound:
        return


def logs(place: Place, name: str, deployment: str, lines: int) -> list[str]:
    """The last lines that a deployment wrote."""
    body = {"containerType": "InferenceServer", "tail": lines}
    said = place.arm.post(f"{path_of(place, name, deployment)}/getLogs", API, body, wait=True)
    return [clean(line) for line in str(said.get("content") or "").splitlines()[-lines:]]


def key_of(place: Place, name: str, mode: str) -> str:
    """What requests to the endpoint carry: its key, or a token of Azure ML for it."""
    path = path_of(place, name)
    if mode.lower() == "key":
        return str(place.arm.post(f"{path}/listKeys", API, {}, wait=True).get("primaryKey") or "")
    return str(place.arm.post(f"{path}/token", API, {}, wait=True).get("accessToken") or "")


def new_key(place: Place, name: str, which: str) -> None:
    """Have a key made anew; the old one ends."""
    body = {"keyType": "Secondary" if which == "secondary" else "Primary"}
    place.arm.post(f"{path_of(place, name)}/regenerateKeys", API, body, wait=True)
