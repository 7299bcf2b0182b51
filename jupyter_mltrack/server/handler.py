"""The one handler of all routes: checks, decodes, calls, encodes. Nothing else answers.

Order of the checks: Host, who asks, XSRF and Origin (those of jupyter_server), the authorizer,
how many requests are under way, media type and size of the body, the fields. Errors are
`wire.Problem` with the status that its code means: no stack, no path, never 500. There are no
CORS headers, whatever the server's own settings are.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Any, BinaryIO
from urllib.parse import quote

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import APIHandler
from tornado import web
from tornado.iostream import StreamClosedError

from jupyter_mltrack.errors import MltrackError
from jupyter_mltrack.server.clean import clean_text, encode_json, without_folders
from jupyter_mltrack.server.file_answer import FileAnswer
from jupyter_mltrack.server.limits import RequestLimits, TooMany
from jupyter_mltrack.server.route import API_PREFIX, AUTH_RESOURCE, STATUS_OF_CODE, Route
from jupyter_mltrack.server.service import Service
from jupyter_mltrack.wire import Problem

BODY_BYTES_MAX = 64 << 10
DRAINED_BYTES_MAX = 4 << 20
"""A body over the limit is read to its end and dropped up to here, so that its sender hears why."""
URL_CHARACTERS_MAX = 32 << 10
SENT_BYTES = 1 << 20
_ANCESTORS = re.compile(r"(?:\A|;)\s*frame-ancestors\s+([^;,]+)", re.IGNORECASE)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._~%-]+)(?::(?P<port>[0-9]{1,5}))?\Z")
_OF_JUPYTER = frozenset({"token", "no_track_activity", "_xsrf"})
_CODE_OF_STATUS: dict[int, Any] = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
}
_MESSAGE_OF_CODE: dict[str, str] = {
    "bad_request": "The request is not understood.",
    "unauthorized": "Sign in to Jupyter first.",
    "forbidden": "This is not allowed.",
    "not_found": "There is nothing here.",
    "method_not_allowed": "This is not done here.",
    "too_large": "The request is too large.",
    "unsupported_media_type": "The body must be application/json.",
    "too_many_requests": "Too many requests at once.",
}


@web.stream_request_body
class RouteHandler(APIHandler):
    """Answers every method of one path of the route table."""

    auth_resource = AUTH_RESOURCE
    SUPPORTED_METHODS = _METHODS

    def initialize(
        self, routes: Mapping[str, Route], service: Service, limits: RequestLimits
    ) -> None:
        """Take what the extension made; tornado calls this for each request."""
        self._routes = routes
        self._service = service
        self._limits = limits
        self._body = bytearray()
        self._body_bytes = 0
        self._slot: str | None = None
        self._gone = False
        self._cancel: Callable[[], None] | None = None
        self._work: asyncio.Task[msgspec.Struct | FileAnswer] | None = None

    @property
    def _track_activity(self) -> bool:  # type: ignore[override]
        """A page that only looks keeps no idle server alive."""
        return self.request.method == "POST"

    # --------------------------------------------------------------------------- checks

    def check_host(self) -> bool:
        """Loopback, `localhost`, or what the server is configured for; compared as parsed."""
        hosts = self.request.headers.get_list("Host")
        if len(hosts) != 1:
            return False
        found = _HOST.match(hosts[0])
        if not found or int(found["port"] or 0) > 65_535:
            return False
        name = found["name"].strip("[]").lower()
        if self.settings.get("allow_remote_access", False):
            return True
        try:
            return ip_address(name).is_loopback
        except ValueError:
            allowed = [one.lower() for one in self.settings.get("local_hostnames", ["localhost"])]
            return name in allowed or (name.startswith("%2f") and super().check_host())

    async def prepare(self) -> None:  # type: ignore[override]
        """Let nobody through who may not; runs before the body is read."""
        if len(self.request.uri or "") > URL_CHARACTERS_MAX:
            raise web.HTTPError(413)
        await super().prepare()
        if self._finished:
            return
        if self.current_user is None:
            raise web.HTTPError(401)
        route = self._routes.get(self.request.method or "")
        action = route.action if route else "write"
        allowed = await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, action, AUTH_RESOURCE)
        )
        if not allowed:
            raise web.HTTPError(403)
        if route is None:
            raise web.HTTPError(405)
        self._check_body(route)
        user = getattr(self.current_user, "username", None) or "anonymous"
        try:
            self._limits.enter(user)
        except TooMany:
            raise web.HTTPError(429) from None
        self._slot = user

    def _check_body(self, route: Route) -> None:
        length = self.request.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > DRAINED_BYTES_MAX:
            raise web.HTTPError(413)
        if route.method == "POST":
            media_type = self.request.headers.get("Content-Type", "").partition(";")[0]
            if media_type.strip().lower() != "application/json":
                raise web.HTTPError(415)

    def data_received(self, chunk: bytes) -> None:
        """Collect the body; of one that is too large only the length is kept."""
        self._body_bytes += len(chunk)
        if self._body_bytes <= BODY_BYTES_MAX:
            self._body += chunk

    # -------------------------------------------------------------------------- methods

    @web.authenticated
    async def get(self, **path_fields: str) -> None:
        """Answer a read."""
        await self._answer(path_fields)

    @web.authenticated
    async def post(self, **path_fields: str) -> None:
        """Answer an act."""
        await self._answer(path_fields)

    @web.authenticated
    async def head(self, **_path_fields: str) -> None:
        """Refuse: there is no row for it."""
        raise web.HTTPError(405)

    put = patch = delete = options = head  # type: ignore[assignment]

    async def _answer(self, path_fields: Mapping[str, str]) -> None:
        if self._body_bytes > BODY_BYTES_MAX:
            raise web.HTTPError(413)
        route = self._routes[self.request.method or ""]
        request = self._decode(route, path_fields)
        self._work = asyncio.ensure_future(route.function(self._service, request))
        try:
            answer = await self._work
        except asyncio.CancelledError:
            if self._gone:
                raise web.Finish from None
            raise
        if isinstance(answer, FileAnswer):
            await self._send_file(answer)
        else:
            self.finish(await asyncio.to_thread(encode_json, answer))

    def _decode(self, route: Route, path_fields: Mapping[str, str]) -> Any:
        if route.method == "POST":
            if self.request.query_arguments.keys() - _OF_JUPYTER - self._cache_busters():
                raise web.HTTPError(400, "This route takes a JSON body only.")
            try:
                return msgspec.json.decode(bytes(self._body) or b"{}", type=route.request)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise web.HTTPError(400, "%s", clean_text(str(error))) from None
        if self._body:
            raise web.HTTPError(400, "This route takes no body.")
        fields: dict[str, Any] = dict(path_fields)
        lists = {
            field.name
            for field in msgspec.structs.fields(route.request)
            if "list" in str(field.type)
        }
        for name, values in self.request.query_arguments.items():
            if name in _OF_JUPYTER or name in self._cache_busters():
                continue
            if name in fields or (len(values) > 1 and name not in lists):
                raise web.HTTPError(400, "%s", f"`{clean_text(name)[:80]}` is said twice.")
            texts = [self._text(value) for value in values]
            fields[name] = texts if name in lists else texts[0]
        try:
            return msgspec.convert(fields, route.request, strict=False)
        except msgspec.ValidationError as error:
            raise web.HTTPError(400, "%s", clean_text(str(error))) from None

    def _text(self, value: bytes) -> str:
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            raise web.HTTPError(400, "A parameter is not UTF-8.") from None

    def _cache_busters(self) -> set[str]:
        """JupyterLab adds the time as a nameless parameter so that no answer is cached."""
        return {
            name
            for name, values in self.request.query_arguments.items()
            if name.isdecimal() and values == [b""]
        }

    # -------------------------------------------------------------------------- answers

    def set_default_headers(self) -> None:
        """Headers of every answer, errors too."""
        super().set_default_headers()
        for name in list(self._headers):
            if name.lower().startswith("access-control-"):
                self.clear_header(name)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cross-Origin-Resource-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")

    def set_cors_headers(self) -> None:
        """Set none: no other site reads what is here."""

    def compute_etag(self) -> None:
        """Nothing here is cached."""

    async def _send_file(self, answer: FileAnswer) -> None:
        policy = answer.policy.replace("{ancestors}", self._ancestors())
        self.set_header("Content-Security-Policy", policy)
        if answer.attached:
            self.set_header("Content-Disposition", disposition(answer.name))
        if answer.size_bytes is not None:
            self.set_header("Content-Length", str(answer.size_bytes))
        self.set_header("Content-Type", answer.media_type)
        self._cancel = answer.cancel
        if self._gone and answer.cancel is not None:
            answer.cancel()
        try:
            with answer.open() as file:
                await self._send_bytes(file, answer.size_bytes)
        except StreamClosedError:
            raise web.Finish from None
        except OSError:
            # The headers are gone: only a broken connection says that the file is not whole.
            self.request.connection.stream.close()  # type: ignore[union-attr]
            raise web.Finish from None
        self.finish(set_content_type=answer.media_type)

    async def _send_bytes(self, file: BinaryIO, size_bytes: int | None) -> None:
        left = size_bytes
        while left is None or left > 0:
            asked = SENT_BYTES if left is None else min(left, SENT_BYTES)
            chunk = await asyncio.to_thread(file.read, asked)
            if not chunk:
                break
            if left is not None:
                left -= len(chunk)
            self.write(chunk)
            await self.flush()
        if left:
            raise OSError("the file is shorter than it was")

    def _ancestors(self) -> str:
        """Who may frame a page of this server, as the server is configured: `'self'` at least."""
        found = _ANCESTORS.search(self.content_security_policy)
        return found[1].strip() if found else "'self'"

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with a problem, whatever went wrong."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        problem = self._problem(status_code, error)
        status = STATUS_OF_CODE[problem.code]
        if status == 405:
            self.set_header("Allow", ", ".join(sorted(self._routes)))
        self.set_status(status)
        self.finish(encode_json(problem))

    def _problem(self, status_code: int, error: BaseException | None) -> Problem:
        if isinstance(error, MltrackError):
            code: Any = error.code if error.code in STATUS_OF_CODE else "internal"
            retry_ms = getattr(error, "retry_after_ms", None)
            return Problem(
                code=code,
                message=clean_text(without_folders(error.message)),
                hint=clean_text(without_folders(error.hint)),
                retry_after_ms=retry_ms,
                at=getattr(error, "at", None),
            )
        if isinstance(error, web.HTTPError) or status_code in _CODE_OF_STATUS:
            code = _CODE_OF_STATUS.get(status_code, "bad_request")
            told = None
            if code == "bad_request" and isinstance(error, web.HTTPError) and error.log_message:
                told = error.log_message % error.args if error.args else error.log_message
            retry_ms = 1_000 if code == "too_many_requests" else None
            message = clean_text(told or _MESSAGE_OF_CODE[code])
            return Problem(code=code, message=message, retry_after_ms=retry_ms)
        return Problem(
            code="internal",
            message="The server could not answer.",
            hint="The log of the Jupyter server says why.",
        )

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Say in the log what is ours to mend; a refused request is no news."""
        if not isinstance(value, MltrackError | web.HTTPError | web.Finish):
            super().log_exception(typ, value, tb)

    # ------------------------------------------------------------------------ the end

    def on_finish(self) -> None:
        """Give the place back."""
        self._leave()
        super().on_finish()

    def on_connection_close(self) -> None:
        """Stop working for somebody who has gone."""
        self._gone = True
        if self._work is not None:
            self._work.cancel()
        if self._cancel is not None:
            self._cancel()
        self._leave()
        super().on_connection_close()

    def _leave(self) -> None:
        if self._slot is not None:
            self._limits.leave(self._slot)
            self._slot = None


def disposition(name: str) -> str:
    """A `Content-Disposition` that downloads under `name`, in one header line (RFC 6266)."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)[:150] or "artifact"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name[:250], safe='')}"


def handler_rows(
    routes: tuple[Route, ...], service: Service, limits: RequestLimits
) -> list[tuple[str, type[RouteHandler], dict[str, Any]]]:
    """Rows for tornado, below the server's base URL: one for each path of the table."""
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    rows = []
    for path, methods in by_path.items():
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
        given = {"routes": methods, "service": service, "limits": limits}
        rows.append((f"/{API_PREFIX}/{pattern}", RouteHandler, given))
    return rows
