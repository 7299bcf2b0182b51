"""Which names go along with a cell, and which are refused."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.jobs import body, names, packing

SMALL = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("y = x + 1", ["x"]),
        ("x = 1\ny = x + 1", []),
        ("if a:\n    x = 1\n    print(x)", ["a"]),
        ("if a:\n    x = 1\nprint(x)", ["a", "x"]),
        ("for i in rows:\n    total = i\nprint(i)", ["rows", "i"]),
        ("def f(a):\n    b = a + base\n    return b\nbase = 1\nf(2)", []),
        ("def f(a):\n    return helper(a)\nf(2)", ["helper"]),
        ("[row for row in rows if row > low]", ["rows", "low"]),
        ("x += 1", ["x"]),
        ("import math\nmath.pi * r", ["r"]),
        ("with open('f') as file:\n    text = file.read()\ntext", []),
        ("class A(Base):\n    x = 1\n    y = x\n    def f(self):\n        return z", ["Base", "z"]),
        ("try:\n    go()\nexcept Error as e:\n    print(e)", ["go", "Error"]),
        ("lambda v, *a, k=default: v + k + other", ["default", "other"]),
        ("print(_12, get_ipython(), In)", []),
        ("a, (b, *c) = pair\nb, c", ["pair"]),
    ],
)
def test_a_cell_needs_what_it_reads_and_does_not_make(source: str, wanted: list[str]) -> None:
    assert names.needed(source) == wanted


def brought(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    body._read_values(folder, found, None)
    return found


def test_frames_go_as_parquet_and_what_two_names_share_is_shared_again(folder: Path) -> None:
    weights = [1.0, 2.0]
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index([5, 6], name="key"))
    space = {"model": {"weights": weights}, "optimizer": weights, "frame": frame, "re": pytest}
    packed = packing.pack(["model", "optimizer", "frame", "re", "gone"], space, folder, SMALL)
    assert packed.modules == {"re": "pytest"}
    assert [(one.name, one.kind) for one in packed.names] == [
        ("frame", "DataFrame"), ("model", "dict"), ("optimizer", "list"),
    ]  # fmt: skip
    found = brought(folder)
    assert found["model"]["weights"] is found["optimizer"]
    pd.testing.assert_frame_equal(found["frame"], frame)


def test_a_frame_that_parquet_would_change_is_pickled(folder: Path) -> None:
    mixed = pd.DataFrame({"a": [1, "x"], 3: [{1}, None]})
    packing.pack(["mixed"], {"mixed": mixed}, folder, SMALL)
    assert not list(folder.glob("*.parquet"))
    assert brought(folder)["mixed"].equals(mixed)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("lock", threading.Lock(), "lock (lock) cannot go along"),
        ("big", bytes(2 * SMALL), "big is too large to go along"),
        ("api_key", "0123456789abcdef", "api_key looks like a secret"),
        ("config", {"db": {"password": "hunter22"}}, "config['db']['password'] looks like"),
        ("words", ["ok", "ghp_" + "a" * 36], "words looks like a secret"),
    ],
)
def test_what_cannot_travel_is_refused_by_its_name(
    folder: Path, name: str, value: Any, says: str
) -> None:
    with pytest.raises(UsageError) as refused:
        packing.pack([name], {name: value, "fine": 1}, folder, SMALL)
    assert refused.value.message.startswith(says)
    assert refused.value.hint
    assert not list(folder.iterdir())


def test_s24_a_secret_within_a_function_does_not_travel(folder: Path) -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    exec("def call():\n    return 'sk-' + 'x', 'sk-abcdefghijklmnopqrstuvwxyz12'", space)
    with pytest.raises(UsageError, match="holds a secret"):
        packing.pack(["call"], space, folder, SMALL)
    assert not list(folder.iterdir())


def test_names_that_come_back_are_told_one_by_one(folder: Path) -> None:
    space = {"good": [1], "bad": threading.Lock(), "frame": pd.DataFrame({"a": [1]})}
    troubles = body.keep_names(folder, space, ["good", "bad", "frame", "gone"])
    assert len(troubles) == 2
    assert troubles[0].startswith("gone was not made")
    assert troubles[1].startswith("bad (lock) cannot be returned")
    assert set(brought(folder)) == {"good", "frame"}
