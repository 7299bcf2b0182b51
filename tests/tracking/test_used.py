"""What a cell used: its names, samples and digests of data, files, and the order of cells."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import patience
import pytest
import scipy.sparse as sp

from jupyter_mltrack.tracking.used import datasets, files, ledger, samples, uses
from jupyter_mltrack.tracking.used.names import names_of, with_functions


@pytest.mark.parametrize(
    ("source", "needs", "stores"),
    [
        ("y = x + 1\nz = y", {"x"}, {"y", "z"}),
        ("x += 1", {"x"}, {"x"}),
        ("df['a'] = 1", {"df"}, set()),
        ("for i in rows:\n    t = i", {"rows"}, {"i", "t"}),
        ("s = [w for w in words if w in known]", {"words", "known"}, {"s"}),
        ("def f(a=d):\n    return a + g", {"d", "g"}, {"f"}),
        ("import numpy as np, os.path\nfrom a import b as c", set(), {"np", "os", "c"}),
        ("with open(p) as h:\n    t = await h.read()", {"open", "p"}, {"h", "t"}),
        ("try:\n    a\nexcept E as e:\n    pass", {"a", "E"}, {"e"}),
        ("match v:\n    case [q, *r]: pass", {"v"}, {"q", "r"}),
        ("text = '\\d'  # x", set(), {"text"}),
        ("x = = 1", set(), set()),
    ],
)
def test_names_of_a_cell_are_told_from_its_source(
    source: str, needs: set[str], stores: set[str], recwarn: pytest.WarningsRecorder
) -> None:
    found = names_of(source)
    assert (set(found.needs), set(found.stores)) == (needs, stores)
    assert not recwarn.list  # the user was warned of odd escapes already


def test_names_that_the_notebooks_own_functions_use_are_used() -> None:
    space: dict[str, Any] = {"df": 1, "other": 2}
    exec("def inner(): return df\ndef outer(): return (lambda: inner())()", space)
    assert {"inner", "df"} <= with_functions({"outer"}, space)
    assert "other" not in with_functions({"outer"}, space)


def of(value: Any, name: str = "v") -> dict[str, Any]:
    return datasets.of_sample(samples.take(name, value), {})


def test_digests_of_small_data_are_those_of_mlflow() -> None:
    from mlflow.data.digest_utils import compute_numpy_digest, compute_pandas_digest

    chance = np.random.default_rng(7)
    frame = pd.DataFrame({"b": chance.random(50), "a": range(50), "t": ["x", "yy"] * 25})
    for one in (frame, pd.DataFrame(chance.random((300, 12))), frame[["t"]]):
        assert of(one)["digest"] == compute_pandas_digest(one)
    for array in (
        chance.random(9),
        np.arange(60).reshape(3, 20),
        np.arange(4) > 1,
        np.float32([1]),
    ):
        assert of(array)["digest"] == compute_numpy_digest(array)


def test_schemas_and_profiles_are_read_by_mlflow() -> None:
    from mlflow.types.schema import Schema

    frame = pd.DataFrame({
        "d": pd.date_range("2020", periods=3), "c": pd.Categorical(["u", "v", "u"]),
        "o": [1, None, "x"], "b": [True, False, True], "i": np.array([1, 2, 3], dtype="int32"),
    })  # fmt: skip
    made = of(frame, "table")
    said = json.loads(made["schema"])["mlflow_colspec"]
    Schema.from_json(json.dumps(said))
    kinds = {one["name"]: one["type"] for one in said}
    assert kinds == {"d": "datetime", "c": "string", "o": "any", "b": "boolean", "i": "integer"}
    assert json.loads(made["profile"]) == {"num_rows": 3, "num_elements": 15}
    tensor = json.loads(of(np.zeros((5, 2, 3)))["schema"])["mlflow_tensorspec"]["features"]
    assert Schema.from_json(tensor).inputs[0].shape == (-1, 2, 3)


def test_a_change_of_any_value_of_small_data_changes_its_digest() -> None:
    frame = pd.DataFrame({
        "d": pd.date_range("2020", periods=4), "c": pd.Categorical(list("uvuv")),
        "b": [True, False, True, True], "m": [1, "x", None, 2.5], "n": [1.0, 2.0, 3.0, 4.0],
    })  # fmt: skip
    seen = {of(frame)["digest"]}
    others = {"d": pd.Timestamp("1999"), "c": "v", "b": False, "m": "other", "n": 9.0}
    for name, value in others.items():
        other = frame.copy()
        other.loc[2 if name == "b" else 0, name] = value
        seen.add(of(other)["digest"])
    assert len(seen) == 6
    matrix = sp.csr_matrix(np.eye(5))
    moved = sp.csr_matrix(np.eye(5)[::-1])
    assert of(matrix)["digest"] != of(moved)["digest"]


def test_ten_million_rows_take_milliseconds_and_the_run_says_what_was_left_out() -> None:
    frame = pd.DataFrame({"a": np.arange(10_000_000), "b": np.zeros(10_000_000)})
    samples.take("frame", frame)
    watch = patience.Watch()
    assert frame.to_numpy().tobytes()
    all_s = watch.took_s  # what it takes to look at every value once
    watch.restart()
    sample = samples.take("frame", frame)
    took_s = watch.took_s
    made = datasets.of_sample(sample, {})
    assert took_s < all_s / 4
    profile = json.loads(made["profile"])
    assert profile["num_rows"] == 10_000_000
    assert profile["note"] == "digest of 9,984 of 10,000,000 rows"
    frame.loc[9_999_999, "b"] = 1.0
    assert of(frame)["digest"] != made["digest"]  # the last row is always looked at
    assert "digest of 9,984 of 5,000,000 rows" in of(np.ones((5_000_000, 2)))["profile"]
    wide = json.loads(of(pd.DataFrame(np.ones((3, 2_000))))["profile"])["note"]
    assert wide == "digest of 1,000 of 2,000 columns; 500 of 2,000 columns named"
    assert "part of its values" in of(np.zeros((1, 1 << 23), dtype="u1"))["profile"]


def test_values_that_fail_or_refer_to_themselves_do_no_harm() -> None:
    class Angry:
        def __repr__(self) -> str:
            raise RuntimeError

        __str__ = __hash__ = __repr__  # type: ignore[assignment]

    loop: list[Any] = []
    loop.append(loop)
    column = pd.Series([loop, Angry(), lambda: 1, None], name="odd")
    first = of(column.to_frame(), "odd")
    assert first == of(column.to_frame(), "odd")
    assert of(column, "odd")["digest"] == first["digest"]
    odd = np.empty(3, dtype=object)
    odd[:] = [loop, Angry(), 1]
    assert of(odd)["digest"] == of(odd)["digest"]
    assert samples.data_in({"_hidden": odd, "one": np.float64(1), "n": np.zeros(1), "no": 3}) == {}


def test_secrets_in_names_of_columns_are_not_written() -> None:
    secret = "ghp_" + "Zz9" * 12
    assert secret not in json.dumps(of(pd.DataFrame({secret: [1, 2]})))
    assert secret not in json.dumps(datasets.of_file(secret, f"https://x/{secret}", "d", {}))


def test_a_frame_of_polars_is_data_too() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"a": [1, 2], "t": ["x", "y"]})
    made = of(frame)
    said = json.loads(made["schema"])["mlflow_colspec"]
    assert [(one["name"], one["type"]) for one in said] == [("a", "long"), ("t", "string")]
    assert of(frame.with_columns(a=pl.Series([1, 3])))["digest"] != made["digest"]
    assert "9,984 of 300,000" in of(pl.DataFrame({"a": range(300_000)}))["profile"]


# --------------------------------------------------------------------------------- files


class Context:
    def __init__(self) -> None:
        import threading

        self.is_worker, self.pid, self.thread = False, os.getpid(), threading.get_ident()
        self.threads_before: frozenset[int] = frozenset()


def test_files_that_are_read_are_heard_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".hidden").mkdir()
    for name in ("a.csv", "b.npy", "mltrack.toml", ".env", ".hidden/c.csv"):
        (tmp_path / name).write_bytes(b"1,2\n")
    images = [tmp_path / "images" / f"{at}.png" for at in range(files.SHOWN_MAX + 1)]
    images[0].parent.mkdir()
    heard = files.OpenedFiles(Context())  # type: ignore[arg-type]
    heard.begin()
    Path("a.csv").read_text()
    open(b"b.npy", "rb").close()
    Path("out.csv").write_text("1")
    Path("out.csv").read_text()
    for path in images:
        path.touch()
    for name in ("mltrack.toml", ".env", ".hidden/c.csv", os.__file__, "/etc/hostname"):
        Path(name).read_text()
    heard.end()
    heard.end()
    Path("mltrack.toml").rename("late.csv").read_text()
    assert heard.add(["late.csv", "https://host/x.csv", "gone.csv"]) == ["https://host/x.csv"]
    for path in images:
        heard.read[str(path)] = None
    found = files.by_folder(files.data_files(heard, tmp_path, []))
    assert [files.shown_path(path, tmp_path) for path, _ in found] == [
        "a.csv", "b.npy", "late.csv", "images",
    ]  # fmt: skip
    digest, profile = files.describe(*found[-1])
    assert profile == {"size_bytes": 0, "note": "11 files; digest of their names and sizes"}
    assert files.describe("a.csv", ["a.csv"])[0] != digest
    assert files.data_files(heard, tmp_path, [tmp_path]) == []


def test_of_a_large_file_parts_are_read(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(files.WHOLE_BYTES_MAX + 5)
    digest, profile = files.describe(str(large), [str(large)])
    assert profile["note"] == "digest of 16 MB of 64 MB"
    with large.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    assert files.describe(str(large), [str(large)])[0] != digest


# --------------------------------------------------------------------------------- order


def notebook(path: Path, *cells: tuple[str, str]) -> None:
    content = [{"cell_type": "code", "id": one, "source": text} for one, text in cells]
    path.write_text(json.dumps({"cells": [*content, {"cell_type": "markdown", "source": "x"}]}))
    soon_s = time.time() + 5
    os.utime(path, (soon_s, soon_s))


def test_names_of_cells_edited_deleted_or_further_below_are_told(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    kernel = ledger.CellLedger(lambda: ["early = 1\n", "%load_ext x"], lambda: str(path))
    kernel.note(3, "a", "x = 1\nkept = 1")
    kernel.note(4, "b", "%%track\ny = 2")
    kernel.note(5, "c", "z = 3")
    cell = kernel.note(6, "here", "x, y, z")
    names = ["x", "y", "z", "kept", "early", "unknown"]
    assert kernel.doubts(cell, names) == ""  # nobody knows where the notebook is
    stands = (("a", "x = 1\nkept = 1"), ("b", "%%track\ny = 2"), ("c", "z = 3"), ("here", "x, y"))
    notebook(path, *stands)
    assert kernel.doubts(cell, names) == ""
    notebook(path, ("a", "x = 1\nkept = 1"), ("here", "x, y"), ("c", "z = 3"), ("b", "y = 9"))
    assert kernel.doubts(cell, names) == (f"y from {ledger.EDITED}; z from {ledger.BELOW}")
    notebook(path, ("a", "x = 1\nkept = 1"), ("here", "x, y"))
    assert kernel.doubts(cell, names) == f"y, z from {ledger.DELETED}"
    os.utime(path, (1, 1))  # saved before any of it ran: it says nothing
    assert kernel.doubts(cell, names) == ""
    kernel.note(7, "a", "kept = 1")
    again = kernel.note(8, "here", "x, y, z")
    assert kernel.doubts(again, names) == f"x from {ledger.EDITED}"
    kernel.note(9, "c", "del x")
    assert kernel.doubts(kernel.note(10, "here", "x"), ["x"]) == ""
    path.write_text("{")
    assert kernel.doubts(again, names) == f"x from {ledger.EDITED}"


def test_without_ids_cells_are_told_by_their_source(tmp_path: Path) -> None:
    path = tmp_path / "n.ipynb"
    kernel = ledger.CellLedger(notebook=lambda: str(path))
    kernel.note(1, "vscode-notebook-cell:/n.ipynb#W0", "x = 1")
    cell = kernel.note(2, None, "print(x)")
    notebook(path, ("p", "print(x)"), ("q", "x = 1"))
    assert kernel.doubts(cell, ["x"]) == f"x from {ledger.BELOW}"
    notebook(path, ("p", "print(x)"), ("q", "x = 2"))
    assert kernel.doubts(cell, ["x"]) == f"x from {ledger.GONE}"
    notebook(path, ("p", "print(x)"), ("q", "x = 1"), ("r", "x = 1"))
    assert kernel.doubts(cell, ["x"]) == ""  # which of the two it was cannot be told


def test_what_jupyter_keeps_for_itself_is_no_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jupyter_core.paths  # noqa: F401  # a kernel has it loaded

    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    assert tmp_path / "runtime" in uses._jupyter_folders(tmp_path)
    assert tmp_path / "runtime" not in uses._jupyter_folders(tmp_path / "runtime" / "project")
