"""The process that follows one job from its submission to its returned names.

`python -m jupyter_mltrack.jobs.keeper JOB_DIR LOCK_FD`, the workspace as JSON on stdin. It outlives
the kernel, the page and the server. What the job prints goes through the redactor before it is
written. A service that does not answer is asked again, however long; only the job's own end, or a
person's word, ends it.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import shutil
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.errors import MltrackError, NotFound
from jupyter_mltrack.jobs import body, door, folders, returning
from jupyter_mltrack.jobs import order as orders
from jupyter_mltrack.tracking.lines import LineMaker
from jupyter_mltrack.tracking.redaction import redact

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces import Workspace

LOG_BYTES_MAX = 64 << 20
PAUSE_MAX_S = 60.0
SUBMIT_AGAIN_S = 1_800.0
NO_ANSWER = frozenset({"store_unreachable", "store_timeout", "too_many_requests"})
_FULL = "(more than 64 MB was printed; the rest is not kept here)\n"


class Keeper:
    """One job, and the backend that runs it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.job = folders.read(place)
        self.order = orders.load(place)
        self.package = orders.Package(job_id=self.job.id, place=place, order=self.order)
        self.backend, _ = door.backend_of(self.order.on)
        self._cancelled = False
        self._printed = Printed(place)
        self._lock = threading.Lock()  # uploads tell of themselves from several threads

    def run(self) -> None:
        """Follow the job to its end, and keep how it went."""
        handle = self._handle()
        last = door.Status("queued")
        pause_s = self.backend.poll_s
        while True:
            try:
                status = self.backend.status(handle)
                self._read(handle)
                self._cancel_if_asked(handle)
                pause_s = self.backend.poll_s
            except NotFound as error:
                status = door.Status("failed", "gone", error.message, error.hint)
            except MltrackError as error:
                self._keep(detail=f"no answer: {error.message}")
                pause_s = min(pause_s * 2, PAUSE_MAX_S)
                self._sleep(pause_s)
                continue
            if status != last or self.job.detail != status.detail:
                self._note(status)
                last = status
            if status.ended:
                break
            self._sleep(pause_s)
        self._finish(handle, status)

    def _sleep(self, seconds: float) -> None:
        """Wait; a cancel that comes meanwhile is seen soon."""
        end_s = time.monotonic() + seconds
        while (left := end_s - time.monotonic()) > 0:
            time.sleep(min(left, 0.25))
            if not self._cancelled and (self.place / folders.CANCEL).exists():
                return

    def _handle(self) -> dict[str, Any]:
        """What finds the job; it is submitted if that did not happen yet."""
        path = self.place / folders.HANDLE
        if path.exists():
            found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
            return found
        self._keep(state="preparing")
        handle = self._submitted()
        draft = path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(handle))
        os.replace(draft, path)
        return handle

    def _submitted(self) -> dict[str, Any]:
        """Submit, again and again while a service gives no answer: it is one job all the same."""
        pause_s = 1.0
        end_s = time.monotonic() + SUBMIT_AGAIN_S
        while True:
            try:
                return self.backend.submit(self.package, lambda text: self._keep(detail=text))
            except MltrackError as error:
                is_over = time.monotonic() > end_s or (self.place / folders.CANCEL).exists()
                if not self.backend.away or error.code not in NO_ANSWER or is_over:
                    raise
                self._keep(detail=f"no answer: {error.message}")
            self._sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)

    def _read(self, handle: dict[str, Any]) -> None:
        while content := self.backend.logs(handle, self._printed.position):
            self._printed.take(content)

    def _cancel_if_asked(self, handle: dict[str, Any]) -> None:
        if not self._cancelled and (self.place / folders.CANCEL).exists():
            self.backend.cancel(handle)
            self._cancelled = True
            self._keep(cancel_asked=True)

    def _note(self, status: door.Status) -> None:
        began_ms = self.job.began_ms
        if began_ms is None and status.state in ("running", "finishing", "done"):
            began_ms = _now_ms()
        if status.ended:
            self._keep(detail=status.detail, began_ms=began_ms)  # its end is told when all is here
            return
        link = status.link or self.job.link
        self._keep(state=status.state, detail=status.detail, began_ms=began_ms, link=link)

    def _finish(self, handle: dict[str, Any], status: door.Status) -> None:
        problem = None
        returned: list[wire.Travelling] = []
        with contextlib.suppress(MltrackError):
            self._read(handle)
        self._printed.finish()
        if status.state == "failed":
            problem = wire.Problem(
                code="store_error",
                message=redact(status.error) or f"Job {self.job.name} failed.",
                hint=redact(status.hint) or f"What it printed: %mltrack logs {self.job.id[:8]}",
            )
        elif self.order.returns and status.state == "done":
            try:
                self.backend.results(handle, self.place / folders.RETURNED)
                returned = returning.described(
                    self.place / folders.RETURNED, list(self.order.returns)
                )
            except MltrackError as error:
                problem = _problem(error)
        for path in (self.package.content).glob("*"):
            if path.suffix in (".pkl", body.FRAME_ENDING):  # what went along is of no more use
                path.unlink(missing_ok=True)
        self._keep(
            state=status.state,
            detail=status.detail,
            link=status.link or self.job.link,
            problem=problem,
            returned=returned,
            ended_ms=_now_ms(),
        )

    def failed(self, error: MltrackError) -> None:
        """The job could not even begin, or cannot be followed."""
        asked = (self.place / folders.CANCEL).exists()
        self._printed.finish()
        self._keep(
            state="cancelled" if asked else "failed",
            detail="",
            problem=_problem(error),
            ended_ms=_now_ms(),
        )

    def _keep(self, **fields: Any) -> None:
        with self._lock:
            changed = msgspec.structs.replace(self.job, **fields)
            if changed != self.job:
                self.job = changed
                folders.write(self.place, changed)


class Printed:
    """What the job printed, as it is kept here: whole lines, without secrets."""

    def __init__(self, place: Path) -> None:
        self._path = place / folders.LOG
        self._position_path = place / "log.position"
        self._maker = LineMaker("stdout")
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._size = self._path.stat().st_size if self._path.exists() else 0
        self.position = 0
        """How much of the backend's log was read, in its own bytes."""
        with contextlib.suppress(OSError, ValueError):
            self.position = int(self._position_path.read_text())

    def take(self, content: bytes) -> None:
        """Keep what was printed since the last time."""
        self.position += len(content)
        self._write(self._maker.feed([(self._decoder.decode(content), _now_ms())]))
        self._position_path.write_text(str(self.position))

    def finish(self) -> None:
        """Nothing more comes."""
        self._write(self._maker.finish(_now_ms()))

    def _write(self, lines: list[Any]) -> None:
        text = "".join(f"{line.text}\n" for line in lines)
        if not text or self._size > LOG_BYTES_MAX:
            return
        content = text.encode("utf-8", "backslashreplace")
        if self._size + len(content) > LOG_BYTES_MAX:
            content = _FULL.encode()
            self._size = LOG_BYTES_MAX
        self._size += len(content)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(content)


def _problem(error: MltrackError) -> wire.Problem:
    return wire.Problem(
        code=error.code,  # type: ignore[arg-type]  # a code of the closed set
        message=redact(error.message),
        hint=redact(error.hint),
    )


def _now_ms() -> int:
    return int(time.time() * 1000)


def follow(place: Path, workspace: Workspace) -> None:
    """Follow the job of a folder; never raises."""
    os.environ["MLFLOW_TRACKING_URI"] = workspace.tracking_uri
    keeper = Keeper(place)
    try:
        keeper.run()
    except MltrackError as error:
        keeper.failed(error)
    except Exception as error:
        traceback.print_exc()
        keeper.failed(
            MltrackError(
                f"The job could not be followed: {type(error).__name__}: {error}",
                f"Details are in {place / 'keeper.log'}; please report them.",
            )
        )
    if not (place / "keeper.log").stat().st_size:
        (place / "keeper.log").unlink(missing_ok=True)
    shutil.rmtree(place / "scratch", ignore_errors=True)


def main() -> None:
    """Follow the job that the arguments name."""
    from jupyter_mltrack.workspaces.plain import PlainWorkspace

    place, lock = Path(sys.argv[1]), int(sys.argv[2])
    os.set_inheritable(lock, False)
    workspace = msgspec.json.decode(sys.stdin.buffer.read(), type=PlainWorkspace).workspace()
    follow(place, workspace)


if __name__ == "__main__":
    main()
