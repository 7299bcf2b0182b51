"""Signal handlers, finalizers and interrupts in the middle of an append: nothing is overwritten."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from journal_rig import events, points, read_all, run_python, small_segments

from jupyter_mltrack.journal import Journal


@pytest.fixture
def small_journal() -> Iterator[Journal]:
    """Segments of 64 KiB."""
    journal = small_segments()
    yield journal
    journal.close()


def test_a_signal_handler_that_logs_overwrites_nothing() -> None:
    out = run_python(
        """
        journal = small_segments()
        plain, handler = journal.sink("plain"), journal.sink("handler")
        counter = itertools.count()
        def on_alarm(*_):
            count = next(counter)
            handler.append({"h": float(count)}, count)
            handler.append({"h": float(count), f"k{count % 50}": 1.0, "other": 2.0}, count)
            journal.event(wire.RunTags(run_id="handler", tags={"n": str(count)}))
        journal.event(wire.RunTags(run_id="handler", tags={"n": "first"}))
        signal.signal(signal.SIGALRM, on_alarm)
        signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
        i = 0
        until = time.process_time() + 1.2
        while time.process_time() < until:
            plain.append({"a": float(i), "b": 1.0}, i)
            plain.append({f"new{i % 300}": 2.0}, i)
            i += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        journal.sync()
        print(i, next(counter), journal.path)
        os._exit(0)
        """
    )
    plain, handler, path = out.split()
    records, damaged = read_all(Path(path))
    assert not damaged
    found = list(points(records))
    rows = [value for run, _, key, value in found if run == "plain" and key == "a"]
    assert rows == [float(i) for i in range(int(plain))]
    assert sum(run == "plain" for run, *_ in found) == 3 * int(plain)
    assert int(handler) > 100
    hits = [value for run, _, key, value in found if run == "handler" and key == "h"]
    assert sorted(hits) == [float(i // 2) for i in range(2 * int(handler))]
    assert [event.tags["n"] for event in events(records)[:1]] == ["first"]
    assert sorted(int(event.tags["n"]) for event in events(records)[1:]) == [*range(int(handler))]


def test_a_finalizer_that_logs_during_garbage_collection_loses_nothing(
    small_journal: Journal,
) -> None:
    sink = small_journal.sink("late")
    count = 0

    class Logs:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            nonlocal count
            sink.append({"n": float(count)})
            count += 1

    before = gc.get_threshold()
    gc.set_threshold(5)
    try:
        for i in range(2_000):
            Logs()
            small_journal.sink("run").append({"a": float(i), f"key{i % 40}": 1.0}, i)
        gc.collect()
    finally:
        gc.set_threshold(*before)
    found = list(points(read_all(small_journal.path)[0]))
    assert [value for run, _, _, value in found if run == "late"] == [
        float(i) for i in range(2_000)
    ]
    assert sum(run == "run" for run, *_ in found) == 4_000


def test_an_interrupt_in_the_middle_of_append_loses_nothing_that_returned() -> None:
    out = run_python(
        """
        journal = small_segments()
        sink = journal.sink("run")
        def interrupt(_, frame):
            if "jupyter_mltrack" in frame.f_code.co_filename:
                raise KeyboardInterrupt
        signal.signal(signal.SIGALRM, interrupt)
        returned = []
        i = interrupts = 0
        until = time.process_time() + 1.2
        signal.setitimer(signal.ITIMER_REAL, 0.0003, 0.0003)
        while time.process_time() < until:
            try:
                while time.process_time() < until:
                    sink.append({"a": float(i), f"k{i % 30}": 0.0}, i)
                    returned.append(i)
                    i += 1
            except KeyboardInterrupt:
                interrupts += 1
                i += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        journal.sync()
        print(journal.path, interrupts, *returned, flush=True)
        os._exit(0)
        """
    )
    path, interrupts, *returned = out.split()
    assert int(interrupts) > 50
    records, damaged = read_all(Path(path))
    assert not damaged
    kept = [step for _, step, key, _ in points(records) if key == "a"]
    assert kept == sorted(set(kept)), "a point is there twice, or out of order"
    assert set(map(int, returned)) <= set(kept)
