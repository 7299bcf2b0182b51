"""The line to the keeper of sign-ins (see `keepers`), and tokens that come from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jupyter_mltrack.azure.accounts import Account
from jupyter_mltrack.azure.clouds import Cloud
from jupyter_mltrack.azure.errors import SignedOut, Unreachable
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError
from jupyter_mltrack.keepers import Keeper
from jupyter_mltrack.settings import data_dir

PROTOCOL = 2
SOCKET = "tokens.sock"
CALL_LIMIT_S = 40.0
_ERRORS: dict[str, type[MltrackError]] = {
    one.code: one for one in (SignedOut, Unreachable, UsageError, NotFound)
}


def folder() -> Path:
    """Where the keeper's socket lies."""
    return data_dir() / "azure"


def _keeper() -> Keeper:
    return Keeper(
        title="sign-ins",
        module="jupyter_mltrack.azure.token_keeper",
        folder=folder(),
        socket=SOCKET,
        log="tokens.log",
        protocol=PROTOCOL,
        withheld=("AZURE_CLIENT_SECRET",),
    )


def ensure() -> None:
    """Start the keeper of this data folder unless it is there.

    Raises:
        MltrackError: it cannot be started; the hint names its log.
    """
    _keeper().ensure()


def hello() -> dict[str, Any] | None:
    """Ask whether there is a keeper and which; None where there is none."""
    return _keeper().hello()


def call(message: dict[str, Any], timeout_s: float = CALL_LIMIT_S) -> dict[str, Any]:
    """Ask the keeper and return its answer.

    Raises:
        MltrackError: it refused; of the kind that it named.
        Unreachable: there is none, or it gave no answer.
    """
    return _keeper().call(message, timeout_s, _ERRORS)


def plain(cloud: Cloud) -> dict[str, Any]:
    """What the keeper must know of a cloud, and of how its certificates are checked."""
    return {
        "key": cloud.key,
        "name": cloud.name,
        "login": cloud.login,
        "scope": cloud.token_scope,
        "trusted": os.environ.get("REQUESTS_CA_BUNDLE", ""),
    }


class KeptSignIn:
    """A source of tokens that are the keeper's; see `credentials.Credential`.

    Args:
        cloud: whose tokens.
        account: whose sign-in.
        tenant: of the workspace, where that is known.
        renewed: the service did not take the last token: the first one asked for is a new one.
    """

    def __init__(
        self, cloud: Cloud, account: Account, tenant: str = "", *, renewed: bool = False
    ) -> None:
        self._cloud = cloud
        self._account = account
        self._tenant = tenant
        self._renewed = renewed

    def __repr__(self) -> str:
        return "***"

    def get_token(self, *scopes: str, claims: str | None = None) -> Any:
        """A token of the account.

        Raises:
            SignedOut: its sign-in has ended, was revoked, or was in memory only and is gone.
            Unreachable: the sign-in service, or the keeper, gave no answer.
        """
        from azure.core.credentials import AccessToken

        if hello() is None:
            if not self._account.persisted:
                raise gone(self._account)
            ensure()
        answer = call(
            {
                "op": "token",
                "cloud": plain(self._cloud),
                "tenant": self._tenant or self._account.tenant,
                "scopes": list(scopes),
                "claims": claims,
                "renewed": self._renewed,
            }
        )
        self._renewed = False
        return AccessToken(str(answer["token"]), int(answer["expires_on"]))


def gone(account: Account) -> SignedOut:
    """The sign-in was in memory only, and the process that held it is gone."""
    return SignedOut(
        f"The sign-in of {account.name} was kept in memory only and is gone.",
        "Sign in again: %mltrack login, or press Sign in in the panel.",
        tried=[(f"sign-in of {account.name}", "gone from memory")],
    )
