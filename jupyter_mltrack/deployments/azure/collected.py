"""What an endpoint in Azure was asked and answered, where data collection is on."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from jupyter_mltrack.azure.manage import datastores
from jupyter_mltrack.azure.manage.place import text
from jupyter_mltrack.deployments.azure import doors, online
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from jupyter_mltrack import wire

ROWS_MAX = 200_000
FILE_BYTES_MAX = 256 << 20


class Collected(NamedTuple):
    """Inputs and outputs of the versions behind an endpoint; `cut` when there were more."""

    inputs: pd.DataFrame
    outputs: pd.DataFrame
    cut: bool


def read(info: wire.EndpointInfo, version: str | None, window_s: float | None) -> Collected:
    """Rows that were collected, the newest first to be read.

    Args:
        info: the endpoint.
        version: whose answers to read; of all versions if None. Inputs are always of all.
        window_s: only files that were changed within so many seconds.

    Raises:
        UsageError: nothing was collected.
        NotFound: no such version.
    """
    import pandas as pd

    place = doors.place(info)
    behind = online.deployments(place, info.name)
    container = datastores.opened(place, "")
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in online.COLLECTED}
    cut = False
    with contextlib.closing(container), datastores.translated(f"read what {info.name} collected"):
        for one in behind:
            for kind in online.COLLECTED:
                if kind == "model_outputs" and version not in (None, online.label_of(one)):
                    continue
                folder = online.collected_path(info.name, text(one, "name"), kind)
                cut = _take(container.client, folder, rows[kind], window_s) or cut
    inputs, outputs = (pd.DataFrame(rows[kind]) for kind in online.COLLECTED)
    if not len(inputs):
        span = " in this window" if window_s is not None else ""
        raise UsageError(
            f"Endpoint {clean(info.name)} has collected no inputs{span}.",
            "Deploy it with --collect on, then ask it something; Azure keeps what was asked.",
        )
    return Collected(inputs, outputs, cut)


def _take(client: Any, folder: str, rows: list[dict[str, Any]], window_s: float | None) -> bool:
    """Add the rows of a folder's files; says whether some were left out."""
    oldest_s = None if window_s is None else time.time() - window_s
    files = [
        one
        for one in client.list_blobs(name_starts_with=f"{folder}/")
        if str(one.name).endswith(".jsonl")
        and (oldest_s is None or one.last_modified.timestamp() >= oldest_s)
    ]
    for one in sorted(files, key=lambda each: each.last_modified, reverse=True):
        if len(rows) >= ROWS_MAX or int(one.size or 0) > FILE_BYTES_MAX:
            return True
        content = client.get_blob_client(one.name).download_blob().readall()
        for line in content.splitlines():
            rows += _rows(line)
    return False


def _rows(line: bytes) -> list[dict[str, Any]]:
    """Rows of one event; a line that is cut or damaged has none."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return []
    data = said.get("data") if isinstance(said, dict) else None
    return [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []
