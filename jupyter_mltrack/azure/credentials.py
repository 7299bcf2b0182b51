"""Tokens for any process of this user: kernel, shipper, Jupyter server, workers.

A credential never prompts. It takes the sign-in that a person chose, from the token keeper; else
the first of the machine's own ways that works, and stays with it. Tokens are kept in memory and
renewed ahead of their end; nothing of them is ever shown.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import Any

from jupyter_mltrack.azure import accounts, clouds
from jupyter_mltrack.azure.accounts import KEPT_KINDS, Account
from jupyter_mltrack.azure.clouds import Cloud
from jupyter_mltrack.azure.errors import SignedOut, Unreachable
from jupyter_mltrack.azure.scope import Scope
from jupyter_mltrack.azure.ways import Way, way, ways
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError

LOGIN_HINT = "Sign in: %mltrack login, or press Sign in in the panel."
_MARGIN_S = 300.0
_REFUSED_AGAIN_S = 5.0
_RENEWED_AGAIN_S = 5.0
WAY_OF_KIND = {
    "managed_identity": "managedidentitycredential",
    "cli": "azureclicredential",
    "environment": "environmentcredential",
}


class Credential:
    """What azure-core and azureml-mlflow call a credential. May be used by several threads.

    Args:
        cloud: whose tokens.
        tenant: of the workspace, where that is known.
    """

    def __init__(self, cloud: Cloud, tenant: str = "") -> None:
        self.cloud = cloud
        self.account_name = ""
        """Who the newest token was for; empty before the first one."""
        self.tenant = tenant
        self.way = ""
        """How the newest token was got, in words."""
        self.tried: tuple[tuple[str, str], ...] = ()
        """Each way that was tried for it, with its result."""
        self._asked_tenant = tenant
        self._lock = threading.Lock()
        self._stamp = -1
        self._source: Any = None
        self._tokens: dict[tuple[str, ...], tuple[Any, float]] = {}
        self._refused: tuple[float, MltrackError] | None = None
        self._renewed_s = -_RENEWED_AGAIN_S
        self._renewing = False

    def __repr__(self) -> str:
        return "***"

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError("A credential is not written down: make it anew where it is needed.")

    def get_token(self, *scopes: str, claims: str | None = None, **rest: Any) -> Any:
        """A token that is good for a while: `AccessToken(token, expires_on)`.

        Args:
            scopes: what it is for; that of the cloud's resource manager if nothing is said.
            claims: of a challenge; the token is then got anew.
            rest: what azure-core may pass besides; not used.

        Raises:
            SignedOut: somebody must sign in; `tried` says what was tried.
            Unreachable: the sign-in service gave no answer.
        """
        del rest
        wanted = scopes or (self.cloud.token_scope,)
        with self._lock:
            self._look_for_change()
            kept = self._tokens.get(wanted)
            if kept is not None and claims is None and time.time() < kept[1]:
                return kept[0]
            if self._refused is not None and claims is None:
                until_s, error = self._refused
                if time.monotonic() < until_s:
                    raise error
            return self._new_token(wanted, claims)

    def forget(self) -> None:
        """Drop what is in memory: the next token is a new one."""
        with self._lock:
            self._tokens.clear()
            self._source = self._refused = None

    def renew(self) -> None:
        """Have a new token made: the service did not take the last one, before its time was over.

        Threads that find out together make one.
        """
        with self._lock:
            now_s = time.monotonic()
            self._refused = None
            if now_s - self._renewed_s < _RENEWED_AGAIN_S:
                return
            self._renewed_s = now_s
            self._renewing = True
            self._source = None
            self._tokens.clear()

    def _look_for_change(self) -> None:
        stamp = accounts.stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            self._tokens.clear()
            self._source = self._refused = None

    def _new_token(self, scopes: tuple[str, ...], claims: str | None) -> Any:
        try:
            token = self._from_source(scopes, claims)
        except MltrackError as error:
            self._refused = (time.monotonic() + _REFUSED_AGAIN_S, error)
            if isinstance(error, SignedOut):
                self.account_name = ""
            kept = self._tokens.get(scopes)
            if not isinstance(error, Unreachable) or kept is None or claims is not None:
                raise
            if time.time() >= kept[0].expires_on - 1:
                raise
            return kept[0]  # renewed ahead of its end: it is good for a while yet
        self._refused, self._renewing = None, False
        left_s = token.expires_on - time.time()
        self._tokens[scopes] = (token, token.expires_on - min(_MARGIN_S, left_s / 5))
        self._learn(token.token)
        return token

    def _from_source(self, scopes: tuple[str, ...], claims: str | None) -> Any:
        if self._source is not None:
            return asked(self._source, self.way, scopes, claims)
        account = accounts.chosen(self.cloud.key, self._asked_tenant)
        if account is not None:
            return self._from_account(account, scopes, claims)
        return self._from_ways(scopes, claims)

    def _from_account(self, account: Account, scopes: tuple[str, ...], claims: str | None) -> Any:
        if account.kind in KEPT_KINDS:
            from jupyter_mltrack.azure.keeper_line import KeptSignIn

            source: Any = KeptSignIn(
                self.cloud, account, self._asked_tenant, renewed=self._renewing
            )
            self.way = f"sign-in of {account.name}"
        else:
            found = way(WAY_OF_KIND[account.kind])
            source = found.make(self.cloud, self._asked_tenant)
            self.way = found.title
        self.tried = ((self.way, ""),)
        token = asked(source, self.way, scopes, claims)
        self.tried = ((self.way, "ok"),)
        self._source = source
        return token

    def _from_ways(self, scopes: tuple[str, ...], claims: str | None) -> Any:
        tried: list[tuple[str, str]] = []
        for one in ways():
            reason = one.offered()
            if reason:
                tried.append((one.title, reason))
                continue
            token, reason = self._by(one, scopes, claims)
            tried.append((one.title, reason or "ok"))
            if token is not None:
                self.tried = tuple(tried)
                return token
        self.tried = tuple(tried)
        raise signed_out(self.cloud, tried)

    def _by(self, one: Way, scopes: tuple[str, ...], claims: str | None) -> tuple[Any, str]:
        try:
            source = one.make(self.cloud, self._asked_tenant)
            token = asked(source, one.title, scopes, claims)
        except SignedOut as error:
            return None, error.message
        self._source, self.way = source, one.title
        return token, ""

    def _learn(self, token: str) -> None:
        claims = claims_of(token)
        names = ("upn", "preferred_username", "unique_name", "email", "appid", "oid")
        found = next((str(claims[name]) for name in names if claims.get(name)), "")
        self.account_name = clean(found)[:200] or self.account_name
        self.tenant = clean(str(claims.get("tid") or ""))[:80] or self.tenant
        _hide(token)


def signed_out(cloud: Cloud, tried: list[tuple[str, str]]) -> SignedOut:
    """Nobody is signed in; `tried` of the error says what was tried."""
    where = "Azure" if cloud.name == "AzureCloud" else f"the cloud {cloud.name}"
    return SignedOut(f"Nobody is signed in to {where}.", LOGIN_HINT, tried=tried)


def asked(
    source: Any, title: str, scopes: tuple[str, ...], claims: str | None, *, tenant: str = ""
) -> Any:
    """A token of one source, its failures in our words.

    Raises:
        SignedOut: it has none to give; the message is the reason.
        Unreachable: the sign-in service gave no answer.
    """
    from azure.core.exceptions import AzureError as CoreError
    from azure.core.exceptions import ClientAuthenticationError

    options = {
        **({"claims": claims} if claims else {}),
        **({"tenant_id": tenant} if tenant else {}),
    }
    try:
        return source.get_token(*scopes, **options)
    except MltrackError:
        raise
    except ClientAuthenticationError as error:  # also: unavailable, and somebody must act
        reason = _first_line(error)
        raise SignedOut(reason, LOGIN_HINT, tried=[(title, reason)]) from error
    except (CoreError, OSError, ValueError) as error:
        raise Unreachable(
            f"The sign-in by {title} gave no answer: {_first_line(error)}.",
            "Is the network there? What is logged waits on this machine meanwhile.",
        ) from error


def _first_line(error: Exception) -> str:
    text = str(getattr(error, "message", "") or error)
    for mark in ("Authentication failed: ", "Couldn't begin authentication: "):
        text = text.removeprefix(mark)
    line = next((one for one in text.splitlines() if one.strip()), type(error).__name__)
    line = line.split(" Trace ID:")[0].split("To troubleshoot")[0]
    return clean(line).strip()[:200].rstrip(".")


def claims_of(token: str) -> dict[str, Any]:
    """What a token says of its owner; empty where it cannot be read. Nothing is verified."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _hide(token: str) -> None:
    """Have the redactor of this process take the token out of whatever is kept."""
    from jupyter_mltrack.tracking.redaction import hide_exactly

    hide_exactly(token)


# ---------------------------------------------------------------------------- one for all


class _Wallet:
    """The credentials of this process, one per cloud and tenant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[tuple[Cloud, str], Credential] = {}

    def of(self, cloud: Cloud, tenant: str) -> Credential:
        with self._lock:
            made = self._made.get((cloud, tenant))
            if made is None:
                made = self._made[cloud, tenant] = Credential(cloud, tenant)
            return made


_WALLET = _Wallet()


def credential(place: Scope | Cloud | None = None) -> Credential:
    """The credential for a workspace or a cloud; the same object for the same place.

    Nothing is asked before its first token is wanted.

    Raises:
        UsageError: the environment names a cloud that nothing describes.
        Unreachable: a cloud that is not built in cannot be asked about itself.
    """
    if isinstance(place, Cloud):
        return _WALLET.of(place, "")
    cloud = clouds.current()
    tenant = ""
    if place is not None and len(accounts.all_of(cloud.key)) > 1:
        from jupyter_mltrack.azure.known import known

        facts = known(place)
        tenant = facts.tenant if facts is not None else ""
    return _WALLET.of(cloud, tenant)
