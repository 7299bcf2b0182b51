"""From the wire to a handler: read, find the route, do the fault that is due, ask for the token, record."""

from __future__ import annotations

import asyncio
import re
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tests.emulators.azure import roles
from tests.emulators.azure.core import ApiError, Route, State
from tests.emulators.azure.faults import Fault
from tests.emulators.azure.recorder import Recorded, readable

Scope = dict[str, Any]


class _Cut(Exception):
    """The connection ended in the middle of an answer, as a fault asked for."""


@dataclass
class _Seen:
    """What becomes a line of the record, once and before the client sees the end of its request."""

    add: Callable[[_Seen], None]
    status: int | None = None
    principal: str = ""
    done: bool = False

    def record(self) -> None:
        if not self.done:
            self.done = True
            self.add(self)


class App:
    """The ASGI application; `connections` gives the server's protocols, so that one can be cut."""

    def __init__(self, state: State, routes: list[Route]) -> None:
        self.state = state
        self.routes = routes
        self.connections: Callable[[], Any] = set

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        began = time.monotonic()
        body = await _read(receive)
        path = "/" + scope["path"].lstrip("/")
        route = self._route(scope, path)
        template = route.template if route else None
        fault = self.state.faults.take(scope["method"], template, path)
        request = Request(scope, _replay(body, receive))

        def add(seen: _Seen) -> None:
            self.state.recorder.add(
                Recorded(
                    scope["method"], template, path, dict(request.query_params),
                    readable(body, request.headers.get("content-type", "")), len(body),
                    seen.status, seen.principal, dict(request.headers),
                    fault.kind if fault else "", took_s=round(time.monotonic() - began, 4),
                )
            )  # fmt: skip

        seen = _Seen(add)
        try:
            await self._answer(request, route, fault, send, seen)
        finally:
            seen.record()

    def _route(self, scope: Scope, path: str) -> Route | None:
        for route in self.routes:
            if route.method in {"*", scope["method"]} and (match := route.pattern.fullmatch(path)):
                scope["path_params"] = match.groupdict()
                return route
        return None

    async def _answer(
        self, request: Request, route: Route | None, fault: Fault | None, send: Any, seen: _Seen
    ) -> None:
        kind = fault.kind if fault else ""
        wait_s = self.state.switches.delay_s + (fault.seconds if fault and kind == "slow" else 0)
        if wait_s:
            await asyncio.sleep(wait_s)
        if kind == "hang":
            while await _still_there(request):  # noqa: ASYNC110 - asks the connection
                await asyncio.sleep(0.05)
        if kind in {"refused", "hang"}:
            seen.record()
            await self._abort(request)
            return
        response = await self._response(request, route, fault, seen)
        if kind == "lost":
            seen.record()
            await self._abort(request)
            return

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                seen.record()
            elif kind == "cut":
                await send(
                    {
                        **message,
                        "body": message["body"][: len(message["body"]) // 2],
                        "more_body": True,
                    }
                )
                raise _Cut
            await send(message)

        try:
            await response(request.scope, request.receive, sent)
        except _Cut:
            await asyncio.sleep(0.02)  # what was written is to leave before the connection does
            await self._abort(request)

    async def _response(
        self, request: Request, route: Route | None, fault: Fault | None, seen: _Seen
    ) -> Response:
        state = self.state
        try:
            if fault and (error := fault.error()):
                raise error
            state.operations.settle()
            if route is None:
                raise ApiError(404, "NotFound", "")
            if route.auth:
                scheme, _, token = request.headers.get("authorization", "").partition(" ")
                if scheme.lower() != "bearer":
                    raise ApiError(
                        401, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.",
                        {"WWW-Authenticate": f'Bearer authorization_uri="{state.origin}/{state.login.tenant}"'},
                    )  # fmt: skip
                principal, claims = state.login.check(token)
                seen.principal = principal.name
                request.state.principal, request.state.claims = principal, claims
                roles.check(state, principal, request.method, request.url.path)
            return await route.function(state, request)
        except ApiError as error:
            if route is None and error.status == 404:
                return _no_route(request)
            return error.response()
        except Exception:  # a fault of the emulator itself: told on the screen, a 500 to the client
            print(f"emulator: {request.method} {request.url.path}", file=sys.stderr)
            traceback.print_exc()
            return ApiError(500, "EmulatorError", traceback.format_exc()).response()

    async def _abort(self, request: Request) -> None:
        """End the connection without a word."""
        client = tuple(request.scope["client"])
        for protocol in list(self.connections()):
            if protocol.client == client and protocol.transport:
                protocol.transport.abort()
        for _ in range(3):  # the server notices before the handler returns
            await asyncio.sleep(0.01)


def _no_route(request: Request) -> Response:
    """The data plane's 404 is empty; ARM's is not."""
    if re.match(r"/+subscriptions/", request.url.path, re.IGNORECASE):
        return ApiError(404, "NotFound", "The resource type could not be found.").response()
    return Response(None, 404)


async def _read(receive: Any) -> bytes:
    parts = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    return b"".join(parts)


def _replay(body: bytes, receive: Any) -> Any:
    told = False

    async def again() -> Any:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _still_there(request: Request) -> bool:
    await request.body()
    return not await request.is_disconnected()
