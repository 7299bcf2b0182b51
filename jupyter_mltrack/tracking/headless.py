"""Which notebook a kernel executes that a command started: nbconvert, papermill and the like.

Such a kernel is not told the name. The command that started it says it, so its words are read, of
the parent process only and of commands that are known to execute a notebook. Where two notebooks
are named, or none, the name stays unknown.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache

_TOOLS = ("nbconvert", "execute", "papermill", "mltrack")
_OUTPUTS = ("--output", "-o", "--out")
_WORDS_BYTES_MAX = 64 << 10


@lru_cache(maxsize=1)
def notebook() -> str | None:
    """The notebook's path; None where nothing tells it."""
    parent = os.getppid()
    try:
        with open(f"/proc/{parent}/cmdline", "rb") as file:
            words = os.fsdecode(file.read(_WORDS_BYTES_MAX)).split("\0")
        folder = os.readlink(f"/proc/{parent}/cwd")
    except OSError:
        return None  # another system, or a parent that is gone
    return notebook_in(words, folder)


@lru_cache(maxsize=4)
def is_handed_down(name: str, value: str) -> bool:
    """Whether a variable was not set for this process: its parent, a program, has it as well."""
    try:
        with open(f"/proc/{os.getppid()}/environ", "rb") as file:
            return os.fsencode(f"{name}={value}") in file.read().split(b"\0")
    except OSError:
        return False  # another system, or a parent that is gone


def notebook_in(words: Sequence[str], folder: str) -> str | None:
    """The notebook that a command executes, absolute; None where it executes none, or several."""
    tool = _tool(words[:5])
    if tool is None:
        return None
    found: list[str] = []
    before = ""
    for word in words[tool[1] + 1 :]:
        is_value = before in _OUTPUTS
        before = word
        if word.startswith("-") or is_value:
            continue
        for path in (word, f"{word}.ipynb"):
            path = os.path.join(folder, path)  # noqa: PLW2901
            if path.endswith(".ipynb") and os.path.isfile(path):
                found.append(os.path.normpath(path))
                break
    if tool[0] == "papermill":  # its second notebook is what it writes
        found = found[:1]
    return found[0] if len(found) == 1 else None


def _tool(words: Sequence[str]) -> tuple[str, int] | None:
    """Which of the known commands it is, and at which word it stands."""
    for at, word in enumerate(words):
        name = os.path.basename(word).removeprefix("jupyter-").removesuffix(".py")
        if name in _TOOLS:
            return name, at
    return None
