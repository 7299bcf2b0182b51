"""The words that a person names a run by."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from jupyter_mltrack import runs, wire, workspaces
from jupyter_mltrack.errors import Ambiguous, NotFound, UsageError
from jupyter_mltrack.tracking import attach
from jupyter_mltrack.workspaces import Workspace


@pytest.fixture(scope="session")
def filled(
    empty_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """Five runs, oldest first: a, b, b again, nan, and my run in another experiment."""
    attach.detach()
    path = tmp_path_factory.mktemp("known") / "runs.db"
    shutil.copy(empty_database, path)
    client = MlflowClient(tracking_uri=f"sqlite:///{path}")
    other = client.create_experiment("other")
    rows = [
        ("a", "a", "0", 0.5),
        ("b1", "b", "0", 0.1),
        ("b2", "b", "0", 0.9),
        ("nan", "nan", "0", math.nan),
    ]
    ids = {}
    for number, (label, name, experiment, loss) in enumerate([*rows, ("o", "my run", other, 0.01)]):
        run = client.create_run(experiment, start_time=1_000 + number, run_name=name)
        client.log_metric(run.info.run_id, "loss", loss)
        client.log_metric(run.info.run_id, "acc", -loss)
        ids[label] = run.info.run_id
    return path, ids


@pytest.fixture
def known(filled: tuple[Path, dict[str, str]], tmp_path: Path) -> tuple[Workspace, dict[str, str]]:
    """A copy of the filled store."""
    shutil.copy(filled[0], tmp_path / "runs.db")
    return workspaces.resolve(f"sqlite:///{tmp_path}/runs.db"), filled[1]


def test_last_and_its_ancestors(known: Any) -> None:
    place, ids = known
    assert runs.find_run(place, "last") == ids["o"]
    assert runs.find_run(place, "last~2") == ids["b2"]
    assert runs.find_run(place, "last", experiment="Default") == ids["nan"]
    with pytest.raises(NotFound, match="5 runs"):
        runs.find_run(place, "last~5")


def test_best_is_low_for_a_loss_and_high_for_the_rest_and_never_nan(known: Any) -> None:
    place, ids = known
    assert runs.find_run(place, "best:loss", experiment="Default") == ids["b1"]
    assert runs.find_run(place, "worst:loss", experiment="Default") == ids["b2"]
    assert runs.find_run(place, "best:acc", experiment="Default") == ids["b1"]
    assert runs.find_run(place, "best:loss") == ids["o"]
    with pytest.raises(NotFound) as caught:
        runs.find_run(place, "best:nothing")
    assert "loss" in caught.value.hint


def test_id_prefix_and_name(known: Any) -> None:
    place, ids = known
    assert runs.find_run(place, ids["a"]) == ids["a"]
    assert runs.find_run(place, ids["a"][:10]) == ids["a"]
    assert runs.find_run(place, "my run") == ids["o"]
    with pytest.raises(NotFound) as caught:
        runs.find_run(place, "nobody")
    assert str(caught.value).count("\n") == 1


def test_several_that_fit_are_listed_and_nothing_is_chosen(known: Any) -> None:
    place, ids = known
    with pytest.raises(Ambiguous) as caught:
        runs.find_run(place, "b")
    assert set(caught.value.choices) == {ids["b1"], ids["b2"]}
    assert ids["b1"][:8] in caught.value.hint
    assert str(caught.value).count("\n") == 1


def test_an_attempt_is_found_as_lists_show_it(known: Any) -> None:
    place, ids = known
    client = MlflowClient(tracking_uri=place.tracking_uri)
    for number, label in enumerate(("b1", "b2"), start=1):
        client.set_tag(ids[label], "mltrack.attempt", str(number))
    assert runs.find_run(place, "b (2)") == ids["b2"]
    assert runs.find_run(place, "b (1)") == ids["b1"]
    with pytest.raises(NotFound):
        runs.find_run(place, "b (3)")
    with pytest.raises(Ambiguous) as caught:
        runs.find_run(place, "b")
    assert f"{ids['b2'][:8]} (b (2), running" in caught.value.hint
    assert f"{ids['b1'][:8]} (b (1), running" in caught.value.hint
    client.set_tag(ids["a"], "mlflow.runName", "b (2)")
    assert runs.find_run(place, "b (2)") == ids["a"], "a run of exactly this name comes first"


@pytest.mark.parametrize("spec", ["", "  "])
def test_nothing_named_is_a_wrong_word(known: Any, spec: str) -> None:
    with pytest.raises(UsageError):
        runs.find_run(known[0], spec)


@pytest.mark.parametrize(
    "spec", ["last~99999999", "best:", "last~", "best", "\x1b[31m", "\u202eevil", "a" * 5_000]
)
def test_odd_words_are_answered_in_two_printable_lines(known: Any, spec: str) -> None:
    with pytest.raises(NotFound) as caught:
        runs.find_run(known[0], spec)
    lines = str(caught.value).split("\n")
    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_a_deleted_run_is_not_found_by_name(known: Any) -> None:
    place, ids = known
    MlflowClient(tracking_uri=place.tracking_uri).delete_run(ids["a"])
    with pytest.raises(NotFound):
        runs.find_run(place, "a")


def test_the_package_can_be_called_as_the_verb(known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import jupyter_mltrack

    monkeypatch.setenv("MLFLOW_TRACKING_URI", known[0].tracking_uri)
    page = jupyter_mltrack.runs("loss", all=True)
    assert isinstance(page, wire.RunPage)
    assert jupyter_mltrack.runs(all=True, sort="loss").runs[0].name == "my run"
    assert jupyter_mltrack.show("last").summary.name == "my run"
