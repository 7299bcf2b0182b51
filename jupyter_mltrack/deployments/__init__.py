"""Deployed models: plan, deploy, ask, split traffic, look at logs, stop, remove.

Targets are the plugins of `mlflow.deployments`; ours is `local`, whose endpoints a keeper process
holds for all kernels and servers of this user. What was deployed elsewhere from here is noted, so
that it is listed and costs nobody by being forgotten.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.deployments.starting import (
    check_options,
    check_plan,
    plan_deploy,
    start_deploy,
)
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, UsageError

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

__all__ = [
    "check_options",
    "check_plan",
    "get_endpoint",
    "list_endpoints",
    "log_lines",
    "options_of",
    "plan_deploy",
    "predict",
    "refreshed",
    "remove",
    "seen",
    "set_traffic",
    "start",
    "start_deploy",
    "stop",
    "warm",
    "write_keys",
]


def warm() -> None:
    """Have what a deploy to this machine needs made ready, because one is likely; returns at once.

    Raises:
        MltrackError: the keeper of local endpoints cannot be started.
    """
    _local().warm()


def list_endpoints() -> wire.EndpointList:
    """Endpoints that were made from this machine, and the deploys under way."""
    from jupyter_mltrack.deployments import elsewhere, jobs
    from jupyter_mltrack.deployments.snippets import with_snippets

    known = [*_local().endpoints(), *elsewhere.listed()]
    found = sorted(map(with_snippets, known), key=lambda one: one.name)
    return wire.EndpointList(endpoints=found, jobs=jobs.listed())


def get_endpoint(name: str, workspace: Workspace | None = None) -> wire.EndpointInfo:
    """One endpoint; of one in a cloud what was noted last, see `refreshed`.

    Args:
        name: of the endpoint.
        workspace: of Azure ML, for an endpoint of it that was made elsewhere: it is asked there.

    Raises:
        NotFound: there is none of that name.
    """
    from jupyter_mltrack.deployments import elsewhere
    from jupyter_mltrack.deployments.snippets import with_snippets

    there = elsewhere.find(name)
    if workspace is not None and (there is None or there.workspace_id != workspace.id):
        there = _azure().found(workspace, name)
    return with_snippets(there if there is not None else _local().endpoint(name))


def seen(name: str, workspace: Workspace) -> wire.EndpointInfo:
    """An endpoint of an Azure ML workspace as it is now, whoever made it; nothing is noted.

    Raises:
        NotFound: there is none of that name.
        AzureError: the cloud refused.
    """
    from jupyter_mltrack.deployments.snippets import with_snippets

    return with_snippets(_azure().found(workspace, name))


def refreshed(name: str) -> wire.EndpointInfo:
    """One endpoint as it is now; a cloud is asked, where it lives in one.

    Raises:
        NotFound: there is none of that name, or no longer.
        AzureError: the cloud refused.
    """
    from jupyter_mltrack.deployments.snippets import with_snippets

    found = get_endpoint(name)
    return with_snippets(_azure().refreshed(found)) if found.resource else found


def set_traffic(
    name: str,
    percents: Mapping[str, int],
    shadow: list[str] | None = None,
    workspace: Workspace | None = None,
) -> wire.EndpointInfo:
    """Share the requests out over the versions behind an endpoint, at once.

    Args:
        name: of the endpoint.
        percents: version -> share; together 100. Versions not named get none.
        shadow: versions that get a copy of each request, and whose answers are only kept.
        workspace: as for `get_endpoint`.

    Raises:
        NotFound: no such endpoint.
        UsageError: the shares are not 100 together, or a version is not there.
    """
    from jupyter_mltrack.models import trust

    known = get_endpoint(name, workspace)
    found: wire.EndpointInfo
    if known.resource:
        found = _azure().set_traffic(known, dict(percents), list(shadow or []))
    else:
        _only_local(name, "share out traffic")
        found = _local().set_traffic(name, dict(percents), list(shadow or []))
    trust.audit("traffic", endpoint=name, percents=dict(percents), shadow=list(shadow or []))
    return found


def stop(name: str) -> wire.EndpointInfo:
    """End the processes of an endpoint; its name, address and token are kept.

    Raises:
        NotFound: no such endpoint.
    """
    from jupyter_mltrack.models import trust

    _only_local(name, "stop")
    _local().stop(name)
    trust.audit("stopped", endpoint=name)
    return get_endpoint(name)


def start(name: str) -> wire.EndpointInfo:
    """Start a stopped endpoint again, with what it served.

    Raises:
        NotFound: no such endpoint.
    """
    _only_local(name, "start")
    _local().start(name)
    return get_endpoint(name)


def remove(name: str, label: str | None = None, workspace: Workspace | None = None) -> None:
    """Delete an endpoint with its processes, token and logs, or one version behind it.

    Args:
        name: of the endpoint.
        label: of one version; None for all.
        workspace: as for `get_endpoint`.

    Raises:
        NotFound: no such endpoint or version.
        UsageError: the version takes traffic.
    """
    from jupyter_mltrack.deployments import elsewhere
    from jupyter_mltrack.models import fetching, trust

    there = elsewhere.find(name) if workspace is None else get_endpoint(name, workspace)
    if there is not None and there.resource:
        _azure().remove(there, label)
    elif there is not None:
        elsewhere.remove(name)
    elif label is not None:
        _local().drop(name, label)
    else:
        _local().remove(name)
    trust.audit("removed", endpoint=name, version=label)
    used = {one.digest for info in _local().endpoints() for one in info.deployments}
    fetching.sweep(used)


def log_lines(
    name: str,
    label: str | None = None,
    lines: int = 200,
    workspace: Workspace | None = None,
) -> wire.LogLines:
    """The last lines that the replicas of an endpoint wrote.

    Args:
        name: of the endpoint.
        label: of one version; None for all.
        lines: how many.
        workspace: as for `get_endpoint`.

    Raises:
        NotFound: no such endpoint.
    """
    from jupyter_mltrack.deployments import elsewhere

    there = elsewhere.find(name) if workspace is None else get_endpoint(name, workspace)
    if there is not None and there.resource:
        return wire.LogLines(subject=name, lines=_azure().log_lines(there, label, lines))
    if there is not None:
        return wire.LogLines(subject=name, lines=[there.detail] if there.detail else [])
    said = _failed_deploy(name, lines) if label is None else None
    if said is None:
        said = _local().logs(name, label, lines)
    return wire.LogLines(subject=name, lines=[clean(line) for line in said])


def _failed_deploy(name: str, lines: int) -> list[str] | None:
    """What the newest deploy said, where it failed before it reached the endpoint."""
    from jupyter_mltrack.deployments import jobs

    job = next((one for one in jobs.listed() if one.subject == name), None)
    if job is None or job.state != "failed":
        return None
    with contextlib.suppress(NotFound):
        if _local().endpoint(name).updated_ms >= job.started_ms:
            return None
    return job.log_tail[-lines:]


def predict(
    name: str,
    data: Any,
    timeout_s: float = 60.0,
    label: str | None = None,
    workspace: Workspace | None = None,
) -> wire.Prediction:
    """Ask an endpoint.

    Args:
        name: of the endpoint.
        data: a frame, a path, records, or the JSON text of a request.
        timeout_s: how long to wait for the answer.
        label: of the version that is to answer, where the endpoint is in Azure.
        workspace: as for `get_endpoint`.

    Raises:
        NotFound: no such endpoint.
        UsageError: the data cannot be read.
        Unreachable: it gave no answer.
    """
    from jupyter_mltrack.deployments import asking

    known = get_endpoint(name, workspace)
    if known.resource:
        body = asking.request_body(data)
        return asking.told(known, _azure().ask(known, body, timeout_s, label))
    _only_local(name, "predict")
    return asking.predict(known, data, timeout_s)


def _only_local(name: str, act: str) -> None:
    found = get_endpoint(name)
    if found.target != "local":
        raise UsageError(
            f"Endpoint {clean(name)} is at {found.target}: {act} is not offered there.",
            found.detail or "Use the target's own tools.",
        )


def write_keys(
    name: str, regenerate: str = "", workspace: Workspace | None = None
) -> wire.EndpointInfo:
    """Have the key of an endpoint in its private file, which the answer names.

    Args:
        name: of the endpoint.
        regenerate: `primary` or `secondary`: have that key made anew first.
        workspace: as for `get_endpoint`.

    Raises:
        NotFound: no such endpoint.
        UsageError: it has no key.
    """
    from jupyter_mltrack.deployments.snippets import with_snippets
    from jupyter_mltrack.models import trust

    known = get_endpoint(name, workspace)
    if not known.resource:
        if known.token_file:
            return known
        raise UsageError(f"Endpoint {clean(name)} has no key.", "Ask it: %mltrack predict")
    if regenerate:
        trust.audit("new key", endpoint=name, key=regenerate)
    return with_snippets(_azure().write_keys(known, regenerate))


def _azure() -> Any:
    from jupyter_mltrack.deployments.azure import doors

    return doors


def _local() -> Any:
    from jupyter_mltrack.deployments.local import keeper_client

    return keeper_client


def options_of(info: wire.EndpointInfo) -> dict[str, Any]:
    """The options that an endpoint was deployed with."""
    found: dict[str, Any] = json.loads(info.options)
    return found
