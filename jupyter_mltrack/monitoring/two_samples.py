"""Do two samples come from one distribution? The tests, the sizes of effects, the correction.

* Numbers: two-sample Kolmogorov-Smirnov test. Effect: Wasserstein distance in standard deviations
  of the reference, whose outermost 1 % on either side are pulled in so that a few far values do
  not hide a change. With ties the test errs on the side of no alarm.
* Categories: chi-square test of homogeneity, rare categories pooled until each expected count is
  5 or more; Fisher's exact test where only a 2 x 2 table of small counts is left. Effect: total
  variation distance, the share of rows that would have to change their category.
* Shares (missing values): two-proportion z-test, Fisher's exact test for small counts. Effect:
  difference of the shares.
* Correction: Holm. Under any dependence between columns, the chance that a report on unchanged
  data calls even one column drifted is at most alpha.

Nothing here knows of models, runs or pandas.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Numbers = npt.NDArray[np.float64]

CORRECTION = "Holm"
EXACT_UP_TO = 1_000
"""Size of the larger sample up to which the p-value of the Kolmogorov-Smirnov test is exact."""
EXPECTED_MIN = 5.0
PSI_BINS = 10
_TAIL = 0.01
_PSI_FLOOR = 1e-4


class Compared(NamedTuple):
    """What came of one comparison; `p_value` is not corrected yet."""

    test: str
    statistic: float
    p_value: float
    effect: float
    effect_name: str
    psi: float | None = None


# ------------------------------------------------------------------------------- numbers


def numbers(reference: Numbers, data: Numbers) -> Compared:
    """Compare two samples of numbers; neither is empty nor holds NaN, infinite values may.

    Args:
        reference: any order; not changed.
        data: any order; not changed.
    """
    import numpy as np

    a, b = np.sort(reference), np.sort(data)
    if not (np.isfinite(a[[0, -1]]).all() and np.isfinite(b[[0, -1]]).all()):
        a, b = _pulled_in(a, b)
    largest, distance = _merged(a, b)
    return Compared(
        "Kolmogorov-Smirnov",
        largest,
        _ks_p_value(a, b, largest),
        distance / _spread(a) if distance else 0.0,
        "Wasserstein distance / standard deviation",
        _psi_sorted(a, b),
    )


def _pulled_in(a: Numbers, b: Numbers) -> tuple[Numbers, Numbers]:
    """Infinite values moved just beyond the outermost finite ones; the order stays."""
    import numpy as np

    finite = np.concatenate([a[np.isfinite(a)], b[np.isfinite(b)]])
    low, high = (finite.min(), finite.max()) if len(finite) else (0.0, 0.0)
    if low == high:
        low, high = low - 1.0, high + 1.0
    low, high = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)
    return np.clip(a, low, high), np.clip(b, low, high)


def _merged(a: Numbers, b: Numbers) -> tuple[float, float]:
    """Largest distance between the two empirical distributions, and the area between them."""
    import numpy as np

    n, m = len(a), len(b)
    both = np.concatenate([a, b])
    order = both.argsort(kind="stable")  # two sorted runs: merged in one pass
    gaps = np.diff(both[order])
    # n * m times the difference of the two, in whole numbers: exact for any sizes met here
    above = np.abs(np.cumsum(np.where(order[:-1] < n, m, -n), dtype=np.int64))
    above[gaps == 0] = 0  # within a group of equal values nothing is decided yet
    scale = float(n) * m
    return float(above.max(initial=0)) / scale, float(np.dot(above, gaps)) / scale


def _ks_p_value(a: Numbers, b: Numbers, largest: float) -> float:
    """The same p-values as `scipy.stats.ks_2samp`; exact for small samples."""
    import numpy as np
    from scipy import stats

    n, m = len(a), len(b)
    if max(n, m) <= EXACT_UP_TO:
        with warnings.catch_warnings():  # where it has no exact value scipy says so and goes on
            warnings.simplefilter("ignore", RuntimeWarning)
            return float(stats.ks_2samp(a, b, method="exact").pvalue)
    return float(np.clip(stats.kstwo.sf(largest, np.round(n * m / (n + m))), 0.0, 1.0))


def _spread(ordered: Numbers) -> float:
    """Standard deviation with the tails pulled in; the plain one where that leaves nothing."""
    import numpy as np

    last = len(ordered) - 1
    low, high = ordered[int(last * _TAIL)], ordered[int(np.ceil(last * (1 - _TAIL)))]
    found = float(np.std(np.clip(ordered, low, high)))
    if found > 0:
        return found
    return float(np.std(ordered)) or 1.0


def _psi_sorted(a: Numbers, b: Numbers) -> float:
    """Population stability index over the tenths of the reference."""
    import numpy as np

    last = len(a) - 1
    edges = np.unique([a[round(last * at / PSI_BINS)] for at in range(1, PSI_BINS)])
    return psi(_binned(a, edges), _binned(b, edges))


def _binned(ordered: Numbers, edges: Any) -> Any:
    import numpy as np

    return np.diff(np.concatenate([[0], np.searchsorted(ordered, edges, "right"), [len(ordered)]]))


def psi(reference: Any, data: Any) -> float:
    """Population stability index of two rows of counts; empty cells count as a small share."""
    import numpy as np

    p = np.maximum(np.asarray(reference) / max(1, np.sum(reference)), _PSI_FLOOR)
    q = np.maximum(np.asarray(data) / max(1, np.sum(data)), _PSI_FLOOR)
    return float(np.sum((q - p) * np.log(q / p)))


# ---------------------------------------------------------------------------- categories


def categories(reference: Mapping[str, int], data: Mapping[str, int]) -> Compared:
    """Compare two mixes of categories, given as counts; neither is empty."""
    import numpy as np

    names = sorted({*reference, *data})
    counts = np.array(
        [[side.get(name, 0) for name in names] for side in (reference, data)], dtype=np.float64
    )
    test, statistic, p_value = _homogeneity(counts)
    shares = counts / counts.sum(axis=1, keepdims=True)
    effect = float(np.abs(shares[0] - shares[1]).sum() / 2)
    return Compared(test, statistic, p_value, effect, "total variation", psi(counts[0], counts[1]))


def _homogeneity(counts: Any) -> tuple[str, float, float]:
    """Test, statistic and p-value of a table of 2 rows."""
    from scipy import stats

    pooled = _pooled(counts)
    if pooled.shape[1] < 2:
        return "chi-square", 0.0, 1.0
    if pooled.shape[1] == 2 and _least_expected(pooled) < EXPECTED_MIN:
        found = stats.fisher_exact(pooled.astype(int))
        return "Fisher exact", float(found.statistic), float(found.pvalue)
    found = stats.chi2_contingency(pooled, correction=False)
    return "chi-square", float(found.statistic), float(found.pvalue)


def _pooled(counts: Any) -> Any:
    """Join the rarest categories until every expected count is large enough, or two are left.

    Which are joined depends on the sums over both samples alone, so the test stays valid.
    """
    import numpy as np

    counts = counts[:, counts.sum(axis=0) > 0]
    order = np.argsort(counts.sum(axis=0), kind="stable")
    counts = counts[:, order]
    share = counts.sum(axis=1).min() / max(1.0, counts.sum())
    together = np.cumsum(counts.sum(axis=0))
    rare = 0  # how many of the rarest are joined into one
    width = counts.shape[1]
    if together[0] * share < EXPECTED_MIN:
        rare = 2
        while rare < width and (
            together[rare - 1] * share < EXPECTED_MIN
            or (counts[:, rare].sum() * share < EXPECTED_MIN)
        ):
            rare += 1
        rare = min(rare, max(1, width - 1))
    if rare < 2:
        return counts
    return np.concatenate([counts[:, :rare].sum(axis=1, keepdims=True), counts[:, rare:]], axis=1)


def _least_expected(counts: Any) -> float:
    import numpy as np

    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return float(expected.min())


def shares(reference_with: int, reference_all: int, data_with: int, data_all: int) -> Compared:
    """Compare two shares, such as those of missing values; neither side is empty."""
    import numpy as np
    from scipy import stats

    a, b = reference_with / reference_all, data_with / data_all
    counts = np.array(
        [[reference_with, reference_all - reference_with], [data_with, data_all - data_with]]
    )
    name = "difference of shares"
    if not counts.sum(axis=0).all():
        return Compared("two proportions", 0.0, 1.0, 0.0, name)
    if _least_expected(counts) < EXPECTED_MIN:
        found = stats.fisher_exact(counts)
        return Compared(
            "Fisher exact", float(found.statistic), float(found.pvalue), abs(a - b), name
        )
    together = (reference_with + data_with) / (reference_all + data_all)
    z = (b - a) / np.sqrt(together * (1 - together) * (1 / reference_all + 1 / data_all))
    return Compared("two proportions", float(z), float(2 * stats.norm.sf(abs(z))), abs(a - b), name)


# ---------------------------------------------------------------------------- correction


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected by Holm's step-down method, in the same order."""
    count = len(p_values)
    order = sorted(range(count), key=p_values.__getitem__)
    found = [1.0] * count
    largest = 0.0
    for rank, at in enumerate(order):
        largest = max(largest, min(1.0, (count - rank) * p_values[at]))
        found[at] = largest
    return found
