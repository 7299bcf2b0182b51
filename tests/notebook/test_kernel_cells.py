"""Tracked cells in a real kernel: what runs, what is recorded, what is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_a_tracked_cell_is_one_run_with_its_line(kernel: Any, store: Any) -> None:
    reply = kernel.run(
        "%%track sweep --experiment digits --tag owner=me --metric double=2*lr\n"
        "from jupyter_mltrack import log\nlr = 0.01\nlayers = (64, 10)\n"
        "for step in range(5):\n    log({'loss': 1 / (step + 1), 'acc': step / 5})\n"
    )
    assert reply.status == "ok"
    assert reply.lines == [
        "✓ sweep · loss 0.2 · acc 0.8 · double 0.02 · 00:00",
        "  loss  █▃▂▁▁  1 → 0.2",
        "  acc   ▁▂▄▆█  0 → 0.8",
    ]
    assert set(reply.bundles[0]) == {"text/plain", "text/html"}
    assert "<script" not in reply.bundles[0]["text/html"]
    (run,) = store.runs()
    assert reply.metadata[0]["mltrack"]["run_id"] == run["id"]
    assert (run["name"], run["status"], run["experiment"]) == ("sweep", "FINISHED", "digits")
    assert run["params"] == {"lr": "0.01", "layers": "(64, 10)"}
    assert run["metrics"] == {"loss": 0.2, "acc": 0.8, "double": 0.02}
    assert run["tags"]["owner"] == "me"
    assert run["points"] == 11


def test_neither_mlflow_nor_a_database_is_imported_for_it(kernel: Any) -> None:
    reply = kernel.run("%%track a\nimport sys\nfrom jupyter_mltrack import log\nlog({'x': 1.0})\n")
    assert reply.status == "ok"
    asked = kernel.run(
        "print([m for m in ('mlflow', 'sqlalchemy', 'sqlite3', 'pandas') if m in sys.modules])"
    )
    assert asked.stdout.strip() in ("[]", "['sqlite3']")  # IPython's own history uses sqlite3


def test_top_level_await_works_and_an_error_shows_the_line_that_was_typed(
    kernel: Any, store: Any
) -> None:
    reply = kernel.run(
        "%%track waits\nimport asyncio\nfrom jupyter_mltrack import log\n"
        "await asyncio.sleep(0)\nlog({'x': 1.0})\nawait asyncio.sleep(0)\nprint('through')\n"
    )
    assert (reply.status, reply.stdout) == ("ok", "through\n")
    reply = kernel.run(
        "%%track fails\nfrom jupyter_mltrack import log\nlog({'x': 1.0})\n\nboom = 1 / 0\n"
    )
    assert (reply.status, reply.error) == ("error", "ZeroDivisionError")
    assert any("line 5" in line and "----> 5 boom = 1 / 0" in line for line in reply.traceback)
    assert reply.lines == ["✕ fails · ZeroDivisionError: division by zero · 00:00 · 1 point kept"]
    assert store.statuses() == {"waits": "FINISHED", "fails": "FAILED"}


def test_a_cell_that_does_not_parse_begins_no_run(kernel: Any, store: Any) -> None:
    assert kernel.run("%%track broken\nx = = 1\n").error == "SyntaxError"
    assert kernel.run("%%track good\nx = 1\n").status == "ok"
    assert store.statuses() == {"good": "FINISHED"}


def test_an_empty_body_is_recorded_and_quiet_shows_nothing(kernel: Any, store: Any) -> None:
    assert kernel.run("%%track nothing --quiet\n").lines == []
    assert kernel.run("%config MLTrack.quiet = True\n").status == "ok"
    assert kernel.run("%%track silent\nx = 1\n").lines == []
    assert store.statuses() == {"nothing": "FINISHED", "silent": "FINISHED"}


def test_running_a_cell_again_is_a_new_run_of_the_same_name(kernel: Any, store: Any) -> None:
    for _ in range(3):
        assert kernel.run("%%track again\nx = 1\n").status == "ok"
    runs = store.runs()
    assert [run["name"] for run in runs] == ["again"] * 3
    assert sorted(run["tags"]["mltrack.attempt"] for run in runs) == ["1", "2", "3"]
    assert len({run["id"] for run in runs}) == 3


def test_time_above_and_time_below_both_work(kernel: Any, store: Any) -> None:
    log = "from jupyter_mltrack import log\nlog({'x': 1.0})\n"
    below = kernel.run(f"%%track below\n%%time\n{log}")
    above = kernel.run(f"%%time\n%%track above\n{log}")
    assert (below.status, above.status) == ("ok", "ok")
    assert "Wall time" in below.stdout
    assert "Wall time" in above.stdout
    assert below.lines == ["✓ below · x 1 · 00:00"]
    assert above.lines == ["✓ above · x 1 · 00:00"]
    assert store.statuses() == {"below": "FINISHED", "above": "FINISHED"}


def test_a_cell_that_runs_other_cells_ends_when_it_ends_itself(kernel: Any, store: Any) -> None:
    reply = kernel.run(
        "%%track outer\nfrom jupyter_mltrack import log\nlog({'x': 1.0})\n"
        "get_ipython().run_cell('y = 2')\nget_ipython().run_cell('1/0')\nlog({'x': 3.0})\n"
    )
    assert reply.status == "ok"
    (run,) = store.runs()
    assert (run["status"], run["points"], run["metrics"]) == ("FINISHED", 2, {"x": 3.0})


def test_capture_under_the_header_captures_the_output_and_keeps_the_line(
    kernel: Any, store: Any
) -> None:
    reply = kernel.run(
        "%%track seen\n%%capture kept\nfrom jupyter_mltrack import log\nprint('inside')\nlog({'x': 1.0})\n"
    )
    assert (reply.stdout, reply.lines) == ("", ["✓ seen · x 1 · 00:00"])
    assert kernel.run("print(kept.stdout)").stdout == "inside\n\n"
    assert store.statuses() == {"seen": "FINISHED"}


def test_a_header_in_the_middle_of_another_notebook_that_is_run(kernel: Any, store: Any) -> None:
    source = (
        "import nbformat\nfrom nbformat.v4 import new_notebook, new_code_cell\n"
        "book = new_notebook(cells=[new_code_cell('%%track one\\na=1'), new_code_cell('%%track two\\nb=2')])\n"
        "nbformat.write(book, 'other.ipynb')\n"
    )
    assert kernel.run(source).status == "ok"
    reply = kernel.run("%run other.ipynb")
    assert reply.status == "ok", reply.traceback
    assert store.statuses() == {"one": "FINISHED", "two": "FINISHED"}


def test_two_headers_in_one_cell_are_refused_and_the_first_run_ends(
    kernel: Any, store: Any
) -> None:
    reply = kernel.run("%%track one\n%%track two\nx = 1\n")
    assert reply.traceback[0] == "This cell is tracked already."
    assert len(reply.traceback) == 2
    assert store.statuses() == {"one": "FAILED"}


def test_autoreload_stays_at_work(kernel: Any, store: Any) -> None:
    module = Path(kernel.cwd) / "mine.py"
    module.write_text("def value():\n    return 1.0\n")
    assert kernel.run("%load_ext autoreload\n%autoreload 2\nimport mine\n").status == "ok"
    cell = "%%track reloads\nfrom jupyter_mltrack import log\nlog({'x': mine.value()})\n"
    assert kernel.run(cell).lines == ["✓ reloads · x 1 · 00:00"]
    module.write_text("def value():\n    return 22.0  # changed\n")
    assert kernel.run(cell).lines == ["✓ reloads · x 22 · 00:00"]


def test_a_replaced_stdout_and_broken_user_hooks_do_not_matter(kernel: Any, store: Any) -> None:
    assert (
        kernel.run(
            "import sys\n"
            "class Broken:\n"
            "    def write(self, text): raise OSError('no')\n"
            "    def flush(self): raise OSError('no')\n"
            "def angry(*_): raise RuntimeError('hook')\n"
            "get_ipython().events.register('pre_run_cell', angry)\n"
            "get_ipython().events.register('post_run_cell', angry)\n"
        ).status
        == "ok"
    )
    reply = kernel.run(
        "%%track robust\nfrom jupyter_mltrack import log\nold = sys.stdout\nsys.stdout = Broken()\n"
        "try:\n    log({'x': 1.0})\nfinally:\n    sys.stdout = old\n"
    )
    assert reply.status == "ok"
    assert "✓ robust · x 1 · 00:00" in reply.lines
    assert store.statuses() == {"robust": "FINISHED"}


def test_threads_and_processes_of_a_cell_log_into_its_run(kernel: Any, store: Any) -> None:
    reply = kernel.run(
        "%%track workers\n"
        "import threading, multiprocessing, os\nfrom jupyter_mltrack import log\n"
        "def work(n):\n    log({f'm{n}': float(n)})\n    return os.getpid()\n"
        "threads = [threading.Thread(target=work, args=(n,)) for n in range(3)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    pids = pool.map(work, [10, 11, 12])\n"
        "assert os.getpid() not in pids\n"
    )
    assert reply.status == "ok", reply.traceback
    (run,) = store.runs()
    assert set(run["metrics"]) == {"m0", "m1", "m2", "m10", "m11", "m12"}
    reply = kernel.run(
        "%%track sent\nwith multiprocessing.get_context('fork').Pool(1) as pool:\n"
        "    pool.map(work, [7])\n"
    )
    assert reply.lines == ["✓ sent · m7 7 · 00:00"]


def test_autologging_of_scikit_learn_lands_in_the_cells_run(kernel: Any, store: Any) -> None:
    reply = kernel.run(
        "%%track trained\nimport mlflow\nmlflow.sklearn.autolog(log_models=False)\n"
        "from sklearn.datasets import load_iris\nfrom sklearn.linear_model import LogisticRegression\n"
        "X, y = load_iris(return_X_y=True)\nmodel = LogisticRegression(max_iter=500).fit(X, y)\n",
        timeout_s=240,
    )
    assert reply.status == "ok", reply.traceback
    assert any(line.startswith("✓ trained · ") for line in reply.lines), reply.lines
    runs = store.runs()
    assert [run["name"] for run in runs] == ["trained"]
    assert runs[0]["params"]["max_iter"] == "500"
    assert "training_score" in runs[0]["metrics"]


def test_auto_tracks_cells_that_log_and_no_others(kernel: Any, store: Any) -> None:
    assert kernel.run("%mltrack auto on").lines == [
        "auto on: every cell that logs or trains is tracked"
    ]
    assert kernel.run("x = 1\n").lines == []
    reply = kernel.run("import jupyter_mltrack\njupyter_mltrack.log({'x': 2.0})\n")
    assert len(reply.lines) == 1
    assert reply.lines[0].endswith(" · x 2 · 00:00")
    assert kernel.run("%%track named\njupyter_mltrack.log({'x': 3.0})\n").lines == [
        "✓ named · x 3 · 00:00"
    ]
    assert kernel.run("%mltrack auto off").status == "ok"
    assert len(store.runs()) == 2
