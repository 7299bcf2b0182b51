"""Sign in and choose as a person does it: in a terminal, in a cell, in a browser, with a key ring."""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from jupyter_mltrack.azure import accounts, clouds, keeper_line, known, signing_in
from jupyter_mltrack.azure.arm import Arm
from jupyter_mltrack.azure.credentials import Credential, credential
from jupyter_mltrack.azure.data_plane import DataPlane
from jupyter_mltrack.azure.errors import SignedOut
from jupyter_mltrack.azure.scope import Scope
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.verbs.door import answer
from tests.azure.persons import sign_in
from tests.emulators.azure.handle import Azure
from tests.notebook.conftest import Kernel

WAIT_S = 150
SEARCH = "/mlflow/{version}{S}/api/2.0/mlflow/experiments/search"


class Terminal:
    """`jupyter mltrack WORDS` in a terminal of its own."""

    def __init__(self, words: str, **environment: str) -> None:
        self._process = pexpect.spawn(
            sys.executable, ["-m", "jupyter_mltrack.cli", *words.split()],
            env={**os.environ, **environment, "COLUMNS": "200"}, dimensions=(50, 200),
            encoding="utf-8", timeout=WAIT_S,
        )  # fmt: skip

    def asks(self, words: str) -> str:
        """Wait for a question; what was shown before it."""
        self._process.expect(words)
        return str(self._process.before)

    def type(self, text: str) -> None:
        self._process.sendline(text)

    def end(self) -> tuple[int, str]:
        """Its exit code, and what it showed since the last question."""
        self._process.expect(pexpect.EOF)
        shown = str(self._process.before)
        self._process.close()
        return int(self._process.exitstatus or 0), shown


def program(path: Path, text: str) -> Path:
    """A program that the person has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def ask_mlflow(there: Scope, signed_in: Credential) -> Any:
    plane = DataPlane(known.facts_of(there), signed_in)
    path = f"{known.facts_of(there).tracking_path}/api/2.0/mlflow/experiments/search"
    return plane.post(path, {"max_results": 1}, operation="list experiments")


# ------------------------------------------------------------------------ which workspace


def test_of_several_workspaces_one_is_picked_in_a_terminal_and_in_a_cell(
    azure: Azure, there: Scope, private_place: Path
) -> None:
    other = azure.fresh_workspace()
    terminal = Terminal("use azureml")
    shown = terminal.asks(r"Which one\? \[1-\d+\] ")
    assert f"  {there.workspace_name}  (" in shown
    numbers = {line.split()[1]: line.split()[0] for line in shown.splitlines() if "  (" in line}
    terminal.type(numbers[other.workspace_name])
    code, shown = terminal.end()
    assert (code, f"▸ {other.workspace_name}" in shown or other.workspace_name in shown) == (
        0,
        True,
    )
    terminal = Terminal("use azureml")
    terminal.asks("Which one")
    terminal.type("0")
    code, shown = terminal.end()
    assert code == 2
    assert "No workspace was picked; nothing was changed." in shown
    kernel = Kernel(private_place / "work")
    try:
        kernel.run("%load_ext jupyter_mltrack")
        shown: list[Any] = []
        kernel.client.execute_interactive(
            "%mltrack use azureml",
            allow_stdin=True,
            stdin_hook=lambda _: kernel.client.input(numbers[there.workspace_name]),
            output_hook=lambda message: shown.append(message["content"]),
            timeout=WAIT_S,
        )
        assert any(there.workspace_name in str(one.get("data")) for one in shown), shown
        refused = kernel.run("%mltrack use azureml")  # a front end that passes no question on
        assert refused.traceback[0].startswith("The account sees")
    finally:
        kernel.close()
    with pytest.raises(UsageError, match=r"The account sees \d+ Azure ML workspaces: .*ws-") as no:
        answer("use azureml")
    assert no.value.hint == "Name one: use azureml:NAME"


def test_a_service_that_is_slow_at_first_is_waited_for_once(azure: Azure, there: Scope) -> None:
    azure.faults.add("slow", "POST", SEARCH, seconds=4.0)
    assert "unreachable" not in answer(f"use azureml:{there.arm_id}").plain


# -------------------------------------------------------------------------------- sign in


def test_a_person_signs_in_with_a_browser_from_a_terminal(
    azure: Azure, there: Scope, signed_out: None, tmp_path: Path
) -> None:
    azure.login.approve_as = azure.login.ada
    opener = program(
        tmp_path / "bin" / "opener",
        "import os, sys, requests\n"  # a browser: it follows where it is sent
        "if os.fork(): os._exit(0)\n"
        "page = requests.get(sys.argv[1])\n"
        "if '<form method=\"post\"' in page.text:\n"
        "    import re\n"
        '    fields = dict(re.findall(r\'name="(\\w+)" value="([^"]*)"\', page.text))\n'
        '    page = requests.post(re.search(r\'action="([^"]*)"\', page.text)[1], data=fields)\n',
    )
    terminal = Terminal(f"login {there.arm_id} --browser", BROWSER=f"{opener} %s")
    code, shown = terminal.end()
    assert code == 0, shown
    assert "signed in as ada@example.org" in shown
    assert signing_in.who().account.name == "ada@example.org"


def test_a_person_signs_in_with_a_code_and_a_service_principal_in_a_terminal(
    azure: Azure, there: Scope, signed_out: None
) -> None:
    terminal = Terminal(f"login {there.arm_id} --device-code")
    shown = terminal.asks("enter the code [A-Z0-9]{9} ")
    assert f"Open {azure.origin}/devicelogin" in shown
    azure.login.approve()
    code, shown = terminal.end()
    assert code == 0, shown
    assert "signed in as ada@example.org" in shown
    answer("logout")
    terminal = Terminal("login --service-principal")
    said = (azure.login.tenant, azure.login.service.name, azure.login.service.secret)
    for name, value in zip(("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET"), said, strict=True):
        terminal.asks(f"AZURE_{name}: ")
        terminal.type(value)
    code, shown = terminal.end()
    assert code == 0, shown
    assert azure.login.service.secret not in shown
    assert f"signed in as {azure.login.service.name}" in shown


def test_the_command_line_of_azure_gives_tokens(
    azure: Azure, there: Scope, signed_out: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Azure's own program is not here: one that prints what it prints, with the emulator's token
    token = azure.login.mint(azure.login.ada, azure.origin)
    said = {"accessToken": token, "expires_on": int(time.time()) + 3600, "tokenType": "Bearer"}
    said |= {"expiresOn": "2099-01-01 00:00:00.000000", "tenant": azure.login.tenant}
    program(
        tmp_path / "bin" / "az",
        "import sys\nassert sys.argv[1:3] == ['account', 'get-access-token'], sys.argv\n"
        f"print({json.dumps(said)!r})\n",
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    terminal = Terminal("login --cli")
    code, shown = terminal.end()
    assert code == 0, shown
    assert "signed in as ada@example.org · Azure CLI" in shown
    assert Arm(clouds.current(), credential(there)).get(there.arm_id, "2024-10-01")
    program(
        tmp_path / "bin" / "az",
        "import sys\nsys.exit('ERROR: Please run \\'az login\\' to setup account.')\n",
    )
    credential(there).forget()
    with pytest.raises(SignedOut):
        credential(there).get_token()


def test_a_job_with_its_users_identity_has_the_users_tokens(
    azure: Azure, there: Scope, signed_out: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBO_ENDPOINT", f"{azure.origin}/identity/obo/token")
    credential().forget()
    report = signing_in.who()
    assert report.account is not None, report
    assert (report.account.name, report.account.way) == (
        "ada@example.org",
        "user of the Azure ML job",
    )
    assert Arm(clouds.current(), credential(there)).get(there.arm_id, "2024-10-01")
    azure.login.refuse(azure.login.ada, "invalid_grant", "signed out")
    credential().forget()
    with pytest.raises(SignedOut) as caught:
        credential().get_token()
    assert dict(caught.value.tried)["user of the Azure ML job"].startswith("the machine gave no")


def test_a_token_that_is_not_taken_any_more_is_dropped_and_the_question_asked_once_more(
    azure: Azure, there: Scope, signed_out: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in azure.environment.items():
        monkeypatch.setenv(name, value)
    for by_hand in (False, True):
        if by_hand:
            sign_in(azure, there)
        signed_in = Credential(clouds.current())
        ask_mlflow(there, signed_in)
        before = signed_in.get_token().token
        azure.login.expire()  # as by a change of the password: its time is not over
        ask_mlflow(there, signed_in)
        Arm(clouds.current(), signed_in).get(there.arm_id, "2024-10-01")
        assert signed_in.get_token().token != before
        assert signed_in.account_name == (
            "ada@example.org" if by_hand else azure.login.service.name
        )
    azure.faults.add("unauthorized", "POST", SEARCH, times=None)
    mark = azure.requests.mark()
    with pytest.raises(SignedOut):
        ask_mlflow(there, signed_in)
    assert len(azure.requests.of("POST", SEARCH, mark)) == 2


# ------------------------------------------------------------------------------- key ring

KEY_RING = """\
import base64, json, os, types
_KEY = b"of the test"
class _Ring:
    class Schema:
        @staticmethod
        def new(name, flags, attributes):
            return name
    SchemaFlags = types.SimpleNamespace(NONE=0)
    SchemaAttributeType = types.SimpleNamespace(STRING=0)
    @staticmethod
    def _file(schema):
        return os.path.join(os.environ["TEST_KEY_RING"], schema.replace("/", "_"))
    @classmethod
    def password_store_sync(cls, schema, attributes, collection, label, data, cancel):
        mixed = bytes(b ^ _KEY[i % len(_KEY)] for i, b in enumerate(data.encode()))
        with open(cls._file(schema), "wb") as file:
            file.write(base64.b64encode(mixed))
        return True
    @classmethod
    def password_lookup_sync(cls, schema, attributes, cancel):
        try:
            with open(cls._file(schema), "rb") as file:
                mixed = base64.b64decode(file.read())
        except OSError:
            return None
        return bytes(b ^ _KEY[i % len(_KEY)] for i, b in enumerate(mixed)).decode()
    @classmethod
    def password_clear_sync(cls, schema, attributes, cancel):
        os.unlink(cls._file(schema))
        return True
Secret = _Ring
class GLib:
    class Error(Exception):
        pass
"""


@pytest.fixture
def key_ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A key ring where the system has none: azure-identity asks it through `gi`, as on a desktop."""
    ring, package = tmp_path / "ring", tmp_path / "packages" / "gi"
    ring.mkdir()
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("def require_version(*_):\n    pass\n")
    (package / "repository.py").write_text(KEY_RING)
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{package.parent}{os.pathsep}{before}")
    monkeypatch.setenv("TEST_KEY_RING", str(ring))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    yield ring
    if keeper_line.hello() is not None:
        signing_in.out()
        keeper_line.call({"op": "quit"})


def test_s29_with_a_key_ring_a_sign_in_outlives_its_keeper_and_nothing_is_kept_in_the_open(
    azure: Azure, there: Scope, key_ring: Path, signed_out: None, private_place: Path
) -> None:
    sign_in(azure, there)
    assert "kept encrypted by the system's key ring" in answer("login").plain
    token = credential(there).get_token().token
    refresh = list(azure.login.refresh_tokens)[-1]
    keeper_line.call({"op": "quit"})
    end_s = time.monotonic() + 60
    while keeper_line.hello() is not None and time.monotonic() < end_s:
        time.sleep(0.02)
    credential(there).forget()
    assert credential(there).get_token()
    assert refresh.encode() in _unmixed(key_ring)
    kept = b"".join(
        path.read_bytes() for place in (private_place, key_ring, Path(os.environ["HOME"]))
        for path in place.rglob("*") if path.is_file()
    )  # fmt: skip
    assert token.encode() not in kept
    assert refresh.encode() not in kept
    assert "ended" in answer("logout").plain
    assert accounts.all_of() == []
    assert refresh.encode() not in _unmixed(key_ring)
    with pytest.raises(SignedOut):
        credential(there).get_token()


def _unmixed(ring: Path) -> bytes:
    """What the key ring holds, as who opens it sees it."""
    key = b"of the test"
    found = [base64.b64decode(path.read_bytes()) for path in ring.iterdir()]
    return b"".join(bytes(b ^ key[i % len(key)] for i, b in enumerate(one)) for one in found)
