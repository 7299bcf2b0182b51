"""Series files keep what was shipped: exact, once, private, capped, and safe against damage."""

from __future__ import annotations

import math
import os
import stat
import struct
from pathlib import Path

import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.journal import Journal, series
from jupyter_mltrack.settings import data_dir
from jupyter_mltrack.workspaces import Workspace, resolve

RUN = "a" * 32
OTHER = "b" * 32


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return resolve("local", tmp_path)


@pytest.fixture
def journal(workspace):
    made = Journal(workspace, max_bytes=0)
    made._space.segment_bytes = 64 << 10
    made.open()
    yield made
    made.close()


def born(journal: Journal, run_id: str = RUN, **more) -> None:
    journal.event(wire.RunBorn(run_id=wire.RunId(run_id), name="run", start_ms=1_000, **more))


def log(journal: Journal, count: int, run_id: str = RUN, first: int = 0) -> None:
    sink = journal.sink(run_id)
    for step in range(first, first + count):
        sink.append(
            {"loss": float(step), "odd": -0.0 if step % 2 else math.nan}, step, 5_000 + step
        )


def segments(journal: Journal) -> list[int]:
    return sorted(int(path.stem) for path in journal.path.glob("[0-9]*.seg"))


def load(workspace: Workspace, run_id: str = RUN, **more) -> series.KeptRun | None:
    return series.load(data_dir(), workspace.id, run_id, **more)


def test_what_is_kept_comes_back_bit_for_bit(journal, workspace):
    born(journal, experiment="digits")
    log(journal, 3_000)
    number = str(2**64 + 1)
    point = wire.MetricPoint(key="n", value=number, step=1, timestamp_ms=2)
    journal.event(wire.RunMetrics(run_id=wire.RunId(RUN), metrics=[point]))
    journal.event(
        wire.RunEnded(run_id=wire.RunId(RUN), status="KILLED", end_ms=9_000, error="stop")
    )
    series.keep(data_dir(), journal.path, segments(journal)[-1])
    kept = load(workspace)
    assert kept.columns["loss"].values.tolist() == [float(step) for step in range(3_000)]
    assert kept.columns["loss"].steps.tolist() == list(range(3_000))
    assert kept.columns["loss"].times.tolist() == [5_000 + step for step in range(3_000)]
    wanted = [-0.0 if step % 2 else math.nan for step in range(3_000)]
    assert [struct.pack("<d", one) for one in kept.columns["odd"].values] == [
        struct.pack("<d", one) for one in wanted
    ]
    assert kept.columns["odd"].odd
    assert kept.columns["n"].exact == {0: number}
    facts = kept.facts
    assert (facts.name, facts.status, facts.end_ms, facts.error, facts.experiment, facts.born) == (
        "run", "KILLED", 9_000, "stop", "digits", True,
    )  # fmt: skip
    assert kept.complete


def test_segments_kept_one_after_the_other_and_again_add_nothing_twice(journal, workspace):
    born(journal)
    log(journal, 20_000)
    numbers = segments(journal)
    assert len(numbers) > 5
    for through in numbers:
        assert series.keep(data_dir(), journal.path, through) == 1
        assert series.keep(data_dir(), journal.path, through) == 0
    assert load(workspace).columns["loss"].steps.tolist() == list(range(20_000))


def test_segments_that_are_gone_already_are_no_hindrance(journal, workspace):
    born(journal)
    log(journal, 20_000)
    for number in segments(journal)[:-1]:
        series.keep(data_dir(), journal.path, number)
        (journal.path / f"{number:08d}.seg").unlink()
    series.keep(data_dir(), journal.path, segments(journal)[-1])
    kept = load(workspace)
    assert kept.columns["loss"].steps.tolist() == list(range(20_000))
    assert (kept.facts.name, kept.facts.born) == ("run", True)


def test_a_reader_that_has_later_segments_leaves_them_out(journal, workspace):
    born(journal)
    log(journal, 20_000)
    numbers = segments(journal)
    series.keep(data_dir(), journal.path, numbers[-1])
    part = load(workspace, until=(journal.path.name, numbers[2])).columns["loss"].steps
    assert 0 < len(part) < 20_000
    assert part.tolist() == list(range(len(part)))


def test_runs_have_a_file_each_and_ids_that_are_paths_none(journal, workspace):
    for run_id in (RUN, OTHER):
        born(journal, run_id)
        log(journal, 10, run_id)
    series.keep(data_dir(), journal.path, 1)
    assert sorted(path.stem for path in series.folder(data_dir()).glob("*/*")) == [RUN, OTHER]
    for evil in ("../x", "a/b", "", ".", "a\x00b"):
        assert load(workspace, evil) is None
        with pytest.raises(ValueError, match="not an id"):
            series.path_of(data_dir(), workspace.id, evil)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_s20_series_files_are_private_under_any_umask(journal, workspace, umask):
    born(journal)
    log(journal, 10)
    before = os.umask(umask)
    try:
        series.keep(data_dir(), journal.path, 1)
    finally:
        os.umask(before)
    path = series.path_of(data_dir(), workspace.id, RUN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert load(workspace) is not None


def test_s20_a_planted_link_is_neither_written_nor_read(journal, workspace, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    born(journal)
    log(journal, 10)
    path = series.path_of(data_dir(), workspace.id, RUN)
    path.parent.mkdir(parents=True, mode=0o700)
    path.parent.parent.chmod(0o700)
    path.symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        series.keep(data_dir(), journal.path, 1)
    assert victim.read_text() == "mine"
    assert load(workspace) is None


def test_s20_a_folder_that_others_may_write_to_is_refused(journal, workspace):
    born(journal)
    log(journal, 10)
    folder = series.folder(data_dir())
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="others may write"):
        series.keep(data_dir(), journal.path, 1)


def test_a_file_cut_or_flipped_anywhere_gives_whole_frames_or_nothing_and_says_so(
    journal, workspace
):
    born(journal)
    log(journal, 3_000)
    series.keep(data_dir(), journal.path, segments(journal)[-1])
    path = series.path_of(data_dir(), workspace.id, RUN)
    whole = path.read_bytes()
    want = load(workspace).columns["loss"].steps.tolist()
    for at in [*range(0, len(whole), 997), *range(60)]:
        path.write_bytes(whole[:at])
        kept = load(workspace)
        if kept is not None:
            got = kept.columns["loss"].steps.tolist() if kept.columns else []
            assert got == want[: len(got)]
        flipped = bytearray(whole)
        flipped[at] ^= 0x40
        path.write_bytes(flipped)
        kept = load(workspace)
        assert kept is None or not kept.complete
        if kept is not None and kept.columns:
            got = kept.columns["loss"].steps.tolist()
            assert got == want[: len(got)]


def test_a_file_that_was_cut_is_continued_but_not_called_complete(journal, workspace):
    born(journal)
    log(journal, 10_000)
    numbers = segments(journal)
    for number in numbers[:3]:
        series.keep(data_dir(), journal.path, number)
    path = series.path_of(data_dir(), workspace.id, RUN)
    path.write_bytes(path.read_bytes()[:-100])
    series.keep(data_dir(), journal.path, numbers[-1])
    kept = load(workspace)
    assert kept.columns["loss"].steps.tolist() == list(range(10_000))
    assert not kept.complete


def test_the_least_recently_used_files_go_first(journal, workspace):
    for at in range(4):
        run_id = f"{at:032x}"
        born(journal, run_id)
        log(journal, 100, run_id)
    series.keep(data_dir(), journal.path, 1)
    paths = [series.path_of(data_dir(), workspace.id, f"{at:032x}") for at in range(4)]
    for at, path in enumerate(paths):
        os.utime(path, (at, at))
    load(workspace, f"{0:032x}")  # used just now
    size = paths[0].stat().st_size
    series.trim(data_dir(), 2 * size + 10)
    assert [path.exists() for path in paths] == [True, False, False, True]


def test_a_run_beyond_its_limit_is_marked_as_not_complete(journal, workspace, monkeypatch):
    monkeypatch.setattr(series, "RUN_FILE_BYTES_MAX", 10_000)
    born(journal)
    log(journal, 20_000)
    for number in segments(journal):
        series.keep(data_dir(), journal.path, number)
    kept = load(workspace)
    assert not kept.complete
    assert 0 < len(kept.columns["loss"].values) < 20_000


def test_a_hundred_thousand_points_come_back_whole(journal, workspace):
    born(journal)
    log(journal, 50_000)
    series.keep(data_dir(), journal.path, segments(journal)[-1])
    kept = load(workspace)
    assert sum(len(points.values) for points in kept.columns.values()) == 100_000
