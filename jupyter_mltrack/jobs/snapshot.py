"""Which files of a folder go to another machine with a job.

Ignore files are respected, and some things never travel whatever they say: keys and certificates,
`.env`, folders of git and of clouds' sign-ins, caches of tokens, our own data, environments of
Python. A file with a secret in it is left out and named. Links are not followed.
"""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.jobs import ignoring
from jupyter_mltrack.jobs.secrets import strong_secret

ASKS_BYTES = 100 << 20
FILES_MAX = 20_000
_LISTED = 200
_LEFT_OUT_LISTED = 50
_LOOKED_INTO_BYTES = 2 << 20
_NEVER_FOLDERS = frozenset({
    ".git", ".hg", ".svn", ".azure", ".aws", ".ssh", ".gnupg", ".kube", ".docker", ".config",
    ".databricks", ".identityservice", ".mltrack", ".ipynb_checkpoints", "__pycache__", ".venv",
    "venv", "node_modules", "mlruns", "mlartifacts", ".mypy_cache", ".ruff_cache", ".pytest_cache",
})  # fmt: skip
_NEVER_FILES = (
    ".env", ".env.*", "*.env", ".envrc", "*.pem", "*.key", "*.pfx", "*.p12", "*.jks", "*.keystore",
    "*.ppk", "*.kdbx", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc",
    ".pypirc", ".npmrc", ".git-credentials", ".databrickscfg", ".pgpass", "credentials",
    "credentials.json", "credentials.yaml", "client_secret*.json", "service_account*.json",
    "azureprofile.json", "msal_token_cache*", "msal_http_cache*", "accesstokens.json",
    "token_cache*", "*.tokencache", "*.nocae", "*.cae", ".bash_history", ".python_history",
)  # fmt: skip
_NOT_NEEDED = ("*.pyc", "*.pyo", "*.ipynb", "mlflow.db", "mlflow.db-*", ".ds_store", ".gitignore",
               ".amlignore", "*.lock.json")  # fmt: skip
"""Left out without a word: what a job has no use for. A notebook's outputs may hold anything."""


class Files:
    """What was found below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: list[tuple[str, int]] = []
        self.left_out: list[wire.LeftOut] = []

    @property
    def size_bytes(self) -> int:
        """How large they are together."""
        return sum(size for _, size in self.found)

    @property
    def words(self) -> str:
        """How much it is, and of what."""
        files = "1 file" if len(self.found) == 1 else f"{len(self.found):,} files"
        return f"{files}, {self.size_bytes / 2**20:,.0f} MB of {self.folder}"

    @property
    def paths(self) -> list[str]:
        """Below the folder, with slashes, sorted."""
        return sorted(path for path, _ in self.found)

    def described(self) -> wire.CodeSnapshot:
        """What a person is shown."""
        largest = sorted(self.found, key=lambda one: (-one[1], one[0]))
        return wire.CodeSnapshot(
            folder=str(self.folder),
            files=len(self.found),
            size_bytes=self.size_bytes,
            paths=[clean(path) for path, _ in largest[:_LISTED]],
            left_out=self.left_out[:_LEFT_OUT_LISTED],
        )


def look(folder: Path) -> Files:
    """Return the files of a folder that may travel.

    Raises:
        UsageError: it is no folder, or holds far more files than any program.
    """
    if not folder.is_dir():
        raise UsageError(f"{clean(str(folder))} is no folder.", "Name one: --code FOLDER, or none")
    files = Files(folder)
    _walk(files, "", [])
    return files


def _walk(files: Files, below: str, rules: list[ignoring.Rule]) -> None:
    place = files.folder / below
    for name in ignoring.FILES:
        path = place / name
        if path.is_file() and not path.is_symlink():
            rules = rules + ignoring.rules_of(path.read_text("utf-8", "replace"), below)
    try:
        entries = sorted(os.scandir(place), key=lambda one: one.name)
    except OSError as error:
        files.left_out.append(wire.LeftOut(path=below, why=f"cannot be read: {error.strerror}"))
        return
    for entry in entries:
        path_below = f"{below}/{entry.name}" if below else entry.name
        if entry.is_symlink():
            files.left_out.append(wire.LeftOut(path=clean(path_below), why="a link"))
        elif entry.is_dir():
            ignored = ignoring.is_ignored(path_below, rules, is_folder=True)
            if not ignored and entry.name.lower() not in _NEVER_FOLDERS and not _is_env(entry.path):
                _walk(files, path_below, rules)
        elif entry.is_file() and not ignoring.is_ignored(path_below, rules, is_folder=False):
            _take(files, path_below, entry)


def _is_env(path: str) -> bool:
    """A virtual environment, whatever it is called, or the data of this package."""
    from jupyter_mltrack.settings import data_dir

    return os.path.exists(os.path.join(path, "pyvenv.cfg")) or Path(path) == data_dir()


def _take(files: Files, path: str, entry: os.DirEntry[str]) -> None:
    name = entry.name.lower()
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in _NOT_NEEDED):
        return
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in _NEVER_FILES):
        files.left_out.append(wire.LeftOut(path=clean(path), why="a key or sign-in never travels"))
        return
    try:
        size = entry.stat(follow_symlinks=False).st_size
        secret = _secret_of(entry.path) if size <= _LOOKED_INTO_BYTES else ""
    except OSError as error:
        files.left_out.append(wire.LeftOut(path=clean(path), why=f"unreadable: {error.strerror}"))
        return
    if secret:
        files.left_out.append(wire.LeftOut(path=clean(path), why=f"holds a secret ({secret})"))
        return
    files.found.append((path, size))
    if len(files.found) > FILES_MAX:
        raise UsageError(
            f"{clean(str(files.folder))} holds more than {FILES_MAX:,} files.",
            "Name the folder of the code: --code FOLDER, list what stays here in .amlignore, "
            "or send none: --code none",
        )


def _secret_of(path: str) -> str:
    with open(path, "rb") as file:
        content = file.read(_LOOKED_INTO_BYTES)
    if b"\0" in content[:8192]:
        return ""
    return strong_secret(content.decode("utf-8", "replace"))
