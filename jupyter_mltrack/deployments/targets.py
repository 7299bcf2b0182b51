"""Where models can be deployed: the plugins of `mlflow.deployments`, ours among them.

A target may offer `target_form()`, a JSON Schema of its options with defaults, and
`target_available()`, which says why it cannot be used here; MLflow itself asks for `target_help()`.
MLflow's own targets that are gateways to served language models are left out.
"""

from __future__ import annotations

import json
from importlib import import_module, metadata
from types import ModuleType
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.deployments import azure
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

GROUP = "mlflow.deployments"
GATEWAYS = frozenset({"databricks", "http", "https", "openai"})
OURS = {
    "local": "jupyter_mltrack.deployments.local.form",
    "docker": "jupyter_mltrack.deployments.docker",
    **azure.TARGETS,
}
"""Where the forms of our own targets are: drawing them does not import MLflow."""


def names() -> list[str]:
    """Targets that are installed, ours first."""
    found = {one.name for one in metadata.entry_points(group=GROUP)} - GATEWAYS
    return [*OURS, *sorted(found - OURS.keys())]


def canonical(target: str) -> str:
    """The target's own name, where another was typed."""
    return azure.ALIASES.get(target, target)


def module_of(target: str) -> ModuleType:
    """The module that says what a target offers: the plugin itself, but for ours.

    Raises:
        UsageError: it is not installed, or cannot be imported.
    """
    if target in OURS:
        return import_module(OURS[target])
    for one in metadata.entry_points(group=GROUP):
        if one.name == target and target not in GATEWAYS:
            try:
                found = one.load()
            except Exception as error:
                raise UsageError(
                    f"Target {clean(target)} cannot be used: {clean(str(error))[:200]}.",
                    f"Repair or remove the package that brings it: {one.value.split(':')[0]}",
                ) from error
            assert isinstance(found, ModuleType)
            return found
    raise UsageError(
        f"Target {clean(target)!r} is not installed.",
        f"Targets here: {', '.join(names())}; others are plugins of mlflow.deployments.",
    )


def listed() -> wire.TargetList:
    """All targets with their forms; those that cannot be used say why."""
    return wire.TargetList(targets=[_info(name) for name in names()])


def _info(name: str) -> wire.TargetInfo:
    try:
        module = module_of(name)
        form = form_of(module)
        available = getattr(module, "target_available", None)
        why_not = available() if available is not None else ""
        text = module.target_help() if hasattr(module, "target_help") else ""
    except Exception as error:  # another package's code
        why_not = error.message if isinstance(error, UsageError) else str(error)
        return wire.TargetInfo(
            name=name, title=name, help="", available=False, why_not=clean(why_not)[:300]
        )
    return wire.TargetInfo(
        name=name,
        title=clean(str(form.get("title") or name)),
        help=str(text),
        available=not why_not,
        why_not=why_not,
        form=json.dumps(form),
    )


def form_of(module: ModuleType) -> dict[str, Any]:
    """The JSON Schema of a target's options; an empty one where it offers none."""
    make = getattr(module, "target_form", None)
    form = make() if make is not None else {}
    return form if isinstance(form, dict) else {}


def checked_options(form: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """Options with the types that the form gives them.

    Args:
        form: JSON Schema of the target's options.
        said: as typed (texts) or as a form sent them.

    Raises:
        UsageError: an option that the target does not have, or a value that it does not take.
    """
    fields = form.get("properties")
    if not isinstance(fields, dict):
        return dict(said)
    made = {}
    for key, value in said.items():
        if key not in fields:
            known = ", ".join(f"--{one.replace('_', '-')}" for one in fields)
            raise UsageError(
                f"The target has no option {clean(key)!r}.", f"Its options: {known or 'none'}."
            )
        made[key] = _checked(key, fields[key], value)
    return made


def _checked(key: str, field: dict[str, Any], value: Any) -> Any:
    kind = field.get("type", "string")
    try:
        typed = _typed(kind, value)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{key} does not take {clean(str(value))!r}: it is {_WORDS.get(kind, kind)}.",
            str(field.get("description") or "Leave it out for the default."),
        ) from error
    allowed = field.get("enum")
    low, high = field.get("minimum"), field.get("maximum")
    if allowed and typed not in allowed:
        raise UsageError(
            f"{key} does not take {clean(str(value))!r}.",
            f"One of: {', '.join(map(str, allowed))}.",
        )
    if (low is not None and typed < low) or (high is not None and typed > high):
        bounds = f"at least {low}" if high is None else f"from {low} to {high}"
        raise UsageError(f"{key} does not take {typed}.", f"It is {bounds}.")
    return typed


_WORDS = {"integer": "a whole number", "number": "a number", "boolean": "on or off"}
_YES = {"on", "true", "yes", "1"}
_NO = {"off", "false", "no", "0"}


def _typed(kind: str, value: Any) -> Any:
    if kind == "boolean":
        if isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word not in _YES | _NO:
            raise ValueError(word)
        return word in _YES
    if kind == "integer":
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            raise ValueError(value)
        return int(value)
    if kind == "number":
        if isinstance(value, bool):
            raise ValueError(value)
        return float(value)
    if kind == "array":
        parts = value if isinstance(value, list) else str(value).split(",")
        return [str(one).strip() for one in parts if str(one).strip()]
    return str(value)
