"""Services of Azure ML's first generation on ACI and AKS: legacy, for where they are still taken.

They are created by Azure's own MLflow plugin, whose scoring script and image they need; all else is
plain calls. A service whose creation gave no answer is looked for before anything is said (S32).
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage.place import Place, text, time_ms
from jupyter_mltrack.deployments import proof
from jupyter_mltrack.deployments.azure import fields, keys, model_there, scoring
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_mltrack.deployments.azure.model_there import There
    from jupyter_mltrack.deployments.azure.task import Task
    from jupyter_mltrack.workspaces import Workspace

BASE = "modelmanagement/v1.0{S}/services"
_BY_MLFLOW = "mltrack.mlflow-digest"
POLL_S = 2.0
WAIT_S = 3_600.0
PROOF_S = 60.0
KINDS = {"aci": "ACI", "aks-v1": "AKS"}
_STATES: dict[str, wire.DeploymentState] = {
    "healthy": "ready",
    "transitioning": "deploying",
    "unhealthy": "unhealthy",
    "unschedulable": "unhealthy",
    "failed": "failed",
}


def plane(place: Place) -> Any:
    """The workspace's own host, where services are kept."""
    from jupyter_mltrack.azure.credentials import credential
    from jupyter_mltrack.azure.data_plane import DataPlane
    from jupyter_mltrack.azure.known import facts_of

    return DataPlane(facts_of(place.scope), credential(place.scope))


def get(line: Any, name: str) -> dict[str, Any] | None:
    """A service as Azure describes it; None where there is none."""
    try:
        found = line.get(f"{BASE}/{name}", {"expand": "true"}, operation=f"read service {name}")
    except NotFound:
        return None
    return dict(found)


def deploy(task: Task) -> wire.EndpointInfo:
    """Have the service there, wait for it, and ask it once.

    Raises:
        UsageError: one of that name is there and is another.
        WorkspaceError: it did not come up.
    """
    place, order, step = task.place, task.order, task.step
    line = plane(place)
    title = f"Create the {KINDS[order.target]} service"
    step("service", title, "running")
    known = get(line, order.name)
    if known is None:
        known = _created(line, task)
    elif not _serves(known, task):
        raise UsageError(
            f"Service {order.name} exists and serves something else.",
            f"Delete it (%mltrack rm endpoint:{order.name}) or choose another name: --name NAME",
        )
    known = _up(line, order.name, known, task.telling("service", title))
    step("service", title, "done")
    info = endpoint(place, order.target, known, _noted(task))
    _prove(task, line, info, known)
    return msgspec.structs.replace(info, token_file=keys.known_file(place, order.name))


def ensure_model(task: Task, workspace: Workspace, told: Callable[[str], None]) -> There:
    """Have the model registered by MLflow: the plugin reads its files that way and no other.

    Raises:
        WorkspaceError: it cannot be registered.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    own = model_there.already(task, workspace)
    if own is not None:
        return own
    uri = _plugin(plane(task.place))
    name = model_there.name_there(task)
    client = MlflowClient(tracking_uri=uri, registry_uri=uri)
    digest = task.fetched.digest
    tags = {_BY_MLFLOW: digest, model_there.SOURCE: task.found.uri[:250]}
    try:
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        for one in client.search_model_versions(f"name = '{name}'"):
            if one.tags.get(_BY_MLFLOW) == digest:
                return _registered(task, name, str(one.version))
        told("uploading")
        made = client.create_model_version(name, Path(task.fetched.path).as_uri(), tags=tags)
    except MlflowException as error:
        raise WorkspaceError(
            f"The model cannot be registered in {task.place.scope.workspace_name}: {_cause(error)}",
            "Try again, or use --to azureml.",
        ) from error
    return _registered(task, name, str(made.version))


def _registered(task: Task, name: str, version: str) -> There:
    path = task.place.path(f"models/{name}/versions/{version}")
    return model_there.There(path, name, version)


def _created(line: Any, task: Task) -> dict[str, Any]:
    """Have the plugin create it; what it raises is no matter once the service is there."""
    order, there = task.order, task.there
    assert there is not None
    config = configuration(order.target, task.options, task.location, order.digest)
    problem: Exception | None = None
    with tempfile.TemporaryDirectory(prefix="mltrack-") as folder:
        path = Path(folder) / "deploy.json"
        path.write_text(json.dumps(config), encoding="utf-8")
        try:
            from mlflow.deployments import get_deploy_client

            get_deploy_client(_plugin(line)).create_deployment(
                order.name,
                f"models:/{there.name}/{there.version}",
                config={"deploy-config-file": str(path)},
            )
        except Exception as error:  # another package's code
            problem = error
    known = get(line, order.name)
    if known is not None:
        return known
    raise WorkspaceError(
        f"Azure did not create service {order.name}: {_cause(problem)}",
        "Where such services are no longer taken: --to azureml",
    ) from problem


def _plugin(line: Any) -> str:
    """The tracking URI, with Azure's plugin of MLflow signed in as we are: it asks nobody."""
    from azureml.mlflow import get_mlflow_tracking_uri_v2

    from jupyter_mltrack.azure.credentials import credential

    facts = line.facts
    context = {
        "subscription_id": facts.subscription_id,
        "workspace_name": facts.workspace_name,
        "resource_group_name": facts.resource_group,
        "auth": credential(facts.scope),
        "host_url": f"https://{facts.tracking_host}",
    }
    uri = get_mlflow_tracking_uri_v2(
        SimpleNamespace(ml_flow_tracking_uri=facts.tracking_uri), context
    )
    import mlflow

    os.environ["MLFLOW_TRACKING_URI"] = uri
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    return str(uri)


def _cause(problem: Exception | None) -> str:
    """The last words of the reason below the plugin's own, which says only that there is one."""
    while problem is not None and problem.__cause__ is not None:
        problem = problem.__cause__  # type: ignore[assignment]
    lines = [one for one in str(problem).splitlines() if one.strip()]
    return clean(lines[0])[:300] if lines else "it gave no reason."


def configuration(
    target: str, options: dict[str, Any], location: str, digest: str
) -> dict[str, Any]:
    """The deploy configuration as the plugin reads it: authentication on, whatever was said."""
    wants = {"cpu": float(options.get("cpu") or 1), "memoryInGB": _memory(options)}
    made: dict[str, Any] = {
        "computeType": KINDS[target].lower(),
        "containerResourceRequirements": wants,
        "appInsightsEnabled": bool(options.get("insights")),
        "description": str(options.get("description") or ""),
        "tags": {**fields.tag_pairs(options), "mltrack.digest": digest},
        "async": True,
    }
    if target == "aci":
        made |= {"authEnabled": True, "location": str(options.get("location") or location)}
        if options.get("vnet"):
            made |= {"vnetName": options["vnet"], "subnetName": str(options.get("subnet") or "")}
        elif options.get("dns_name"):
            made["dnsNameLabel"] = options["dns_name"]
        return made
    by_token = options.get("auth") == "token"
    made |= {
        "authEnabled": not by_token,
        "tokenAuthEnabled": by_token,
        "numReplicas": int(options.get("replicas") or 1),
        "scoringTimeoutMs": int(options.get("timeout_ms") or 60_000),
        "autoScaler": {"autoscaleEnabled": False},
    }
    if options.get("compute"):
        made["computeTargetName"] = options["compute"]
    if options.get("namespace"):
        made["namespace"] = options["namespace"]
    if options.get("collect"):
        made["dataCollection"] = {"storageEnabled": True}
    return made


def _memory(options: dict[str, Any]) -> float:
    return float(options.get("memory_gb") or 1)


def _up(line: Any, name: str, known: dict[str, Any], told: Callable[[str], None]) -> dict[str, Any]:
    """The service when it has come up, or failed to."""
    end_s = time.monotonic() + WAIT_S
    while True:
        state = text(known, "state")
        told(state)
        if state.lower() == "healthy":
            return known
        if state.lower() in ("failed", "unhealthy", "unschedulable"):
            error = known.get("error")
            words = text(error, "message") if isinstance(error, dict) else ""
            raise WorkspaceError(
                f"Service {name} is {state.lower()}{f': {words}' if words else '.'}",
                f"Delete it, it may cost money: %mltrack rm endpoint:{name}",
            )
        if time.monotonic() > end_s:
            raise WorkspaceError(f"Service {name} did not come up in time.", "Look again later.")
        time.sleep(POLL_S)
        known = get(line, name) or known


def _prove(task: Task, line: Any, info: wire.EndpointInfo, known: dict[str, Any]) -> None:
    place, step = task.place, task.step
    title = "First prediction"
    body = proof.body_of(Path(task.fetched.path))
    if body is None:
        step("proof", title, "done", "no input example: not tried")
        return
    step("proof", title, "running")
    key = key_of(line, info.name, known)
    answer = scoring.ask(info.address, key, scoring.translated(body), timeout_s=PROOF_S, plain=True)
    if answer.status != 200:
        words = answer.body.decode("utf-8", "replace")[:300]
        raise WorkspaceError(
            f"Service {info.name} answered its model's own example with {answer.status}: {words}",
            "Look at it in the studio.",
        )
    keys.keep(place, info.name, key)
    step("proof", title, "done", f"{answer.latency_ms:.0f} ms")


def key_of(line: Any, name: str, known: dict[str, Any]) -> str:
    """What requests to the service carry."""
    if known.get("aadAuthEnabled") is True:
        said = line.post(f"{BASE}/{name}/token", {}, operation=f"get a token of service {name}")
        return str(said.get("accessToken") or "")
    said = line.post(f"{BASE}/{name}/listkeys", {}, operation=f"get the keys of service {name}")
    return str(said.get("primaryKey") or "")


def remove(place: Place, name: str) -> None:
    """Delete a service; harmless where it is gone."""
    line = plane(place)
    try:
        line.call("DELETE", f"{BASE}/{name}", operation=f"delete service {name}")
    except NotFound:
        return


def _serves(known: dict[str, Any], task: Task) -> bool:
    """Whether a service is of this deploy's model: by its tag, or the model that it names.

    The plugin sends no tags for AKS.
    """
    tags = known.get("kvTags")
    tags = tags if isinstance(tags, dict) else known.get("tags")
    if isinstance(tags, dict) and tags.get("mltrack.digest"):
        return bool(tags["mltrack.digest"] == task.fetched.digest)
    image = known.get("environmentImageRequest")
    models = image.get("modelIds") if isinstance(image, dict) else None
    there = task.there
    return there is not None and models == [f"{there.name}:{there.version}"]


def _noted(task: Task) -> wire.DeploymentInfo:
    found = task.found
    return wire.DeploymentInfo(
        label=found.label,
        model=found.model,
        version=found.version,
        uri=found.uri,
        state="ready",
        run_id=wire.RunId(found.run_id) if found.run_id else None,
        digest=task.fetched.digest,
        replicas=int(task.options.get("replicas") or 1),
    )


def endpoint(
    place: Place,
    target: str,
    known: dict[str, Any],
    version: wire.DeploymentInfo,
    before: wire.EndpointInfo | None = None,
) -> wire.EndpointInfo:
    """A service in the words that every endpoint here is described with."""
    from jupyter_mltrack.azure.known import id_of

    name = text(known, "name")
    state = _STATES.get(text(known, "state").lower(), "deploying")
    address = text(known, "scoringUri")
    now_ms = int(time.time() * 1000)
    unsafe = address.startswith("http://")
    return wire.EndpointInfo(
        name=name,
        target=target,
        workspace_id=wire.WorkspaceId(id_of(place.scope)),
        workspace_name=place.scope.workspace_name,
        state=state,
        created_ms=time_ms(known.get("createdTime")) or now_ms,
        updated_ms=time_ms(known.get("updatedTime")) or now_ms,
        address=address,
        token_file=keys.known_file(place, name),
        deployments=[
            msgspec.structs.replace(
                version,
                state=state,
                traffic_percent=100,
                replicas_ready=version.replicas if state == "ready" else 0,
            )
        ],
        detail="legacy" + (": it answers without TLS" if unsafe else ""),
        options=before.options if before is not None else "{}",
        resource=place.path(f"services/{name}"),
        costs="billed until it is deleted" if target == "aci" else "",
    )


def current(place: Place, info: wire.EndpointInfo) -> wire.EndpointInfo | None:
    """How a service is now; None where it is gone."""
    known = get(plane(place), info.name)
    if known is None or not info.deployments:
        return None
    return endpoint(place, info.target, known, info.deployments[0], info)


def ask(place: Place, info: wire.EndpointInfo, body: bytes, timeout_s: float) -> Any:
    """Ask a service; see `scoring.ask`."""
    line = plane(place)
    known = get(line, info.name)
    if known is None:
        raise NotFound(f"Service {info.name} is gone.", "Those there are: %mltrack endpoints")
    try:
        key = key_of(line, info.name, known)
    except MltrackError as error:
        if known.get("authEnabled") is not False:
            raise
        raise WorkspaceError(
            f"Service {info.name} answers without authentication.", "It is not asked from here."
        ) from error
    return scoring.ask(text(known, "scoringUri"), key, body, timeout_s=timeout_s, plain=True)
