"""What is read here of MLflow's filter language means what it means to MLflow."""

from __future__ import annotations

import random

import pytest
from mlflow.exceptions import MlflowException
from mlflow.utils.search_utils import SearchUtils

from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.runs import filters
from jupyter_mltrack.runs.query import parse_filter

KEYS = [
    "metrics.loss", "metric.val_loss", "metrics.`val loss`", 'metrics."val/acc"', "params.lr",
    "param.`a-b`", "parameters.max", "tags.team", "tags.`mlflow.user`", "tag.order",
    "attributes.status", "status", "run_name", "attributes.start_time", "end_time", "created",
    "attr.run_id", "artifact_uri", "user_id", "run.status", "metrics.a.b", "tags.a-b",
    "nothing", "foo.bar", "metrics.", "metrics.`open", "Metrics.loss", "params.key",
]  # fmt: skip
COMPARATORS = [
    "=", "!=", ">", ">=", "<", "<=", "LIKE", "like", "ILIKE", "IN", "NOT IN", "not  in", "IS NULL",
    "is not null", "==", "=>", "<>", "", "RLIKE",
]  # fmt: skip
VALUES = [
    "1", "-1", "0.5", ".5", "1e-3", "+2", "-1.5E+3", "'x'", '"x y"', "'%a_b%'", "''", "x", "nan",
    "1,000", "('a', 'b')", "('a')", "(1, 2)", "'it''s'", "'a\"b'", "", "'open", "1.2.3", "0x10",
]  # fmt: skip
JOINTS = [" and ", " AND ", " And ", " or ", " ", ", ", " and and "]


def written(luck: random.Random) -> str:
    parts = []
    for _ in range(luck.choice([1, 1, 1, 2, 3])):
        blanks = luck.choice([" ", " ", "  ", ""])
        parts.append(
            f"{luck.choice(KEYS)}{blanks}{luck.choice(COMPARATORS)}{blanks}{luck.choice(VALUES)}"
        )
    joint = JOINTS[0] if luck.random() < 0.7 else luck.choice(JOINTS)
    return luck.choice(["", "", " "]) + joint.join(parts) + luck.choice(["", "", " ", " and"])


def read_here(text: str) -> tuple[list[dict[str, object]], filters.Fault | None]:
    try:
        return filters.read(text), None
    except filters.Fault as fault:
        return [], fault


def by_mlflow(text: str) -> list[dict[str, object]] | None:
    try:
        return [
            {**part, "comparator": part["comparator"].upper(), "value": said(part["value"])}
            for part in SearchUtils.parse_search_filter(text)
        ]
    except (MlflowException, ValueError):
        return None


def said(value: object) -> object:
    """MLflow gives some numbers as numbers, we all of them as they were written."""
    try:
        return float(str(value))
    except ValueError:
        return value


def test_a_filter_that_is_read_here_means_the_same_to_mlflow() -> None:
    luck = random.Random(4)
    read = differ = 0
    for _ in range(20_000):
        text = written(luck)
        mine, fault = read_here(text)
        if fault is not None:
            assert 0 <= fault.at <= len(text)
            assert fault.message.endswith((".", "…"))
            assert fault.hint
            continue
        theirs = by_mlflow(text)
        mine = [{**part, "value": said(part["value"])} for part in mine]
        read += 1
        if theirs is not None:  # what MLflow's tokens split at odd places is read here all the same
            assert mine == theirs, text
        else:
            differ += 1
    assert read > 300
    assert differ < read / 3  # signs before numbers, lists of any attribute


@pytest.mark.parametrize(
    ("text", "at", "word"),
    [
        ("metrics.acc >", 13, "number"),
        ("metrics.acc > 'x'", 14, "number"),
        ("metrics.acc => 1", 12, "=>"),
        ("acc > 0.9", 0, "acc"),
        ("metrics.a > 1 or metrics.b > 2", 14, "or"),
        ("params.lr = 3", 12, "quotes"),
        ("params.lr = 'x", 12, "closed"),
        ("metrics.`a b > 1", 8, "closed"),
        ("(metrics.a > 1)", 0, "grouped"),
        ("metrics.a > 1 and foo.bar = 1", 18, "foo"),
        ("attributes.nope = 1", 11, "nope"),
        ("metrics.val-loss > 1", 8, "val-loss"),
        ("metrics.a LIKE 'x'", 10, "LIKE"),
        ("tags.a IN ('x')", 7, "IN"),
        ("status = FINISHED", 9, "quotes"),
    ],
)
def test_a_fault_is_told_with_its_place_and_what_would_be_right(
    text: str, at: int, word: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse_filter(text)
    assert (caught.value.at, word in caught.value.message) == (at, True)
    assert caught.value.hint


def test_what_only_mlflow_reads_is_left_to_it() -> None:
    (part,) = parse_filter("datasets.name = 'x'")
    assert part["type"] == "dataset"


def test_a_hostile_filter_ends_soon() -> None:
    for text in ("(" * 2_000, "metrics." + "a" * 2_000, "x IN (" + "'a'," * 400, "`" * 2_000):
        with pytest.raises(filters.Fault):
            filters.read(text + " > ")
