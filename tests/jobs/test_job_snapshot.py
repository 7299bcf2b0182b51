"""Which files go to another machine with a job."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mltrack.jobs import ignoring, snapshot


def written(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_s31_no_key_no_token_and_nothing_ignored_is_in_the_snapshot(tmp_path: Path) -> None:
    written(tmp_path, {
        "train.py": "import os\npassword = os.environ['PW']\n", "lib/helper.py": "x = 1\n",
        ".env": "A=b", "prod.env": "A=b", "id_rsa": "k", "certs/server.key": "k", "a.pem": "k",
        ".git/config": "x", ".azure/msal_token_cache.json": "{}", ".mltrack/mlflow.db": "x",
        ".venv/pyvenv.cfg": "", "odd/pyvenv.cfg": "", "odd/lib.py": "", "notebook.ipynb": "{}",
        "__pycache__/train.cpython-311.pyc": "x", ".netrc": "x", "azureProfile.json": "{}",
        "settings.py": f"KEY = '{'A' * 86}=='\n", "data/raw.csv": "1", "data/keep.csv": "2",
        "big.bin": "x", ".gitignore": "data/*\n!data/keep.csv\n", ".amlignore": "*.bin\n",
        ".config/gcloud.json": "{}",
    })  # fmt: skip
    (tmp_path / "link.py").symlink_to(tmp_path / ".env")
    files = snapshot.look(tmp_path)
    assert files.paths == ["data/keep.csv", "lib/helper.py", "train.py"]
    assert files.size_bytes == sum((tmp_path / path).stat().st_size for path in files.paths)
    left = {one.path: one.why for one in files.left_out}
    assert left["settings.py"] == "holds a secret (Azure storage key)"
    assert left["link.py"] == "a link"
    assert set(left) >= {".env", "prod.env", "id_rsa", "certs/server.key", "a.pem", ".netrc"}


@pytest.mark.parametrize(
    ("text", "path", "is_folder", "ignored"),
    [
        ("*.csv", "a/b.csv", False, True),
        ("/b.csv", "a/b.csv", False, False),
        ("a/*.csv", "a/b.csv", False, True),
        ("a/*.csv", "a/c/b.csv", False, False),
        ("a/**/b.csv", "a/c/d/b.csv", False, True),
        ("out/", "out", True, True),
        ("out/", "out", False, False),
        ("*.csv\n!keep.csv", "keep.csv", False, False),
        ("# *.py\n\\#x", "#x", False, True),
        ("[!a]x", "bx", False, True),
        ("[!a]x", "ax", False, False),
        ("[", "[", False, True),
    ],
)
def test_ignore_files_are_read_as_git_reads_them(
    text: str, path: str, is_folder: bool, ignored: bool
) -> None:
    assert ignoring.is_ignored(path, ignoring.rules_of(text, ""), is_folder=is_folder) is ignored


def test_an_ignore_file_counts_below_its_own_folder_only() -> None:
    rules = ignoring.rules_of("*.txt", "sub")
    assert ignoring.is_ignored("sub/a.txt", rules, is_folder=False)
    assert not ignoring.is_ignored("a.txt", rules, is_folder=False)
