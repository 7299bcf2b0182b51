"""Scoring processes of deployments: started, asked, ended; and the payloads of Azure ML in MLflow's words."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.emulators.azure.core import ApiError, Json, Route, State
from tests.emulators.azure.leash import leashed, release

START_S = 90
ROUTES: list[Route] = []  # it has none; its processes are the business of others


class Zygote:
    """The process that forks the scoring ones; made when the first deployment is."""

    def __init__(self, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        # not in `place`: names of sockets may not be long
        self.socket = Path(tempfile.mkdtemp(prefix="score-")) / "s"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        with self._lock:
            if self._process is not None:
                return
            single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
            with (self.place / "zygote.log").open("wb") as log:
                self._process = leashed(
                    [sys.executable, str(Path(__file__).with_name("scoring_zygote.py")), str(self.socket)],
                    stdout=log, stderr=log, cwd=self.place,
                    env={**os.environ, **single, "MLFLOW_DISABLE_TELEMETRY": "true"},
                )  # fmt: skip

    def fork(self, asked: Json) -> int:
        """A new scoring process; its pid."""
        self.start()
        until_s = time.monotonic() + START_S
        while not self.socket.exists():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > until_s:
                raise RuntimeError((self.place / "zygote.log").read_text(errors="replace")[-2000:])
            time.sleep(0.05)
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.socket))
            with line.makefile("rw") as text:
                text.write(json.dumps(asked) + "\n")
                text.flush()
                return int(text.readline())

    def stop(self) -> None:
        """End it and all that it forked."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            release(process)
        shutil.rmtree(self.socket.parent, ignore_errors=True)


def zygote_of(state: State) -> Zygote:
    with state.lock:
        if "scoring" not in state.rooms:
            state.rooms["scoring"] = Zygote(state.place / "scoring")
        return state.rooms["scoring"]


def stop(state: State) -> None:
    found = state.rooms.pop("scoring", None)
    if found is not None:
        found.stop()


@dataclass
class Scorer:
    """One scoring process and the model it serves."""

    model: Path
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    pid: int = 0
    port: int = 0
    stopped: bool = False

    def start(self, state: State) -> None:
        """Serve; returns when it answers, raises the service's error when it does not come up."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.pid = zygote_of(state).fork(
            {
                "model": str(self.model), "port": self.port, "log": str(self.log),
                "environment": self.environment,
            }
        )  # fmt: skip
        until_s = time.monotonic() + START_S
        while not self.stopped and time.monotonic() < until_s:
            with contextlib.suppress(httpx.HTTPError):
                url = f"http://127.0.0.1:{self.port}/ping"
                if httpx.get(url, timeout=2, trust_env=False).is_success:
                    return
            if not self.alive():
                break
            time.sleep(0.05)
        raise ApiError(
            400, "ResourceNotReady",
            "User container has crashed or terminated. Please see troubleshooting guide, available "
            "here: https://aka.ms/oe-tsg#error-resourcenotready",
        )  # fmt: skip

    def alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def stop(self) -> None:
        self.stopped = True
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def ask(self, payload: Json) -> httpx.Response:
        """One request to the process, in MLflow's form."""
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            return await client.post(f"http://127.0.0.1:{self.port}/invocations", json=payload)


def translated(body: Any) -> Json:
    """`input_data` of Azure ML as MLflow's scoring server wants it; a 400 for anything else."""
    if not isinstance(body, dict) or "input_data" not in body:
        raise ApiError(
            400, "BadRequest", "The request must be a JSON object with the key 'input_data'."
        )
    data = body["input_data"]
    if isinstance(data, dict) and "data" in data:
        made = {"dataframe_split": data} if "columns" in data else {"inputs": data["data"]}
    else:
        made = {"inputs": data}
    return made | ({"params": body["params"]} if "params" in body else {})


def answer_of(response: httpx.Response) -> Any:
    """The bare predictions of a successful answer."""
    body = response.json()
    return body["predictions"] if isinstance(body, dict) and "predictions" in body else body


def records(body: Any) -> list[Json]:
    """The inputs of a request or the outputs of an answer as records, for collected data."""
    if isinstance(body, dict) and "data" in body:
        rows = body["data"]
        columns = body.get("columns") or [str(i) for i in range(len(rows[0]) if rows else 0)]
        return [dict(zip(columns, row, strict=False)) for row in rows]
    if isinstance(body, dict):
        return [body]
    return [row if isinstance(row, dict) else _record(row) for row in body]


def _record(row: Any) -> Json:
    return {str(i): value for i, value in enumerate(row)} if isinstance(row, list) else {"0": row}
