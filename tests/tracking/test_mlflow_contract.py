"""MLflow's own public behaviour around logging, plain and decorated: the same results, the same errors.

Each scenario is run twice, once with plain MLflow and once under our hands, on stores of the same
kind; what it saw must be equal. Ids and times are replaced by what they stand for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pytest
from contract_eyes import SCENARIOS, Eyes, Scenario
from contract_models import data_sets_that_went_in
from contract_runs import (
    a_run_with_everything,
    a_search_right_after_a_log,
    asynchronous_logging,
    deleted_and_unknown_runs,
    names_that_are_refused_and_taken,
    nested_and_resumed_runs,
    parameters_that_change,
    runs_made_by_a_client,
    tags_set_and_taken_away,
)

from jupyter_mltrack.tracking import attach


def observe(play: Scenario, uri: str, *, decorated: bool) -> list[Any]:
    mlflow.set_tracking_uri(uri)
    if decorated:
        attach.attach()
    try:
        eyes = Eyes()
        name = f"{play.__name__}-{'ours' if decorated else 'theirs'}-{time.time_ns()}"
        mlflow.set_experiment(name)
        play(eyes)
        while mlflow.active_run():
            mlflow.end_run()
        return eyes.seen
    finally:
        if decorated:
            attach.detach()
        from mlflow.tracking import fluent

        fluent._active_experiment_id = None
        os.environ.pop("MLFLOW_EXPERIMENT_ID", None)


ON_A_SERVER = [
    a_run_with_everything,
    names_that_are_refused_and_taken,
    parameters_that_change,
    deleted_and_unknown_runs,
    nested_and_resumed_runs,
    a_search_right_after_a_log,
    asynchronous_logging,
    tags_set_and_taken_away,
    runs_made_by_a_client,
    data_sets_that_went_in,
]


def differences(theirs: list[Any], ours: list[Any]) -> list[Any]:
    found = [(at, a, b) for at, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b]
    return [*found, *theirs[len(ours) :], *ours[len(theirs) :]]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("play", SCENARIOS, ids=lambda play: play.__name__)
def test_a_sqlite_store_answers_the_same(play: Scenario, new_sqlite: Callable[[str], str]) -> None:
    theirs = observe(play, new_sqlite("theirs"), decorated=False)
    ours = observe(play, new_sqlite("ours"), decorated=True)
    assert theirs
    assert differences(theirs, ours) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("patient_with_stores")
@pytest.mark.parametrize("play", ON_A_SERVER, ids=lambda play: play.__name__)
def test_a_server_answers_the_same(play: Scenario, mlflow_server: str) -> None:
    theirs = observe(play, mlflow_server, decorated=False)
    ours = observe(play, mlflow_server, decorated=True)
    assert theirs
    assert differences(theirs, ours) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "play",
    [
        a_run_with_everything,
        parameters_that_change,
        nested_and_resumed_runs,
        deleted_and_unknown_runs,
    ],
    ids=lambda play: play.__name__,
)
def test_a_file_store_answers_the_same(
    play: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    theirs = observe(play, (tmp_path / "theirs").as_uri(), decorated=False)
    ours = observe(play, (tmp_path / "ours").as_uri(), decorated=True)
    assert theirs
    assert differences(theirs, ours) == []
