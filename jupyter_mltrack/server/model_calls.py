"""What a reader process does for the routes about models and deploys."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.workspaces import Workspace


def _models(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import models

    return models.list_models(workspace, **args)


def _model(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import models

    return models.get_model(workspace, **args)


def _model_version(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import models
    from jupyter_mltrack.models import files

    return files.detail(workspace, models.get_version(workspace, **args))


def _register(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.journal import ship
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.models import registering
    from jupyter_mltrack.settings import data_dir

    ship.sync(data_dir(), workspace_id=workspace.id, timeout_s=10.0)
    args = {**args, "run_id": run_alias(data_dir(), args["run_id"])}
    return registering.register(workspace, **args)


def _alias(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import models
    from jupyter_mltrack.models import registering

    version = models.get_version(workspace, args["name"], args["number"])
    if args["remove"]:
        registering.remove_alias(workspace, version.name, args["alias"])
    else:
        registering.set_alias(workspace, version, args["alias"])
    return models.get_version(workspace, args["name"], args["number"])


def _model_tag(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import models
    from jupyter_mltrack.models import registering

    registering.set_tag(workspace, **args)
    return models.get_model(workspace, args["name"])


def _describe_model(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import models
    from jupyter_mltrack.models import registering

    registering.describe(workspace, **args)
    return models.get_model(workspace, args["name"])


def _stage_model(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import models
    from jupyter_mltrack.models import registering

    version = models.get_version(workspace, args["name"], args["number"])
    registering.set_stage(workspace, version, args["stage"])
    return models.get_version(workspace, args["name"], args["number"])


def _remove_model(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import models
    from jupyter_mltrack.models import registering

    name, number = args["name"], args["version"]
    if number is None:
        models.get_model(workspace, name, versions=1)
    else:
        models.get_version(workspace, name, number)
    registering.remove(workspace, name, number)
    what = f"model version {name}/{number}" if number else f"model {name}"
    return wire.Removed(what=what, done=True)


def _targets(_workspace: Workspace | None, _args: dict[str, Any]) -> Any:
    from jupyter_mltrack.deployments import targets

    return targets.listed()


def _plan(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import deployments

    if args["target"] == "local":
        deployments.warm()
    return deployments.plan_deploy(workspace, **args)


def _deploy(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import deployments

    model = args.pop("model")
    return deployments.start_deploy(workspace, model, **args)


def _monitor(_workspace: Workspace | None, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import monitoring

    return monitoring.monitor(**args)


def _drift(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import deployments, monitoring
    from jupyter_mltrack.errors import UsageError

    info = deployments.get_endpoint(args["endpoint"])
    serving = max(info.deployments, key=lambda one: one.traffic_percent)
    if serving.version is None:
        raise UsageError(
            f"Endpoint {info.name} serves a model that is in no registry.",
            "Compare it in a cell: %mltrack drift MODEL --data ENDPOINT --reference DATA",
        )
    return monitoring.drift(
        f"{serving.model}/{serving.version}",
        f"endpoint:{info.name}",
        window_s=args["window_s"],
        workspace=workspace,
    )


def _cloud_endpoint(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack import deployments

    return deployments.seen(args["name"], workspace)


CLOUD_ACTS = ("log_lines", "predict", "remove", "set_traffic", "write_keys")


def _cloud_act(workspace: Workspace, args: dict[str, Any]) -> Any:
    """One of the acts on endpoints, on one that lives in this workspace."""
    from jupyter_mltrack import deployments

    act = args.pop("act")
    if act not in CLOUD_ACTS:
        raise ValueError(act)
    return getattr(deployments, act)(**args, workspace=workspace)


MODEL_CALLS = {
    "cloud_endpoint": _cloud_endpoint,
    "cloud_act": _cloud_act,
    "models": _models,
    "model": _model,
    "model_version": _model_version,
    "register": _register,
    "alias": _alias,
    "model_tag": _model_tag,
    "describe_model": _describe_model,
    "stage_model": _stage_model,
    "remove_model": _remove_model,
    "targets": _targets,
    "plan": _plan,
    "deploy": _deploy,
    "monitor": _monitor,
    "drift": _drift,
}
