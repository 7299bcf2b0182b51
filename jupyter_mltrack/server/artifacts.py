"""Artifacts on this machine: one resolver, and listing and reading through it.

A path is refused before it is looked at, then walked component by component from the workspace's
own artifact root, each opened relative to the one before without following links: what lies
outside cannot be named. A run whose artifact address points elsewhere is refused.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, NotFound
from jupyter_mltrack.workspaces import Workspace

LISTED_MAX = 1_000
PARTS_MAX = 64
MLFLOW_FOLDERS = ("mlruns", "mlartifacts")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO}


def list_folder(workspace: Workspace, artifact_uri: str, path: str) -> wire.ArtifactList:
    """Entries of a folder below a run's artifact root, folders first; links are left out.

    Raises:
        MltrackError: the path or the run's artifact address is refused, or nothing is there.
    """
    root, parts = _from_root(workspace, artifact_uri, path)
    try:
        handle = _open_folder(root, parts)
    except NotFound:
        if path == "":
            return wire.ArtifactList(artifacts=[])
        raise
    entries: list[wire.ArtifactInfo] = []
    truncated = False
    try:
        with os.scandir(handle) as found:
            for entry in found:
                if len(entries) >= LISTED_MAX:
                    truncated = True
                    break
                info = _entry(entry, path)
                if info is not None:
                    entries.append(info)
    finally:
        os.close(handle)
    entries.sort(key=lambda one: (not one.is_dir, one.path.casefold(), one.path))
    return wire.ArtifactList(artifacts=entries, truncated=truncated)


def open_file(workspace: Workspace, artifact_uri: str, path: str) -> tuple[str, int, BinaryIO]:
    """Name, size and open file of one artifact.

    Raises:
        MltrackError: the path or the run's artifact address is refused, or no plain file is there.
    """
    root, parts = _from_root(workspace, artifact_uri, path)
    if not path:
        raise _nothing(path)
    folder = _open_folder(root, parts[:-1])
    try:
        handle = os.open(parts[-1], _FILE, dir_fd=folder)
    except OSError as error:
        raise _told(error, path) from None
    finally:
        os.close(folder)
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise _nothing(path)
    return parts[-1], status.st_size, os.fdopen(handle, "rb")


class LocalSource:
    """One artifact on this machine, for a preview."""

    def __init__(self, workspace: Workspace, artifact_uri: str, path: str) -> None:
        self.path = path
        _, size_bytes, self._file = open_file(workspace, artifact_uri, path)
        self.size_bytes: int | None = size_bytes

    def head(self, limit: int) -> bytes:
        """Its first bytes."""
        self._file.seek(0)
        return self._file.read(limit)

    def seekable(self, _limit: int) -> BinaryIO | None:
        """The open file: nothing has to be brought here."""
        return self._file

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def plain_parts(path: str) -> tuple[str, ...]:
    """Components of a relative path, refused unless every one is an ordinary name.

    Raises:
        MltrackError: the path is absolute, climbs, or holds signs that no artifact name has.
    """
    if path == "":
        return ()
    parts = tuple(path.split("/"))
    odd = any(part in ("", ".", "..") for part in parts) or "\\" in path
    if odd or len(parts) > PARTS_MAX or any(ord(sign) < 32 or ord(sign) == 127 for sign in path):
        raise MltrackError(
            "That is no path of an artifact.",
            "Artifact paths are relative, with `/` between plain names.",
            code="bad_request",
        )
    return parts


def _from_root(workspace: Workspace, artifact_uri: str, path: str) -> tuple[Path, tuple[str, ...]]:
    """The workspace's artifact root and the components from there to what is asked for."""
    asked = plain_parts(path)
    place = _local_path(artifact_uri)
    if place is None or ".." in place.parts:
        raise elsewhere()
    for root in _roots(workspace):
        if place.is_relative_to(root):
            return root, (*place.relative_to(root).parts, *asked)
    raise elsewhere()


def elsewhere() -> MltrackError:
    """What is said of artifacts that are not served from here."""
    return MltrackError(
        "The artifacts of this run are kept elsewhere; they are not served from here.",
        "Open the run in the workspace's own page.",
        code="forbidden",
    )


def is_local(artifact_uri: str) -> bool:
    """Whether an address names a place on this machine, a served one or not."""
    return artifact_uri.startswith("/") or urlsplit(artifact_uri).scheme in ("", "file")


def _roots(workspace: Workspace) -> list[Path]:
    """Folders on this machine that the workspace keeps artifacts in.

    A store that is a folder keeps them inside, one that is a database file beside it, in the
    folders that MLflow makes for that. A server keeps none here.
    """
    own = _local_path(workspace.artifact_root)
    if own is not None:
        return [own]
    if workspace.database is not None:
        return [workspace.database.parent / name for name in MLFLOW_FOLDERS]
    folder = _local_path(workspace.tracking_uri)
    return [folder] if folder is not None and len(folder.parts) > 1 else []


def _local_path(uri: str | None) -> Path | None:
    if not uri:
        return None
    if uri.startswith("/") and not uri.startswith("//") and "\0" not in uri:
        return Path(uri)
    parts = urlsplit(uri)
    if (
        parts.scheme != "file"
        or parts.netloc not in ("", "localhost")
        or "\0" in unquote(parts.path)
    ):
        return None
    return Path(unquote(parts.path))


def _open_folder(root: Path, parts: tuple[str, ...]) -> int:
    try:
        handle = os.open(root, _FOLDER)
    except OSError as error:
        raise _told(error, "") from None
    for part in parts:
        try:
            inner = os.open(part, _FOLDER, dir_fd=handle)
        except (OSError, ValueError) as error:
            raise _told(error, part) from None
        finally:
            os.close(handle)
        handle = inner
    return handle


def _entry(entry: os.DirEntry[str], folder: str) -> wire.ArtifactInfo | None:
    status = entry.stat(follow_symlinks=False)
    path = f"{folder}/{entry.name}" if folder else entry.name
    if stat.S_ISDIR(status.st_mode):
        return wire.ArtifactInfo(path=path, is_dir=True)
    if stat.S_ISREG(status.st_mode):
        return wire.ArtifactInfo(path=path, is_dir=False, size_bytes=status.st_size)
    return None


def _told(error: Exception, path: str) -> MltrackError:
    if isinstance(error, ValueError) or getattr(error, "errno", None) in _NOT_THERE:
        return _nothing(path)
    return MltrackError("The artifact cannot be read.", code="forbidden")


def _nothing(path: str) -> NotFound:
    return NotFound("There is no such artifact." if path else "The run has no artifacts yet.")
