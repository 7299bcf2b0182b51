"""Sign in, look who is signed in, sign out: what the verbs and the panel call.

A sign-in belongs to the token keeper: closing the notebook or the page does not end it, and
whoever asks again sees how it stands.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any

import msgspec

from jupyter_mltrack import wire
from jupyter_mltrack.azure import accounts, clouds, keeper_line
from jupyter_mltrack.azure.accounts import Account, AccountKind
from jupyter_mltrack.azure.clouds import Cloud
from jupyter_mltrack.azure.credentials import Credential, credential
from jupyter_mltrack.azure.errors import SignedOut
from jupyter_mltrack.azure.holding import info_of
from jupyter_mltrack.azure.line import Line
from jupyter_mltrack.azure.scope import Scope
from jupyter_mltrack.errors import MltrackError, NotFound

API = "2022-12-01"
TENANT_S = 8.0
_TENANT = re.compile(r"authorization(?:_uri)?=\"?https://[^/\"]+/([A-Za-z0-9.-]+)", re.IGNORECASE)


def who(scope: Scope | None = None, *, fresh: bool = False) -> wire.AccountReport:
    """Who is signed in now, and what was tried to find out. Never prompts, never raises.

    Args:
        scope: a workspace that it is for.
        fresh: do not trust a token that is in memory.
    """
    found: Credential | None = None
    try:
        found = credential(scope)
        if fresh:
            found.forget()
        found.get_token()
    except MltrackError as error:
        tried = getattr(error, "tried", ()) or (found.tried if found is not None else ())
        return wire.AccountReport(tried=_pairs(tried), signing_in=now(), problem=problem_of(error))
    return wire.AccountReport(
        account=account_info(found), tried=_pairs(found.tried), signing_in=now()
    )


def account_name(scope: Scope | None) -> str | None:
    """The name of who is signed in, as far as this process knows. Asks nobody."""
    try:
        found = credential(scope)
        account = accounts.chosen(found.cloud.key, found.tenant)
    except MltrackError:
        return None
    return (account.name if account is not None else found.account_name) or None


def account_info(found: Credential) -> wire.AccountInfo | None:
    """Who a credential's newest token was for; None before the first one. Asks nobody."""
    if not found.account_name:
        return None
    account = accounts.chosen(found.cloud.key, found.tenant)
    if account is not None:
        return info_of(account, found.cloud.name)
    return wire.AccountInfo(
        name=found.account_name, cloud=found.cloud.name, way=found.way, tenant=found.tenant
    )


def _pairs(tried: Any) -> list[wire.Pair]:
    return [wire.Pair(key=title, value=result) for title, result in tried]


def problem_of(error: MltrackError) -> wire.Problem:
    """An error for the wire."""
    return wire.Problem(code=error.code, message=error.message, hint=error.hint)  # type: ignore[arg-type]


# ------------------------------------------------------------------------- in a browser


def begin(
    how: wire.SignInHow, scope: Scope | None = None, tenant: str | None = None
) -> wire.SignIn:
    """Start a sign-in; the answer has the code and the page to enter it.

    Args:
        how: `device_code`: on any machine; `browser`: a browser on this one is opened.
        scope: a workspace; the sign-in is to its organisation.
        tenant: the organisation, by id or domain.

    Raises:
        Unreachable: the sign-in service gave no answer.
    """
    cloud = clouds.current()
    if tenant is None:
        tenant = tenant_of(cloud, scope.subscription_id) if scope is not None else ""
    keeper_line.ensure()
    answer = keeper_line.call(
        {"op": "begin", "cloud": keeper_line.plain(cloud), "how": how, "tenant": tenant}
    )
    return _sign_in(answer)


def look(sign_in_id: str, *, wait_s: float = 0.0, seen: int = 0) -> tuple[wire.SignIn, int]:
    """How a sign-in stands; waits up to `wait_s` for it to be different from what was `seen`.

    Raises:
        NotFound: there is no such sign-in (any more).
    """
    if keeper_line.hello() is None:
        raise NotFound("There is no such sign-in.", "Begin a new one.")
    answer = keeper_line.call({"op": "look", "id": sign_in_id, "wait_s": wait_s, "seen": seen})
    return _sign_in(answer), int(answer["changes"])


def now() -> wire.SignIn | None:
    """The sign-in that waits for a person now; None where there is none. Starts nothing."""
    if keeper_line.hello() is None:
        return None
    try:
        found = _sign_in(keeper_line.call({"op": "look", "id": ""}))
    except MltrackError:
        return None
    return found if found.state in ("starting", "waiting") else None


def cancel(sign_in_id: str) -> wire.SignIn:
    """End a sign-in that waits for a person.

    Raises:
        NotFound: there is no such sign-in (any more).
    """
    if keeper_line.hello() is None:
        raise NotFound("There is no such sign-in.", "Begin a new one.")
    return _sign_in(keeper_line.call({"op": "cancel", "id": sign_in_id}))


def _sign_in(answer: dict[str, Any]) -> wire.SignIn:
    return msgspec.convert(answer["sign_in"], wire.SignIn)


# --------------------------------------------------------------------------- by machine


def with_secret(tenant: str, client_id: str, secret: str) -> wire.AccountInfo:
    """Sign in a service principal; its secret stays in the token keeper's memory.

    Raises:
        SignedOut: it was refused.
        Unreachable: the sign-in service gave no answer.
    """
    cloud = clouds.current()
    keeper_line.ensure()
    answer = keeper_line.call(
        {
            "op": "secret",
            "cloud": keeper_line.plain(cloud),
            "tenant": tenant,
            "client_id": client_id,
            "secret": secret,
        }
    )
    return info_of(msgspec.convert(answer["account"], Account), cloud.name)


def pin(kind: AccountKind) -> wire.AccountInfo:
    """Have one of the machine's own ways used from now on, in every process.

    Raises:
        SignedOut: it gives no token.
    """
    from jupyter_mltrack.azure.credentials import WAY_OF_KIND, asked, claims_of
    from jupyter_mltrack.azure.ways import way

    cloud = clouds.current()
    found = way(WAY_OF_KIND[kind])
    reason = found.offered()
    if reason:
        raise SignedOut(
            f"There is no {found.title} here: {reason}.",
            "Try another way: %mltrack login --device-code",
            tried=[(found.title, reason)],
        )
    token = asked(found.make(cloud, ""), found.title, (cloud.token_scope,), None)
    claims = claims_of(token.token)
    names = ("upn", "preferred_username", "unique_name", "appid", "oid")
    name = next((str(claims[one]) for one in names if claims.get(one)), found.title)
    account = Account(cloud=cloud.key, kind=kind, name=name, tenant=str(claims.get("tid") or ""))
    return info_of(accounts.add(account), cloud.name)


def out() -> list[wire.AccountInfo]:
    """Forget all sign-ins by hand of the current cloud, and return them."""
    cloud = clouds.current()
    known = accounts.all_of(cloud.key)
    if keeper_line.hello() is not None or any(one.persisted for one in known):
        keeper_line.ensure()
        answer = keeper_line.call({"op": "out", "cloud": keeper_line.plain(cloud)})
        known = msgspec.convert(answer["accounts"], list[Account])
    else:
        accounts.remove(cloud.key)
    return [info_of(one, cloud.name) for one in known]


# ------------------------------------------------------------------------------- places


def tenant_of(cloud: Cloud, subscription_id: str) -> str:
    """The organisation that a subscription belongs to; empty where that cannot be learned.

    The resource manager names it to whoever asks without a token.
    """
    url = f"{cloud.resource_manager}/subscriptions/{subscription_id}?api-version={API}"
    try:
        answer = Line(cloud.trusts).send("GET", url, timeout_s=TENANT_S)
    except MltrackError:
        return ""
    found = _TENANT.search(answer.headers.get("www-authenticate", ""))
    return found.group(1) if found and found.group(1) != "common" else ""


def has_browser() -> bool:
    """Whether a browser that this process opens would be in front of the person."""
    if sys.platform == "darwin" or os.name == "nt":
        return not os.environ.get("SSH_CONNECTION")
    shown = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(shown) and not os.environ.get("SSH_CONNECTION")
