"""Where clients find the cloud and sign in: metadata, OAuth, the page for device codes, managed identity."""

from __future__ import annotations

import base64
import hashlib
import html
import secrets
import time
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from tests.emulators.azure.core import ApiError, Route, State
from tests.emulators.azure.tokens import LoginError, Principal


async def metadata(state: State, _request: Request) -> Response:
    """The list of clouds, as ARM publishes it: ours alone."""
    origin = state.origin
    return JSONResponse(
        [
            {
                "name": state.cloud,
                "portal": "https://portal.azure.com",
                "resourceManager": f"{origin}/",
                "authentication": {
                    "loginEndpoint": f"{origin}/",
                    "audiences": [f"{origin}/", "https://management.azure.com/"],
                    "tenant": "common",
                    "identityProvider": "AAD",
                },
                "suffixes": {
                    "storage": "core.windows.net",
                    "keyVaultDns": "vault.azure.net",
                    "acrLoginServer": "azurecr.io",
                    "sqlServerHostname": "database.windows.net",
                },
                "graphAudience": "https://graph.windows.net/",
                "gallery": f"{origin}/gallery/",
                "batch": f"{origin}/batch/",
                "media": f"{origin}/media/",
                "vmImageAliasDoc": f"{origin}/aliases.json",
            }
        ]
    )


async def discovery(state: State, _request: Request) -> Response:
    """Which host a region's data plane has: ours for all."""
    names = (
        "api",
        "history",
        "experimentation",
        "modelmanagement",
        "pipelines",
        "notebooks",
        "mlflow",
    )
    return JSONResponse(dict.fromkeys(names, state.origin))


async def openid(state: State, request: Request) -> Response:
    tenant = request.path_params["tenant"]
    base = f"{state.origin}/{tenant}"
    return JSONResponse(
        {
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "issuer": f"{base}/v2.0",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
            "response_types_supported": ["code"],
            "tenant_region_scope": None,
            "cloud_instance_name": state.host,
        }
    )


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))


async def devicecode(state: State, request: Request) -> Response:
    form = await _form(request)
    code = state.login.begin_device(form.get("client_id", ""), form.get("scope", ""))
    uri = f"{state.origin}/devicelogin"
    return JSONResponse(
        {
            "user_code": code.user_code,
            "device_code": code.device_code,
            "verification_uri": uri,
            "expires_in": int(state.login.device_code_s),
            "interval": state.login.interval_s,
            "message": f"To sign in, use a web browser to open the page {uri} and enter the code "
            f"{code.user_code} to authenticate.",
        }
    )


async def token(state: State, request: Request) -> Response:
    try:
        return JSONResponse(
            _token(state, await _form(request)), headers={"Cache-Control": "no-store"}
        )
    except LoginError as error:
        return JSONResponse(error.body, error.status)


def _token(state: State, form: dict[str, str]) -> dict[str, object]:
    login, client, scope = state.login, form.get("client_id", ""), form.get("scope", "")
    match form.get("grant_type"):
        case "client_credentials":
            principal = login.principals.get(client)
            if principal is None or principal.kind != "service":
                raise LoginError(
                    "unauthorized_client", 700016,
                    f"Application with identifier '{client}' was not found in the directory.")  # fmt: skip
            if not secrets.compare_digest(principal.secret, form.get("client_secret", "")):
                raise LoginError("invalid_client", 7000215, "Invalid client secret provided.", 401)
            return login.token_answer(principal, scope)
        case "device_code" | "urn:ietf:params:oauth:grant-type:device_code":
            code = login.device_answer(form.get("device_code") or form.get("code", ""))
            assert code.principal is not None
            return login.token_answer(code.principal, code.scope or scope, client)
        case "refresh_token":
            return login.token_answer(login.refreshed(form.get("refresh_token", "")), scope, client)
        case "authorization_code":
            principal, asked = _redeemed(state, form)
            return login.token_answer(
                principal, asked.get("scope", scope), client, asked.get("nonce", "")
            )
        case other:
            raise LoginError(
                "unsupported_grant_type", 70003, f"The grant type '{other}' is unknown."
            )


def _redeemed(state: State, form: dict[str, str]) -> tuple[Principal, dict[str, str]]:
    principal, asked = state.login.codes.pop(form.get("code", ""), (None, {}))
    if principal is None:
        raise LoginError("invalid_grant", 70008, "The authorization code has expired or was used.")
    if asked.get("code_challenge"):
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            raise LoginError("invalid_grant", 501481, "The Code_Verifier does not match.")
    return principal, asked


async def authorize(state: State, request: Request) -> Response:
    """The browser's sign-in: one button, or nothing at all when somebody is there already."""
    asked = dict(request.query_params)
    principal = state.login.approve_as
    if request.query_params.get("as"):
        principal = state.login.principals.get(request.query_params["as"])
    if principal is None:
        links = "".join(
            f'<p><a href="?{html.escape(urlencode(asked | {"as": who.name}))}">{html.escape(who.title)}</a></p>'
            for who in state.login.principals.values() if who.kind == "user"
        )  # fmt: skip
        return _page("Pick an account", links)
    code = secrets.token_urlsafe(24)
    state.login.codes[code] = (principal, asked)
    answer = {"code": code, "state": asked.get("state", ""), "session_state": secrets.token_hex(8)}
    target = asked.get("redirect_uri", "")
    if not target.startswith(("http://localhost", "http://127.0.0.1")):
        raise ApiError(400, "invalid_request", "AADSTS50011: The redirect URI does not match.")
    if asked.get("response_mode") == "form_post":
        fields = "".join(
            f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
            for name, value in answer.items()
        )
        return _page(
            "Signing in",
            f'<form method="post" action="{html.escape(target)}">{fields}<button>Continue</button></form>'
            "<script>document.forms[0].submit()</script>",
        )
    return RedirectResponse(f"{target}?{urlencode(answer)}", 302)


async def device_page(state: State, request: Request) -> Response:
    """Where a person enters the code."""
    said = ""
    if request.method == "POST":
        form = await _form(request)
        who = state.login.principals.get(form.get("as", ""))
        try:
            if form.get("act") == "decline":
                state.login.decline(form.get("code"))
                said = "Declined."
            else:
                state.login.approve(form.get("code"), who)
                said = "You have signed in. You may close this window."
        except LookupError:
            said = "That code did not work. Check it and try again."
    code = html.escape(request.query_params.get("code") or request.query_params.get("otc") or "")
    people = "".join(
        f'<option value="{html.escape(who.name)}">{html.escape(who.title)}</option>'
        for who in state.login.principals.values() if who.kind == "user"
    )  # fmt: skip
    return _page(
        "Enter code",
        f'<p role="status">{said}</p><form method="post"><p><input name="code" value="{code}" required autofocus '
        f'aria-label="Code"></p><p><select name="as" aria-label="Account">{people}</select></p>'
        '<button name="act" value="approve">Next</button> <button name="act" value="decline">Cancel</button></form>',
    )


def _page(title: str, body: str) -> Response:
    return HTMLResponse(
        f"<!doctype html><meta charset=utf-8><title>{title}</title>"
        "<style>body{font:16px sans-serif;max-width:26em;margin:4em auto}</style>"
        f"<h1>{title}</h1>{body}"
    )


async def managed_identity(state: State, request: Request) -> Response:
    """Azure ML's (`MSI_ENDPOINT`), App Service's (`IDENTITY_ENDPOINT`) and a job's (`OBO_ENDPOINT`) in one."""
    given = request.headers.get("secret") or request.headers.get("x-identity-header")
    if given != state.login.identity_secret and request.path_params["kind"] != "obo":
        raise ApiError(401, "Unauthorized", "The header of the managed identity is wrong.")
    login = state.login
    resource = request.query_params.get("resource", "")
    who = login.ada if request.path_params["kind"] == "obo" else login.identity
    try:
        answer = login.token_answer(who, f"{resource.rstrip('/')}/.default")
    except LoginError as error:
        return JSONResponse(error.body, error.status)
    expires = str(int(time.time() + login.token_s))
    return JSONResponse(
        {"access_token": answer["access_token"], "expires_on": expires, "resource": resource,
         "token_type": "Bearer", "client_id": who.name}
    )  # fmt: skip


ROUTES = [
    Route("GET", "/metadata/endpoints", metadata, auth=False),
    Route("GET", "/discovery", discovery, auth=False),
    Route("GET", "/discovery/workspaces/{guid}", discovery, auth=False),
    Route("GET", "/{tenant}/v2.0/.well-known/openid-configuration", openid, auth=False),
    Route("POST", "/{tenant}/oauth2/v2.0/devicecode", devicecode, auth=False),
    Route("POST", "/{tenant}/oauth2/v2.0/token", token, auth=False),
    Route("GET", "/{tenant}/oauth2/v2.0/authorize", authorize, auth=False),
    Route("GET", "/devicelogin", device_page, auth=False),
    Route("POST", "/devicelogin", device_page, auth=False),
    Route("GET", "/identity/{kind}/token", managed_identity, auth=False),
]
