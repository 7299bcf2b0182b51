"""What Azure's refusals mean: two lines that say what was tried, where, and what to do now.

MltrackError
└── AzureError          any other refusal: quota, conflict, throttling, a bad request
    ├── SignedOut       somebody must sign in; also an `errors.SignedOut`
    ├── Denied          a role is missing; also an `errors.Denied`
    ├── Missing         no such thing there; also an `errors.NotFound`
    └── Unreachable     no answer, or a service in trouble; also an `errors.Unreachable`
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mltrack import errors
from jupyter_mltrack.azure.roles import role_for
from jupyter_mltrack.display_text import clean

_MESSAGE_MAX = 300
_DETAIL_MAX = 2_000
_QUOTA = re.compile(
    r"quota|SkuNotAvailable|AllocationFailed|OverconstrainedAllocation", re.IGNORECASE
)
_ACTION = re.compile(r"perform action '([^']+)'")
_OVER = re.compile(r"over scope '([^']+)'")
_XML_PART = re.compile(r"<(Code|Message)>([^<]*)<")


@dataclass(frozen=True)
class Refusal:
    """What an answer said, and to which question."""

    operation: str = ""
    """What was tried, in words: `start compute gpu`."""
    scope: str = ""
    """On what: a workspace's name, or an ARM id."""
    status: int = 0
    service_code: str = ""
    """The service's own word: `AuthorizationFailed`."""
    request_id: str = ""
    detail: str = ""
    """The service's own message."""
    retry_after_s: float | None = None


class AzureError(errors.MltrackError):
    """Azure refused, or could not be asked. `refusal` holds the details."""

    code = "store_error"

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        code: str | None = None,
        refusal: Refusal | None = None,
    ) -> None:
        super().__init__(message, hint, code=code)
        self.refusal = refusal if refusal is not None else Refusal()


class SignedOut(AzureError, errors.SignedOut):
    """Somebody must sign in. `tried` names each way that was tried, with its result."""

    code = "signed_out"

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        refusal: Refusal | None = None,
        tried: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message, hint, refusal=refusal)
        self.tried = tuple(tried)


class Denied(AzureError, errors.Denied):
    """The account is known, and lacks a role."""

    code = "forbidden"


class Missing(AzureError, errors.NotFound):
    """There is no such thing at that place."""

    code = "not_found"


class Unreachable(AzureError, errors.Unreachable):
    """No answer, or the service is in trouble: later it may work."""

    code = "store_unreachable"


def refused(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    operation: str,
    scope: str,
    account: str = "",
) -> AzureError:
    """The error that an answer stands for.

    Args:
        status: of the answer.
        headers: of the answer; their names in small letters.
        body: of the answer, JSON or XML.
        operation: what was tried, in words that follow "Azure refused to".
        scope: on what.
        account: who tried, where that is known.
    """
    code, detail = _said(body)
    found = Refusal(
        operation=operation,
        scope=scope,
        status=status,
        service_code=code or headers.get("x-ms-error-code", ""),
        request_id=clean(headers.get("x-ms-request-id", ""))[:80],
        detail=detail,
        retry_after_s=retry_after_s(headers.get("retry-after")),
    )
    if status == 401:
        return _unsigned(found)
    if status == 404:
        return Missing(
            _sentence(found, found.detail or "there is no such thing"),
            _with_id("Check the name; %mltrack status says which workspace it is.", found),
            refusal=found,
        )
    # a lack of quota comes with 400, 403 or 409, depending on who finds it
    if _QUOTA.search(found.service_code) or (status != 403 and _QUOTA.search(detail[:80])):
        return _no_quota(found)
    if status == 403:
        return _denied(found, account)
    if status == 429:
        return _throttled(found)
    if status >= 500 or status == 408:
        return Unreachable(
            _sentence(found, found.detail or "the service is in trouble"),
            _with_id("Try again in a minute; https://azure.status.microsoft tells more.", found),
            refusal=found,
        )
    kind = {409: "conflict", 412: "conflict", 413: "too_large"}.get(status, "bad_request")
    hint = {
        "conflict": "It is there already or is being changed: look again in a moment.",
        "too_large": "Make it smaller.",
    }.get(kind, "The service's own words are above.")
    return AzureError(
        _sentence(found, found.detail or "it gave no reason"),
        _with_id(hint, found),
        code=kind,
        refusal=found,
    )


def _unsigned(found: Refusal) -> SignedOut:
    if "tenant" in found.service_code.lower():
        return SignedOut(
            _sentence(found, "the sign-in belongs to another organisation than the workspace"),
            "Sign in to the workspace's own: %mltrack login azureml",
            refusal=found,
        )
    return SignedOut(
        _sentence(found, "the sign-in has ended or was revoked"),
        "Sign in again: %mltrack login",
        refusal=found,
    )


def _denied(found: Refusal, account: str) -> Denied:
    action = _ACTION.search(found.detail)
    over = _OVER.search(found.detail)
    place = over.group(1) if over else found.scope
    role = role_for(action.group(1) if action else found.operation)
    who = account or "your account"
    what = f"the right {action.group(1)}" if action else "the right to do it"
    return Denied(
        _sentence(found, f"{who} lacks {what}"),
        _with_id(f'Ask an owner for the role "{role}" on {place}.', found),
        refusal=found,
    )


def _no_quota(found: Refusal) -> AzureError:
    return AzureError(
        _sentence(found, found.detail or "the quota is used up"),
        _with_id(
            "Choose another size or region, or ask for more: Azure portal, Quotas, "
            "Machine Learning.",
            found,
        ),
        code="conflict",
        refusal=found,
    )


def _throttled(found: Refusal) -> AzureError:
    seconds = found.retry_after_s
    when = f"in {seconds:.0f} s" if seconds else "in a minute"
    error = AzureError(
        _sentence(found, "too many requests"),
        _with_id(f"Try again {when}.", found),
        code="too_many_requests",
        refusal=found,
    )
    error.retry_after_ms = int((seconds or 60) * 1000)  # type: ignore[attr-defined]
    return error


def _sentence(found: Refusal, reason: str) -> str:
    is_there = not found.scope or found.operation.endswith(found.scope)
    place = "" if is_there else f" in {found.scope}"
    code = f" {found.service_code}" if found.service_code else ""
    verb = "could not" if found.status in (404, 408) or found.status >= 500 else "refused to"
    text = reason if len(reason) <= _MESSAGE_MAX else f"{reason[: _MESSAGE_MAX - 1]}…"
    end = "" if text.endswith((".", "!", "?", "…")) else "."
    return clean(f"Azure {verb} {found.operation}{place} ({found.status}{code}): {text}{end}")


def _with_id(hint: str, found: Refusal) -> str:
    return f"{hint} Request id {found.request_id}." if found.request_id else hint


def _said(body: bytes) -> tuple[str, str]:
    """The service's code and message, in whichever of its shapes they came."""
    text = body[:200_000].decode("utf-8", "replace")
    try:
        content: Any = json.loads(text)
    except (ValueError, RecursionError):
        parts = dict(_XML_PART.findall(text[:4_000])) if text.lstrip()[:1] == "<" else {}
        return _short(parts.get("Code", ""), 80), _short(parts.get("Message", ""))
    if not isinstance(content, dict):
        return "", ""
    error = content.get("error", content)
    if isinstance(error, str):
        return _short(error, 80), _short(content.get("error_description", ""))
    if not isinstance(error, dict):
        return "", ""
    code = error.get("code") or error.get("error_code") or ""
    inner = error.get("innerError") or error.get("innererror") or {}
    message = error.get("message") or (inner.get("message") if isinstance(inner, dict) else "")
    return _short(code, 80), _short(message or "")


def _short(text: Any, limit: int = _DETAIL_MAX) -> str:
    words = " ".join(clean(str(text)).split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"


def retry_after_s(text: str | None) -> float | None:
    """How long a service asks to be left alone; None where it does not say."""
    if not text:
        return None
    try:
        return max(0.0, min(float(text.strip()), 600.0))
    except ValueError:
        pass
    import time
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, min(parsedate_to_datetime(text).timestamp() - time.time(), 600.0))
    except (TypeError, ValueError, OverflowError):
        return None
