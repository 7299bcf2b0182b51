"""The backend `azureml`: a command job on a cluster of the workspace; its run has the job's id.

Everything goes by plain requests; no SDK is imported. The job belongs to the service: it goes on
when this machine is closed, and is found again by its name.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.azure.errors import AzureError, Missing
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.jobs import body
from jupyter_mltrack.jobs.door import Handle, Status, Tell
from jupyter_mltrack.jobs.process import inputs_of

if TYPE_CHECKING:
    from jupyter_mltrack.azure.jobs.place import Place
    from jupyter_mltrack.jobs.order import Package

STATES = {
    "notstarted": "queued",
    "queued": "queued",
    "preparing": "preparing",
    "provisioning": "preparing",
    "starting": "preparing",
    "running": "running",
    "notresponding": "running",
    "paused": "running",
    "finalizing": "finishing",
    "cancelrequested": "finishing",
    "completed": "done",
    "failed": "failed",
    "canceled": "cancelled",
}
_LOGS = ("user_logs/std_log.txt", "user_logs/std_log_process_0.txt",
         "user_logs/std_log_process_00.txt", "logs/user/stdout.txt")  # fmt: skip
_QUICK_S = 120.0
_LATER_S = 900.0


class AzureBackend:
    """Runs jobs on computes of an Azure ML workspace."""

    name = "azureml"
    title = "Azure Machine Learning"
    help = "A cluster of the workspace; it goes on when this machine is closed."
    away = True
    carries_bytes = 100 << 20

    def __init__(self) -> None:
        self._made: Place | None = None
        self._begun_s = time.monotonic()
        self._details: dict[str, Any] = {}

    @property
    def poll_s(self) -> float:
        """Often while somebody is likely to look, seldom later."""
        age_s = time.monotonic() - self._begun_s
        return 1.0 if age_s < _QUICK_S else 3.0 if age_s < _LATER_S else 10.0

    def form(self) -> dict[str, Any]:
        """The options of a job."""
        return {
            "title": self.title,
            "type": "object",
            "properties": {
                "env": {
                    "type": "string",
                    "title": "Environment",
                    "description": "conda.yaml, an image, or NAME:VERSION of the workspace; "
                    "made of the imported packages if not said.",
                },
                "instances": {
                    "type": "integer", "title": "Machines", "minimum": 1, "maximum": 1000,
                    "default": 1, "description": "How many machines work on it.",
                },
                "distribution": {
                    "type": "string", "title": "Distribution", "enum": ["pytorch", "mpi"],
                    "description": "How processes on the machines find each other.",
                },
                "inputs": {
                    "type": "array",
                    "title": "Inputs",
                    "description": "NAME=PATH each: azureml://datastores/..., "
                    "azureml:ASSET:VERSION, or a path of this machine.",
                },
                "code": {
                    "type": "string",
                    "title": "Code",
                    "description": "Folder whose files go along; none for none.",
                },
            },
        }  # fmt: skip

    def why_not(self) -> str:
        """It needs what the package brings; who is signed in is seen when it is used."""
        return ""

    def check(self, target: str, options: Mapping[str, Any], workspace: Any, folder: Path) -> None:
        """Refuse what cannot work, without asking Azure."""
        from jupyter_mltrack.azure.jobs import environments

        if workspace.kind != "azureml":
            raise UsageError(
                f"A job of Azure ML has its run there, but runs go to {workspace.name}.",
                "Choose the workspace first: %mltrack use azureml",
            )
        if not target:
            raise UsageError(
                "On which compute?", "Write --on azureml:CLUSTER, or --on azureml:serverless"
            )
        inputs_of(options)
        environments.check(str(options.get("env") or ""), folder)

    def submit(self, package: Package, tell: Tell) -> dict[str, Any]:
        """Upload, make the environment, and put the job; a second time finds it there."""
        from jupyter_mltrack.azure.jobs import environments, request
        from jupyter_mltrack.azure.jobs.place import API

        place = self._place(package.order.workspace)
        path = place.id_of(f"jobs/{package.job_id}")
        handle = {
            "workspace": place.scope.arm_id,
            "job": package.job_id,
            "experiment": package.order.experiment or "Default",
        }
        with contextlib.suppress(Missing):
            place.arm.get(path, API, operation="look for the job")
            return handle
        if package.target and package.target != "serverless":
            self._require_compute(place, package.target)
        order = package.order
        tell("looking for the environment")
        environment = environments.environment_id(
            place, str(order.options.get("env") or ""), Path(order.folder), dict(order.packages)
        )
        tell("uploading code")
        code = request.upload_code(place, package, tell)
        given = request.inputs(place, package, tell)
        tell("submitting")
        content = request.job_body(place, package, code, environment, given)
        place.arm.put(path, API, content, wait=False, operation=f"submit job {order.name}")
        return handle

    def _require_compute(self, place: Place, name: str) -> None:
        from jupyter_mltrack.azure.jobs.place import API

        try:
            place.arm.get(place.id_of(f"computes/{name}"), API, operation=f"find compute {name}")
        except Missing as error:
            listed = place.arm.list(place.id_of("computes"), API)
            names = ", ".join(str(one.get("name")) for one in listed) or "none"
            raise UsageError(
                f"There is no compute {name} in workspace {place.scope.workspace_name}.",
                f"Those there are: {names}. Make one: %mltrack compute create {name}",
            ) from error

    def _place(self, words: str) -> Place:
        if self._made is None:
            from jupyter_mltrack.azure.jobs.place import Place
            from jupyter_mltrack.azure.scope import Scope

            self._made = Place(Scope.parse(words))
        return self._made

    # --------------------------------------------------------------------------- later

    def status(self, handle: Handle) -> Status:
        """Ask run history, which has state, error and logs in one answer."""
        place = self._place(str(handle["workspace"]))
        details = place.data.get(
            f"/history/v1.0{{S}}/runs/{handle['job']}/details",
            {"api-version": "v1.0"},
            operation="follow the job",
        )
        self._details = details if isinstance(details, dict) else {}
        word = str(self._details.get("status") or "NotStarted")
        state: Any = STATES.get(word.lower(), "running")
        link = place.facts.studio_link(f"runs/{handle['job']}") or ""
        if state != "failed":
            return Status(state, word, link=link)
        message, hint = _why(self._details.get("error"))
        return Status("failed", word, message, hint, link)

    def logs(self, handle: Handle, position: int) -> bytes:
        """Read on in the job's own log, by the address that the last answer had."""
        files = self._details.get("logFiles") or {}
        name = next((one for one in _LOGS if one in files), None)
        if name is None:
            return b""
        return self._place(str(handle["workspace"])).get_part(str(files[name]), position, 1 << 20)

    def cancel(self, handle: Handle) -> None:
        """Ask for its end."""
        from jupyter_mltrack.azure.jobs.place import API

        place = self._place(str(handle["workspace"]))
        try:
            place.arm.post(
                place.id_of(f"jobs/{handle['job']}/cancel"),
                API,
                wait=False,
                operation="cancel the job",
            )
        except AzureError as error:
            if error.refusal.status != 400:  # it has ended meanwhile
                raise

    def known_state(self, handle: Handle) -> str:
        """The state of a job in our words; empty where there is none of this name."""
        from jupyter_mltrack.azure.jobs.place import API

        place = self._place(str(handle["workspace"]))
        try:
            found = place.arm.get(
                place.id_of(f"jobs/{handle['job']}"), API, operation="look for the job"
            )
        except Missing:
            return ""
        inner = found.get("properties")
        word = str(inner.get("status") or "") if isinstance(inner, dict) else ""
        return STATES.get(word.lower(), "running")

    def archive(self, handle: Handle) -> None:
        """Have the studio show an ended job no more; its run and its files stay."""
        from jupyter_mltrack.azure.jobs.place import API

        place = self._place(str(handle["workspace"]))
        path = place.id_of(f"jobs/{handle['job']}")
        try:
            found = place.arm.get(path, API, operation="look for the job")
        except Missing:
            return
        content = {"properties": {**(found.get("properties") or {}), "isArchived": True}}
        place.arm.put(path, API, content, wait=False, operation="archive the job")

    def results(self, handle: Handle, folder: Path) -> None:
        """Fetch the files of returned names from the run's artifacts."""
        from jupyter_mltrack.settings import ensure_private_dir

        place = self._place(str(handle["workspace"]))
        base = (
            f"/history/v1.0{{S}}/experiments/{handle['experiment']}/runs/{handle['job']}/artifacts"
        )
        ensure_private_dir(folder)
        for path in self._artifacts(place, base):
            if not path.startswith(f"{body.RETURNED}/"):
                continue
            found = place.data.get(f"{base}/contentinfo", {"path": path}, operation="read results")
            name = Path(path).name
            place.get_file(str(found["contentUri"]), folder / name)

    def _artifacts(self, place: Place, base: str) -> list[str]:
        paths: list[str] = []
        token: str | None = None
        while True:
            params = {"continuationToken": token} if token else None
            page = place.data.get(base, params, operation="list results")
            paths += [str(one["path"]) for one in page.get("value") or []]
            token = page.get("continuationToken")
            if not token:
                return paths


def _why(error: Any) -> tuple[str, str]:
    """What the service says of a failure, and what may be done."""
    inner = error.get("error", error) if isinstance(error, dict) else {}
    code = str(inner.get("code") or "") if isinstance(inner, dict) else ""
    message = str(inner.get("message") or "") if isinstance(inner, dict) else ""
    line = next((one.strip() for one in message.splitlines() if one.strip()), "")
    hint = ""
    if "quota" in message.lower():
        hint = "Choose another size or fewer machines, or ask for more: Azure portal, Quotas."
    elif "image" in code.lower() or "environment" in message.lower():
        hint = "The environment could not be made; its build log is on the job's page."
    return f"{code}: {line}" if code and code not in line and code != "UserError" else line, hint
