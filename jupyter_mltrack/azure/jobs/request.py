"""From an order to what the service is sent: code, inputs, and the job itself."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.azure.jobs.place import API, below
from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.jobs import body
from jupyter_mltrack.jobs.process import inputs_of

if TYPE_CHECKING:
    from jupyter_mltrack.azure.jobs.place import Place
    from jupyter_mltrack.jobs.order import Order, Package

Tell = Callable[[str], None]
UPLOADS_AT_ONCE = 8
CODE_FOLDER = "code"
_ASSET = re.compile(r"azureml:([\w.-]+)(?:[:@]([\w.-]+))?\Z")
_ELSEWHERE = ("azureml://", "https://", "http://", "wasbs://", "abfss://", "adl://")
_TAG_MAX = 256


def files_of(package: Package) -> list[tuple[str, Path]]:
    """What is uploaded: the snapshot, and what the cell needs; paths below the job's folder."""
    order = package.order
    found = [(path, Path(order.snapshot_folder, path)) for path in order.snapshot_paths]
    if order.is_cell:
        found.append((f"{body.FOLDER}/body.py", Path(body.__file__)))
        packed = sorted(package.content.iterdir())
        found += [(f"{body.FOLDER}/{path.name}", path) for path in packed]
    return found


def upload_code(place: Place, package: Package, tell: Tell) -> str:
    """Upload the code of a job and return the id that it has then.

    Raises:
        AzureError: it was refused.
        MltrackError: a file has gone since.
    """
    files = files_of(package)
    path = place.id_of(f"codes/{package.job_id}/versions/1")
    pending = place.arm.post(
        f"{path}/startPendingUpload",
        API,
        {"pendingUploadType": "TemporaryBlobReference"},
        operation="upload the code of the job",
    )
    reference = pending["blobReferenceForConsumption"]
    signed = str(reference["credential"]["sasUri"])
    sizes = {name: _size(file) for name, file in files}
    whole = sum(sizes.values())
    done: list[int] = []

    def put(one: tuple[str, Path]) -> None:
        place.put_file(below(signed, f"{CODE_FOLDER}/{one[0]}"), one[1])
        done.append(sizes[one[0]])
        tell(f"uploading code: {sum(done) / 2**20:.1f} of {whole / 2**20:.1f} MB")

    with ThreadPoolExecutor(UPLOADS_AT_ONCE, thread_name_prefix="mltrack-upload") as pool:
        list(pool.map(put, files))
    digest = hashlib.sha256(repr(sorted(sizes.items())).encode()).hexdigest()
    properties = {
        "codeUri": f"{str(reference['blobUri']).rstrip('/')}/{CODE_FOLDER}",
        "isAnonymous": True,
        "properties": {"hash_sha256": digest, "hash_version": "202208"},
    }
    return str(place.arm.put(path, API, {"properties": properties})["id"])


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise MltrackError(
            f"{path.name} was to go with the job and cannot be read: {error.strerror}.",
            "Submit it again.",
            code="bad_request",
        ) from error


# -------------------------------------------------------------------------------- inputs


def inputs(place: Place, package: Package, tell: Tell) -> dict[str, dict[str, str]]:
    """Inputs as the service takes them; files of this machine are uploaded first.

    Raises:
        AzureError: an asset is not there, or an upload was refused.
        MltrackError: a path is not there.
    """
    made: dict[str, dict[str, str]] = {}
    for name, said in inputs_of(package.order.options).items():
        asset = _ASSET.match(said)
        if asset is not None:
            made[name] = _asset(place, asset[1], asset[2])
        elif said.startswith(_ELSEWHERE):
            made[name] = _input(said, is_file="." in said.rstrip("/").rpartition("/")[2])
        else:
            local = Path(package.order.folder, said).expanduser()
            tell(f"uploading input {name}")
            made[name] = _uploaded(place, package.job_id, name, local)
    return made


def _input(uri: str, *, is_file: bool) -> dict[str, str]:
    return {
        "jobInputType": "uri_file" if is_file else "uri_folder",
        "uri": uri,
        "mode": "ReadOnlyMount",
    }


def _asset(place: Place, name: str, version: str | None) -> dict[str, str]:
    if not version or version == "latest":
        newest = place.arm.get(place.id_of(f"data/{name}"), API, operation=f"find data {name}")
        version = str(newest["properties"]["latestVersion"])
    found = place.arm.get(
        place.id_of(f"data/{name}/versions/{version}"), API, operation=f"find data {name}"
    )
    kind = str(found["properties"].get("dataType") or "uri_folder")
    return {"jobInputType": kind, "uri": str(found["id"]), "mode": "ReadOnlyMount"}


def _uploaded(place: Place, job_id: str, name: str, path: Path) -> dict[str, str]:
    if path.is_file():
        files = [(path.name, path)]
    elif path.is_dir():
        from jupyter_mltrack.jobs import snapshot

        files = [(below_, path / below_) for below_ in snapshot.look(path).paths]
    else:
        raise MltrackError(
            f"Input {name}: there is no {path}.",
            "Name a path of this machine, azureml:ASSET:VERSION or azureml://datastores/...",
            code="not_found",
        )
    store, base, signature = place.default_store()
    folder = f"LocalUpload/{job_id}/{name}"
    place_of = f"{base}?{signature}"

    def put(one: tuple[str, Path]) -> None:
        place.put_file(below(place_of, f"{folder}/{one[0]}"), one[1])

    with ThreadPoolExecutor(UPLOADS_AT_ONCE, thread_name_prefix="mltrack-upload") as pool:
        list(pool.map(put, files))
    uri = f"azureml://datastores/{store}/paths/{folder}/"
    return _input(uri + path.name if path.is_file() else uri, is_file=path.is_file())


# ----------------------------------------------------------------------------------- job


def job_body(
    place: Place, package: Package, code: str, environment: str, given: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """The job as the service takes it."""
    order = package.order
    options = order.options
    compute = package.target
    properties: dict[str, Any] = {
        "jobType": "Command",
        "displayName": order.name,
        "experimentName": order.experiment or "Default",
        "command": command(order, list(given)),
        "codeId": code,
        "environmentId": environment,
        "inputs": given,
        "outputs": {},
        # Azure's plugin of MLflow takes local time for UTC when it renews the job's token.
        "environmentVariables": {
            "TZ": "UTC",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            # MLflow's links lead to no page of Azure ML
            "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        },
        "tags": {key: value[:_TAG_MAX] for key, value in order.tags.items()},
        "properties": {},
    }
    if compute and compute != "serverless":
        properties["computeId"] = place.id_of(f"computes/{compute}")
    if int(options.get("instances") or 1) > 1:
        properties["resources"] = {"instanceCount": int(options["instances"])}
    if options.get("distribution"):
        properties["distribution"] = {
            "distributionType": {"pytorch": "PyTorch", "mpi": "Mpi"}[options["distribution"]],
            "processCountPerInstance": 1,
        }
    return {"properties": properties}


def command(order: Order, given: list[str]) -> str:
    """What is run in the job's folder."""
    if not order.is_cell:
        script = Path(order.script).relative_to(order.snapshot_folder).as_posix()
        return shlex.join(["python", script, *order.arguments])
    words = ["python", f"{body.FOLDER}/body.py"]
    for name in given:
        words += [body.INPUT, f"{name}=${{{{inputs.{name}}}}}"]
    return " ".join(words)
