"""Download of one artifact from elsewhere: a process brings it, the server hands its bytes on.

The process is told what to bring on stdin and says on stdout, in one line, how large it is or why
it cannot be had; then come the bytes, as fast as the browser takes them and never more than a few
at a time. When the browser goes, the process is killed. A server that hands artifacts out itself
is read as it sends; what comes from an object store is brought into a temporary file first.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.server.file_answer import FileAnswer

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

AT_ONCE_MAX = 4
FIRST_LIMIT_S = 60.0
"""Until the first byte of a file that a server sends itself."""
COPIED_LIMIT_S = 3_600.0
"""Until the first byte of a file that has to be brought here whole."""
SILENT_LIMIT_S = 30
UNSAID_BYTES_MAX = 2 << 30
FREE_BYTES_LEFT = 256 << 20
_CHUNK_BYTES = 1 << 16


class Downloads:
    """Processes that bring files, a few at once. Used from the event loop only."""

    def __init__(self) -> None:
        self._running = 0

    async def open(self, workspace: Workspace, uri: str, path: str) -> FileAnswer:
        """The artifact, as far as its size is known.

        Raises:
            MltrackError: it cannot be had, or too many are brought already.
        """
        if self._running >= AT_ONCE_MAX:
            raise MltrackError(
                "Too many downloads at once.", "Wait for one to end.", code="too_many_requests"
            )
        self._running += 1
        loop = asyncio.get_running_loop()
        order = {"uri": uri, "tracking_uri": workspace.tracking_uri, "path": path}

        def ended() -> None:
            with contextlib.suppress(RuntimeError):  # the server has ended
                loop.call_soon_threadsafe(self._ended)

        file = _Piped(order, ended)
        try:
            said = await asyncio.to_thread(file.begin)
        except BaseException:
            file.close()
            raise
        size = said.get("size_bytes")
        return FileAnswer(
            name=PurePosixPath(path).name,
            size_bytes=size if isinstance(size, int) else None,
            open=lambda: cast("BinaryIO", file),
            cancel=file.close,
        )

    def _ended(self) -> None:
        self._running -= 1


class _Piped:
    """What a process writes, as a file to read once; closing it ends the process."""

    def __init__(self, order: dict[str, str], ended: Any) -> None:
        self._order = order
        self._ended = ended
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._draft = TemporaryDirectory(prefix="mltrack-")

    def begin(self) -> dict[str, Any]:
        """Start the process and return what it says about the file."""
        with self._lock:
            if self._closed:
                return {}
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "MLFLOW_TRACKING_URI": self._order["tracking_uri"]},
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            order = {**self._order, "draft": self._draft.name}
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline(_CHUNK_BYTES)
        said: Any = json.loads(line) if line.endswith(b"\n") else {}
        if "size_bytes" not in said:
            raise MltrackError(
                str(said.get("message") or "The artifact could not be brought here."),
                str(said.get("hint") or ""),
                code=str(said.get("code") or "store_error"),
            )
        return dict(said)

    def read(self, size: int) -> bytes:
        """The next bytes; empty at the end.

        Raises:
            OSError: the process ended before the file did.
        """
        process = self._process
        if process is None or process.stdout is None:
            return b""
        chunk = cast("Any", process.stdout).read1(size)
        if not chunk and process.wait() != 0:
            raise OSError("the artifact ended before its end")
        return bytes(chunk)

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            process = self._process
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError, ValueError):
                    if pipe is not None:
                        pipe.close()
            process.wait()
        with contextlib.suppress(OSError):
            self._draft.cleanup()
        self._ended()

    def __enter__(self) -> _Piped:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


# -------------------------------------------------------------------- in its own process


def _main() -> None:
    order = json.loads(sys.stdin.buffer.readline())
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print is no part of the file
    threading.Thread(target=_end_with_parent, daemon=True).start()
    first = threading.Timer(FIRST_LIMIT_S, os._exit, [3])
    first.daemon = True
    first.start()
    started = False
    try:
        for size_bytes, chunks in _brought(order, first):
            out.write(json.dumps({"size_bytes": size_bytes}).encode() + b"\n")
            started = True
            for chunk in chunks:
                _write(out, chunk)
    except MltrackError as error:
        if started:
            os._exit(1)
        said = {"code": error.code, "message": clean(error.message), "hint": clean(error.hint)}
        out.write(json.dumps(said).encode() + b"\n")
    except Exception as error:  # in the middle of the file, which has no other way to say it
        sys.stderr.write(f"A download ended: {type(error).__name__}\n")
        os._exit(1)
    os._exit(0)


def _write(out: Any, chunk: bytes) -> None:
    left = memoryview(chunk)
    while left:
        left = left[out.write(left) :]


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(2)


def _brought(
    order: dict[str, str], first: threading.Timer
) -> Iterator[tuple[int | None, Iterator[bytes]]]:
    """Size and bytes of the file, once; the store's errors in our words."""
    from mlflow.exceptions import MlflowException

    from jupyter_mltrack.errors import NotFound, WorkspaceError
    from jupyter_mltrack.journal.guarded_http import OWN_SETTINGS
    from jupyter_mltrack.server import far_artifacts

    os.environ.update(OWN_SETTINGS)
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = str(SILENT_LIMIT_S)
    try:
        found = far_artifacts.repository(order["tracking_uri"], order["uri"])
        if far_artifacts.is_http(found):
            response = far_artifacts.request(found, order["path"], {})
            first.cancel()
            yield far_artifacts.said_size(response), response.raw.stream(_CHUNK_BYTES, True)
        elif far_artifacts.reads_ranges(found):
            size = found.head(order["path"], 1)[1]
            first.cancel()
            yield size, found.pieces(order["path"])
        else:
            first.cancel()
            with _copied(found, order["path"], order["draft"]) as file:
                yield os.fstat(file.fileno()).st_size, iter(lambda: file.read(_CHUNK_BYTES), b"")
    except (NotFound, WorkspaceError):
        raise
    except MltrackError as error:
        raise WorkspaceError(error.message, error.hint, code=error.code) from error
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise NotFound("There is no such artifact.") from error
        raise WorkspaceError(f"The artifact cannot be read: {_line(error)}") from error
    except Exception as error:
        raise WorkspaceError(
            f"The artifact cannot be read: {_line(error)}", "Try again."
        ) from error


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


@contextlib.contextmanager
def _copied(found: Any, path: str, draft: str) -> Iterator[BinaryIO]:
    """The file of an object store, brought into a folder that the server deletes behind it.

    The process may write no more than the store says the file has.
    """
    import resource
    import shutil
    import signal

    from jupyter_mltrack.errors import NotFound, WorkspaceError

    timer = threading.Timer(COPIED_LIMIT_S, os._exit, [3])
    timer.daemon = True
    timer.start()
    folder = path.rpartition("/")[0]
    listed = found.list_artifacts(folder or None)
    sizes = {str(one.path): one.file_size for one in listed if not one.is_dir}
    if path not in sizes:
        raise NotFound("There is no such artifact.")
    limit = sizes[path] if isinstance(sizes[path], int) else UNSAID_BYTES_MAX
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if limit + FREE_BYTES_LEFT > shutil.disk_usage(draft).free:
        raise WorkspaceError(
            f"The artifact has {limit >> 20} MB; there is not so much room on this disk.",
            "Make room, or set TMPDIR to another disk.",
        )
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(limit, 1), hard))
    place = Path(found.download_artifacts(path, dst_path=draft))
    if place.is_symlink() or not place.is_file():
        raise WorkspaceError("The artifact is no plain file.")
    timer.cancel()
    with open(place, "rb") as file:
        yield file


if __name__ == "__main__":
    _main()
