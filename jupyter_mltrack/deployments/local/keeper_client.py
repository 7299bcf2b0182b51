"""What everybody else calls: deploy a version on this machine, look at it, ask it, remove it.

The calls are plain and wait; none takes longer than a few seconds but those that say so. The
keeper is started where it is needed. A look at nothing that is wanted starts nothing.
"""

from __future__ import annotations

import http.client
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.deployments.local.keeper_line import call, ensure, hello
from jupyter_mltrack.deployments.local.spec import (
    DeploymentSpec,
    EndpointSpec,
    Options,
    Places,
    load,
    load_all,
)
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.settings import data_dir

__all__ = [
    "Answer",
    "ask",
    "check_label",
    "check_name",
    "deploy",
    "drop",
    "endpoint",
    "endpoints",
    "ensure",
    "logs",
    "remove",
    "set_traffic",
    "start",
    "stop",
    "warm",
    "watch",
]


class Answer(NamedTuple):
    """What an endpoint answered."""

    status: int
    body: bytes
    latency_ms: float
    version: str
    request_id: str


# ------------------------------------------------------------------------------- the keeper


def warm() -> None:
    """Have the imports of models done ahead of a deploy; returns at once."""
    ensure()
    call({"op": "warm"})


# ------------------------------------------------------------------------------- endpoints


def deploy(
    name: str,
    workspace: Any,
    deployment: DeploymentSpec,
    options: Options | None = None,
    traffic_percent: int | None = None,
    *,
    shadow: bool = False,
) -> wire.EndpointInfo:
    """Add a version to an endpoint, which is made if it is not there, or replace it.

    Returns at once: `watch` tells when it is ready. The first version takes all traffic, a further
    one none unless `traffic_percent` says so. The same call again changes nothing.

    Args:
        name: of the endpoint.
        workspace: where the model comes from; its `id` and `name` are kept.
        deployment: the version and its checked files.
        options: None keeps those of the endpoint.
        traffic_percent: share of this version; the others share the rest.
        shadow: it gets a copy of each request, and its answers are only kept.

    Raises:
        UsageError: the name or the share is none.
    """
    check_name(name)
    check_label(deployment.label)
    ensure()
    return _endpoint(
        call(
            {
                "op": "deploy",
                "name": name,
                "workspace_id": str(workspace.id),
                "workspace_name": workspace.name,
                "deployment": msgspec.to_builtins(deployment),
                "options": msgspec.to_builtins(options) if options is not None else None,
                "traffic_percent": traffic_percent,
                "shadow": shadow,
            }
        )
    )


def endpoints() -> list[wire.EndpointInfo]:
    """Return all endpoints of this data folder, by name."""
    places = Places(data_dir())
    specs = load_all(places)
    if not any(spec.wanted == "running" for spec in specs) and hello(places) is None:
        return [_from_file(places, spec) for spec in specs]
    ensure()
    return msgspec.convert(call({"op": "endpoints"})["endpoints"], list[wire.EndpointInfo])


def endpoint(name: str) -> wire.EndpointInfo:
    """Return one endpoint.

    Raises:
        NotFound: there is none of that name; the hint names those there are.
    """
    for found in (known := endpoints()):
        if found.name == name:
            return found
    names = ", ".join(one.name for one in known[:10])
    raise NotFound(
        f"No endpoint {name}.",
        f"There are: {names}" if names else "There is none: %mltrack deploy MODEL --to local",
    )


def watch(
    name: str, seen: int | None = None, timeout_s: float = 10.0
) -> tuple[wire.EndpointInfo, int]:
    """Wait until an endpoint is different from what was seen; give its number back the next time.

    Raises:
        NotFound: there is none of that name (any more).
    """
    ensure()
    answer = call(
        {"op": "watch", "name": name, "seen": seen, "timeout_s": timeout_s}, timeout_s + 10
    )
    return _endpoint(answer), int(answer["changes"])


def set_traffic(
    name: str, shares: Mapping[str, int], shadow: Sequence[str] = ()
) -> wire.EndpointInfo:
    """Give traffic out anew: label -> percent, 100 in all. It holds from the next request on.

    Raises:
        UsageError: a label is unknown or has failed, or the shares do not make 100.
    """
    ensure()
    return _endpoint(
        call({"op": "traffic", "name": name, "shares": dict(shares), "shadow": list(shadow)})
    )


def stop(name: str) -> wire.EndpointInfo:
    """End an endpoint's replicas; its address and its files stay."""
    ensure()
    return _endpoint(call({"op": "stop", "name": name}))


def start(name: str) -> wire.EndpointInfo:
    """Start an endpoint that was stopped or has failed; returns at once."""
    ensure()
    return _endpoint(call({"op": "start", "name": name}))


def remove(name: str) -> None:
    """End an endpoint's replicas and remove everything of it."""
    ensure()
    call({"op": "remove", "name": name})


def drop(name: str, label: str) -> wire.EndpointInfo:
    """Take one version away; the others share what it had."""
    ensure()
    return _endpoint(call({"op": "drop", "name": name, "label": label}))


def logs(name: str, label: str | None = None, lines: int = 200) -> list[str]:
    """Return the last lines that an endpoint's replicas wrote, oldest first; starts nothing.

    Raises:
        NotFound: there is no such endpoint or version.
    """
    places = Places(data_dir())
    spec = load(places, check_name(name))
    if spec is None:
        raise NotFound(f"No endpoint {name}.", "See which there are: %mltrack endpoints")
    labels = [one.label for one in spec.deployments]
    if label is not None and label not in labels:
        raise NotFound(f"Endpoint {name} has no version {label}.", f"It has: {', '.join(labels)}")
    chosen = labels if label is None else [label]
    found: list[str] = []
    for one in chosen:
        path = places.log(name, one)
        read = _last_lines(path.with_name(f"{path.name}.1"), lines) + _last_lines(path, lines)
        found += [f"{one}: {line}" for line in read[-lines:]] if len(chosen) > 1 else read[-lines:]
    return found


def ask(
    name: str,
    body: bytes,
    content_type: str = "application/json",
    timeout_s: float = 60.0,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request to an endpoint of this machine, with its token.

    Raises:
        NotFound: there is no such endpoint.
        MltrackError: it gave no answer.
    """
    places = Places(data_dir())
    spec = load(places, check_name(name))
    if spec is None:
        raise NotFound(f"No endpoint {name}.", "See which there are: %mltrack endpoints")
    if spec.wanted == "running":
        ensure()
        spec = load(places, name) or spec
    token = places.token(name).read_text().strip()
    sent = {
        "Content-Type": content_type,
        "X-Request-Id": secrets.token_hex(16),
        **(headers or {}),
        "Authorization": f"Bearer {token}",
    }
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", spec.port, timeout=timeout_s)
    try:
        connection.request("POST", "/invocations", body, sent)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        late = isinstance(error, TimeoutError)
        what = f"within {timeout_s:.0f} s" if late else f"({type(error).__name__})"
        raise MltrackError(
            f"Endpoint {name} gave no answer {what}.",
            f"See how it is: %mltrack endpoints, %mltrack logs {name}",
            code="store_timeout" if late else "store_unreachable",
        ) from error
    finally:
        connection.close()
    latency_ms = (time.perf_counter() - started) * 1000
    return Answer(
        answer.status,
        content,
        latency_ms,
        answer.getheader("X-Model-Version") or "",
        answer.getheader("X-Request-Id") or sent["X-Request-Id"],
    )


def check_label(label: str) -> str:
    """Return the label if it can be a version's: it names files.

    Raises:
        UsageError: it cannot.
    """
    allowed = label.isascii() and all(letter.isalnum() or letter in "-_." for letter in label)
    if not label or len(label) > 64 or not allowed or not label[0].isalnum():
        raise UsageError(
            f"{label!r} cannot label a version.", "Use letters, digits, dots, dashes, underscores."
        )
    return label


def check_name(name: str) -> str:
    """Return the name if it can be an endpoint's.

    Raises:
        UsageError: it cannot.
    """
    allowed = all(letter.isalnum() or letter in "-_." for letter in name)
    if not name or len(name) > 63 or not name.isascii() or not allowed or not name[0].isalnum():
        raise UsageError(
            f"{name!r} cannot name an endpoint.",
            "Use 1 to 63 letters, digits, dots, dashes and underscores, a letter or digit first.",
        )
    return name


# ------------------------------------------------------------------------------------ parts


def _endpoint(answer: dict[str, Any]) -> wire.EndpointInfo:
    return msgspec.convert(answer["endpoint"], wire.EndpointInfo)


def _from_file(places: Places, spec: EndpointSpec) -> wire.EndpointInfo:
    return wire.EndpointInfo(
        name=spec.name,
        target=spec.target,
        workspace_id=wire.WorkspaceId(spec.workspace_id),
        workspace_name=spec.workspace_name,
        state="stopped",
        address=f"http://127.0.0.1:{spec.port}",
        token_file=str(places.token(spec.name)),
        deployments=[
            wire.DeploymentInfo(
                label=one.label,
                model=one.model,
                version=one.version,
                uri=one.uri,
                run_id=wire.RunId(one.run_id) if one.run_id else None,
                state="stopped",
                traffic_percent=one.traffic_percent,
                shadow=one.shadow,
                replicas=max(1, spec.options.replicas),
                deployed_ms=one.deployed_ms,
                by=one.by,
                digest=one.digest,
            )
            for one in spec.deployments
        ],
        created_ms=spec.created_ms,
        updated_ms=spec.updated_ms,
        options=msgspec.json.encode(spec.options).decode(),
    )


def _last_lines(path: Path, lines: int) -> list[str]:
    try:
        with open(path, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - lines * 400))
            return file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        return []
