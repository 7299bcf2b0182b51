"""How this process reaches a workspace's host: its cloud, its credential, its JSON calls.

An address is enough: what `use azureml` learned is taken where it is known, and a tracking address
that a program set by itself works too. A token goes only to a host that the cloud trusts.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.azure import clouds, known
from jupyter_mltrack.azure.errors import AzureError

if TYPE_CHECKING:
    from jupyter_mltrack.azure.data_plane import DataPlane
    from jupyter_mltrack.azure.scope import Scope
    from jupyter_mltrack.azure.tracking.address import Place

_planes: dict[tuple[str, str, int], DataPlane] = {}
_lock = threading.Lock()


def facts(place: Place) -> known.WorkspaceFacts:
    """What is known of the workspace at an address; asks nobody."""
    found = known.known(place.scope)
    if found is not None and found.tracking_host.lower() == place.host:
        return found
    return known.WorkspaceFacts(
        id=known.id_of(place.scope),
        subscription_id=place.scope.subscription_id,
        resource_group=place.scope.resource_group,
        workspace_name=place.scope.workspace_name,
        cloud=clouds.current_key(),
        location="",
        guid="",
        tracking_host=place.host,
        studio=clouds.current().studio,
    )


def token(place: Place) -> str:
    """A token for the workspace's host.

    Raises:
        SignedOut: somebody must sign in.
        AzureError: the host is none of the cloud's.
    """
    from jupyter_mltrack.azure.credentials import credential

    cloud = clouds.current()
    if not cloud.trusts(f"{place.url}/"):
        raise AzureError(
            f"{place.host} gets no token: it is none of {cloud.name}.",
            "Check the tracking address, and AZUREML_CURRENT_CLOUD for a cloud that is not public.",
            code="forbidden",
        )
    return str(credential(place.scope).get_token(cloud.token_scope).token)


def plane(place: Place) -> DataPlane:
    """JSON calls to the workspace's host, one object for all threads of the process."""
    from jupyter_mltrack.azure.credentials import credential
    from jupyter_mltrack.azure.data_plane import DataPlane

    signed_in = credential(place.scope)
    key = (place.host, place.scope.key, id(signed_in))
    with _lock:
        found = _planes.get(key)
        if found is None:
            if len(_planes) > 20:
                _planes.clear()
            found = _planes[key] = DataPlane(facts(place), signed_in)
    return found


def renew(scope: Scope) -> None:
    """Have new tokens got: the service did not take the last one, although its time is not over."""
    from jupyter_mltrack.azure.credentials import credential

    credential(scope).renew()


def may_hold_files(url: str) -> bool:
    """Whether a signed address leads to a storage account of the cloud, over TLS."""
    from urllib.parse import urlsplit

    cloud = clouds.current()
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or "@" in parts.netloc:
        return False
    return host.endswith(f".blob.{cloud.storage_suffix}") or cloud.trusts(url)


def storage() -> Any:
    """The line to storage accounts; it carries no token, the addresses are signed."""
    from jupyter_mltrack.azure.line import Line

    with _lock:
        if not _storage:
            _storage.append(Line(may_hold_files))
    return _storage[0]


_storage: list[Any] = []
