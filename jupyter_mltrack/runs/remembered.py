"""The files of what a run remembers, from wherever they are: kept here first, else its artifacts.

Only the few files of `journal.kept` are ever read, each up to a size. Artifacts on this machine are
read by whoever asks, since one resolver decides what may be read; those elsewhere through MLflow's
own client with a time limit. An address that would lead from a store to this machine, or to a
web server that the store names, is not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.journal import kept, printed
from jupyter_mltrack.journal.progress import local_ids

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from jupyter_mltrack.workspaces import Workspace

Read = Callable[[str, str, int], bytes | None]
"""Reads an artifact on this machine: address of the run's root, path, most bytes."""
_NOT_FOLLOWED = ("file:", "http:", "https:", "ftp:", "sftp:", "/")
FAR_BYTES_MAX = 8 << 20
"""Of one file from a store elsewhere; a page does not wait for more."""
_LIMITS = {kept.OUTPUT: kept.OUTPUT_BYTES_MAX}


def place_of(data_dir: Path, workspace_id: str, run_id: str) -> Path | None:
    """The folder of the run on this machine; None where it was made elsewhere."""
    return kept.find(data_dir, workspace_id, local_ids(data_dir, run_id))


def files_of(
    workspace: Workspace,
    run_id: str,
    names: Sequence[str],
    *,
    artifact_uri: str | None,
    data_dir: Path,
    read: Read | None = None,
) -> dict[str, bytes]:
    """Those of the named files that are found.

    Raises:
        MltrackError: they are elsewhere and cannot be asked for now.
    """
    place = place_of(data_dir, workspace.id, run_id)
    found: dict[str, bytes] = {}
    for name in names if place is not None else ():
        assert place is not None
        content = kept.read(place / name, _limit(name))
        if content is not None:
            found[name] = content
    if found or not artifact_uri:
        return found
    if artifact_uri.startswith(_NOT_FOLLOWED):
        for name in names if read is not None else ():
            assert read is not None
            content = read(artifact_uri, _path(name), _limit(name))
            if content is not None:
                found[name] = content
        return found
    return _from_client(workspace, run_id, names)


def _from_client(workspace: Workspace, run_id: str, names: Sequence[str]) -> dict[str, bytes]:
    from jupyter_mltrack.runs.client_store import ask

    def question(client: MlflowClient) -> dict[str, bytes]:
        from tempfile import TemporaryDirectory

        listed = client.list_artifacts(run_id, kept.ARTIFACT_FOLDER)
        sizes = {one.path: one.file_size or 0 for one in listed if not one.is_dir}
        found = {}
        with TemporaryDirectory() as folder:
            for name in names:
                size_bytes = sizes.get(_path(name))
                if size_bytes is None:
                    continue
                if size_bytes > _limit(name) or size_bytes > FAR_BYTES_MAX:
                    found[name] = _too_large(size_bytes) if name == kept.OUTPUT else b""
                    continue
                got = client.download_artifacts(run_id, _path(name), folder)
                content = kept.read(Path(got), _limit(name))
                if content is not None:
                    found[name] = content
        return found

    return ask(workspace, question)


def _too_large(size_bytes: int) -> bytes:
    """What stands for an output that is not fetched."""
    text = f"({size_bytes >> 20} MB: more than is shown from here; the artifact has it)"
    return printed.file_line(printed.Line("stderr", text, 0)).encode()


def _path(name: str) -> str:
    return f"{kept.ARTIFACT_FOLDER}/{name}"


def _limit(name: str) -> int:
    return _LIMITS.get(name, kept.TEXT_BYTES_MAX)


def surroundings(files: dict[str, bytes]) -> kept.Surroundings:
    """What `environment.json` says; nothing where it is not there or is none of ours."""
    import msgspec

    try:
        return msgspec.json.decode(files.get(kept.SURROUNDINGS, b"{}"), type=kept.Surroundings)
    except (msgspec.DecodeError, RecursionError):
        return kept.Surroundings()


def text(files: dict[str, Any], name: str) -> str:
    """One of the files as text."""
    content: bytes = files.get(name, b"")
    return content.decode("utf-8", "replace")
