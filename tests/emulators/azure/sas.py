"""Signed addresses of blobs: made here, checked by the blob store."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from tests.emulators.azure.core import State, Workspace

_KEY = b"emulator"
SUFFIX = "blob.core.windows.net"


def container_of(workspace: Workspace) -> str:
    """The container of the default datastore."""
    return f"azureml-blobstore-{workspace.guid}"


def token(
    account: str, container: str, *, lifetime_s: float = 3600, permissions: str = "racwdl"
) -> str:
    """A SAS for all blobs of a container, as a query string."""
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + lifetime_s))
    fields = {"sv": "2021-08-06", "sr": "c", "sp": permissions, "se": expires}
    return urlencode(fields | {"sig": _signature(account, container, fields)})


def refusal(account: str, container: str, query: Mapping[str, str]) -> str:
    """Why a request with this query may not touch the container ("" : it may)."""
    fields = {name: query.get(name, "") for name in ("sv", "sr", "sp", "se")}
    if not hmac.compare_digest(_signature(account, container, fields), query.get("sig", "")):
        return "AuthenticationFailed"
    if time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) >= fields["se"]:
        return "AuthenticationFailed"
    return ""


def url(
    state: State,
    workspace: Workspace,
    container: str,
    path: str = "",
    *,
    lifetime_s: float = 3600,
    permissions: str = "racwdl",
    signed: bool = True,
) -> str:
    """The address of a blob (or of the container), in the form that all clients accept."""
    tail = f"/{quote(path)}" if path else ""
    base = f"{state.origin}/{workspace.account}.{SUFFIX}/{container}{tail}"
    if not signed:
        return base
    return f"{base}?{token(workspace.account, container, lifetime_s=lifetime_s, permissions=permissions)}"  # fmt: skip


def _signature(account: str, container: str, fields: Mapping[str, str]) -> str:
    text = "\n".join([account, container, *(fields[name] for name in sorted(fields))])
    return base64.b64encode(hmac.digest(_KEY, text.encode(), hashlib.sha256)).decode()
