"""What a reader process does for the routes about the artifacts of one run."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.errors import NotFound
from jupyter_mltrack.workspaces import Workspace


def artifact_uri(workspace: Workspace, run_id: str) -> str:
    """Where the artifacts of a run are.

    Raises:
        NotFound: there is no such run, or it has no place yet.
    """
    from jupyter_mltrack import runs

    uri = runs.get_run(workspace, run_id).artifact_uri
    if not uri:
        raise NotFound(f"Run {run_id} has no artifacts yet.")
    return uri


def _root(workspace: Workspace, args: dict[str, Any]) -> Any:
    return {"uri": artifact_uri(workspace, args["run_id"])}


def _list(workspace: Workspace, args: dict[str, Any]) -> Any:
    from jupyter_mltrack.server import artifacts, far_artifacts

    uri = artifact_uri(workspace, args["run_id"])
    if artifacts.is_local(uri):
        return artifacts.list_folder(workspace, uri, args["path"])
    return far_artifacts.list_far(workspace, uri, args["path"])


def _preview(workspace: Workspace, args: dict[str, Any]) -> Any:
    from contextlib import closing

    from jupyter_mltrack.errors import MltrackError
    from jupyter_mltrack.server import artifacts, far_artifacts, previews

    uri, path = artifact_uri(workspace, args["run_id"]), args["path"]
    if artifacts.is_local(uri):
        with closing(artifacts.LocalSource(workspace, uri, path)) as source:
            return previews.preview(source)
    far = far_artifacts.FarSource(workspace, uri, path)
    try:
        return previews.preview(far)
    except MltrackError as error:
        if error.code != "too_large":
            raise
        return wire.ArtifactPreview(
            path=path, kind="binary", size_bytes=far.size_bytes, truncated=True
        )


ARTIFACT_CALLS = {"artifact_root": _root, "artifact_list": _list, "artifact_preview": _preview}
