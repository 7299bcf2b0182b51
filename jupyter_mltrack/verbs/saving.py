"""Write a choice into the project's settings file without touching anything else in it.

Comments, order and line ends stay. The new text is read back before it is written: if it does not
say exactly what the old one said plus the change, nothing is written and the line to add is named.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

from jupyter_mltrack.errors import SettingsError, UsageError
from jupyter_mltrack.settings import load_settings, project_root

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?\Z")
_ANY_HEADER = re.compile(r"\s*\[")
_SECRET = re.compile(r"://[^/@]*:[^/@]*@|(?i:[?&][^=]*(?:pass|pwd|secret|token|sig|key)[^=]*=)")


def save_workspace(name: str, spec: str, start: Path | None = None) -> Path:
    """Keep `spec` under `name` and have the project use it; returns the file.

    Raises:
        UsageError: the name cannot be told from an address, or the address holds a secret.
        SettingsError: the file is damaged or cannot be written.
    """
    if name == "local" or ":" in name or not name.strip() or "/" in name:
        raise UsageError(
            f"A workspace cannot be named {name!r}.", "Choose a plain word, for example team."
        )
    if _SECRET.search(spec):
        raise UsageError(
            "The address holds a password or token, and a settings file is no place for it.",
            "Leave it out and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
        )
    return _save([(("workspaces",), name, spec), ((), "tracking", name)], start)


def save_experiment(name: str, start: Path | None = None) -> Path:
    """Have new runs of the project go to the experiment `name`; returns the file.

    Raises:
        SettingsError: the file is damaged or cannot be written.
    """
    return _save([((), "experiment", name)], start)


def _save(changes: list[tuple[tuple[str, ...], str, str]], start: Path | None) -> Path:
    settings = load_settings(start, environ={})  # refuses a damaged file before anything is changed
    path = settings.source or project_root(start) / "mltrack.toml"
    table: tuple[str, ...] = ("tool", "mltrack") if path.name == "pyproject.toml" else ()
    try:
        text = path.read_bytes().decode("utf-8-sig") if path.exists() else ""
        for inside, key, value in changes:
            text = _with(path, text, (*table, *inside), key, value)
        _replace(path, text)
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be written: {error.strerror}.",
            "Make it writable, or choose again in each kernel.",
        ) from error
    return path


def _with(path: Path, text: str, table: tuple[str, ...], key: str, value: str) -> str:
    import tomllib

    wanted = tomllib.loads(text.replace("\r\n", "\n"))
    _put(wanted, table, key, value)
    line_end = "\r\n" if "\r\n" in text else "\n"
    made = _edited(text.replace("\r\n", "\n"), table, key, value)
    try:
        right = tomllib.loads(made) == wanted
    except tomllib.TOMLDecodeError:
        right = False
    if not right:
        place = f" under [{'.'.join(table)}]" if table else ""
        raise SettingsError(
            f"{path} is written in a way that is not changed safely; nothing was changed.",
            f"Add this line{place} yourself: {_key(key)} = {_value(value)}",
        )
    return made.replace("\n", line_end)


def _put(content: dict[str, Any], table: tuple[str, ...], key: str, value: str) -> None:
    for part in table:
        content = content.setdefault(part, {})
    content[key] = value


def _edited(text: str, table: tuple[str, ...], key: str, value: str) -> str:
    lines = text.split("\n")
    begin, end = _region(lines, table)
    entry = f"{_key(key)} = {_value(value)}"
    if begin is None:
        gap = "" if not text.strip() else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[{'.'.join(map(_key, table))}]\n{entry}\n"
    known = re.compile(
        rf"(\s*[\"']?{re.escape(key)}[\"']?\s*=\s*)(?:\"(?:[^\"\\]|\\.)*\"|'[^']*')(\s*(?:#.*)?)\Z"
    )
    for at in range(begin, end):
        found = known.match(lines[at])
        if found:
            lines[at] = f"{found[1]}{_value(value)}{found[2]}"
            return "\n".join(lines)
    last = end
    while last > begin and not lines[last - 1].strip():
        last -= 1
    new = [entry] if last < len(lines) else [entry, ""]
    if not table and end < len(lines) and last == end:
        new.append("")  # a header follows at once
    lines[last:last] = new
    return "\n".join(lines)


def _region(lines: list[str], table: tuple[str, ...]) -> tuple[int | None, int]:
    """First line after the table's header and the line after its last one."""
    begin = 0 if not table else None
    for at, text in enumerate(lines):
        if not _ANY_HEADER.match(text):
            continue
        if begin is not None:
            return begin, at
        found = _HEADER.match(text)
        if found and tuple(part.strip().strip("\"'") for part in found[1].split(".")) == table:
            begin = at + 1
    return begin, len(lines)


def _key(key: str) -> str:
    return key if _BARE.match(key) else _value(key)


def _value(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _replace(path: Path, text: str) -> None:
    real = Path(os.path.realpath(path))
    mode = real.stat().st_mode & 0o777 if real.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(name, mode)
        os.replace(name, real)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
