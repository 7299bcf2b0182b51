"""The tests behind drift: the same numbers as scipy and textbooks, and what happens at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats

from jupyter_mltrack.monitoring import two_samples

SIZES = ((30, 50), (900, 1_000), (5_000, 4_999), (20_000, 5_000))


@pytest.mark.parametrize(("n", "m"), SIZES)
@pytest.mark.parametrize("digits", [12, 1, 0])
def test_numbers_are_compared_as_scipy_does(n: int, m: int, digits: int) -> None:
    generator = np.random.default_rng(n)
    a = generator.normal(size=n).round(digits)
    b = generator.normal(0.1, 1.2, size=m).round(digits)
    found = two_samples.numbers(a, b)
    method = "exact" if max(n, m) <= two_samples.EXACT_UP_TO else "asymp"
    theirs = stats.ks_2samp(a, b, method=method)
    assert found.statistic == pytest.approx(theirs.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(theirs.pvalue, rel=1e-9, abs=1e-300)
    spread = two_samples._spread(np.sort(a))
    assert found.effect * spread == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-9)


@given(
    some.lists(some.floats(-1e6, 1e6), min_size=2, max_size=60),
    some.lists(some.floats(-1e6, 1e6), min_size=2, max_size=60),
)
@settings(max_examples=150, deadline=None)
def test_distances_are_those_of_scipy_for_any_numbers(a: list[float], b: list[float]) -> None:
    one, other = np.sort(np.array(a)), np.sort(np.array(b))
    largest, distance = two_samples._merged(one, other)
    assert largest == pytest.approx(stats.ks_2samp(one, other, method="asymp").statistic, abs=1e-12)
    assert distance == pytest.approx(stats.wasserstein_distance(one, other), rel=1e-9, abs=1e-9)


def test_a_shift_is_as_large_as_it_is_in_standard_deviations() -> None:
    generator = np.random.default_rng(1)
    a = generator.normal(7, 3, 100_000)
    for shift in (0.1, 0.5, 2.0):
        found = two_samples.numbers(a, a + shift * 3)
        assert found.effect == pytest.approx(shift, rel=0.05)


def test_a_few_far_values_do_not_hide_a_shift() -> None:
    generator = np.random.default_rng(2)
    a, b = generator.normal(size=5_000), generator.normal(0.5, 1, 5_000)
    a[:20] = 1e6
    b[:20] = 1e6
    assert two_samples.numbers(a, b).effect == pytest.approx(0.5, rel=0.1)


def test_infinite_values_keep_their_place_in_the_order() -> None:
    generator = np.random.default_rng(3)
    a = generator.normal(size=1_000)
    b = a.copy()
    b[:300] = np.inf
    found = two_samples.numbers(a, b)
    assert found.statistic == pytest.approx(stats.ks_2samp(a, b).statistic, abs=1e-12)
    assert np.isfinite(found.effect)
    assert found.effect > 0.1
    same = np.full(50, np.inf)
    assert two_samples.numbers(same, same).p_value == 1.0


def test_samples_are_not_changed() -> None:
    a = np.array([3.0, 1.0, np.inf, 2.0] * 20)
    before = a.copy()
    two_samples.numbers(a, a)
    assert (a == before).all()


def test_categories_are_compared_as_scipy_does() -> None:
    found = two_samples.categories({"a": 500, "b": 300, "c": 200}, {"a": 450, "b": 250, "c": 300})
    theirs = stats.chi2_contingency([[500, 300, 200], [450, 250, 300]], correction=False)
    assert (found.test, found.statistic, found.p_value) == (
        "chi-square",
        pytest.approx(theirs.statistic),
        pytest.approx(theirs.pvalue),
    )
    assert found.effect == pytest.approx(0.1)


def test_a_mix_that_rotates_has_the_effect_of_what_moved() -> None:
    found = two_samples.categories(
        {"a": 5000, "b": 3000, "c": 2000}, {"a": 2000, "b": 5000, "c": 3000}
    )
    assert found.effect == pytest.approx(0.3)
    assert found.p_value < 1e-100


def test_rare_categories_are_pooled_until_each_is_expected_five_times() -> None:
    counts = np.array([[1000.0, 500, 3, 2, 1, 1, 0], [1000.0, 480, 0, 1, 2, 0, 4]])
    pooled = two_samples._pooled(counts)
    expected = np.outer(pooled.sum(axis=1), pooled.sum(axis=0)) / pooled.sum()
    assert pooled.sum() == counts.sum()
    assert expected.min() >= two_samples.EXPECTED_MIN
    assert pooled.shape == (2, 3)


@given(some.lists(some.tuples(some.integers(0, 50), some.integers(0, 50)), min_size=1, max_size=12))
@settings(max_examples=200, deadline=None)
def test_any_counts_give_a_chance_and_an_effect(pairs: list[tuple[int, int]]) -> None:
    a = {str(at): one for at, (one, _) in enumerate(pairs)}
    b = {str(at): one for at, (_, one) in enumerate(pairs)}
    if not sum(a.values()) or not sum(b.values()):
        return
    found = two_samples.categories(a, b)
    assert 0 <= found.p_value <= 1
    assert 0 <= found.effect <= 1 + 1e-12


def test_small_counts_of_two_categories_are_tested_exactly() -> None:
    found = two_samples.categories({"yes": 1, "no": 40}, {"yes": 6, "no": 31})
    assert found.test == "Fisher exact"
    assert found.p_value == pytest.approx(stats.fisher_exact([[1, 40], [6, 31]]).pvalue)


def test_one_category_on_both_sides_is_no_difference() -> None:
    found = two_samples.categories({"a": 100}, {"a": 70})
    assert (found.p_value, found.effect) == (1.0, 0.0)


def test_shares_are_compared_by_the_z_test_and_exactly_where_they_are_small() -> None:
    found = two_samples.shares(50, 1_000, 80, 1_000)
    square = stats.chi2_contingency([[50, 950], [80, 920]], correction=False)
    assert found.statistic**2 == pytest.approx(square.statistic)
    assert found.p_value == pytest.approx(square.pvalue)
    assert found.effect == pytest.approx(0.03)
    few = two_samples.shares(0, 100, 3, 100)
    assert (few.test, few.p_value) == (
        "Fisher exact",
        pytest.approx(stats.fisher_exact([[0, 100], [3, 97]]).pvalue),
    )
    assert two_samples.shares(0, 100, 0, 50).p_value == 1.0
    assert two_samples.shares(100, 100, 50, 50).p_value == 1.0


def test_holm_is_the_textbook_s() -> None:
    assert two_samples.holm([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert two_samples.holm([0.9, 0.8]) == [1.0, 1.0]
    assert two_samples.holm([]) == []


def test_psi_is_the_textbook_s() -> None:
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.4, 0.2])
    assert two_samples.psi(p * 1000, q * 500) == pytest.approx(
        float(np.sum((q - p) * np.log(q / p)))
    )
    assert two_samples.psi([10, 0], [10, 0]) == 0.0
