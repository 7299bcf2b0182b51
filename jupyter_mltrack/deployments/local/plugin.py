"""The target `local` of `mlflow.deployments`: scoring processes on this machine.

A deployment's name is `ENDPOINT/VERSION`; where only one version is meant, the endpoint's name
is enough. `create_deployment` returns when a prediction with the model's input example came back.
MLflow finds the class by looking through this module; it is made when it is looked for, because
its base is MLflow's and importing this module must not import that.
"""

# ruff: noqa: ARG002 (the parameters are those of MLflow's interface)

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.deployments import targets
from jupyter_mltrack.deployments.local import deploying, keeper_client
from jupyter_mltrack.deployments.local.form import target_form, target_help
from jupyter_mltrack.deployments.local.spec import DeploymentSpec
from jupyter_mltrack.errors import MltrackError, NotFound

if TYPE_CHECKING:
    from mlflow.deployments import PredictionsResponse

__all__ = ["LocalDeployments", "run_local", "target_form", "target_help"]  # noqa: F822 (made when asked)

_OWN = ("traffic", "shadow", "digest", "model", "version", "workspace_id", "model_dir", "label")


def run_local(
    name: str, model_uri: str, flavor: str | None = None, config: dict[str, Any] | None = None
) -> None:
    """Deploy to this machine, which is what the target does anyway."""
    LocalTarget("local").create_deployment(name, model_uri, flavor, config)


class LocalTarget:
    """What the client of this target does; `LocalDeployments` is the same with MLflow's base."""

    def __init__(self, target_uri: str) -> None:
        self.target_uri = target_uri
        self.on_step: Callable[..., None] | None = None

    # ------------------------------------------------------------------- deployments

    def create_deployment(
        self,
        name: str,
        model_uri: str,
        flavor: str | None = None,
        config: dict[str, Any] | None = None,
        endpoint: str | None = None,
    ) -> dict[str, Any]:
        """Deploy a model and wait for its first prediction."""
        config = dict(config or {})
        endpoint, label = _names(name, endpoint)
        label = str(config.pop("label", "") or label or "")
        own = {key: config.pop(key, None) for key in _OWN if key != "label"}
        workspace, folder, digest = _files(model_uri, own)
        version = str(own["version"]) if own["version"] else _version_in(model_uri)
        label = label or version or digest[:8]
        if _is_there(endpoint, label):
            raise _refused(f"Deployment {endpoint}/{label} exists: update it or delete it first.")
        one = DeploymentSpec(
            label=label,
            model=str(own["model"] or _model_in(model_uri)),
            version=version,
            uri=model_uri,
            digest=digest,
            model_dir=str(folder),
        )
        self._bring_up(endpoint, workspace, one, config, own)
        return {"name": f"{endpoint}/{label}", "flavor": flavor or "python_function"}

    def update_deployment(
        self,
        name: str,
        model_uri: str | None = None,
        flavor: str | None = None,
        config: dict[str, Any] | None = None,
        endpoint: str | None = None,
    ) -> None:
        """Put another model in a version's place, or change its share and the options."""
        config = dict(config or {})
        endpoint, label = _names(name, endpoint)
        info = _found(endpoint)
        known = _version(info, label)
        own = {key: config.pop(key, None) for key in _OWN if key != "label"}
        if model_uri is None and not config:
            if own["traffic"] is not None:
                shares = {known.label: int(own["traffic"])}
                others = [one for one in info.deployments if one.label != known.label]
                if others:
                    shares[others[0].label] = 100 - int(own["traffic"])
                keeper_client.set_traffic(endpoint, shares)
            return
        uri = model_uri or known.uri
        workspace, folder, digest = _files(uri, own)
        one = DeploymentSpec(
            label=known.label,
            model=str(own["model"] or known.model),
            version=str(own["version"] or known.version or "") or None,
            uri=uri,
            digest=digest,
            model_dir=str(folder),
        )
        self._bring_up(endpoint, workspace, one, config, own)

    def delete_deployment(
        self, name: str, config: dict[str, Any] | None = None, endpoint: str | None = None
    ) -> None:
        """Remove a version; with the last one the endpoint goes. Harmless where it is gone."""
        endpoint, label = _names(name, endpoint)
        try:
            info = keeper_client.endpoint(endpoint)
        except NotFound:
            return
        labels = [one.label for one in info.deployments]
        if label is None or labels == [label]:
            keeper_client.remove(endpoint)
        elif label in labels:
            keeper_client.drop(endpoint, label)

    def list_deployments(self, endpoint: str | None = None) -> list[dict[str, Any]]:
        """Return all versions behind all endpoints, or behind one."""
        infos = keeper_client.endpoints()
        return [
            _described(info, one)
            for info in infos
            if endpoint is None or info.name == endpoint
            for one in info.deployments
        ]

    def get_deployment(self, name: str, endpoint: str | None = None) -> dict[str, Any]:
        """Return one version behind an endpoint."""
        endpoint, label = _names(name, endpoint)
        info = _found(endpoint)
        return _described(info, _version(info, label))

    def predict(
        self,
        deployment_name: str | None = None,
        inputs: Any = None,
        endpoint: str | None = None,
    ) -> PredictionsResponse:
        """Ask an endpoint; its traffic split decides which version answers."""
        from mlflow.deployments import PredictionsResponse
        from mlflow.utils.proto_json_utils import NumpyEncoder

        name, _ = _names(deployment_name or endpoint or "", endpoint)
        body = json.dumps(_body(inputs), cls=NumpyEncoder).encode()
        answer = _translated(lambda: keeper_client.ask(name, body))
        text = answer.body.decode("utf-8", "replace")
        if answer.status != 200:
            raise _refused(f"Endpoint {name} answered {answer.status}: {text[:2000]}")
        return PredictionsResponse.from_json(text)

    # --------------------------------------------------------------------- endpoints

    def create_endpoint(self, name: str, config: dict[str, Any] | None = None) -> dict[str, Any]:
        """Refuse: an endpoint comes with its first version."""
        raise _refused(
            "A local endpoint is made by its first deployment: create_deployment(name, model_uri)."
        )

    def update_endpoint(self, endpoint: str, config: dict[str, Any] | None = None) -> None:
        """Change who answers: `traffic` {label: percent} and `shadow` [label]."""
        config = config or {}
        _translated(
            lambda: keeper_client.set_traffic(
                endpoint, dict(config.get("traffic") or {}), list(config.get("shadow") or [])
            )
        )

    def delete_endpoint(self, endpoint: str) -> None:
        """Remove an endpoint with everything of it; harmless where it is gone."""
        try:
            keeper_client.remove(endpoint)
        except NotFound:
            return

    def list_endpoints(self) -> list[dict[str, Any]]:
        """Return all endpoints of this machine."""
        return [msgspec.to_builtins(one) for one in keeper_client.endpoints()]

    def get_endpoint(self, endpoint: str) -> dict[str, Any]:
        """Return one endpoint."""
        return dict(msgspec.to_builtins(_found(endpoint)))

    def _bring_up(
        self, endpoint: str, workspace: Any, one: DeploymentSpec, options: Any, own: dict[str, Any]
    ) -> None:
        traffic = None if own["traffic"] is None else int(own["traffic"])
        deploying.bring_up(
            endpoint,
            workspace,
            one,
            targets.checked_options(target_form(), options),  # the command line gives texts
            traffic_percent=traffic,
            step=self.on_step or (lambda *_: None),
            shadow=str(own["shadow"]).lower() in ("true", "1", "yes", "on"),
        )


# --------------------------------------------------------------------------------- parts


@functools.cache
def _client_class() -> type:
    from mlflow.deployments import BaseDeploymentClient

    return type("LocalDeployments", (LocalTarget, BaseDeploymentClient), {"__module__": __name__})


def __getattr__(name: str) -> Any:
    if name == "LocalDeployments":
        return _client_class()
    raise AttributeError(name)


def __dir__() -> list[str]:
    return sorted([*globals(), "LocalDeployments"])


def _refused(message: str) -> Exception:
    from mlflow.exceptions import MlflowException

    refused: Exception = MlflowException(message)
    return refused


def _names(name: str, endpoint: str | None) -> tuple[str, str | None]:
    """Endpoint and label that a deployment's name means."""
    if endpoint is not None:
        return endpoint, name.removeprefix(f"{endpoint}/") if name != endpoint else None
    first, slash, label = name.partition("/")
    return first, label if slash else None


def _translated(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except MltrackError as error:
        raise _refused(str(error)) from error


def _found(endpoint: str) -> wire.EndpointInfo:
    found: wire.EndpointInfo = _translated(lambda: keeper_client.endpoint(endpoint))
    return found


def _version(info: wire.EndpointInfo, label: str | None) -> wire.DeploymentInfo:
    for one in info.deployments:
        if one.label == label or (label is None and len(info.deployments) == 1):
            return one
    labels = ", ".join(f"{info.name}/{one.label}" for one in info.deployments)
    raise _refused(f"No deployment {info.name}/{label or '?'}. There are: {labels}")


def _is_there(endpoint: str, label: str) -> bool:
    try:
        info = keeper_client.endpoint(endpoint)
    except NotFound:
        return False
    return any(one.label == label and one.state != "failed" for one in info.deployments)


def _described(info: wire.EndpointInfo, one: wire.DeploymentInfo) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(one),
        "name": f"{info.name}/{one.label}",
        "endpoint": info.name,
        "address": info.address,
        "token_file": info.token_file,
    }


def _files(model_uri: str, own: dict[str, Any]) -> tuple[Any, Path, str]:
    """Workspace, folder of the checked copy, and digest of its files."""
    if own["model_dir"]:
        place = Path(str(own["model_dir"]))
        workspace_id = str(own["workspace_id"] or "")
        digest = str(own["digest"] or hashlib.sha256(str(place).encode()).hexdigest())
        return SimpleNamespace(id=workspace_id, name=workspace_id), place, digest
    from jupyter_mltrack import workspaces
    from jupyter_mltrack.deployments import subject
    from jupyter_mltrack.models import fetching, trust

    workspace = workspaces.resolve()
    fetched = fetching.fetch(workspace, subject.find(workspace, model_uri).source)
    trust.permit(fetched, model_uri, trust=False)
    return workspace, fetched.path, fetched.digest


def _version_in(model_uri: str) -> str | None:
    last = model_uri.rpartition("/")[2]
    return last if model_uri.startswith("models:/") and last.isdecimal() else None


def _model_in(model_uri: str) -> str:
    if not model_uri.startswith("models:/"):
        return model_uri
    return model_uri.removeprefix("models:/").partition("/")[0].partition("@")[0]


def _body(inputs: Any) -> dict[str, Any]:
    if hasattr(inputs, "to_dict") and hasattr(inputs, "columns"):
        return {"dataframe_split": inputs.to_dict(orient="split")}
    if isinstance(inputs, dict) and {
        "inputs",
        "instances",
        "dataframe_split",
        "dataframe_records",
    } & set(inputs):
        return inputs
    return {"inputs": inputs.tolist() if hasattr(inputs, "tolist") else inputs}
