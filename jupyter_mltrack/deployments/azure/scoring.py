"""Requests to endpoints in Azure: MLflow's words go in, the service's go over the wire.

The service's scoring script takes `{"input_data": ...}` and answers the bare predictions. A key
goes only to the address that the resource manager gave for its endpoint, and only by TLS; a
service of the first generation that has none is asked with a warning in its description.
"""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlsplit

from jupyter_mltrack.deployments.local.keeper_client import Answer
from jupyter_mltrack.errors import UsageError, WorkspaceError


def translated(body: bytes) -> bytes:
    """The body of `POST /invocations`, as the service's scoring script takes it.

    Raises:
        UsageError: it has no data.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError("The request is no JSON.", 'Write {"inputs": ...}.') from error
    if not isinstance(said, dict):
        return json.dumps({"input_data": said}).encode()
    if "input_data" in said:
        return body
    made: dict[str, Any] = {"input_data": _data(said)}
    if said.get("params"):
        made["params"] = said["params"]
    return json.dumps(made).encode()


def _data(said: dict[str, Any]) -> Any:
    if isinstance(said.get("dataframe_split"), dict):
        split = said["dataframe_split"]
        rows = split.get("data") or []
        index = split.get("index")
        return {
            "columns": split.get("columns") or [],
            "index": index if isinstance(index, list) else list(range(len(rows))),
            "data": rows,
        }
    if isinstance(said.get("dataframe_records"), list):
        records = [one for one in said["dataframe_records"] if isinstance(one, dict)]
        columns = list(dict.fromkeys(key for one in records for key in one))
        return {
            "columns": columns,
            "index": list(range(len(records))),
            "data": [[one.get(key) for key in columns] for one in records],
        }
    for key in ("inputs", "instances"):
        if key in said:
            return said[key]
    raise UsageError(
        "The request has no data.", 'Write {"inputs": ...}, {"dataframe_split": ...} or rows.'
    )


def ask(
    url: str,
    key: str,
    body: bytes,
    *,
    deployment: str = "",
    timeout_s: float = 60.0,
    plain: bool = False,
) -> Answer:
    """Ask an endpoint and return what it answered, also where that is a refusal.

    Args:
        url: its scoring address, as the resource manager gave it.
        key: its key or token.
        body: as `translated` makes it.
        deployment: the service's name of one version; the traffic decides if empty.
        timeout_s: for the whole of it.
        plain: whether it may be asked without TLS, because it has none.

    Raises:
        Unreachable: it gave no answer.
        WorkspaceError: its address is none.
    """
    from jupyter_mltrack.azure.line import Line

    scheme = urlsplit(url).scheme
    if scheme != "https" and not (plain and scheme == "http"):
        raise WorkspaceError(
            "The endpoint has no address with TLS: no key is sent there.",
            "Look at it in the studio.",
        )
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    if deployment:
        headers["azureml-model-deployment"] = deployment
    began_s = time.monotonic()
    line = Line(lambda one: one == url)
    answer = line.send("POST", url, content=body, headers=headers, timeout_s=timeout_s)
    return Answer(
        status=answer.status,
        body=_unwrapped(answer.body) if answer.status == 200 else answer.body,
        latency_ms=(time.monotonic() - began_s) * 1000,
        version=answer.headers.get("azureml-model-deployment", ""),
        request_id=answer.headers.get("x-request-id", "")
        or answer.headers.get("x-ms-request-id", ""),
    )


def _unwrapped(body: bytes) -> bytes:
    """Older scoring scripts answer with a JSON text in a JSON text."""
    try:
        said = json.loads(body)
        inner = json.loads(said) if isinstance(said, str) else None
    except (ValueError, RecursionError):
        return body
    return body if inner is None else json.dumps(inner).encode()
