"""What is wanted of an endpoint, in one file that outlives every process."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import Literal

import msgspec

from jupyter_mltrack.settings import ensure_private_dir
from jupyter_mltrack.tracking.redaction import hide_exactly

PROTOCOL = 1
"""Of the keeper's commands; a keeper of another one hands over to a new one."""
Wanted = Literal["running", "stopped"]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for every version behind an endpoint."""

    replicas: int = 1
    memory_limit_mb: int = 0
    """Resident memory of one replica; 0 means no limit."""
    idle_stop_s: int = 0
    """Replicas end after so long without a request; 0 means never."""
    env: str = "local"
    log_inference: bool = True
    log_sample: float = 1.0
    """Share of the requests whose inputs and outputs are kept."""
    log_rows_max: int = 100
    redact_columns: list[str] = []
    log_max_bytes: int = 256 << 20


class DeploymentSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a model and where its checked files lie."""

    label: str
    model: str
    version: str | None
    uri: str
    model_dir: str
    run_id: str | None = None
    digest: str = ""
    python: str = ""
    """Interpreter of the replica: of whoever deployed it, or of an environment of its own."""
    fork: bool = True
    """False where the model's runtime does not bear a fork."""
    traffic_percent: int = 0
    shadow: bool = False
    deployed_ms: int = 0
    by: str = ""


class EndpointSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What is wanted of one endpoint."""

    name: str
    workspace_id: str
    workspace_name: str
    target: str = "local"
    port: int = 0
    created_ms: int = 0
    updated_ms: int = 0
    wanted: Wanted = "running"
    options: Options = Options()
    deployments: list[DeploymentSpec] = []


def now_ms() -> int:
    """Return milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


class Places:
    """Where the files of endpoints lie below a data folder."""

    def __init__(self, data_dir: str | os.PathLike[str]) -> None:
        self.root = Path(data_dir) / "deployments"
        self.endpoints = self.root / "endpoints"
        self.run = self.root / "run"
        """Sockets of replicas; emptied when a keeper starts."""

    def endpoint(self, name: str) -> Path:
        """Return the folder of one endpoint."""
        return self.endpoints / name

    def spec(self, name: str) -> Path:
        """Return the file that says what is wanted."""
        return self.endpoint(name) / "endpoint.json"

    def token(self, name: str) -> Path:
        """Return the file that holds the token."""
        return self.endpoint(name) / "token"

    def log(self, name: str, label: str) -> Path:
        """Return the log of one version's replicas."""
        return self.endpoint(name) / "log" / f"{label}.log"

    def proof(self, name: str, label: str) -> Path:
        """Return the request that proves that a version answers."""
        return self.endpoint(name) / "proof" / f"{label}.json"

    def inference(self, name: str) -> Path:
        """Return the folder of the inference log."""
        return self.endpoint(name) / "inference"


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(temporary, flags, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o600)
            file.write(content)
            file.flush()
            os.fsync(handle)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def save(places: Places, spec: EndpointSpec) -> None:
    """Write what is wanted of an endpoint."""
    ensure_private_dir(places.endpoint(spec.name))
    write_private(places.spec(spec.name), msgspec.json.format(msgspec.json.encode(spec)))


def load(places: Places, name: str) -> EndpointSpec | None:
    """Read what is wanted of an endpoint; None where there is none, or its file is damaged."""
    try:
        return msgspec.json.decode(places.spec(name).read_bytes(), type=EndpointSpec)
    except (OSError, msgspec.MsgspecError):
        return None


def load_all(places: Places) -> list[EndpointSpec]:
    """Read what is wanted of every endpoint, by name."""
    try:
        names = sorted(entry.name for entry in os.scandir(places.endpoints) if entry.is_dir())
    except OSError:
        return []
    return [spec for name in names if (spec := load(places, name)) is not None]


def token_of(places: Places, name: str) -> str:
    """Return the endpoint's token, made now if there is none."""
    path = places.token(name)
    try:
        found = path.read_text().strip()
    except OSError:
        found = ""
    if len(found) < 43:
        ensure_private_dir(places.endpoint(name))
        found = secrets.token_urlsafe(32)
        write_private(path, found.encode())
    hide_exactly(found)
    return found
