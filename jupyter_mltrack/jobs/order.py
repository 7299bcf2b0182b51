"""What a job has to do, as it lies in the job's folder. No secret is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from jupyter_mltrack.jobs import body

ORDER_FILE = "order.json"


class Order(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was asked for; a keeper that begins anew reads it."""

    name: str
    on: str
    workspace: str
    """Address of the workspace without credentials."""
    folder: str
    """Working folder of the notebook or terminal that asked."""
    is_cell: bool = True
    script: str = ""
    """Path of the script, below `folder` or whole."""
    arguments: list[str] = []
    experiment: str | None = None
    tags: dict[str, str] = {}
    params: dict[str, str] = {}
    literals: bool = True
    variables: list[str] = []
    """Names that become parameters when the cell ends."""
    metrics: list[tuple[str, str]] = []
    autolog: bool | None = None
    system_metrics: bool | None = None
    alerts: list[str] = []
    returns: list[str] = []
    options: dict[str, Any] = {}
    packages: dict[str, str] = {}
    """What another machine must have, with versions."""
    snapshot_folder: str = ""
    """Folder whose files travel; empty where none do."""
    snapshot_paths: list[str] = []


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """A job as its backend takes it: the order, and where the cell and its names lie."""

    job_id: str
    place: Path
    """The job's folder."""
    order: Order

    @property
    def content(self) -> Path:
        """The folder with the cell and its names, as `body` reads it."""
        return self.place / body.FOLDER

    @property
    def target(self) -> str:
        """What stands behind the colon of `--on`."""
        return self.order.on.partition(":")[2]


def load(place: Path) -> Order:
    """Return the order that lies in a job's folder.

    Raises:
        OSError, msgspec.MsgspecError: there is none that can be read.
    """
    return msgspec.json.decode((place / ORDER_FILE).read_bytes(), type=Order)
