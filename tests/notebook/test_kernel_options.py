"""Each option of the header, in a real kernel, seen in the store."""

from __future__ import annotations

from typing import Any

LOG = "from jupyter_mltrack import log\nlog({'x': 1.0})\n"


def test_a_run_can_be_the_child_of_another_one(kernel: Any, store: Any) -> None:
    assert kernel.run(f"%%track mother\n{LOG}").status == "ok"
    assert kernel.run(f"%%track daughter --parent mother\n{LOG}").status == "ok"
    runs = {run["name"]: run for run in store.runs()}
    assert runs["daughter"]["tags"]["mlflow.parentRunId"] == runs["mother"]["id"]
    assert "mlflow.parentRunId" not in runs["mother"]["tags"]


def test_nested_takes_the_run_that_is_active(kernel: Any, store: Any) -> None:
    cell = (
        "import jupyter_mltrack\n"
        "with jupyter_mltrack.track('outer') as outer:\n"
        "    get_ipython().run_cell('%%track inner --nested\\njupyter_mltrack.log({\"x\": 1.0})')\n"
        "    outer.log({'y': 2.0})\n"
    )
    assert kernel.run(cell).status == "ok"
    runs = {run["name"]: run for run in store.runs()}
    assert runs["inner"]["tags"]["mlflow.parentRunId"] == runs["outer"]["id"]
    assert (runs["inner"]["metrics"], runs["outer"]["metrics"]) == ({"x": 1.0}, {"y": 2.0})


def test_a_run_can_be_gone_on_with_also_by_another_kernel(new_kernel: Any, store: Any) -> None:
    first = new_kernel()
    assert first.run(f"%%track long\n{LOG}").status == "ok"
    first.run("%mltrack sync --wait")
    second = new_kernel()
    reply = second.run(
        "%%track --resume long\nfrom jupyter_mltrack import log\nlog({'x': 5.0}, step=7)\n1/0\n"
    )
    assert reply.status == "error"
    (run,) = store.runs()
    assert (run["name"], run["status"], run["metrics"], run["points"]) == (
        "long",
        "FAILED",
        {"x": 5.0},
        2,
    )


def test_parameters_by_name_by_the_cell_and_not_at_all(kernel: Any, store: Any) -> None:
    kernel.run("depth = 3\n")
    kernel.run("%%track named --param depth\nlr = 0.1\n")
    kernel.run("%%track only --param depth --param none\nlr = 0.1\n")
    kernel.run("%%track none --param none\nlr = 0.1\n")
    kernel.run(
        "%%track auto\nlr = 0.1\nlr = lr * 2\nname = 'a b'\n_hidden = 1\ntoken = 'x'\n%time flag = True\n"
    )
    params = {run["name"]: run["params"] for run in store.runs()}
    assert params["named"] == {"depth": "3", "lr": "0.1"}
    assert params["only"] == {"depth": "3"}
    assert params["none"] == {}
    assert params["auto"] == {"name": "a b"}


def test_a_parameter_of_the_user_is_not_overwritten_by_the_literal(kernel: Any, store: Any) -> None:
    reply = kernel.run(
        "%%track mine\nimport mlflow\nlr = 0.1\nmlflow.log_param('lr', 'user')\n", timeout_s=240
    )
    assert reply.status == "ok", reply.traceback
    (run,) = store.runs()
    assert run["params"] == {"lr": "user"}


def test_values_of_variables_may_stand_in_the_header(kernel: Any, store: Any) -> None:
    kernel.run("number = 7\n")
    assert kernel.run("%%track sweep-{number} --tag size=$number\nx = 1\n").lines == [
        "✓ sweep-7 · 00:00"
    ]
    (run,) = store.runs()
    assert run["tags"]["size"] == "7"


def test_system_metrics_are_recorded_while_the_cell_runs(kernel: Any, store: Any) -> None:
    reply = kernel.run(
        "%%track loaded --system-metrics\nimport mlflow, time\n"
        "mlflow.set_system_metrics_sampling_interval(0.2)\nmlflow.set_system_metrics_samples_before_logging(1)\n"
        "mlflow.log_metric('x', 1.0)\nrun_id = mlflow.last_active_run().info.run_id\n"
        "until = time.monotonic() + 150\n"
        "while time.monotonic() < until and len(mlflow.get_run(run_id).data.metrics) < 2:\n    time.sleep(0.2)\n",
        timeout_s=240,
    )
    assert reply.status == "ok", reply.traceback
    (run,) = store.runs()
    assert any(key.startswith("system/") for key in run["metrics"])


def test_autologging_is_on_for_the_cell_that_says_so_and_off_after_it(
    kernel: Any, store: Any
) -> None:
    fit = (
        "from sklearn.datasets import load_iris\nfrom sklearn.linear_model import Ridge\n"
        "Ridge().fit(*load_iris(return_X_y=True))\n"
    )
    first = kernel.run(f"%%track trained --autolog\nimport mlflow\n{fit}", timeout_s=240)
    assert first.status == "ok", first.traceback
    second = kernel.run(f"%%track plain\n{fit}", timeout_s=120)
    assert second.status == "ok", second.traceback
    params = {run["name"]: run["params"] for run in store.runs()}
    assert params["trained"].get("alpha") == "1.0"
    assert params["plain"] == {}


def test_the_notebook_and_the_cell_are_kept_as_far_as_they_are_known(
    new_kernel: Any, store: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", str(store.database.parents[1] / "notes" / "study.ipynb"))
    kernel = new_kernel()
    assert kernel.run(f"%%track a\n{LOG}", cellId="cell-17").status == "ok"
    (run,) = store.runs()
    assert run["tags"]["mltrack.notebook"].endswith("study.ipynb")
    assert run["tags"]["mltrack.cell_id"] == "cell-17"
    assert run["tags"]["mlflow.source.name"].endswith("study.ipynb")


def test_a_notebook_of_vs_code_is_known_by_its_variable(kernel: Any, store: Any) -> None:
    kernel.run("__vsc_ipynb_file__ = '/elsewhere/code.ipynb'\n")
    assert kernel.run(f"%%track a\n{LOG}").status == "ok"
    (run,) = store.runs()
    assert run["tags"]["mltrack.notebook"] == "/elsewhere/code.ipynb"
