"""Ask a workspace how it is, within a time limit and without MLflow.

One small request with the credentials MLflow itself would take from the environment. Redirects
are not followed, answers are read up to a limit, and what comes back is only looked at, never
shown beyond its kind. Who asks from an event loop does so in a thread or a process of its own.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import sqlite3
import ssl
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.workspaces.resolve import workspace_id

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces.resolve import Workspace

_ANSWER_BYTES_MAX = 1 << 20
_QUESTION = "/api/2.0/mlflow/experiments/search?max_results=1"
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def check(workspace: Workspace, timeout_s: float) -> wire.Health:
    """Return how the workspace is; see `Workspace.check`."""
    outcome: list[wire.Health] = []

    def ask() -> None:
        outcome.append(_ask(workspace, timeout_s))

    # a name that does not resolve and a server that trickles keep no time limit by themselves
    thread = threading.Thread(target=ask, name="mltrack-check", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if outcome:
        return outcome[0]
    return _health("unreachable", f"{_place(workspace)} gave no answer within {timeout_s:g} s.")


def _ask(workspace: Workspace, timeout_s: float) -> wire.Health:
    uri = workspace.tracking_uri
    if workspace.database is not None:
        return _of_database(workspace)
    if workspace.kind == "azureml":
        return _of_azure(workspace, timeout_s)
    if uri.startswith(("http://", "https://")):
        try:
            return _of_server(workspace, timeout_s)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return _health(
                "unreachable", f"{_place(workspace)} cannot be reached: {_cause(error)}."
            )
    parts = urlsplit(uri)
    port = _PORTS.get(parts.scheme.split("+")[0])
    if port is None or not parts.hostname:
        return _health("ready")  # a plugin's store: only its own client could tell
    try:
        socket.create_connection((parts.hostname, parts.port or port), timeout_s).close()
    except OSError as error:
        return _health("unreachable", f"{_place(workspace)} cannot be reached: {_cause(error)}.")
    return _health("ready")


# ----------------------------------------------------------------------------- database


def _of_database(workspace: Workspace) -> wire.Health:
    from jupyter_mltrack.workspaces import local

    database = workspace.database
    assert database is not None
    try:
        found = local.schema_of(database, timeout_s=0.2)
        if found is None:
            note = "It is made when the first run begins."
            return _health("ready" if workspace.kind == "local" else "connecting", "", note)
        known = found in local.TESTED_SCHEMAS or found == local.installed_schema()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return _health("connecting", f"The database {database} is locked by another program.")
        return _health("broken", f"The database {database} cannot be used: {error}.")
    except (sqlite3.Error, OSError, MltrackError) as error:
        return _health(
            "broken",
            f"The database {database} cannot be read: {error}.",
            "Move it away to start a new one.",
        )
    if not known:
        return _health(
            "connecting",
            f"The database {database} has the schema {found} of another MLflow.",
            f"If it stays so: mlflow db upgrade sqlite:///{database}",
        )
    if not os.access(database, os.W_OK):
        return _health("broken", f"The database {database} is read-only.", "Make it writable.")
    return _health("ready")


# ------------------------------------------------------------------------------- server


def _of_server(workspace: Workspace, timeout_s: float) -> wire.Health:
    parts = urlsplit(workspace.tracking_uri)
    host, port = parts.hostname or "", parts.port
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=timeout_s, context=_tls())
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", parts.path.rstrip("/") + _QUESTION, headers=_headers(workspace))
        answer = connection.getresponse()
        body = answer.read(_ANSWER_BYTES_MAX)
        return _judge(_place(workspace), answer.status, answer.getheader("Location") or "", body)
    finally:
        connection.close()


def _judge(place: str, status: int, location: str, body: bytes) -> wire.Health:
    if status == 401:
        hint = (
            "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN."
        )
        return _health("signed_out", f"{place} wants a sign-in (401).", hint)
    if status == 403:
        return _health(
            "denied", f"{place} refuses to answer (403).", "Ask for the right to read there."
        )
    if 300 <= status < 400:
        host = urlsplit(location).netloc.rpartition("@")[2] or "another address"
        return _health(
            "broken",
            f"{place} sends to {host} instead of answering; it was not followed.",
            "If that is the right place: %mltrack use with its address.",
        )
    if status != 200:
        state: wire.HealthState = "broken" if status in (404, 405, 410) else "unreachable"
        return _health(state, f"{place} answered {status}.")
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or "error_code" in content:
        return _health(
            "broken",
            f"{place} answered with something that is not MLflow's.",
            "Is it the sign-in page of a network? Open the address in a browser.",
        )
    return _health("ready")


def _headers(workspace: Workspace) -> dict[str, str]:
    """Return the credentials MLflow would send, if they are meant for this server."""
    parts = urlsplit(workspace.tracking_uri)
    name, word = unquote(parts.username or ""), unquote(parts.password or "")
    meant = os.environ.get("MLFLOW_TRACKING_URI")
    if not name and meant and workspace_id(meant) != workspace.id:
        return {}  # the environment's credentials are for another server
    if not name:
        name = os.environ.get("MLFLOW_TRACKING_USERNAME", "")
        word = os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    token = os.environ.get("MLFLOW_TRACKING_TOKEN", "")
    if name and word:
        encoded = base64.standard_b64encode(f"{name}:{word}".encode()).decode()
        return {"Authorization": f"Basic {encoded}"}
    return {"Authorization": f"Bearer {token}"} if token else {}


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH"))
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


# -------------------------------------------------------------------------------- Azure

_STATE_OF_CODE: dict[str, wire.HealthState] = {
    "signed_out": "signed_out",
    "forbidden": "denied",
    "store_unreachable": "unreachable",
    "too_many_requests": "connecting",
}


def _of_azure(workspace: Workspace, timeout_s: float) -> wire.Health:
    """Ask its MLflow with the sign-in of this user; nothing prompts."""
    from jupyter_mltrack.azure.credentials import credential
    from jupyter_mltrack.azure.data_plane import DataPlane
    from jupyter_mltrack.workspaces import azureml

    try:
        facts = azureml.facts(workspace, timeout_s=timeout_s)
        DataPlane(facts, credential(facts.scope)).post(
            f"{facts.tracking_path}/api/2.0/mlflow/experiments/search",
            {"max_results": 1},
            operation="list experiments",
            timeout_s=timeout_s,
        )
    except MltrackError as error:
        return _health(_STATE_OF_CODE.get(error.code, "broken"), error.message, error.hint)
    return _health("ready")


# ------------------------------------------------------------------------------- words


def _place(workspace: Workspace) -> str:
    return workspace.display_uri.partition("://")[2].split("/")[0] or workspace.name


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, ssl.SSLError):
        return "its certificate is not trusted"
    if isinstance(error, OSError):
        return error.strerror or "the connection was cut"
    return "the answer could not be read"


def _health(state: wire.HealthState, message: str = "", hint: str = "") -> wire.Health:
    from jupyter_mltrack.display_text import clean

    return wire.Health(
        state=state, since_ms=int(time.time() * 1000), message=clean(message)[:300], hint=hint
    )
