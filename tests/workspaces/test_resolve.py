"""Which workspace is meant, and that its id does not depend on how it is spelled."""

import os
from pathlib import Path

import pytest

from jupyter_mltrack import wire, workspaces
from jupyter_mltrack.errors import UsageError, WorkspaceError
from jupyter_mltrack.workspaces.account import account_of


def test_without_anything_said_it_is_the_embedded_one_of_the_project(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    below = tmp_path / "notebooks"
    below.mkdir()
    found = workspaces.resolve(start=below)
    assert (found.kind, found.root, found.name) == ("local", tmp_path, tmp_path.name)
    assert found.tracking_uri == f"sqlite:///{tmp_path}/.mltrack/mlflow.db"
    assert found.artifact_uri("r1") == f"file://{tmp_path}/.mltrack/artifacts/r1/artifacts"
    assert not (tmp_path / ".mltrack").exists()


def test_argument_before_environment_before_settings_before_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mltrack.toml").write_text('tracking = "http://from.settings:5000"\n')
    assert workspaces.resolve(start=tmp_path).name == "from.settings:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://from.environment:5000")
    assert workspaces.resolve(start=tmp_path).name == "from.environment:5000"
    assert (
        workspaces.resolve("http://from.argument:5000", start=tmp_path).name == "from.argument:5000"
    )
    assert workspaces.resolve("local", start=tmp_path).kind == "local"


def test_a_name_from_the_settings_file_stands_for_its_address(tmp_path: Path) -> None:
    (tmp_path / "mltrack.toml").write_text(
        'tracking = "team"\n[workspaces]\nteam = "https://u:p@mlflow.example.org/x"\nother = "sub"\n'
    )
    (tmp_path / "sub").mkdir()
    found = workspaces.resolve(start=tmp_path)
    assert (found.name, found.display_uri) == ("team", "https://mlflow.example.org/x")
    assert found.tracking_uri == "https://u:p@mlflow.example.org/x"
    other = workspaces.resolve("other", start=tmp_path)
    assert (other.name, other.root) == ("other", tmp_path / "sub")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://Host.Example:80/ml/", "http://user:secret@host.example/ml"),
        ("https://h:443", "HTTPS://h/"),
        ("postgresql://a:b@h/db?password=x&sslmode=require", "postgresql://h/db?sslmode=require"),
        ("sqlite:///x.db", "sqlite:///./sub/../x.db"),
    ],
)
def test_spellings_of_one_address_have_one_id(one: str, other: str) -> None:
    assert workspaces.resolve(one).id == workspaces.resolve(other).id


def test_the_embedded_database_named_by_its_address_is_the_embedded_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/.mltrack/mlflow.db")
    assert workspaces.resolve() == workspaces.resolve(str(tmp_path))


def test_s28_display_address_and_meta_hold_no_password() -> None:
    for uri in (
        "https://user:canary-1@host/path",
        "postgresql://user:canary-2@host/db?sslpassword=canary-3",
        "mysql+pymysql://host/db?auth_token=canary-4&charset=utf8",
    ):
        found = workspaces.resolve(uri)
        assert "canary" not in found.display_uri
        assert "canary" not in found.name
        assert "user" not in found.display_uri


@pytest.mark.parametrize("spec", ["locl", "/no/such/place", "no such thing"])
def test_an_unknown_word_is_refused_in_two_lines(spec: str) -> None:
    with pytest.raises(UsageError) as error:
        workspaces.resolve(spec)
    assert len(str(error.value).splitlines()) == 2
    assert spec in str(error.value)


def test_a_near_name_is_offered(tmp_path: Path) -> None:
    (tmp_path / "mltrack.toml").write_text('[workspaces]\nteam = "http://x"\n')
    with pytest.raises(UsageError, match="Did you mean team"):
        workspaces.resolve("taem", start=tmp_path)


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(WorkspaceError, match="memory of one process"):
        workspaces.resolve("sqlite:///:memory:")


def test_a_folder_with_a_question_mark_or_spaces_still_has_a_workspace(tmp_path: Path) -> None:
    spaced = tmp_path / "my project é"
    asked = tmp_path / "why?"
    for folder in (spaced, asked):
        folder.mkdir()
    assert workspaces.resolve(str(spaced)).database == spaced / ".mltrack" / "mlflow.db"
    found = workspaces.resolve(str(asked))
    assert "question mark" in found.note
    assert found.database is not None
    assert "?" not in str(found.database)


def test_s20_a_planted_link_is_passed_by_and_said(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    project = tmp_path / "project"
    project.mkdir()
    os.symlink(victim, project / ".mltrack")
    found = workspaces.resolve(str(project))
    assert "it is a link or a file" in found.note
    assert found.database is not None
    assert project not in found.database.parents
    found.prepare()
    assert list(victim.iterdir()) == []
    assert found.is_ready()


def test_a_workspace_comes_back_from_a_journals_meta_with_credentials_of_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace = workspaces.resolve("https://user:word@host.example/ml")
    meta = wire.JournalMeta(
        format=1,
        journal_id="j",
        pid=1,
        host="h",
        boot_id="b",
        created_ms=1,
        tracking_uri=workspace.display_uri,
        workspace_id=wire.WorkspaceId(workspace.id),
        workspace_kind="mlflow",
        workspace_name=workspace.name,
        project_root="",
    )
    assert workspaces.from_meta(meta).tracking_uri == "https://host.example/ml"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://elsewhere.example")
    assert workspaces.from_meta(meta).tracking_uri == "https://host.example/ml"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://new:one@host.example/ml/")
    assert workspaces.from_meta(meta).tracking_uri == "https://new:one@host.example/ml/"


def test_links_to_runs_exist_only_where_there_is_a_page() -> None:
    web = workspaces.resolve("http://u:p@h:5000/")
    assert web.run_link("r", "7") == "http://h:5000/#/experiments/7/runs/r"
    assert workspaces.resolve("local").run_link("r", "7") is None


@pytest.mark.parametrize(
    ("address", "account"),
    [
        ("https://ada%40b:secret@mlflow.example.org/x", "ada@b"),
        ("https://mlflow.example.org", None),
        ("sqlite:////tmp/ada@b/mlflow.db", None),
    ],
)
def test_the_account_is_the_user_name_of_the_address(address: str, account: str | None) -> None:
    assert account_of(workspaces.resolve(address)) == account
