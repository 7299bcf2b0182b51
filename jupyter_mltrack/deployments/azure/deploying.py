"""One deploy to Azure, step by step, in the job's own process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage import workspaces
from jupyter_mltrack.azure.manage.place import Place, place_of, properties, text
from jupyter_mltrack.deployments import proof
from jupyter_mltrack.deployments.azure import (
    ONLINE,
    fields,
    keys,
    model_there,
    online,
    reading,
    scoring,
    services,
)
from jupyter_mltrack.deployments.azure.task import Task
from jupyter_mltrack.errors import MltrackError, UsageError, WorkspaceError

if TYPE_CHECKING:
    from jupyter_mltrack.azure.scope import Scope
    from jupyter_mltrack.deployments.jobs import Order
    from jupyter_mltrack.deployments.subject import Subject
    from jupyter_mltrack.deployments.worker import Progress
    from jupyter_mltrack.models.fetching import Fetched
    from jupyter_mltrack.workspaces import Workspace

PROOF_S = 60.0


def target_scope(workspace: Workspace, options: dict[str, Any]) -> Scope:
    """The Azure ML workspace that is deployed in.

    Raises:
        UsageError: none is known.
    """
    from jupyter_mltrack.azure.manage.place import find_scope, scope_of

    said = str(options.get("workspace") or "")
    if said:
        return find_scope(said)
    return scope_of(workspace) or find_scope(None, workspace)


def check(options: dict[str, Any], target: str, name: str | None) -> None:
    """Say what is wrong before anything is asked.

    Raises:
        UsageError: a name, a size or a tag is off, or it would be open to the internet unasked.
    """
    if name is not None:
        fields.endpoint_name(name)
    fields.tag_pairs(options)
    if target == "azureml":
        fields.size_of(options)
    if target == "aci" and not options.get("public") and not options.get("vnet"):
        raise UsageError(
            "A container instance outside a virtual network is on the open internet.",
            "Say --public on, or --vnet NAME --subnet NAME; azureml is private by itself.",
        )
    if target == "aks-v1" and not options.get("compute"):
        raise UsageError(
            "On which cluster?", "Name the attached one: --compute NAME; see %mltrack compute"
        )


def deploy(task: Task, workspace: Workspace) -> wire.EndpointInfo:
    """Deploy to Azure; see `once` for what a lost answer does.

    Args:
        task: the deploy.
        workspace: whose model.

    Raises:
        AzureError: the service refused.
    """
    from jupyter_mltrack.deployments import elsewhere

    title = f"Register in {task.place.scope.workspace_name}"
    task.step("register", title, "running")
    ensure = model_there.ensure if task.order.target in ONLINE else services.ensure_model
    there = ensure(task, workspace, task.telling("register", title))
    task.step("register", title, "done", f"{there.name}/{there.version}")
    task = task._replace(there=there)
    info = _online(task) if task.order.target in ONLINE else services.deploy(task)
    elsewhere.note(info)
    return info


def task_of(
    workspace: Workspace, order: Order, found: Subject, fetched: Fetched, progress: Progress
) -> Task:
    """The deploy that an order means, checked; nothing is made yet.

    Raises:
        UsageError: something of it is off.
        AzureError: the workspace cannot be asked.
    """
    if order.folder:
        os.chdir(order.folder)
    check(dict(order.options), order.target, order.name)
    place = place_of(target_scope(workspace, dict(order.options)))
    location = workspaces.get(place).location
    return Task(place, location, order, found, fetched, progress.step, progress.info.id)


def _online(task: Task) -> wire.EndpointInfo:
    place, order, step = task.place, task.order, task.step
    title = "Endpoint"
    step("endpoint", title, "running")
    _note_early(place, order, online.ensure_endpoint(task, task.telling("endpoint", title)))
    step("endpoint", title, "done")
    title = "Start the version"
    step("version", title, "running")
    service_name = online.ensure_deployment(task, task.telling("version", title))
    step("version", title, "done")
    _share(task, service_name)
    _prove(task, service_name)
    info = current(place, order.target, order.name, _noted(task))
    if info is None:
        raise WorkspaceError(f"Endpoint {order.name} is gone.", "Somebody deleted it meanwhile.")
    return info


def _note_early(place: Place, order: Order, resource: dict[str, Any]) -> None:
    """From here on it may cost money: it is known here even if this process dies."""
    from jupyter_mltrack.deployments import elsewhere

    info = reading.endpoint(place, order.target, resource, [], elsewhere.find(order.name))
    options = msgspec.json.encode(order.options).decode()
    elsewhere.note(msgspec.structs.replace(info, state="deploying", options=options))


def _noted(task: Task) -> wire.EndpointInfo:
    """What is known here of this version, and of the others from before."""
    from jupyter_mltrack.deployments import elsewhere

    order, found = task.order, task.found
    before = elsewhere.find(order.name)
    version = wire.DeploymentInfo(
        label=found.label,
        model=found.model,
        version=found.version,
        uri=found.uri,
        state="ready",
        run_id=wire.RunId(found.run_id) if found.run_id else None,
        digest=task.fetched.digest,
    )
    assert before is not None
    others = [one for one in before.deployments if one.label != found.label]
    return msgspec.structs.replace(
        before,
        deployments=[*others, version],
        options=msgspec.json.encode(order.options).decode(),
    )


def _share(task: Task, service_name: str) -> None:
    """The first version gets all requests; a further one what was said, else none."""
    place, order, step = task.place, task.order, task.step
    known = properties(online.get(place, order.name) or {})
    said = known.get("traffic")
    before = {key: int(value) for key, value in said.items()} if isinstance(said, dict) else {}
    said = known.get("mirrorTraffic")
    mirror = {key: int(value) for key, value in said.items()} if isinstance(said, dict) else {}
    others = {key: value for key, value in before.items() if key != service_name and value}
    share = order.traffic_percent
    if not others:
        share = 100
    elif order.shadow:
        share = 0
    wanted = shares(others, before, service_name, share)
    if order.shadow and others:
        mirror = {service_name: MIRROR_PERCENT}
    if wanted == before and not (order.shadow and others):
        return
    step("traffic", "Share out traffic", "running")
    online.set_traffic(place, order.name, wanted, mirror)
    step("traffic", "Share out traffic", "done", f"{wanted.get(service_name, 0)} %")


MIRROR_PERCENT = 50
"""Share of requests that a shadow gets a copy of: the most that the service allows."""


def shares(
    others: dict[str, int], before: dict[str, int], name: str, share: int | None
) -> dict[str, int]:
    """Shares with one version's set; the others keep their proportions."""
    if share is None:
        return before
    left = 100 - share
    total = sum(others.values())
    made: dict[str, int] = {}
    for key, value in others.items():
        made[key] = left * value // total
    short = left - sum(made.values())
    if made and short:
        made[max(made, key=lambda key: others[key])] += short
    return {**made, name: share}


def _prove(task: Task, service_name: str) -> None:
    """A prediction as proof. A private endpoint may not be reachable from here, which is said."""
    place, name, step = task.place, task.order.name, task.step
    title = "First prediction"
    body = proof.body_of(Path(task.fetched.path))
    if body is None:
        step("proof", title, "done", "no input example: not tried")
        return
    step("proof", title, "running")
    resource = online.get(place, name) or {}
    inner = properties(resource)
    try:
        key = keys.of_online(place, name, text(inner, "authMode"))
        answer = scoring.ask(
            text(inner, "scoringUri"),
            key,
            scoring.translated(body),
            deployment=service_name,
            timeout_s=PROOF_S,
        )
    except MltrackError as error:
        if text(inner, "publicNetworkAccess").lower() == "disabled":
            step("proof", title, "done", "private: not reachable from here")
            return
        raise WorkspaceError(
            f"Endpoint {name} is there, but did not answer: {error.message}", error.hint
        ) from error
    if answer.status != 200:
        words = answer.body.decode("utf-8", "replace")[:300]
        raise WorkspaceError(
            f"Endpoint {name} answered its model's own example with {answer.status}: {words}",
            f"See why: %mltrack logs {name}",
        )
    keys.keep(place, name, key)
    step("proof", title, "done", f"{answer.latency_ms:.0f} ms")


def current(
    place: Place, target: str, name: str, before: wire.EndpointInfo | None
) -> wire.EndpointInfo | None:
    """How an online endpoint is now; None where it is gone."""
    resource = online.get(place, name)
    if resource is None:
        return None
    return reading.endpoint(place, target, resource, online.deployments(place, name), before)
