"""Which Azure ML workspace is meant, and the client that asks for it."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mltrack.azure.clouds import Cloud
    from jupyter_mltrack.azure.scope import Scope
    from jupyter_mltrack.workspaces import Workspace

API = "2024-10-01"
"""Of Microsoft.MachineLearningServices."""
GROUPS_API = "2021-04-01"
PROVIDER = "Microsoft.MachineLearningServices"
CONNECT_HINT = "Choose one: %mltrack use azureml, or say --workspace ARM_ID"


class Place(NamedTuple):
    """A workspace of Azure ML and the client that asks the resource manager about it."""

    scope: Scope
    arm: Any

    def path(self, rest: str = "") -> str:
        """Path of the workspace, or of something in it."""
        return f"{self.scope.arm_id}/{rest}" if rest else self.scope.arm_id


def scope_of(workspace: Workspace) -> Scope | None:
    """The Azure ML workspace behind a workspace of ours; None for others."""
    from jupyter_mltrack.azure.scope import Scope

    if not workspace.tracking_uri.startswith("azureml:"):
        return None
    _, slash, rest = workspace.tracking_uri.partition("/subscriptions/")
    return Scope.parse(slash + rest.partition("?")[0]) if slash else None


def find_scope(words: str | None = None, workspace: Workspace | None = None) -> Scope:
    """The workspace that the words mean; without words the chosen one, or the folder's config.

    Args:
        words: an ARM id, or a name of `mltrack.toml`.
        workspace: the one that is chosen.

    Raises:
        UsageError: no Azure ML workspace is meant.
    """
    from jupyter_mltrack import workspaces
    from jupyter_mltrack.azure.scope import Scope, find_config

    if words and words.lower().startswith("/subscriptions/"):
        return Scope.parse(words)
    chosen = workspaces.resolve(words) if words else workspace or workspaces.resolve()
    found = scope_of(chosen)
    if found is None and not words:
        found = find_config(Path.cwd())
    if found is None:
        raise UsageError(
            f"Workspace {clean(chosen.name)} is not one of Azure ML.",
            CONNECT_HINT,
        )
    return found


def place_of(scope: Scope) -> Place:
    """The workspace with a client that is signed in as its account.

    Raises:
        SignedOut: somebody must sign in.
    """
    return Place(scope, arm())


def arm() -> Any:
    """The client of the resource manager, for the cloud that is current."""
    from jupyter_mltrack.azure import clouds

    return _arm_of(clouds.current())


@functools.cache
def _arm_of(cloud: Cloud) -> Any:
    """One client for a cloud: its connections stay open from one look to the next."""
    from jupyter_mltrack.azure.arm import Arm
    from jupyter_mltrack.azure.credentials import credential

    return Arm(cloud, credential(cloud))


def here(words: str | None = None, workspace: Workspace | None = None) -> Place:
    """The workspace that is meant, ready to be asked; see `find_scope`."""
    return place_of(find_scope(words, workspace))


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}\Z")


def checked(name: str, what: str) -> str:
    """The name, if it can be part of a path.

    Raises:
        UsageError: it cannot.
    """
    if not _NAME.match(name):
        raise UsageError(
            f"{what} cannot be named {clean(name)!r}.",
            "Use letters, digits, -, _ and full stops; a letter or digit first.",
        )
    return name


def properties(resource: dict[str, Any]) -> dict[str, Any]:
    """The part of an answer that differs from kind to kind; empty where it is missing or null."""
    found = resource.get("properties")
    return found if isinstance(found, dict) else {}


def text(source: dict[str, Any], key: str) -> str:
    """A field as clean text; empty where it is missing or null."""
    found = source.get(key)
    return clean(str(found)) if found is not None else ""


def whole(source: dict[str, Any], key: str) -> int | None:
    """A field as a whole number; None where it is none."""
    found = source.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def last_segment(arm_id: str) -> str:
    """What a resource is called at the end of its id."""
    return arm_id.rstrip("/").rpartition("/")[2]


_SPAN = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?\Z")


def span_s(words: object) -> int | None:
    """Seconds of an ISO-8601 span such as `PT30M`; None where it is none."""
    found = _SPAN.match(words) if isinstance(words, str) else None
    if found is None:
        return None
    days, hours, minutes, seconds = (int(one or 0) for one in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def time_ms(words: object) -> int | None:
    """Milliseconds since 1970 of the service's time; None where it is none."""
    from datetime import UTC, datetime

    if not isinstance(words, str) or not words:
        return None
    plain = re.sub(r"\.(\d{6})\d+", r".\1", words)
    try:
        made = datetime.fromisoformat(plain)
    except ValueError:
        return None
    made = made if made.tzinfo is not None else made.replace(tzinfo=UTC)
    return int(made.timestamp() * 1000)
