"""The lines that a run printed, from the file that is kept here or from its artifacts.

The cursor is a place in that file, so that whoever follows a run reads only what is new.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack import wire
from jupyter_mltrack.journal import kept, printed
from jupyter_mltrack.runs import remembered
from jupyter_mltrack.runs.remembered import Read

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

LINES_MAX = 1_000


def get_output(
    workspace: Workspace,
    run_id: str,
    *,
    since: int = 0,
    lines: int = LINES_MAX,
    data_dir: Path | None = None,
    read: Read | None = None,
) -> wire.RunOutput:
    """The last `lines` of what the run printed after `since`.

    Raises:
        NotFound: nobody knows the run.
        Unreachable: its artifacts are elsewhere and cannot be asked for now.
    """
    from jupyter_mltrack import runs
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.settings import data_dir as users_data_dir

    folder = data_dir if data_dir is not None else users_data_dir()
    run_id = run_alias(folder, run_id)
    place = remembered.place_of(folder, workspace.id, run_id)
    if place is not None and (place / kept.OUTPUT).exists():
        content = kept.read(place / kept.OUTPUT, kept.OUTPUT_BYTES_MAX, start=since) or b""
        return _answer(content, since, lines)
    detail = runs.get_run(workspace, run_id, data_dir=folder)
    files = remembered.files_of(
        workspace,
        run_id,
        (kept.OUTPUT,),
        artifact_uri=detail.artifact_uri,
        data_dir=folder,
        read=read,
    )
    content = files.get(kept.OUTPUT, b"")[since:]
    found = _answer(content, since, lines)
    if kept.OUTPUT not in files:
        return wire.RunOutput(lines=[], cursor=since)
    return found


def _answer(content: bytes, since: int, lines: int) -> wire.RunOutput:
    """Whole lines only: what has no end yet is read with the next question."""
    end = content.rfind(b"\n") + 1
    whole = content[:end]
    start = end
    for _ in range(max(1, lines) + 1):
        start = whole.rfind(b"\n", 0, start)
        if start < 0:
            break
    shown = whole[start + 1 :].decode("utf-8", "replace").split("\n")[:-1]
    return wire.RunOutput(
        lines=[_line(text) for text in shown],
        cursor=since + end,
        dropped=whole[: start + 1].count(b"\n"),
        path=f"{kept.ARTIFACT_FOLDER}/{kept.OUTPUT}",
    )


def _line(text: str) -> wire.OutputLine:
    line = printed.parsed(text)
    return wire.OutputLine(stream=line.stream, text=line.text, t_ms=line.at_ms)
