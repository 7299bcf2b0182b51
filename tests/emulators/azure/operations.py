"""Long-running operations: an answer at once, a status to ask for, an end."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure.core import PROVIDER, ApiError, Json, Route, State, now_iso


@dataclass
class Operation:
    """One operation: ends by itself at `due_s`, or when `finish` or `fail` is called (due None)."""

    id: str
    due_s: float | None
    at_end: Callable[[], None] | None = None
    result: Callable[[], Json | None] | None = None
    state: str = "InProgress"
    error: Json | None = None
    percent: float | None = None
    begun_s: float = field(default_factory=time.time)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def settle(self) -> None:
        """End it when its time has come."""
        if self.due_s is not None and time.monotonic() >= self.due_s:
            self.finish()

    def finish(self) -> None:
        """It succeeded; what it was to change is changed now, once."""
        with self.lock:
            if self.state != "InProgress":
                return
            try:
                if self.at_end:
                    self.at_end()
            except ApiError as error:
                self.fail(error.code, error.message)
            else:
                self.state = "Succeeded"

    def fail(self, code: str, message: str) -> None:
        with self.lock:
            if self.state == "InProgress":
                self.state = "Failed"
                self.error = {"code": code, "message": message, "details": []}


class Operations:
    """All operations of the emulator, by id."""

    def __init__(self) -> None:
        self.all: dict[str, Operation] = {}

    def settle(self) -> None:
        """Bring all that is due to its end; called before each request."""
        for operation in list(self.all.values()):
            if operation.state == "InProgress":
                operation.settle()

    def begin(
        self,
        seconds: float | None,
        at_end: Callable[[], None] | None = None,
        result: Callable[[], Json | None] | None = None,
    ) -> Operation:
        """An operation that ends after `seconds` (None: when its owner says so).

        Args:
            seconds: 0 ends it at once.
            at_end: makes the change; an `ApiError` it raises is how the operation fails.
            result: what `Location` answers at the end.
        """
        due = None if seconds is None else time.monotonic() + seconds
        operation = Operation(str(uuid.uuid4()), due, at_end, result)
        self.all[operation.id] = operation
        operation.settle()
        return operation


def accepted(
    state: State,
    request: Request,
    operation: Operation,
    body: Json | None = None,
    status: int = 202,
    *,
    location: bool = False,
) -> Response:
    """The first answer of an operation.

    A PUT names only `Azure-AsyncOperation` (the client reads the resource at the end), others name
    `Location` too; `location` True leaves the status address out, as DELETE of a workspace does.
    """
    sub = request.path_params.get("sub", "none")
    base = f"{state.origin}/subscriptions/{sub}/providers/{PROVIDER}/locations/eastus"
    headers = {"x-ms-request-id": operation.id, **again(state)}
    if not location:
        headers["Azure-AsyncOperation"] = (
            f"{base}/mfeOperationsStatus/{operation.id}?api-version=2023-04-01"
        )
    if location or request.method != "PUT":
        headers["Location"] = f"{base}/mfeOperationResults/{operation.id}?api-version=2023-04-01"
    if body is None:
        return Response(None, status, headers)
    return JSONResponse(body, status, headers)


def again(state: State) -> dict[str, str]:
    """When the client is to ask again; parts of a second go as azure-core knows them."""
    wait_s = state.switches.retry_after_s
    if wait_s >= 1:
        return {"Retry-After": f"{wait_s:.0f}"}
    return {"retry-after-ms": f"{max(1, wait_s * 1000):.0f}"}


def _found(state: State, request: Request) -> Operation:
    operation = state.operations.all.get(request.path_params["operation"])
    if operation is None:
        raise ApiError(404, "NotFound", "Operation not found.")
    operation.settle()
    return operation


async def status(state: State, request: Request) -> Response:
    operation = _found(state, request)
    body: dict[str, Any] = {
        "id": request.url.path,
        "name": operation.id,
        "status": operation.state,
        "startTime": now_iso(operation.begun_s),
    }
    if operation.percent is not None:
        body["percentComplete"] = operation.percent
    if operation.error:
        body["error"] = operation.error
    if operation.state != "InProgress":
        body["endTime"] = now_iso()
        return JSONResponse(body)
    return JSONResponse(body, headers=again(state))


async def result(state: State, request: Request) -> Response:
    operation = _found(state, request)
    if operation.state == "InProgress":
        return Response(None, 202, {"Location": str(request.url), **again(state)})
    if operation.error:
        raise ApiError(400, operation.error["code"], operation.error["message"])
    body = operation.result() if operation.result else None
    return Response(None, 204) if body is None else JSONResponse(body)


_LOCATION = f"/subscriptions/{{sub}}/providers/{PROVIDER}/locations/{{location}}"
ROUTES = [
    Route("GET", f"{_LOCATION}/mfeOperationsStatus/{{operation}}", status),
    Route("GET", f"{_LOCATION}/mfeOperationResults/{{operation}}", result),
]
