"""Ignore files as git reads them: `.gitignore` and Azure ML's `.amlignore`, in each folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

FILES = (".gitignore", ".amlignore")


class Rule(NamedTuple):
    """One line: what it fits, below which folder, and whether it takes back an earlier line."""

    base: str
    pattern: str
    anchored: bool
    only_folders: bool
    keeps: bool


def rules_of(text: str, base: str) -> list[Rule]:
    """Return the rules of an ignore file that lies in `base`, below the root; `""` is the root."""
    found = []
    for raw in text.splitlines():
        line = raw.rstrip()
        if not line or line.startswith("#"):
            continue
        keeps = line.startswith("!")
        line = line.removeprefix("!").removeprefix("\\")
        only_folders = line.endswith("/")
        line = line.rstrip("/")
        anchored = "/" in line
        found.append(Rule(base, line.removeprefix("/"), anchored, only_folders, keeps))
    return found


def is_ignored(path: str, rules: Iterable[Rule], *, is_folder: bool) -> bool:
    """Say whether the rules leave a path out; the last one that fits decides."""
    ignored = False
    for rule in rules:
        below = path[len(rule.base) + 1 :] if rule.base else path
        if rule.base and not path.startswith(f"{rule.base}/"):
            continue
        if rule.only_folders and not is_folder:
            continue
        subject = below if rule.anchored else below.rpartition("/")[2]
        if _compiled(rule.pattern).fullmatch(subject):
            ignored = not rule.keeps
    return ignored


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    made = ""
    at = 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            made, at = made + "(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            made, at = made + ".*", at + 2
        elif pattern[at] == "*":
            made, at = made + "[^/]*", at + 1
        elif pattern[at] == "?":
            made, at = made + "[^/]", at + 1
        elif pattern[at] == "[" and "]" in pattern[at + 2 :]:
            end = pattern.index("]", at + 2)
            inner = pattern[at + 1 : end].replace("\\", "\\\\")
            inner = "^" + inner[1:] if inner.startswith("!") else inner
            made, at = f"{made}[{inner}]", end + 1
        elif pattern[at] == "\\" and at + 1 < len(pattern):
            made, at = made + re.escape(pattern[at + 1]), at + 2
        else:
            made, at = made + re.escape(pattern[at]), at + 1
    try:
        return re.compile(made, re.DOTALL)
    except re.error:
        return re.compile(re.escape(pattern))
