"""What a row of the table of routes says, and which status an error answer has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.server.file_answer import FileAnswer
from jupyter_mltrack.server.service import Service

API_PREFIX = "mltrack/api"
AUTH_RESOURCE = "mltrack"

Action = Literal["read", "write", "execute"]

STATUS_OF_CODE: dict[str, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "ambiguous": 409,
    "conflict": 409,
    "too_large": 413,
    "unsupported_media_type": 415,
    "too_many_requests": 429,
    "signed_out": 502,
    "store_unreachable": 502,
    "store_timeout": 504,
    "store_error": 502,
    "internal": 503,
}


@dataclass(frozen=True)
class Route:
    """One method of one path.

    Attributes:
        name: the operation's name in OpenAPI.
        path: below `API_PREFIX`; `{field}` names a field of `request`.
        action: what the authorizer is asked for.
        request: struct of the path, query and (for POST) body fields.
        answer: struct of the answer, or `FileAnswer` for bytes.
        function: called with the service and the decoded request.
        summary: one line for people.
    """

    name: str
    method: Literal["GET", "POST"]
    path: str
    action: Action
    request: type[wire.Request]
    answer: type[wire.Struct | FileAnswer]
    function: Callable[[Service, Any], Awaitable[msgspec.Struct | FileAnswer]]
    summary: str
