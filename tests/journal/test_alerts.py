"""Conditions as people type them, and when they come true."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from jupyter_mltrack import wire, workspaces
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.journal import Journal, alerts
from jupyter_mltrack.journal.live import LiveIndex
from jupyter_mltrack.settings import data_dir


@pytest.mark.parametrize(
    ("typed", "shown", "metric", "bound"),
    [
        ("loss>5", "loss > 5", "loss", 5.0),
        ("`val loss` <= 1e-3", "val loss <= 1e-3", "val loss", 1e-3),
        ("val/acc = 0.5", "val/acc == 0.5", "val/acc", 0.5),
        ("grad@norm > inf", "grad@norm > inf", "grad_.x40_norm", math.inf),
    ],
)
def test_a_comparison_is_read(typed: str, shown: str, metric: str, bound: float) -> None:
    rule = alerts.parse(typed)
    assert (rule.text, rule.metric, rule.bound) == (shown, metric, bound)


def test_the_other_rules_are_read() -> None:
    assert alerts.parse("nan") == alerts.Rule("nan")
    assert alerts.parse("nan grad").metric == "grad"
    assert alerts.parse("stalled 10m").stalled_s == 600
    assert alerts.parse("stalled 1.5 h").stalled_s == 5400


@pytest.mark.parametrize(
    "typed", ["", "loss", "loss > much", "> 5", "stalled", "stalled 0s", "5 < ", "a > nan"]
)
def test_what_is_no_condition_is_refused_in_two_lines(typed: str) -> None:
    with pytest.raises(UsageError) as caught:
        alerts.parse(typed)
    assert len(str(caught.value).splitlines()) == 2
    assert "--alert" in str(caught.value)


def test_nan_is_watched_for_unless_none_is_said() -> None:
    assert [one.text for one in alerts.rules_of(None)] == ["nan"]
    assert [one.text for one in alerts.rules_of(alerts.tag_value(["loss > 5"]))] == [
        "loss > 5",
        "nan",
    ]
    assert alerts.rules_of(alerts.tag_value(["none"])) == []
    for odd in ("{", '"x"', "[[]]", '["what is this"]', json.dumps(["nan"] * 1000)):
        assert len(alerts.rules_of(odd)) <= alerts.RULES_MAX + 1


@pytest.fixture
def journal(tmp_path: Path) -> Any:
    folder = tmp_path / "project"
    folder.mkdir()
    made = Journal.create(workspaces.resolve(str(folder)))
    yield made
    made.close()


def begin(journal: Journal, *rules: str, start_ms: int = 1_000) -> wire.RunId:
    run_id = wire.RunId("a" * 32)
    tags = {alerts.TAG: alerts.tag_value(rules)} if rules else {}
    journal.event(wire.RunBorn(run_id=run_id, name="watched", start_ms=start_ms, tags=tags))
    return run_id


def live(index: LiveIndex) -> wire.LiveRun:
    index.poll(1.0)
    (run,) = index.live_runs().runs
    return run


def test_each_rule_is_told_once_with_the_point_that_made_it_true(journal: Journal) -> None:
    run_id = begin(journal, "loss > 5", "acc < 0.1")
    index = LiveIndex(data_dir())
    sink = journal.sink(run_id)
    sink.append({"loss": 1.0, "acc": 0.5}, 0, 1_000)
    assert live(index).alerts == []
    for step in range(1, 4):
        sink.append({"loss": 6.0 + step, "acc": 0.5}, step, 1_000 + step)
    told = live(index).alerts
    assert told == [wire.RunAlert(rule="loss > 5", message="loss is 7 at step 1.", at_ms=1_001)]
    sink.append({"loss": 9.0, "acc": 0.0}, 5, 1_005)
    assert [one.rule for one in live(index).alerts] == ["loss > 5", "acc < 0.1"]
    again = LiveIndex(data_dir())  # a server that was started later says the same
    assert live(again).alerts == live(index).alerts


def test_nan_of_a_main_metric_is_told_and_of_another_only_when_asked(journal: Journal) -> None:
    run_id = begin(journal)
    index = LiveIndex(data_dir())
    sink = journal.sink(run_id)
    sink.append({"loss": 1.0, "spread": math.nan}, 0, 1)
    assert live(index).alerts == []
    sink.append({"loss": math.nan, "spread": 1.0}, 1, 2)
    (told,) = live(index).alerts
    assert (told.rule, told.message) == ("nan", "loss is not a number at step 1.")


def test_a_run_that_stalls_is_told_once(journal: Journal) -> None:
    import time

    now_ms = int(time.time() * 1000)
    run_id = begin(journal, "stalled 10m", start_ms=now_ms - 700_000)
    index = LiveIndex(data_dir())
    journal.sink(run_id).append({"loss": 1.0}, 0, now_ms - 601_000)
    (told,) = live(index).alerts
    assert (told.rule, told.at_ms) == ("stalled 10m", now_ms - 1_000)
    assert live(index).alerts == [told]


def test_progress_and_the_last_lines_are_shown_with_a_live_run(journal: Journal) -> None:
    run_id = begin(journal)
    index = LiveIndex(data_dir())
    progress = wire.Progress(done=3, total=10, unit="it", label="epochs")
    journal.event(wire.RunProgressed(run_id=run_id, progress=progress, at_ms=1))
    for text in ("one\ntwo\n", " 10%\r", " 20%\r", "three\n", "four\nfive\nsix\nseven\n"):
        journal.event(wire.RunPrinted(run_id=run_id, stream="stdout", text=text, at_ms=1))
    run = live(index)
    assert run.progress == progress
    assert run.output == ["three", "four", "five", "six", "seven"]
    before = run.cursor
    journal.event(wire.RunPrinted(run_id=run_id, stream="stderr", text=" 50%\r", at_ms=1))
    assert (live(index).output[-1], live(index).cursor > before) == (" 50%", True)
