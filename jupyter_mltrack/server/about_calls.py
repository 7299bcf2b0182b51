"""What a reader process does for the routes about what a run remembers."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.runs.remembered import Read
from jupyter_mltrack.workspaces import Workspace

PARTS_S = 3.5
"""Of the time that a page waits for a store elsewhere, what is left after the run itself."""


def _reads(workspace: Workspace) -> Read:
    """Read artifacts on this machine through the one resolver."""

    def read(artifact_uri: str, path: str, limit_bytes: int) -> bytes | None:
        from jupyter_mltrack.server.artifacts import open_file

        try:
            _, _, file = open_file(workspace, artifact_uri, path)
        except MltrackError:  # not there, or kept where nothing is served from
            return None
        with file:
            return file.read(limit_bytes)

    return read


def _about(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.runs import about

    if args.pop("here", False):
        return about.about_here(workspace, args["run_id"])
    return about.get_about(workspace, args["run_id"], read=_reads(workspace), limit_s=PARTS_S)


def _output(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.runs.output import get_output

    return get_output(workspace, **args, read=_reads(workspace))


def _diff(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.runs.diff import get_diff

    read, limit_s = _reads(workspace), PARTS_S / 2
    return get_diff(workspace, args["left"], args["right"], read=read, limit_s=limit_s)


ABOUT_CALLS = {
    "run_about": _about,
    "run_output": _output,
    "run_diff": _diff,
}
