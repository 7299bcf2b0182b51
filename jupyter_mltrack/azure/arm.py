"""Azure's resource manager, thinly: read, list, create, change, delete, and wait for an end.

Plain requests through azure-core's pipeline; no SDK of Azure ML is imported. Every failure is an
`AzureError` that names the operation, the scope, the service's code and the request's id.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from jupyter_mltrack.azure.clouds import Cloud
from jupyter_mltrack.azure.errors import AzureError, Unreachable, refused, retry_after_s
from jupyter_mltrack.azure.line import ANSWER_S, Answer, Line

WAIT_S = 3_600.0
PAGES_MAX = 200
_POLL_S = 2.0
_POLL_MAX_S = 30.0
_TRIES = 4
_AGAIN = (429, 500, 502, 503, 504)
_DONE = {"succeeded", "failed", "canceled", "cancelled"}
_WORKSPACE = re.compile(r"(?i)/workspaces/([^/?]+)/?")
Progress = Callable[[str, float], None]
"""Called with the state as the service says it, and the seconds since the beginning."""


@dataclass(frozen=True)
class _Waiting:
    """What a long operation is, and where to look how it stands."""

    words: str
    url: str
    api: str
    follow: str | None
    progress: Progress | None
    timeout_s: float
    wait_s: float


class Arm:
    """The resource manager of one cloud. May be used by several threads at once.

    Args:
        cloud: whose resource manager it is.
        credential: an object with `get_token`; see `credentials.credential`.
    """

    def __init__(self, cloud: Cloud, credential: Any) -> None:
        self.cloud = cloud
        self._credential = credential
        self._line = Line(cloud.trusts, credential, cloud.token_scope)

    def __repr__(self) -> str:
        return f"Arm({self.cloud.name}, ***)"

    # -------------------------------------------------------------------------- reads

    def get(
        self,
        path: str,
        api: str,
        *,
        params: Mapping[str, str] | None = None,
        operation: str = "",
        timeout_s: float = ANSWER_S,
    ) -> dict[str, Any]:
        """One resource.

        Args:
            path: ARM id, beginning with `/subscriptions`.
            api: version of the interface, as 2024-04-01.
            params: of the query, besides the version.
            operation: what is tried, in words that follow "refused to"; made from the path if not.
            timeout_s: for the whole of it, tries that are repeated included.

        Raises:
            AzureError: it was refused; `errors` says which kind is what.
        """
        answer = self._ask(
            "GET",
            self._url(path),
            api=api,
            params=params,
            operation=operation,
            timeout_s=timeout_s,
        )
        return _object(answer)

    def list(
        self,
        path: str,
        api: str,
        *,
        params: Mapping[str, str] | None = None,
        operation: str = "",
        timeout_s: float = 2 * ANSWER_S,
    ) -> list[dict[str, Any]]:
        """All resources of a list, all pages of it; see `get`."""
        until_s = time.monotonic() + timeout_s
        found: list[dict[str, Any]] = []
        answer = self._ask(
            "GET",
            self._url(path),
            api=api,
            params=params,
            operation=operation,
            timeout_s=timeout_s,
        )
        for _ in range(PAGES_MAX):
            content = _object(answer)
            found += [one for one in content.get("value") or [] if isinstance(one, dict)]
            following = content.get("nextLink")
            if not following:
                break
            left_s = max(1.0, until_s - time.monotonic())
            answer = self._ask("GET", str(following), operation=operation, timeout_s=left_s)
        return found

    # -------------------------------------------------------------------------- changes

    def put(self, path: str, api: str, body: Any, **options: Any) -> dict[str, Any]:
        """Create or replace a resource; options as in `change`."""
        return self.change("PUT", path, api, body, **options)

    def patch(self, path: str, api: str, body: Any, **options: Any) -> dict[str, Any]:
        """Change parts of a resource; options as in `change`."""
        return self.change("PATCH", path, api, body, **options)

    def post(self, path: str, api: str, body: Any = None, **options: Any) -> dict[str, Any]:
        """Have something done to a resource; options as in `change`."""
        return self.change("POST", path, api, body, **options)

    def delete(self, path: str, api: str, **options: Any) -> dict[str, Any]:
        """Delete a resource; options as in `change`."""
        return self.change("DELETE", path, api, None, **options)

    def change(
        self,
        method: str,
        path: str,
        api: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        wait: bool = True,
        progress: Progress | None = None,
        operation: str = "",
        timeout_s: float = ANSWER_S,
        wait_s: float = WAIT_S,
    ) -> dict[str, Any]:
        """Change something and return what it is afterwards.

        Args:
            method: PUT, PATCH, POST or DELETE.
            path: ARM id.
            api: version of the interface.
            body: sent as JSON.
            params: of the query, besides the version.
            wait: until the service says that it is done; else the first answer is returned.
            progress: called at every look while it waits.
            operation: what is tried, in words that follow "refused to"; made from the path if not.
            timeout_s: for each request.
            wait_s: for the whole of the waiting.

        Raises:
            AzureError: it was refused, or failed later.
            Unreachable: no answer, or no end within `wait_s`.
        """
        url = self._url(path)
        words = operation or _words(method, path)
        answer = self._ask(
            method, url, api=api, params=params, body=body, operation=words, timeout_s=timeout_s
        )
        if not wait:
            return _object(answer)
        follow = answer.headers.get("azure-asyncoperation") or answer.headers.get("location")
        waiting = _Waiting(words, url, api, follow, progress, timeout_s, wait_s)
        content = self._end_of(answer, waiting)
        if method in ("PUT", "PATCH") and follow:
            return _object(self._ask("GET", url, api=api, operation=words, timeout_s=timeout_s))
        return content

    def _end_of(self, first: Answer, waiting: _Waiting) -> dict[str, Any]:
        """Wait for the end of a long operation and return what was answered last."""
        begun_s = time.monotonic()
        by_location = not first.headers.get("azure-asyncoperation")
        answer = first
        while True:
            content = _object(answer)
            has_line = bool(waiting.follow)
            state = _state(content, answer, has_line=has_line, by_location=by_location)
            elapsed_s = time.monotonic() - begun_s
            if waiting.progress is not None:
                waiting.progress(state or "Accepted", elapsed_s)
            if state.lower() in _DONE:
                break
            if elapsed_s > waiting.wait_s:
                raise Unreachable(
                    f"Azure did not {waiting.words} within {waiting.wait_s:.0f} s; "
                    "it may still do it.",
                    "Look again later.",
                )
            time.sleep(_pause_s(answer, elapsed_s))
            place = self._whole(waiting.follow) if waiting.follow else waiting.url
            api = "" if waiting.follow else waiting.api
            answer = self._ask(
                "GET", place, api=api, operation=waiting.words, timeout_s=waiting.timeout_s
            )
        if state.lower() != "succeeded":
            raise _failed(content, waiting.words, _scope_of(waiting.url), answer)
        return content

    # -------------------------------------------------------------------------- parts

    def _url(self, path: str) -> str:
        return f"{self.cloud.resource_manager}/{path.lstrip('/')}"

    def _whole(self, url: str) -> str:
        """An address that the service gave, relative ones made whole."""
        return url if "://" in url else self._url(url)

    def _ask(
        self,
        method: str,
        url: str,
        *,
        api: str = "",
        params: Mapping[str, str] | None = None,
        body: Any = None,
        operation: str = "",
        timeout_s: float = ANSWER_S,
    ) -> Answer:
        query = {**({"api-version": api} if api else {}), **(params or {})}
        words = operation or _words(method, urlsplit(url).path)
        until_s = time.monotonic() + timeout_s
        for count in range(_TRIES):
            left_s = max(1.0, until_s - time.monotonic())
            answer = self._line.send(method, url, params=query, body=body, timeout_s=left_s)
            if answer.status < 400:
                return answer
            # what was throttled was not done; after other trouble only a read may be repeated
            again = answer.status == 429 or (method == "GET" and answer.status in _AGAIN)
            pause_s = retry_after_s(answer.headers.get("retry-after")) or 0.5 * 2**count
            if not again or time.monotonic() + pause_s > until_s or count == _TRIES - 1:
                break
            time.sleep(pause_s)
        raise refused(
            answer.status,
            answer.headers,
            answer.body,
            operation=words,
            scope=_scope_of(url),
            account=str(getattr(self._credential, "account_name", "") or ""),
        )


def _object(answer: Answer) -> dict[str, Any]:
    content = answer.json()
    return content if isinstance(content, dict) else {"value": content}


def _state(content: dict[str, Any], answer: Answer, *, has_line: bool, by_location: bool) -> str:
    """How an operation stands, from whichever of ARM's ways says it."""
    if has_line and by_location:
        if answer.status == 202:
            return str(content.get("status") or "InProgress")
        return str(content.get("status") or "Succeeded")
    said = content.get("status")
    properties = content.get("properties")
    if not has_line and isinstance(properties, dict):
        said = properties.get("provisioningState")
    if has_line:
        return str(said or "InProgress")
    return str(said or "Succeeded")


def _pause_s(answer: Answer, elapsed_s: float) -> float:
    asked = retry_after_s(answer.headers.get("retry-after"))
    if asked is not None:
        return min(asked, _POLL_MAX_S) if asked > 0 else 0.05
    return min(_POLL_MAX_S, _POLL_S + elapsed_s / 20)


def _failed(content: dict[str, Any], words: str, scope: str, answer: Answer) -> AzureError:
    import json

    error = content.get("error") or (content.get("properties") or {}).get("error") or {}
    # the work was accepted and failed later: the answer itself was 200
    return refused(
        409,
        answer.headers,
        json.dumps({"error": error} if error else content).encode(),
        operation=words,
        scope=scope,
    )


def _scope_of(url: str) -> str:
    found = _WORKSPACE.search(unquote(urlsplit(url).path))
    return f"workspace {found.group(1)}" if found else ""


_VERBS = {"GET": "read", "PUT": "create or change", "PATCH": "change", "DELETE": "delete"}
_SINGULAR = {
    "computes": "compute",
    "onlineendpoints": "endpoint",
    "deployments": "deployment",
    "datastores": "datastore",
    "jobs": "job",
    "models": "model",
    "environments": "environment",
    "schedules": "schedule",
    "versions": "version",
    "codes": "code",
    "workspaces": "workspace",
    "resourcegroups": "resource group",
    "subscriptions": "subscription",
}


def _words(method: str, path: str) -> str:
    """What a request tries, in words: `start compute gpu`."""
    parts = [unquote(part) for part in path.strip("/").split("/") if part]
    act = _VERBS.get(method, "use")
    lowered = [part.lower() for part in parts]
    if "providers" in lowered:
        at = len(lowered) - 1 - lowered[::-1].index("providers")
        parts, lowered = parts[at + 2 :], lowered[at + 2 :]
    if method == "POST" and len(parts) % 2:
        act = re.sub(r"(?<!^)([A-Z])", lambda found: f" {found.group(1).lower()}", parts[-1])
        parts, lowered = parts[:-1], lowered[:-1]
    if len(parts) % 2:
        return f"list {_SINGULAR.get(lowered[-1], lowered[-1])}s" if parts else act
    if len(parts) < 2:
        return act
    kind = _SINGULAR.get(lowered[-2], parts[-2])
    return f"{act} {kind} {parts[-1]}"
