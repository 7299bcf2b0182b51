"""No door of a notebook lets a secret out: every file and every row of the store is searched for it."""

from __future__ import annotations

import base64
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mltrack import settings, workspaces
from jupyter_mltrack.runs.about import get_about
from jupyter_mltrack.runs.output import get_output

TOKEN = "ghp_" + "Zz9" * 12
FROM_ENVIRONMENT = "Walrus/Kettle+Drum.31"
SECRETS = (TOKEN, FROM_ENVIRONMENT)
GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@b")
CELL = f"""%%track secretive --param note --metric size=len(key)
import os, sys, mlflow
from IPython.display import HTML, display
key = '{TOKEN}'
note = os.environ['LAB_API_KEY']
address = f'https://me:{{note}}@example.org/x'
print(key, note)
print(key[:9], end='')
print(key[9:])
print('\\x1b[31m' + key + '\\x1b[0m', file=sys.stderr)
mlflow.log_params({{'address': address, 'plain': key}})
mlflow.set_tags({{'from': note, 'mlflow.note.content': f'used {{key}}'}})
mlflow.log_metric(f'loss {{key}}', 0.5)
display(HTML(f'<b title="{{key}}">{{note}}</b>'))
display({{'image/svg+xml': f'<svg xmlns="http://www.w3.org/2000/svg"><text>{{key}}</text></svg>',
         'application/json': {{'password': 'hunter2hunter2', 'note': note}}}}, raw=True)
raise ValueError(key + note)
"""
ELSEWHERE = """%%track elsewhere --on process
import os
print('ghp_' + 'Zz9' * 12, os.environ['LAB_API_KEY'])
raise RuntimeError('ghp_' + 'Zz9' * 12 + os.environ['LAB_API_KEY'])
"""


def spelled(secret: str) -> set[bytes]:
    """A secret, its halves and its base64, as somebody who looks for it would."""
    raw = secret.encode()
    words = {base64.b64encode(b"\0" * at + raw)[4:-4] for at in range(3)}
    return {raw, raw[: len(raw) // 2], raw[len(raw) // 2 :], *words}


def holding(secrets: tuple[str, ...], *folders: Path) -> list[Path]:
    wanted = set().union(*map(spelled, secrets))
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return [path for path in paths if any(one in path.read_bytes() for one in wanted)]


def rows_of(database: Path) -> str:
    """Every value of every table, as text."""
    with sqlite3.connect(database) as connection:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        return repr([connection.execute(f"SELECT * FROM {name}").fetchall() for (name,) in tables])


def project(work: Path) -> None:
    """A repository whose remote and uncommitted change hold the secrets."""
    (work / "notes.txt").write_text("one\n")
    remote = f"https://me:{TOKEN}@example.org/x.git"
    for words in (["init", "-q"], ["add", "notes.txt"], ["commit", "-qm", "x"],
                  ["remote", "add", "origin", remote]):  # fmt: skip
        subprocess.run([*GIT, *words], cwd=work, check=True, env={**os.environ, "LC_ALL": "C"})
    (work / "notes.txt").write_text(f"one\ntoken = '{TOKEN}'\nword = {FROM_ENVIRONMENT}\n")


def test_s24_s25_no_secret_of_a_cell_is_written_anywhere(
    new_kernel: Any, store: Any, private_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = private_place / "work"
    project(work)
    monkeypatch.setenv("LAB_API_KEY", FROM_ENVIRONMENT)
    kernel = new_kernel()
    assert kernel.run(CELL).error == "ValueError"
    assert kernel.run(ELSEWHERE).status == "ok"
    kernel.run("%mltrack jobs last --wait", timeout_s=90)
    assert "[redacted: token]" in kernel.run("%mltrack logs job:last").shown
    (first, _) = store.runs()
    marker = "[redacted: value of an environment variable]"
    assert first["params"]["address"] == f"https://me:{marker}@example.org/x"
    assert first["params"]["note"] == marker
    assert first["metrics"] == {"loss redacted token": 0.5}

    place = workspaces.resolve("local", work)
    about = get_about(place, first["id"])
    assert about.git_remote == "https://example.org/x.git"
    assert (about.git_branch != "", about.git_dirty, len(about.git_commit)) == (True, True, 40)
    assert "+token = '[redacted: token]'" in about.git_diff
    assert "[redacted" in about.source
    texts = [one.text for one in get_output(place, first["id"]).lines]
    assert sum("[redacted: token]" in text for text in texts[:3]) == 3

    for form in ("script", "notebook", "html"):
        assert kernel.run(f"%mltrack export {first['id']} --to {form}").status == "ok"
    restored = kernel.run(f"%mltrack restore {first['id']}")
    assert not any(secret in repr(vars(restored)) for secret in SECRETS)
    made = {path.suffix for path in work.glob("secretive*")}
    assert made == {".py", ".ipynb", ".html"}
    own = {work / "notes.txt", work / ".git" / "config"}
    assert set(holding(SECRETS, settings.data_dir(), work)) == own
    assert not any(secret in rows_of(store.database) for secret in SECRETS)


def test_s25_no_secret_of_a_notebook_that_is_run_is_kept(
    store: Any, private_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = private_place / "work"
    monkeypatch.setenv("LAB_API_KEY", FROM_ENVIRONMENT)
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext jupyter_mltrack", CELL)]
    cells[0].metadata["papermill"] = {"parameters": {"password": "hunter2hunter2", "key": TOKEN}}
    text = nbformat.v4.new_markdown_cell(f"The key is {TOKEN}.")
    notebook = nbformat.v4.new_notebook(cells=[text, *cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["about"] = {"url": f"https://me:{FROM_ENVIRONMENT}@example.org"}
    nbformat.write(notebook, work / "doors.ipynb")
    answer = subprocess.run(
        [sys.executable, "-m", "jupyter_mltrack.cli", "run", "doors.ipynb", "-p", f"note={TOKEN}"],
        cwd=work, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert answer.returncode == 1, answer.stderr
    assert {run["status"] for run in store.runs()} == {"FAILED"}
    stored = [path.name for path in (work / ".mltrack").rglob("doors.*")]
    assert sorted(stored) == ["doors.html", "doors.ipynb"]
    secrets = (*SECRETS, "hunter2hunter2")
    assert holding(secrets, settings.data_dir(), work / ".mltrack") == []
    assert not any(secret in rows_of(store.database) for secret in secrets)
