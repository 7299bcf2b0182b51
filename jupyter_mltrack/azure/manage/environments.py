"""Software environments that a workspace knows."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage.place import API, Place, checked, properties, text
from jupyter_mltrack.errors import NotFound


def listed(place: Place) -> list[wire.EnvironmentInfo]:
    """The workspace's environments with their newest versions, by name."""
    found = [_container(one) for one in place.arm.list(place.path("environments"), API)]
    return sorted(found, key=lambda one: one.name.lower())


def _container(resource: dict[str, Any]) -> wire.EnvironmentInfo:
    inner = properties(resource)
    return wire.EnvironmentInfo(
        name=text(resource, "name"),
        version=text(inner, "latestVersion"),
        description=text(inner, "description"),
    )


def get(place: Place, name: str, version: str | None = None) -> wire.EnvironmentInfo:
    """One version of an environment; the newest if none is said.

    Raises:
        NotFound: there is none of that name, or no such version.
    """
    path = place.path(f"environments/{checked(name, 'An environment')}")
    if version is None:
        version = text(properties(place.arm.get(path, API)), "latestVersion")
    if not version:
        raise NotFound(
            f"Environment {name} has no version.", "Those there are: %mltrack environment list"
        )
    resource = place.arm.get(f"{path}/versions/{checked(version, 'A version')}", API)
    inner = properties(resource)
    build = inner.get("build")
    docker = text(build, "dockerfilePath") if isinstance(build, dict) else ""
    conda = inner.get("condaFile")
    return wire.EnvironmentInfo(
        name=name,
        version=text(resource, "name"),
        image=text(inner, "image") or docker,
        conda=conda if isinstance(conda, str) else "",
        description=text(inner, "description"),
    )
