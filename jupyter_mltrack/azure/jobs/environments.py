"""What `--env` means: a conda file, an image, or an environment of the workspace.

Without it an environment is made of the packages that the code imports, at the versions of the
notebook, so that what was pickled here can be unpickled there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.azure.errors import Missing
from jupyter_mltrack.azure.jobs.place import API
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

if TYPE_CHECKING:
    from jupyter_mltrack.azure.jobs.place import Place

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:latest"
ALWAYS = ("azureml-mlflow", "cloudpickle", "mlflow-skinny", "pandas", "pyarrow")
_NAMED = re.compile(r"(?:azureml:)?([A-Za-z0-9][\w.-]*)(?:[:@]([\w.-]+))?\Z")


def check(said: str, folder: Path) -> None:
    """Refuse a file that is not there, before anything is sent.

    Raises:
        UsageError: it is no file that is here, no image and no name.
    """
    if said and is_file(said) and not path_of(said, folder).is_file():
        raise UsageError(
            f"There is no environment file {clean(said)}.",
            "Name a conda file, an image, or an environment of the workspace: NAME:VERSION",
        )
    if said and not is_file(said) and not is_image(said) and _NAMED.match(said) is None:
        raise UsageError(
            f"{clean(said)!r} is no environment.",
            "Write --env conda.yaml, --env REGISTRY/IMAGE:TAG, or --env NAME:VERSION",
        )


def is_file(said: str) -> bool:
    """Say whether a conda file is meant."""
    return said.lower().endswith((".yml", ".yaml"))


def is_image(said: str) -> bool:
    """Say whether an image is meant: it has a registry or a repository."""
    return "/" in said and not said.startswith(("azureml:", "/subscriptions/"))


def path_of(said: str, folder: Path) -> Path:
    """Where the file lies; relative paths begin at the notebook."""
    return folder / os.path.expanduser(said)


def environment_id(place: Place, said: str, folder: Path, packages: dict[str, str]) -> str:
    """The id of the environment for a job, made in the workspace where it is not there yet.

    Raises:
        AzureError: it cannot be made, or there is none of that name.
    """
    if not said:
        return _made(place, {"image": IMAGE, "condaFile": _conda(packages)})
    if is_file(said):
        text = path_of(said, folder).read_text("utf-8")
        return _made(place, {"image": IMAGE, "condaFile": text})
    if is_image(said):
        return _made(place, {"image": said})
    if said.startswith("/subscriptions/"):
        return said
    return _named(place, said)


def _conda(packages: dict[str, str]) -> str:
    """A conda file, as JSON, which is YAML too."""
    wanted = dict.fromkeys(ALWAYS, "") | packages
    wanted.pop("mlflow", None)
    wanted.pop("jupyter_mltrack", None)
    pip = [f"{name}=={version}" if version else name for name, version in sorted(wanted.items())]
    python = ".".join(map(str, sys.version_info[:2]))
    content = {
        "name": "mltrack",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": pip}],
    }
    return json.dumps(content, indent=1)


def _made(place: Place, properties: dict[str, Any]) -> str:
    """The same content is the same environment, so that its image is built once."""
    digest = hashlib.sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()[:32]
    path = place.id_of(f"environments/mltrack-{digest}/versions/1")
    try:
        return str(place.arm.get(path, API, operation="look for the environment")["id"])
    except Missing:
        body = {"properties": {**properties, "osType": "Linux", "tags": {"madeBy": "mltrack"}}}
        return str(place.arm.put(path, API, body, operation="make the environment")["id"])


def _named(place: Place, said: str) -> str:
    found = _NAMED.match(said)
    assert found is not None  # `check` has seen it
    name, version = found[1], found[2]
    base = f"environments/{name}"
    operation = f"find environment {name}"
    try:
        if version and version != "latest":
            path = place.id_of(f"{base}/versions/{version}")
            return str(place.arm.get(path, API, operation=operation)["id"])
        newest = place.arm.get(place.id_of(base), API, operation=operation)
        number = newest["properties"]["latestVersion"]
        return place.id_of(f"{base}/versions/{number}")
    except Missing:
        if not name.lower().startswith("azureml-") and not name.lower().startswith("acpt"):
            raise
        end = f"versions/{version}" if version and version != "latest" else "labels/latest"
        return f"azureml://registries/azureml/environments/{name}/{end}"
