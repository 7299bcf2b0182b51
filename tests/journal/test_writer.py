"""What is appended is there: in order, from any thread, in every segment, at once."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import patience
import pytest
from journal_rig import WORKSPACE, points, read_all, run_python, small_segments

from jupyter_mltrack import wire
from jupyter_mltrack.journal import (
    Journal,
    JournalReader,
    Rows,
    current_journal,
    list_journals,
    open_for,
    owner_alive,
)
from jupyter_mltrack.journal.living import living


@pytest.fixture
def journal() -> Iterator[Journal]:
    journal = Journal.create(WORKSPACE)
    yield journal
    journal.close()


@pytest.fixture
def small_journal() -> Iterator[Journal]:
    """Segments of 64 KiB."""
    journal = small_segments()
    yield journal
    journal.close()


def test_a_row_is_readable_as_soon_as_append_returns(journal: Journal) -> None:
    sink = journal.sink("run")
    reader = JournalReader(journal.path)
    cursor = (1, 0)
    for step in range(100):
        sink.append({"loss": step / 3, "accuracy": 0.5}, step, 1000 + step)
        batch = reader.read(cursor)
        assert batch.records == [
            Rows(
                "run", ("loss", "accuracy"), [step], [1000 + step], [(step / 3, 0.5)], batch.cursor
            )
        ]
        cursor = batch.cursor
    assert cursor == journal.position()


def test_rows_of_one_run_and_schema_are_grouped_and_others_keep_their_order(
    journal: Journal,
) -> None:
    one, other = journal.sink("one"), journal.sink("other")
    one.append({"a": 1.0}, 0, 5)
    one.append({"a": 2.0}, 1, 6)
    other.append({"a": 3.0}, 0, 7)
    one.append({"a": 4.0, "b": 5.0}, 2, 8)
    journal.event(wire.RunEnded(run_id=wire.RunId("one"), status="FINISHED", end_ms=9))
    other.append({"a": 6.0}, 1, 10)
    records, damaged = read_all(journal.path)
    assert not damaged
    assert [record[:-1] for record in records] == [
        ("one", ("a",), [0, 1], [5, 6], [(1.0,), (2.0,)]),
        ("other", ("a",), [0], [7], [(3.0,)]),
        ("one", ("a", "b"), [2], [8], [(4.0, 5.0)]),
        (wire.RunEnded(run_id=wire.RunId("one"), status="FINISHED", end_ms=9),),
        ("other", ("a",), [1], [10], [(6.0,)]),
    ]


def test_a_step_left_out_follows_the_highest_one_so_far(journal: Journal) -> None:
    sink = journal.sink("run")
    for step in (None, None, 10, None, 3, None):
        sink.append({"a": 0.0}, step)
    assert [step for _, step, _, _ in points(read_all(journal.path)[0])] == [0, 1, 10, 11, 3, 12]


@pytest.mark.parametrize("width", range(1, 12))
def test_rows_of_every_width_come_back(journal: Journal, width: int) -> None:
    row = {f"key{i}": i / 7 for i in range(width)}
    sink = journal.sink("run")
    sink.append(row)
    sink.append(row)
    (rows,) = read_all(journal.path)[0]
    assert rows.keys == tuple(row)
    assert rows.values == [tuple(row.values())] * 2


def test_many_segments_are_one_sequence_and_each_reads_alone(small_journal: Journal) -> None:
    sink = small_journal.sink("run")
    for step in range(5_000):
        sink.append({"a": step * 0.5, "b": -1.0}, step)
    assert small_journal.position()[0] > 3
    expected = [("run", i, k, v) for i in range(5_000) for k, v in (("a", i * 0.5), ("b", -1.0))]
    assert list(points(read_all(small_journal.path)[0])) == expected
    alone = read_all(small_journal.path, cursor=(3, 0))[0]
    assert list(points(alone)) == expected[-len(list(points(alone))) :]


def test_a_reader_may_begin_in_the_middle_of_a_segment(small_journal: Journal) -> None:
    sink = small_journal.sink("run")
    for step in range(3_000):
        sink.append({"a": float(step)}, step)
    whole = list(points(read_all(small_journal.path)[0]))
    cursor, seen = (1, 0), 0
    while True:  # a new reader for every bite knows nothing of what came before
        batch = JournalReader(small_journal.path).read(cursor, 5_000)
        assert list(points(batch.records)) == whole[seen : seen + batch.points]
        seen += batch.points
        if batch.cursor == cursor:
            break
        cursor = batch.cursor
    assert seen == 3_000


def test_reading_while_another_thread_writes_finds_each_point_once(small_journal: Journal) -> None:
    sink = small_journal.sink("run")
    writing = threading.Thread(
        target=lambda: [sink.append({"a": float(i), "b": 0.0}, i) for i in range(60_000)]
    )
    reader, cursor, steps = JournalReader(small_journal.path), (1, 0), []
    writing.start()
    done = False
    while True:
        batch = reader.read(cursor, 50_000)
        assert not batch.damaged
        for rows in batch.records:
            steps += rows.steps
        if batch.cursor == cursor and done:
            break
        done = not writing.is_alive()
        cursor = batch.cursor
    assert steps == list(range(60_000))


def test_eight_threads_with_ten_thousand_rows_each_lose_nothing(journal: Journal) -> None:
    journal._space.segment_bytes = 1 << 20

    def work(number: int) -> None:
        sink = journal.sink(f"run{number % 4}")
        for i in range(10_000):
            sink.append({"thread": float(number), "i": float(i)}, i)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records, damaged = read_all(journal.path)
    assert not damaged
    seen: dict[float, list[float]] = {}
    for rows in records:
        for thread, i in rows.values:
            assert rows.run_id == f"run{int(thread) % 4}"
            seen.setdefault(thread, []).append(i)
    assert seen == {float(n): [float(i) for i in range(10_000)] for n in range(8)}


def test_a_clock_set_back_keeps_points_and_order(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([10_000, 9_000, 9_001, 1, 20_000])
    monkeypatch.setattr("jupyter_mltrack.journal.sink.time_ns", lambda: next(clock) * 1_000_000)
    sink = journal.sink("run")
    for i in range(5):
        sink.append({"a": float(i)})
    (rows,) = read_all(journal.path)[0]
    assert rows.steps == [0, 1, 2, 3, 4]
    assert rows.values == [(float(i),) for i in range(5)]
    assert rows.timestamps_ms == [10_000, 9_000, 9_001, 1, 20_000]


def test_the_disk_has_everything_soon_after_it_was_written(journal: Journal) -> None:
    sink = journal.sink("run")
    for _ in range(5):
        sink.append({"a": 1.0})
        wait_for(lambda: journal._space.current.synced == journal._space.current.used)


def wait_for(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + patience.WAIT_S
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def test_an_idle_journal_wakes_nobody_and_the_next_append_does(journal: Journal) -> None:
    sink = journal.sink("run")
    sink.append({"a": 1.0})
    rounds = []
    tend = journal.tend
    journal.tend = lambda: rounds.append(1) or tend()  # type: ignore[method-assign]
    until_s, before = time.monotonic() + patience.WAIT_S, -1
    while len(rounds) != before:  # no round within a time in which a busy one has many
        assert time.monotonic() < until_s
        before = len(rounds)
        time.sleep(2.0)
    sink.append({"a": 2.0})
    wait_for(lambda: len(rounds) > before)
    wait_for(lambda: journal._space.current.synced == journal._space.current.used)


def test_closing_gives_back_the_room_and_the_lease(journal: Journal) -> None:
    journal.sink("run").append({"a": 1.0})
    assert owner_alive(journal.path)
    end = journal.position()
    journal.close()
    journal.close()
    assert not owner_alive(journal.path)
    segment = journal.path / "00000001.seg"
    assert segment.stat().st_size == end[1]
    assert sorted(os.listdir(journal.path)) == ["00000001.seg", "lease", "meta.json"]
    journal.sink("run").append({"a": 2.0})  # after the end: no error, and nothing to keep it
    assert [value for *_, value in points(read_all(journal.path)[0])] == [1.0]


def test_there_is_one_journal_for_each_workspace_of_a_process(private_place: Path) -> None:
    try:
        first = open_for(WORKSPACE)
        assert open_for(WORKSPACE) is first is current_journal()
        first.close()
        second = open_for(WORKSPACE)
        assert second is not first
        assert list_journals(private_place / "data") == [first.path, second.path]
        assert JournalReader(second.path).meta.journal_id == second.id
    finally:
        living.close_all()
    assert current_journal() is None


def test_the_meta_says_whose_journal_it_is(journal: Journal) -> None:
    meta = JournalReader(journal.path).meta
    assert (meta.journal_id, meta.pid, meta.workspace_id) == (
        journal.path.name,
        os.getpid(),
        WORKSPACE.id,
    )
    assert (meta.tracking_uri, meta.project_root) == (WORKSPACE.display_uri, "/nowhere")
    (journal.path / "meta.json").unlink()
    assert JournalReader(journal.path).meta == meta, "a segment has a copy"


def test_an_event_larger_than_a_segment_is_kept(small_journal: Journal) -> None:
    big = wire.RunTags(run_id=wire.RunId("run"), tags={"text": "ä" * 3_000_000})
    small_journal.sink("run").append({"a": 1.0})
    end = small_journal.event(big)
    small_journal.sink("run").append({"a": 2.0})
    records, damaged = read_all(small_journal.path)
    assert not damaged
    assert [type(record).__name__ for record in records] == ["Rows", "Event", "Rows"]
    assert records[1] == (big, end)


def test_a_process_that_ends_normally_closes_its_journal() -> None:
    path = Path(
        run_python(
            """
            journal = open_for(WORKSPACE)
            journal.sink("run").append({"a": 1.0})
            print(journal.path)
            """
        ).strip()
    )
    assert not owner_alive(path)
    assert (path / "00000001.seg").stat().st_size < 4096


def test_logging_needs_neither_msgspec_nor_mlflow() -> None:
    out = run_python(
        """
        for name in [name for name in sys.modules if name.startswith(("msgspec", "jupyter_mltrack"))]:
            del sys.modules[name]
        sys.modules["msgspec"] = None
        from jupyter_mltrack.journal import Journal
        journal = Journal.create(WORKSPACE)
        journal.sink("run").append({"a": 1.0})
        print(journal.position()[1] > 400, "mlflow" in sys.modules, "numpy" in sys.modules)
        """
    )
    assert out.split() == ["True", "False", "False"]


def test_the_thread_of_a_journal_does_not_hold_up_the_end_of_the_process(journal: Journal) -> None:
    assert journal._flusher is not None
    thread = journal._flusher._thread
    assert thread is not None
    assert thread.daemon
    assert thread.is_alive()


def test_keys_that_take_turns_go_to_their_own_columns(journal: Journal) -> None:
    sink = journal.sink("run")
    expected = []
    for i in range(50):
        for row in (
            {"a": 1.0},
            {"b": 2.0},
            {"a": 3.0, "b": 4.0},
            {"b": 5.0, "a": 6.0},
            {"a": 7.0, "c": 8.0},
        ):
            sink.append(row, i)
            expected.append(("run", i, row))
    found = [
        (record.run_id, step, dict(zip(record.keys, values, strict=True)))
        for record in read_all(journal.path)[0]
        for step, values in zip(record.steps, record.values, strict=True)
    ]
    assert found == expected


def test_a_dict_that_makes_up_values_is_not_asked_for_any(journal: Journal) -> None:
    sink = journal.sink("run")
    sink.append({"a": 1.0, "b": 2.0})
    for _ in range(2):
        made_up = defaultdict(float, {"a": 3.0, "c": 4.0})
        sink.append(made_up)
        assert dict(made_up) == {"a": 3.0, "c": 4.0}
    for _ in range(2):
        sink.append(OrderedDict(a=5.0, b=6.0))
    assert [(key, value) for _, _, key, value in points(read_all(journal.path)[0])] == [
        ("a", 1.0), ("b", 2.0), ("a", 3.0), ("c", 4.0), ("a", 3.0), ("c", 4.0),
        ("a", 5.0), ("b", 6.0), ("a", 5.0), ("b", 6.0),
    ]  # fmt: skip
