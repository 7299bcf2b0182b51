"""Nobody gets in who may not: tokens, cookies, other sites, other hosts, and the authorizer."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

from jupyter_mltrack.journal import Journal
from jupyter_mltrack.server.handler import RouteHandler
from jupyter_mltrack.server.routes import ROUTES

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
RUN = "a" * 32
WORKSPACE = "0123456789ab"


def mounted_paths(serverapp: Any) -> list[str]:
    """Paths of the live route table that are ours, with made-up ids in their fields."""
    found = []
    for rule in serverapp.web_app.wildcard_router.rules + serverapp.web_app.default_router.rules:
        inner = getattr(rule.target, "rules", [rule])
        for one in inner:
            pattern = getattr(one.matcher, "regex", None)
            if pattern is not None and "mltrack" in pattern.pattern:
                path = re.sub(r"\(\?P<run_id>[^)]*\)", RUN, pattern.pattern).rstrip("$")
                found.append(path.partition("mltrack/api/")[2])
    return found


def every_request(serverapp: Any) -> Iterator[tuple[str, str]]:
    paths = mounted_paths(serverapp)
    assert len(set(paths)) == len({route.path for route in ROUTES})
    for path in paths:
        for method in METHODS:
            yield method, path


def fingerprint(*folders: Path) -> dict[str, str]:
    """Hash of every file, so that any change shows.

    But for the two files that SQLite keeps beside a database while it is open, also to read it.
    """
    seen = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.endswith((".db-shm", ".db-wal")):
                seen[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return seen


# ----------------------------------------------------------------------------------- S1


async def test_s1_every_mounted_route_refuses_who_has_no_token(
    api, jp_serverapp, private_place, project
):
    before = fingerprint(private_place, project)
    for method, path in every_request(jp_serverapp):
        for token, headers in (
            (None, {}),
            ("wrong", {}),
            (None, {"Cookie": "username-127-0-0-1-8888=2|1:0|10:1500000000|expired"}),
        ):
            answer = await api(path, method, token=token, headers=headers)
            assert answer.status in (401, 403), (method, path, answer.status)
            if method != "HEAD":
                assert set(answer.json) == {"code", "message", "hint", "retry_after_ms", "at"}
    assert fingerprint(private_place, project) == before


async def test_s1_every_handler_below_our_prefix_is_the_one_that_checks(jp_serverapp):
    handlers = []
    for rule in (
        jp_serverapp.web_app.wildcard_router.rules + jp_serverapp.web_app.default_router.rules
    ):
        for one in getattr(rule.target, "rules", [rule]):
            pattern = getattr(one.matcher, "regex", None)
            if pattern is not None and "mltrack" in pattern.pattern:
                handlers.append(one.target)
    assert handlers
    assert set(handlers) == {RouteHandler}
    for method in METHODS:
        function = getattr(RouteHandler, method.lower())
        assert not getattr(function, "__allow_unauthenticated", False), method


async def test_s1_a_socket_without_a_token_gets_no_nudges(
    jp_serverapp, http_server, http_server_port
):
    with pytest.raises(HTTPClientError) as refused:
        await websocket_connect(f"ws://127.0.0.1:{http_server_port[1]}/a%40b/api/events/subscribe")
    assert refused.value.code in (401, 403)


async def test_a_route_answers_who_has_the_token(api):
    assert (await api("status")).status == 200


# ----------------------------------------------------------------------------------- S2


async def login_cookie(raw: Any, serverapp: Any, host: str = "127.0.0.1:8888") -> str:
    """The cookie that a browser has after a login, without any XSRF pair."""
    token = serverapp.identity_provider.token
    answer = await raw(
        f"GET /a%40b/api/me HTTP/1.1\nHost: {host}\nAuthorization: token {token}\nConnection: close"
    )
    cookies = [value for name, value in answer.headers if name == "set-cookie"]
    (login,) = [value for value in cookies if value.startswith("username-")]
    return login.partition(";")[0]


async def test_s2_a_login_cookie_reads_but_does_not_change_anything_without_xsrf(
    api, raw, jp_serverapp
):
    cookie = {
        "Cookie": await login_cookie(raw, jp_serverapp),
        "Referer": "http://127.0.0.1:8888/lab",
    }
    assert (await api("status", token=None, headers=cookie)).status == 200
    refused = await api("sync", "POST", body={}, token=None, headers=cookie)
    assert refused.status == 403


async def test_s2_a_self_made_xsrf_pair_without_a_login_is_refused(api):
    pair = {"Cookie": "_xsrf=2|aaaa|bbbb|1500000000", "X-XSRFToken": "2|aaaa|bbbb|1500000000"}
    assert (await api("sync", "POST", body={}, token=None, headers=pair)).status in (401, 403)
    plain = {"Cookie": "_xsrf=selfmade", "X-XSRFToken": "selfmade"}
    assert (await api("sync", "POST", body={}, token=None, headers=plain)).status in (401, 403)


async def test_s2_a_self_made_xsrf_pair_of_another_site_does_not_help_a_login(
    api, raw, jp_serverapp
):
    headers = {
        "Cookie": await login_cookie(raw, jp_serverapp) + "; _xsrf=selfmade",
        "X-XSRFToken": "selfmade",
        "Origin": "http://evil.example",
    }
    refused = await api("sync", "POST", body={}, token=None, headers=headers)
    assert refused.status in (403, 404)


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "",
        "application/jsonp",
    ],
)
async def test_s2_a_body_that_a_form_can_send_is_refused(api, media_type):
    answer = await api("sync", "POST", body=b"{}", headers={"Content-Type": media_type})
    assert answer.status == 415
    assert answer.json["code"] == "unsupported_media_type"


async def test_s2_no_get_changes_a_file(api, private_place, project, begin_run, workspace):
    workspace.prepare()
    journal = Journal.create(workspace)
    run_id = begin_run(journal)
    journal.sink(run_id).append({"loss": 0.5}, 1)
    journal.sync()
    asked = []
    for route in ROUTES:
        if route.method == "GET":
            fields = {field.name for field in msgspec.structs.fields(route.request)}
            query = f"?workspace={workspace.id}" if "workspace" in fields else ""
            needs_path = route.path.startswith("runs/{run_id}/artifacts/")
            query += "&path=a.svg" if needs_path else ""
            said = {"name": "a", "version": "1", "id": "a" * 20, "sign_in_id": "a" * 16}
            said |= {"run_ids": run_id, "left": run_id, "right": run_id, "to": "html"}
            query += "".join(f"&{name}={value}" for name, value in said.items() if name in fields)
            query = query.replace("&", "?", 1) if query.startswith("&") else query
            asked.append(route.path.replace("{run_id}", run_id) + query)
    before = fingerprint(private_place / "data", project)
    for _ in range(2):
        for path in [*asked, "workspaces?path=project/a.ipynb"]:
            answer = await api(path)
            # nobody is signed in to Azure here, and the workspace is none of its
            fits = (200, 400, 404, 502) if path.startswith("azure/") else (200, 404)
            assert answer.status in fits, (path, answer.body)
    after = fingerprint(private_place / "data", project)
    journal.close()
    assert after == before


async def test_s2_a_body_over_the_limit_is_refused_before_it_is_read(api):
    answer = await api("sync", "POST", body=b" " * (70 << 10))
    assert answer.status == 413
    huge = await api("sync", "POST", body=b"{}", headers={"Content-Length": str(1 << 40)})
    assert huge.status == 413


# ----------------------------------------------------------------------------------- S3


async def test_s3_no_answer_carries_a_cors_header(api, jp_serverapp):
    origin = {"Origin": "http://evil.example", "Access-Control-Request-Method": "GET"}
    for method, path in every_request(jp_serverapp):
        answer = await api(path, method, headers=origin)
        names = {name for name, _ in answer.headers}
        assert not any(name.startswith("access-control") for name in names), (method, path)
        assert answer.header("x-content-type-options") == "nosniff"
        assert answer.header("cross-origin-resource-policy") == "same-origin"
        assert answer.header("content-type") == "application/json"
        if method == "OPTIONS":
            assert answer.status in (403, 404, 405)


class TestWithAServerThatAllowsEverySite:
    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        headers = {"Access-Control-Allow-Origin": "*"}
        return {
            "ServerApp": {
                "jpserver_extensions": {"jupyter_mltrack": True},
                "allow_origin": "*",
                "allow_credentials": True,
                "tornado_settings": {"headers": headers},
            }
        }

    async def test_s3_there_are_no_cors_headers_either(self, api):
        for path in ("status", "runs", "nothing/here"):
            answer = await api(path, headers={"Origin": "http://evil.example"})
            if path != "nothing/here":
                assert not [name for name, _ in answer.headers if name.startswith("access-control")]


# ----------------------------------------------------------------------------------- S4

EVIL_HOSTS = [
    "rebind.evil.example",
    "10.evil.example",
    "192.168.evil.example",
    "localhost:8888.evil.example",
    "127.0.0.1.evil.example",
    "evil.example:8888",
    "localhost.evil.example",
    "127.0.0.1@evil.example",
    "[::1].evil.example",
    "10.0.0.1",
    "0.0.0.0",
    "localhost:99999",
    "127.0.0.1:",
    "",
]


@pytest.mark.parametrize("host", EVIL_HOSTS)
async def test_s4_another_host_name_is_refused(api, host):
    assert is_refused(await api("status", headers={"Host": host}))


def is_refused(answer: Any) -> bool:
    """403 from us, or an empty 400 from the web server itself, which no handler ever saw."""
    return answer.status == 403 or (answer.status == 400 and not answer.body)


async def test_s4_two_host_lines_are_refused(raw, jp_serverapp):
    token = jp_serverapp.identity_provider.token
    for first, second in (
        ("127.0.0.1", "evil.example"),
        ("evil.example", "127.0.0.1"),
        ("localhost", "localhost"),
    ):
        answer = await raw(
            "GET /a%40b/mltrack/api/status HTTP/1.1\n"
            f"Host: {first}\nHost: {second}\nConnection: close\nAuthorization: token {token}"
        )
        assert is_refused(answer)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8888", "127.3.2.1", "localhost", "LOCALHOST:80", "[::1]:8888"]
)
async def test_s4_loopback_and_localhost_are_let_in(api, host):
    assert (await api("status", headers={"Host": host})).status == 200


class TestWithAConfiguredHost:
    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        return {
            "ServerApp": {
                "jpserver_extensions": {"jupyter_mltrack": True},
                "local_hostnames": ["localhost", "hub.example.org"],
            }
        }

    async def test_s4_the_configured_name_is_let_in_and_its_neighbours_are_not(self, api):
        assert (await api("status", headers={"Host": "hub.example.org:443"})).status == 200
        for host in ("hub.example.org.evil.example", "xhub.example.org", "evil.example"):
            assert (await api("status", headers={"Host": host})).status == 403


class TestWithRemoteAccess:
    @pytest.fixture
    def jp_server_config(self) -> dict[str, Any]:
        return {
            "ServerApp": {
                "jpserver_extensions": {"jupyter_mltrack": True},
                "allow_remote_access": True,
            }
        }

    async def test_s4_any_well_formed_host_is_let_in_and_no_other(self, api):
        assert (await api("status", headers={"Host": "team.example.org"})).status == 200
        for host in ("", "a b", "team.example.org, evil.example", "127.0.0.1@evil.example"):
            assert is_refused(await api("status", headers={"Host": host}))


# ----------------------------------------------------------------------------------- S5


async def test_s5_a_socket_from_another_origin_gets_no_nudges(raw, jp_serverapp, http_server_port):
    from tornado.httpclient import HTTPRequest

    place = f"127.0.0.1:{http_server_port[1]}"
    url = f"ws://127.0.0.1:{http_server_port[1]}/a%40b/api/events/subscribe"
    cookie = await login_cookie(raw, jp_serverapp, place)
    own = await websocket_connect(
        HTTPRequest(url, headers={"Cookie": cookie, "Origin": f"http://{place}"})
    )
    own.close()
    headers = {"Cookie": cookie, "Origin": "http://evil.example"}
    with pytest.raises(HTTPClientError) as refused:
        await websocket_connect(HTTPRequest(url, headers=headers))
    assert refused.value.code == 403


# ----------------------------------------------------------------------------------- S6


class Refusing(Authorizer):
    """Says no to one action; remembers what it was asked."""

    refused = "write"

    def is_authorized(self, handler, user, action, resource):
        if resource != "mltrack":
            return True
        return action != self.refused


@pytest.mark.parametrize("refused", ["read", "write", "execute"])
async def test_s6_each_route_asks_the_authorizer_for_its_action(
    api, jp_serverapp, refused, monkeypatch, workspace, journal, begin_run
):
    begin_run(journal, run_id=RUN)
    authorizer = Refusing()
    authorizer.refused = refused
    monkeypatch.setitem(jp_serverapp.web_app.settings, "authorizer", authorizer)
    for route in ROUTES:
        path = route.path.replace("{run_id}", RUN)
        if route.method == "GET":
            answer = await api(f"{path}?workspace={workspace.id}")
        else:
            answer = await api(path, "POST", body={"workspace_id": "f" * 12})
        if route.action == refused:
            assert answer.status == 403, path
        else:
            assert answer.status != 403, (path, answer.body)
    for method in ("PUT", "PATCH", "DELETE"):
        answer = await api("status", method)
        assert answer.status == (403 if refused == "write" else 405)


def test_s6_only_a_read_is_a_get():
    assert {route.action for route in ROUTES if route.method == "GET"} == {"read"}
    assert {route.action for route in ROUTES if route.method != "GET"} <= {"write", "execute"}


def test_the_server_that_the_tests_use_listens_on_loopback_only(jp_serverapp):
    assert jp_serverapp.ip in ("localhost", "127.0.0.1")
    assert os.environ["MLTRACK_DATA_DIR"]
