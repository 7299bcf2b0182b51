"""Columns in memory: exact points, exact increments, thinning that loses no peak, bounded memory."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mltrack.journal import columns
from jupyter_mltrack.journal.columns import Points, metric_rank, parse_number, thinned


def filled(values: list[float]) -> Points:
    points = Points()
    points.extend(1, range(len(values)), [0] * len(values), values)
    return points


def test_a_reader_gets_exactly_what_came_after_its_version():
    points = Points()
    for version in range(1, 50):
        points.extend(version, [version], [version], [float(version)])
    for known in range(50):
        start = points.start_after(known)
        assert list(points.values[start:]) == [float(one) for one in range(known + 1, 50)]


def test_a_reader_that_is_very_far_behind_starts_over_and_nobody_else_does():
    points = Points()
    for version in range(1, columns.MARKS_MAX + 10):
        points.extend(version, [version], [version], [float(version)])
    assert points.reset_version > 0
    for known in range(points.reset_version, columns.MARKS_MAX + 10, 97):
        assert points.values[points.start_after(known) - 1] == known


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=600),
    st.integers(10, 60),
)
def test_thinning_keeps_both_ends_the_extremes_and_the_order(values, max_points):
    points = filled(values)
    keep = thinned(points, 0, max_points)
    assert len(keep) <= max_points
    assert keep == sorted(set(keep))
    assert (keep[0], keep[-1]) == (0, len(values) - 1)
    finite = [value for value in values if math.isfinite(value)]
    kept = [values[at] for at in keep]
    if finite:
        assert min(finite) in kept
        assert max(finite) in kept


def test_thinning_of_an_increment_starts_where_the_reader_is():
    points = filled([random.Random(1).random() for _ in range(5_000)])
    keep = thinned(points, 4_000, 100)
    assert keep[0] == 4_000
    assert keep[-1] == 4_999
    assert len(keep) <= 100


def test_a_peak_of_one_point_among_a_million_is_drawn():
    values = [0.0] * 1_000_000
    values[654_321] = 1.0
    points = filled(values)
    column = points.column("loss", 0, 2_000)
    assert max(column.values) == 1.0
    assert column.steps[column.values.index(1.0)] == 654_321
    assert (len(column.values) <= 2_000, column.total) == (True, 1_000_000)


def test_a_column_that_shrinks_keeps_its_total_its_peaks_and_its_exact_numbers():
    points = filled([float(at % 100) for at in range(10_000)])
    points.add_exact(2, 10_000, 1, str(2**64 + 1))
    points.shrink(3)
    assert len(points.values) <= 5_001
    assert points.total == 10_001
    assert points.reset_version == 3
    assert points.column("n", 0, 6_000).exact == {str(len(points.values) - 1): str(2**64 + 1)}


@pytest.mark.parametrize(
    ("text", "value", "exact"),
    [
        ("1.5", 1.5, None), ("7", 7.0, None), (str(2**53), float(2**53), None), (str(2**53 + 1), float(2**53), str(2**53 + 1)),
        ("-0.0", -0.0, None), ("1e400", math.inf, None), ("9" * 400, math.inf, "9" * 400), ("-" + "9" * 400, -math.inf, "-" + "9" * 400), ("inf", math.inf, None),
    ],
)  # fmt: skip
def test_numbers_as_text_are_read_exactly(text, value, exact):
    assert parse_number(text) == (value, exact)
    assert math.copysign(1, parse_number(text)[0]) == math.copysign(1, value)


def test_text_that_is_no_number_is_not_a_number():
    assert math.isnan(parse_number("hello")[0])


def test_a_whole_number_of_a_hundred_thousand_digits_is_read_without_harm():
    value, exact = parse_number("9" * 100_000)
    assert value == math.inf
    assert exact is not None


def test_main_metrics_come_first():
    keys = ["z", "val_loss", "system/cpu", "acc", "loss", "a", "train/loss"]
    assert sorted(keys, key=metric_rank) == [
        "loss",
        "train/loss",
        "val_loss",
        "acc",
        "a",
        "z",
        "system/cpu",
    ]
