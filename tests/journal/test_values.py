"""Values and names come back as they were logged, bit for bit; what is no number is told, once."""

from __future__ import annotations

import decimal
import fractions
import itertools
import math
import struct
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from journal_rig import WORKSPACE, events, points, read_all

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal, Trouble


@pytest.fixture
def journal() -> Iterator[Journal]:
    journal = Journal.create(WORKSPACE)
    journal.on_write_trouble = told.append
    told.clear()
    yield journal
    journal.close()


told: list[Trouble] = []


def kept(journal: Journal) -> list[float]:
    return [value for *_, value in points(read_all(journal.path)[0])]


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


FLOATS = [
    math.nan,
    -math.nan,
    struct.unpack("<d", struct.pack("<Q", 0x7FF8DEADBEEF0001))[0],
    math.inf,
    -math.inf,
    0.0,
    -0.0,
    1e308,
    -1.7976931348623157e308,
    5e-324,
    2.2250738585072014e-308,
    0.1 + 0.2,
    math.pi,
    float(2**53),
]


@pytest.mark.parametrize("width", [1, 3, 14])
def test_s34_floats_come_back_bit_for_bit(journal: Journal, width: int) -> None:
    sink = journal.sink("run")
    for at in range(0, len(FLOATS), width):
        sink.append({f"k{i}": value for i, value in enumerate(FLOATS[at : at + width])})
    assert list(map(bits, kept(journal))) == list(map(bits, FLOATS))
    assert told == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, 1.0),
        (False, 0.0),
        (7, 7.0),
        (-(2**53), -(2.0**53)),
        (np.float64(0.1), 0.1),
        (np.float64("nan"), math.nan),
        (np.float64(-0.0), -0.0),
        (np.float64(FLOATS[2]), FLOATS[2]),
        (np.float32(-math.inf), -math.inf),
        (np.float32(0.1), 0.10000000149011612),
        (np.float16(0.1), 0.0999755859375),
        (np.longdouble(0.5), 0.5),
        (np.int64(-3), -3.0),
        (np.uint8(200), 200.0),
        (np.bool_(True), 1.0),
        (np.array(2.5), 2.5),
        (np.array(4), 4.0),
        (np.array([1.5]), 1.5),
        (np.array([[3]]), 3.0),
        (decimal.Decimal("1.25"), 1.25),
        (fractions.Fraction(1, 3), 1 / 3),
    ],
)
def test_s34_other_numbers_become_the_float_they_are(
    journal: Journal, value: object, expected: float
) -> None:
    journal.sink("run").append({"a": value, "b": 1.0})
    journal.sink("run").append({"a": value})
    assert list(map(bits, kept(journal))) == list(map(bits, [expected, 1.0, expected]))
    assert told == []


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, 10**30, np.int64(2**62 + 1), 2**64])
def test_s34_whole_numbers_beyond_a_float_are_kept_exactly(journal: Journal, value: int) -> None:
    journal.sink("run").append({"big": value, "loss": 0.5}, 3, 4)
    records, _ = read_all(journal.path)
    assert list(points(records)) == [("run", 3, "loss", 0.5)]
    assert events(records) == [
        wire.RunMetrics(
            run_id=wire.RunId("run"),
            metrics=[wire.MetricPoint(key="big", value=str(int(value)), step=3, timestamp_ms=4)],
        )
    ]
    assert told == []


class Hostile:
    def __float__(self) -> float:
        raise RuntimeError("no")

    def item(self) -> float:
        raise MemoryError("no")


@pytest.mark.parametrize(
    "value",
    [
        "0.5",
        b"1",
        None,
        [1.0],
        {"a": 1},
        1j,
        np.array([1.0, 2.0]),
        np.array([]),
        object(),
        Hostile(),
    ],
)
def test_what_is_no_number_is_told_once_and_the_rest_is_kept(
    journal: Journal, value: object
) -> None:
    for step in range(3):
        journal.sink("run").append({"bad": value, "good": 1.0}, step)
    assert kept(journal) == [1.0] * 3
    assert [trouble.code for trouble in told] == ["bad_value"]
    assert "'bad'" in told[0].message


@pytest.mark.parametrize("metrics", [None, 5, "text", [("a", 1.0)], {}, object()])
def test_what_is_no_dict_raises_nothing(journal: Journal, metrics: object) -> None:
    journal.sink("run").append(metrics)  # type: ignore[arg-type]
    assert kept(journal) in ([], [1.0])


def test_a_number_too_long_to_write_out_raises_nothing(journal: Journal) -> None:
    journal.sink("run").append({"a": 10**5000, "b": 1.0})
    assert kept(journal) == [1.0]
    assert len(told) == 1


@pytest.mark.parametrize(
    ("step", "kept_as"),
    [(5, 5), (5.0, 5), (np.int64(5), 5), (True, 1), (-3, -3), (2**63 - 1, 2**63 - 1)],
)
def test_steps_of_any_whole_kind_are_taken(journal: Journal, step: int, kept_as: int) -> None:
    journal.sink("run").append({"a": 1.0}, step)
    assert [found for _, found, _, _ in points(read_all(journal.path)[0])] == [kept_as]
    assert told == []


def test_the_largest_step_has_no_next_one_and_loses_no_point(journal: Journal) -> None:
    for step in (2**63 - 1, None, None):
        journal.sink("run").append({"a": 1.0}, step)
    found = [found for _, found, _, _ in points(read_all(journal.path)[0])]
    assert found == [2**63 - 1] * 3


@pytest.mark.parametrize("step", ["5", 2**63, math.nan, [1], object()])
def test_a_step_that_is_none_is_replaced_and_told(journal: Journal, step: object) -> None:
    journal.sink("run").append({"a": 1.0}, 4)
    journal.sink("run").append({"a": 2.0}, step)  # type: ignore[arg-type]
    assert [found for _, found, _, _ in points(read_all(journal.path)[0])] == [4, 5]
    assert [trouble.code for trouble in told] == ["bad_step"]


def test_a_dict_that_another_thread_changes_never_mixes_names_and_values(
    journal: Journal,
) -> None:
    shared = {f"k{i}": float(i) for i in range(5)}
    stop = threading.Event()

    def change() -> None:
        for i in itertools.count(5):
            shared.pop(f"k{i - 5}")
            shared[f"k{i}"] = float(i)
            if stop.is_set():
                return

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(3_000):
            journal.sink("run").append(shared)
    finally:
        stop.set()
        thread.join()
    found = [(key, value) for *_, key, value in points(read_all(journal.path)[0])]
    assert len(found) > 3_000
    assert all(key == f"k{int(value)}" for key, value in found)


NAMES = [
    "__proto__",
    "constructor",
    "with space",
    "a/b\\c",
    "nul\0inside",
    "\ud800 lone",
    "\udfff\ud800",
    "\u202eright to left",
    "zero\u200bwidth",
    "\x1b[31mred",
    "",
    "é",
    "e\u0301",
    "💥",
    '"quoted"\n',
    "k" * 5_000,
]


def test_s35_any_name_comes_back_as_it_was(journal: Journal) -> None:
    sink = journal.sink("run")
    for _ in range(2):
        sink.append({name: float(i) for i, name in enumerate(NAMES)})
        for i, name in enumerate(NAMES):
            sink.append({name: float(i)})
            sink.append({name: 2**60 + i})
    records, damaged = read_all(journal.path)
    assert not damaged
    once = [(name, float(i)) for i, name in enumerate(NAMES)]
    assert [(key, value) for *_, key, value in points(records)] == (once + once) * 2
    exact = [(event.metrics[0].key, int(event.metrics[0].value)) for event in events(records)]
    assert exact == [(name, 2**60 + i) for i, name in enumerate(NAMES)] * 2
    assert told == []


def test_s35_text_of_events_that_is_not_unicode_is_kept(journal: Journal) -> None:
    event = wire.RunTags(run_id=wire.RunId("run"), tags={"\ud800": "\udc00 and \0", "ok": "é"})
    journal.event(event)
    assert events(read_all(journal.path)[0]) == [event]


def test_s33_a_hundred_thousand_names_in_one_row(journal: Journal) -> None:
    row = {f"layer{i}/weight_norm": i / 7 for i in range(100_000)}
    sink = journal.sink("run")
    for _ in range(3):
        sink.append(row)
    sink.append({"a": 1.0})
    records, damaged = read_all(journal.path)
    assert not damaged
    *wide, last = records
    assert all(rows.keys == tuple(row) for rows in wide)
    assert [values for rows in wide for values in rows.values] == [tuple(row.values())] * 3
    assert last.values == [(1.0,)]


def test_s33_a_new_name_in_every_call(journal: Journal) -> None:
    sink = journal.sink("run")
    for i in range(20_000):
        sink.append({f"metric {i}": float(i)}, i)
    assert kept(journal) == [float(i) for i in range(20_000)]
    assert len(sink._plans) <= 256


def test_names_too_long_for_a_record_are_split_or_told(journal: Journal) -> None:
    row = {f"{i}" + "k" * 6_000_000: float(i) for i in range(8)}
    journal.sink("run").append(row, 1)
    assert kept(journal) == [float(i) for i in range(8)]
    journal.sink("run").append({"x" * (40 << 20): 1.0, "b": 2.0}, 2)
    assert kept(journal)[8:] == [2.0]
    assert len(told) == 1


def test_keys_that_are_no_text_are_written_as_text(journal: Journal) -> None:
    journal.sink("run").append({1: 1.0, None: 2.0, ("a",): 3.0})  # type: ignore[dict-item]
    assert [key for _, _, key, _ in points(read_all(journal.path)[0])] == ["1", "None", "('a',)"]


def test_keys_are_mapped_once_for_each_set_of_names(journal: Journal) -> None:
    asked: list[str] = []
    sink = journal.sink("run", map_key=lambda key: asked.append(key) or key.upper())
    for _ in range(100):
        sink.append({"a": 1.0, "b": 2.0})
    sink.append({"big": 2**70})
    records, _ = read_all(journal.path)
    assert records[0].keys == ("A", "B")
    assert events(records)[0].metrics[0].key == "BIG"
    assert asked == ["a", "b", "big"]
