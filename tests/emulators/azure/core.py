"""What the rooms of the emulator share: routes, errors in Azure's form, workspaces and the switches of tests.

A module of the emulator is a file with `ROUTES: list[Route]`, and if it holds processes, with
`stop(state)`; `modules.py` lists them. A handler is `async def name(state, request) -> Response`;
segments of its template are in `request.path_params`, the body is read already (`await
request.json()` costs nothing), and `state.workspace(request)` is the workspace of a template that
begins with `{S}`. What a module keeps lives in `state.rooms[module name]`, and what it keeps of one
workspace in `Workspace.items`.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from tests.emulators.azure.faults import Faults
    from tests.emulators.azure.operations import Operations
    from tests.emulators.azure.recorder import Recorder
    from tests.emulators.azure.tokens import Login

PROVIDER = "Microsoft.MachineLearningServices"
GROUP = "/subscriptions/{sub}/resourceGroups/{rg}"
WORKSPACE = f"{GROUP}/providers/{PROVIDER}/workspaces/{{ws}}"  # {S} in templates

Json = dict[str, Any]
Handler = Callable[["State", Request], Awaitable[Response]]


@dataclass(frozen=True)
class Route:
    """One row of a module's table.

    `method` may be "*". In `template`, `{S}` is a workspace's path, `{name}` one segment (or a part
    of one), `{name:path}` all that follows. Letter case of the rest does not matter. `auth` False:
    the handler asks for no bearer token (metadata, sign-in, SAS, endpoint keys).
    """

    method: str
    template: str
    function: Handler
    auth: bool = True
    pattern: re.Pattern[str] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", _compiled(self.template))


def _compiled(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(:path)?\}", template.replace("{S}", WORKSPACE))
    made = [re.escape(parts[0])]
    for name, rest, literal in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        made.append(f"(?P<{name}>{'.*' if rest else '[^/]+'})" + re.escape(literal))
    return re.compile("".join(made), re.IGNORECASE)


class ApiError(Exception):
    """An answer in the form of ARM and of the data plane; raised by handlers."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.headers = dict(headers or {})

    def response(self) -> Response:
        body = {"error": {"code": self.code, "message": self.message, "details": []}}
        return JSONResponse(body, self.status, {"x-ms-error-code": self.code} | self.headers)


def not_found(what: str) -> ApiError:
    """What ARM says of a thing below a workspace that it does not have."""
    return ApiError(404, "ResourceNotFound", f"The resource '{what}' was not found.")


def now_iso(at_s: float | None = None) -> str:
    """A time as the services write it, in UTC."""
    at_s = time.time() if at_s is None else at_s
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s))
    return f"{whole}.{int(at_s % 1 * 10_000_000):07d}Z"


@dataclass
class Switches:
    """What a test may change; the fixtures bring all of it back to these values."""

    operation_s: float = 0.0  # how long long-running operations and changes of state take
    retry_after_s: float = (
        0.05  # how soon the client is to ask again; whole seconds are sent as such
    )
    delay_s: float = 0.0  # added to every request, as a far network does
    job_prepare_s: float = 0.0  # how long a job queues and prepares before it runs
    aliases: bool = False  # whether the workspace's registry knows aliases
    logged_models: bool = False  # whether it knows MLflow 3's logged models
    vcpu_quota: dict[str, int] = field(
        default_factory=dict
    )  # by family; a family not named has plenty


@dataclass
class Workspace:
    """One workspace; `items` holds its resources: collection path -> lower-case name -> resource."""

    subscription_id: str
    resource_group: str
    name: str
    location: str
    resource: Json
    guid: str = field(default_factory=lambda: str(uuid.uuid4()))
    items: dict[str, dict[str, Json]] = field(default_factory=dict)
    rooms: dict[str, Any] = field(default_factory=dict)  # what modules keep of this workspace

    @property
    def arm_id(self) -> str:
        return WORKSPACE.format(sub=self.subscription_id, rg=self.resource_group, ws=self.name)

    @property
    def account(self) -> str:
        """Name of its storage account; one for each workspace, so that blobs are kept apart."""
        return "st" + self.guid.replace("-", "")[:20]

    def collection(self, path: str) -> dict[str, Json]:
        """Resources below `path` ("computes", "models/m/versions"), made when there are none."""
        return self.items.setdefault(path.lower(), {})

    def find(self, path: str, name: str) -> Json:
        """One resource, or the service's 404."""
        found = self.collection(path).get(name.lower())
        if found is None:
            raise not_found(f"{self.name}/{path}/{name}")
        return found


@dataclass
class State:
    """All the emulator knows; one object, given to every handler."""

    place: Path  # a folder for blobs, stores and the request log
    port: int
    login: Login
    recorder: Recorder
    faults: Faults
    operations: Operations
    cloud: str = "AzLab"
    switches: Switches = field(default_factory=Switches)
    # subscription -> {"displayName", "groups": {lower-case name: resource}}
    subscriptions: dict[str, Json] = field(default_factory=dict)
    workspaces: dict[str, Workspace] = field(default_factory=dict)  # by lower-case ARM id
    denied: list[tuple[str, str]] = field(
        default_factory=list
    )  # (principal or "*", action pattern)
    rooms: dict[str, Any] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        return f"https://{self.host}"

    def workspace(self, request: Request) -> Workspace:
        """The workspace that the request's path names, or the service's 404."""
        at = request.path_params
        return self.workspace_at(WORKSPACE.format(sub=at["sub"], rg=at["rg"], ws=at["ws"]))

    def workspace_at(self, arm_id: str) -> Workspace:
        found = self.workspaces.get(arm_id.rstrip("/").lower())
        if found is None:
            parts = arm_id.split("/")
            raise ApiError(
                404, "ResourceNotFound",
                f"The Resource '{PROVIDER}/workspaces/{parts[-1]}' under resource group '{parts[4]}' "
                "was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            )  # fmt: skip
        return found


def resource(arm_id: str, of: str, properties: Json, **more: Any) -> Json:
    """A resource as ARM answers it; `of` is its type below the provider ("workspaces/computes")."""
    at = now_iso()
    return {
        "id": arm_id,
        "name": arm_id.rsplit("/", 1)[-1],
        "type": of if "." in of else f"{PROVIDER}/{of}",
        "properties": properties,
        "systemData": {
            "createdAt": at, "createdBy": "ada", "createdByType": "User", "lastModifiedAt": at,
        },
    } | more  # fmt: skip


async def body_of(request: Request) -> Json:
    """The request's JSON object, or the service's 400."""
    try:
        body = await request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(
            400, "InvalidRequestContent", "The request content was invalid: no JSON object."
        )
    return body


def listed(request: Request, found: list[Json], size: int = 100) -> Response:
    """A page of a list; `nextLink` names the next one."""
    start = int(request.query_params.get("$skip") or 0)
    body: Json = {"value": found[start : start + size]}
    if start + size < len(found):
        body["nextLink"] = str(request.url.include_query_params(**{"$skip": start + size}))
    return JSONResponse(body)
