"""Forked, spawned and threaded children: each writes a journal of its own, the parent's is untouched."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from journal_rig import WORKSPACE, points, read_all

from jupyter_mltrack.journal import (
    Journal,
    JournalReader,
    RunSink,
    current_journal,
    list_journals,
    open_for,
    owner_alive,
)
from jupyter_mltrack.journal.living import living

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


@pytest.fixture
def journal() -> Iterator[Journal]:
    yield open_for(WORKSPACE)
    living.close_all()


def in_fork(work: Callable[[], None]) -> int:
    """Run `work` in a forked child that ends at once afterwards; returns its exit code."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(20)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def steps_of(path: Path) -> list[int]:
    records, damaged = read_all(path)
    assert not damaged
    return [step for _, step, _, _ in points(records)]


def others(journal: Journal) -> list[Path]:
    return [path for path in list_journals(journal.path.parents[1]) if path != journal.path]


def test_a_forked_child_writes_a_journal_of_its_own(journal: Journal) -> None:
    sink = journal.sink("run")
    sink.append({"a": 0.0}, 0)

    def work() -> None:
        sink.append({"a": 1.0}, 1)
        assert journal.parent_journal_id is not None
        assert current_journal() is journal is open_for(WORKSPACE)
        assert owner_alive(journal.path)
        assert owner_alive(journal.path.with_name(journal.parent_journal_id))

    assert in_fork(work) == 0
    sink.append({"a": 2.0}, 2)
    (child,) = others(journal)
    assert steps_of(journal.path) == [0, 2]
    assert steps_of(child) == [1]
    assert JournalReader(child).meta.parent_journal_id == journal.id
    assert not owner_alive(child)
    assert owner_alive(journal.path)


def test_a_child_that_writes_nothing_leaves_nothing_and_takes_no_lease(journal: Journal) -> None:
    journal.sink("run").append({"a": 0.0}, 0)
    size = os.stat(journal.path / "00000001.seg").st_size
    assert in_fork(lambda: None) == 0
    assert in_fork(living.close_all) == 0  # a child that ends as Python processes do
    assert others(journal) == []
    assert os.stat(journal.path / "00000001.seg").st_size == size
    parents = journal.path
    assert in_fork(lambda: os._exit(0 if owner_alive(parents) else 9)) == 0


def test_grandchildren_know_their_parents(journal: Journal) -> None:
    sink = journal.sink("run")

    def child() -> None:
        sink.append({"a": 1.0}, 1)

        def grandchild() -> None:
            sink.append({"a": 2.0}, 2)

        assert in_fork(grandchild) == 0

    assert in_fork(child) == 0
    first, second = others(journal)
    assert steps_of(first) == [1]
    assert steps_of(second) == [2]
    assert JournalReader(second).meta.parent_journal_id == first.name
    assert JournalReader(first).meta.parent_journal_id == journal.id


def test_fork_while_other_threads_write_neither_hangs_nor_mixes(journal: Journal) -> None:
    stop = threading.Event()
    counts = [0] * 3

    def write(number: int) -> None:
        sink = journal.sink(f"thread{number}")
        while not stop.is_set():
            # Changing keys keeps the threads in the slow path, where locks are held.
            sink.append({f"k{counts[number] % 300}": 1.0}, counts[number])
            counts[number] += 1
            open_for(WORKSPACE)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        for i in range(25):
            sink = journal.sink("forked")

            def work(sink: RunSink = sink, i: int = i) -> None:
                sink.append({"child": float(i)}, i)
                assert open_for(WORKSPACE) is journal
                journal.sync()

            assert in_fork(work) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    children = others(journal)
    assert sorted(step for path in children for step in steps_of(path)) == list(range(25))
    mine: dict[str, list[int]] = {}
    for run, step, _, _ in points(read_all(journal.path)[0]):
        mine.setdefault(run, []).append(step)
    assert mine == {f"thread{n}": list(range(counts[n])) for n in range(3)}


def test_fork_in_a_thread_works_like_any_other(journal: Journal) -> None:
    sink = journal.sink("run")
    sink.append({"a": 0.0}, 0)
    codes: list[int] = []
    thread = threading.Thread(
        target=lambda: codes.append(in_fork(lambda: sink.append({"a": 1.0}, 1)))
    )
    thread.start()
    thread.join()
    assert codes == [0]
    (child,) = others(journal)
    assert (steps_of(journal.path), steps_of(child)) == ([0], [1])


def _spawned(step: int) -> str:
    journal = open_for(WORKSPACE, parent_journal_id="parent")
    journal.sink("run").append({"a": float(step)}, step)
    return str(journal.path)


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_workers_of_multiprocessing_keep_their_points(journal: Journal, method: str) -> None:
    journal.sink("run").append({"a": -1.0}, -1)
    with multiprocessing.get_context(method).Pool(2) as pool:
        paths = set(pool.map(_spawned, range(20), chunksize=1))
    assert sorted(step for path in paths for step in steps_of(Path(path))) == list(range(20))
    assert steps_of(journal.path) == [-1]
