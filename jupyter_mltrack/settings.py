"""Where data lies and what the user has chosen: defaults < file < environment < argument.

The file is `mltrack.toml`, or the table `[tool.mltrack]` of `pyproject.toml`, at the project's
root. A file that cannot be read, an unknown key or a value of the wrong type is never skipped:
it is a `SettingsError` that names the file, the line and what was probably meant.

Only the standard library is imported here, and `tomllib` only when there is a file to read,
because loading the extension into a kernel passes through this module.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jupyter_mltrack.errors import SettingsError, WorkspaceError

ROOT_MARKS = (".git", "pyproject.toml", "mltrack.toml")
SCHEDULED = "scheduler_staging_area"  # where jupyter-scheduler executes copies of notebooks
SERVER_ROOT_VARIABLE = "MLTRACK_SERVER_ROOT"
"""The folder that the Jupyter server shows, for all that it starts. Not a setting."""
VIEWS = ("auto", "widget", "line", "end")
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


@dataclass(frozen=True)
class Settings:
    """What the user has chosen. `source` names the file that was read, if any."""

    tracking: str | None = None
    """For new runs: `local`, a path, `sqlite:///...`, `http(s)://...`, a name from `workspaces`."""
    experiment: str | None = None
    """Experiment for new runs; None leaves it to MLflow ("Default")."""
    autolog: bool = False
    """Switch MLflow's autologging on in every tracked cell."""
    system_metrics: bool = False
    """Record CPU, memory and disk of the machine while a tracked cell runs."""
    params: str = "auto"
    """`auto`: literal assignments of a tracked cell become parameters. `none`: they do not."""
    journal_max_bytes: int = 4 << 30
    """Largest size of what waits on this machine for one kernel; 0 means no limit."""
    quiet: bool = False
    """Print nothing after a tracked cell."""
    view: str = "auto"
    """While a tracked cell runs: `auto`, `widget`, `line`, or `end` for nothing before its end."""
    profile: bool = True
    """Keep a profile of logged training data, with up to 5,000 rows of it, with the run's model."""
    keep_source: bool = True
    """Keep the source of a tracked cell or script with its run."""
    keep_cells: bool = True
    """Keep the cells that the kernel executed up to a tracked one, as a notebook."""
    keep_environment: bool = True
    """Keep Python's version, the platform, the packages and the hardware with a run."""
    keep_git: bool = True
    """Keep commit, branch, remote and uncommitted changes of the project with a run."""
    keep_output: bool = True
    """Keep what a tracked cell prints with its run, 20 MB at most."""
    keep_data: bool = True
    """Keep shape, columns and digest of frames, arrays and files that a tracked cell used."""
    keep_order: bool = True
    """Warn when a tracked cell used names of a cell further below, or edited or deleted since."""
    keep_figures: bool = True
    """Keep figures, images and tables that a tracked cell shows with its run."""
    last_value: bool = True
    """Log a number, or a dict of numbers, that is a tracked cell's last value as metrics."""
    workspaces: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Names for workspaces: `[workspaces]` with `team = "https://..."`."""
    source: Path | None = None


_TYPES: dict[str, type] = {
    "tracking": str,
    "experiment": str,
    "autolog": bool,
    "system_metrics": bool,
    "params": str,
    "journal_max_bytes": int,
    "quiet": bool,
    "view": str,
    "profile": bool,
    "keep_source": bool,
    "keep_cells": bool,
    "keep_environment": bool,
    "keep_git": bool,
    "keep_output": bool,
    "keep_data": bool,
    "keep_order": bool,
    "keep_figures": bool,
    "last_value": bool,
}
_VARIABLES = {f"MLTRACK_{key.upper()}": key for key in _TYPES}
KEPT_PARTS = tuple(key.removeprefix("keep_") for key in _TYPES if key.startswith("keep_"))
"""What runs remember, each part with a switch of its own."""


# ------------------------------------------------------------------------------- places


def data_dir() -> Path:
    """The folder for journals and state: `$MLTRACK_DATA_DIR`, else one in Jupyter's data folder."""
    chosen = os.environ.get("MLTRACK_DATA_DIR")
    if chosen:
        return Path(os.path.abspath(os.path.expanduser(chosen)))
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "mltrack"


def ensure_private_dir(path: str | os.PathLike[str]) -> None:
    """Make `path` a folder that only this user can enter, or refuse it.

    Folders between the data folder and `path` are treated alike. Links are never followed.

    Raises:
        WorkspaceError: it is a link or a file, belongs to somebody else, or others may write to it.
        OSError: it cannot be created (read-only, no room).
    """
    target = Path(os.path.abspath(path))
    root = data_dir()
    if root in target.parents:
        ensure_private_dir(root)
        for part in reversed([p for p in target.parents if root in p.parents]):
            _ensure_one(part)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
    _ensure_one(target)


def _ensure_one(path: Path) -> None:
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    else:
        if stat.S_IMODE(os.lstat(path).st_mode) != 0o700:  # an unusual umask took bits away
            os.chmod(path, 0o700)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.ENOTDIR):
            raise
        raise _refused(path, "it is a link or a file, not a folder") from error
    try:
        status = os.fstat(handle)
        reason = unsafe_reason(status)
        if reason:
            raise _refused(path, reason)
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(handle, 0o700)
    finally:
        os.close(handle)


def unsafe_reason(status: os.stat_result) -> str:
    """Say why a folder must not hold private data; empty when it may."""
    if not stat.S_ISDIR(status.st_mode):
        return "it is a link or a file, not a folder"
    if status.st_uid != os.geteuid():
        return f"it belongs to another user (uid {status.st_uid})"
    if status.st_mode & 0o022:
        return f"others may write to it (mode {stat.S_IMODE(status.st_mode):04o})"
    return ""


def _refused(path: Path, reason: str) -> WorkspaceError:
    return WorkspaceError(
        f"{path} is not used: {reason}.",
        "Remove it, or make it a folder of your own that nobody else can write to.",
        code="forbidden",
    )


def working_folder() -> str:
    """The folder that this process works in; of one that was removed, the path that it had."""
    try:
        return os.getcwd()
    except OSError:
        try:
            return os.readlink("/proc/self/cwd").removesuffix(" (deleted)")
        except OSError:  # another system
            return os.sep


def project_root(start: Path | None = None) -> Path:
    """The nearest folder upward with `.git`, `pyproject.toml` or `mltrack.toml`; else `start`.

    A notebook that jupyter-scheduler executes works in a copy that is deleted with its job: its
    project is that of the folder that the Jupyter server shows, or else the folder of all copies.
    """
    here = os.path.abspath(start if start is not None else working_folder())
    copies, name, _ = here.partition(f"{os.sep}{SCHEDULED}{os.sep}")
    if name:
        here = os.environ.get(SERVER_ROOT_VARIABLE) or os.path.join(copies, SCHEDULED)
    folder = here
    while not any(os.path.lexists(os.path.join(folder, mark)) for mark in ROOT_MARKS):
        above = os.path.dirname(folder)
        if above == folder:
            return Path(here)
        folder = above
    return Path(folder)


# ------------------------------------------------------------------------------ loading


def load_settings(start: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the project's settings file, then what the environment says (`MLTRACK_...`).

    Raises:
        SettingsError: the file is damaged, or a key or value is not known.
    """
    settings = _from_file(project_root(start))
    return _from_environment(settings, os.environ if environ is None else environ)


def _from_file(root: Path) -> Settings:
    for name, table in (("mltrack.toml", ()), ("pyproject.toml", ("tool", "mltrack"))):
        if not os.path.lexists(os.path.join(root, name)):  # asked before each cell: most have none
            continue
        path = root / name
        try:
            raw = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if table:
                continue
            raise SettingsError(
                f"The settings file {path} cannot be read: {error.strerror}.",
                "Make it readable, or remove it to use the defaults.",
            ) from error
        if table and b"mltrack" not in raw:
            continue
        text, content = _parse(path, raw)
        for key in table:
            content = content.get(key, {}) if isinstance(content, dict) else {}
        if content or not table:
            return _build(path, text, content)
    return Settings()


def _parse(path: Path, raw: bytes) -> tuple[str, dict[str, Any]]:
    import tomllib

    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            f"{path}, line {line}: not UTF-8 text.", "Save the file as UTF-8, or remove it."
        ) from error
    try:
        return text, tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"\(at line (\d+), column \d+\)", str(error))
        line = int(found.group(1)) if found else max(1, text.count("\n"))
        what = re.sub(r"\s*\(at [^)]*\)$", "", str(error))
        what = "".join(c for c in what if c.isprintable())[:200]
        raise SettingsError(
            f"{path}, line {line}: {what}.",
            "Correct that line, or remove the file to use the defaults.",
        ) from error


def _build(path: Path, text: str, content: dict[str, Any]) -> Settings:
    values: dict[str, Any] = {"source": path}
    known = [f.name for f in fields(Settings) if f.name != "source"]
    for key, value in content.items():
        if key not in known:
            raise _unknown(path, text, key, known)
        if key == "workspaces":
            values[key] = _named_workspaces(path, text, value)
            continue
        wanted = _TYPES[key]
        if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
            raise _wrong(path, text, key, value)
        values[key] = _checked(key, value, lambda k=key, v=value: _wrong(path, text, k, v))
    return Settings(**values)


def _named_workspaces(path: Path, text: str, value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise _wrong(path, text, "workspaces", value)
    for name, spec in value.items():
        if not isinstance(spec, str):
            raise _wrong(path, text, name, spec)
    return MappingProxyType(dict(value))


def _checked(key: str, value: Any, problem: Any) -> Any:
    if key == "params" and value not in ("auto", "none"):
        raise problem()
    if key == "view" and value not in VIEWS:
        raise problem()
    if key == "journal_max_bytes" and value < 0:
        raise problem()
    return value


def _from_environment(settings: Settings, environ: Mapping[str, str]) -> Settings:
    changed: dict[str, Any] = {}
    for variable in environ:
        key = _VARIABLES.get(variable)
        text = environ.get(variable) if key is not None else None
        if key is None or text is None:
            continue
        wanted = _TYPES[key]
        value: Any = text.strip()
        if wanted is bool:
            if value.lower() not in _TRUE | _FALSE:
                raise _wrong_variable(key, text)
            value = value.lower() in _TRUE
        elif wanted is int:
            if not value.isdecimal():
                raise _wrong_variable(key, text)
            value = int(value)
        elif not value:
            continue
        changed[key] = _checked(key, value, lambda k=key, t=text: _wrong_variable(k, t))
    return replace(settings, **changed) if changed else settings


# ----------------------------------------------------------------------------- problems

_WANTED = {
    "params": '"auto" or "none"',
    "view": "one of " + ", ".join(f'"{name}"' for name in VIEWS),
    "journal_max_bytes": "a whole number of bytes, 0 for no limit",
    "workspaces": 'a table of names, for example team = "https://mlflow.example.org"',
}


def _wanted(key: str) -> str:
    kinds = {str: 'a text in quotes, for example "name"', bool: "true or false"}
    return _WANTED.get(key) or kinds.get(_TYPES.get(key, str), "a text in quotes")


def _line_of(text: str, key: str) -> int:
    quoted = re.escape(key)
    pattern = re.compile(rf"^\s*(?:\[[^\]\n]*\b)?[\"']?{quoted}[\"']?\s*(?:=|\.|\])", re.MULTILINE)
    found = pattern.search(text)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def _unknown(path: Path, text: str, key: str, known: list[str]) -> SettingsError:
    import difflib

    near = difflib.get_close_matches(key.replace("-", "_").lower(), known, n=2, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Known keys: {', '.join(known)}."
    shown = "".join(c for c in key if c.isprintable())[:80]
    return SettingsError(
        f'{path}, line {_line_of(text, key)}: there is no setting "{shown}".', hint
    )


def _wrong(path: Path, text: str, key: str, value: Any) -> SettingsError:
    shown = repr(value)[:80]
    return SettingsError(
        f"{path}, line {_line_of(text, key)}: {key} cannot be {shown}.",
        f"It wants {_wanted(key)}.",
    )


def _wrong_variable(key: str, text: str) -> SettingsError:
    shown = "".join(c for c in text if c.isprintable())[:80]
    return SettingsError(
        f"The environment variable MLTRACK_{key.upper()} cannot be {shown!r}.",
        f"It wants {_wanted(key)}.",
    )
