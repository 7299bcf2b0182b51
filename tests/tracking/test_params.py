"""Which assignments of a cell are its parameters."""

from __future__ import annotations

import pytest

from jupyter_mltrack.tracking.params import MAX_PARAMS, literal_params, named_params


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("lr = 0.01", {"lr": "0.01"}),
        ("n: int = 3", {"n": "3"}),
        (
            "a = -1; b = 1e-3; c = True; d = None; e = 'x'",
            {"a": "-1", "b": "0.001", "c": "True", "d": "None", "e": "x"},
        ),
        ("a, b = 1, 2", {"a": "1", "b": "2"}),
        ("a = b = 5", {"a": "5", "b": "5"}),
        ("layers = (64, 32)", {"layers": "(64, 32)"}),
        ("opts = {'a': [1, 2]}", {"opts": "{'a': [1, 2]}"}),
        ("lr = 1\nlr = 2", {"lr": "2"}),
        ("lr = 1\nlr = compute()", {}),
        ("n = 1\nn += 1", {}),
        ("for n in range(3):\n    k = 1", {}),
        ("def f():\n    x = 1", {}),
        ("_hidden = 1", {}),
        ("x = f(1)\ny = x", {}),
        ("a, *b = 1, 2, 3", {}),
        ("x.y = 1\nx[0] = 2", {}),
        ("await f()\nlr = 1", {"lr": "1"}),
        ("%time x = 1", {}),
        ("x = (", {}),
        ("x = '" + "a" * 1000 + "'", {}),
        ("x = " + "(" * 300 + ")" * 300, {}),
        ("x = \0", {}),
        ("", {}),
    ],
)
def test_top_level_literals_are_parameters(source: str, expected: dict[str, str]) -> None:
    assert literal_params(source) == expected


@pytest.mark.parametrize(
    "line",
    [
        "password = 'abc123'",
        "api_key = 'abc'",
        "TOKEN = 'abc'",
        "aws_secret_access_key = 'abc'",
        "note = 'sk-proj-abcdefghijklmnopqrstuvwxyz0123'",
        "url = 'postgresql://user:secretpw@host/db'",
        "cfg = {'password': 'x'}",
    ],
)
def test_s24_what_looks_like_a_secret_is_no_parameter(line: str) -> None:
    assert literal_params(f"lr = 1\n{line}") == {"lr": "1"}


def test_a_cell_with_thousands_of_literals_gives_some() -> None:
    source = "\n".join(f"v{i} = {i}" for i in range(5000))
    assert len(literal_params(source)) == MAX_PARAMS


def test_named_variables_are_read_and_missing_ones_told() -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError

    found = named_params(
        ["a", "b", "c", "password"], {"a": 1, "b": Broken(), "password": "hunter22"}
    )
    assert found == (
        {"a": "1", "b": "<Broken: ValueError>", "password": "[redacted: named like a secret]"},
        ["c"],
    )


def test_a_place_for_results_and_what_a_loop_changes_are_no_parameters() -> None:
    source = (
        "rate = 0.1\nlosses = []\nseen = {}\nbest = 0.0\ntotal = 0\n"
        "for step in range(3):\n    best = max(best, step)\n    total += step\n    losses.append(step)\n"
    )
    assert literal_params(source) == {"rate": "0.1"}
