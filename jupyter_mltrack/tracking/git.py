"""Which state of the user's repository a run was made from, asked of `git` itself.

No more than two seconds in all; nothing that the repository configures is run for it (hooks,
monitors, external differs), nothing is written, and nobody is asked for a password.
"""

from __future__ import annotations

import os
import subprocess
import time
from typing import NamedTuple

LIMIT_S = 2.0
DIFF_BYTES_MAX = 1_900_000
_SAFE = (
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.quotePath=false",
)
_SILENT = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_PAGER": "cat", "LC_ALL": "C"}


class GitState(NamedTuple):
    """What `git` says of a folder; all empty where it is in no repository."""

    commit: str = ""
    branch: str = ""
    remote: str = ""
    """Without user name and password."""
    dirty: bool = False
    diff: str = ""
    """Changes that are in no commit, as `git diff HEAD` shows them."""
    diff_cut: bool = False


def state_of(folder: str, *, with_diff: bool = True) -> GitState:
    """The state of the repository that a folder lies in."""
    until_s = time.monotonic() + LIMIT_S
    said = _ask(folder, until_s, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if said is None:
        return GitState()
    heads: dict[str, str] = {}
    dirty = False
    for line in said.decode("utf-8", "replace").splitlines():
        if line.startswith("# branch."):
            key, _, value = line.removeprefix("# branch.").partition(" ")
            heads[key] = value
        elif line:
            dirty = True
    commit = heads.get("oid", "")
    branch = heads.get("head", "")
    remote = _ask(folder, until_s, "config", "--get", "remote.origin.url") or b""
    diff = b""
    if dirty and with_diff:
        words = (
            "diff",
            "HEAD",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--submodule=short",
        )
        diff = _ask(folder, until_s, *words) or b""
    return GitState(
        commit="" if commit == "(initial)" else commit,
        branch="" if branch == "(detached)" else branch,
        remote=without_credentials(remote.decode("utf-8", "replace").strip()),
        dirty=dirty,
        diff=diff[:DIFF_BYTES_MAX].decode("utf-8", "replace"),
        diff_cut=len(diff) > DIFF_BYTES_MAX,
    )


def is_missing(folder: str) -> bool:
    """Whether the folder lies in a repository, and there is no git to ask."""
    import shutil
    from pathlib import Path

    place = Path(folder)
    within = any((one / ".git").exists() for one in (place, *place.parents))
    return within and shutil.which("git") is None


def without_credentials(address: str) -> str:
    """The address of a remote without what stands before its host."""
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address  # a path, or `git@host:path`, whose user name is no secret
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"


def _ask(folder: str, until_s: float, *words: str) -> bytes | None:
    """What a command of git prints, as far as it is wanted; None where there is no answer."""
    left_s = until_s - time.monotonic()
    if left_s <= 0:
        return None
    environment = {**os.environ, **_SILENT}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_EXTERNAL_DIFF"):
        environment.pop(name, None)
    try:
        process = subprocess.Popen(
            ["git", "-C", folder, *_SAFE, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    except OSError:  # there is no git
        return None
    return _read(process, time.monotonic() + left_s)


def _read(process: subprocess.Popen[bytes], until_s: float) -> bytes | None:
    """The head of what a process prints; it is ended when that is enough or takes too long."""
    import select

    assert process.stdout is not None
    found = b""
    whole = False
    with process.stdout as pipe:
        while len(found) <= DIFF_BYTES_MAX:
            left_s = until_s - time.monotonic()
            if left_s <= 0 or not select.select([pipe], [], [], left_s)[0]:
                break
            part = os.read(pipe.fileno(), 65_536)
            if not part:
                whole = True
                break
            found += part
        enough = len(found) > DIFF_BYTES_MAX
        if not whole:
            process.kill()
    code = process.wait()
    return found if enough or (whole and code == 0) else None
