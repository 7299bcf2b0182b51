"""MLflow's artifact repository for `azureml://` addresses.

In a process whose runs are journaled, logging an artifact copies it into the journal's folder and
returns; the shipper uploads. Everywhere else it is uploaded at once, side by side. What is still
on its way is listed and read like everything else. Addresses that only Azure's own plugin knows
(registries) are handed to it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from jupyter_mltrack.azure.errors import Missing
from jupyter_mltrack.azure.tracking import address, run_files
from jupyter_mltrack.azure.tracking.run_files import RunFiles
from jupyter_mltrack.azure.tracking.versions import Tree
from jupyter_mltrack.errors import MltrackError

SIZED_MAX = 200
"""Of so many files in a folder the size is asked for: two requests each, once."""
_Sources = list[tuple[Path, str]]
_Answer = TypeVar("_Answer")


class AzureFiles:
    """What a repository does; MLflow's own base class is added by `repository_class`."""

    _files: address.Files

    def _open(self, artifact_uri: str, tracking_uri: str | None) -> None:
        files = address.files_of(artifact_uri, tracking_uri or _current_tracking_uri())
        if files is None:
            raise MltrackError(
                f"The address {artifact_uri} names no files of an Azure ML workspace.",
                "Install what else there is: pip install 'jupyter-mltrack[azure]'",
                code="bad_request",
            )
        self._files = files

    @property
    def _store(self) -> RunFiles:
        """The files in the service; of a run that began here, as soon as the service has it."""
        return _shared(run_files.known_to_service(self._files))

    # ---------------------------------------------------------------------------- writing

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Log one file."""
        name = os.path.basename(local_file)
        self._log([(Path(local_file), self._below(artifact_path, name))])

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Log a folder with all that is in it."""
        top = Path(local_dir)
        found: _Sources = []
        for folder, _, names in os.walk(top):
            inside = Path(folder).relative_to(top).as_posix()
            for name in sorted(names):
                path = name if inside == "." else f"{inside}/{name}"
                found.append((Path(folder) / name, self._below(artifact_path, path)))
        if found:
            self._log(found)

    def _log_artifact_async(
        self, filename: str, artifact_path: str | None = None, artifact: Any = None
    ) -> None:
        """Write what MLflow would have a thread write: the journal is fast enough."""
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:
            path = os.path.join(folder, filename)
            if hasattr(artifact, "save"):
                artifact.save(path)
            self.log_artifact(path, artifact_path)

    def flush_async_logging(self) -> None:
        """Nothing waits in a thread."""

    def _log(self, sources: _Sources) -> None:
        from jupyter_mltrack.journal import spool

        journal = _journal_of(self._files)
        if journal is not None:
            uri = self._files.place.artifact_uri(self._files.experiment, self._files.run_id)
            try:
                spool.put(journal.path, self._files.run_id, uri, sources)
            except OSError:
                pass  # no room for a copy: the file goes at once
            else:
                journal.wake()
                return
        self._store.write(sources)

    def _below(self, *parts: str | None) -> str:
        """The path within the container of a path below this repository's own."""
        found = [self._files.path, *parts]
        path = "/".join(part.replace("\\", "/").strip("/") for part in found if part)
        return "/".join(part for part in path.split("/") if part not in ("", "."))

    # ---------------------------------------------------------------------------- reading

    def list_artifacts(self, path: str | None = None) -> list[Any]:
        """Files and folders directly below a path."""
        from mlflow.entities import FileInfo

        tree, waiting = self._seen()
        folder = self._below(path)
        found = []
        for name, is_folder in tree.children(folder):
            whole = f"{folder}/{name}" if folder else name
            size = None if is_folder else waiting.get(whole, (None, None))[1]
            found.append(FileInfo(self._shown(whole), is_folder, size))
        return found

    def list_with_sizes(self, path: str | None = None, limit_s: float = 1.5) -> list[Any]:
        """The same with the sizes that storage tells in time: the service's own list has none."""
        from mlflow.entities import FileInfo

        found = self.list_artifacts(path)
        sizes = self._sizes(
            [one.path for one in found if not one.is_dir and one.file_size is None], limit_s
        )
        return [FileInfo(one.path, one.is_dir, sizes.get(one.path, one.file_size)) for one in found]

    def _sizes(self, paths: Sequence[str], limit_s: float) -> dict[str, int]:
        if not paths:
            return {}
        store = self._store
        tree = store.tree()
        lanes = ThreadPoolExecutor(run_files.LANES, thread_name_prefix="mltrack-sizes")
        try:
            asked = {
                path: lanes.submit(self._newest, tree, self._below(path), store.size)
                for path in paths[:SIZED_MAX]
            }
            wait(asked.values(), limit_s)
        finally:
            lanes.shutdown(wait=False, cancel_futures=True)
        return {
            path: one.result()
            for path, one in asked.items()
            if one.done() and not one.cancelled() and one.exception() is None
        }

    def _shown(self, whole: str) -> str:
        """A path within the container as it is below this repository's own."""
        own = self._files.path
        return whole[len(own) + 1 :] if own and whole.startswith(f"{own}/") else whole

    def _download_file(self, remote_file_path: str, local_path: str, **_: Any) -> None:
        """Bring one file, from where it waits or from the service."""
        whole = self._below(remote_file_path)
        tree, waiting = self._seen()
        copy = waiting.get(whole, (None, None))[0]
        if copy is not None:
            try:
                shutil.copyfile(copy, local_path)
            except FileNotFoundError:  # it has arrived meanwhile
                tree = self._store.tree(fresh=True)
            else:
                return
        self._newest(tree, whole, lambda real: self._store.download(real, Path(local_path)))

    def head(self, path: str, size: int) -> tuple[bytes, int]:
        """First bytes of a file, and the size of the whole."""
        whole = self._below(path)
        tree, waiting = self._seen()
        copy = waiting.get(whole, (None, None))[0]
        if copy is not None:
            with contextlib.suppress(FileNotFoundError), copy.open("rb") as file:
                return file.read(size), copy.stat().st_size
        return self._newest(tree, whole, lambda real: self._store.read(real, 0, size))

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file, piece by piece."""
        from jupyter_mltrack.azure.tracking.run_files import BLOCK_BYTES

        whole = self._below(path)
        tree, waiting = self._seen()
        copy = waiting.get(whole, (None, None))[0]
        if copy is not None and copy.is_file():
            with copy.open("rb") as file:
                while data := file.read(BLOCK_BYTES):
                    yield data
            return
        yield from self._newest(tree, whole, self._store.pieces)

    def _newest(self, tree: Tree, whole: str, read: Callable[[str], _Answer]) -> _Answer:
        """Read the newest version that is whole: one may have been announced and never sent."""
        real = _physical(tree, whole)
        older = tree.older(real)
        while True:
            try:
                return read(real)
            except Missing:
                if not older:
                    raise
                real = older.pop(0)

    def service_uri(self) -> str:
        """The address of what this repository stands for, as the service itself reads it."""
        store = self._store
        path = store.tree(fresh=True).physical(self._files.path) or self._files.path
        files = store.files
        return f"{files.place.artifact_uri(files.experiment, files.run_id)}/{path}".rstrip("/")

    def wait(self, limit_s: float) -> bool:
        """Wait until the service has what was logged; False when the time is over."""
        until_s = time.monotonic() + limit_s
        while _waiting(self._files):
            journal = _journal_of(self._files)
            if journal is not None:
                journal.wake()
            if time.monotonic() > until_s:
                return False
            time.sleep(0.05)
        return True

    def _seen(self) -> tuple[Tree, dict[str, tuple[Path | None, int | None]]]:
        """The files of the service with those on their way; and where these lie, by path."""
        waiting = _waiting(self._files)
        try:
            store = self._store
            if store.waited - set(waiting):  # something has arrived since it was listed
                store.forget()
            store.waited = set(waiting)
            tree = store.tree()
        except MltrackError:
            if not waiting:
                raise
            tree = Tree()
        found: dict[str, tuple[Path | None, int | None]] = {}
        if waiting:
            tree = tree.copy()
            for path, (copy, size) in waiting.items():
                real = tree.physical(path)
                if real is None:
                    tree.add(path)
                found[path] = copy, size
        return tree, found


def _physical(tree: Tree, whole: str) -> str:
    found = tree.physical(whole)
    if found is None or tree.is_folder(whole):
        from mlflow.exceptions import MlflowException
        from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

        raise MlflowException(
            f"The run has no artifact {whole!r}.", error_code=RESOURCE_DOES_NOT_EXIST
        )
    return found


def _current_tracking_uri() -> str:
    from mlflow.tracking._tracking_service.utils import _resolve_tracking_uri

    return str(_resolve_tracking_uri())


def _shared(files: address.Files) -> RunFiles:
    from dataclasses import replace

    return _store_of(replace(files, path=""))


@lru_cache(maxsize=256)
def _store_of(files: address.Files) -> RunFiles:
    return RunFiles(files)


def _journal_of(files: address.Files) -> Any:
    """The journal of this process that a run's files may wait in; None to send them at once."""
    if not files.run_id:
        return None
    from jupyter_mltrack.azure.known import id_of
    from jupyter_mltrack.tracking import attach
    from jupyter_mltrack.tracking.book import all_books

    if not attach.is_attached():
        return None
    wanted = id_of(files.place.scope)
    for book in all_books():
        if book.workspace.id == wanted and book.is_open:
            return _Waker(book)
    return None


class _Waker:
    """A book's journal, and a word to its shipper."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self.path: Path = book.journal().path

    def wake(self) -> None:
        """Have the shipper look now."""
        self._book.wake()


def _waiting(files: address.Files) -> dict[str, tuple[Path, int]]:
    """Path -> copy and size of what is on its way to a run; the newest of each path."""
    if not files.run_id:
        return {}
    from jupyter_mltrack.journal import spool
    from jupyter_mltrack.journal.progress import local_ids
    from jupyter_mltrack.settings import data_dir

    folder = data_dir()
    found: dict[str, tuple[Path, int]] = {}
    for journal, one in spool.of_runs(folder, local_ids(folder, files.run_id)):
        found[one.path] = spool.copy_of(journal, one), one.size_bytes
    return found


@lru_cache(maxsize=1)
def repository_class() -> type:
    """The repository, as a subclass of MLflow's own (imports MLflow)."""
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

    class AzureArtifactRepository(AzureFiles, ArtifactRepository):  # type: ignore[misc]
        """Artifacts of a workspace of Azure ML."""

        def __init__(
            self,
            artifact_uri: str,
            tracking_uri: str | None = None,
            registry_uri: str | None = None,
        ) -> None:
            super().__init__(artifact_uri, tracking_uri, registry_uri)
            self._open(artifact_uri, tracking_uri)

    return AzureArtifactRepository
