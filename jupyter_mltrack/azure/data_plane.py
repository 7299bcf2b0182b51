"""The workspace's own host: run history, artifacts, models, MLflow, as JSON."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from jupyter_mltrack.azure import clouds
from jupyter_mltrack.azure.errors import refused, retry_after_s
from jupyter_mltrack.azure.known import WorkspaceFacts
from jupyter_mltrack.azure.line import ANSWER_S, Answer, Line

_TRIES = 4
_AGAIN = (429, 500, 502, 503, 504)


class DataPlane:
    """JSON calls to the host that keeps a workspace's runs. May be used by several threads.

    Args:
        facts: of the workspace.
        credential: an object with `get_token`; see `credentials.credential`.
    """

    def __init__(self, facts: WorkspaceFacts, credential: Any) -> None:
        self.facts = facts
        self._credential = credential
        cloud = clouds.by_key(facts.cloud)
        self._line = Line(cloud.trusts, credential, cloud.token_scope)

    def __repr__(self) -> str:
        return f"DataPlane({self.facts.tracking_host}, ***)"

    def get(self, path: str, params: Mapping[str, str] | None = None, **options: Any) -> Any:
        """The JSON of an answer; see `call`."""
        return self.call("GET", path, params=params, **options).json()

    def post(self, path: str, body: Any, **options: Any) -> Any:
        """The JSON of an answer; see `call`."""
        return self.call("POST", path, body=body, **options).json()

    def call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        operation: str = "",
        again: bool | None = None,
        timeout_s: float = ANSWER_S,
    ) -> Answer:
        """Ask, and return an answer that is no refusal.

        Args:
            method: GET, POST ...
            path: after the host; `{S}` stands for the workspace's ARM id.
            params: of the query.
            body: sent as JSON.
            operation: what is tried, in words that follow "refused to".
            again: whether it may be repeated after trouble; None: only what reads.
            timeout_s: for the whole of it.

        Raises:
            AzureError: it was refused; `errors` says which kind is what.
        """
        place = path.replace("{S}", self.facts.scope.arm_id).lstrip("/")
        url = f"https://{self.facts.tracking_host}/{place}"
        repeats = method == "GET" if again is None else again
        until_s = time.monotonic() + timeout_s
        for count in range(_TRIES):
            left_s = max(1.0, until_s - time.monotonic())
            answer = self._line.send(method, url, params=params, body=body, timeout_s=left_s)
            if answer.status < 400:
                return answer
            pause_s = retry_after_s(answer.headers.get("retry-after")) or 0.5 * 2**count
            if (
                count == _TRIES - 1
                or not (answer.status == 429 or (repeats and answer.status in _AGAIN))
                or time.monotonic() + pause_s > until_s
            ):
                break
            time.sleep(pause_s)
        raise refused(
            answer.status,
            answer.headers,
            answer.body,
            operation=operation or f"answer {method} /{place.split('/')[0]}",
            scope=f"workspace {self.facts.workspace_name}",
            account=str(getattr(self._credential, "account_name", "") or ""),
        )
