"""A command job as a real process of this machine: uploaded code, inputs, environment, log, outputs, an end."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.emulators.azure import artifacts, computes, storage
from tests.emulators.azure.core import ApiError, Json, State, Workspace, now_iso
from tests.emulators.azure.leash import leashed, release
from tests.emulators.azure.mlflow_proxy import artifact_uri, mlflow_of

ENDED = {"Completed", "Failed", "Canceled"}
_MLFLOW = {"Running": "RUNNING", "Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
_PLACEHOLDER = re.compile(r"\$\{\{\s*(inputs|outputs)\.([\w.-]+)\s*\}\}")
LOG = "user_logs/std_log.txt"


@dataclass
class Job:
    """One job; `resource` is what ARM answers, its `properties.status` the state."""

    state: State
    workspace: Workspace
    name: str
    resource: Json
    experiment_id: str = ""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)
    error: Json | None = None
    begun_at: str | None = None
    ended_at: str | None = None
    logs: list[str] = field(default_factory=list)
    schedule: str = ""  # the one that started it
    states: list[str] = field(default_factory=list)  # all it went through
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def properties(self) -> Json:
        return self.resource["properties"]

    @property
    def status(self) -> str:
        return self.properties["status"]

    @property
    def folder(self) -> Path:
        return self.state.place / "jobs" / self.workspace.guid / self.name

    def become(self, status: str) -> None:
        """Change the state, in MLflow and then in ARM: who sees it there finds it in the run as well."""
        with self.lock:
            if self.status in ENDED or (self.cancelled.is_set() and status not in ENDED):
                return
            if status in ENDED:
                self.ended_at = now_iso()
            if status in {"Running", "Queued"} | ENDED:
                body: dict[str, Any] = {
                    "run_id": self.name,
                    "status": _MLFLOW.get(status, "SCHEDULED"),
                }
                if status in ENDED:
                    body["end_time"] = int(time.time() * 1000)
                mlflow_of(self.state).call(self.workspace.guid, "POST", "runs/update", body=body)
            self.properties["status"] = status
            self.states.append(status)

    def cancel(self) -> None:
        """Ask for its end; the process group is gone some moments later."""
        with self.lock:
            if self.status in ENDED:
                return
            self.properties["status"] = "CancelRequested"
            self.cancelled.set()
            running = list(self.processes)
        for process in running:
            threading.Thread(target=release, args=[process], daemon=True).start()

    def fail(self, message: str) -> None:
        self.error = {"error": {"code": "UserError", "message": message, "details": []}}

    def live(self) -> None:
        """The life of the job, from its queue to its end; runs in a thread of its own."""
        end, cluster = "Failed", self._cluster()
        try:
            if cluster:
                computes.take(self.workspace, *cluster)
            for status in ("Queued", "Preparing", "Starting"):
                self.become(status)
                if self.cancelled.wait(self.state.switches.job_prepare_s / 3):
                    break
            if not self.cancelled.is_set():
                end = self._execute()
        except ApiError as error:
            self.fail(error.message)
        except Exception as error:
            self.fail(f"{type(error).__name__}: {error}")
        finally:
            if cluster:
                computes.give_back(self.workspace, *cluster)
            self.become("Canceled" if self.cancelled.is_set() else end)
            self.ended.set()

    def _cluster(self) -> tuple[str, int] | None:
        """The compute of the workspace that the job takes, and how many nodes of it."""
        name = str(self.properties.get("computeId") or "").rsplit("/", 1)[-1].lower()
        if name not in self.workspace.collection("computes"):
            return None
        return name, int((self.properties.get("resources") or {}).get("instanceCount") or 1)

    def _execute(self) -> str:
        if self.properties.get("jobType", "Command") != "Command":
            kind = self.properties["jobType"]
            raise ApiError(400, "UserError", f"This emulator runs command jobs only, no {kind}.")
        work = self.folder / "wd"
        self._code(work)
        inputs, outputs = self._inputs(), self._outputs()
        command = _PLACEHOLDER.sub(
            lambda found: (inputs if found[1] == "inputs" else outputs)[found[2]],
            self.properties["command"],
        )
        if self.cancelled.is_set():
            return "Canceled"
        self.begun_at = now_iso()
        codes = self._processes(command, work)
        if self.cancelled.is_set():
            return "Canceled"
        self.become("Finalizing")
        self._kept(work, outputs)
        for rank, code in enumerate(codes):
            if code:
                log = self.logs[min(rank, len(self.logs) - 1)]
                self.fail(
                    f"Execution failed. User process 'bash' exited with status code {code}. "
                    f"Please check log file '{log}' for error details."
                )
                return "Failed"
        return "Completed"

    def _code(self, work: Path) -> None:
        work.mkdir(parents=True)
        code_id = self.properties.get("codeId")
        if not code_id:
            return
        found = re.search(r"codes/([^/]+)/versions/([^/]+)$", code_id)
        if not found:
            raise ApiError(400, "UserError", f"'{code_id}' names no code.")
        code = self.workspace.find(f"codes/{found[1]}/versions", found[2])
        storage.fetch(self.state, self.workspace, code["properties"]["codeUri"], work)

    def _inputs(self) -> dict[str, str]:
        found = {}
        for name, sent in (self.properties.get("inputs") or {}).items():
            if sent.get("jobInputType") == "literal":
                found[name] = str(sent.get("value", ""))
            else:
                target = self.folder / "inputs" / name
                found[name] = str(storage.fetch(self.state, self.workspace, sent["uri"], target))
        return found

    def _outputs(self) -> dict[str, str]:
        found = {}
        for name, sent in (self.properties.get("outputs") or {}).items():
            folder = self.folder / "outputs" / name
            folder.mkdir(parents=True)
            if not (sent or {}).get("uri"):
                path = f"azureml://datastores/workspaceblobstore/paths/azureml/{self.name}/{name}/"
                self.properties["outputs"][name] = (sent or {}) | {"uri": path}
            one_file = (sent or {}).get("jobOutputType") == "uri_file"
            found[name] = str(folder / name if one_file else folder)
        return found

    def _processes(self, command: str, work: Path) -> list[int]:
        """Run it, once or as often as the distribution says; the exit codes."""
        ranks = self._ranks()
        for index, extra in enumerate(ranks):
            path = LOG if len(ranks) == 1 else f"user_logs/std_log_process_{index}.txt"
            log = artifacts.add_log(self.state, self.workspace, self.name, path)
            self.logs.append(path)
            with self.lock:
                if self.cancelled.is_set():
                    break
                with log.open("ab") as out:
                    self.processes.append(
                        leashed(
                            ["bash", "-c", command],
                            cwd=work, env=self._environment() | extra, stdout=out, stderr=out,
                        )
                    )  # fmt: skip
        self.become("Running")
        return [process.wait() for process in self.processes]

    def _ranks(self) -> list[dict[str, str]]:
        nodes = int((self.properties.get("resources") or {}).get("instanceCount") or 1)
        sent = self.properties.get("distribution") or {}
        kind = str(sent.get("distributionType") or "").lower()
        if not kind:
            return [{}]
        each = int(sent.get("processCountPerInstance") or 1)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = str(probe.getsockname()[1])
        found = []
        for rank in range(nodes * each):
            if kind == "mpi":
                extra = {
                    "OMPI_COMM_WORLD_RANK": str(rank), "OMPI_COMM_WORLD_SIZE": str(nodes * each),
                    "OMPI_COMM_WORLD_LOCAL_RANK": str(rank % each),
                    "OMPI_COMM_WORLD_LOCAL_SIZE": str(each),
                }  # fmt: skip
            else:
                extra = {
                    "RANK": str(rank), "LOCAL_RANK": str(rank % each), "NODE_RANK": str(rank // each),
                    "WORLD_SIZE": str(nodes * each),
                }  # fmt: skip
            found.append(extra | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port})
        return found

    def _environment(self) -> dict[str, str]:
        state, workspace = self.state, self.workspace
        token, expires_s = self.token()
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        tracking = artifact_uri(state, workspace, "0", self.name).split("/experiments/")[0]
        experiment = self.properties["experimentName"]
        bundle = str(state.place / "tls" / "bundle.pem")
        return {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1",
            "ARM_CLOUD_METADATA_URL": f"{state.origin}/metadata/endpoints",
            "AZUREML_CURRENT_CLOUD": state.cloud,
            "REQUESTS_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle, "NO_PROXY": "127.0.0.1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_TRACKING_URI": tracking, "MLFLOW_TRACKING_TOKEN": token,
            "MLFLOW_RUN_ID": self.name, "MLFLOW_EXPERIMENT_ID": self.experiment_id,
            "MLFLOW_EXPERIMENT_NAME": experiment,
            "AZUREML_RUN_ID": self.name, "AZUREML_RUN_TOKEN": token,
            "AZUREML_RUN_TOKEN_EXPIRY": str(int(expires_s)),
            "AZUREML_ARM_SUBSCRIPTION": workspace.subscription_id,
            "AZUREML_ARM_RESOURCEGROUP": workspace.resource_group,
            "AZUREML_ARM_WORKSPACE_NAME": workspace.name,
            "AZUREML_ARM_PROJECT_NAME": experiment,
            "AZUREML_EXPERIMENT_ID": self.experiment_id,
            "AZUREML_WORKSPACE_ID": workspace.guid,
            "AZUREML_SERVICE_ENDPOINT": state.origin,
            "AZUREML_DISCOVERY_SERVICE_ENDPOINT": f"{state.origin}/discovery",
        } | {
            name: str(value)
            for name, value in (self.properties.get("environmentVariables") or {}).items()
        }  # fmt: skip

    def token(self) -> tuple[str, float]:
        """A token of the run and when it ends; nobody's sign-out touches it."""
        login = self.state.login
        now, life_s = time.time(), login.token_s
        claims = {
            "aud": self.state.origin, "iss": f"https://sts.windows.net/{login.tenant}/",
            "iat": int(now), "nbf": int(now), "made": now + 10 * 365 * 86400, "exp": int(now + life_s),
            "tid": login.tenant, "oid": login.identity.oid, "sub": login.identity.oid,
            "gen": 1 << 30, "runid": self.name,
        }  # fmt: skip
        return login.signed(claims), now + life_s

    def _kept(self, work: Path, outputs: dict[str, str]) -> None:
        """Named outputs to their places; `./outputs` and `./logs` to the run's artifacts."""
        for name in outputs:
            uri = self.properties["outputs"][name]["uri"]
            storage.store_folder(self.state, self.workspace, self.folder / "outputs" / name, uri)
        for top in ("outputs", "logs"):
            for file in sorted((work / top).rglob("*")):
                if file.is_file():
                    path = file.relative_to(work).as_posix()
                    artifacts.add(self.state, self.workspace, self.name, path, file.read_bytes())

    def clear(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
