"""Faults, roles and the record of the emulator, seen by a plain client and by azure-core's pipeline."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import requests

from tests.emulators.azure.handle import Azure, Scope


def _ask(azure: Azure, path: str, method: str = "GET", **more: Any) -> requests.Response:
    token = more.pop("token", None) or azure.token()
    return requests.request(
        method,
        azure.origin + path,
        headers={"Authorization": f"Bearer {token}"},
        timeout=60,
        **more,
    )


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("unauthorized", 401, "InvalidAuthenticationToken"),
        ("challenge", 401, "TokenIssuedBeforeRevocationTimestamp"),
        ("forbidden", 403, "AuthorizationFailed"),
        ("conflict", 409, "Conflict"),
        ("throttled", 429, "TooManyRequests"),
        ("error", 500, "InternalServerError"),
    ],
)
def test_a_fault_strikes_as_often_as_said_and_is_over(
    azure: Azure, scope: Scope, kind: Any, status: int, code: str
) -> None:
    fault = azure.faults.add(kind, "GET", "{S}", times=2, after=1)
    answers = [_ask(azure, scope.arm_id) for _ in range(4)]
    assert [one.status_code for one in answers] == [200, status, status, 200]
    assert answers[1].json()["error"]["code"] == code
    assert (kind == "throttled") == ("Retry-After" in answers[1].headers)
    assert fault.hits == 2


@pytest.mark.parametrize("kind", ["refused", "lost", "cut"])
def test_a_connection_that_ends_may_leave_the_work_done(
    azure: Azure, scope: Scope, kind: Any
) -> None:
    azure.faults.add(kind, "PATCH", "{S}")
    body = {"tags": {"by": kind}}
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        _ask(azure, scope.arm_id, "PATCH", json=body)
    done = _ask(azure, scope.arm_id).json()["tags"]
    assert done == ({} if kind == "refused" else {"by": kind})


def test_a_request_hangs_until_the_client_has_enough(azure: Azure, scope: Scope) -> None:
    azure.faults.add("hang", "GET", "*/workspaces/*")
    headers = {"Authorization": f"Bearer {azure.token()}"}
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(azure.origin + scope.arm_id, headers=headers, timeout=(60, 0.3))
    assert _ask(azure, scope.arm_id).status_code == 200


def test_a_slow_answer_and_a_far_network_take_their_time(azure: Azure, scope: Scope) -> None:
    azure.faults.add("slow", seconds=0.2)
    azure.switches.delay_s = 0.1
    began = time.monotonic()
    assert _ask(azure, scope.arm_id).status_code == 200
    assert time.monotonic() - began >= 0.3


def test_a_claims_challenge_makes_the_pipeline_ask_for_a_new_token(
    azure: Azure, scope: Scope
) -> None:
    from azure.core import PipelineClient
    from azure.core.credentials import AccessToken
    from azure.core.pipeline.policies import BearerTokenCredentialPolicy
    from azure.core.rest import HttpRequest

    claimed: list[str | None] = []

    class Credential:
        def get_token(self, *_scopes: str, claims: str | None = None, **_more: Any) -> AccessToken:
            claimed.append(claims)
            return AccessToken(azure.token(), int(time.time()) + 3600)

    policy = BearerTokenCredentialPolicy(Credential(), f"{azure.origin}/.default")
    client = PipelineClient(azure.origin, policies=[policy])
    azure.faults.add("challenge", "GET", "{S}")
    assert client.send_request(HttpRequest("GET", azure.origin + scope.arm_id)).status_code == 200
    assert [bool(claims) for claims in claimed] == [False, True]


def test_who_only_reads_is_told_which_role_is_missing(azure: Azure, scope: Scope) -> None:
    token = azure.login.mint(azure.login.reader, azure.origin)
    assert _ask(azure, scope.arm_id, token=token).status_code == 200
    refused = _ask(azure, f"{scope.arm_id}/computes/c/start", "POST", token=token)
    said = refused.json()["error"]
    assert (refused.status_code, said["code"]) == (403, "AuthorizationFailed")
    assert (
        "action 'Microsoft.MachineLearningServices/workspaces/computes/start/action' over scope "
        f"'{scope.arm_id}/computes/c/start'" in said["message"]
    )


def test_tokens_end_by_time_by_expiry_and_by_revocation(azure: Azure, scope: Scope) -> None:
    def code(token: str) -> Any:
        answer = _ask(azure, scope.arm_id, token=token)
        return answer.status_code == 200 or answer.json()["error"]["code"]

    assert code(azure.token(-1)) == "ExpiredAuthenticationToken"
    old = azure.token()
    azure.login.expire()
    assert (code(old), code(azure.token())) == ("ExpiredAuthenticationToken", True)
    late = azure.token()
    azure.login.revoke(azure.login.service)
    assert (code(late), code(azure.token())) == ("InvalidAuthenticationToken", True)
    assert code(azure.token() + "x") == "InvalidAuthenticationToken"


def test_each_request_is_recorded_with_its_route_and_body(azure: Azure, scope: Scope) -> None:
    mark = azure.requests.mark()
    upper = scope.arm_id.replace("resourceGroups", "RESOURCEGROUPS")
    _ask(azure, upper, "PATCH", json={"tags": {"a": "b"}}, params={"api-version": "1"})
    _ask(azure, f"{scope.arm_id}/no/such/thing/here")
    _ask(azure, "/mlflow-of-somebody-else")
    assert azure.requests.lines(mark) == [
        "PATCH {S} -> 200",
        f"GET {scope.arm_id}/no/such/thing/here -> 404",
        "GET /mlflow-of-somebody-else -> 404",
    ]
    (one,) = azure.requests.of("PATCH", "{S}", mark)
    assert (one.body, one.query, one.principal) == (
        {"tags": {"a": "b"}}, {"api-version": "1"}, azure.login.service.name,
    )  # fmt: skip
    assert len(azure.unknown(mark)) == 2
    azure.reset()  # these two were meant
    lines = (azure.state.place / "requests.jsonl").read_text().splitlines()
    assert json.loads(lines[-3])["body"] == {"tags": {"a": "b"}}
    assert "authorization" not in json.loads(lines[-3])["headers"]


def test_a_resource_group_goes_with_all_that_is_in_it(azure: Azure) -> None:
    sub = azure.scope.subscription_id
    group = f"/subscriptions/{sub}/resourceGroups/passing"
    assert _ask(azure, group, "PUT", json={"location": "eastus"}).status_code == 201
    path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/inside"
    assert _ask(azure, path, "PUT", json={"location": "eastus"}).status_code == 201
    inside = [one["name"] for one in _ask(azure, f"{group}/resources").json()["value"]]
    assert inside[0] == "inside"
    assert len(inside) == 4
    assert _ask(azure, group, "DELETE").status_code == 202
    assert _ask(azure, path).status_code == 404
    assert _ask(azure, group).json()["error"]["code"] == "ResourceGroupNotFound"


def test_long_lists_come_in_pages(azure: Azure, scope: Scope) -> None:
    from tests.emulators.azure import computes

    for number in range(250):
        computes.add(
            azure.state, azure.workspace(scope), f"c{number:03d}", vmSize="Standard_DS3_v2"
        )
    found, url = [], f"{azure.origin}{scope.arm_id}/computes"
    while url:
        page = _ask(azure, url.removeprefix(azure.origin)).json()
        found += [one["name"] for one in page["value"]]
        url = page.get("nextLink", "")
    assert found == [f"c{number:03d}" for number in range(250)]
