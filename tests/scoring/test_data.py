"""Data as people name it: every kind of value and file means the same rows."""

from __future__ import annotations

import functools
import gc
import gzip
import http.server
import json
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from jupyter_mltrack.errors import NotFound, Unreachable, UsageError
from jupyter_mltrack.scoring import readers
from jupyter_mltrack.scoring.data import NamedData, batches, describe, frame, open_data

ROWS = pd.DataFrame({"a": range(10), "b": np.linspace(0, 1, 10), "c": list("abcdefghij")})


def write(kind: str) -> str:
    """The rows in a file of this ending; its name."""
    name = f"rows{kind}"
    if kind in (".csv", ".csv.gz"):
        ROWS.to_csv(name, index=False)
    elif kind == ".tsv":
        ROWS.to_csv(name, index=False, sep="\t")
    elif kind == ".parquet":
        ROWS.to_parquet(name)
    elif kind == ".jsonl":
        ROWS.to_json(name, orient="records", lines=True)
    elif kind == ".json":
        ROWS.to_json(name, orient="records")
    else:
        ROWS.to_feather(name)
    return name


@pytest.mark.parametrize(
    "kind", [".csv", ".csv.gz", ".tsv", ".parquet", ".jsonl", ".json", ".feather"]
)
def test_a_file_of_any_kind_gives_the_same_rows(kind: str) -> None:
    name = write(kind)
    pd.testing.assert_frame_equal(frame(name), ROWS)
    assert [len(part) for part in batches(name, 4)] == [4, 4, 2]
    pd.testing.assert_frame_equal(pd.concat(batches(name, 4), ignore_index=True), ROWS)
    assert frame(name, columns=["c", "a"]).columns.tolist() == ["c", "a"]
    pd.testing.assert_frame_equal(frame(name, limit_rows=3), ROWS.iloc[:3])
    assert open_data(name).schema().names == ["a", "b", "c"]


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        NamedData(ROWS, "rows"),
        ROWS.to_dict("records"),
        ROWS.to_dict("list"),
        pa.Table.from_pandas(ROWS),
        {name: ROWS[name].to_numpy() for name in ROWS},
    ],
)
def test_a_value_of_any_kind_gives_the_same_rows(value: object) -> None:
    pd.testing.assert_frame_equal(frame(value), ROWS, check_dtype=False)
    assert [len(part) for part in batches(value, 4)] == [4, 4, 2]


def test_small_values_are_read_as_one_expects() -> None:
    assert frame({"a": 1, "b": "x"}).to_dict("records") == [{"a": 1, "b": "x"}]
    assert frame(pd.Series([1, 2], name="a")).columns.tolist() == ["a"]
    assert frame(np.ones((3, 2))).shape == (3, 2)
    assert frame([{"a": 1}, {"a": 2, "b": 3}]).shape == (2, 2)


def test_a_frame_in_memory_keeps_its_index_and_is_not_copied() -> None:
    shuffled = ROWS.sample(frac=1.0, random_state=1)
    assert frame(shuffled) is shuffled
    assert pd.concat(batches(shuffled, 3)).index.tolist() == shuffled.index.tolist()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (NamedData(ROWS, "rows"), "rows"),
        (ROWS, "DataFrame of 10 x 3"),
        ([1, 2], "list of 2"),
        ("a/b.csv", "a/b.csv"),
        ("https://me:secret@host/x.csv?sig=secret", "https://host/x.csv"),
        ("a\x1b[31m.csv", "a\\x1b[31m.csv"),
    ],
)
def test_data_is_called_by_a_name_that_can_be_shown(data: object, words: str) -> None:
    assert describe(data) == words


def test_a_folder_as_spark_writes_it_is_read_whole() -> None:
    ROWS.assign(day=["x", "y"] * 5, hour=[1, 2] * 5).to_parquet(
        "parts", partition_cols=["day", "hour"]
    )
    Path("parts/_SUCCESS").touch()
    Path("parts/day=x/.part.crc").touch()
    found = frame("parts")
    assert found.columns.tolist() == ["a", "b", "c", "day", "hour"]
    assert sorted(found["a"]) == list(range(10))
    assert found["hour"].dtype == "int64"
    assert set(zip(found["day"], found["hour"], strict=True)) == {("x", 1), ("y", 2)}
    assert len(frame("parts/day=x")) == 5
    assert len(frame("parts/*/*/*.parquet")) == 10
    assert frame("parts", columns=["hour"]).columns.tolist() == ["hour"]


def test_files_of_one_source_must_have_the_same_columns() -> None:
    ROWS.to_parquet("1.parquet")
    ROWS.rename(columns={"a": "z"}).to_parquet("2.parquet")
    with pytest.raises(UsageError, match=r"The files of \*.parquet have not the same columns"):
        frame("*.parquet")


def test_a_csv_column_gets_a_type_that_holds_all_its_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readers, "BLOCK_BYTES", 1 << 12)
    lines = ["number,text,late,empty"]
    lines += [f"{at},{at},,\n"[:-1] for at in range(5000)]
    lines += ["0.5,word,7,"]
    Path("late.csv").write_text("\n".join(lines) + "\n")
    found = pd.concat(batches("late.csv", 500), ignore_index=True)
    assert found["number"].dtype == "float64"
    assert found["number"].tolist()[-2:] == [4999.0, 0.5]
    assert found["text"].tolist()[-2:] == ["4999", "word"]
    assert found["late"].isna().sum() == 5000
    assert found["late"].iloc[-1] == 7
    assert found["empty"].isna().all()


def test_json_lines_get_a_type_that_holds_all_their_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(readers, "LOOKED_ROWS", 10)
    values = [*range(100), 0.5]
    Path("x.jsonl").write_text("\n".join(json.dumps({"x": x, "id": "007"}) for x in values))
    found = pd.concat(batches("x.jsonl", 25), ignore_index=True)
    assert found["x"].tolist() == values
    assert set(found["id"]) == {"007"}


def test_a_line_break_in_quotes_and_a_semicolon_are_understood() -> None:
    Path("x.csv").write_text('a;b\n1;"two\nlines"\n')
    assert frame("x.csv").to_dict("records") == [{"a": 1, "b": "two\nlines"}]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"PAR1 this is none", "x.parquet"),
        (b"", "x.parquet"),
        (b"", "x.csv"),
        (b"{", "x.json"),
        (b"a\n\xff\xfe\n", "x.csv"),
        (b"a,b\n1\n", "x.csv"),
        (b"no arrow", "x.feather"),
        (b'{"a": 1}\nno json\n', "x.jsonl"),
        (gzip.compress(b"a\n1\n", mtime=0)[:-9], "x.csv.gz"),
        (b"3", "x.json"),
    ],
)
def test_a_damaged_file_is_said_in_two_lines(content: bytes, name: str) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        frame(name)
    assert name in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "kind", "message", "hint"),
    [
        ("rows.cvs", NotFound, "There is no file 'rows.cvs'.", "Did you mean rows.csv?"),
        ("row", NotFound, "There is no variable and no file 'row'.", "Did you mean rows.csv?"),
        ("nowhere/x.csv", NotFound, "There is no folder 'nowhere'.", "Paths begin at"),
        ("*.parquet", NotFound, "No file fits *.parquet.", "Paths begin at"),
        ("empty", NotFound, "There is no file in empty.", "Name a file"),
        ("x.doc", UsageError, "x.doc ends in '.doc', which says no kind of data.", ".parquet"),
        ("mixed", UsageError, "mixed holds files of several kinds: csv, json.", "one kind"),
        (5, UsageError, "int holds no rows: it is a int.", "Data is a frame"),
        (NamedData(None, "v"), UsageError, "v holds no rows: it is a NoneType.", "Data is a frame"),
        ({"a": [1, 2], "b": [1]}, UsageError, "dict of 2 cannot be read as rows", "Rows are"),
        (np.ones((2, 2, 2)), UsageError, "cannot be read as rows", "Rows are"),
        ("ftp://x/y.csv", UsageError, "is no address that can be read", "https://"),
    ],
)
def test_what_is_no_data_is_refused_with_what_is_near(
    data: object, kind: type[Exception], message: str, hint: str
) -> None:
    ROWS.to_csv("rows.csv")
    Path("x.doc").touch()
    Path("empty").mkdir()
    Path("mixed").mkdir()
    Path("mixed/a.csv").write_text("a\n1\n")
    Path("mixed/b.json").write_text("[]")
    with pytest.raises(kind) as caught:
        frame(data)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_two_columns_of_one_name_are_refused() -> None:
    Path("x.csv").write_text("a,a\n1,2\n")
    with pytest.raises(UsageError, match=r"x\.csv has two columns 'a'"):
        frame("x.csv")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """An address under which the folder's files are."""
    folder = tmp_path / "served"
    folder.mkdir()
    ROWS.to_csv(folder / "rows.csv", index=False)
    handler = functools.partial(QuietHandler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def test_an_address_is_fetched_and_read_and_nothing_is_left(
    served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    pd.testing.assert_frame_equal(frame(f"{served}/rows.csv?token=secret"), ROWS)
    with pytest.raises(Unreachable, match="could not be fetched: File not found") as caught:
        frame(f"{served}/other.csv?token=secret")
    assert "secret" not in str(caught.value)
    gc.collect()
    assert list(place.iterdir()) == []


def test_a_file_address_is_a_path(tmp_path: Path) -> None:
    ROWS.to_parquet(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(frame(f"file://{tmp_path}/rows.parquet"), ROWS)
