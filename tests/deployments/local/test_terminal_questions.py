"""A person at a terminal is asked before something runs, stops or goes, and is obeyed."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import mlflow
import pytest
from local_ground import Ground

from jupyter_mltrack import deployments, workspaces

JUPYTER = Path(sys.executable).with_name("jupyter")
LIMIT_S = 120.0
_AT_A_TERMINAL = """
import os, signal, sys
os.login_tty(0)
signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever runs the tests may have it ignored
os.execv(sys.argv[1], sys.argv[1:])
"""
_MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """`jupyter mltrack ...` at a terminal of its own, with somebody who answers."""

    def __init__(self, *words: str) -> None:
        self._ours, its = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _AT_A_TERMINAL, JUPYTER, "mltrack", *words],
            stdin=its,
            stdout=its,
            stderr=its,
        )
        os.close(its)
        self.said = ""

    def until(self, text: str) -> None:
        """Read on until this stands there."""
        limit_s = time.monotonic() + LIMIT_S
        while text not in self.said:
            assert time.monotonic() < limit_s, self.said
            assert self._read() or text in self.said, self.said

    def type(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        """Read all there is; returns the exit code."""
        while self._read():
            pass
        os.close(self._ours)
        return self._process.wait(LIMIT_S)

    def _read(self) -> bool:
        """Take what is said next; False where nobody says anything any more."""
        assert select.select([self._ours], [], [], LIMIT_S)[0], self.said
        said = b""
        with contextlib.suppress(OSError):  # the other side has closed it
            said = os.read(self._ours, 65_536)
        self.said += _MOVES.sub("", said.decode("utf-8", "replace")).replace("\r\n", "\n")
        return bool(said)


def told(*words: str, question: str, keys: str) -> tuple[int, str]:
    """Exit code, and all that was said, of a command that asks one question."""
    terminal = Terminal(*words)
    terminal.until(question)
    terminal.type(keys)
    return terminal.end(), terminal.said


@pytest.fixture
def theirs(ground: Ground, tmp_path: Path) -> str:
    """A registered model that was not made here, with files that nobody has agreed to."""
    files = tmp_path / "theirs"
    shutil.copytree(ground.models["plain"], files)
    (files / "note.txt").write_text(str(tmp_path))
    place = workspaces.resolve("local")
    place.prepare()
    client = mlflow.MlflowClient(place.tracking_uri)
    client.create_registered_model("theirs")
    client.create_model_version("theirs", str(files))
    return "theirs"


RUN = "Run the code of theirs/1 on this machine? [y/N] "


def test_s16_the_first_load_is_shown_and_asked_about_once(theirs: str) -> None:
    code, said = told("deploy", theirs, question=RUN, keys="n\n")
    assert code == 1
    assert "theirs/1 was not made here. Loading it runs its code on this machine:" in said
    assert "SHA-256: " in said
    assert said.count(RUN) == 1
    assert said.strip().splitlines()[-2:] == [
        said.strip().splitlines()[-2],
        "See what it holds: jupyter mltrack models theirs/1; then add --trust to run it.",
    ]
    assert deployments.list_endpoints().endpoints == []
    code, said = told("deploy", theirs, question=RUN, keys="y\n")
    assert code == 0, said
    assert "● theirs-local · ready · theirs 1 · http://127.0.0.1:" in said
    assert "Ask it: jupyter mltrack predict theirs-local --data VAR" in said
    again = Terminal("deploy", theirs)
    assert again.end() == 0
    assert "[y/N]" not in again.said


def test_stop_and_rm_do_nothing_unless_the_answer_is_yes(theirs: str) -> None:
    deployed = Terminal("deploy", theirs, "--trust")
    assert deployed.end() == 0, deployed.said
    stop = "Stop endpoint theirs-local? [y/N] "
    remove = "Delete endpoint theirs-local? [y/N] "
    for words, question, keys in (
        (("stop", "theirs-local"), stop, "\n"),
        (("rm", "theirs-local"), remove, "no\n"),
        (("rm", "theirs-local"), remove, "\x04"),  # Ctrl-D: whoever hangs up has not agreed
        (("rm", "theirs-local"), remove, "\x03"),  # Ctrl-C
    ):
        _, said = told(*words, question=question, keys=keys)
        assert "Traceback" not in said
        assert deployments.get_endpoint("theirs-local").state == "ready"
    code, said = told("stop", "theirs-local", question=stop, keys="y\n")
    assert (code, "■ theirs-local · stopped" in said) == (0, True)
    code, said = told("rm", "theirs-local", question=remove, keys="yes\n")
    assert (code, "✓ deleted endpoint theirs-local" in said) == (0, True)
    assert deployments.list_endpoints().endpoints == []
