"""The ids, words and bases that every other module of the wire stands on."""

from __future__ import annotations

from typing import Literal, NewType

import msgspec

WIRE_VERSION = 1

RunId = NewType("RunId", str)
ExperimentId = NewType("ExperimentId", str)
WorkspaceId = NewType("WorkspaceId", str)

RunStatus = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
WorkspaceKind = Literal["local", "mlflow", "azureml"]
HealthState = Literal["ready", "connecting", "signed_out", "denied", "unreachable", "broken"]
ProblemCode = Literal[
    "bad_request",
    "unauthorized",
    "forbidden",
    "not_found",
    "method_not_allowed",
    "ambiguous",
    "conflict",
    "too_large",
    "unsupported_media_type",
    "too_many_requests",
    "signed_out",
    "store_unreachable",
    "store_timeout",
    "store_error",
    "internal",
]


class Struct(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all answers: immutable, keyword only; fields may be added, never renamed."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all requests: an unknown field is refused."""


class Problem(Struct, frozen=True):
    """The body of every error answer. The status of the answer follows from `code`."""

    code: ProblemCode
    message: str
    hint: str = ""
    retry_after_ms: int | None = None
    at: int | None = None
    """Where in the filter it is wrong: index of a character; None where that is not known."""


class Pair(Struct, frozen=True):
    """A parameter or a tag."""

    key: str
    value: str


class Status(Struct, frozen=True):
    """What a page asks first. A page of another `wire_version` asks for a reload and stops."""

    wire_version: int
    version: str
    now_ms: int
