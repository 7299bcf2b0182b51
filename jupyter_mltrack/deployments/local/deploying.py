"""One deploy to this machine, from a checked copy of a model to its first prediction."""

from __future__ import annotations

import getpass
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.deployments import proof
from jupyter_mltrack.deployments.local import keeper_client
from jupyter_mltrack.deployments.local.spec import (
    DeploymentSpec,
    Options,
    Places,
    load,
    now_ms,
    write_private,
)
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.settings import data_dir, ensure_private_dir

if TYPE_CHECKING:
    from jupyter_mltrack.deployments.jobs import Order
    from jupyter_mltrack.deployments.subject import Subject
    from jupyter_mltrack.models.fetching import Fetched
    from jupyter_mltrack.workspaces import Workspace

READY_LIMIT_S = 1800.0
Step = Callable[..., None]
"""Called with name, title, state ("running", "done", "failed") and detail of a step."""
_NO_FORK = frozenset(
    {
        *("catboost", "diffusers", "dspy", "fastai", "h2o", "johnsnowlabs", "keras", "langchain"),
        *("llama_index", "mleap", "onnx", "paddle", "prophet", "pytorch", "sentence_transformers"),
        *("spacy", "spark", "tensorflow", "transformers"),
    }
)
"""Flavors whose runtimes start threads, devices or a JVM: their models get a fresh process."""
_NO_FORK_PACKAGES = frozenset(
    {
        "torch",
        "tensorflow",
        "keras",
        "jax",
        "transformers",
        "pyspark",
        "onnxruntime",
        "paddlepaddle",
    }
)


def deploy(
    workspace: Workspace, order: Order, found: Subject, fetched: Fetched, step: Step
) -> wire.EndpointInfo:
    """Do what a deploy job asks for; returns when the version has answered a prediction.

    Raises:
        MltrackError: it did not come up; `lines` has the last lines of its log.
    """
    one = DeploymentSpec(
        label=found.label,
        model=found.model or found.uri,
        version=found.version,
        uri=found.uri,
        run_id=found.run_id,
        digest=fetched.digest,
        model_dir=str(fetched.path),
    )
    return bring_up(
        order.name,
        workspace,
        one,
        order.options,
        traffic_percent=order.traffic_percent,
        step=step,
        shadow=order.shadow,
    )


def bring_up(
    name: str,
    workspace: Any,
    one: DeploymentSpec,
    options: Mapping[str, Any],
    *,
    traffic_percent: int | None,
    step: Step,
    shadow: bool = False,
) -> wire.EndpointInfo:
    """Put a version behind an endpoint of this machine and wait for its first prediction.

    Args:
        name: of the endpoint.
        workspace: where the model comes from.
        one: the version; `python` and `fork` are found here.
        options: what differs from the endpoint's present options.
        traffic_percent: its share; None leaves that to the endpoint.
        step: told of each step.
        shadow: it gets copies only.

    Raises:
        MltrackError: it did not come up; `lines` has the last lines of its log.
    """
    keeper_client.check_name(name)
    keeper_client.check_label(one.label)
    places = Places(data_dir())
    chosen = chosen_options(places, name, options)
    folder = Path(one.model_dir)
    python = ""
    if chosen.env != "local":
        from jupyter_mltrack.deployments.local import environment

        python = environment.make(folder, chosen.env, step)
    step("start", "Start the scoring process", "running")
    keeper_client.ensure()
    body = proof.body_of(folder)
    ensure_private_dir(places.endpoint(name) / "proof")
    path = places.proof(name, one.label)
    if body is None:
        path.unlink(missing_ok=True)
    else:
        write_private(path, body)
    one = msgspec.structs.replace(
        one,
        python=python or sys.executable,
        fork=not python and may_fork(folder),
        deployed_ms=now_ms(),
        by=one.by or _user(),
    )
    keeper_client.deploy(name, workspace, one, chosen, traffic_percent, shadow=shadow)
    return _wait(name, one.label, step)


def chosen_options(places: Places, name: str, said: Mapping[str, Any]) -> Options:
    """Return the endpoint's options with what was said in their place.

    Raises:
        UsageError: an option is unknown or has a value that it does not take.
    """
    from jupyter_mltrack.errors import UsageError

    known = load(places, name)
    before = msgspec.to_builtins(known.options) if known is not None else {}
    strange = set(said) - set(Options.__struct_fields__)
    if strange:
        raise UsageError(
            f"Local endpoints have no option {min(strange)!r}.",
            f"They have: {', '.join(Options.__struct_fields__)}",
        )
    try:
        made = msgspec.convert({**before, **said}, Options)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"An option has a wrong value: {error}.", "See the form's help."
        ) from error
    if not 1 <= made.replicas <= 64 or not 0 <= made.log_sample <= 1:
        raise UsageError(
            f"{made.replicas} replicas with a sample of {made.log_sample} cannot be.",
            "Replicas: 1 to 64. Sample: 0 to 1.",
        )
    return made


def may_fork(folder: Path) -> bool:
    """Whether a replica of this model may be forked from the warm process."""
    import yaml

    try:
        said = yaml.safe_load((folder / "MLmodel").read_bytes())
    except (OSError, yaml.YAMLError, RecursionError):
        return False
    flavors = said.get("flavors") if isinstance(said, dict) else None
    if not isinstance(flavors, dict) or _NO_FORK & set(flavors):
        return False
    try:
        lines = (folder / "requirements.txt").read_text("utf-8", "replace").splitlines()
    except OSError:
        return True
    names = {_package(line) for line in lines}
    return not names & _NO_FORK_PACKAGES


def _package(line: str) -> str:
    name = line.strip().lower()
    for mark in "=<>!~[; @":
        name = name.partition(mark)[0]
    return name


def _wait(name: str, label: str, step: Step) -> wire.EndpointInfo:
    """Wait until a version is ready, telling the steps as they come."""
    limit_s = time.monotonic() + READY_LIMIT_S
    seen: int | None = None
    told = ""
    asking = False
    while time.monotonic() < limit_s:
        info, seen = keeper_client.watch(name, seen)
        one = next((found for found in info.deployments if found.label == label), None)
        if one is None or info.state == "stopped":
            raise Failed(f"Endpoint {name} was stopped meanwhile.", "Deploy it again.")
        if one.state == "failed":
            raise _why(name, one)
        if one.state == "ready":
            if not asking:
                step("start", "Start the scoring process", "done")
            step("prediction", "Ask for a first prediction", "done", one.detail)
            return info
        detail = one.problem.message if one.problem else one.detail
        now_asking = one.problem is None and one.detail.startswith("asking")
        if now_asking and not asking:
            step("start", "Start the scoring process", "done")
            step("prediction", "Ask for a first prediction", "running")
        elif not now_asking and detail != told:
            step("start", "Start the scoring process", "running", detail)
        asking, told = now_asking, detail
    raise Failed(
        f"Version {label} of {name} was not ready within {READY_LIMIT_S / 60:.0f} minutes.",
        f"See what it does: %mltrack logs {name}",
    )


class Failed(MltrackError):
    """A version did not come up; `lines` are the last ones of its log."""

    def __init__(self, message: str, hint: str = "", lines: list[str] | None = None) -> None:
        super().__init__(message, hint)
        self.lines = lines or []


def _why(name: str, one: wire.DeploymentInfo) -> Failed:
    cause = one.problem.message if one.problem else "no reason is known"
    title = f"{one.model}/{one.version}" if one.version else one.uri
    hint = f"The last lines of its log: %mltrack logs {name}"
    for word in ("ModuleNotFoundError", "ImportError"):
        if word in cause:
            again = f"%mltrack deploy {title} --name {name} --env uv"
            hint = f"Give it a Python with its own requirements: {again}"
    return Failed(f"{title} did not come up: {cause}", hint, one.log_tail)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
