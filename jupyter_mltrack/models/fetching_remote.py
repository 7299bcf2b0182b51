"""Download of a model's files from elsewhere, in a process of its own that may write no more.

The store says how large each file is; the process may not write a larger one (`RLIMIT_FSIZE`), so
a body that is packed to unfold into gigabytes ends where the store's own word ends. The process
also bounds the time, and leaves the caller's process without a changed limit.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import NotFound, Unreachable, WorkspaceError
from jupyter_mltrack.journal import mlflow_doors
from jupyter_mltrack.models import fetching

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

LIMIT_S = 3600.0
UNSAID_BYTES_MAX = 2 << 30
"""For a file whose size the store does not say."""


def download(workspace: Workspace, uri: str, draft: Path) -> None:
    """Bring all files below `uri` into `draft`.

    Raises:
        NotFound: there are none.
        Unreachable: the store gave no answer in time.
        WorkspaceError: the store said no, or sent what a model's files may not be.
    """
    order = json.dumps({"uri": uri, "tracking_uri": workspace.tracking_uri, "draft": str(draft)})
    environ = {**os.environ, "MLFLOW_TRACKING_URI": workspace.tracking_uri}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=order.encode(),
            capture_output=True,
            timeout=LIMIT_S,
            env=environ,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Unreachable(
            f"The model's files did not arrive within {LIMIT_S / 60:.0f} minutes.",
            "Try again when the connection is faster.",
        ) from error
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    said = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    if done.returncode == 0 and said.get("done"):
        return
    message = clean(str(said.get("message") or "The download ended before it was done."))
    hint = clean(str(said.get("hint") or "Try again."))
    raise {"not_found": NotFound, "store_unreachable": Unreachable}.get(
        str(said.get("code")), WorkspaceError
    )(message, hint)


# -------------------------------------------------------------------- in its own process


def _main() -> None:
    order = json.loads(sys.stdin.read())
    answer_to = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no answer
    answer: dict[str, Any]
    try:
        _download(order["uri"], order["tracking_uri"], Path(order["draft"]))
        answer = {"done": True}
    except (NotFound, WorkspaceError) as error:
        answer = {"code": error.code, "message": error.message, "hint": error.hint}
    os.write(answer_to, b"\n" + json.dumps(answer).encode() + b"\n")


def _download(uri: str, tracking_uri: str, draft: Path) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    mlflow_doors.open_for(tracking_uri)
    try:
        repository = get_artifact_repository(uri, tracking_uri=tracking_uri)
        sizes = _sizes(repository)
        fetching.check_room(sum(size or 0 for size in sizes.values()), draft)
        for name, size in sizes.items():
            _fetch_one(repository, name, size, draft)
    except WorkspaceError:
        raise
    except (MlflowException, OSError, ValueError, TypeError, KeyError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise WorkspaceError(
            f"The model's files cannot be read: {first[:300]}",
            "Check that they are still there: %mltrack models NAME/VERSION",
        ) from error


def _sizes(repository: Any) -> dict[str, int | None]:
    """Size of each file by its path."""
    found: dict[str, int | None] = {}
    folders: list[str | None] = [None]
    end_s = time.monotonic() + LIMIT_S
    while folders:
        for one in repository.list_artifacts(folders.pop()):
            if not fetching.is_plain(one.path):
                raise WorkspaceError(
                    f"The store names a file outside the model's folder: {one.path[:200]!r}.",
                    "This model was not copied.",
                )
            if one.is_dir:
                folders.append(one.path)
            else:
                found[one.path] = one.file_size
            if len(found) + len(folders) > fetching.FILES_MAX or time.monotonic() > end_s:
                raise WorkspaceError(
                    f"The model has more than {fetching.FILES_MAX:,} files.",
                    "Log what it needs only.",
                )
    if not found:
        raise NotFound("The model has no files.", "Log it anew.")
    return found


def _fetch_one(repository: Any, name: str, size: int | None, draft: Path) -> None:
    """One file into the place that its name says, and no byte more than the store said."""
    import resource
    import shutil
    import signal
    from tempfile import TemporaryDirectory

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = UNSAID_BYTES_MAX if size is None else size
    target = draft / name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    with TemporaryDirectory(dir=draft.parent, prefix=".part-") as part:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            place = Path(repository.download_artifacts(name, dst_path=part))
        except Exception as error:
            if _largest(Path(part)) >= limit > 0 or "File too large" in str(error):
                raise WorkspaceError(
                    f"{name[:200]} is larger than the store says ({limit:,} bytes).",
                    "This model was not copied.",
                ) from error
            raise
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        if place.is_symlink() or not place.is_file() or not place.is_relative_to(part):
            raise WorkspaceError(f"{name[:200]} is no plain file.", "This model was not copied.")
        shutil.move(place, target)


def _largest(place: Path) -> int:
    return max((one.lstat().st_size for one in place.rglob("*") if one.is_file()), default=0)


if __name__ == "__main__":
    _main()
