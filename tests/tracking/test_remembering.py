"""What runs remember outside a notebook: threads, forks, other runs of a cell, a far workspace."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import patience
import pytest

from jupyter_mltrack import log, settings, track, workspaces
from jupyter_mltrack.journal import kept
from jupyter_mltrack.runs.about import get_about
from jupyter_mltrack.runs.output import get_output
from jupyter_mltrack.tracking import environment, git, remembering
from jupyter_mltrack.tracking.tee import Tee, tee


def output_of(run_id: str, place: workspaces.Workspace | None = None) -> list[str]:
    remembering.finish(120)
    found = get_output(place or workspaces.resolve(), run_id)
    return [line.text for line in found.lines]


def test_threads_of_a_block_print_into_its_run() -> None:
    with track("threads") as run:
        log({"x": 1.0})
        threads = [
            threading.Thread(target=sys.stdout.write, args=(f"from {n}\n",)) for n in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print("later")
    assert sorted(output_of(run.run_id)) == [f"from {n}" for n in range(4)]
    assert "write" not in vars(sys.stdout) or not hasattr(sys.stdout.write, "__closure__")


def test_what_was_printed_before_the_first_point_is_kept_too() -> None:
    with track("early") as run:
        print("before")
        time.sleep(0.6)
        log({"x": 1.0})
        print("after")
    assert output_of(run.run_id) == ["before", "after"]
    with track("empty") as empty:
        print("nothing was logged")
    assert output_of(empty.run_id) == ["nothing was logged"]


def test_what_a_block_prints_while_another_is_looked_at_is_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks, printed = threading.Event(), threading.Event()
    take = tee.take

    def waits_once() -> Any:
        looks.set()
        printed.wait(60)
        return take()

    with track("first") as first:
        log({"x": 1.0})
        monkeypatch.setattr(tee, "take", waits_once)
        assert looks.wait(60)
        with track("second", nested=True) as second:
            print("first words")
            printed.set()
            log({"x": 2.0})
    assert (output_of(first.run_id), output_of(second.run_id)) == ([], ["first words"])


def test_nested_blocks_keep_their_lines_apart() -> None:
    with track("outer") as outer:
        print("outer 1")
        with track("inner", nested=True) as inner:
            print("inner")
        print("outer 2")
    assert output_of(outer.run_id) == ["outer 1", "outer 2"]
    assert output_of(inner.run_id) == ["inner"]


def test_each_run_of_a_block_remembers_how_it_was_made() -> None:
    with track("cell"):
        with mlflow.start_run(run_name="first") as first:
            mlflow.log_metric("x", 1.0)
        with mlflow.start_run(run_name="second") as second:
            mlflow.log_metric("x", 2.0)
    remembering.finish(120)
    place = workspaces.resolve()
    for run in (first, second):
        about = get_about(place, run.info.run_id)
        assert about.python.startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
        assert "msgspec" in {one.key for one in about.packages}


def test_a_forked_child_writes_as_ever_and_is_not_heard(capfd: pytest.CaptureFixture[str]) -> None:
    with track("forking") as run:
        log({"x": 1.0})
        pid = os.fork()
        if pid == 0:
            os.write(1, b"child\n")
            print("child prints")
            os._exit(0)
        os.waitpid(pid, 0)
        print("parent prints")
    assert output_of(run.run_id) == ["parent prints"]


def test_a_stream_that_takes_no_attributes_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Plain:
        __slots__ = ("written",)

        def __init__(self) -> None:
            self.written: list[str] = []

        def write(self, text: str) -> int:
            self.written.append(text)
            return len(text)

        def flush(self) -> None: ...

    stream = Plain()
    with monkeypatch.context() as patched, track("plain") as run:
        patched.setattr(sys, "stdout", stream)
        log({"x": 1.0})
        with track("inside"):
            print("seen")
    assert stream.written == ["seen", "\n"]
    remembering.finish(120)
    assert list((settings.data_dir() / "keep").glob(f"*/{run.run_id}/{kept.OUTPUT}")) == []
    assert (
        len(list((settings.data_dir() / "keep").glob(f"*/{run.run_id}/{kept.SURROUNDINGS}"))) == 1
    )


def test_a_limit_is_kept_and_what_is_beyond_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mltrack.tracking.memory.OUTPUT_BYTES_MAX", 50_000)
    with track("flood") as run:
        log({"x": 1.0})
        for _ in range(4):
            for _ in range(400):
                sys.stdout.write(f"{'y' * 50}\n")
            time.sleep(0.3)
    lines = output_of(run.run_id)
    assert 400 < len(lines) < 1_200
    assert lines[-1].endswith("the rest is not kept)")
    assert set(lines[:-1]) == {"y" * 50}


def test_what_comes_faster_than_it_can_be_taken_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mltrack.tracking.tee.WAITING_CHARACTERS_MAX", 2_000)
    with track("fast") as run:
        log({"x": 1.0})
        sys.stdout.write("".join(f"line {n}\n" for n in range(100)))
        sys.stdout.write("z" * 5_000)
        sys.stdout.write("never seen\n")
    lines = output_of(run.run_id)
    assert lines[99] == "line 99"
    assert "a part of it is not kept" in lines[-1]


def test_a_print_costs_a_few_microseconds_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def took_us() -> float:
        best = 1e9
        for _ in range(5):
            watch = patience.Watch()
            for _ in range(2_000):
                print("epoch")
            best = min(best, watch.took_s)
        return best / 2_000 * 1e6

    with monkeypatch.context() as patched, Path(os.devnull).open("w") as null:
        patched.setattr(sys, "stdout", null)
        plain = took_us()
        with track("cost"):
            log({"x": 1.0})
            heard = took_us()
    assert heard - plain < 60, (plain, heard)


def test_streams_are_given_back_whoever_else_stood_in() -> None:
    class Stream:
        def write(self, text: str) -> int:
            return len(text)

    mine, before = Tee(), (sys.stdout, sys.stderr)
    sys.stdout = sys.stderr = Stream()  # type: ignore[assignment]
    try:
        stream: Any = sys.stdout
        mine.begin()
        mine.begin()
        assert "write" in vars(stream)
        mine.end()
        assert "write" not in vars(stream)
        stream.write = other = len
        mine.begin()
        mine.end()
        assert stream.write is other
        mine.begin()
        stream.write = later = str
        mine.end()
        assert stream.write is later
    finally:
        sys.stdout, sys.stderr = before
    assert not tee._stood_in


def test_git_is_asked_without_running_what_the_repository_says(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    work = tmp_path / "repo"
    work.mkdir()

    def run(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", "-C", str(work), *who, *words], check=True, capture_output=True)

    run("init", "-q", "-b", "main")
    (work / "a.txt").write_text("1\n" * 50_000)
    run("add", "a.txt")
    run("commit", "-qm", "x")
    run("config", "core.fsmonitor", f"touch {marker}")
    run("config", "diff.external", f"touch {marker}")
    (work / ".gitattributes").write_text("a.txt diff=evil\n")
    run("config", "diff.evil.textconv", f"touch {marker};cat")
    run("remote", "add", "origin", "https://user:word@host.example:8443/a/b.git")
    (work / "a.txt").write_text("2\n" * 700_000)
    marker.unlink(missing_ok=True)  # git itself runs it for the commands above
    state = git.state_of(str(work))
    assert (state.branch, state.dirty, state.diff_cut) == ("main", True, True)
    assert state.remote == "https://host.example:8443/a/b.git"
    assert len(state.diff) == git.DIFF_BYTES_MAX
    assert not marker.exists()
    assert git.state_of(str(tmp_path / "nowhere")) == git.GitState()


def test_packages_are_read_from_the_names_of_folders(tmp_path: Path) -> None:
    for name in ("numpy-2.0.1.dist-info", "old_style-1.0-py3.11.egg-info", "numpy", "x.txt"):
        (tmp_path / name).mkdir()
    assert environment.packages([str(tmp_path), "/not/there"]) == ["numpy 2.0.1", "old-style 1.0"]


def test_files_of_a_far_run_arrive_as_its_artifacts(
    mlflow_server: str, until_arrived: Callable[..., Any]
) -> None:
    with track("far", experiment="far away", workspace=mlflow_server) as run:
        log({"x": 1.0})
        print("seen from afar")
    place = workspaces.resolve(mlflow_server)
    far_id, paths = until_arrived(mlflow_server, run.run_id, kept.OUTPUT)
    assert f"mltrack/{kept.SURROUNDINGS}" in paths
    for path in (settings.data_dir() / "keep" / place.id / run.run_id).iterdir():
        path.unlink()
    (settings.data_dir() / "keep" / place.id / run.run_id).rmdir()
    assert output_of(far_id, place) == ["seen from afar"]
    assert get_about(place, far_id).python != ""


@pytest.fixture
def until_arrived() -> Callable[..., Any]:
    """Waits until a run of ours has a kept file at the server; its id there, and all paths."""

    def wait(uri: str, run_id: str, name: str) -> Any:
        from mlflow import MlflowClient

        client = MlflowClient(uri)
        end_s = time.monotonic() + 150
        paths: list[str] = []
        while time.monotonic() < end_s:
            everywhere = [one.experiment_id for one in client.search_experiments()]
            for one in client.search_runs(everywhere, f"tags.`mltrack.run_id` = '{run_id}'"):
                paths = [file.path for file in client.list_artifacts(one.info.run_id, "mltrack")]
                if f"mltrack/{name}" in paths:
                    return one.info.run_id, paths
            time.sleep(0.2)
        raise AssertionError(paths)

    return wait


def test_what_is_printed_while_the_last_look_has_begun_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    armed, shared, ended = threading.Event(), threading.Event(), threading.Event()
    rememberer = remembering._rememberer
    share_out = rememberer._share_out

    def slowly() -> None:
        share_out()
        if armed.is_set() and not shared.is_set():
            shared.set()
            ended.wait(150)

    monkeypatch.setattr(rememberer, "_share_out", slowly)
    with track("quick") as run:
        log({"x": 1.0})
        print("early")
        armed.set()
        assert shared.wait(150)
        print("late")
    ended.set()
    assert output_of(run.run_id) == ["early", "late"]


_POOL = """
import multiprocessing
import jupyter_mltrack

def one(number):
    with jupyter_mltrack.track(f"child-{number}"):
        jupyter_mltrack.log({"x": number})

if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(one, range(3))
"""


def test_the_workers_of_a_pool_have_written_everything_before_it_ends_them(tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text(_POOL)
    done = subprocess.run(
        [sys.executable, "pool.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = list((settings.data_dir() / "keep").glob(f"*/*/{kept.SOURCE}"))
    assert [one.read_text() for one in found] == [_POOL] * 3
