"""The fields that forms of Azure targets share, and the checks behind them."""

from __future__ import annotations

import os
import re
from typing import Any

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

INSTANCE = "Standard_DS3_v2"
SIZES = (
    "Standard_DS2_v2",
    "Standard_DS3_v2",
    "Standard_DS4_v2",
    "Standard_DS5_v2",
    "Standard_F2s_v2",
    "Standard_F4s_v2",
    "Standard_F8s_v2",
    "Standard_E4s_v3",
    "Standard_NC6s_v3",
    "Standard_NC4as_T4_v3",
)
"""Proposed; the service knows more, and any of them may be typed."""
LATE = {"x-advanced": True}
_TAG = re.compile(r"[^=,]{1,250}=[^,]{0,250}\Z")


def field(kind: str, title: str, text: str, default: Any, **more: Any) -> dict[str, Any]:
    """One field of a form."""
    return {"type": kind, "title": title, "description": text, "default": default, **more}


def workspace() -> dict[str, Any]:
    """Which workspace it is deployed in."""
    return field(
        "string",
        "Workspace",
        "ARM id, or a name from mltrack.toml; empty: the chosen one, or the folder's config.json.",
        "",
        **LATE,
    )


def tags() -> dict[str, Any]:
    """Tags of what is made."""
    return field("array", "Tags", "KEY=VALUE, ...", [], items={"type": "string"}, **LATE)


def insights() -> dict[str, Any]:
    """Application Insights."""
    text = "Send requests and logs to Application Insights."
    return field("boolean", "Insights", text, False, **LATE)


def auth(text: str, *kinds: str) -> dict[str, Any]:
    """What requests carry; the first kind is the default."""
    return field("string", "Authentication", text, kinds[0], enum=list(kinds), **LATE)


def timeout_ms(default: int, maximum: int) -> dict[str, Any]:
    """How long a request may take."""
    return field(
        "integer",
        "Time for a request (ms)",
        "After it a request is given up.",
        default,
        minimum=1_000,
        maximum=maximum,
        **LATE,
    )


def collect() -> dict[str, Any]:
    """Data collection for monitors."""
    return field(
        "boolean",
        "Collect data",
        "Keep inputs and outputs in the workspace's storage, for monitor and drift.",
        False,
        **LATE,
    )


def public() -> dict[str, Any]:
    """Whether the open internet reaches it."""
    return field(
        "boolean",
        "Public",
        "Off: only the workspace's private network reaches it. On: the internet does, with a key.",
        False,
    )


def instances() -> dict[str, Any]:
    """How many machines or replicas answer."""
    return field("integer", "Instances", "Each answers requests.", 1, minimum=1, maximum=50)


def form(title: str, **properties: dict[str, Any]) -> dict[str, Any]:
    """The whole form."""
    return {"title": title, "type": "object", "properties": properties}


def help_text(first: str, made: dict[str, Any]) -> str:
    """What MLflow's command line and `help` show for a target."""
    lines = [f"    {name}: {one['description']}" for name, one in made["properties"].items()]
    return "\n".join([first, "", "Fields of the configuration:", *lines])


def why_not() -> str:
    """Why a target in Azure cannot be used here; empty where it can. Asks nobody."""
    from pathlib import Path

    from jupyter_mltrack import workspaces
    from jupyter_mltrack.azure.scope import find_config
    from jupyter_mltrack.errors import MltrackError
    from jupyter_mltrack.settings import data_dir, load_settings
    from jupyter_mltrack.workspaces import used

    try:
        if workspaces.resolve().kind == "azureml":
            return ""
        if any(one.workspace_kind == "azureml" for one in used.listed(data_dir())):
            return ""
        named = load_settings().workspaces.values()
        if any(one.startswith("azureml") for one in named) or find_config(Path.cwd()) is not None:
            return ""
    except (MltrackError, OSError) as error:
        return clean(str(error).splitlines()[0])
    return "No Azure ML workspace is known here: %mltrack use azureml"


# -------------------------------------------------------------------------------- checks


def tag_pairs(options: dict[str, Any]) -> dict[str, str]:
    """The tags as the service takes them.

    Raises:
        UsageError: one is no pair.
    """
    made = {}
    for one in options.get("tags") or []:
        if not _TAG.match(str(one)):
            raise UsageError(f"{clean(str(one))!r} is no tag.", "Write --tags KEY=VALUE,KEY=VALUE")
        key, _, value = str(one).partition("=")
        made[key.strip()] = value.strip()
    return made


def size_of(options: dict[str, Any]) -> str:
    """The size of the machines.

    Raises:
        UsageError: it can be none.
    """
    size = str(options.get("instance_type") or INSTANCE)
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{2,60}", size):
        raise UsageError(f"{clean(size)!r} is no size of a machine.", f"For example {INSTANCE}.")
    return size


def folder_of(path: str) -> str:
    """A folder for `find_config` and relative paths; the current one if empty."""
    return path or os.getcwd()


# --------------------------------------------------------------------------------- names

ENDPOINT_NAME = re.compile(r"[A-Za-z](?:[A-Za-z0-9-]{1,30})[A-Za-z0-9]\Z")


def endpoint_name(name: str) -> str:
    """The name, if an endpoint in Azure can have it.

    Raises:
        UsageError: it cannot.
    """
    if not ENDPOINT_NAME.match(name):
        raise UsageError(
            f"An endpoint in Azure cannot be named {clean(name)!r}.",
            "Use 3 to 32 letters, digits and -; a letter first, no - last: --name NAME",
        )
    return name


def fitting(words: str, target: str) -> str:
    """An endpoint's name made of a model's."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-") or "model"
    if not plain[0].isalpha():
        plain = f"m-{plain}"
    return f"{plain[: 31 - len(target)].rstrip('-')}-{target}"


def deployment_name(label: str) -> str:
    """What the service calls a version: `6` becomes `version-6`."""
    plain = re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-").lower() or "model"
    return f"version-{plain}"[:32].rstrip("-")
