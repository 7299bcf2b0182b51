"""Connect to Azure ML: find the workspace, sign in by each way, keep the sign-in, errors that help."""

from __future__ import annotations

import json
import logging
import os
import pickle
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jupyter_mltrack import workspaces
from jupyter_mltrack.azure import accounts, clouds, keeper_line, known, seeing, signing_in
from jupyter_mltrack.azure.arm import Arm
from jupyter_mltrack.azure.credentials import Credential, credential
from jupyter_mltrack.azure.data_plane import DataPlane
from jupyter_mltrack.azure.errors import AzureError, Denied, Missing, SignedOut, Unreachable
from jupyter_mltrack.azure.line import Line
from jupyter_mltrack.azure.scope import find_config
from jupyter_mltrack.errors import MltrackError, UsageError
from jupyter_mltrack.verbs.door import answer
from tests.azure.persons import sign_in

WAIT_S = 15


# ------------------------------------------------------------------------ which workspace


def test_the_file_that_names_a_workspace_is_found_as_the_sdk_finds_it(tmp_path, there):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".azureml").mkdir()
    keys = {
        "subscription_id": there.subscription_id,
        "resource_group": there.resource_group,
        "workspace_name": "far",
    }
    (tmp_path / ".azureml" / "config.json").write_text(json.dumps(keys))
    (inner / "config.json").write_text('{"model_type": "bert"}')
    assert find_config(inner).workspace_name == "far"
    (inner / "config.json").write_text(json.dumps(keys | {"workspace_name": "near"}))
    assert find_config(inner).workspace_name == "far", "the folder .azureml comes before nearness"
    (tmp_path / ".azureml" / "config.json").write_text('{"subscription_id": "1"}')
    with pytest.raises(UsageError, match="lacks resource_group and workspace_name"):
        find_config(inner)
    (tmp_path / ".azureml" / "config.json").write_text(json.dumps({"Scope": there.arm_id}))
    assert find_config(inner) == there


def test_every_spelling_of_a_workspace_is_the_same_workspace(azure, there, monkeypatch):
    known.facts_of(there)
    spellings = [
        f"azureml:{there.arm_id}",
        there.arm_id,
        there.arm_id.replace("resourceGroups", "resourcegroups"),
        azure.tracking_uri(there),
        f"azureml:{there.workspace_name}",
    ]
    found = [workspaces.resolve(one) for one in spellings]
    assert {one.id for one in found} == {workspaces.resolve(there.arm_id).id}
    assert {(one.kind, one.tracking_uri) for one in found} == {
        ("azureml", azure.tracking_uri(there))
    }
    monkeypatch.setenv("AZUREML_ARM_SUBSCRIPTION", there.subscription_id)
    monkeypatch.setenv("AZUREML_ARM_RESOURCEGROUP", there.resource_group)
    monkeypatch.setenv("AZUREML_ARM_WORKSPACE_NAME", there.workspace_name)
    assert workspaces.resolve("azureml").id == found[0].id
    assert f"/runs/abc?wsid={there.arm_id}" in str(found[0].run_link("abc", "1"))


def test_resolving_a_workspace_asks_nobody(azure, there):
    mark = azure.requests.mark()
    unknown = workspaces.resolve(f"azureml:{there.arm_id}")
    assert unknown.tracking_uri == f"azureml:{there.arm_id}"
    assert azure.requests.since(mark) == []
    assert workspaces.located(unknown).tracking_uri == azure.tracking_uri(there)
    mark = azure.requests.mark()
    assert workspaces.resolve(f"azureml:{there.arm_id}").tracking_uri == azure.tracking_uri(there)
    assert azure.requests.since(mark) == []


def test_a_name_that_the_account_sees_is_chosen_and_kept_for_the_project(
    azure, there, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert there.workspace_name in answer("use azureml --list").plain
    shown = answer(f"use azureml --workspace {there.workspace_name} --save team").plain
    assert f"resource group {there.resource_group}" in shown
    assert azure.login.service.name in shown
    assert f'team = "azureml:{there.arm_id}"' in (tmp_path / "mltrack.toml").read_text()
    assert workspaces.resolve("team").scope == there
    with pytest.raises(MltrackError, match="sees no Azure ML workspace called nowhere"):
        answer("use azureml:nowhere")


def test_the_clouds_that_are_built_in_are_never_asked_about_themselves(azure, monkeypatch):
    mark = azure.requests.mark()
    for name, manager in (
        ("AzureCloud", "https://management.azure.com"),
        ("AzureChinaCloud", "https://management.chinacloudapi.cn"),
        ("AzureUSGovernment", "https://management.usgovcloudapi.net"),
    ):
        monkeypatch.setenv("AZUREML_CURRENT_CLOUD", name)
        assert clouds.current().resource_manager == manager
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "Nowhere")
    monkeypatch.delenv("ARM_CLOUD_METADATA_URL")
    with pytest.raises(UsageError, match="Nowhere"):
        clouds.current()
    assert azure.requests.since(mark) == []


# -------------------------------------------------------------------------------- sign in


def test_a_sign_in_with_a_code_serves_every_process_and_ends_with_a_sign_out(
    azure, there, signed_out, private_place
):
    with pytest.raises(SignedOut) as caught:
        credential(there).get_token()
    assert dict(caught.value.tried)["managed identity"] == "not a machine of Azure"
    sign_in(azure, there)
    assert known.facts_of(there).tenant == azure.login.tenant
    script = (
        "from jupyter_mltrack.azure.credentials import credential\n"
        "c = credential(); c.get_token(); print(c.account_name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=150, check=True
    )
    assert done.stdout.strip() == "ada@example.org"
    assert "ada@example.org" in answer("login").plain
    assert "ended" in answer("logout").plain
    assert accounts.all_of() == []
    with pytest.raises(SignedOut):
        credential(there).get_token()


def test_a_code_can_be_cancelled_and_one_that_expires_says_so(azure, signed_out):
    first = signing_in.begin("device_code")
    assert (first.state, first.link) == ("waiting", f"{azure.origin}/devicelogin")
    assert signing_in.now() == first
    assert signing_in.cancel(first.id).state == "cancelled"
    assert signing_in.now() is None
    second = signing_in.begin("device_code")
    azure.login.expire_code(second.code)
    found, changes = second, 0
    while found.state == "waiting":
        found, changes = signing_in.look(second.id, wait_s=WAIT_S, seen=changes)
    assert (found.state, found.message) == (
        "expired",
        "The code has expired before it was entered.",
    )
    assert accounts.all_of() == []


def test_a_revoked_sign_in_says_who_must_sign_in_again(azure, there, signed_out):
    azure.login.token_s = 2
    sign_in(azure, there)
    azure.login.revoke(azure.login.ada)
    credential(there).forget()
    time.sleep(2)
    with pytest.raises(SignedOut, match="has ended or was revoked") as caught:
        credential(there).get_token()
    assert "%mltrack login" in caught.value.hint


def test_tokens_of_seconds_are_renewed_ahead_of_their_end_and_asked_for_once(azure, there):
    azure.login.token_s = 3
    found = Credential(clouds.current())
    mark = azure.requests.mark()
    began_s = time.monotonic()
    while time.monotonic() < began_s + 4:
        threads = [threading.Thread(target=found.get_token) for _ in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        asked_at = time.time()
        assert found.get_token().expires_on > asked_at
        time.sleep(0.2)
    took_s = time.monotonic() - began_s
    asked = azure.requests.of("POST", "/{tenant}/oauth2/v2.0/token", mark)
    assert 2 <= len(asked) <= 1 + took_s  # of hundreds of questions


def test_managed_identity_and_a_pinned_way_need_no_keeper(azure, signed_out, monkeypatch):
    for name, value in azure.managed_identity.items():
        monkeypatch.setenv(name, value)
    credential().forget()
    report = signing_in.who()
    assert (report.account.way, report.account.name) == (
        "managed identity",
        azure.login.identity.name,
    )
    assert "managed identity" in answer("login --managed-identity").plain
    assert keeper_line.hello() is None
    assert "managed identity" in answer("logout").plain


# --------------------------------------------------------------------------------- errors


def test_a_refusal_names_operation_scope_role_and_request(azure, there):
    arm = Arm(clouds.current(), credential(there))
    with pytest.raises(Missing, match="could not read compute nope in workspace"):
        arm.get(f"{there.arm_id}/computes/nope", "2024-10-01")
    azure.deny("*/workspaces/read")
    with pytest.raises(Denied, match="lacks the right") as caught:
        arm.get(there.arm_id, "2024-10-01")
    assert 'the role "AzureML Data Scientist" on /subscriptions/' in caught.value.hint
    assert caught.value.refusal.service_code == "AuthorizationFailed"


def test_trouble_of_the_service_is_waited_for_and_then_told(azure, there):
    arm = Arm(clouds.current(), credential(there))
    azure.faults.add("throttled", "GET", "{S}", times=1)
    azure.faults.add("error", "GET", "{S}", times=1)
    assert arm.get(there.arm_id, "2024-10-01")["name"] == there.workspace_name
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(Unreachable, match="connection refused"):
        Line(lambda _: True).send("GET", f"https://127.0.0.1:{port}/", timeout_s=3)


def test_workspaces_are_seen_although_one_subscription_refuses(azure, there):
    seen = seeing.workspaces_seen()
    assert f"azureml:{there.arm_id}" in {one.spec for one in seen.workspaces}
    assert seen.account.name == azure.login.service.name


# -------------------------------------------------------------------------------- threats


class Listener:
    """A server on loopback that counts who comes, and with what."""

    def __init__(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        hits: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hits.append(self.headers.get("Authorization") or "")
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            do_POST = do_PUT = do_GET

            def log_message(self, *_: object) -> None:
                """Stay quiet."""

        self.hits = hits
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_s30_a_token_goes_only_to_hosts_of_its_cloud_and_only_over_tls(azure, there, listener):
    facts = known.facts_of(there)
    import msgspec

    for host in (listener.host, "evil.example", f"{azure.host}.evil.example"):
        forged = msgspec.structs.replace(facts, tracking_host=host)
        with pytest.raises(AzureError, match="gets no token"):
            DataPlane(forged, credential(there)).get("/history/v1.0{S}")
    cloud = clouds.current()
    assert not cloud.trusts(f"http://{azure.host}/")
    assert not cloud.trusts(f"https://{azure.host}@{listener.host}/")
    public = clouds.BUILT_IN["AzureCloud"]
    assert public.trusts("https://westeurope.api.azureml.ms/mlflow")
    for evil in (
        "https://evil.example/azureml",
        "https://westeurope.api.azureml.ms.evil.example/",
        "https://ep.westeurope.inference.ml.azure.com/score",
        "https://mine.westeurope.instances.azureml.ms/",
        "https://management.azure.com:8443/",
        "http://management.azure.com/",
    ):
        assert not public.trusts(evil), evil
    assert listener.hits == []


def test_s30_a_workspace_that_names_a_foreign_host_gets_no_token(azure, there, listener):
    properties = azure.workspace(there).resource["properties"]
    properties["mlFlowTrackingUri"] = f"azureml://{listener.host}/mlflow/v1.0{there.arm_id}"
    with pytest.raises(AzureError, match="gets no token"):
        known.facts_of(there)
    assert listener.hits == []
    assert known.known(there) is None


def test_s08_a_redirect_is_refused_and_names_only_the_host(azure, there, listener):
    moved = Listener(302, {"Location": f"http://u:p@{listener.host}/secret?sig=1"})
    try:
        with pytest.raises(AzureError) as caught:
            Line(lambda _: True).send("GET", f"http://{moved.host}/", timeout_s=5)
    finally:
        moved.server.shutdown()
        moved.server.server_close()
    assert f"sends to {listener.host} instead" in caught.value.message
    assert "secret" not in str(caught.value)
    assert listener.hits == []


def test_s09_an_answer_beyond_its_bounds_becomes_an_error_in_time(azure, monkeypatch):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(4)

        def trickle() -> None:
            for body in (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"):
                connection, _ = server.accept()
                connection.recv(4096)
                connection.sendall(body)
                try:
                    for _ in range(40):
                        connection.sendall(b"x" * 400_000 if body else b"")
                        time.sleep(0.01)
                except OSError:
                    pass
                connection.close()

        threading.Thread(target=trickle, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        began_s = time.monotonic()
        with pytest.raises(AzureError, match="more than anything"):
            Line(lambda _: True).send("GET", url, timeout_s=10)
        with pytest.raises(Unreachable):
            Line(lambda _: True).send("GET", url, timeout_s=0.1)
        assert time.monotonic() - began_s < 60
    deep = b"[" * 100_000
    from jupyter_mltrack.azure.line import Answer

    with pytest.raises(AzureError, match="not Azure's"):
        Answer(200, {}, deep, "h").json()


def test_s28_no_token_is_shown_logged_written_or_pickled(
    azure, there, signed_out, caplog, private_place, monkeypatch
):
    caplog.set_level(logging.DEBUG)
    sign_in(azure, there)
    found = credential(there)
    token = found.get_token().token
    refresh = list(azure.login.refresh_tokens)[-1]
    known.facts_of(there)
    azure.deny("*/workspaces/read")
    with pytest.raises(Denied) as caught:
        Arm(clouds.current(), found).get(there.arm_id, "2024-10-01")
    with pytest.raises(TypeError):
        pickle.dumps(found)
    from jupyter_mltrack.tracking.redaction import redact

    assert token not in redact(f"print({token})")
    texts = [repr(found), str(found), repr(caught.value), repr(caught.value.refusal)]
    texts += [repr(Arm(clouds.current(), found)), caplog.text, redact(token)]
    files = [p for p in private_place.rglob("*") if p.is_file()]
    texts += [p.read_bytes().decode("latin-1") for p in files]
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            texts.append(one.read_bytes().decode("latin-1"))
        except OSError:
            continue
    for secret in (token, refresh):
        assert not any(secret in text for text in texts)
    assert [row for row in azure.requests if token in row.path or token in str(row.query)] == []


def test_s29_without_a_key_ring_a_sign_in_stays_in_memory_and_says_so(
    azure, there, signed_out, private_place, monkeypatch, tmp_path
):
    monkeypatch.setenv("HOME", str(tmp_path))
    sign_in(azure, there)
    assert signing_in.who().account.kept == "memory"
    assert "kept in memory until this machine starts anew" in answer("login").plain
    assert not (tmp_path / ".IdentityService").exists()
    folder = keeper_line.folder()
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {
        path.name: "0o600" for path in folder.iterdir()
    }
    keeper_line.call({"op": "quit"})
    until_s = time.monotonic() + 60
    while keeper_line.hello() is not None and time.monotonic() < until_s:
        time.sleep(0.05)
    credential(there).forget()
    with pytest.raises(SignedOut, match="kept in memory only and is gone"):
        credential(there).get_token()


def test_s21_the_keeper_of_sign_ins_may_not_be_looked_into(azure, signed_out):
    keeper_line.ensure()
    pid = int(keeper_line.hello()["pid"])
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)
    assert b"AZURE_CLIENT_SECRET" not in (
        Path(f"/proc/{pid}/environ").read_bytes() if os.geteuid() == 0 else b""
    )
    with pytest.raises(UsageError):
        keeper_line.call({"op": "tokens"})


def test_s07_the_list_takes_an_azure_workspace_by_its_id_only_never_a_host(
    azure, there, tmp_path, listener
):
    from jupyter_mltrack.server.user_list import Added, from_kept, from_spec

    known.facts_of(there)
    found, kept = from_spec(f"azureml:{there.arm_id}", "", tmp_path)
    assert (kept, found.tracking_uri) == (f"azureml:{there.arm_id}", azure.tracking_uri(there))
    assert from_kept(Added(found.id, kept), tmp_path) == found
    for forged in (
        f"azureml://{listener.host}/mlflow/v2.0{there.arm_id}",
        f"azureml:{there.arm_id}/../../evil",
        f"azureml:{there.arm_id}?tracking_uri=http://{listener.host}",
        "azureml:/subscriptions/x",
        "azureml:name",
    ):
        with pytest.raises(UsageError):
            from_spec(forged, "", tmp_path)
    assert listener.hits == []
