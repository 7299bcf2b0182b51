"""Keep the whole of a value that the store cuts: as an artifact of its run.

In the embedded workspace the artifact is a file, written at once. Elsewhere the text waits in
memory, up to a limit, until the run ends or is read, and is uploaded by MLflow in a thread that
the user's code does not wait for.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from jupyter_mltrack.tracking import caution

if TYPE_CHECKING:
    from jupyter_mltrack.tracking.book import Book
    from jupyter_mltrack.tracking.run_state import RunState

WAITING_MAX = 256 << 20


def keep(book: Book, run: RunState | None, run_id: str, path: str, text: str) -> None:
    """Write the artifact now if its folder is known, else remember it for `upload`.

    Raises:
        OSError: the file cannot be written.
    """
    root = run.artifact_uri if run is not None else None
    if root and root.startswith("file:"):
        _write(os.path.join(unquote(urlsplit(root).path), *path.split("/")), text)
        return
    if sum(len(one[2]) for one in book.whole) + len(text) > WAITING_MAX:
        raise OSError(0, "too much waits to be uploaded")
    book.whole.append((run_id, path, text))


def upload(book: Book) -> None:
    """Upload what waits, in a thread of its own; does nothing when nothing waits."""
    if not book.whole:
        return
    waiting, book.whole = book.whole, []
    threading.Thread(
        target=_upload, args=(book, waiting), name="mltrack-upload", daemon=True
    ).start()


def _upload(book: Book, waiting: list[tuple[str, str, str]]) -> None:
    try:
        from mlflow import MlflowClient

        client = MlflowClient(book.workspace.tracking_uri)
        for run_id, path, text in waiting:
            client.log_text(run_id, text, path)
    except Exception as error:
        caution.trouble("whole", "A whole value could not be kept beside the cut one", error)


def _write(path: str, text: str) -> None:
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(path, flags, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
