"""The runner of `make test`: all parts run, and its last lines say what failed."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import parts
import pytest
from parts import Part

ONE = """
import os, pathlib, pytest
def test_that_passes(): pass
def test_that_fails():
    for number in range(50): print("printed", number)
    assert 1 == 2, "one is " + "really, " * 20 + "not two"
@pytest.mark.skip(reason="there is no moon")
def test_on_the_moon(): pass
def test_that_is_late_once():
    seen = pathlib.Path(__file__).with_suffix(".seen")
    if not seen.exists():
        seen.touch()
        raise TimeoutError
"""
TWO = """
import os
def test_that_ends_the_process(): os._exit(7)
"""
PAGE = """
print(" FAIL  src/text.test.ts > words > are read")
print("      Tests  1 failed | 12 passed (13)")
raise SystemExit(1)
"""


def test_every_part_runs_and_the_last_lines_name_what_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "test_one.py").write_text(ONE)
    (tmp_path / "test_two.py").write_text(TWO)
    here = Path(sys.executable).parent
    code = parts.run(
        [
            [
                parts.pytest_part("one", here, "test_one.py"),
                parts.pytest_part("two", here, "test_two.py"),
            ],
            [
                Part("page", [sys.executable, "-c", PAGE]),
                Part("nowhere", [str(tmp_path / "nothing")]),
                Part("fine", [sys.executable, "-c", "print(1)"]),
            ],
        ]
    )
    shown = capsys.readouterr().out.splitlines()
    assert code == 1
    end = shown.index("Failed:")
    assert shown[end + 1 :] == [
        "  one-alone  test_one.py::test_that_fails - AssertionError: one is "
        + "really, " * 20
        + "not two",
        "  two  ended with exit code 7: test_two.py::test_that_ends_the_process ",
        "  page  src/text.test.ts > words > are read",
        "  nowhere  could not be run: No such file or directory",
        "tests: 14 passed, 2 failed, 1 skipped",
    ]
    alone = shown.index("Passed alone, not beside others:")
    assert shown[alone + 1] == "  one  test_one.py::test_that_is_late_once - TimeoutError"
    assert "printed 49" in shown
    assert "printed 20" not in shown  # what one test printed is cut short
    assert any("] one: 2 failed, 1 passed, 1 skipped in " in line for line in shown)
    assert any("] one-alone: 1 failed, 1 passed" in line for line in shown)


def test_a_run_in_which_all_passed_ends_with_the_sum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    page = "print('      Tests  12 passed (12)')"
    assert parts.run([[Part("page", [sys.executable, "-c", page])]]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith("tests: 12 passed, 0 failed, 0 skipped\n")
    assert "Failed" not in shown
    assert list(tmp_path.glob("mltrack-tests-*")) == []
