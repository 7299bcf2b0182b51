"""The files of a run, or of another container, in Azure ML: listed, read, written.

The service lists a container only whole and flat, without sizes; contents are read and written
at signed addresses of a storage account. A path is taken once: `write` finds the name under which
the service has room, see `versions`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from jupyter_mltrack.azure.errors import AzureError, Missing, refused
from jupyter_mltrack.azure.tracking import reaching
from jupyter_mltrack.azure.tracking.address import UNKNOWN_EXPERIMENT, Files, Place, files_of
from jupyter_mltrack.azure.tracking.versions import Tree

GROUP = 50
"""As many addresses are asked for at once."""
LANES = 8
BLOCK_BYTES = 8 << 20
FRESH_S = 5.0
_TRIES = 5
_PAGES_MAX = 1_000
_TRANSFER_S = 120.0


class RunFiles:
    """One container. Threads may share it."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.waited: set[str] = set()
        """What was on its way when the files were listed last; see `repository`."""
        self._sent_digests: dict[str, bytes] = {}
        """Shown path -> content of what was written here last."""
        self._sizes: dict[str, int] = {}
        """Path in the store -> bytes; what was written once does not change."""
        self._tree: Tree | None = None
        self._listed_s = -FRESH_S

    # ---------------------------------------------------------------------------- listing

    def tree(self, *, fresh: bool = False) -> Tree:
        """All files of the container; from memory when they were listed a moment ago.

        Raises:
            AzureError: they cannot be listed.
        """
        tree = self._tree
        if tree is None or fresh or time.monotonic() - self._listed_s > FRESH_S:
            tree = self._tree = Tree(self._paths())
            self._listed_s = time.monotonic()
        return tree

    def forget(self) -> None:
        """List anew at the next question."""
        self._tree = None

    def _paths(self) -> list[str]:
        found: list[str] = []
        token = ""
        for _ in range(_PAGES_MAX):
            params = {"continuationToken": token} if token else None
            page = self._ask("GET", "", params=params, operation="list the files of the run")
            found += [str(one["path"]) for one in page.get("value") or () if one.get("path")]
            token = str(page.get("continuationToken") or "")
            if not token:
                break
        return found

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        plane = reaching.plane(self.files.place)
        return plane.call(method, self.files.base + path, **options).json()

    # ---------------------------------------------------------------------------- reading

    def read(self, path: str, start: int, size: int) -> tuple[bytes, int]:
        """Bytes of a file (its path in the store) from `start`, and its whole size.

        Raises:
            Missing: there is no such file.
            AzureError: it cannot be read.
        """
        return self._read(self._content_url(path), path, start, size)

    def size(self, path: str) -> int:
        """How large a file (its path in the store) is; asked for once.

        Raises:
            Missing: there is no such file.
            AzureError: it cannot be read.
        """
        if path not in self._sizes:
            self._sizes[path] = self.read(path, 0, 1)[1]
        return self._sizes[path]

    def download(self, path: str, target: Path) -> None:
        """Write a file (its path in the store) to this machine.

        Raises:
            Missing: there is no such file.
            AzureError: it cannot be read.
        """
        pieces = self.pieces(path)
        with target.open("wb") as file:
            for data in pieces:
                file.write(data)

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file (its path in the store), piece by piece.

        Raises:
            Missing: there is no such file.
            AzureError: it cannot be read.
        """
        url = self._content_url(path)
        first = self._read(url, path, 0, BLOCK_BYTES)
        return self._rest(url, path, first)

    def _rest(self, url: str, path: str, first: tuple[bytes, int]) -> Iterator[bytes]:
        data, total = first
        at = 0
        while data:
            yield data
            at += len(data)
            if at >= total:
                return
            data, total = self._read(url, path, at, BLOCK_BYTES)

    def _content_url(self, path: str) -> str:
        said = self._ask(
            "GET", "/contentinfo", params={"path": path}, operation=f"open the file {path}"
        )
        return _signed(said, path)

    def _read(self, url: str, path: str, start: int, size: int) -> tuple[bytes, int]:
        wanted = {"x-ms-range": f"bytes={start}-{start + size - 1}"}
        answer = _again(lambda: _storage("GET", url, headers=wanted))
        if answer.status == 416:  # an empty file has no range
            return b"", 0
        if answer.status >= 400:
            raise _refused(answer, f"read the file {path}", self.files)
        whole = answer.headers.get("content-range", "").rpartition("/")[2]
        if answer.status == 200:
            return answer.body[start : start + size], len(answer.body)
        return answer.body, int(whole) if whole.isdecimal() else start + len(answer.body)

    # ---------------------------------------------------------------------------- writing

    def write(self, wanted: Sequence[tuple[Path, str]]) -> None:
        """Upload files side by side; (local path, shown path) each, no shown path twice.

        Raises:
            AzureError: one could not be written; others may have been.
            OSError: one could not be read.
        """
        failed: list[BaseException] = []
        self.write_each(wanted, lambda _, error: failed.append(error) if error else None)
        if failed:
            raise failed[0]

    def write_each(
        self,
        wanted: Sequence[tuple[Path, str]],
        told: Callable[[int, BaseException | None], None],
        moved: Callable[[int, int], None] = lambda _at, _size: None,
    ) -> None:
        """Upload files side by side, and tell of each by its index how it went.

        Of a large one `moved` is told how many bytes have arrived, by the thread that sends it.
        """
        tree = self.tree()
        fresh = [at for at, one in enumerate(wanted) if not self._is_newest(*one)]
        for at in set(range(len(wanted))).difference(fresh):
            told(at, None)
        with ThreadPoolExecutor(LANES, thread_name_prefix="mltrack-upload") as lanes:
            pending = []
            for begin in range(0, len(fresh), GROUP):
                group = fresh[begin : begin + GROUP]
                names = [tree.for_writing(wanted[at][1]) for at in group]
                urls = self._new_urls(names)
                for at, name in zip(group, names, strict=True):
                    tell = partial(moved, at)
                    pending.append((at, lanes.submit(self._place, wanted[at], name, urls, tell)))
            for at, future in pending:
                told(at, future.exception())

    def _is_newest(self, local: Path, shown: str) -> bool:
        """Whether the newest version of a path is this very file, written here."""
        before = self._sent_digests.get(shown)
        with contextlib.suppress(OSError):
            return before is not None and before == _digest(local)
        return False

    def _place(
        self,
        wanted: tuple[Path, str],
        name: str,
        urls: dict[str, str | AzureError],
        moved: Callable[[int], None],
    ) -> None:
        """Upload one file under the first name that is free."""
        local, shown = wanted
        digest = _digest(local)
        for _ in range(_TRIES):
            url = urls.get(name)
            if isinstance(url, AzureError):
                raise url
            if url is not None and self._put(local, name, url, moved):
                if self._tree is not None:
                    self._tree.add(name)
                self._sent_digests[shown] = digest
                return
            tree = self.tree(fresh=True)
            if not tree.has(name):  # being written by another, or announced and never written
                tree.add(name)
            name = tree.for_writing(shown)
            urls = self._new_urls([name])
        raise AzureError(
            f"{shown} was not taken under any name.", "Log it under another path.", code="conflict"
        )

    def _new_urls(self, names: Sequence[str]) -> dict[str, str | AzureError]:
        """Signed addresses for new files, or why there is none; none at all for a name taken."""
        said = self._ask(
            "POST",
            "/batch/metadata",
            body={"paths": [{"path": name} for name in names]},
            operation="keep files of the run",
            again=True,
        )
        content = said.get("artifactContentInformation") or {}
        found: dict[str, str | AzureError] = {
            name: _signed(content[name], name) for name in names if name in content
        }
        for name, refusal in (said.get("errors") or {}).items():
            error = (refusal or {}).get("error") or {}
            if "exist" not in f"{error.get('code')} {error.get('message')}".lower():
                found[name] = AzureError(
                    f"Azure refused to keep {name}: {error.get('message') or 'it gave no reason'}.",
                    "Log it under another path.",
                )
        return found

    def _put(self, local: Path, name: str, url: str, moved: Callable[[int], None]) -> bool:
        """Upload; False when the name is taken."""
        size = local.stat().st_size
        with local.open("rb") as file:
            if size <= BLOCK_BYTES:
                return self._sent(name, url, file.read(), {"x-ms-blob-type": "BlockBlob"})
            blocks: list[str] = []
            while data := file.read(BLOCK_BYTES):
                block = base64.b64encode(f"{len(blocks):08d}".encode()).decode()
                self._sent(name, _with(url, comp="block", blockid=block), data, {}, once=False)
                blocks.append(block)
                moved(min(size, len(blocks) * BLOCK_BYTES))
        listed = "".join(f"<Latest>{block}</Latest>" for block in blocks)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'
        kind = {"Content-Type": "application/xml"}
        return self._sent(name, _with(url, comp="blocklist"), body.encode(), kind)

    def _sent(
        self, name: str, url: str, data: bytes, headers: dict[str, str], *, once: bool = True
    ) -> bool:
        headers = {
            "x-ms-version": "2021-12-02",
            "Content-Type": "application/octet-stream",
            **headers,
        }
        if once:
            headers["If-None-Match"] = "*"
        answer = _again(lambda: _storage("PUT", url, content=data, headers=headers))
        if answer.status < 300:
            return True
        if once and answer.status in (409, 412):
            # the first of two tries may have been the one that was taken
            return self._is_ours(url, data)
        raise _refused(answer, f"write the file {name}", self.files)

    def _is_ours(self, url: str, data: bytes) -> bool:
        """Whether what lies there is what an answer that was lost has left."""
        if "comp=" in url:
            return False
        answer = _storage("GET", url, headers={"x-ms-range": f"bytes=0-{len(data)}"})
        if not data and answer.status == 416:  # an empty file has no range
            return True
        return bool(answer.status in (200, 206) and answer.body == data)


def known_to_service(files: Files) -> Files:
    """The same files under the id that the service knows the run by.

    Raises:
        Missing: the run began here, and the service has not met it yet.
        AzureError: the service cannot be asked.
    """
    if files.experiment != UNKNOWN_EXPERIMENT:
        return files
    from jupyter_mltrack.journal.progress import run_alias
    from jupyter_mltrack.settings import data_dir

    run_id = run_alias(data_dir(), files.run_id)
    if run_id == files.run_id:
        raise Missing(
            f"The run {files.run_id} has not reached Azure yet.",
            "It is sent when the network is back: %mltrack status",
        )
    return where(files.place, run_id)


@lru_cache(maxsize=1024)
def where(place: Place, run_id: str) -> Files:
    """The files of a run that the service has.

    Raises:
        Missing: it has no such run.
        AzureError: it cannot be asked.
    """
    base = f"/mlflow/v2.0{place.scope.arm_id}/api/2.0/mlflow"
    said = reaching.plane(place).get(f"{base}/runs/get", {"run_id": run_id}, operation="read a run")
    found = files_of(str(said["run"]["info"]["artifact_uri"]), place.tracking_uri)
    if found is None:
        raise AzureError("The files of the run lie where only Azure's own pages look.", "Use them.")
    return found


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _storage(method: str, url: str, **more: Any) -> Any:
    return reaching.storage().send(method, url, timeout_s=_TRANSFER_S, **more)


def _again(ask: Callable[[], Any]) -> Any:
    """Ask again while storage is busy."""
    for count in range(_TRIES):
        answer = ask()
        if answer.status not in (429, 500, 502, 503, 504) or count == _TRIES - 1:
            break
        time.sleep(min(0.5 * 2**count, 4.0))
    return answer


def _with(url: str, **query: str) -> str:
    from urllib.parse import quote

    more = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    return f"{url}{'&' if '?' in url else '?'}{more}"


def _signed(said: Any, path: str) -> str:
    url = said.get("contentUri") if isinstance(said, dict) else None
    if not isinstance(url, str) or not reaching.may_hold_files(url):
        raise AzureError(
            f"Azure named no address of its own storage for {os.path.basename(path)}.",
            "Look at the run in the studio.",
            code="forbidden",
        )
    return url


def _refused(answer: Any, operation: str, files: Files) -> AzureError:
    if answer.status == 403:  # a signed address that has run out says so
        return AzureError(
            f"Storage refused to {operation} (403 {answer.headers.get('x-ms-error-code', '')}).",
            "Its firewall may keep this machine out: ask the workspace's owner.",
            code="forbidden",
        )
    found = refused(
        answer.status,
        answer.headers,
        answer.body,
        operation=operation,
        scope=f"workspace {files.place.scope.workspace_name}",
    )
    return Missing(found.message, found.hint) if answer.status == 404 else found
