"""What a notebook states for its cells, what a cell ends with, and which attempt it is, with a real kernel."""

from __future__ import annotations

import time
from typing import Any

import pytest

from jupyter_mltrack.tracking.values import metrics_of

VALUES = [
    ("%%track by-name\naccuracy = 0.5 + 0.25\naccuracy", {"accuracy": 0.75}),
    ("%%track by-call\nclass Model:\n    def score(self): return 1\nModel().score()", {"score": 1.0}),
    ("%%track by-keys\n{'loss': 0.5, 'epochs': 3}", {"loss": 0.5, "epochs": 3.0}),
    ("%%track numpy\nimport numpy\nnumpy.float32(0.5)", {"float32": 0.5}),
    ("%%track said --metric half=1/2\n2 / 4", {"half": 0.5, "result": 0.5}),
    ("%%track off --metric none\n0.5", {}),
    ("%%track quiet\n0.5;", {}),
    ("%%track logged\nimport jupyter_mltrack\njupyter_mltrack.log({'loss': 0.25})\nloss = 7\nloss", {"loss": 0.25}),
    ("%%track words\n'0.5'", {}),
    ("%%track truth\nTrue", {}),
    ("%%track mixed\n{'loss': 0.5, 'name': 'x'}", {}),
    ("%%track failed\n0.5\n1 / 0", {}),
]  # fmt: skip


def test_the_numbers_that_a_cell_ends_with_are_metrics(kernel: Any, store: Any) -> None:
    for cell, _ in VALUES:
        kernel.run(cell, timeout_s=120)
    kernel.run("%config MLTrack.last_value = False")
    kernel.run("%%track by-config\n0.5")
    found = {run["name"]: run["metrics"] for run in store.runs()}
    wanted = {cell.split()[1]: metrics for cell, metrics in VALUES}
    assert found == {**wanted, "by-config": {}}


def test_parameters_of_the_notebook_are_those_of_each_run(kernel: Any, store: Any) -> None:
    kernel.run("lr = 0.1\nepochs = 5\npassword = 'hunter2222'\n_hidden = 1", tags=["parameters"])
    kernel.run("# Parameters\nepochs = 7\n")
    kernel.run("other = 3", tags=["something"])
    kernel.run("lr = 0.3")
    kernel.run("%%track stated\nbatch = 3")
    kernel.run("%%track own --tag a=b\nlr = 9")
    kernel.run("%%track none --param none")
    kernel.run("del epochs")
    kernel.run("%%track later")
    found = {run["name"]: run["params"] for run in store.runs()}
    assert found == {
        "stated": {"lr": "0.3", "epochs": "7", "batch": "3"},
        "own": {"lr": "9", "epochs": "7"},
        "none": {},
        "later": {"lr": "9"},
    }


def test_an_attempt_has_the_name_of_the_former_one_and_is_linked_to_it(
    kernel: Any, store: Any
) -> None:
    for value in (1, 2):
        kernel.run(f"%%track\nx = {value}", cellId="c-1")
    kernel.run("%%track other", cellId="c-2")
    first, second, other = store.runs()
    assert first["name"] == second["name"] != other["name"]
    assert [run["tags"]["mltrack.attempt"] for run in (first, second, other)] == ["1", "2", "1"]
    assert second["tags"]["mltrack.former"] == first["id"]
    assert "mltrack.former" not in first["tags"]
    shown = kernel.run(f"%mltrack show {second['id']}").shown
    assert f"2, after {first['id'][:8]}" in " ".join(shown.split())
    shown = kernel.run(f"%mltrack diff {first['id']} {second['id']}").shown
    assert "x = 1" in shown
    assert "x = 2" in shown
    kernel.restart()
    kernel.run("%load_ext jupyter_mltrack")
    kernel.run("%%track again\nx = 3", cellId="c-1")
    kernel.run("import time; time.sleep(1)")
    until_s = time.monotonic() + 150
    while time.monotonic() < until_s:
        third = store.runs()[-1]
        if "mltrack.former" in third["tags"]:
            break
    assert (third["tags"]["mltrack.attempt"], third["tags"]["mltrack.former"]) == (
        "3",
        second["id"],
    )
    kernel.run("%%track again\nx = 4", cellId="c-1")
    fourth = store.runs()[-1]
    assert (fourth["tags"]["mltrack.attempt"], fourth["tags"]["mltrack.former"]) == ("4", third["id"])  # fmt: skip


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("loss", "loss"),
        ("x = 1\nmodel.score(X, y)", "score"),
        ("loss.item()", "loss"),
        ("self.loss.item()", "loss"),
        ("float(best)", "best"),
        ("round(history['acc'][-1], 3)", "result"),
        ("found['acc']", "acc"),
        ("1 + 1", "result"),
        ("await fit()", "fit"),
        ("not python", "result"),
        ("", "result"),
    ],
)
def test_a_number_is_named_after_the_expression_that_gave_it(source: str, name: str) -> None:
    assert metrics_of(0.5, source) == {name: 0.5}


@pytest.mark.parametrize(
    "source", ["mlflow.log_param('k', 3)", "file.write(text)", "os.system('ls')", "int(log_it())"]
)
def test_a_number_that_a_call_answers_beside_what_it_does_is_no_metric(source: str) -> None:
    assert metrics_of(3, source) == {}


def test_what_is_no_number_is_no_metric() -> None:
    loop: dict[str, object] = {}
    loop["self"] = loop
    for value in (None, True, "1", [1.0], {}, {1: 2.0}, loop, {"a": float}, object(), 1j):
        assert metrics_of(value, "x") == {}
    assert metrics_of({str(n): n for n in range(101)}, "x") == {}
