"""Workspaces that this user chose with `use`: the Jupyter server may ask them from then on.

What a cell tracks says so by its journal; a workspace that was chosen and not written to yet, or
whose runs all began elsewhere, has only this: one private file with what a journal would say of it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack.settings import data_dir, ensure_private_dir

if TYPE_CHECKING:
    from jupyter_mltrack import wire
    from jupyter_mltrack.workspaces import Workspace

_MOST = 200
_BYTES_MAX = 64 << 10


def note(workspace: Workspace) -> None:
    """Remember that it was chosen; a folder that takes no file is no reason to stop."""
    if workspace.kind == "local":
        return
    import msgspec

    from jupyter_mltrack import wire
    from jupyter_mltrack.journal import format as fmt
    from jupyter_mltrack.journal.progress import replace_file

    meta = wire.JournalMeta(
        format=fmt.FORMAT,
        journal_id="",
        pid=os.getpid(),
        host=socket.gethostname(),
        boot_id="",
        created_ms=time.time_ns() // 1_000_000,
        tracking_uri=workspace.display_uri,
        workspace_id=wire.WorkspaceId(workspace.id),
        workspace_kind=workspace.kind,
        workspace_name=workspace.name,
        project_root="",
    )
    with contextlib.suppress(OSError):
        ensure_private_dir(data_dir() / "state" / "used")
        replace_file(_file(data_dir(), workspace.id), msgspec.json.encode(meta))


def is_used(place: Path, workspace_id: str) -> bool:
    """Whether it was ever chosen here."""
    return _file(place, workspace_id).is_file()


def listed(place: Path) -> list[wire.JournalMeta]:
    """What was chosen, the newest 200; a damaged file is passed over."""
    import msgspec

    from jupyter_mltrack import wire

    found: list[wire.JournalMeta] = []
    with contextlib.suppress(OSError):
        for path in (place / "state" / "used").glob("*.json"):
            with contextlib.suppress(OSError, msgspec.DecodeError, ValueError):
                if path.stat().st_size <= _BYTES_MAX and not path.is_symlink():
                    found.append(msgspec.json.decode(path.read_bytes(), type=wire.JournalMeta))
    return sorted(found, key=lambda meta: meta.created_ms)[-_MOST:]


def _file(place: Path, workspace_id: str) -> Path:
    return place / "state" / "used" / f"{workspace_id}.json"
