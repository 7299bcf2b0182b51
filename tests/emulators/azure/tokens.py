"""The login authority's memory: who there is, which tokens were given, which of them still count."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.emulators.azure.core import ApiError

TENANT = "72f988bf-0000-4000-8000-00000000e1ab"


@dataclass
class Principal:
    """Somebody who can sign in. `generation` rises when a sign-in is revoked."""

    name: str  # the client id of an application, the user principal name of a person
    title: str
    kind: str  # "user", "service", "managed"
    secret: str = ""
    oid: str = field(default_factory=lambda: str(uuid.uuid4()))
    generation: int = 0
    refused: tuple[str, str] | None = None  # (error, description) that each token request gets


@dataclass
class DeviceCode:
    """One device-code flow, from its code to its end."""

    user_code: str
    device_code: str
    expires_s: float
    client_id: str
    scope: str
    state: str = "pending"  # pending, approved, declined, expired, used
    principal: Principal | None = None


class LoginError(Exception):
    """What the token endpoint answers instead of a token."""

    def __init__(self, error: str, code: int, text: str, status: int = 400) -> None:
        super().__init__(f"{error}: AADSTS{code}: {text}")
        self.status = status
        trace = str(uuid.uuid4())
        at = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
        self.body = {
            "error": error,
            "error_description": f"AADSTS{code}: {text} Trace ID: {trace} Correlation ID: {trace} "
            f"Timestamp: {at}",
            "error_codes": [code],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": trace,
        }


class Login:
    """Principals, device codes, tokens; the switches tests turn are its attributes."""

    def __init__(self) -> None:
        self.tenant = TENANT
        self.audiences: set[str] = {
            "https://management.azure.com", "https://management.core.windows.net",
            "https://ml.azure.com", "https://storage.azure.com",
        }  # fmt: skip
        self.service = Principal(
            "5e7f1ce0-0000-4000-8000-00000000c1d0",
            "emulator service",
            "service",
            "not-a-real-secret",
        )
        self.ada = Principal("ada@example.org", "Ada Lovelace", "user")
        self.reader = Principal("reader@example.org", "Rita Reader", "user")
        self.identity = Principal(
            "1de27173-0000-4000-8000-00000000c1d0", "compute identity", "managed"
        )
        self.identity_secret = "not-a-real-header"
        self.principals = {
            who.name: who for who in (self.service, self.ada, self.reader, self.identity)
        }
        self._key = secrets.token_bytes(32)
        self.lock = threading.RLock()
        self.arrived = threading.Condition(self.lock)  # told of each new device code
        self.refresh_tokens: dict[str, tuple[Principal, int, str]] = {}
        self.codes: dict[str, tuple[Principal, dict[str, str]]] = {}  # authorization codes
        self.device_codes: list[DeviceCode] = []
        self.reset()

    def reset(self) -> None:
        """All switches back; tokens that were given stay good."""
        self.token_s = 3600.0  # lifetime of access tokens
        self.device_code_s = 900.0
        self.interval_s = 1  # how often a client asks whether the code was entered
        self.approve_as: Principal | None = None  # who enters each code at once, None: nobody
        self._valid_from = 0.0
        for principal in self.principals.values():
            principal.refused = None

    # tokens

    def mint(self, principal: Principal, audience: str, lifetime_s: float | None = None) -> str:
        """An access token; `lifetime_s` None is `token_s`."""
        now = time.time()
        user = principal.kind == "user"
        claims = {
            "aud": audience.rstrip("/"),
            "iss": f"https://sts.windows.net/{self.tenant}/",
            "iat": int(now),
            "nbf": int(now),
            "made": now,
            "exp": int(now + (self.token_s if lifetime_s is None else lifetime_s)),
            "tid": self.tenant,
            "oid": principal.oid,
            "sub": principal.oid,
            "name": principal.title,
            "gen": principal.generation,
            "jti": secrets.token_hex(8),
            **({"upn": principal.name, "idtyp": "user"} if user else {}),
            **({} if user else {"appid": principal.name, "idtyp": "app"}),
        }
        return self.signed(claims)

    def signed(self, claims: dict[str, Any]) -> str:
        """A JWT, HS256."""
        head = _b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
        text = f"{head}.{_b64(json.dumps(claims).encode())}"
        return f"{text}.{_b64(hmac.digest(self._key, text.encode(), hashlib.sha256))}"

    def check(self, token: str) -> tuple[Principal, dict[str, Any]]:
        """Who the token speaks for; ARM's 401 when it no longer does."""
        try:
            text, _, signature = token.rpartition(".")
            right = _b64(hmac.digest(self._key, text.encode(), hashlib.sha256))
            claims = json.loads(_unb64(text.partition(".")[2]))
            if not hmac.compare_digest(right, signature):
                raise ValueError("signature")
            principal = next(who for who in self.principals.values() if who.oid == claims["oid"])
        except (ValueError, KeyError, StopIteration):
            raise _unauthorized(
                "InvalidAuthenticationToken", "The access token is invalid."
            ) from None
        if time.time() >= claims["exp"]:
            raise _unauthorized("ExpiredAuthenticationToken", "The access token expiry has passed.")
        if claims.get("made", claims["iat"]) < self._valid_from:
            raise _unauthorized("ExpiredAuthenticationToken", "The access token has expired.")
        if claims["gen"] < principal.generation:
            raise _unauthorized(
                "InvalidAuthenticationToken", "The sign-in of this token has been revoked.")  # fmt: skip
        if claims["aud"] not in self.audiences:
            raise _unauthorized(
                "InvalidAuthenticationTokenAudience",
                f"The audience {claims['aud']} is not this service.",
            )
        return principal, claims

    def expire(self) -> None:
        """Access tokens given until now no longer count; refresh tokens do."""
        self._valid_from = time.time()

    def revoke(self, principal: Principal | None = None) -> None:
        """Sign somebody out everywhere (None: everybody): refresh tokens no longer count either."""
        with self.lock:
            for who in [principal] if principal else self.principals.values():
                who.generation += 1

    def refuse(self, principal: Principal, error: str, description: str) -> None:
        """Answer each token request of somebody with this error."""
        principal.refused = (error, description)

    def token_answer(
        self, principal: Principal, scope: str, client_id: str = "", nonce: str = ""
    ) -> dict[str, Any]:
        """The token endpoint's answer; for a person with a refresh token and who it is."""
        if principal.refused:
            raise LoginError(principal.refused[0], 53003, principal.refused[1])
        audience = next(
            (part.removesuffix("/.default").rstrip("/") for part in scope.split() if "://" in part),
            "https://management.azure.com",
        )
        if audience not in self.audiences:
            raise LoginError(
                "invalid_resource", 500011, f"The resource principal named {audience} was not found.")  # fmt: skip
        answer: dict[str, Any] = {
            "token_type": "Bearer", "scope": scope, "expires_in": int(self.token_s),
            "ext_expires_in": int(self.token_s), "access_token": self.mint(principal, audience),
        }  # fmt: skip
        if principal.kind != "user":
            return answer
        refresh = secrets.token_urlsafe(32)
        self.refresh_tokens[refresh] = (principal, principal.generation, client_id)
        now = int(time.time())
        identity = {
            "iss": f"https://sts.windows.net/{self.tenant}/", "aud": client_id, "iat": now,
            "exp": now + 3600, "tid": self.tenant, "oid": principal.oid, "sub": principal.oid,
            "name": principal.title, "preferred_username": principal.name, "ver": "2.0",
            **({"nonce": nonce} if nonce else {}),
        }  # fmt: skip
        client_info = _b64(json.dumps({"uid": principal.oid, "utid": self.tenant}).encode())
        return answer | {
            "refresh_token": refresh, "client_info": client_info, "id_token": self.signed(identity),
        }  # fmt: skip

    def refreshed(self, refresh: str) -> Principal:
        """Whose refresh token it is, while it counts."""
        principal, generation, _client = self.refresh_tokens.get(refresh, (None, 0, ""))
        if principal is None:
            raise LoginError("invalid_grant", 9002313, "The refresh token is malformed.")
        if generation < principal.generation:
            raise LoginError(
                "invalid_grant", 50173, "The provided grant has expired due to it being revoked, "
                "a fresh auth token is needed.")  # fmt: skip
        return principal

    # device codes

    def begin_device(self, client_id: str, scope: str) -> DeviceCode:
        letters = "BCDFGHJKLMNPQRSTVWXYZ23456789"
        code = DeviceCode(
            "".join(secrets.choice(letters) for _ in range(9)), secrets.token_urlsafe(24),
            time.time() + self.device_code_s, client_id, scope,
        )  # fmt: skip
        with self.arrived:
            self.device_codes.append(code)
            if self.approve_as:
                code.state, code.principal = "approved", self.approve_as
            self.arrived.notify_all()
        return code

    @property
    def pending(self) -> list[str]:
        """User codes that nobody has entered yet, oldest first."""
        return [code.user_code for code in self.device_codes if code.state == "pending"]

    def wait_for_code(self, timeout_s: float = 120) -> str:
        """The user code of the next flow that waits for somebody."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: self.pending, timeout_s):
                raise TimeoutError("nobody asked for a device code")
            return self.pending[-1]

    def approve(self, user_code: str | None = None, principal: Principal | None = None) -> None:
        """Enter a code (None: the newest) as somebody (None: Ada)."""
        code = self._pending(user_code)
        code.principal, code.state = principal or self.ada, "approved"

    def decline(self, user_code: str | None = None) -> None:
        self._pending(user_code).state = "declined"

    def expire_code(self, user_code: str | None = None) -> None:
        self._pending(user_code).state = "expired"

    def _pending(self, user_code: str | None) -> DeviceCode:
        wanted = (user_code or "").strip().upper()
        for code in reversed(self.device_codes):
            if code.state == "pending" and (not wanted or code.user_code == wanted):
                return code
        raise LookupError("no sign-in waits for this code")

    def device_answer(self, device_code: str) -> DeviceCode:
        """The flow, once it was approved; else the error the client is to get."""
        code = next((one for one in self.device_codes if one.device_code == device_code), None)
        if code is None or code.state == "used":
            raise LoginError("bad_verification_code", 70018, "Bad verification code.")
        if code.state == "expired" or time.time() >= code.expires_s:
            code.state = "expired"
            raise LoginError("expired_token", 70020, "The provided device code has expired.")
        if code.state == "declined":
            raise LoginError("authorization_declined", 70019, "The user declined the sign-in.")
        if code.state == "pending":
            raise LoginError("authorization_pending", 70016, "The code has not been entered yet.")
        code.state = "used"
        return code


def _unauthorized(code: str, message: str) -> ApiError:
    challenge = (
        f'Bearer authorization_uri="https://login.windows.net/{TENANT}", error="invalid_token", '
        f'error_description="{message}"'
    )
    return ApiError(401, code, message, {"WWW-Authenticate": challenge})


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
