"""The emulator signs Azure's own clients in as Azure does."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests

from tests.emulators.azure.handle import Azure


def _device(azure: Azure, **more: Any) -> Any:
    from azure.identity import DeviceCodeCredential

    return DeviceCodeCredential(
        tenant_id=azure.login.tenant, client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        authority=azure.origin, disable_instance_discovery=True,
        prompt_callback=more.pop("prompt", lambda *_: None), **more,
    )  # fmt: skip


def _secret(azure: Azure, secret: str = "") -> Any:
    from azure.identity import ClientSecretCredential

    service = azure.login.service
    return ClientSecretCredential(
        azure.login.tenant, service.name, secret or service.secret, authority=azure.origin,
        disable_instance_discovery=True,
    )  # fmt: skip


def _asks(azure: Azure, token: str) -> requests.Response:
    return requests.get(
        f"{azure.origin}/subscriptions", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )


def test_a_service_principal_signs_in_and_a_wrong_secret_does_not(azure: Azure) -> None:
    from azure.core.exceptions import ClientAuthenticationError

    token = _secret(azure).get_token(f"{azure.origin}/.default").token
    assert _asks(azure, token).status_code == 200
    with pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        _secret(azure, "wrong").get_token(f"{azure.origin}/.default")


def test_a_device_code_waits_until_it_is_entered_and_refreshes_silently(azure: Azure) -> None:
    told: list[tuple[str, str]] = []
    entered = threading.Thread(
        target=lambda: azure.login.approve(azure.login.wait_for_code()), daemon=True
    )
    entered.start()
    credential = _device(azure, prompt=lambda uri, code, _expires: told.append((uri, code)))
    azure.login.token_s = 60
    first = credential.get_token(f"{azure.origin}/.default").token
    entered.join(5)
    assert [uri for uri, _code in told] == [f"{azure.origin}/devicelogin"]
    assert _asks(azure, first).status_code == 200
    azure.login.token_s = 3600
    second = credential.get_token(f"{azure.origin}/.default").token
    assert second != first
    assert len(told) == 1


def test_a_revoked_sign_in_has_to_be_done_again(azure: Azure) -> None:
    from azure.identity import AuthenticationRequiredError

    azure.login.approve_as = azure.login.ada
    credential = _device(azure, disable_automatic_authentication=True)
    with pytest.raises(AuthenticationRequiredError):
        credential.get_token(f"{azure.origin}/.default")
    azure.login.token_s = 60
    credential.authenticate(scopes=[f"{azure.origin}/.default"])
    token = credential.get_token(f"{azure.origin}/.default").token
    assert _asks(azure, token).status_code == 200
    azure.login.revoke(azure.login.ada)
    assert _asks(azure, token).json()["error"]["code"] == "InvalidAuthenticationToken"
    with pytest.raises(AuthenticationRequiredError):
        credential.get_token(f"{azure.origin}/.default")


def test_the_page_for_codes_approves_and_declines(azure: Azure) -> None:
    def begun() -> dict[str, Any]:
        answer = requests.post(
            f"{azure.origin}/{azure.login.tenant}/oauth2/v2.0/devicecode",
            data={"client_id": "c", "scope": f"{azure.origin}/.default"}, timeout=60,
        )  # fmt: skip
        return dict(answer.json())

    def asked(flow: dict[str, Any]) -> Any:
        sent = {"grant_type": "device_code", "client_id": "c", "device_code": flow["device_code"]}
        url = f"{azure.origin}/{azure.login.tenant}/oauth2/v2.0/token"
        return requests.post(url, data=sent, timeout=60).json()

    flow, other = begun(), begun()
    assert asked(flow)["error"] == "authorization_pending"
    page = f"{azure.origin}/devicelogin"
    said = {"code": flow["user_code"].lower(), "as": "ada@example.org", "act": "approve"}
    assert "You have signed in" in requests.post(page, data=said, timeout=60).text
    assert asked(flow)["token_type"] == "Bearer"
    assert asked(flow)["error"] == "bad_verification_code"
    requests.post(page, data={"code": other["user_code"], "act": "decline"}, timeout=60)
    assert asked(other)["error"] == "authorization_declined"


def test_compute_signs_in_by_its_identity(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.identity import ManagedIdentityCredential

    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name)
    for name, value in azure.managed_identity.items():
        monkeypatch.setenv(name, value)
    token = ManagedIdentityCredential().get_token(f"{azure.origin}/.default").token
    assert _asks(azure, token).status_code == 200


def test_a_token_for_another_service_is_refused(azure: Azure) -> None:
    token = azure.login.mint(azure.login.service, "https://graph.microsoft.com")
    answer = _asks(azure, token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        401, "InvalidAuthenticationTokenAudience",
    )  # fmt: skip
