"""One question, one answer, over TLS and within bounds: what every call to Azure goes through.

A token goes only to hosts that the cloud trusts; a redirect is refused, wherever it leads; an
answer is read up to a size and within a time. A token that the service does not take any more is
dropped, and the question is asked once more. A failure of the network becomes `Unreachable`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jupyter_mltrack.azure.errors import AzureError, Unreachable
from jupyter_mltrack.errors import MltrackError

ANSWER_BYTES_MAX = 10 << 20
ANSWER_S = 30.0
CONNECT_S = 5.0
_CHUNK_BYTES = 65_536
_DEPTH_MAX = 64


@dataclass(frozen=True)
class Answer:
    """What came back. `headers` have their names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str

    def json(self) -> Any:
        """The body as JSON; an empty one is an empty object.

        Raises:
            AzureError: it is no JSON, or nested beyond reason.
        """
        if not self.body.strip():
            return {}
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError):
            content = None
        if content is None or _depth(self.body) > _DEPTH_MAX:
            raise AzureError(
                f"{self.host} answered with something that is not Azure's.",
                "Is it the sign-in page of a network? Open the address in a browser.",
            )
        return content


class Line:
    """Asks hosts that `allows` says yes to, with the tokens of a credential if there is one.

    Args:
        allows: whether an address may be asked.
        credential: an object with `get_token`; None asks without a token.
        token_scope: what tokens are asked with.
    """

    def __init__(
        self, allows: Callable[[str], bool], credential: Any = None, token_scope: str = ""
    ) -> None:
        self._allows = allows
        self._credential = credential
        self._token_scope = token_scope
        self._pipeline: Any = None

    def __repr__(self) -> str:
        return "Line(***)"

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = ANSWER_S,
    ) -> Answer:
        """Ask and return the answer, whatever its status.

        What was answered with 401 was not done: it is asked a second time, with a new token.

        Args:
            method: GET, PUT ...
            url: whole address.
            params: of the query; those in `url` stay.
            body: sent as JSON, unless `content` is given.
            content: sent as it is.
            headers: besides the usual ones.
            timeout_s: for the whole of it.

        Raises:
            AzureError: the host is not trusted, or sent elsewhere, or too much.
            Unreachable: no answer, or none in time.
        """
        from azure.core.rest import HttpRequest

        if not self._allows(url):
            raise _not_trusted(url)

        def request() -> Any:  # a new one for each try: azure-core changes what it is given
            return HttpRequest(
                method,
                url,
                params=dict(params) if params else None,
                json=body if content is None else None,
                content=content,
                headers=dict(headers) if headers else None,
            )

        until_s = time.monotonic() + timeout_s
        answer = self._asked(request(), until_s)
        renew = getattr(self._credential, "renew", None)
        if answer.status != 401 or renew is None:
            return answer
        renew()
        return self._asked(request(), until_s)

    def _asked(self, request: Any, until_s: float) -> Answer:
        from azure.core.exceptions import AzureError as CoreError

        host = urlsplit(request.url).netloc
        timeout_s = max(0.1, until_s - time.monotonic())
        try:
            response = self._open().run(
                request,
                stream=True,
                connection_timeout=min(CONNECT_S, timeout_s),
                read_timeout=timeout_s,
            )
            return _read(response.http_response, host, until_s)
        except MltrackError:
            raise
        except (CoreError, OSError) as error:
            raise Unreachable(
                f"{host} cannot be reached: {_cause(error)}.",
                "What is logged waits on this machine; it is sent when the network is back.",
            ) from error

    def _open(self) -> Any:
        if self._pipeline is None:
            from azure.core.pipeline import Pipeline
            from azure.core.pipeline import policies as found
            from azure.core.pipeline.transport import RequestsTransport

            policies: list[Any] = [
                found.RequestIdPolicy(),
                found.UserAgentPolicy("jupyter_mltrack"),
            ]
            if self._credential is not None:
                policies.append(
                    found.BearerTokenCredentialPolicy(self._credential, self._token_scope)
                )
            self._pipeline = Pipeline(RequestsTransport(), policies=policies)
        return self._pipeline


def _read(response: Any, host: str, until_s: float) -> Answer:
    if 300 <= response.status_code < 400 and response.status_code != 304:
        response.close()
        place = urlsplit(response.headers.get("Location", "")).netloc.rpartition("@")[2]
        raise AzureError(
            f"{host} sends to {place or 'another address'} instead of answering; "
            "it was not followed.",
            "Is a proxy or a network's sign-in page in between?",
        )
    body = _body(response, host, until_s)
    headers = {str(name).lower(): str(value) for name, value in response.headers.items()}
    return Answer(int(response.status_code), headers, body, host)


def _body(response: Any, host: str, until_s: float) -> bytes:
    inner = response.internal_response
    if getattr(inner, "_content_consumed", False):  # a process of ours has read it, within bounds
        return bytes(inner.content)
    raw = inner.raw
    read = getattr(raw, "read1", None) or raw.read
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := read(_CHUNK_BYTES, decode_content=True):
            size += len(chunk)
            chunks.append(chunk)
            if size > ANSWER_BYTES_MAX:
                raise AzureError(f"{host} answered with more than anything Azure sends.")
            if time.monotonic() > until_s:
                raise TimeoutError
    except AzureError:
        raise
    except Exception as error:  # urllib3's own errors, which azure-core does not translate here
        raise Unreachable(
            f"{host} cut its answer short, or did not end it in time.", "Try again."
        ) from error
    finally:
        response.close()
    return b"".join(chunks)


def _depth(body: bytes) -> int:
    """How deep brackets nest, those in texts counted too where that does no harm."""
    if body.count(b"{") + body.count(b"[") <= _DEPTH_MAX:
        return 0
    deepest = now = 0
    in_text = escaped = False
    for byte in body:
        if in_text:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_text = False
        elif byte == 0x22:
            in_text = True
        elif byte in (0x7B, 0x5B):
            now += 1
            deepest = max(deepest, now)
        elif byte in (0x7D, 0x5D):
            now -= 1
    return deepest


def _not_trusted(url: str) -> AzureError:
    parts = urlsplit(url)
    why = "it is not asked without TLS" if parts.scheme != "https" else "it is none of the cloud's"
    return AzureError(
        f"{parts.netloc.rpartition('@')[2] or 'The address'} gets no token: {why}.",
        "Check the workspace's address, and AZUREML_CURRENT_CLOUD for a cloud that is not public.",
        code="forbidden",
    )


def _cause(error: Exception) -> str:
    text = str(error)
    for mark, words in (
        ("CERTIFICATE_VERIFY", "its certificate is not trusted"),
        ("Name or service not known", "its name is not known"),
        ("Failed to resolve", "its name is not known"),
        ("Connection refused", "connection refused"),
        ("timed out", "no answer in time"),
        ("Max retries", "no connection"),
    ):
        if mark in text:
            return words
    return "the connection was cut"
