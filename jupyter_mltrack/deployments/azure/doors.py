"""What is done to an endpoint in Azure once it is there: look, ask, share out, read, delete."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage.place import Place, place_of, properties, text
from jupyter_mltrack.deployments import elsewhere
from jupyter_mltrack.deployments.azure import (
    ONLINE,
    deploying,
    keys,
    online,
    reading,
    scoring,
    services,
)
from jupyter_mltrack.errors import NotFound, UsageError

if TYPE_CHECKING:
    from jupyter_mltrack.azure.scope import Scope
    from jupyter_mltrack.deployments.local.keeper_client import Answer
    from jupyter_mltrack.workspaces import Workspace

_AT = "onlineEndpoints/"


def place(info: wire.EndpointInfo) -> Place:
    """The workspace that an endpoint is in."""
    from jupyter_mltrack.azure.scope import Scope

    return place_of(Scope.parse(info.resource))


def refreshed(info: wire.EndpointInfo) -> wire.EndpointInfo:
    """How the endpoint is now, noted.

    Raises:
        NotFound: it was deleted elsewhere; the note is gone too.
        AzureError: it cannot be asked.
    """
    there = place(info)
    if info.target in ONLINE:
        now = deploying.current(there, info.target, info.name, info)
    else:
        now = services.current(there, info)
    if now is None:
        elsewhere.forget(info.name)
        raise NotFound(
            f"Endpoint {info.name} is no longer in workspace {info.workspace_name}.",
            "Those there are: %mltrack endpoints",
        )
    elsewhere.note(now)
    return now


def all_of(scope: Scope) -> list[wire.EndpointInfo]:
    """All online endpoints of a workspace, also those that were made elsewhere."""
    from jupyter_mltrack.azure.manage.place import API

    there = place_of(scope)
    found = [dict(one) for one in there.arm.list(there.path("onlineEndpoints"), API)]
    with ThreadPoolExecutor(8, thread_name_prefix="mltrack-azure") as pool:
        return list(pool.map(lambda one: _described(there, one), found))


def found(workspace: Workspace, name: str) -> wire.EndpointInfo:
    """An online endpoint of a workspace as it is now, also one that was made elsewhere.

    Raises:
        NotFound: there is none of that name, or the workspace is not of Azure ML.
        AzureError: it cannot be asked.
    """
    from jupyter_mltrack.azure.manage.place import scope_of

    scope = scope_of(workspace)
    info: wire.EndpointInfo | None = None
    if scope is not None:
        there = place_of(scope)
        noted = elsewhere.find(name)
        legacy = noted is not None and noted.target not in ONLINE
        if noted is not None and legacy and noted.workspace_id == workspace.id:
            info = services.current(there, noted)
        else:
            resource = online.get(there, name)
            info = _described(there, resource) if resource is not None else None
    if info is None:
        raise NotFound(
            f"There is no endpoint {name} in workspace {workspace.name}.",
            "Those there are: %mltrack endpoints",
        )
    return info


def _described(there: Place, one: dict[str, object]) -> wire.EndpointInfo:
    name = text(one, "name")
    target = "azureml-kubernetes" if properties(one).get("compute") else "azureml"
    noted = elsewhere.find(name)
    before = noted if noted is not None and noted.resource == there.path(_AT + name) else None
    return reading.endpoint(there, target, one, online.deployments(there, name), before)


def set_traffic(
    info: wire.EndpointInfo, percents: dict[str, int], shadow: list[str]
) -> wire.EndpointInfo:
    """Share the requests out over the versions.

    Raises:
        UsageError: the shares are not 100 together.
        NotFound: a version is not there.
    """
    _only_online(info, "share out traffic")
    total = sum(percents.values())
    if total != 100 or any(value < 0 for value in percents.values()):
        raise UsageError(f"The shares are {total} together.", "They must be 100.")
    there = place(info)
    traffic = {
        online.named(there, info.name, label): share for label, share in percents.items() if share
    }
    mirror = {online.named(there, info.name, label): deploying.MIRROR_PERCENT for label in shadow}
    if len(mirror) > 1:
        raise UsageError("Azure sends copies to one version only.", "Name one as shadow.")
    online.set_traffic(there, info.name, traffic, mirror)
    return refreshed(info)


def remove(info: wire.EndpointInfo, label: str | None) -> None:
    """Delete an endpoint with all behind it, or one version that takes no traffic.

    Raises:
        UsageError: the version takes traffic.
        AzureError: the service refused; the note stays, because it still costs.
    """
    there = place(info)
    if info.target not in ONLINE:
        services.remove(there, info.name)
    elif label is None:
        online.delete(there, info.name)
    else:
        _remove_version(there, info, label)
        return
    keys.forget(there, info.name)
    elsewhere.forget(info.name)


def _remove_version(there: Place, info: wire.EndpointInfo, label: str) -> None:
    name = online.named(there, info.name, label)
    resource = online.get(there, info.name) or {}
    shares = properties(resource).get("traffic")
    shares = dict(shares) if isinstance(shares, dict) else {}
    mirror = properties(resource).get("mirrorTraffic")
    mirror = dict(mirror) if isinstance(mirror, dict) else {}
    if shares.get(name):
        raise UsageError(
            f"Version {label} answers {shares[name]} % of the requests.",
            f"Give them to another first: %mltrack traffic {info.name} VERSION=100",
        )
    if name in shares or name in mirror:
        shares.pop(name, None)
        mirror.pop(name, None)
        online.set_traffic(there, info.name, shares, mirror)
    online.delete(there, info.name, name)
    refreshed(info)


def log_lines(info: wire.EndpointInfo, label: str | None, lines: int) -> list[str]:
    """The last lines that the versions behind an endpoint wrote."""
    _only_online(info, "logs")
    there = place(info)
    behind = online.deployments(there, info.name)
    found: list[str] = []
    for one in behind:
        title = online.label_of(one)
        if label is not None and label not in (title, text(one, "name")):
            continue
        said = online.logs(there, info.name, text(one, "name"), lines)
        found += said if len(behind) == 1 or label is not None else [f"{title}: {x}" for x in said]
    return found[-lines:]


def ask(info: wire.EndpointInfo, body: bytes, timeout_s: float, label: str | None = None) -> Answer:
    """Ask an endpoint; `body` is as `POST /invocations` takes it.

    Raises:
        NotFound: it is gone.
        Unreachable: it gave no answer.
    """
    there = place(info)
    if info.target not in ONLINE:
        return services.ask(there, info, scoring.translated(body), timeout_s)  # type: ignore[no-any-return]
    resource = online.get(there, info.name)
    if resource is None:
        refreshed(info)
    inner = properties(resource or {})
    key = keys.of_online(there, info.name, text(inner, "authMode"))
    deployment = online.named(there, info.name, label) if label else ""
    answer = scoring.ask(
        text(inner, "scoringUri"),
        key,
        scoring.translated(body),
        deployment=deployment,
        timeout_s=timeout_s,
    )
    labels = {text(one, "name"): online.label_of(one) for one in _named(there, info, answer)}
    return answer._replace(version=labels.get(answer.version, answer.version))


def _named(there: Place, info: wire.EndpointInfo, answer: Answer) -> list[dict[str, object]]:
    return online.deployments(there, info.name) if answer.version else []


def write_keys(info: wire.EndpointInfo, regenerate: str = "") -> wire.EndpointInfo:
    """Have the endpoint's key in its private file; `regenerate` has it made anew first."""
    there = place(info)
    if info.target not in ONLINE:
        line = services.plane(there)
        key = services.key_of(line, info.name, services.get(line, info.name) or {})
    else:
        resource = online.get(there, info.name) or {}
        mode = text(properties(resource), "authMode")
        if regenerate:
            if mode.lower() != "key":
                raise UsageError(
                    f"Endpoint {info.name} is asked with tokens: it has no key.", "Nothing to do."
                )
            online.new_key(there, info.name, regenerate)
        key = keys.of_online(there, info.name, mode)
    keys.keep(there, info.name, key)
    return refreshed(info)


def _only_online(info: wire.EndpointInfo, act: str) -> None:
    if info.target not in ONLINE:
        raise UsageError(
            f"Endpoint {info.name} is a legacy service ({info.target}): {act} is not offered.",
            "Deploy with --to azureml for that.",
        )
