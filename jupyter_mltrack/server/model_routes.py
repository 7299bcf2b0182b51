"""What the routes about models, deploys and endpoints do.

Stores are asked by the reader processes, as always. Endpoints of this machine are asked of the
keeper over its socket, in threads; the Jupyter server loads no model and starts no replica.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.server import model_requests as requests

if TYPE_CHECKING:
    from jupyter_mltrack.server.run_requests import DescribeModelRequest, StageRequest
    from jupyter_mltrack.server.service import Service

CHANGE_LIMIT_S = 60.0
PLAN_LIMIT_S = 300.0
"""The files of a model elsewhere are fetched to say what they are."""
WATCH_LIMIT_S = 30.0
DRIFT_LIMIT_S = 300.0
PREDICT_LIMIT_S = 60.0
CLOUD_LIMIT_S = 120.0
"""Azure changes the traffic of an endpoint within a minute."""
_Answer = TypeVar("_Answer", wire.EndpointInfo, wire.LogLines, wire.Prediction)


# -------------------------------------------------------------------------------- models


async def list_models(service: Service, request: requests.ModelsRequest) -> wire.ModelPage:
    """A page of registered models."""
    workspace = await service.asked(request.workspace)
    args = {
        "text": request.search,
        "limit": request.limit,
        "page_token": request.page_token,
    }
    raw = await service.ask("models", workspace, args)
    return msgspec.json.decode(raw, type=wire.ModelPage)


async def get_model(service: Service, request: requests.ModelRequest) -> wire.ModelInfo:
    """One model with its versions."""
    workspace = await service.asked(request.workspace)
    raw = await service.ask("model", workspace, {"name": request.name})
    return msgspec.json.decode(raw, type=wire.ModelInfo)


async def get_version(
    service: Service, request: requests.ModelVersionRequest
) -> wire.ModelVersionDetail:
    """One version with what lies in its files."""
    workspace = await service.asked(request.workspace)
    args = {"name": request.name, "number": request.version}
    raw = await service.ask("model_version", workspace, args)
    return msgspec.json.decode(raw, type=wire.ModelVersionDetail)


async def register(service: Service, request: requests.RegisterRequest) -> wire.ModelVersionInfo:
    """Make a run's model the next version of a registered model."""
    args = {"run_id": request.run_id, "name": request.name, "path": request.path}
    raw = await service.change("register", request.workspace_id, args, CHANGE_LIMIT_S)
    return msgspec.json.decode(raw, type=wire.ModelVersionInfo)


async def set_alias(service: Service, request: requests.AliasRequest) -> wire.ModelVersionInfo:
    """Point an alias at a version, or take it away."""
    args = {
        "name": request.name,
        "number": request.version,
        "alias": request.alias,
        "remove": request.remove,
    }
    raw = await service.change("alias", request.workspace_id, args, CHANGE_LIMIT_S)
    return msgspec.json.decode(raw, type=wire.ModelVersionInfo)


async def set_tag(service: Service, request: requests.ModelTagRequest) -> wire.ModelInfo:
    """Set a tag of a model or of one version."""
    args = {
        "name": request.name,
        "version": request.version,
        "key": request.key,
        "value": request.value,
    }
    raw = await service.change("model_tag", request.workspace_id, args, CHANGE_LIMIT_S)
    return msgspec.json.decode(raw, type=wire.ModelInfo)


async def describe(service: Service, request: DescribeModelRequest) -> wire.ModelInfo:
    """Describe a model, or one version."""
    args = {
        "name": request.name,
        "version": request.version,
        "description": request.description,
    }
    raw = await service.change("describe_model", request.workspace_id, args, CHANGE_LIMIT_S)
    return msgspec.json.decode(raw, type=wire.ModelInfo)


async def set_stage(service: Service, request: StageRequest) -> wire.ModelVersionInfo:
    """Move a version to a stage."""
    args = {"name": request.name, "number": request.version, "stage": request.stage}
    raw = await service.change("stage_model", request.workspace_id, args, CHANGE_LIMIT_S)
    return msgspec.json.decode(raw, type=wire.ModelVersionInfo)


async def remove_model(service: Service, request: requests.RemoveModelRequest) -> wire.Removed:
    """Delete a model with its versions, or one version."""
    _confirmed(request.name, request.confirm)
    args = {"name": request.name, "version": request.version}
    raw = await service.change("remove_model", request.workspace_id, args, CHANGE_LIMIT_S)
    return msgspec.json.decode(raw, type=wire.Removed)


def _confirmed(name: str, confirm: str) -> None:
    if name != confirm:
        raise UsageError("The name was not repeated as it is.", f"Type {name} to delete it.")


# ------------------------------------------------------------------------------- deploys


async def list_targets(service: Service, _request: Any) -> wire.TargetList:
    """Places that models can be deployed to."""
    raw = await service.local("targets", {}, PLAN_LIMIT_S, "deploy")
    return msgspec.json.decode(raw, type=wire.TargetList)


async def plan(service: Service, request: requests.PlanRequest) -> wire.DeployPlan:
    """What a deploy would do and what would run."""
    args = {"model": request.model, "target": request.target, "name": request.name}
    raw = await service.change("plan", request.workspace_id, args, PLAN_LIMIT_S, "deploy")
    return msgspec.json.decode(raw, type=wire.DeployPlan)


async def deploy(service: Service, request: requests.DeployRequest) -> wire.JobInfo:
    """Start a deploy; the same key never makes a second one."""
    args = {
        name: getattr(request, name)
        for name in (
            "model", "key", "target", "name", "options", "traffic_percent", "shadow",
            "consent_digest",
        )
    }  # fmt: skip
    raw = await service.change("deploy", request.workspace_id, args, PLAN_LIMIT_S, "deploy")
    return msgspec.json.decode(raw, type=wire.JobInfo)


async def get_job(_service: Service, request: requests.JobRequest) -> wire.JobInfo:
    """How a deploy stands."""
    from jupyter_mltrack.deployments import jobs

    return await asyncio.to_thread(jobs.get, request.id)


# ----------------------------------------------------------------------------- endpoints


async def list_endpoints(_service: Service, _request: Any) -> wire.EndpointList:
    """Endpoints made from this machine, and deploys under way."""
    from jupyter_mltrack import deployments

    return await asyncio.to_thread(deployments.list_endpoints)


async def get_endpoint(
    service: Service, request: requests.CloudEndpointRequest
) -> wire.EndpointInfo:
    """An endpoint of an Azure ML workspace as it is now, whoever made it."""
    raw = await service.change(
        "cloud_endpoint", request.workspace, {"name": request.name}, CLOUD_LIMIT_S
    )
    return msgspec.json.decode(raw, type=wire.EndpointInfo)


async def write_keys(service: Service, request: requests.KeysRequest) -> wire.EndpointInfo:
    """Have the key of an endpoint in Azure in its private file, which snippets read."""
    args = {"act": "write_keys", "name": request.name, "regenerate": request.regenerate}
    return await _in_cloud(service, request.workspace_id, args, wire.EndpointInfo)


async def _in_cloud(
    service: Service, workspace_id: str, args: dict[str, Any], answer: type[_Answer]
) -> _Answer:
    """Have a process of the workspace do something with an endpoint that lives in Azure."""
    raw = await service.change("cloud_act", workspace_id, args, CLOUD_LIMIT_S)
    return msgspec.json.decode(raw, type=answer)


async def get_logs(service: Service, request: requests.LogsRequest) -> wire.LogLines:
    """The last lines that an endpoint's replicas wrote."""
    from jupyter_mltrack import deployments

    if request.workspace is not None:
        args = {"name": request.name, "label": request.label, "lines": request.lines}
        args = {"act": "log_lines", **args}
        return await _in_cloud(service, request.workspace, args, wire.LogLines)
    return await asyncio.to_thread(
        deployments.log_lines, request.name, request.label, request.lines
    )


async def set_traffic(service: Service, request: requests.TrafficRequest) -> wire.EndpointInfo:
    """Share the requests out over the versions."""
    from jupyter_mltrack import deployments

    if request.workspace_id is not None:
        args = {"name": request.name, "percents": request.percents, "shadow": request.shadow}
        args = {"act": "set_traffic", **args}
        return await _in_cloud(service, request.workspace_id, args, wire.EndpointInfo)
    return await asyncio.to_thread(
        deployments.set_traffic, request.name, request.percents, request.shadow
    )


async def stop(_service: Service, request: requests.EndpointRequest) -> wire.EndpointInfo:
    """End the processes of an endpoint."""
    from jupyter_mltrack import deployments

    return await asyncio.to_thread(deployments.stop, request.name)


async def start(_service: Service, request: requests.EndpointRequest) -> wire.EndpointInfo:
    """Start a stopped endpoint again."""
    from jupyter_mltrack import deployments

    return await asyncio.to_thread(deployments.start, request.name)


async def remove_endpoint(
    service: Service, request: requests.RemoveEndpointRequest
) -> wire.Removed:
    """Delete an endpoint, or one version behind it."""
    from jupyter_mltrack import deployments

    _confirmed(request.name, request.confirm)
    if request.workspace_id is not None:
        args = {"act": "remove", "name": request.name, "label": request.label}
        await service.change("cloud_act", request.workspace_id, args, CLOUD_LIMIT_S)
    else:
        await asyncio.to_thread(deployments.remove, request.name, request.label)
    what = f"endpoint {request.name}"
    return wire.Removed(
        what=f"version {request.label} of {what}" if request.label else what, done=True
    )


async def predict(service: Service, request: requests.PredictRequest) -> wire.Prediction:
    """Ask an endpoint with the JSON text of a request."""
    from jupyter_mltrack import deployments

    if not request.body.lstrip().startswith(("{", "[")):
        raise UsageError("The request is no JSON.", 'Write {"inputs": ...} or a list of rows.')
    if request.workspace_id is not None:
        args = {"act": "predict", "name": request.name, "data": request.body}
        return await _in_cloud(service, request.workspace_id, args, wire.Prediction)
    return await asyncio.to_thread(deployments.predict, request.name, request.body, PREDICT_LIMIT_S)


async def monitor(service: Service, request: requests.MonitorRequest) -> wire.MonitorReport:
    """Requests of an endpoint over time."""
    args = {"endpoint": request.name, "window_s": request.window_s}
    raw = await service.local("monitor", args, WATCH_LIMIT_S, "watch")
    return msgspec.json.decode(raw, type=wire.MonitorReport)


async def check_drift(service: Service, request: requests.DriftRequest) -> wire.DriftReport:
    """Compare what an endpoint was asked with its model's training data; it is kept as a run."""
    args = {"endpoint": request.name, "window_s": request.window_s}
    raw = await service.change("drift", request.workspace_id, args, DRIFT_LIMIT_S, "watch")
    return msgspec.json.decode(raw, type=wire.DriftReport)
