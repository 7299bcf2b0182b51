"""Notes of what was deployed from here to targets that are not this machine's own.

A note is what the target said last; whoever wants to know more asks the target.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.deployments.subject import checked_name
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError, WorkspaceError


def _folder() -> Path:
    from jupyter_mltrack.settings import data_dir

    return data_dir() / "deployments" / "elsewhere"


def note(info: wire.EndpointInfo) -> None:
    """Keep what a target said of an endpoint."""
    from jupyter_mltrack.settings import ensure_private_dir

    place = _folder()
    for parent in (place.parent.parent, place.parent, place):
        ensure_private_dir(parent)
    path = place / f"{checked_name(info.name)}.json"
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(msgspec.json.encode(info))
    os.replace(draft, path)


def find(name: str) -> wire.EndpointInfo | None:
    """The note of this name, if there is one."""
    with contextlib.suppress(OSError, msgspec.MsgspecError, UsageError):
        return msgspec.json.decode(
            (_folder() / f"{checked_name(name)}.json").read_bytes(), type=wire.EndpointInfo
        )
    return None


def listed() -> list[wire.EndpointInfo]:
    """All notes."""
    try:
        names = [one.stem for one in _folder().glob("*.json")]
    except OSError:
        return []
    return [found for name in names if (found := find(name)) is not None]


def deploy(info: wire.EndpointInfo, model_uri: str, config: dict[str, Any]) -> wire.EndpointInfo:
    """Have a plugin of `mlflow.deployments` create a deployment, and note what it said.

    Raises:
        WorkspaceError: the target refused.
    """
    try:
        said = _client(info.target).create_deployment(info.name, model_uri, None, config, None)
    except Exception as error:  # another package's code
        first = clean(str(error).splitlines()[0] if str(error) else type(error).__name__)
        raise WorkspaceError(
            f"{info.target} did not deploy {info.name}: {first[:300]}",
            "See what it takes: %mltrack help deploy",
        ) from error
    facts = said if isinstance(said, dict) else {}
    state = facts.get("state")
    info = msgspec.structs.replace(
        info,
        state=state if state in ("ready", "stopped", "unhealthy", "failed") else "ready",
        address=str(facts.get("address") or facts.get("endpoint") or ""),
        detail=clean(str(facts.get("detail") or "")),
        updated_ms=int(time.time() * 1000),
    )
    note(info)
    return info


def _client(target: str) -> Any:
    """MLflow's client of a target, also of a plugin that was installed a moment ago."""
    from mlflow.deployments import get_deploy_client
    from mlflow.deployments.interface import plugin_store
    from mlflow.exceptions import MlflowException

    try:
        return get_deploy_client(target)
    except MlflowException:
        plugin_store.register_entrypoints()
        return get_deploy_client(target)


def forget(name: str) -> None:
    """Remove the note of this name; nothing is asked of the target."""
    with contextlib.suppress(FileNotFoundError):
        (_folder() / f"{checked_name(name)}.json").unlink()


def remove(name: str) -> None:
    """Have the target delete it, and forget it.

    Raises:
        WorkspaceError: the target refused; the note stays.
    """
    info = find(name)
    if info is None:
        return
    try:
        _client(info.target).delete_deployment(name, None, None)
    except Exception as error:  # another package's code
        raise WorkspaceError(
            f"{info.target} did not delete {clean(name)}: {clean(str(error))[:300]}",
            "Delete it with the target's own tools, then try again.",
        ) from error
    with contextlib.suppress(FileNotFoundError):
        (_folder() / f"{name}.json").unlink()
