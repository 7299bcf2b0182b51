"""Ways in which a request can go wrong on purpose.

    azure.faults.add("throttled", "POST", "{S}/jobs/{job}", times=2, retry_after=1)

`template` is that of a route, or a pattern with `*` for a template or a path. A fault is used up
after `times` requests (None: never), and lets `after` requests pass first.
"""

from __future__ import annotations

import fnmatch
import threading
from dataclasses import dataclass, field
from typing import Literal, get_args

from tests.emulators.azure.core import ApiError

Kind = Literal[
    "unauthorized",  # 401
    "challenge",  # 401 with a claims challenge: the client is to ask for a new token and come again
    "forbidden",  # 403, with the role that is missing
    "conflict",  # 409
    "throttled",  # 429 with Retry-After
    "error",  # 5xx (status=...)
    "slow",  # answered after seconds=...
    "hang",  # never answered, the connection stays open
    "refused",  # the connection ends before the work is done
    "lost",  # the work is done, the connection ends without an answer
    "cut",  # the work is done, half of the answer arrives
]


@dataclass
class Fault:
    """One fault; `hits` counts the requests it struck."""

    kind: Kind
    method: str = "*"
    template: str = "*"
    times: int | None = 1
    after: int = 0
    status: int = 500
    retry_after: float = 1
    seconds: float = 1.0
    code: str = ""
    message: str = ""
    hits: int = field(default=0, init=False)

    def strikes(self, method: str, template: str | None, path: str) -> bool:
        if self.method not in {"*", method} or self.times == 0:
            return False
        mine = self.template.lower()
        return mine == (template or "").lower() or any(
            fnmatch.fnmatchcase(text.lower(), _escaped(mine)) for text in (template or "", path)
        )

    def error(self) -> ApiError | None:
        """The answer of the kinds that are answers."""
        match self.kind:
            case "unauthorized":
                return self._said(401, "InvalidAuthenticationToken", "The access token is invalid.")
            case "challenge":
                claims = (
                    "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwidmFsdWUiOiIxIn19fQ=="
                )
                challenge = f'Bearer realm="", error="insufficient_claims", claims="{claims}"'
                error = self._said(401, "TokenIssuedBeforeRevocationTimestamp", "Sign in again.")
                error.headers["WWW-Authenticate"] = challenge
                return error
            case "forbidden":
                return self._said(
                    403, "AuthorizationFailed", "The client does not have authorization."
                )
            case "conflict":
                return self._said(
                    409, "Conflict", "The resource is being changed by another request."
                )
            case "throttled":
                error = self._said(429, "TooManyRequests", "Too many requests. Try again later.")
                error.headers["Retry-After"] = f"{self.retry_after:g}"
                return error
            case "error":
                return self._said(self.status, "InternalServerError", "An internal error occurred.")
            case _:
                return None

    def _said(self, status: int, code: str, message: str) -> ApiError:
        return ApiError(status, self.code or code, self.message or message)


def _escaped(pattern: str) -> str:
    return pattern.replace("[", "[[]")


class Faults:
    """The faults in force, in the order they were added; the first that fits strikes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Fault] = []

    def add(self, kind: Kind, method: str = "*", template: str = "*", **how: object) -> Fault:
        if kind not in get_args(Kind):
            raise ValueError(f"no fault of kind {kind!r}; there are {', '.join(get_args(Kind))}")
        fault = Fault(kind, method, template, **how)  # type: ignore[arg-type]
        with self._lock:
            self._all.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._all.clear()

    def remove(self, fault: Fault) -> None:
        with self._lock:
            if fault in self._all:
                self._all.remove(fault)

    def take(self, method: str, template: str | None, path: str) -> Fault | None:
        """The fault that strikes this request, one use of it spent."""
        with self._lock:
            for fault in self._all:
                if not fault.strikes(method, template, path):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                    continue
                if fault.times is not None:
                    fault.times -= 1
                fault.hits += 1
                return fault
        return None
