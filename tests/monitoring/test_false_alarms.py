"""How often drift is called where there is none, and how often it is found where there is some."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jupyter_mltrack import wire
from jupyter_mltrack.monitoring import comparison, profile
from jupyter_mltrack.monitoring.columns import Column
from jupyter_mltrack.monitoring.sides import FrameColumns

ALPHA = 0.05
RESAMPLES = 1000


def features(
    before: pd.DataFrame | dict[str, Column], after: pd.DataFrame, *, effect: float
) -> list[wire.DriftFeature]:
    reference = before if isinstance(before, dict) else FrameColumns(before, list(before))
    data = FrameColumns(after, list(after), like=reference)
    return comparison.compare(reference, data, alpha=ALPHA, effect=effect).features


def people(generator: np.random.Generator, rows: int) -> pd.DataFrame:
    x = generator.normal(size=rows)
    return pd.DataFrame(
        {
            "x": x,
            "with_x": x + generator.normal(0, 0.2, rows),
            "gaps": np.where(generator.random(rows) < 0.1, np.nan, generator.lognormal(size=rows)),
            "city": generator.choice(list("abcde"), rows, p=[0.5, 0.3, 0.15, 0.04, 0.01]),
        }
    )


@pytest.mark.slow
def test_unchanged_data_is_called_drifted_at_most_as_often_as_alpha_says() -> None:
    generator = np.random.default_rng(1)
    every = people(generator, 20_000)
    alarms = 0
    for _ in range(RESAMPLES):
        drawn = generator.permutation(len(every))[:500]
        found = features(every.iloc[drawn[:300]], every.iloc[drawn[300:]], effect=0.0)
        alarms += any(one.verdict == "drift" for one in found)
    assert 0.01 * RESAMPLES < alarms <= ALPHA * RESAMPLES  # strict, and not by never calling


def test_a_kept_profile_alarms_no_more_often() -> None:
    generator = np.random.default_rng(2)
    alarms = 0
    for _ in range(150):
        kept = profile.columns(profile.make(people(generator, 6_000)))
        found = features(kept, people(generator, 400), effect=0.0)
        alarms += any(one.verdict == "drift" for one in found)
    assert alarms <= 15  # 150 at 0.05: more than 15 has a chance below 0.01


CHANGES = {
    "shift by half a standard deviation": (lambda g, n: g.normal(size=n), lambda g, n: g.normal(0.5, 1, n), 0.5),
    "scale by 1.5": (lambda g, n: g.normal(size=n), lambda g, n: g.normal(0, 1.5, n), 0.4),
    "scale by 0.5": (lambda g, n: g.normal(size=n), lambda g, n: g.normal(0, 0.5, n), 0.4),
    "rotated mix": (
        lambda g, n: g.choice(list("abc"), n, p=[0.5, 0.3, 0.2]),
        lambda g, n: g.choice(list("abc"), n, p=[0.2, 0.5, 0.3]),
        0.3,
    ),
    "new category": (
        lambda g, n: g.choice(list("ab"), n),
        lambda g, n: g.choice(list("abc"), n, p=[0.4, 0.4, 0.2]),
        0.2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_known_change_is_found_among_unchanged_columns_at_its_size(change: str) -> None:
    before, after, effect = CHANGES[change]
    generator = np.random.default_rng(3)
    rows, hits, effects = 1_000, 0, []
    for _ in range(20):
        sides = [
            pd.DataFrame({"changed": make(generator, rows)}
                         | {f"same{at}": generator.normal(size=rows) for at in range(10)})
            for make in (before, after)
        ]  # fmt: skip
        found = features(sides[0], sides[1], effect=0.1)
        hits += found[0].verdict == "drift"
        assert found[0].effect is not None
        effects.append(found[0].effect)
    assert hits == 20
    assert np.mean(effects) == pytest.approx(effect, abs=0.05)
