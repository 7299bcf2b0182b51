"""What kind a column is, and how it is compared."""

from __future__ import annotations

import datetime as dt
import decimal

import numpy as np
import pandas as pd
import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.monitoring import comparison
from jupyter_mltrack.monitoring.columns import look
from jupyter_mltrack.monitoring.sides import FrameColumns

GENERATOR = np.random.default_rng(0)
N = 400


def kind(values: object, dtype: object = None) -> tuple[str | None, str]:
    found = look(pd.Series(values, name="x", dtype=dtype))
    return found.kind, found.type


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (GENERATOR.normal(size=N), ("number", "number")),
        (np.arange(N), ("number", "number")),
        (np.arange(N) % 5, ("category", "number")),
        (np.where(np.arange(N) % 7 == 0, np.nan, np.arange(N) % 5), ("category", "number")),
        ((np.arange(N) % 5) / 2, ("number", "number")),
        (np.arange(N) % 2 == 0, ("category", "boolean")),
        ([None, True, False] * 100, ("category", "boolean")),
        (["a", "b", None, "c"] * 100, ("category", "string")),
        ([f"word {number}" for number in range(N)], ("text", "string")),
        (pd.Categorical(["a", "b"] * 100), ("category", "string")),
        (pd.Categorical(list(range(30)) * 10), ("category", "number")),
        (pd.date_range("2024-01-01", periods=N, freq="h"), ("datetime", "datetime")),
        (
            pd.date_range("2024-01-01", periods=N, freq="h", tz="Asia/Tokyo"),
            ("datetime", "datetime"),
        ),
        ([dt.date(2024, 1, 1), dt.date(2024, 1, 2)] * 50, ("datetime", "datetime")),
        (pd.period_range("2024-01", periods=N, freq="D"), ("datetime", "datetime")),
        (pd.to_timedelta(GENERATOR.integers(0, 99, N), unit="s"), ("number", "number")),
        ([decimal.Decimal("1.5"), decimal.Decimal("2.25")] * 50, ("number", "number")),
        (["a", 1, "b"] * 50, ("category", "string")),
        ([[1, 2], [3]] * 50, (None, "nested")),
        ([{"a": 1}] * 50, (None, "nested")),
        ([None] * 50, (None, "empty")),
        ([np.nan] * 50, (None, "empty")),
        ([1 + 2j] * 50, (None, "nested")),
        (pd.array([1, None, 3] * 50, dtype="Int64"), ("category", "number")),
        (pd.array([True, None] * 50, dtype="boolean"), ("category", "boolean")),
    ],
    ids=str,
)
def test_a_column_has_the_kind_of_its_values(values: object, wanted: tuple[str, str]) -> None:
    assert kind(values) == wanted


def compared(before: object, after: object, **options: float) -> wire.DriftFeature:
    sides = [pd.DataFrame({"x": values}) for values in (before, after)]
    reference = FrameColumns(sides[0], ["x"])
    found = comparison.compare(
        reference,
        FrameColumns(sides[1], ["x"], like=reference),
        alpha=options.get("alpha", 0.05),
        effect=options.get("effect", 0.1),
    )
    assert not found.changes or found.features[0].verdict == "not_tested"
    return found.features[0]


def test_whole_numbers_with_a_gap_are_the_same_categories() -> None:
    before = [1, 2, 3, 1] * 100
    after = [1.0, 2.0, np.nan, 3.0, 1.0] * 100
    found = compared(before, after)
    assert (found.new_categories, found.effect) == ([], 0.0)
    assert found.missing_data == 0.2
    assert found.verdict == "drift"  # a fifth is missing now
    assert found.missing_p_adjusted is not None
    assert found.missing_p_adjusted < 1e-10
    assert "missing values: 0.0% became 20.0%" in found.detail


def test_new_and_vanished_categories_are_named() -> None:
    found = compared(["a", "b", "c"] * 100, ["a", "b", "new one"] * 100)
    assert (found.verdict, found.test) == ("drift", "chi-square")
    assert (found.new_categories, found.missing_categories) == (["new one"], ["c"])
    assert found.effect == pytest.approx(1 / 3)


def test_a_significant_difference_that_is_too_small_is_no_drift() -> None:
    a = np.random.default_rng(1).normal(size=200_000)
    found = compared(a, a + 0.05)
    assert found.p_adjusted is not None
    assert found.p_adjusted < 1e-6
    assert found.verdict == "ok"
    assert compared(a, a + 0.05, effect=0.04).verdict == "drift"


def test_a_large_difference_that_chance_can_make_is_no_drift() -> None:
    generator = np.random.default_rng(4)
    found = compared(generator.normal(size=30), generator.normal(0.3, 1, 30))
    assert found.effect is not None
    assert found.effect > 0.1
    assert found.verdict == "ok"


def test_a_constant_that_stays_is_ok_and_one_that_moves_is_drift() -> None:
    assert compared([5.5] * 100, [5.5] * 80).verdict == "ok"
    moved = compared([5.5] * 100, [5.5] * 50 + [6.5] * 50)
    assert (moved.verdict, moved.effect) == ("drift", 0.5)
    assert "constant 5.5" in moved.detail


def test_booleans_and_zero_and_one_are_the_same() -> None:
    found = compared([True, False, False] * 100, [1, 0, 0] * 100)
    assert (found.effect, found.new_categories) == (0.0, [])


def test_times_that_move_on_are_no_drift_but_another_hour_is() -> None:
    generator = np.random.default_rng(5)
    days = generator.integers(0, 60, 3_000)
    hours = np.clip(generator.normal(12, 3, 3_000), 0, 23.9)
    before = pd.Timestamp("2024-01-01") + pd.to_timedelta(days * 24 + hours, unit="h")
    after = before + pd.Timedelta(days=364)
    assert compared(before, after).verdict == "ok"
    night = compared(before, after + pd.Timedelta(hours=6))
    assert (night.verdict, night.test) == ("drift", "chi-square of the hour of the day")
    texts = [one.isoformat() for one in after]
    assert compared(before, texts).verdict == "ok"  # as JSON brings them


def test_dates_are_compared_by_their_weekday_where_both_sides_have_weeks() -> None:
    before = pd.date_range("2024-01-01", periods=200, freq="D")
    after = pd.date_range("2024-08-01", periods=300, freq="B")
    assert compared(before, after).test == "chi-square of the day of the week"
    assert compared(before, after).verdict == "drift"
    short = compared(before, list(after[:7]) * 20)
    assert (short.verdict, short.test) == ("not_tested", "")


def test_free_text_is_compared_by_its_length() -> None:
    words = [f"{'word ' * (number % 9)}{number}" for number in range(500)]
    assert compared(words, words[::-1]).verdict == "ok"
    longer = compared(words, [word * 3 for word in words])
    assert (longer.verdict, longer.test) == ("drift", "Kolmogorov-Smirnov of the length")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ([1.5, 2.5] * 50, ["a", "b"] * 50, "number became string"),
        (["a", "b"] * 50, [1.5, 2.5] * 50, "string became number"),
        ([None] * 50, [None] * 50, "no values in the reference"),
        ([1.5, 2.5] * 50, [1.5] * 20, "20 values in the data, 30 are needed"),
        ([[1]] * 50, [[1]] * 50, "values are lists or objects"),
    ],
)
def test_what_cannot_be_tested_says_why(before: object, after: object, why: str) -> None:
    found = compared(before, after)
    assert (found.verdict, found.detail.split(";")[0]) == ("not_tested", why)
    assert found.p_value is None


def test_values_that_all_went_missing_are_drift_by_their_share() -> None:
    found = compared([1.5, 2.5] * 50, [None] * 100)
    assert found.verdict == "drift"
    assert (found.missing_data, found.p_value) == (1.0, None)
    assert found.detail == "no values in the data; missing values: 0.0% became 100.0%"


def test_the_picture_holds_all_rows() -> None:
    found = compared(
        np.random.default_rng(6).normal(size=5_000), np.random.default_rng(7).normal(size=500)
    )
    assert len(found.labels) == len(found.shares_reference) == len(found.shares_data) == 20
    assert sum(found.shares_reference) == pytest.approx(1)
    assert sum(found.shares_data) == pytest.approx(1)
    many = compared([f"c{number % 80}" for number in range(800)], ["c1"] * 100)
    assert many.labels[-1] == "68 others"
    assert sum(many.shares_reference) == pytest.approx(1)


def test_columns_that_went_came_or_changed_are_told() -> None:
    before = pd.DataFrame({"a": [1.5] * 50, "b": ["x"] * 50, "c": [1.5] * 50})
    after = pd.DataFrame({"a": ["x"] * 50, "c": [1.5] * 50, "d": [1] * 50, "y": [1] * 50})
    reference = FrameColumns(before, list(before))
    found = comparison.compare(
        reference,
        FrameColumns(after, list(after), like=reference),
        alpha=0.05,
        effect=0.1,
        others=["y"],
    )
    assert [(one.column, one.change, one.detail) for one in found.changes] == [
        ("a", "type", "number became string"),
        ("b", "missing", "was string"),
        ("d", "new", "number"),
    ]


def test_texts_longer_than_a_profile_keeps_are_no_drift() -> None:
    from jupyter_mltrack.monitoring import profile

    texts = [f"{number} " + "x" * (12_000 + number) for number in range(300)]
    frame = pd.DataFrame({"x": texts})
    kept = profile.columns(profile.decode(profile.encode(profile.make(frame))))
    assert kept["x"].kind == "text"
    data = FrameColumns(frame, ["x"], like=kept)
    assert comparison.compare(kept, data, alpha=0.05, effect=0.0).features[0].verdict == "ok"
