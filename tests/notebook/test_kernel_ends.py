"""However a cell ends, its run ends honestly, once, and the next cell is clean."""

from __future__ import annotations

import contextlib
import os
import queue
import random
import shutil
import signal
import time
from typing import Any

import patience
import pytest

LOOP = (
    "from jupyter_mltrack import log\nimport time\nlog({'x': 1.0})\nprint('running', flush=True)\n"
    "time.sleep(200)\nprint('never')\n"
)
AWAITING = (
    "from jupyter_mltrack import log\nimport asyncio\nlog({'x': 1.0})\nprint('running', flush=True)\n"
    "for _ in range(2_000):\n    await asyncio.sleep(0.1)\nprint('never')\n"
)


@pytest.mark.parametrize("body", [LOOP, AWAITING], ids=["plain", "awaiting"])
@pytest.mark.parametrize("times", [1, 3])
def test_interrupts_end_the_run_as_killed_and_the_next_cell_is_clean(
    kernel: Any, store: Any, body: str, times: int
) -> None:
    cell = kernel.start(f"%%track stopped\n{body}")
    kernel.wait_for_output(cell, "running")
    time.sleep(0.2)
    for _ in range(times):
        os.kill(kernel.pid, signal.SIGINT)
        time.sleep(0.03)
    with contextlib.suppress(queue.Empty):  # ipykernel itself may lose an answer to the third
        kernel.finish(cell, 60 if times == 1 else 20)
    time.sleep(0.3)
    reply = kernel.run("%%track after\nfrom jupyter_mltrack import log\nlog({'y': 2.0})\n")
    assert (reply.status, reply.lines) == ("ok", ["✓ after · y 2 · 00:00"])
    runs = {run["name"]: run for run in store.runs()}
    assert {name: run["status"] for name, run in runs.items()} == {
        "stopped": "KILLED",
        "after": "FINISHED",
    }
    assert (runs["stopped"]["metrics"], runs["after"]["metrics"]) == ({"x": 1.0}, {"y": 2.0})


def test_storms_of_interrupts_at_any_moment_leave_no_run_running(kernel: Any, store: Any) -> None:
    luck = random.Random(7)
    kernel.run("from jupyter_mltrack import log\nimport asyncio, time\n")
    for number in range(16):
        pause = "await asyncio.sleep(0.002)" if number % 2 else "time.sleep(0.002)"
        cell = kernel.start(
            f"%%track storm-{number}\nfor n in range(20):\n    log({{'x': float(n)}})\n    {pause}\n"
        )
        time.sleep(luck.random() * 0.1)
        for _ in range(3):
            os.kill(kernel.pid, signal.SIGINT)
            time.sleep(luck.random() * 0.045)
        with contextlib.suppress(
            queue.Empty
        ):  # ipykernel itself may lose an answer to an interrupt
            kernel.finish(cell, 5)
        time.sleep(0.1)
    assert kernel.run("%%track calm\nlog({'y': 1.0})\n").lines == ["✓ calm · y 1 · 00:00"]
    statuses = store.statuses()
    assert statuses.pop("calm") == "FINISHED"
    assert set(statuses.values()) <= {"KILLED", "FINISHED"}


def test_a_context_that_an_interrupt_storm_left_open_is_left_by_the_next_cell(
    kernel: Any, store: Any
) -> None:
    hooks = "get_ipython().magics_manager.registry['MLTrack'].hooks"
    assert (
        kernel.run(
            f"%%track stormy\nfrom jupyter_mltrack import log\nlog({{'x': 1.0}})\n"
            f"get_ipython().events.unregister('post_run_cell', {hooks}.post_run_cell)\n"
        ).status
        == "ok"
    )
    kernel.run(f"get_ipython().events.register('post_run_cell', {hooks}.post_run_cell)\n")
    reply = kernel.run("%%track calm\nlog({'y': 2.0})\n")
    assert reply.lines[-1] == "✓ calm · y 2 · 00:00"
    assert store.statuses() == {"stormy": "KILLED", "calm": "FINISHED"}


@pytest.mark.parametrize(
    ("call", "status"), [("raise SystemExit", "FINISHED"), ("raise SystemExit(3)", "FAILED")]
)
def test_system_exit_in_a_cell(kernel: Any, store: Any, call: str, status: str) -> None:
    kernel.run(f"%%track leaves\n{call}\n")
    assert kernel.run("%%track next\nx = 1\n").status == "ok"
    assert store.statuses() == {"leaves": status, "next": "FINISHED"}


def test_a_restarted_kernel_ends_the_run_of_its_cell(kernel: Any, store: Any) -> None:
    cell = kernel.start(f"%%track restarted\n{LOOP}")
    kernel.wait_for_output(cell, "running")
    kernel.restart()
    (run,) = store.runs()
    assert (run["status"], run["metrics"]) == ("KILLED", {"x": 1.0})


def test_a_killed_kernel_loses_nothing_and_sync_ends_its_run(kernel: Any, store: Any) -> None:
    cell = kernel.start(
        "%%track murdered\nfrom jupyter_mltrack import log\nimport time\n"
        "for n in range(1000):\n    log({'x': float(n), 'y': -1.0})\n"
        "print('running', flush=True)\ntime.sleep(200)\n"
    )
    kernel.wait_for_output(cell, "running")
    kernel.kill()
    (run,) = store.runs()
    assert (run["status"], run["points"]) == ("FAILED", 2000)
    assert run["tags"]["mltrack.error"]


def test_looking_at_the_runs_is_enough_to_end_what_a_dead_kernel_left(
    new_kernel: Any, store: Any
) -> None:
    kernel = new_kernel()
    cell = kernel.start(f"%%track left\n{LOOP}")
    kernel.wait_for_output(cell, "running")
    kernel.kill()
    shown = new_kernel().run("%mltrack runs").shown
    assert "✕" in shown
    until = time.monotonic() + patience.WAIT_S
    while time.monotonic() < until and "FAILED" not in store.written_statuses():
        time.sleep(0.2)
    assert store.written_statuses() == ["FAILED"]


def test_a_kernel_that_exits_in_mid_cell_ends_its_run(new_kernel: Any, store: Any) -> None:
    kernel = new_kernel()
    kernel.start(f"%%track gone\n{LOOP.replace('time.sleep(200)', 'import os; os._exit(3)')}")
    kernel.manager.provisioner.process.wait(150)
    (run,) = store.runs()
    assert (run["status"], run["metrics"]) == ("FAILED", {"x": 1.0})


def test_unloading_in_mid_cell_ends_the_run_and_leaves_no_trace(kernel: Any, store: Any) -> None:
    reply = kernel.run(
        "%%track unloads\nfrom jupyter_mltrack import log\nlog({'x': 1.0})\n%unload_ext jupyter_mltrack\n"
    )
    assert reply.status == "ok"
    assert "not found" in kernel.run("%%track x\ny = 1\n").stderr
    assert store.statuses() == {"unloads": "FINISHED"}


def test_a_workspace_that_is_deleted_under_its_kernel_is_made_anew_and_that_is_said_once(
    kernel: Any, store: Any
) -> None:
    kernel.run(
        "%%track before\nimport mlflow\nmlflow.log_metric('x', 1)\n"
        "mlflow.get_run(mlflow.active_run().info.run_id)"
    )
    store.sync()
    shutil.rmtree(store.database.parent)
    said = kernel.run("%%track after\nmlflow.log_metric('x', 2)")
    assert said.status == "ok"
    assert "was deleted or replaced while this kernel ran" in said.stderr
    reply = kernel.run(
        "%%track later\nmlflow.log_metric('x', 3)\nmlflow.log_text('words', 'a.txt')\n"
        "print(mlflow.get_run(mlflow.active_run().info.run_id).data.metrics)",
        timeout_s=120,
    )
    assert (reply.status, reply.stdout, reply.stderr) == ("ok", "{'x': 3.0}\n", "")
    assert store.statuses() == {"after": "FINISHED", "later": "FINISHED"}
