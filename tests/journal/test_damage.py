"""A journal that is cut, flipped, overwritten or forged: read what is whole, believe nothing else."""

from __future__ import annotations

import json
import math
import os
import random
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from journal_rig import WORKSPACE, events, points, read_all, small_segments

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Damage, Event, Journal, JournalReader, Rows
from jupyter_mltrack.journal import format as fmt

KEYS = tuple(f"metric {i}" for i in range(98))


def frames_of(path: Path) -> list[tuple[int, int, int]]:
    """(kind, offset, end of payload) of each frame of an undamaged segment."""
    raw = path.read_bytes()
    at, frames = fmt.HEADER_BYTES, []
    while at + fmt.HEAD_BYTES <= len(raw):
        magic, kind, _, length, _ = fmt.HEAD.unpack_from(raw, at)
        if magic == 0:
            break
        assert magic == fmt.MAGIC
        frames.append((kind, at, at + fmt.HEAD_BYTES + length))
        at = fmt.aligned(at + fmt.HEAD_BYTES + length)
    return frames


def flat(records: list[Rows | Event]) -> list[object]:
    """One entry for each row and each event."""
    found: list[object] = []
    for record in records:
        if isinstance(record, Rows):
            found += zip(record.steps, record.values, strict=True)
        else:
            found.append(record.event)
    return found


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A closed journal of one segment, 64 KiB, of wide rows and a few events."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLTRACK_DATA_DIR", str(tmp_path_factory.mktemp("large")))
        journal = Journal.create(WORKSPACE)
        random.seed(1)
        sink = journal.sink("run")
        while journal.position()[1] < (64 << 10) - 5_000:
            sink.append({key: random.random() for key in KEYS})
            tags = {"text": "x" * random.randrange(40, 4_000)}
            journal.event(wire.RunTags(run_id=wire.RunId("run"), tags=tags))
        journal.close()
    return journal.path


@pytest.mark.parametrize("quarter", range(4))
def test_s22_journal_cut_at_every_byte(large: Path, tmp_path: Path, quarter: int) -> None:
    segment = large / "00000001.seg"
    raw = segment.read_bytes()
    whole = flat(read_all(large)[0])
    ends = [end for kind, _, end in frames_of(segment) if kind in (fmt.ROW, fmt.EVENT)]
    assert len(ends) == len(whole)
    assert len(raw) > 60_000
    cut = tmp_path / "cut"
    cut.mkdir()
    target = cut / "00000001.seg"
    first, last = len(raw) * quarter // 4, len(raw) * (quarter + 1) // 4
    target.write_bytes(raw[:last])
    kept = sum(end <= last for end in ends)
    for size in range(last, first - 1, -1):
        os.truncate(target, size)
        fewer = kept and ends[kept - 1] > size
        kept -= bool(fewer)
        batch = JournalReader(cut).read((1, 0))
        found = flat(batch.records)
        # Every value is compared whenever the set of records changes, and now and then besides.
        if fewer or size % 64 == 0:
            assert found == whole[:kept], size
        assert len(found) == kept, size
        assert found[-1:] == whole[:kept][-1:], size
        assert sum(damage.length for damage in batch.damaged) <= 4_200


@pytest.fixture
def small(private_place: Path) -> Path:
    """A closed journal of about 4 KiB: rows of two runs, events, in two segments."""
    journal = small_segments()
    for i in range(6):
        journal.sink("one").append({"a": i / 3, "b": -i / 7}, i, 1_000 + i)
        journal.sink("two").append({"c": math.pi * i}, i, 2_000 + i)
        journal.event(wire.RunTags(run_id=wire.RunId("one"), tags={"n": str(i)}))
    space = journal._space
    end = space.current.used
    assert space.go_on(space.current, 0)
    for i in range(6, 16):
        journal.sink("one").append({"a": i / 3, "b": -i / 7}, i, 1_000 + i)
        journal.sink("two").append({"c": math.pi * i}, i, 2_000 + i)
    journal.close()
    os.truncate(journal.path / "00000001.seg", end)
    return journal.path


def test_s22_every_bit_of_a_journal_flipped(small: Path) -> None:
    before, damaged = read_all(small)
    assert not damaged
    whole = flat(before)
    flips = 0
    for name in ("00000001.seg", "00000002.seg"):
        segment = small / name
        raw = bytearray(segment.read_bytes())
        counted = [f for f in frames_of(segment) if f[0] in (fmt.ROW, fmt.EVENT)]
        base = 0 if name[7] == "1" else len(whole) - len(counted)
        handle = os.open(segment, os.O_WRONLY)
        for at in range(len(raw)):
            hit = [i for i, (_, begin, end) in enumerate(counted) if begin <= at < end]
            expected = whole[: base + hit[0]] + whole[base + hit[0] + 1 :] if hit else whole
            for bit in range(8):
                os.pwrite(handle, bytes((raw[at] ^ 1 << bit,)), at)
                batch = JournalReader(small).read()
                assert flat(batch.records) == expected, (name, at, bit)
                assert not hit or [d.segment for d in batch.damaged] == [int(name[:8])]
                flips += 1
            os.pwrite(handle, raw[at : at + 1], at)
        os.close(handle)
    assert flips > 20_000
    assert flat(read_all(small)[0]) == whole


@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"\xf9\xfe", b"\xf9\xfe\x01\x00"])
def test_s22_a_lost_page_costs_only_the_records_in_it(
    large: Path, tmp_path: Path, filler: bytes
) -> None:
    whole = flat(read_all(large)[0])
    raw = (large / "00000001.seg").read_bytes()
    ends = [f for f in frames_of(large / "00000001.seg") if f[0] in (fmt.ROW, fmt.EVENT)]
    (tmp_path / "page").mkdir()
    target = tmp_path / "page" / "00000001.seg"
    for page in range(2, 15):
        begin, end = page * 4096, page * 4096 + 4096
        page_raw = (filler * 4096)[:4096]
        target.write_bytes(raw[:begin] + page_raw + raw[end:])
        records, damage = read_all(tmp_path / "page")
        kept = [r for r, (_, a, b) in zip(whole, ends, strict=True) if b <= begin or a >= end]
        assert flat(records) == kept
        assert [(d.segment, d.offset <= begin, d.offset + d.length >= end) for d in damage] == [
            (1, True, True)
        ]


def test_s22_damage_is_told_once_and_kept_aside_only_on_request(small: Path) -> None:
    segment = small / "00000001.seg"
    _kind, begin, end = [f for f in frames_of(segment) if f[0] == fmt.EVENT][1]
    raw = segment.read_bytes()
    segment.write_bytes(raw[: begin + 20] + b"?" + raw[begin + 21 :])
    reader = JournalReader(small)
    batch = reader.read()
    assert batch.damaged == [Damage(1, begin, fmt.aligned(end) - begin, "no whole frame")]
    assert reader.read(batch.cursor).damaged == []
    assert not (small / "damaged").exists()
    aside = reader.keep_aside(batch.damaged[0])
    assert aside is not None
    assert aside.read_bytes() == segment.read_bytes()[begin : fmt.aligned(end)]
    assert aside.stat().st_mode & 0o777 == 0o600
    assert aside.parent.stat().st_mode & 0o777 == 0o700
    assert reader.keep_aside(batch.damaged[0]) == aside


def test_s22_names_lost_in_one_segment_are_found_in_another(small: Path) -> None:
    before = flat(read_all(small)[0])
    segment = small / "00000002.seg"
    raw = bytearray(segment.read_bytes())
    for kind, begin, end in frames_of(segment):
        if kind in (fmt.RUN, fmt.SCHEMA):
            raw[begin:end] = bytes(end - begin)
    segment.write_bytes(raw)
    assert flat(read_all(small)[0]) == before
    alone = read_all(small, cursor=(2, 0))[0]
    assert flat(alone) == before[-20:]


def test_s22_a_damaged_name_costs_nothing_even_in_the_only_segment(small: Path) -> None:
    (small / "00000002.seg").unlink()
    segment = small / "00000001.seg"
    raw = segment.read_bytes()
    whole = flat(read_all(small)[0])
    handle = os.open(segment, os.O_WRONLY)
    for kind, begin, end in frames_of(segment):
        for at in range(begin, end) if kind in (fmt.RUN, fmt.SCHEMA, fmt.META) else ():
            os.pwrite(handle, bytes((raw[at] ^ 0x10,)), at)
            assert flat(JournalReader(small).read().records) == whole, at
            os.pwrite(handle, raw[at : at + 1], at)
    os.close(handle)


def test_s22_rows_whose_names_are_nowhere_are_damage_not_guesses(small: Path) -> None:
    for name in ("00000001.seg", "00000002.seg"):
        raw = bytearray((small / name).read_bytes())
        for kind, begin, end in frames_of(small / name):
            if kind == fmt.SCHEMA and b'"c"' in raw[begin:end]:
                raw[begin:end] = bytes(end - begin)
        (small / name).write_bytes(raw)
    records, damaged = read_all(small)
    assert [key for _, _, key, _ in points(records)] == ["a", "b"] * 16
    assert len(events(records)) == 6
    assert sum(d.length for d in damaged if d.reason == "rows whose names are lost") == 16 * 48


def test_s22_damage_in_a_journal_that_is_being_written_does_not_stop_the_reader() -> None:
    journal = Journal.create(WORKSPACE)
    sink = journal.sink("run")
    for i in range(10):
        sink.append({"a": float(i)}, i)
    at = journal.position()[1] - 5 * 48
    handle = os.open(journal.path / "00000001.seg", os.O_RDWR)
    os.pwrite(handle, bytes(48), at)  # zeros, where others wait for the writer
    journal.sync()
    reader = JournalReader(journal.path)
    batch = reader.read()
    assert [step for _, step, _, _ in points(batch.records)] == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert batch.damaged == [Damage(1, at, 48, "no whole frame")]
    sink.append({"a": 10.0}, 10)
    assert [step for _, step, _, _ in points(reader.read(batch.cursor).records)] == [10]
    os.close(handle)
    journal.close()


def test_s22_half_a_frame_at_the_end_of_a_living_journal_is_waited_for() -> None:
    journal = Journal.create(WORKSPACE)
    journal.sink("run").append({"a": 1.0}, 0)
    reader = JournalReader(journal.path)
    cursor = reader.read().cursor
    row = fmt.row_codec(1).pack(1 | 2 << 32, 1, 5, 2.0)
    whole = fmt.frame(fmt.ROW, row)
    handle = os.open(journal.path / "00000001.seg", os.O_RDWR)
    for cut in range(1, len(whole)):  # as another process would see it in mid-copy
        os.pwrite(handle, whole[:cut], cursor[1])
        batch = reader.read(cursor)
        assert batch.cursor in (cursor, (1, cursor[1] + len(whole)))
        if batch.cursor != cursor:
            assert cut >= 44
            assert [value for *_, value in points(batch.records)] == [2.0]
        assert not batch.damaged
    os.close(handle)
    journal.close()


def forged(folder: Path, *frames: bytes, header: bytes | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    head = fmt.header(1, 0) if header is None else header
    (folder / "00000001.seg").write_bytes(head + b"".join(frames))
    return folder


GOOD = (
    fmt.frame(fmt.RUN, fmt.run_payload(1, "run"))
    + fmt.frame(fmt.SCHEMA, fmt.schema_payload(2, ["a"]))
    + fmt.frame(fmt.ROW, fmt.row_codec(1).pack(1 | 2 << 32, 7, 8, 9.0))
)


@pytest.mark.parametrize(
    "bad",
    [
        fmt.frame(fmt.SCHEMA, b'{"no":3,"keys":[1,2]}'),
        fmt.frame(fmt.SCHEMA, b'{"no":3,"keys":"ab"}'),
        fmt.frame(fmt.SCHEMA, b'{"no":"3","keys":["a"]}'),
        fmt.frame(fmt.SCHEMA, b"[" * 200_000),
        fmt.frame(fmt.SCHEMA, b"\xff\xfe"),
        fmt.frame(fmt.RUN, b'{"no":4}'),
        fmt.frame(fmt.RUN, b"null"),
        fmt.frame(fmt.EVENT, b"{}"),
        fmt.frame(fmt.EVENT, b'{"type":"run_eaten","run_id":"x"}'),
        fmt.frame(fmt.EVENT, b"[" * 200_000),
        fmt.frame(fmt.EVENT, b'{"type":"run_tags","run_id":1,"tags":[]}'),
        fmt.frame(fmt.ROW, b""),
        fmt.frame(fmt.ROW, bytes(24)),
        fmt.frame(fmt.ROW, bytes(31)),
        fmt.frame(fmt.ROW, fmt.row_codec(2).pack(1 | 2 << 32, 7, 8, 9.0, 1.0)),
        fmt.frame(fmt.ROW, fmt.row_codec(1).pack(77 | 88 << 32, 7, 8, 9.0)),
        fmt.frame(99, b"from the future"),
        fmt.HEAD.pack(fmt.MAGIC, fmt.ROW, 0, 0xFFFFFFFF, 0) + bytes(4),
        fmt.HEAD.pack(fmt.MAGIC, fmt.EVENT, 0, 30 << 20, 0) + bytes(4),
        b"\xf9\xfe" * 500,
        os.urandom(5_000 // 8 * 8),
    ],
)
def test_s22_a_forged_record_is_skipped_and_those_around_it_are_read(
    tmp_path: Path, bad: bytes
) -> None:
    records, damaged = read_all(forged(tmp_path / "forged", GOOD, bad, GOOD))
    assert list(points(records)) == [("run", 7, "a", 9.0)] * 2
    assert len(damaged) == 1


def test_s22_text_that_looks_like_a_frame_is_never_read_as_one(tmp_path: Path) -> None:
    inner = fmt.frame(fmt.ROW, fmt.row_codec(1).pack(1 | 2 << 32, 666, 666, 666.0))
    text = inner.decode("utf-8", "surrogateescape")
    journal = Journal.create(WORKSPACE)
    journal.sink("run").append({"a": 1.0}, 0)
    for shift in range(8):
        journal.event(wire.RunTags(run_id=wire.RunId("run"), tags={"t": "x" * shift + text}))
        journal.event(
            wire.RunTags(
                run_id=wire.RunId("run"), tags={"t": "x" * shift + inner.decode("latin-1")}
            )
        )
    journal.close()
    segment = journal.path / "00000001.seg"
    raw = bytearray(segment.read_bytes())
    for kind, begin, _ in frames_of(segment):
        if kind == fmt.EVENT:
            raw[begin + 4] ^= 1
    segment.write_bytes(raw)
    records, damaged = read_all(journal.path)
    assert [step for _, step, _, _ in points(records)] == [0]
    assert damaged


def test_s22_a_file_made_to_cost_time_costs_little(tmp_path: Path) -> None:
    fakes = bytearray()
    while len(fakes) < 4 << 20:
        fakes += fmt.HEAD.pack(fmt.MAGIC, fmt.ROW, 0, 3 << 20, len(fakes)) + bytes(4)
    began = time.process_time()
    records, _ = read_all(forged(tmp_path / "forged", GOOD, bytes(fakes), GOOD))
    assert list(points(records)) == [("run", 7, "a", 9.0)] * 2
    assert time.process_time() - began < 10


def test_s22_a_newer_format_is_reported_and_not_passed_over(tmp_path: Path) -> None:
    header = bytearray(fmt.header(1, 0))
    struct.pack_into("<I", header, 8, fmt.FORMAT + 1)
    struct.pack_into("<I", header, 52, __import__("zlib").crc32(header[:24]))
    folder = forged(tmp_path / "newer", GOOD, header=bytes(header))
    (folder / "00000002.seg").write_bytes(fmt.header(2, 0) + GOOD)
    batch = JournalReader(folder).read()
    assert batch.records == []
    assert batch.cursor[0] == 1
    assert [damage.reason for damage in batch.damaged] == [
        f"format {fmt.FORMAT + 1} is newer than this one"
    ]


def test_s22_links_pipes_and_folders_in_place_of_segments_are_not_followed(small: Path) -> None:
    secret = small.parent.parent / "elsewhere.seg"
    (small / "00000002.seg").rename(secret)
    whole = read_all(small)[0]
    (small / "00000002.seg").symlink_to(secret)
    (small / "00000004.seg").mkdir()
    os.mkfifo(small / "00000005.seg")
    names = (fmt.RUN, fmt.run_payload(901, "run")), (fmt.SCHEMA, fmt.schema_payload(902, ["a"]))
    row = fmt.ROW, fmt.row_codec(1).pack(901 | 902 << 32, 7, 8, 9.0)
    (small / "00000006.seg").write_bytes(
        fmt.header(6, 0) + b"".join(fmt.frame(*frame) for frame in (*names, row))
    )
    records, damaged = read_all(small)
    assert flat(records) == [*flat(whole), (7, (9.0,))]
    assert sorted({damage.segment for damage in damaged}) == [2, 4, 5]


def test_a_missing_or_empty_journal_is_empty(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path / "nothing")
    assert reader.read() == ([], (1, 0), [], 0)
    (tmp_path / "empty").mkdir()
    assert JournalReader(tmp_path / "empty").read((3, 50)) == ([], (3, 50), [], 0)
    (tmp_path / "empty" / "00000001.seg").touch()
    assert JournalReader(tmp_path / "empty").read().records == []


def test_segments_that_were_shipped_and_removed_are_passed_over(small: Path) -> None:
    late = read_all(small, cursor=(2, 0))[0]
    (small / "00000001.seg").unlink()
    assert read_all(small)[0] == late


def test_meta_that_is_damaged_everywhere_is_an_error_with_words(tmp_path: Path) -> None:
    folder = forged(tmp_path / "forged", GOOD)
    (folder / "meta.json").write_text(json.dumps({"format": "x"}))
    with pytest.raises(Exception, match="does not say whose it is"):
        _ = JournalReader(folder).meta
