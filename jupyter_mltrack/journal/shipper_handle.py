"""Start the shipper process of a journal and keep in touch with it; light, for the kernel.

The process is in a session of its own, so that an interrupt of the kernel does not reach it and
the end of the kernel does not end it. Its standard input is a pipe: JSON lines that wake it, and
that tell it when the user changed credentials in `os.environ` after it was started.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack.journal.progress import is_locked

if TYPE_CHECKING:
    from jupyter_mltrack.journal.writer import Journal

SHIPPER_LOCK = "shipper.lock"
SHIP_URI = "MLTRACK_SHIP_URI"
CREDENTIALS = (
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_TRACKING_AUTH",
    "MLFLOW_TRACKING_AWS_SIGV4",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
)
_FOLLOWED = ("MLFLOW_", "DATABRICKS_", "AZURE_", "AZUREML_", "AWS_", "GOOGLE_APPLICATION_")
_FOLLOWED_NAMES = {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"}
_RESTART_S = 5.0


class ShipperHandle:
    """The owner's end of the line to its shipper. Threads may share it; a forked child may not."""

    def __init__(self, journal: Path, uri: str) -> None:
        self.journal = journal
        self._uri = uri
        self._pid = os.getpid()
        self._process: subprocess.Popen[bytes] | None = None
        self._environment: dict[str, str] = {}
        self._started_at_s = -_RESTART_S

    @property
    def process(self) -> subprocess.Popen[bytes] | None:
        """The process, if this handle has started one that still runs."""
        if self._process is not None and self._process.poll() is None:
            return self._process
        return None

    def start(self) -> None:
        """Start the process unless one is at work. Costs some milliseconds, raises nothing."""
        now_s = time.monotonic()
        if self.process is not None or now_s - self._started_at_s < _RESTART_S:
            return
        if is_locked(self.journal / SHIPPER_LOCK):
            return
        self._started_at_s = now_s
        self._environment = _followed(os.environ)
        environment = dict(os.environ)
        environment[SHIP_URI] = self._uri
        try:
            self._process = launch(self.journal, environment, stdin=subprocess.PIPE)
        except OSError:
            self._process = None  # no room for a process now; the next wake tries again
            return
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)

    def wake(self) -> None:
        """Have it look now, with the credentials of now; starts it again if it is gone."""
        if os.getpid() != self._pid:
            return
        process = self.process
        if process is None:
            self.start()
            return
        message: dict[str, object] = {"wake": True}
        now = _followed(os.environ)
        if now != self._environment:
            changed = {
                k: now.get(k)
                for k in {*now, *self._environment}
                if now.get(k) != self._environment.get(k)
            }
            message["env"] = changed
        try:
            assert process.stdin is not None
            os.write(process.stdin.fileno(), json.dumps(message).encode() + b"\n")
        except (OSError, ValueError):
            return  # it is busy or about to end; it looks by itself
        self._environment = now

    def close(self) -> None:
        """Let go of the line; the process goes on until everything is shipped."""
        if (
            self._process is not None
            and self._process.stdin is not None
            and os.getpid() == self._pid
        ):
            try:
                self._process.stdin.close()
            except OSError:
                return


def ensure_shipper(journal: Journal) -> ShipperHandle:
    """Return a handle to the shipper of this journal, started if it was not at work.

    A worker process's journal is shipped by its parent's shipper as long as there is one.
    """
    handle = ShipperHandle(journal.path, journal.workspace.tracking_uri)
    parent = journal.parent_journal_id
    if parent is None or not is_locked(journal.path.parent / parent / SHIPPER_LOCK):
        handle.start()
    return handle


def launch(
    journal: Path, environment: dict[str, str], stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start a shipper process for a journal."""
    environment.pop("MLTRACK_CONTEXT", None)  # it ships for the cell, it is no worker of it
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        log = os.open(journal / "shipper.log", flags, 0o600)
    except OSError:
        log = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        return subprocess.Popen(
            # -P: a file of the user's folder must not stand in for a module of the library
            [sys.executable, "-P", "-m", "jupyter_mltrack.journal.shipper", str(journal)],
            stdin=stdin,
            stdout=log,
            stderr=log,
            env=with_package_path(environment),
            start_new_session=True,
        )
    finally:
        os.close(log)


def with_package_path(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment with this package on the module path, last."""
    here = str(Path(__file__).resolve().parents[2])
    path = environment.get("PYTHONPATH")
    return {**environment, "PYTHONPATH": f"{path}{os.pathsep}{here}" if path else here}


def launch_for_left_behind(journal: Path, workspace_id: str, known_id: str | None) -> None:
    """Start a shipper for a journal left behind, without credentials of another store."""
    environment = dict(os.environ)
    environment.pop(SHIP_URI, None)
    if workspace_id != known_id:
        for name in CREDENTIALS:
            environment.pop(name, None)
    launch(journal, environment)


def _followed(environ: os._Environ[str]) -> dict[str, str]:
    return {
        name: value
        for name, value in environ.items()
        if name.startswith(_FOLLOWED) or name in _FOLLOWED_NAMES
    }
