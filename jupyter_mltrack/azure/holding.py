"""Sign-ins as the token keeper holds them: in memory, or encrypted by the system's key ring.

Nothing is ever written unencrypted. Each sign-in is one of azure-identity's credentials that
never prompts by itself; only `Flow`, which a person starts, talks to a person.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from jupyter_mltrack import wire
from jupyter_mltrack.azure import accounts
from jupyter_mltrack.azure.accounts import Account, AccountKind
from jupyter_mltrack.azure.clouds import BUILT_IN
from jupyter_mltrack.azure.credentials import asked, claims_of
from jupyter_mltrack.azure.errors import AzureError, SignedOut
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import MltrackError

CACHE = "mltrack"
CODE_LIMIT_S = 20.0
BROWSER_S = 300
KEPT_FLOWS_S = 600.0
_MARGIN_S = 300.0
AGAIN_HINT = "Sign in again: %mltrack login, or press Sign in in the panel."
Cloud = dict[str, Any]
"""As `keeper_line.plain` makes it."""


def persistence() -> Any:
    """How azure-identity shall keep tokens; None where the system cannot encrypt them."""
    from azure.identity import TokenCachePersistenceOptions
    from azure.identity._persistent_cache import _load_persistent_cache

    options = TokenCachePersistenceOptions(name=CACHE, allow_unencrypted_storage=False)
    try:
        _load_persistent_cache(options, is_cae=False)
    except Exception:  # each system fails in its own way: memory is always there
        return None
    return options


def transport(cloud: Cloud, is_cancelled: Any = None) -> Any:
    """What carries requests to the sign-in service; it ends a flow that was cancelled."""
    from azure.core.exceptions import ClientAuthenticationError
    from azure.core.pipeline.transport import RequestsTransport

    class Transport(RequestsTransport):  # type: ignore[misc]  # azure-core has no types here
        def send(self, request: Any, **options: Any) -> Any:
            if is_cancelled is not None and is_cancelled():
                raise ClientAuthenticationError("cancelled")
            return super().send(request, **options)

    return Transport(
        connection_timeout=5, read_timeout=20, connection_verify=cloud.get("trusted") or True
    )


def _options(cloud: Cloud, tenant: str, carried: Any) -> dict[str, Any]:
    return {
        "authority": cloud["login"],
        "disable_instance_discovery": cloud["name"] not in BUILT_IN,
        "additionally_allowed_tenants": ["*"],
        "transport": carried,
        "retry_total": 1,
        **({"tenant_id": tenant} if tenant else {}),
    }


class Held:
    """One sign-in with its newest tokens. May be used by several threads."""

    def __init__(self, account: Account, source: Any) -> None:
        self.account = account
        self._source = source
        self._lock = threading.Lock()
        self._tokens: dict[tuple[str, ...], tuple[Any, float]] = {}

    def token(
        self, scopes: tuple[str, ...], tenant: str, claims: str | None, *, renewed: bool = False
    ) -> Any:
        """A token that is good for a while; `renewed` has it made now, whatever is kept.

        Raises:
            SignedOut: the sign-in has ended or was revoked.
            Unreachable: the sign-in service gave no answer.
        """
        key = (tenant, *scopes)
        if renewed and claims is None:  # what azure-identity keeps is passed over for claims only
            claims = json.dumps(
                {"access_token": {"nbf": {"essential": True, "value": str(int(time.time()))}}}
            )
        with self._lock:
            kept = self._tokens.get(key)
            if kept is not None and claims is None and time.time() < kept[1]:
                return kept[0]
            title = f"sign-in of {self.account.name}"
            # the account's own tenant is the credential's: naming it would change nothing
            other = tenant if tenant != self.account.tenant else ""
            try:
                token = asked(self._source, title, scopes, claims, tenant=other)
            except SignedOut as error:
                raise SignedOut(
                    f"The sign-in of {self.account.name} has ended or was revoked.", AGAIN_HINT
                ) from error
            left_s = token.expires_on - time.time()
            self._tokens[key] = (token, token.expires_on - min(_MARGIN_S, left_s / 5))
            return token

    def drop(self) -> None:
        """Take its tokens out of the system's key ring, and out of memory."""
        with self._lock:
            self._tokens.clear()
        make_app = getattr(self._source, "_get_app", None)
        if make_app is None:
            return
        try:
            app = make_app()
            for one in app.get_accounts(username=self.account.name):
                app.remove_account(one)
        except Exception:  # the key ring is gone or locked: nothing can be read from it either
            return


def restored(cloud: Cloud, account: Account) -> Held | None:
    """A sign-in of an earlier keeper; None where it was in memory only."""
    options = persistence() if account.persisted and account.record else None
    if options is None:
        return None
    from azure.identity import AuthenticationRecord, DeviceCodeCredential

    before = AuthenticationRecord.deserialize(account.record)
    record = AuthenticationRecord(
        tenant_id=before.tenant_id,
        client_id=before.client_id,
        authority=urlsplit(cloud["login"]).netloc,  # the record's is the token's issuer
        home_account_id=before.home_account_id,
        username=before.username,
    )
    more = _options(cloud, account.tenant, transport(cloud))
    del more["authority"]  # taken from the record
    source = DeviceCodeCredential(
        authentication_record=record,
        disable_automatic_authentication=True,
        cache_persistence_options=options,
        **more,
    )
    return Held(account, source)


def of_secret(cloud: Cloud, tenant: str, client_id: str, secret: str) -> Held:
    """A service principal by its secret, tried once; the secret stays in this process.

    Raises:
        SignedOut: it was refused.
        Unreachable: the sign-in service gave no answer.
    """
    from azure.identity import ClientSecretCredential

    options = _options(cloud, "", transport(cloud))
    source = ClientSecretCredential(tenant, client_id, secret, **options)
    asked(source, "service principal", (cloud["scope"],), None)
    account = Account(
        cloud=cloud["key"],
        kind="service_principal",
        name=client_id,
        tenant=tenant,
        client_id=client_id,
    )
    return Held(accounts.add(account), source)


class Flow:
    """One sign-in that a person does in a browser, from its code to its end."""

    def __init__(self, cloud: Cloud, how: wire.SignInHow, tenant: str) -> None:
        self.id = secrets.token_hex(8)
        self.held: Held | None = None
        self.changes = 0
        self.begun_s = time.monotonic()
        self._cloud = cloud
        self._how: wire.SignInHow = how
        self._tenant = tenant
        self._cancelled = False
        self._changed = threading.Condition()
        self._state: wire.SignInState = "starting"
        self._code = self._link = self._message = self._hint = ""
        self._expires_ms: int | None = None

    def start(self) -> None:
        """Begin in a thread of its own."""
        threading.Thread(target=self._run, name="mltrack-sign-in", daemon=True).start()

    def cancel(self) -> None:
        """End it; a code that was shown is worth nothing from now on."""
        self._cancelled = True
        if self.is_open():
            self._become("cancelled", "The sign-in was cancelled.")

    def is_open(self) -> bool:
        """Whether somebody may still finish it."""
        return self._state in ("starting", "waiting")

    def wait(self, seen: int, timeout_s: float) -> None:
        """Return when it is different from what was seen, or time is up."""
        with self._changed:
            self._changed.wait_for(lambda: self.changes != seen, timeout_s)

    def info(self) -> wire.SignIn:
        """How it stands."""
        account = self.held.account if self.held is not None else None
        return wire.SignIn(
            id=self.id,
            how=self._how,
            state=self._state,
            code=self._code if self._state == "waiting" else "",
            link=self._link if self._state == "waiting" else "",
            expires_ms=self._expires_ms,
            message=self._message,
            hint=self._hint,
            account=info_of(account, self._cloud["name"]) if account is not None else None,
        )

    def _run(self) -> None:
        try:
            held = self._signed_in()
        except MltrackError as error:
            if self._cancelled:
                return
            timed_out = self._expires_ms is not None and time.time() * 1000 > self._expires_ms
            expired = timed_out or "expired" in error.message.lower()
            if expired:
                self._become("expired", "The code has expired before it was entered.", AGAIN_HINT)
            else:
                self._become("failed", f"The sign-in failed: {error.message}", error.hint)
            return
        except Exception as error:  # nobody waits for this thread: its failure must be told
            self._become("failed", f"The sign-in failed: {type(error).__name__}.", AGAIN_HINT)
            return
        if self._cancelled:
            held.drop()
            return
        accounts.add(held.account)
        self.held = held
        self._become("done", f"Signed in as {held.account.name}.")

    def _signed_in(self) -> Held:
        kept = persistence()
        source = self._source(kept)

        class Asking:
            """Asks a person where a credential would ask a service."""

            def get_token(self, *scopes: str, **_: Any) -> Any:
                return source.authenticate(scopes=scopes)

        record = asked(Asking(), "browser", (self._cloud["scope"],), None)
        token = asked(source, "browser", (self._cloud["scope"],), None)
        tenant = str(claims_of(token.token).get("tid") or record.tenant_id)
        kind: AccountKind = self._how
        account = Account(
            cloud=self._cloud["key"],
            kind=kind,
            name=clean(record.username)[:200],
            tenant=tenant,
            client_id=record.client_id,
            record=record.serialize(),
            persisted=kept is not None,
            at_ms=int(time.time() * 1000),
        )
        return Held(account, source)

    def _source(self, kept: Any) -> Any:
        from azure.identity import DeviceCodeCredential, InteractiveBrowserCredential

        options = {
            **_options(self._cloud, self._tenant, transport(self._cloud, lambda: self._cancelled)),
            "disable_automatic_authentication": True,
            **({"cache_persistence_options": kept} if kept is not None else {}),
        }
        if self._how == "browser":
            self._become("waiting", "A browser was opened on the machine that Jupyter runs on.")
            return InteractiveBrowserCredential(timeout=BROWSER_S, **options)
        return DeviceCodeCredential(prompt_callback=self._prompted, **options)

    def _prompted(self, link: str, code: str, expires: Any) -> None:
        if not link.startswith("https://"):
            raise AzureError("The sign-in service named a page without TLS.")
        self._link, self._code = clean(link)[:400], clean(code)[:60]
        self._expires_ms = int(expires.timestamp() * 1000)
        self._become("waiting")

    def _become(self, state: wire.SignInState, message: str = "", hint: str = "") -> None:
        with self._changed:
            self._state, self._message, self._hint = state, clean(message)[:400], hint
            self.changes += 1
            self._changed.notify_all()


def info_of(account: Account, cloud: str) -> wire.AccountInfo:
    """An account that was chosen by hand, for people."""
    ways = {
        "device_code": "sign-in by hand",
        "browser": "sign-in by hand",
        "service_principal": "service principal",
        "managed_identity": "managed identity",
        "cli": "Azure CLI",
        "environment": "service principal of the environment",
    }
    is_kept = account.kind in accounts.KEPT_KINDS
    return wire.AccountInfo(
        name=account.name,
        cloud=cloud,
        way=ways[account.kind],
        tenant=account.tenant,
        by_hand=True,
        kept=("encrypted" if account.persisted else "memory") if is_kept else "",
    )
