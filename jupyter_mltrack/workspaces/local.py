"""Make the embedded workspace: a private folder, a database with MLflow's own schema, artifacts.

MLflow's own code makes the schema, once per MLflow version, in a process of its own and into a
template; every further project gets a copy of the template, which takes milliseconds and no
import of MLflow. A database that is there already is never replaced: an older one is upgraded by
MLflow's own migrations after a copy was set aside, a newer one is refused in two lines.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mltrack.errors import WorkspaceError
from jupyter_mltrack.settings import data_dir, ensure_private_dir

if TYPE_CHECKING:
    from jupyter_mltrack.workspaces.resolve import Workspace

TESTED_SCHEMAS = frozenset({"dc11669786a5"})
"""Alembic revisions whose tables the bulk path writes exactly as MLflow does (held by tests)."""
_SCHEMA_LIMIT_S = 180.0


def schema_of(database: Path, timeout_s: float = 1.0) -> str | None:
    """Return the revision of MLflow's schema in a database; None when there is none.

    Raises:
        sqlite3.Error: it is locked, damaged, or no SQLite file at all.
    """
    if not database.is_file() or database.stat().st_size == 0:
        return None
    connection = sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=timeout_s)
    try:
        rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return None
        raise
    finally:
        connection.close()
    return str(rows[0][0]) if rows else None


def is_ready(workspace: Workspace) -> bool:
    """Say whether the database is there with the schema of the MLflow that is installed."""
    database = workspace.database
    if database is None:
        return True
    try:
        found = schema_of(database, timeout_s=0.05)
    except (sqlite3.Error, OSError):
        return False
    return found is not None and (found in TESTED_SCHEMAS or found == installed_schema())


def installed_schema() -> str | None:
    """Return the schema of the installed MLflow; None as long as there is no template of it."""
    template = _find_template()
    return template.stem.rpartition("-")[2] if template else None


# ------------------------------------------------------------------------------ prepare


def prepare(workspace: Workspace) -> None:
    """Make folder and database; does nothing where they are there."""
    database = workspace.database
    if database is None:
        return
    if workspace.kind == "local":
        _prepare_folder(database.parent)
    try:
        found = schema_of(database)
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            return  # somebody is at work in it, so it is there
        raise _unusable(database, error) from error
    except sqlite3.Error as error:
        raise _unusable(database, error) from error
    if found is None:
        if database.exists() and database.stat().st_size:
            _let_mlflow("initialize", database, workspace)
        else:
            _copy_template(workspace, database)
    elif found not in TESTED_SCHEMAS and found != installed_schema():
        _make_template()
        if found != installed_schema():
            _upgrade(workspace, database)


def _prepare_folder(folder: Path) -> None:
    ensure_private_dir(folder)
    ensure_private_dir(folder / "artifacts")
    ignore = folder / ".gitignore"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        handle = os.open(ignore, flags, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write("*\n")


def _copy_template(workspace: Workspace, database: Path) -> None:
    template = _find_template() or _make_template()
    handle, name = tempfile.mkstemp(prefix=f".{database.name}.", dir=database.parent)
    try:
        with os.fdopen(handle, "wb") as target, template.open("rb") as source:
            shutil.copyfileobj(source, target)
        _set_artifact_root(name, workspace)
        _sync_file(name)
        try:
            os.link(name, database)  # fails where another process was first: theirs is as good
        except FileExistsError:
            if database.stat().st_size == 0:
                os.replace(name, database)
                return
    finally:
        for leftover in (name, f"{name}-wal", f"{name}-shm"):
            Path(leftover).unlink(missing_ok=True)


def _set_artifact_root(name: str, workspace: Workspace) -> None:
    """Point the default experiment's artifacts at this workspace, as MLflow itself does."""
    root = workspace.artifact_root or os.path.join(os.getcwd(), "mlruns")
    now_ms = int(time.time() * 1000)
    connection = sqlite3.connect(name, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute(
            "UPDATE experiments SET artifact_location = ?, creation_time = ?, last_update_time = ?"
            " WHERE experiment_id = 0",
            (f"{root}/0", now_ms, now_ms),
        )
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _sync_file(name: str) -> None:
    handle = os.open(name, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ----------------------------------------------------------------------------- template


def mlflow_version() -> str:
    """Return the version of the installed MLflow without importing it."""
    from importlib.metadata import PackageNotFoundError, version

    for name in ("mlflow", "mlflow-skinny"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    raise WorkspaceError(
        "MLflow is not installed, so there is no place for runs.", "Install it: pip install mlflow"
    )


def templates_dir() -> Path:
    """Where templates lie: `$MLTRACK_TEMPLATES_DIR` (from an image), else with the data."""
    chosen = os.environ.get("MLTRACK_TEMPLATES_DIR")
    return Path(os.path.abspath(chosen)) if chosen else data_dir() / "templates"


def _find_template() -> Path | None:
    found = sorted(templates_dir().glob(f"mlflow-{mlflow_version()}-*.db"))
    return found[-1] if found else None


def _make_template() -> Path:
    """Let MLflow make an empty database, once per version; safe when several do it at once."""
    found = _find_template()
    if found:
        return found
    folder = templates_dir()
    ensure_private_dir(folder)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=folder) as place:
        made = Path(place) / "mlflow.db"
        run_mlflow("create", made, "mltrack-template")
        head = schema_of(made)
        if head is None:
            raise WorkspaceError(
                f"MLflow {mlflow_version()} made a database without a schema.",
                "Try: mlflow ui --backend-store-uri sqlite:///mlflow.db, and read what it says.",
            )
        connection = sqlite3.connect(made, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
            connection.execute("VACUUM")
        finally:
            connection.close()
        target = folder / f"mlflow-{mlflow_version()}-{head}.db"
        os.chmod(made, 0o600)
        os.replace(made, target)
    return target


def run_mlflow(act: str, database: Path, artifact_root: str) -> None:
    """Let MLflow create, initialize or upgrade a database, in a process of its own.

    Raises:
        WorkspaceError: MLflow could not; the message is MLflow's own, shortened.
    """
    command = [sys.executable, "-P", "-m", "jupyter_mltrack.workspaces.schema"]
    command += [act, str(database), artifact_root]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
    here = str(Path(__file__).resolve().parents[2])
    path = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = f"{path}{os.pathsep}{here}" if path else here
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SCHEMA_LIMIT_S,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WorkspaceError(
            f"MLflow did not make its database {database} within {_SCHEMA_LIMIT_S:.0f} s.",
            "Is the machine very busy, or the folder on a slow disk? Try again: %mltrack sync",
        ) from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
        raise WorkspaceError(
            f"MLflow could not {act} the database {database}: {lines[-1][:300]}",
            "The recorded points are kept and sent when it can be used.",
        )


def _let_mlflow(act: str, database: Path, workspace: Workspace) -> None:
    run_mlflow(act, database, workspace.artifact_root or os.path.join(os.getcwd(), "mlruns"))


def _upgrade(workspace: Workspace, database: Path) -> None:
    found = schema_of(database)
    if workspace.kind != "local":
        raise WorkspaceError(
            f"The database {database} has not the schema of MLflow {mlflow_version()} but {found}.",
            f"Make a copy, then: mlflow db upgrade sqlite:///{database}",
        )
    backup = database.with_name(f"{database.stem}-{found}.backup.db")
    if not backup.exists():
        _backup(database, backup)
    _let_mlflow("upgrade", database, workspace)


def _backup(database: Path, backup: Path) -> None:
    handle, name = tempfile.mkstemp(prefix=".backup-", dir=database.parent)
    os.close(handle)
    source, target = sqlite3.connect(database), sqlite3.connect(name)
    try:
        source.backup(target)
    finally:
        source.close()
        target.close()
    os.replace(name, backup)


def _unusable(database: Path, error: sqlite3.Error) -> WorkspaceError:
    return WorkspaceError(
        f"The database {database} cannot be used: {str(error)[:200]}.",
        "Move it away to start a new one; what is recorded meanwhile is kept.",
    )
