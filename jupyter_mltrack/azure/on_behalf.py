"""Tokens of the person for whom a job of Azure ML runs, from the job's own machine.

A job that was submitted with the user's identity finds the address to ask in `OBO_ENDPOINT`.
"""

from __future__ import annotations

import os
import time
from typing import Any

from jupyter_mltrack.azure.line import Line
from jupyter_mltrack.errors import MltrackError

ENDPOINT = "OBO_ENDPOINT"
_TOKEN_S = 10.0


class OnBehalf:
    """A credential that asks the machine; see `ways`."""

    def __init__(self) -> None:
        self._endpoint = os.environ.get(ENDPOINT, "")
        self._line = Line(lambda url: url == self._endpoint)

    def __repr__(self) -> str:
        return "***"

    def get_token(self, *scopes: str, **_: Any) -> Any:
        """A token of the person.

        Raises:
            ClientAuthenticationError: the machine gives none.
            Unreachable: it gave no answer.
        """
        from azure.core.credentials import AccessToken
        from azure.core.exceptions import ClientAuthenticationError

        resource = scopes[0].removesuffix("/.default") if scopes else ""
        answer = self._line.send(
            "GET", self._endpoint, params={"resource": resource}, timeout_s=_TOKEN_S
        )
        try:
            said = answer.json() if answer.status == 200 else {}
            now_s = int(time.time())
            expires_s = int(said.get("expires_on") or now_s + int(said["expires_in"]))
            return AccessToken(str(said.get("access_token") or said["token"]), expires_s)
        except (MltrackError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise ClientAuthenticationError(
                f"the machine gave no token of the user ({answer.status})"
            ) from error
