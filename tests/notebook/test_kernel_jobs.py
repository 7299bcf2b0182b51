"""Cells that run elsewhere, in a real kernel: the notebook stays free, names come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_a_cell_runs_in_a_process_while_the_notebook_goes_on(
    new_kernel: Callable[[], Any], store: Any
) -> None:
    kernel = new_kernel()
    kernel.run("import math, threading\nbase = 10\nlock = threading.Lock()\n"
               "def scaled(x):\n    return x * base\n")  # fmt: skip
    reply = kernel.run(
        "%%track far --on process --return total --param base --metric final=total\n"
        "from jupyter_mltrack import log\nimport asyncio\nlr = 0.5\n"
        "for step in range(3):\n    log({'loss': 1 / (step + 1)})\n"
        "await asyncio.sleep(0.01)\n!echo from the shell\n"
        "total = scaled(4) + math.floor(lr)\ntotal\n"
    )
    assert reply.status == "ok", reply.traceback
    assert reply.lines[0].startswith("◌ far · process · queued · job ")
    assert kernel.run("print('free', 'total' in globals())").stdout == "free False\n"
    kernel.run("%mltrack jobs last --wait", timeout_s=90)
    reply = kernel.run("%mltrack jobs last")
    assert "✓ far · process · done · returned total" in reply.shown
    assert kernel.run("%mltrack jobs last --get\nprint(total)").stdout == "40\n"
    assert kernel.run("%mltrack logs job:last").lines == ["from the shell", "40"]
    (run,) = store.runs()
    assert (run["name"], run["status"]) == ("far", "FINISHED")
    assert run["params"] == {"lr": "0.5", "base": "10"}
    assert run["metrics"]["final"] == 40.0

    failed = kernel.run("%%track bad --on process\n\nx = 1\nraise ValueError('nope')\n")
    assert failed.status == "ok"
    kernel.run("%mltrack jobs last --wait", timeout_s=90)
    assert 'File "<cell>", line 4, in <module>' in kernel.run("%mltrack logs job:last").shown
    assert "✕ bad · process · failed · ValueError: nope" in kernel.run("%mltrack jobs last").shown

    refused = kernel.run("%%track bad --on process\nlock.acquire()\n")
    assert refused.traceback[0].startswith("lock (lock) cannot go along")
    secret = kernel.run("%%track bad --on process\nx = 1\nkey = 'ghp_" + "a" * 36 + "'\n")
    assert secret.traceback[0] == "Line 3 of the cell holds a secret; secrets do not travel."
    wrong = kernel.run("%%track bad --return x\nx = 1\n")
    assert wrong.traceback[0] == "%%track: --return is for a cell that runs elsewhere."
    assert kernel.run("%%track bad --on process\nx = = 1\n").error == "SyntaxError"


def test_a_job_outlives_the_kernel_and_is_found_again(new_kernel: Callable[[], Any]) -> None:
    kernel = new_kernel()
    kernel.run(
        "%%track long --on process --return x\nimport time, os\nprint('began', flush=True)\n"
        "while not os.path.exists('go'):\n    time.sleep(0.05)\nx = 7\n"
    )
    kernel.kill()
    later = new_kernel()
    assert "long" in later.run("%mltrack jobs").shown
    later.run("open('go', 'w').close()")
    reply = later.run("%mltrack jobs long --wait --get\nprint(x)", timeout_s=90)
    assert reply.stdout == "7\n", reply.traceback
