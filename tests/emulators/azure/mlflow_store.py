"""One real MLflow server behind all emulated workspaces, each kept apart as an MLflow workspace of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from tests.emulators.azure.leash import leashed, release

START_S = 120
# tables that name a run, beside `runs` itself
_OF_RUN = ("tags", "params", "metrics", "latest_metrics")


class MlflowStore:
    """A stock `mlflow server`; `key` in each call is the workspace's guid."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.database = directory / "mlflow.db"
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._client: httpx.AsyncClient | None = None
        self._url = ""

    def start(self) -> None:
        """Start the server; it is up some seconds later (`ready` waits)."""
        with self._lock:
            if self._process is not None:
                return
            self.directory.mkdir(parents=True, exist_ok=True)
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = probe.getsockname()[1]
            self._url = f"http://127.0.0.1:{port}"
            clean = {
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("MLFLOW_", "AZUREML_", "ARM_"))
            }
            with (self.directory / "mlflow.log").open("wb") as log:
                # what `mlflow server` starts, without its first process: half the time to begin
                self._process = leashed(
                    [sys.executable, "-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port),
                     "--workers", "1", "--log-level", "warning", "mlflow.server.fastapi_app:app"],
                    cwd=self.directory, stdout=log, stderr=log, env=clean | self._settings(),
                )  # fmt: skip

    def _settings(self) -> dict[str, str]:
        """What `mlflow server` tells its workers, by name: MLflow itself is not imported here."""
        database = f"sqlite:///{self.database}"
        return {
            "_MLFLOW_SERVER_FILE_STORE": database,
            "_MLFLOW_SERVER_REGISTRY_STORE": database,
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(self.directory / "files"),
            "_MLFLOW_SGI_NAME": "uvicorn",
            "MLFLOW_ENABLE_WORKSPACES": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }

    def ready(self) -> None:
        """Wait until the server answers."""
        self.start()
        until_s = time.monotonic() + START_S
        while not self._ready.is_set():
            try:
                httpx.get(f"{self._url}/health", timeout=2, trust_env=False).raise_for_status()
                self._ready.set()
            except httpx.HTTPError as error:
                ended = self._process is not None and self._process.poll() is not None
                if ended or time.monotonic() > until_s:
                    log = (self.directory / "mlflow.log").read_text(errors="replace")
                    raise RuntimeError(
                        f"the MLflow server did not start:\n{log[-2000:]}"
                    ) from error
                time.sleep(0.1)

    def close(self) -> None:
        """End the server."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            release(process)

    async def forward(
        self, key: str, method: str, path: str, *, query: str = "", body: bytes = b""
    ) -> httpx.Response:
        """Send a request to the workspace `key` as it is; `path` begins with `/api/`."""
        name = await asyncio.to_thread(self._workspace, key)
        if self._client is None:
            self._client = httpx.AsyncClient(base_url=self._url, timeout=120, trust_env=False)
        return await self._client.request(
            method,
            path + ("?" + query if query else ""),
            content=body,
            headers={"content-type": "application/json", "x-mlflow-workspace": name},
        )

    def call(
        self,
        key: str,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: Any = None,
    ) -> dict[str, Any]:
        """The JSON answer to one call, for the emulator's own needs (blocks; not on the loop)."""
        name = self._workspace(key)
        answer = httpx.request(
            method,
            f"{self._url}/api/2.0/mlflow/{path}",
            params=query,
            json=body if method != "GET" else None,
            headers={"x-mlflow-workspace": name},
            timeout=60,
            trust_env=False,
        )
        answer.raise_for_status()
        return answer.json()

    def create_run(
        self, key: str, run_id: str, experiment: str, *, name: str, tags: dict[str, str]
    ) -> dict[str, Any]:
        """A running run with an id of the caller's choice, which MLflow's own API does not offer."""
        experiment_id = self.experiment_id(key, experiment)
        made = self.call(key, "POST", "runs/create", body={
            "experiment_id": experiment_id, "run_name": name, "start_time": int(time.time() * 1000),
            "tags": [{"key": tag, "value": value} for tag, value in tags.items()],
        })["run"]["info"]["run_id"]  # fmt: skip
        with closing(sqlite3.connect(self.database, timeout=60)) as database, database:
            database.execute("UPDATE runs SET run_uuid = ?, artifact_uri = replace(artifact_uri, ?, ?) WHERE run_uuid = ?",
                             (run_id, made, run_id, made))  # fmt: skip
            for table in _OF_RUN:
                database.execute(
                    f"UPDATE {table} SET run_uuid = ? WHERE run_uuid = ?", (run_id, made)
                )
        return self.call(key, "GET", "runs/get", query={"run_id": run_id})["run"]

    def experiment_id(self, key: str, name: str) -> str:
        """The experiment's id; it is made if there is none."""
        try:
            found = self.call(
                key, "GET", "experiments/get-by-name", query={"experiment_name": name}
            )
            return found["experiment"]["experiment_id"]
        except httpx.HTTPStatusError as error:
            if error.response.status_code != 404:
                raise
        return self.call(key, "POST", "experiments/create", body={"name": name})["experiment_id"]

    def _workspace(self, key: str) -> str:
        """MLflow's name of the workspace, made at its first use."""
        self.ready()
        name = "ws-" + key.lower()
        with self._lock:
            if name not in self._known:
                answer = httpx.post(
                    f"{self._url}/api/3.0/mlflow/workspaces",
                    json={"name": name},
                    timeout=60,
                    trust_env=False,
                )
                if answer.status_code != 201 and "ALREADY_EXISTS" not in answer.text:
                    answer.raise_for_status()
                self._known.add(name)
        return name
