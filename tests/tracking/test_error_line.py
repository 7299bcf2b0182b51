"""How an error is told in one line."""

from __future__ import annotations

import pytest

from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.tracking.leaving import error_line, outcome


def _noted(error: Exception, note: str) -> Exception:
    error.add_note(note)
    return error


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no"), "ValueError: no"),
        (KeyError("loss"), "KeyError: 'loss'"),
        (
            ValueError("types are not trusted.\n\nOnly add\nthose"),
            "ValueError: types are not trusted.",
        ),
        (RuntimeError("\n\n  CUDA out of memory\nmore"), "RuntimeError: CUDA out of memory"),
        (_noted(TypeError("a"), "while in step 3"), "TypeError: a"),
        (SyntaxError("bad", ("cell", 1, 1, "x =", 1, 2)), "SyntaxError: bad"),
        (pytest.UsageError("x"), "UsageError: x"),
        (UsageError("There is none.", "Make one."), "There is none."),
        (AssertionError(), "AssertionError"),
        (Broken(), "Broken: <exception str() failed>"),
    ],
)
def test_an_error_is_told_by_its_kind_and_the_first_line_of_what_it_says(
    error: Exception, line: str
) -> None:
    assert error_line(error) == line


def test_what_a_script_leaves_with_is_told_by_its_first_line() -> None:
    assert outcome(SystemExit("no data\nsee the log")) == ("FAILED", "SystemExit: no data")
