"""The embedded workspace: private, made by MLflow's own code, never replaced."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jupyter_mltrack import workspaces
from jupyter_mltrack.errors import WorkspaceError
from jupyter_mltrack.workspaces import local

_PLAIN = """
import sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
assert type(client._tracking_client.store).__module__.startswith("mlflow."), "decorated"
experiment = client.get_experiment("0")
run = client.create_run("0", run_name="plain")
client.log_metric(run.info.run_id, "loss", 0.5)
client.log_text(run.info.run_id, "hello", "a/b.txt")
print(experiment.name, experiment.artifact_location)
print([f.path for f in client.list_artifacts(run.info.run_id, "a")], client.get_run(run.info.run_id).data.metrics)
"""


def _project(place: Path, name: str = "project") -> workspaces.Workspace:
    folder = place / name
    folder.mkdir()
    return workspaces.resolve(str(folder))


def test_it_is_private_and_ignores_itself(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        workspace = _project(tmp_path)
        workspace.prepare()
    finally:
        os.umask(before)
    folder = tmp_path / "project" / ".mltrack"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir()]}
    assert modes == {".mltrack": 0o700, ".gitignore": 0o600, "mlflow.db": 0o600, "artifacts": 0o700}
    assert (folder / ".gitignore").read_text() == "*\n"
    assert workspace.is_ready()


def test_git_sees_nothing_of_it(tmp_path: Path) -> None:
    workspace = _project(tmp_path)
    subprocess.run(["git", "init", "-q", str(workspace.root)], check=True)
    workspace.prepare()
    done = subprocess.run(
        ["git", "-C", str(workspace.root), "status", "--short", "-uall"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""


def test_plain_mlflow_uses_it_as_it_is(tmp_path: Path) -> None:
    workspace = _project(tmp_path)
    workspace.prepare()
    done = subprocess.run(
        [sys.executable, "-c", _PLAIN, workspace.tracking_uri],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == [
        f"Default file://{tmp_path}/project/.mltrack/artifacts/0",
        "['a/b.txt'] {'loss': 0.5}",
    ]
    assert (tmp_path / "project" / ".mltrack" / "artifacts" / "0").is_dir()


def test_the_second_project_needs_no_mlflow(tmp_path: Path) -> None:
    _project(tmp_path, "one").prepare()
    (tmp_path / "two").mkdir()
    code = (
        "import sys, time\n"
        "from jupyter_mltrack import workspaces\n"
        f"w = workspaces.resolve({str(tmp_path / 'two')!r})\n"
        "begun = time.process_time(); w.prepare(); took = time.process_time() - begun\n"
        "print('mlflow' in sys.modules, 'sqlalchemy' in sys.modules, took < 0.5, w.is_ready())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True", "True"]


def test_the_schema_is_the_one_the_bulk_path_was_tested_with(tmp_path: Path) -> None:
    workspace = _project(tmp_path)
    workspace.prepare()
    assert workspace.database is not None
    assert local.schema_of(workspace.database) in local.TESTED_SCHEMAS, (
        "This MLflow has another schema: run the tests of the bulk path against it, then add its "
        "revision to TESTED_SCHEMAS in jupyter_mltrack/workspaces/local.py"
    )


def test_several_at_once_make_one_database(tmp_path: Path) -> None:
    workspace = _project(tmp_path)
    errors: list[BaseException] = []

    def prepare() -> None:
        try:
            workspace.prepare()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=prepare) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    folder = tmp_path / "project" / ".mltrack"
    assert sorted(p.name for p in folder.iterdir()) == [".gitignore", "artifacts", "mlflow.db"]


def test_what_is_in_a_database_stays_when_it_is_prepared_again(tmp_path: Path) -> None:
    workspace = _project(tmp_path)
    workspace.prepare()
    assert workspace.database is not None
    with sqlite3.connect(workspace.database) as connection:
        connection.execute("UPDATE experiments SET name = 'mine'")
    workspace.prepare()
    with sqlite3.connect(workspace.database) as connection:
        assert connection.execute("SELECT name FROM experiments").fetchall() == [("mine",)]


def test_a_damaged_database_is_refused_in_two_lines_and_left_alone(tmp_path: Path) -> None:
    workspace = _project(tmp_path)
    assert workspace.database is not None
    workspace.database.parent.mkdir(mode=0o700)
    workspace.database.write_bytes(b"this is not a database" * 100)
    with pytest.raises(WorkspaceError) as error:
        workspace.prepare()
    assert len(str(error.value).splitlines()) == 2
    assert workspace.database.read_bytes().startswith(b"this is not")
    assert not workspace.is_ready()


def test_a_database_of_a_newer_mlflow_is_refused_in_two_lines(tmp_path: Path) -> None:
    workspace = _project(tmp_path)
    workspace.prepare()
    assert workspace.database is not None
    with sqlite3.connect(workspace.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'ffffffffffff'")
    assert not workspace.is_ready()
    with pytest.raises(WorkspaceError) as error:
        workspace.prepare()
    first, _ = str(error.value).splitlines()
    assert "newer MLflow (schema ffffffffffff)" in first
    assert "pip install --upgrade mlflow" in first


def test_a_database_of_an_older_mlflow_is_upgraded_and_a_copy_kept(tmp_path: Path) -> None:
    workspace = _project(tmp_path)
    database = workspace.database
    assert database is not None
    older = _make_older(database)
    assert not workspace.is_ready()
    workspace.prepare()
    assert workspace.is_ready()
    assert local.schema_of(database.with_name(f"mlflow-{older}.backup.db")) == older


_OLDER = """
import sys
from alembic import command
from alembic.script import ScriptDirectory
from mlflow.store.db import utils
from mlflow.store.tracking.dbmodels.initial_models import Base
uri = "sqlite:///" + sys.argv[1]
engine = utils.create_sqlalchemy_engine_with_retry(uri)
Base.metadata.create_all(engine)
config = utils._get_alembic_config(uri)
older = ScriptDirectory.from_config(config).get_revision("head").down_revision
with engine.begin() as connection:
    config.attributes["connection"] = connection
    command.upgrade(config, older)
print(older)
"""


def _make_older(database: Path) -> str:
    database.parent.mkdir(mode=0o700)
    command = [sys.executable, "-c", _OLDER, str(database)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_project_keeps_its_runs_in_the_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    folder.chmod(0o555)
    workspace = workspaces.resolve(str(folder))
    assert "read-only" in workspace.note
    workspace.prepare()
    assert workspace.is_ready()


def test_a_project_on_a_read_only_disk_keeps_its_runs_in_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    real = os.access

    def access(path: object, mode: int) -> bool:
        return Path(str(path)) != folder and real(str(path), mode)

    monkeypatch.setattr(os, "access", access)
    workspace = workspaces.resolve(str(folder))
    assert workspace.note == (
        f"{folder}/.mltrack cannot be used (the folder is read-only): runs of this project are kept in "
        f"{workspace.database.parent if workspace.database else None}."
    )
    workspace.prepare()
    assert workspace.is_ready()
    assert list(folder.iterdir()) == []


def test_s20_a_link_planted_at_the_last_moment_is_refused_and_its_victim_unchanged(
    tmp_path: Path,
) -> None:
    workspace = _project(tmp_path)
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "mlflow.db").write_text("precious")
    os.symlink(victim, tmp_path / "project" / ".mltrack")
    before = os.umask(0)
    try:
        with pytest.raises(WorkspaceError, match="it is a link or a file") as error:
            workspace.prepare()
    finally:
        os.umask(before)
    assert len(str(error.value).splitlines()) == 2
    assert {path.name: path.read_text() for path in victim.iterdir()} == {"mlflow.db": "precious"}
