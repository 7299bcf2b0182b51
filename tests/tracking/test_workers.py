"""Points logged by processes of a cell land in the cell's run, whatever made the process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_SCRIPT = """
import multiprocessing, os, subprocess, sys, time
from jupyter_mltrack import log, track


def by_log(at):
    log({"point": float(at)}, step=at)


def by_mlflow(at):
    import mlflow

    mlflow.log_metric("point", float(at), step=at)


def by_a_run_of_its_own(at):
    import mlflow

    with mlflow.start_run():
        mlflow.log_metric("own", float(at))


def in_processes(method, *work):
    started = [multiprocessing.get_context(method).Process(target=w, args=(at,)) for at, w in enumerate(work)]
    for process in started:
        process.start()
    for process in started:
        process.join()
        assert process.exitcode == 0


def fork_before_the_first_point():
    in_processes("fork", by_log, by_log)


def fork_after_the_first_point():
    log({"parent": 1})
    in_processes("fork", by_log, by_log)
    log({"parent": 2})


def fork_and_exit():
    log({"parent": 1})
    child = os.fork()
    if child == 0:
        log({"point": 7.0}, step=7)
        os._exit(0)
    os.waitpid(child, 0)


def fork_that_unwinds():
    child = os.fork()
    if child == 0:
        log({"point": 7.0}, step=7)
        sys.exit(0)
    os.waitpid(child, 0)


def spawn():
    in_processes("spawn", by_log, by_mlflow, by_a_run_of_its_own)


def plain_subprocess():
    code = "import mlflow; mlflow.log_metric('point', 1, step=1); from jupyter_mltrack import log; log({'point': 2}, step=2)"
    subprocess.run([sys.executable, "-c", code], check=True)


def subprocess_that_only_logs():
    subprocess.run([sys.executable, "-c", "from jupyter_mltrack import log; log({'point': 2}, step=2)"], check=True)


def loky():
    from joblib import Parallel, delayed

    Parallel(n_jobs=2)(delayed(by_log)(at) for at in range(4))


def loky_again():
    loky()


def trial(at):
    with track(f"trial {at}", nested=at == 0) as run:
        log({"own": float(at)})
    return run.context.experiment


def loky_in_an_experiment():
    from joblib import Parallel, delayed

    import jupyter_mltrack

    jupyter_mltrack.experiment("sweeps")
    with track("sweep"):
        found = Parallel(n_jobs=2)(delayed(trial)(at) for at in range(2))
    assert found == ["sweeps", "sweeps"], found


def loky_with_mlflow():
    from joblib import Parallel, delayed

    Parallel(n_jobs=2)(delayed(by_mlflow)(at) for at in range(4))


def loky_with_mlflow_again():
    loky_with_mlflow()


def joblib_threads():
    from joblib import Parallel, delayed

    Parallel(n_jobs=2, backend="threading")(delayed(by_log)(at) for at in range(4))


def a_pool(pool):
    pool.map(by_log, range(4))


def main(chosen):
    for name in chosen.split(","):
        if name == "pools":
            with multiprocessing.get_context("fork").Pool(2) as pool:
                for name in ("pool_first", "pool_second"):
                    with track(name):
                        a_pool(pool)
        elif name == "automatic":
            manager = track("automatic")
            with manager as run:
                run.context.record_empty = False
                fork_before_the_first_point()
        elif name == "late":
            with track("late"):
                process = multiprocessing.get_context("fork").Process(target=lambda: (time.sleep(0.5), by_log(1)))
                process.start()
            with track("afterwards"):
                log({"parent": 1})
            process.join()
        else:
            with track(name):
                globals()[name]()


if __name__ == "__main__":
    main(sys.argv[1])
"""


@pytest.fixture
def play(tmp_path: Path, kept: Callable[..., dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    def run(*names: str) -> dict[str, Any]:
        script = Path("workers.py")
        script.write_text(_SCRIPT)
        done = subprocess.run(
            [sys.executable, str(script), ",".join(names)],
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "MltrackWarning" not in done.stderr, done.stderr
        return kept()

    return run


def points(found: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {
        name: {key: len(values) for key, values in run.points.items()}
        for name, run in found.items()
    }


def test_forked_processes_log_into_the_cells_run(play: Callable[..., dict[str, Any]]) -> None:
    found = play(
        "fork_before_the_first_point",
        "fork_after_the_first_point",
        "fork_and_exit",
        "fork_that_unwinds",
        "pools",
        "automatic",
        "late",
    )
    assert points(found) == {
        "fork_before_the_first_point": {"point": 2},
        "fork_after_the_first_point": {"point": 2, "parent": 2},
        "fork_and_exit": {"point": 1, "parent": 1},
        "fork_that_unwinds": {"point": 1},
        "pool_first": {"point": 4},
        "pool_second": {"point": 4},
        "automatic": {"point": 2},
        "late": {"point": 1},
        "afterwards": {"parent": 1},
    }
    assert {run.status for run in found.values()} == {"FINISHED"}


def test_joblib_workers_log_into_the_run_of_the_cell_that_uses_them(
    play: Callable[..., dict[str, Any]],
) -> None:
    names = ("loky", "loky_again", "loky_with_mlflow", "loky_with_mlflow_again", "joblib_threads")
    found = play(*names)
    assert points(found) == {name: {"point": 4} for name in names}
    assert {run.status for run in found.values()} == {"FINISHED"}


def test_runs_of_joblib_workers_are_in_the_experiment_of_the_cell_that_uses_them(
    play: Callable[..., dict[str, Any]],
) -> None:
    found = play("loky_in_an_experiment")  # it compares the experiments itself
    own = [found["trial 0"], found["trial 1"]]
    assert [run.points["own"] for run in own] == [[(0, 0.0)], [(0, 1.0)]]
    assert own[0].parent == found["sweep"].run_id


def test_spawned_processes_log_into_the_cells_run_and_own_runs_are_its_children(
    play: Callable[..., dict[str, Any]],
) -> None:
    found = play("spawn")
    assert points(found) == {"spawn": {"point": 2}, "spawn-worker": {"own": 1}}
    assert found["spawn-worker"].parent == found["spawn"].run_id
    assert {run.status for run in found.values()} == {"FINISHED"}


def test_subprocesses_log_into_the_cells_run(play: Callable[..., dict[str, Any]]) -> None:
    found = play("subprocess_that_only_logs", "plain_subprocess")
    assert points(found) == {
        "subprocess_that_only_logs": {"point": 1},
        "plain_subprocess": {"point": 2},
    }
    assert {run.status for run in found.values()} == {"FINISHED"}


def test_a_worker_of_a_killed_owner_leaves_no_run_that_runs_for_ever(
    kept: Callable[..., dict[str, Any]],
) -> None:
    code = """
import os, signal
from jupyter_mltrack import log, track
manager = track("orphaned")
manager.__enter__()
child = os.fork()
if child == 0:
    log({"point": 1.0})
    os._exit(0)
os.waitpid(child, 0)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -9
    found = kept()["orphaned"]
    assert (found.status, points({"o": found})) == ("FAILED", {"o": {"point": 1}})
