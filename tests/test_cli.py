"""`jupyter mltrack` as a person in a terminal meets it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import patience
import pytest

import jupyter_mltrack

JUPYTER = Path(sys.executable).with_name("jupyter")


def mltrack(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [JUPYTER.with_name("jupyter-mltrack"), *words],
        capture_output=True,
        text=True,
        timeout=patience.WAIT_S,
        check=False,
        env={**os.environ, **environment},
    )


def record(name: str = "one", loss: float = 0.5) -> str:
    with jupyter_mltrack.track(name) as run:
        run.log({"loss": loss})
    return run.run_id


def test_the_verbs_answer_on_stdout() -> None:
    run_id = record()
    listed = mltrack("runs")
    assert (listed.returncode, listed.stderr) == (0, "")
    assert "one" in listed.stdout
    assert run_id[:8] in listed.stdout
    assert run_id in mltrack("show", "last").stdout
    assert json.loads(mltrack("show", "best:loss", "--json").stdout)["summary"]["run_id"] == run_id
    assert mltrack("sync", "--wait").stdout.strip().endswith("nothing waits")


def test_a_filter_arrives_as_it_was_quoted() -> None:
    record("low", 0.1)
    record("high", 0.9)
    assert mltrack("sync", "--wait").returncode == 0
    found = json.loads(
        mltrack("runs", "metrics.loss < 0.5 and tags.`mlflow.runName` = 'low'", "--json").stdout
    )
    assert [run["name"] for run in found["runs"]] == ["low"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["rnus"], 2),
        (["runs", "--sortt", "x"], 2),
        (["show", "nobody"], 1),
        (["use", "no-such-place"], 2),
        (["auto", "on"], 2),
    ],
)
def test_trouble_is_two_lines_on_stderr_and_a_code(words: list[str], code: int) -> None:
    answer = mltrack(*words)
    assert (answer.returncode, answer.stdout) == (code, "")
    lines = answer.stderr.rstrip("\n").split("\n")
    assert len(lines) == 2
    assert "Traceback" not in answer.stderr
    assert "%mltrack" not in answer.stderr or words[0] == "auto"


def test_an_ambiguous_name_lists_its_choices_and_does_nothing() -> None:
    ids = [record("twin"), record("twin")]
    answer = mltrack("show", "twin")
    assert answer.returncode == 1
    assert all(run_id[:8] in answer.stderr for run_id in ids)


def test_a_choice_lasts_when_it_is_saved_and_says_so_when_it_is_not() -> None:
    assert "--save keeps it" in mltrack("experiment", "digits").stdout
    assert not Path("mltrack.toml").exists()
    assert "Kept" in mltrack("experiment", "digits", "--save").stdout
    assert "experiment: digits" in mltrack("status").stdout


def test_damaged_settings_are_two_lines() -> None:
    Path("mltrack.toml").write_text("tracking = \n")
    answer = mltrack("runs")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 2
    assert "mltrack.toml, line 1" in answer.stderr


def test_the_version_and_help_need_no_workspace() -> None:
    assert mltrack("--version").stdout.strip() == jupyter_mltrack.__version__
    assert "jupyter mltrack VERB" in mltrack("--help").stdout
    assert "--sort METRIC" in mltrack("runs", "--help").stdout


def test_the_package_is_the_same_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "jupyter_mltrack", "help", "runs"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, mltrack("help", "runs").stdout)


def test_a_reader_that_goes_away_and_a_terminal_without_unicode_do_no_harm() -> None:
    record("bête")
    piped = subprocess.run(
        f"'{JUPYTER}' mltrack runs --json | head -c 5; exit ${{PIPESTATUS[0]}}",
        shell=True, executable="/bin/bash", capture_output=True, text=True, timeout=patience.WAIT_S, check=False,
    )  # fmt: skip
    assert "Traceback" not in piped.stderr
    plain = mltrack("runs", PYTHONIOENCODING="ascii")
    assert plain.returncode == 0
    assert "b\\xeate" in plain.stdout


def test_an_unreachable_server_is_told_in_seconds_and_nothing_is_an_empty_list() -> None:
    answer = mltrack("runs", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.count("\n") == 2
    assert "cannot be reached" in answer.stderr


def test_an_interrupt_ends_it_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "import jupyter_mltrack.verbs.acts as a, sys, time\n"
         "a.runs = lambda **k: (print('now', flush=True), time.sleep(30))\n"
         "from jupyter_mltrack.cli import main\nsys.exit(main(['runs']))"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "now\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=patience.WAIT_S)
    assert (process.returncode, errors) == (130, "")
