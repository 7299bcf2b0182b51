"""A private, checked copy of a model's files, named by their content. Nothing of it is loaded.

What was looked at, agreed to and deployed is this one copy: its folder is called after the SHA-256
of what is in it, so a version that is replaced in the registry is another folder. A stranger's
files are bounded in number and size, no link is followed or kept, no archive is unpacked, and a
file that turns out larger than its store says ends the copying.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, WorkspaceError

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

FILES_MAX = 10_000
BYTES_MAX = 64 << 30
FREE_BYTES_LEFT = 256 << 20
CHUNK = 1 << 20
KEPT_UNUSED_S = 24 * 3600
LEFT_OUT = frozenset({"registered_model_meta"})
"""MLflow writes it while it downloads; it says where from, not what."""


class Fetched(NamedTuple):
    """A copy of a model's files on this machine."""

    path: Path
    digest: str
    size_bytes: int


def folder() -> Path:
    """Where the copies lie."""
    from jupyter_mltrack.settings import data_dir

    return data_dir() / "deployments" / "models"


def fetch(workspace: Workspace, uri: str) -> Fetched:
    """Copy a model's files here, unless this very content is here already.

    Args:
        workspace: whose model; its account is used where the files lie elsewhere.
        uri: where the files lie, as `models.location` says it.

    Raises:
        NotFound: there are none.
        WorkspaceError: they cannot be copied, or are not what a model's files may be.
        Unreachable: the store gave no answer.
    """
    from jupyter_mltrack.models.files import local_folder
    from jupyter_mltrack.settings import ensure_private_dir

    root = local_folder(uri)
    place = folder()
    for parent in (place.parent.parent, place.parent, place):
        ensure_private_dir(parent)
    if root is not None:
        known = _kept(place, root)
        if known is not None:
            return known
    draft = place / f".{os.getpid()}-{time.monotonic_ns()}"
    draft.mkdir(mode=0o700)
    try:
        if root is None:
            from jupyter_mltrack.models import fetching_remote

            fetching_remote.download(workspace, uri, draft)
            digest, size = digest_of(draft)
        else:
            digest, size = _copy(root, draft)
        if size == 0:
            raise NotFound("The model has no files.", "Log it anew.")
        return Fetched(_settled(draft, place / digest), digest, size)
    except OSError as error:
        raise WorkspaceError(
            f"The model's files could not be copied: {clean(error.strerror or str(error))}.",
            "Make room on this disk, or set MLTRACK_DATA_DIR to another one."
            if error.errno in (28, 122)
            else "Check that the files can be read.",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _kept(place: Path, root: Path) -> Fetched | None:
    """The copy of exactly what lies in `root` now, if there is one."""
    if not any(place.iterdir()) or not root.is_dir():
        return None
    digest, size = digest_of(root)
    path = place / digest
    if not path.is_dir():
        return None
    os.utime(path)
    return Fetched(path, digest, size)


def kept_from_elsewhere(uri: str, digest: str) -> Fetched | None:
    """The copy with this digest of files that lie elsewhere; they are not fetched a second time.

    None where there is no such copy, or the files lie on this machine, where looking is cheap.
    """
    from jupyter_mltrack.models.files import local_folder

    path = folder() / digest
    if local_folder(uri) is not None or not path.is_dir():
        return None
    found, size = digest_of(path)
    return Fetched(path, digest, size) if found == digest else None


def _settled(draft: Path, path: Path) -> Path:
    with contextlib.suppress(OSError):  # somebody else was first, with the same content
        os.rename(draft, path)
    return path


def sweep(used: set[str]) -> None:
    """Remove copies that no endpoint uses and nobody asked for within a day.

    Args:
        used: digests that endpoints refer to.
    """
    oldest = time.time() - KEPT_UNUSED_S
    place = folder()
    if not place.is_dir():
        return
    for path in place.iterdir():
        with contextlib.suppress(OSError):
            if path.name not in used and path.stat().st_mtime < oldest:
                shutil.rmtree(path, ignore_errors=True)


# --------------------------------------------------------------------------- content


def digest_of(root: Path) -> tuple[str, int]:
    """SHA-256 of a model's files (names, sizes, content) and how many bytes they are.

    Raises:
        NotFound: the folder is gone.
        WorkspaceError: it holds what a model's files may not be.
    """
    whole = hashlib.sha256()
    size = 0
    for name in _names(root):
        if name in LEFT_OUT:
            continue
        content = hashlib.sha256()
        count = 0
        with _open(root, name) as file:
            while chunk := file.read(CHUNK):
                content.update(chunk)
                count += len(chunk)
        _add(whole, name, count, content.digest())
        size += count
    return whole.hexdigest(), size


def _copy(root: Path, draft: Path) -> tuple[str, int]:
    """The same while copying, so that what is hashed is what was copied."""
    whole = hashlib.sha256()
    size = 0
    names = [name for name in _names(root) if name not in LEFT_OUT]
    check_room(sum((root / name).lstat().st_size for name in names), draft)
    for name in names:
        content = hashlib.sha256()
        count = 0
        target = draft / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _open(root, name) as file, open(target, "xb") as copy:
            while chunk := file.read(CHUNK):
                content.update(chunk)
                copy.write(chunk)
                count += len(chunk)
                if size + count > BYTES_MAX:
                    raise _too_large()
        _add(whole, name, count, content.digest())
        size += count
    return whole.hexdigest(), size


def check_room(size: int, place: Path) -> None:
    """Refuse what is too large, or would fill the disk.

    Raises:
        WorkspaceError: it does not fit.
    """
    if size > BYTES_MAX:
        raise _too_large()
    free = shutil.disk_usage(place).free
    if size + FREE_BYTES_LEFT > free:
        raise WorkspaceError(
            f"The model has {size >> 20} MB, and {free >> 20} MB are free on this disk.",
            "Make room, or set MLTRACK_DATA_DIR to another disk.",
        )


def _too_large() -> WorkspaceError:
    return WorkspaceError(
        f"The model's files are larger than {BYTES_MAX >> 30} GB.", "Log what it needs only."
    )


def _add(whole: hashlib._Hash, name: str, size: int, content: bytes) -> None:
    encoded = os.fsencode(name)
    whole.update(len(encoded).to_bytes(4, "little") + encoded)
    whole.update(size.to_bytes(8, "little") + content)


def _names(root: Path) -> list[str]:
    """Files below `root`, sorted; Python's own caches are left out, links refused."""
    if not root.is_dir():
        raise NotFound(
            f"The files of the model are gone: {clean(str(root))}.", "Register it from a run anew."
        )
    return sorted(_walk(root))


def _walk(root: Path) -> Iterator[str]:
    count = 0
    for place, folders, files in os.walk(root):
        folders[:] = [one for one in folders if one != "__pycache__"]
        for name in (*files, *(one for one in folders if Path(place, one).is_symlink())):
            path = Path(place, name)
            inside = path.relative_to(root).as_posix()
            if not stat.S_ISREG(path.lstat().st_mode):
                raise WorkspaceError(
                    f"The model's files hold a link or a device: {clean(inside)}.",
                    "Log the model with plain files.",
                )
            count += 1
            if count > FILES_MAX:
                raise WorkspaceError(
                    f"The model has more than {FILES_MAX:,} files.", "Log what it needs only."
                )
            yield inside


def _open(root: Path, name: str) -> BinaryIO:
    handle = os.open(root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    return os.fdopen(handle, "rb")


def is_plain(name: str) -> bool:
    """Whether a path that a store named stays inside the folder that it is copied to."""
    path = PurePosixPath(name)
    return bool(
        name
        and not path.is_absolute()
        and ".." not in path.parts
        and "\\" not in name
        and "%" not in name
        and all(character.isprintable() for character in name)
    )
