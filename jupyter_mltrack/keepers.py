"""The line to a keeper: a process that holds something for all processes of one user.

It is started where it is needed, and asked over a socket that only this user can reach. There are
two: of local endpoints, and of sign-ins.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mltrack.deployments.local.control import peer_uid
from jupyter_mltrack.deployments.local.serving.addresses import socket_address
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.settings import data_dir, ensure_private_dir

START_LIMIT_S = 60.0
_HELLO_S = 5.0
_SPAWNED_AGAIN_S = 2.0
"""Until another is started, then twice as long: many at once would keep each other waiting."""
_LOOK_S = 0.02
_NOT_HANDED_DOWN = ("MLTRACK_CONTEXT", "PYTHONSTARTUP")


@dataclass(frozen=True)
class Keeper:
    """One keeper of a data folder, as those who ask it see it.

    Attributes:
        title: what it keeps, in words that follow "The keeper of".
        module: run as `python -m MODULE DATA_DIR`.
        folder: where its socket and its log lie.
        socket: name of the socket.
        log: name of the log.
        protocol: number of the language that this release speaks with it.
        withheld: variables of this process that it does not get.
    """

    title: str
    module: str
    folder: Path
    socket: str
    log: str
    protocol: int
    withheld: tuple[str, ...] = ()

    def ensure(self) -> None:
        """Start it unless it is there.

        Raises:
            MltrackError: it cannot be started; the hint names its log.
        """
        until_s = time.monotonic() + START_LIMIT_S
        started_s, pause_s = -math.inf, _SPAWNED_AGAIN_S / 2
        while True:
            found = self.hello()
            if found is not None and found.get("protocol") == self.protocol:
                return
            now_s = time.monotonic()
            if now_s > until_s:
                raise MltrackError(
                    f"The keeper of {self.title} could not be started.",
                    f"Its log says why: {self.folder / self.log}",
                )
            if found is not None:  # one of another release: it makes room
                with contextlib.suppress(OSError, ValueError):
                    self.send({"op": "quit"}, _HELLO_S)
            elif now_s - started_s > pause_s:
                self._spawn()
                started_s, pause_s = now_s, 2 * pause_s
            time.sleep(_LOOK_S)

    def hello(self) -> dict[str, Any] | None:
        """Ask whether it is there and which it is; None where there is none."""
        try:
            return self.send({"op": "hello"}, _HELLO_S)
        except (OSError, ValueError):
            return None

    def call(
        self, message: dict[str, Any], timeout_s: float, errors: dict[str, type[MltrackError]]
    ) -> dict[str, Any]:
        """Send a command and return the answer.

        Args:
            message: the command.
            timeout_s: for the answer.
            errors: what a refusal is raised as, by its code.

        Raises:
            MltrackError: it refused, or gave no answer.
        """
        try:
            answer = self.send(message, timeout_s)
        except (OSError, ValueError) as error:
            kind = errors.get("store_unreachable", MltrackError)
            raise kind(
                f"The keeper of {self.title} gave no answer.",
                f"Try again; its log is {self.folder / self.log}",
                code="store_unreachable",
            ) from error
        if not answer["ok"]:
            kind = errors.get(answer["code"], MltrackError)
            raise kind(answer["message"], answer["hint"])
        return answer

    def send(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send a command and return the answer as it came.

        Raises:
            OSError: there is no keeper, it hung up, or the socket is somebody else's.
            ValueError: the answer is none.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(timeout_s)
            line.connect(socket_address(self.folder, self.socket))
            if peer_uid(line) not in (os.geteuid(), None):
                raise ConnectionRefusedError("the socket belongs to another user")
            line.sendall(json.dumps(message).encode() + b"\n")
            with line.makefile("rb") as answers:
                answer = answers.readline()
        if not answer.endswith(b"\n"):
            raise ConnectionResetError("the keeper hung up")
        return dict(json.loads(answer))

    def _spawn(self) -> None:
        ensure_private_dir(self.folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        log = os.open(self.folder / self.log, flags, 0o600)
        here = str(Path(__file__).resolve().parents[1])
        path = os.environ.get("PYTHONPATH")
        environment = {**os.environ, "PYTHONPATH": f"{path}{os.pathsep}{here}" if path else here}
        for name in (*_NOT_HANDED_DOWN, *self.withheld):
            environment.pop(name, None)
        try:
            subprocess.run(
                # the shell ends at once: whoever starts a keeper never has to wait for its end
                ["/bin/sh", "-c", '"$@" &', "sh",
                 sys.executable, "-P", "-m", self.module, str(data_dir())],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment,
                start_new_session=True, cwd="/", check=True, timeout=10,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise MltrackError(
                f"The keeper of {self.title} could not be started.", str(error)
            ) from error
        finally:
            os.close(log)
