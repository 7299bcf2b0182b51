"""What a page shows of an artifact: little of it, and nothing that runs."""

from __future__ import annotations

import base64
import io
import json
import os
import zlib

import patience
import pytest

from jupyter_mltrack.server import preview_tables
from jupyter_mltrack.server.artifacts import LocalSource
from jupyter_mltrack.server.previews import (
    HEAD_BYTES_MAX,
    TEXT_CHARACTERS_MAX,
    BytesSource,
    indented,
    preview,
)

RUN = "e" * 32


def png(width: int = 1, height: int = 1) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        whole = kind + data
        return len(data).to_bytes(4, "big") + whole + zlib.crc32(whole).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x00\x00\x00\x00"
    pixels = chunk(b"IDAT", zlib.compress(b"\x00\x00"))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + pixels + chunk(b"IEND", b"")


def seen(path: str, data: bytes | str):
    return preview(BytesSource(path, data.encode() if isinstance(data, str) else data))


KINDS = [
    ("a.txt", b"hello", "text", ""), ("notes", b"hello", "text", ""),
    ("train.py", b"import os", "code", "python"), ("MLmodel", b"flavors: {}", "code", "yaml"),
    ("q.sql", b"SELECT 1", "code", "sql"), ("a.xml", b"<?xml version='1.0'?><a/>", "code", "xml"),
    ("a.json", b'{"a": 1}', "json", "json"), ("a.json", b"{", "json", "json"),
    ("README.md", b"# Title", "markdown", ""), ("a.csv", b"a,b\n1,2\n", "table", ""),
    ("a.tsv", b"a\tb\n1\t2\n", "table", ""), ("a.jsonl", b'{"a":1}\n{"b":2}\n', "table", ""),
    ("a.html", b"<script>alert(1)</script>", "html", ""),
    ("a.HTM", b"<p>", "html", ""), ("a.svg", b"<svg onload='alert(1)'/>", "svg", ""),
    ("a.png", png(), "image", ""), ("named.txt", png(), "image", ""),
    ("a.gif", b"GIF89a\x01\x00\x01\x00", "image", ""), ("a.jpg", b"\xff\xd8\xff\xe0", "image", ""),
    ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image", ""),
    ("a.png", b"<script>alert(1)</script>", "text", ""), ("a.pdf", b"%PDF-1.7\n", "binary", ""),
    ("model.pkl", b"\x80\x05\x95\x00\x00", "binary", ""), ("a.zip", b"PK\x03\x04\x00\x00", "binary", ""),
    ("a.parquet", b"PAR1 no table PAR1", "binary", ""), ("a.ipynb", b"no notebook", "text", ""),
    ("empty.txt", b"", "text", ""), ("huge.png", png(60_000, 60_000), "binary", ""),
]  # fmt: skip


@pytest.mark.parametrize(("path", "data", "kind", "language"), KINDS)
def test_the_kind_of_an_artifact_is_told_by_its_bytes_and_its_name(path, data, kind, language):
    found = seen(path, data)
    assert (found.kind, found.language, found.size_bytes) == (kind, language, len(data))


def test_a_picture_is_an_address_made_of_its_own_bytes():
    data = png()
    assert seen("a.png", data).data_url == (
        "data:image/png;base64," + base64.b64encode(data).decode()
    )
    assert seen("a.png", png() + b"\0" * (5 << 20)).data_url == ""


def test_text_is_cut_and_its_terminal_escapes_are_gone():
    found = seen("a.log", "\x1b[31mred\x1b[0m\r\nnext\rlast \x1b]0;title\x07 \x08")
    assert found.text == "red\nnext\nlast  \ufffd"
    long = seen("a.txt", "x" * (TEXT_CHARACTERS_MAX + 1))
    assert (len(long.text), long.truncated) == (TEXT_CHARACTERS_MAX, True)
    assert seen("a.txt", "\ufeffé".encode("utf-16")).text == "é"
    assert seen("a.txt", b"caf\xe9 au lait").text == "caf\ufffd au lait"


def test_json_gets_lines_and_keeps_every_number_as_it_was_written():
    text = '{"a":[1.10,1e400,{"b":"x, [y]: \\" z"}],"c":{},"d":[],"e":' + "1" * 200 + "}"
    shown = seen("a.json", text).text
    assert "".join(shown.split()) == "".join(text.split())
    assert shown.splitlines()[:4] == ["{", '  "a": [', "    1.10,", "    1e400,"]
    assert '"c": {},' in shown
    assert indented('{\n "a": 1\n}') == '{\n "a": 1\n}'
    assert seen("a.json", "[" * 100_000).kind == "json"


def test_a_table_has_at_most_200_rows_and_50_columns():
    wide = ",".join(f"c{number}" for number in range(60))
    rows = "\n".join(",".join(["v"] * 60) for _ in range(300))
    found = seen("a.csv", f"{wide}\n{rows}\n")
    assert (len(found.columns), len(found.rows), len(found.rows[0])) == (50, 200, 50)
    assert (found.row_count, found.truncated) == (300, True)
    small = seen("a.csv", 'a;b\n"1;\n2";<b>\n')
    assert (small.columns, small.rows, small.row_count) == (["a", "b"], [["1; 2", "<b>"]], 1)


def test_the_last_row_of_a_cut_table_is_left_out():
    data = b"a,b\n" + b"1234567,1234567\n" * (HEAD_BYTES_MAX // 16 + 10)
    found = seen("a.csv", data)
    assert (len(found.rows), found.row_count, found.truncated) == (200, None, True)
    long = b"a\n" + b"x" * HEAD_BYTES_MAX
    assert seen("a.csv", long).kind in ("table", "text")


def test_mlflows_own_tables_and_json_lines_are_tables():
    found = seen("eval.json", json.dumps({"columns": ["q", "a"], "data": [["x", {"k": 1}]]}))
    assert (found.kind, found.columns, found.rows) == ("table", ["q", "a"], [["x", '{"k": 1}']])
    lines = seen("a.jsonl", '{"__proto__": 1}\n{"b": null}\n3\n')
    assert lines.columns == ["__proto__", "b", "value"]
    assert lines.rows == [["1", "", ""], ["", "", ""], ["", "", "3"]]


def test_the_head_of_a_parquet_file_is_a_table():
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    table = pa.table({"a": list(range(1_000)), "b": ["é"] * 1_000, "c": [{"x": 1}] * 1_000})
    pq.write_table(table, file, row_group_size=500)
    found = seen("a.parquet", file.getvalue())
    assert (found.kind, found.columns) == ("table", ["a", "b", "c"])
    assert found.rows[:2] == [["0", "é", '{"x": 1}'], ["1", "é", '{"x": 1}']]
    assert (len(found.rows), found.row_count, found.truncated) == (200, 1_000, True)
    damaged = bytearray(file.getvalue())
    damaged[-40:-8] = b"\xff" * 32
    assert seen("a.parquet", bytes(damaged)).kind == "binary"


def test_a_parquet_file_that_unfolds_to_more_than_memory_allows_is_refused(monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    table = pa.table({"a": pa.array(["x" * (160 << 20)], pa.large_string())})
    pq.write_table(table, file, compression="zstd", use_dictionary=False, write_statistics=False)
    del table
    assert len(file.getvalue()) < 5 << 20
    assert len(seen("a.parquet", file.getvalue()).rows[0][0]) == 300
    monkeypatch.setattr(preview_tables, "MEMORY_BYTES_MAX", 100 << 20)
    found = seen("a.parquet", file.getvalue())
    assert (found.kind, found.rows, found.truncated) == ("binary", [], True)


def test_a_notebook_shows_sources_plain_text_and_pictures_only():
    picture = base64.b64encode(png()).decode()
    data = {
        "image/png": picture, "text/plain": "figure", "text/html": "<script>alert(1)</script>",
    }  # fmt: skip
    outputs = [
        {"output_type": "stream", "text": ["a\n", "\x1b[1mb\x1b[0m"]},
        {"output_type": "display_data", "data": data},
        {"output_type": "display_data", "data": {"image/png": base64.b64encode(b"<svg/>").decode(), "text/plain": "no picture"}},
        {"output_type": "execute_result", "data": {"text/html": "<b>", "application/javascript": "alert(1)"}},
        {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["\x1b[31mE: v\x1b[0m"]},
        7,
    ]  # fmt: skip
    cells = [
        {"cell_type": "markdown", "source": "# <img src=x onerror=alert(1)>"},
        {"cell_type": "code", "source": ["x = 1\n", "y"], "outputs": outputs},
        {"cell_type": "odd"},
        "no cell",
    ]
    found = seen("a.ipynb", json.dumps({"cells": cells, "nbformat": 4}))
    assert found.kind == "notebook"
    assert [(one.kind, one.source) for one in found.cells] == [
        ("markdown", "# <img src=x onerror=alert(1)>"),
        ("code", "x = 1\ny"),
        ("raw", ""),
    ]
    assert found.cells[1].outputs == ["a\nb", "no picture", "E: v"]
    assert found.cells[1].images == [f"data:image/png;base64,{picture}"]
    assert "script" not in str(found.cells[1])


def test_of_five_gigabytes_only_the_head_is_read(workspace):
    folder = workspace.root / ".mltrack" / "artifacts" / RUN / "artifacts"
    folder.mkdir(parents=True)
    for name in ("huge.txt", "huge.csv", "huge.ipynb", "huge.json", "huge.bin", "huge.parquet"):
        with open(folder / name, "wb") as file:
            file.write(b"a,b\n" if not name.endswith("bin") else b"\0\1")
            file.write(b"1,2\n" * HEAD_BYTES_MAX)
            file.truncate(5 << 30)
        watch = patience.Watch()
        source = LocalSource(workspace, folder.as_uri(), name)
        found = preview(source)
        source.close()
        assert found.size_bytes == 5 << 30
        assert len(found.text) <= TEXT_CHARACTERS_MAX
        assert found.truncated or found.kind == "binary"
        assert watch.took_s < 20
        os.unlink(folder / name)
