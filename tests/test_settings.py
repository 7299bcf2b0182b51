"""What the user has chosen is found, and what is wrong with it is said in two lines."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mltrack import settings
from jupyter_mltrack.errors import SettingsError, WorkspaceError


def _lines(error: pytest.ExceptionInfo[SettingsError]) -> list[str]:
    return str(error.value).splitlines()


def test_defaults_hold_where_nothing_is_said() -> None:
    assert settings.load_settings() == settings.Settings()


def test_the_file_is_found_from_a_folder_below(tmp_path: Path) -> None:
    (tmp_path / "mltrack.toml").write_text('experiment = "digits"\nautolog = true\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    found = settings.load_settings(below)
    assert (found.experiment, found.autolog, found.source) == (
        "digits",
        True,
        tmp_path / "mltrack.toml",
    )


def test_pyproject_is_read_and_mltrack_toml_comes_before_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mltrack]\nexperiment = "one"\n')
    assert settings.load_settings(tmp_path).experiment == "one"
    (tmp_path / "mltrack.toml").write_text('experiment = "two"\n')
    assert settings.load_settings(tmp_path).experiment == "two"


def test_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    (tmp_path / "mltrack.toml").write_text('experiment = "file"\nquiet = true\n')
    environ = {
        "MLTRACK_EXPERIMENT": "env",
        "MLTRACK_QUIET": "off",
        "MLTRACK_JOURNAL_MAX_BYTES": "5",
    }
    found = settings.load_settings(tmp_path, environ)
    assert (found.experiment, found.quiet, found.journal_max_bytes) == ("env", False, 5)


def test_a_damaged_file_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mltrack.toml").write_text('experiment = "x"\nautolog = = true\n')
    with pytest.raises(SettingsError) as error:
        settings.load_settings(tmp_path)
    first, second = _lines(error)
    assert first.startswith(f"{tmp_path}/mltrack.toml, line 2: ")
    assert second


def test_bytes_that_are_no_text_are_named_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "mltrack.toml").write_bytes(b'experiment = "x"\n# \xff\xfe\n')
    with pytest.raises(SettingsError, match="line 2: not UTF-8"):
        settings.load_settings(tmp_path)


def test_a_damaged_pyproject_that_is_not_ours_is_left_to_its_owner(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert settings.load_settings(tmp_path) == settings.Settings()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            '\nexperimnt = "x"\n',
            'line 2: there is no setting "experimnt".',
            "Did you mean experiment?",
        ),
        ("zzz = 1\n", 'line 1: there is no setting "zzz".', "Known keys: tracking,"),
        ("autolog = 1\n", "line 1: autolog cannot be 1.", "It wants true or false."),
        (
            'quiet = true\nparams = "all"\n',
            "line 2: params cannot be 'all'.",
            'It wants "auto" or "none".',
        ),
        (
            "journal_max_bytes = true\n",
            "line 1: journal_max_bytes cannot be True.",
            "whole number of bytes",
        ),
        ("[workspaces]\nteam = 3\n", "line 2: team cannot be 3.", "It wants a text in quotes"),
    ],
)
def test_what_is_wrong_with_a_key_is_said_with_what_it_wants(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    (tmp_path / "mltrack.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        settings.load_settings(tmp_path)
    first, second = _lines(error)
    assert message in first
    assert hint in second


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="MLTRACK_AUTOLOG cannot be 'maybe'"):
        settings.load_settings(environ={"MLTRACK_AUTOLOG": "maybe"})


def test_a_project_begins_at_the_nearest_mark_upward(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert settings.project_root(below) == tmp_path
    (tmp_path / "a" / "pyproject.toml").touch()
    assert settings.project_root(below) == tmp_path / "a"


def test_without_a_mark_the_folder_itself_is_the_project(tmp_path: Path) -> None:
    assert settings.project_root(tmp_path) == tmp_path


def test_the_project_of_a_scheduled_copy_is_not_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = tmp_path / "data" / "scheduler_staging_area"
    copy = copies / "0b5c-job" / "inner"
    copy.mkdir(parents=True)
    (copy / "mltrack.toml").touch()  # packaged with the notebook
    shown = tmp_path / "project" / "notebooks"
    shown.mkdir(parents=True)
    (shown.parent / "pyproject.toml").touch()
    monkeypatch.delenv("MLTRACK_SERVER_ROOT", raising=False)
    assert settings.project_root(copy) == copies
    monkeypatch.setenv("MLTRACK_SERVER_ROOT", str(shown))
    assert settings.project_root(copy) == shown.parent


def test_importing_settings_takes_only_the_standard_library() -> None:
    code = (
        "import sys, jupyter_mltrack.settings\n"
        "print([m for m in ('msgspec', 'mlflow', 'jupyter_core', 'tomllib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_s20_folders_are_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        settings.ensure_private_dir(settings.data_dir() / "a" / "b")
    finally:
        os.umask(before)
    for folder in ("", "a", "a/b"):
        assert stat.S_IMODE((settings.data_dir() / folder).stat().st_mode) == 0o700


def test_s20_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o755)
    os.symlink(victim, tmp_path / "planted")
    with pytest.raises(WorkspaceError, match="it is a link or a file"):
        settings.ensure_private_dir(tmp_path / "planted")
    assert stat.S_IMODE(victim.stat().st_mode) == 0o755
    assert list(victim.iterdir()) == []


def test_s20_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    with pytest.raises(WorkspaceError, match="others may write to it"):
        settings.ensure_private_dir(open_to_all)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of somebody else")
def test_s20_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir(mode=0o700)
    os.chown(foreign, 12345, 12345)
    with pytest.raises(WorkspaceError, match="belongs to another user"):
        settings.ensure_private_dir(foreign)
