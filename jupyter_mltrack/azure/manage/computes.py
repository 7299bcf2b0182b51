"""Machines and clusters of a workspace: what they are, what they cost, and how they change."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage.place import (
    API,
    Place,
    checked,
    properties,
    span_s,
    text,
    time_ms,
    whole,
)
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

KINDS = {"cluster": "AmlCompute", "instance": "ComputeInstance", "kubernetes": "Kubernetes"}
DEFAULT_SIZE = "Standard_DS3_v2"
IDLE_S = 900
"""After so long without work a new cluster gives its nodes back, and a new instance stops."""
NODES_MAX = 100
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]\Z")
_SIZE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{2,60}\Z")
_RUNNING = frozenset({"Running", "JobRunning", "Restarting", "Starting", "SettingUp", "Stopping",
                      "UserSettingUp", "Unusable"})  # fmt: skip

Progress = Callable[[str, float], None]


def listed(place: Place) -> list[wire.ComputeInfo]:
    """All computes of the workspace, by name."""
    found = [described(one) for one in place.arm.list(place.path("computes"), API)]
    return sorted(found, key=lambda one: one.name.lower())


def get(place: Place, name: str) -> wire.ComputeInfo:
    """One compute.

    Raises:
        NotFound: there is none of that name.
    """
    return described(place.arm.get(_path(place, name), API))


def _path(place: Place, name: str) -> str:
    return place.path(f"computes/{checked(name, 'A compute')}")


# ------------------------------------------------------------------------------- reading


def described(resource: dict[str, Any]) -> wire.ComputeInfo:
    """A compute as the resource manager describes it, in our words."""
    outer = properties(resource)
    inner = properties(outer)
    kind = text(outer, "computeType")
    provisioning = text(outer, "provisioningState")
    made = {
        "AmlCompute": _cluster,
        "ComputeInstance": _instance,
    }.get(kind, _other)(inner)
    state = made.pop("state")
    if provisioning in ("Creating", "Deleting", "Failed") or not state:
        state = provisioning or "Unknown"
    if provisioning == "Deleting":
        made["costs"] = ""
    return wire.ComputeInfo(
        name=text(resource, "name"),
        kind=kind,
        state=state,
        acts=_acts(kind, state),
        created_ms=time_ms(outer.get("createdOn")),
        resource=text(outer, "resourceId"),
        problem=_problem(outer),
        **made,
    )


def _cluster(inner: dict[str, Any]) -> dict[str, Any]:
    scale = inner.get("scaleSettings")
    scale = scale if isinstance(scale, dict) else {}
    counts = inner.get("nodeStateCounts")
    counts = counts if isinstance(counts, dict) else {}
    nodes = whole(inner, "currentNodeCount") or 0
    idle = whole(counts, "idleNodeCount") or 0
    busy = whole(counts, "runningNodeCount") or 0
    low = whole(scale, "minNodeCount") or 0
    allocation = text(inner, "allocationState")
    if allocation == "Resizing":
        state = "Resizing"
    elif nodes == 0:
        state = "Empty"
    else:
        state = "Busy" if busy else "Idle"
    costs = ""
    if low > 0:
        costs = f"keeps {_count(low, 'node')} also without work"
    elif idle:
        costs = f"{_count(idle, 'node')} {'is' if idle == 1 else 'are'} idle"
    elif nodes:
        costs = f"{_count(nodes, 'node')} {'is' if nodes == 1 else 'are'} on"
    return {
        "state": state,
        "size": text(inner, "vmSize"),
        "priority": text(inner, "vmPriority"),
        "nodes": nodes,
        "nodes_min": low,
        "nodes_max": whole(scale, "maxNodeCount"),
        "idle_nodes": idle,
        "idle_stop_s": span_s(scale.get("nodeIdleTimeBeforeScaleDown")),
        "costs": costs,
    }


def _instance(inner: dict[str, Any]) -> dict[str, Any]:
    state = text(inner, "state")
    stop_s = span_s(inner.get("idleTimeBeforeShutdown"))
    costs = ""
    if state in _RUNNING:
        costs = "is on" if stop_s else "is on and does not stop by itself"
    return {
        "state": state,
        "size": text(inner, "vmSize"),
        "idle_stop_s": stop_s,
        "costs": costs,
    }


def _other(inner: dict[str, Any]) -> dict[str, Any]:
    """An attached one: what it costs is not this workspace's to say."""
    return {"state": "", "size": text(inner, "defaultInstanceType")}


def _acts(kind: str, state: str) -> list[str]:
    if state in ("Creating", "Deleting", "Starting", "Stopping", "Restarting"):
        return []
    if kind == "ComputeInstance" and state == "Stopped":
        return ["start", "delete"]
    if kind == "ComputeInstance" and state in ("Running", "JobRunning"):
        return ["stop", "restart", "delete"]
    return ["delete"]


def _problem(outer: dict[str, Any]) -> wire.Problem | None:
    errors = outer.get("provisioningErrors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return None
    said = first.get("error")
    said = said if isinstance(said, dict) else first
    words = ": ".join(part for part in (text(said, "code"), text(said, "message")) if part)
    return wire.Problem(code="store_error", message=words or "The service does not say why.")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# ------------------------------------------------------------------------------ changing


@dataclass(frozen=True)
class Wanted:
    """A compute that is to be made.

    Attributes:
        name: of the compute.
        kind: `cluster`, `instance` or `kubernetes`.
        size: of its machines; the smallest common one if empty.
        nodes_min: that a cluster keeps also without work.
        nodes_max: that a cluster grows to.
        idle_s: after so long without work a cluster shrinks and an instance stops.
        low_priority: cheaper nodes that can be taken away at any time.
        public_ip: give the nodes addresses of the open internet.
        resource: ARM id of the Kubernetes cluster to attach.
        namespace: of that cluster.
    """

    name: str
    kind: str = "cluster"
    size: str = ""
    nodes_min: int = 0
    nodes_max: int = 1
    idle_s: int = IDLE_S
    low_priority: bool = False
    public_ip: bool = False
    resource: str = ""
    namespace: str = "default"


def check(wanted: Wanted) -> None:
    """Say what is wrong before anything is asked.

    Raises:
        UsageError: the service would refuse it, or it costs more than anybody means.
    """
    if wanted.kind not in KINDS:
        raise UsageError(
            f"There is no kind of compute {clean(wanted.kind)!r}.", f"One of: {', '.join(KINDS)}."
        )
    if not _NAME.match(wanted.name):
        raise UsageError(
            f"A compute cannot be named {clean(wanted.name)!r}.",
            "Use 3 to 24 letters, digits and -; a letter first, no - last.",
        )
    if wanted.size and not _SIZE.match(wanted.size):
        raise UsageError(
            f"{clean(wanted.size)!r} is no size of a machine.", f"For example {DEFAULT_SIZE}."
        )
    if not 0 <= wanted.nodes_min <= wanted.nodes_max <= NODES_MAX or wanted.nodes_max < 1:
        raise UsageError(
            f"A cluster of {wanted.nodes_min} to {wanted.nodes_max} nodes cannot be.",
            f"--min is 0 or more, --max at least 1 and --min, at most {NODES_MAX}.",
        )
    if wanted.idle_s < 60 or wanted.idle_s > 3 * 24 * 3600:
        raise UsageError(
            f"A time without work of {wanted.idle_s} s cannot be.", "It is 1 minute to 3 days."
        )
    if wanted.kind == "kubernetes" and not wanted.resource.lower().startswith("/subscriptions/"):
        raise UsageError(
            "Which cluster is to be attached?",
            "Say its ARM id: --resource /subscriptions/.../managedClusters/NAME",
        )


def bill(wanted: Wanted) -> str:
    """What it will cost, in words for the question before it is made."""
    size = wanted.size or DEFAULT_SIZE
    minutes = wanted.idle_s // 60
    if wanted.kind == "kubernetes":
        return "attaching costs nothing; the cluster itself is billed where it is"
    if wanted.kind == "instance":
        return f"one {size} is billed while it is on; it stops after {minutes} min without work"
    low = f"{_count(wanted.nodes_min, 'node')} of {size} at all times" if wanted.nodes_min else ""
    grown = f"up to {_count(wanted.nodes_max, 'node')} of {size} while there is work"
    return f"billed: {low + ', ' if low else ''}{grown}, {minutes} min longer"


def create(
    place: Place, wanted: Wanted, location: str, progress: Progress | None = None
) -> wire.ComputeInfo:
    """Make a compute, or change the one of that name, and wait until the service is done.

    Raises:
        UsageError: it cannot be made like that.
        Denied: the account may not.
        WorkspaceError: the service refused, for example because of a quota.
    """
    check(wanted)
    body = {"location": location, "properties": _body(wanted)}
    place.arm.put(_path(place, wanted.name), API, body, wait=True, progress=progress)
    return get(place, wanted.name)


def _body(wanted: Wanted) -> dict[str, Any]:
    kind = KINDS[wanted.kind]
    size = wanted.size or DEFAULT_SIZE
    idle = f"PT{wanted.idle_s // 60}M"
    if kind == "Kubernetes":
        inner: dict[str, Any] = {"namespace": wanted.namespace}
        return {"computeType": kind, "resourceId": wanted.resource, "properties": inner}
    if kind == "ComputeInstance":
        inner = {
            "vmSize": size,
            "idleTimeBeforeShutdown": idle,
            "sshSettings": {"sshPublicAccess": "Disabled"},
            "applicationSharingPolicy": "Personal",
            "enableNodePublicIp": wanted.public_ip,
        }
    else:
        inner = {
            "osType": "Linux",
            "vmSize": size,
            "vmPriority": "LowPriority" if wanted.low_priority else "Dedicated",
            "scaleSettings": {
                "minNodeCount": wanted.nodes_min,
                "maxNodeCount": wanted.nodes_max,
                "nodeIdleTimeBeforeScaleDown": idle,
            },
            "remoteLoginPortPublicAccess": "Disabled",
            "enableNodePublicIp": wanted.public_ip,
        }
    return {"computeType": kind, "properties": inner}


def act(
    place: Place, name: str, word: str, *, wait: bool = True, progress: Progress | None = None
) -> wire.ComputeInfo:
    """Start, stop or restart an instance.

    Raises:
        NotFound: there is none of that name.
        UsageError: it cannot be done to this one, now.
    """
    known = get(place, name)
    if word == "start" and known.state == "Running":
        return known
    if word == "stop" and known.state == "Stopped":
        return known
    if word not in known.acts:
        can = ", ".join(known.acts) or "nothing until that is over"
        raise UsageError(
            f"Compute {known.name} ({known.kind}, {known.state}) cannot be made to {word}.",
            f"What can be done to it: {can}.",
        )
    place.arm.post(f"{_path(place, name)}/{word}", API, None, wait=wait, progress=progress)
    return get(place, name)


def delete(
    place: Place,
    name: str,
    *,
    detach: bool = False,
    wait: bool = True,
    progress: Progress | None = None,
) -> None:
    """Delete a compute with its machines; an attached cluster is only detached.

    Raises:
        NotFound: there is none of that name.
    """
    known = get(place, name)
    attached = detach or known.kind not in ("AmlCompute", "ComputeInstance")
    fate = "Detach" if attached else "Delete"
    place.arm.delete(
        _path(place, name),
        API,
        params={"underlyingResourceAction": fate},
        wait=wait,
        progress=progress,
    )
