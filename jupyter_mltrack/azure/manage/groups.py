"""Resource groups: what is in one, and its end, which is the only way to delete all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage.place import GROUPS_API, checked, last_segment, text
from jupyter_mltrack.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable


def _path(subscription_id: str, name: str) -> str:
    return (
        f"/subscriptions/{checked(subscription_id, 'A subscription')}"
        f"/resourceGroups/{checked(name, 'A resource group')}"
    )


def get(arm: Any, subscription_id: str, name: str) -> wire.GroupInfo:
    """A resource group with all that is in it.

    Raises:
        NotFound: there is none of that name.
    """
    path = _path(subscription_id, name)
    group = arm.get(path, GROUPS_API)
    found = [_resource(one) for one in arm.list(f"{path}/resources", GROUPS_API)]
    return wire.GroupInfo(
        name=text(group, "name"),
        subscription_id=subscription_id,
        location=text(group, "location"),
        resources=sorted(found, key=lambda one: (one.kind.lower(), one.name.lower())),
    )


def _resource(one: dict[str, Any]) -> wire.AzureResource:
    return wire.AzureResource(
        name=text(one, "name") or last_segment(text(one, "id")),
        kind=text(one, "type"),
        arm_id=text(one, "id"),
    )


def ensure(arm: Any, subscription_id: str, name: str, location: str) -> bool:
    """Have the group there; says whether it was made now."""
    path = _path(subscription_id, name)
    try:
        arm.get(path, GROUPS_API)
    except NotFound:
        arm.put(path, GROUPS_API, {"location": location}, wait=True)
        return True
    return False


def delete(
    arm: Any, subscription_id: str, name: str, progress: Callable[[str, float], None] | None = None
) -> None:
    """Delete a group with everything in it.

    Raises:
        NotFound: there is none of that name.
        Denied: the account may not.
    """
    arm.delete(_path(subscription_id, name), GROUPS_API, wait=True, progress=progress)
