"""What a tracked cell, block or function leaves behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jupyter_mltrack import log, track
from jupyter_mltrack.errors import MltrackWarning, UsageError
from jupyter_mltrack.tracking import choice, point
from jupyter_mltrack.tracking.lineage import current_context

Keeper = Callable[..., dict[str, Any]]


def test_a_block_is_one_run_with_its_points_parameters_and_tags(kept: Keeper) -> None:
    with track("first", params={"lr": 0.1}, tags={"data": "digits"}) as run:
        for _ in range(3):
            log({"loss": 1.0, "acc": 2})
        log({"loss": 0.5}, step=9)
        log({"loss": 0.25})
        assert run.name == "first"
    found = kept()["first"]
    assert found.run_id == run.run_id
    assert found.status == "FINISHED"
    assert found.params == {"lr": "0.1"}
    assert found.tags["data"] == "digits"
    assert found.points == {
        "acc": [(0, 2.0), (1, 2.0), (2, 2.0)],
        "loss": [(0, 1.0), (1, 1.0), (2, 1.0), (9, 0.5), (10, 0.25)],
    }
    assert found.start_ms <= found.end_ms


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ValueError("one\ntwo"), "FAILED", "ValueError: one"),
        (ZeroDivisionError(), "FAILED", "ZeroDivisionError"),
        (KeyboardInterrupt(), "KILLED", "KeyboardInterrupt"),
        (asyncio.CancelledError(), "KILLED", "CancelledError"),
        (SystemExit(), "FINISHED", None),
        (SystemExit(0), "FINISHED", None),
        (SystemExit(3), "FAILED", "SystemExit: 3"),
        (SystemExit("bad"), "FAILED", "SystemExit: bad"),
        (GeneratorExit(), "FINISHED", None),
        (
            RuntimeError("password=hunter2secret"),
            "FAILED",
            "RuntimeError: password=[redacted: secret]",
        ),
    ],
)
def test_how_a_block_ends_is_the_status_of_its_run(
    kept: Keeper, error: BaseException, status: str, said: str | None
) -> None:
    with pytest.raises(type(error)), track("one"):  # noqa: PT012  # a cell has many lines
        log({"m": 1})
        raise error
    found = kept()["one"]
    assert (found.status, found.tags.get("mltrack.error")) == (status, said)


def test_an_error_whose_text_fails_is_kept_by_its_name(kept: Keeper) -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise OSError

    with pytest.raises(Broken), track("broken"):
        raise Broken
    assert "Broken" in kept()["broken"].tags["mltrack.error"]


def test_an_empty_block_is_recorded_and_an_empty_automatic_one_is_not(kept: Keeper) -> None:
    with track("said"):
        pass
    manager = track("auto")
    with manager as run:
        run.context.record_empty = False
    assert list(kept()) == ["said"]


def test_a_block_in_a_block_is_a_run_of_its_own_and_nested_a_child(kept: Keeper) -> None:
    with track("outer") as outer:
        log({"o": 1})
        with track("beside"):
            log({"b": 1})
        with track("inside", nested=True):
            log({"i": 1})
        log({"o": 2})
    found = kept()
    assert {name: list(run.points) for name, run in found.items()} == {
        "outer": ["o"],
        "beside": ["b"],
        "inside": ["i"],
    }
    assert [found[name].parent for name in ("beside", "inside")] == [None, outer.run_id]


def test_a_run_is_resumed_and_a_parent_found_by_name(kept: Keeper) -> None:
    with track("again"):
        log({"m": 1}, step=0)
    kept()
    with track(resume="again") as run:
        log({"m": 2}, step=1)
        log({"m": 3})
    with track("child", parent="again"):
        pass
    found = kept()
    assert found["again"].points == {"m": [(0, 1.0), (1, 2.0), (2, 3.0)]}
    assert found["again"].run_id == run.run_id
    assert found["again"].status == "FINISHED"
    assert found["child"].parent == run.run_id


def test_a_run_without_a_name_gets_one_that_can_be_said(kept: Keeper) -> None:
    with track():
        log({"m": 1})
    (name,) = kept()
    mood, being, number = name.split("-")
    assert mood.isalpha()
    assert being.isalpha()
    assert number.isdecimal()


# ----------------------------------------------------------------------------- functions


def test_functions_of_all_kinds_are_tracked_from_first_to_last(kept: Keeper) -> None:
    @track
    def plain(rate: float, depth: int = 3, data: Any = None) -> float:
        """Say so."""
        log({"m": rate})
        return rate

    @track("values", tags={"a": "b"})
    def values() -> Iterator[int]:
        for at in range(3):
            log({"v": at})
            yield at

    @track
    async def later() -> str:
        await asyncio.sleep(0)
        log({"l": 1})
        return "done"

    @track()
    async def stream() -> Any:
        log({"s": 1})
        yield 1
        log({"s": 2})

    class Model:
        @track
        def fit(self, x: int) -> int:
            log({"f": x})
            return x

    assert (plain.__name__, plain.__doc__) == ("plain", "Say so.")
    assert plain(0.5, data=[1, 2]) == 0.5
    assert list(values()) == [0, 1, 2]
    assert asyncio.run(later()) == "done"

    async def consume() -> list[int]:
        return [value async for value in stream()]

    assert asyncio.run(consume()) == [1]
    assert Model().fit(4) == 4
    found = kept()
    assert {name: run.points for name, run in found.items()} == {
        "plain": {"m": [(0, 0.5)]},
        "values": {"v": [(0, 0.0), (1, 1.0), (2, 2.0)]},
        "later": {"l": [(0, 1.0)]},
        "stream": {"s": [(0, 1.0), (1, 2.0)]},
        "fit": {"f": [(0, 4.0)]},
    }
    assert found["plain"].params == {"rate": "0.5", "depth": "3", "data": "None"} or found[
        "plain"
    ].params == {"rate": "0.5", "depth": "3"}
    assert {run.status for run in found.values()} == {"FINISHED"}
    assert current_context() is None


def test_a_generator_that_is_dropped_ends_its_run(kept: Keeper) -> None:
    @track
    def endless() -> Iterator[int]:
        while True:
            log({"m": 1})
            yield 1

    values = endless()
    next(values)
    values.close()
    assert kept()["endless"].status == "FINISHED"
    assert current_context() is None


def test_a_decorated_function_that_fails_fails_its_run_and_raises(kept: Keeper) -> None:
    @track
    def broken() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError):
        broken()
    assert kept()["broken"].status == "FAILED"


def test_tasks_side_by_side_keep_their_runs_apart(kept: Keeper) -> None:
    async def one(name: str) -> None:
        async with track(name):
            for at in range(3):
                log({name: at})
                await asyncio.sleep(0.001)

    async def both() -> None:
        await asyncio.gather(one("a"), one("b"))

    asyncio.run(both())
    found = kept()
    assert {name: list(run.points) for name, run in found.items()} == {"a": ["a"], "b": ["b"]}
    assert len(found["a"].points["a"]) == 3


# ------------------------------------------------------------------------------- threads


def test_threads_of_a_block_log_into_its_run(kept: Keeper) -> None:
    with track("threads"):
        threads = [
            threading.Thread(target=lambda at=at: [log({f"t{at}": i}, step=i) for i in range(50)])
            for at in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = kept()["threads"]
    assert {key: len(points) for key, points in found.points.items()} == {
        f"t{i}": 50 for i in range(4)
    }


def test_a_thread_that_outlives_its_block_stays_with_it(kept: Keeper) -> None:
    go = threading.Event()

    def late() -> None:
        go.wait(150)
        log({"late": 1})

    with track("first"):
        log({"m": 1})
        thread = threading.Thread(target=late)
        thread.start()
    with track("second"):
        log({"m": 1})
        go.set()
        thread.join()
    found = kept()
    assert sorted(found["first"].points) == ["late", "m"]
    assert sorted(found["second"].points) == ["m"]


def test_a_new_thread_with_the_number_of_a_late_one_is_not_taken_for_it(kept: Keeper) -> None:
    go = threading.Event()
    with track("first"):
        log({"m": 1})
        thread = threading.Thread(target=lambda: go.wait(150))
        thread.start()
    go.set()
    thread.join()
    with track("second"):
        for _ in range(5):  # the system gives the numbers of ended threads again
            other = threading.Thread(target=lambda: log({"new": 1}))
            other.start()
            other.join()
    found = kept()
    assert sorted(found["first"].points) == ["m"]
    assert len(found["second"].points["new"]) == 5


def test_a_pool_kept_over_blocks_works_for_the_one_that_is_open(kept: Keeper) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        for name in ("first", "second"):
            with track(name):
                list(pool.map(lambda at: log({"m": at}, step=at), range(4)))
    found = kept()
    assert [len(found[name].points["m"]) for name in ("first", "second")] == [4, 4]


# ------------------------------------------------------------------------- interruptions


_INTERRUPTED = """
import os, signal, sys, threading, time
from jupyter_mltrack import log, track
from jupyter_mltrack.tracking.lineage import current_context

def interrupt():
    time.sleep(0.05 + float(sys.argv[1]) * 0.003)
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.03)

thread = threading.Thread(target=interrupt)
try:
    try:
        try:
            try:
                with track("stopped"):
                    thread.start()
                    while True:
                        log({"m": 1})
            finally:
                thread.join()
        finally:
            thread.join()
    finally:  # each interrupt leaves one of the blocks, wherever it comes
        thread.join()
except KeyboardInterrupt:
    pass
assert current_context() is None
assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
with track("next"):
    log({"m": 1})
"""


@pytest.mark.parametrize("seed", range(5))
def test_three_interrupts_within_90_ms_end_the_run_once_as_killed(kept: Keeper, seed: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, str(seed)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = kept()
    assert {name: run.status for name, run in found.items()} == {
        "stopped": "KILLED",
        "next": "FINISHED",
    }


def test_an_interrupt_while_leaving_is_raised_after_the_run_has_ended(kept: Keeper) -> None:
    manager = track("late")
    run = manager.__enter__()
    log({"m": 1})
    run.context.before_end.append(lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        manager.__exit__(None, None, None)
    assert kept()["late"].status == "FINISHED"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_handler_may_log(kept: Keeper) -> None:
    with track("signals"):
        before = signal.signal(signal.SIGALRM, lambda *_: log({"alarm": 1}))
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        until = time.process_time() + 0.3
        count = 0
        while time.process_time() < until:
            log({"m": count}, step=count)
            count += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    found = kept()["signals"]
    assert len(found.points["m"]) == count
    assert found.points["alarm"]


# ------------------------------------------------------------------------------- trouble


@pytest.mark.parametrize(
    "odd", [None, 3, "x", [("a", 1)], {"a": "text"}, {"a": None}, {"a": [1, 2]}, {"a": object()}]
)
def test_a_point_that_is_none_warns_once_and_never_raises(kept: Keeper, odd: Any) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with track("odd"):
            for _ in range(3):
                log(odd)
            log({"fine": 1})
    assert len([w for w in caught if w.category is MltrackWarning]) == 1
    assert list(kept()["odd"].points) == ["fine"]


def test_trouble_stays_a_word_where_warnings_are_errors(
    kept: Keeper, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with track("strict"):
            log("nonsense")  # type: ignore[arg-type]
    assert "nothing was logged" in capsys.readouterr().err


def test_an_unknown_workspace_is_the_callers_mistake() -> None:
    with pytest.raises(UsageError), track("x", workspace="no such place"):
        pass
    assert current_context() is None


def test_points_outside_of_any_block_are_kept_in_a_run_of_their_own(kept: Keeper) -> None:
    log({"m": 1})
    log({"m": 2})
    point.leave_implicit()
    (run,) = kept().values()
    assert (run.status, run.points) == ("FINISHED", {"m": [(0, 1.0), (1, 2.0)]})


def test_the_experiment_is_chosen_for_a_block_or_for_all(kept: Keeper) -> None:
    import sqlite3

    choice.choose_experiment("all")
    with track("one"):
        pass
    with track("two", experiment="special"):
        pass
    kept()
    rows = sqlite3.connect(".mltrack/mlflow.db").execute(
        "SELECT runs.name, experiments.name FROM runs JOIN experiments USING (experiment_id) ORDER BY 1"
    )
    assert rows.fetchall() == [("one", "all"), ("two", "special")]
