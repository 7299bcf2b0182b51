"""Drift: false alarms over resamples, shifts found at their effect sizes, a million rows by fifty."""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import run_child, table, verdict

RESAMPLES = 1_000
ROWS, WIDTH = 1_000_000, 50
ALPHA = 0.05


def run() -> None:
    false_alarms()
    power()
    speed()


# ------------------------------------------------------------------------- false alarms


def population(generator: np.random.Generator, rows: int) -> pd.DataFrame:
    """Columns of every kind, some of which depend on each other, some with gaps and ties."""
    x = generator.normal(size=rows)
    frame = pd.DataFrame(
        {
            "normal": x,
            "with_it": x + generator.normal(0, 0.1, rows),
            "heavy": generator.standard_t(2, rows),
            "skewed": np.where(
                generator.random(rows) < 0.1, np.nan, generator.lognormal(0, 1, rows)
            ),
            "rounded": generator.normal(50, 3, rows).round(),
            "few": generator.poisson(1.5, rows),
            "flag": generator.random(rows) < 0.05,
            "city": generator.choice(
                list("abcdefgh"), rows, p=[0.4, 0.3, 0.15, 0.1, 0.03, 0.01, 0.006, 0.004]
            ),
            "rare_gap": np.where(generator.random(rows) < 0.01, None, "here"),
            "at": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(generator.integers(0, 90 * 86_400, rows), unit="s"),
        }
    )
    frame["note"] = [f"{'word ' * int(n)}{n}" for n in generator.integers(1, 400, rows)]
    return frame


def alarms(
    resamples: int, sizes: tuple[int, int], effect: float, alpha: float = ALPHA
) -> dict[str, float]:
    """Share of reports on unchanged data that call a column drifted."""
    from jupyter_mltrack.monitoring import comparison
    from jupyter_mltrack.monitoring.sides import FrameColumns

    generator = np.random.default_rng(7)
    every = population(generator, 60_000)
    reports = columns = tested = 0
    for _ in range(resamples):
        order = generator.permutation(len(every))[: sum(sizes)]
        before, after = every.iloc[order[: sizes[0]]], every.iloc[order[sizes[0] :]]
        reference = FrameColumns(before, list(before))
        data = FrameColumns(after, list(after), like=reference)
        found = comparison.compare(reference, data, alpha=alpha, effect=effect)
        drifted = sum(one.verdict == "drift" for one in found.features)
        reports += drifted > 0
        columns += drifted
        tested += sum(one.verdict != "not_tested" for one in found.features)
    return {"reports": reports / resamples, "columns": columns / tested}


def false_alarms() -> None:
    rows = []
    reached = True
    for sizes in ((1_000, 300), (5_000, 1_000)):
        for effect in (0.0, 0.1):
            found = alarms(RESAMPLES, sizes, effect)
            reached &= found["reports"] <= ALPHA
            rows.append(
                (f"{sizes[0]:,} and {sizes[1]:,}", effect, found["reports"], found["columns"])
            )
    table(
        f"Unchanged data, {RESAMPLES:,} resamples, alpha {ALPHA}: share of reports with a false alarm",
        ["rows of reference and data", "effect threshold", "reports", "columns"],
        rows,
    )
    print(f"\nat most {ALPHA}: {verdict(reached)}")


# -------------------------------------------------------------------------------- power

CHANGES = {
    "shift by 0.1 std": lambda g, n: (g.normal(size=n), g.normal(0.1, 1, n)),
    "shift by 0.2 std": lambda g, n: (g.normal(size=n), g.normal(0.2, 1, n)),
    "shift by 0.5 std": lambda g, n: (g.normal(size=n), g.normal(0.5, 1, n)),
    "scale by 1.25": lambda g, n: (g.normal(size=n), g.normal(0, 1.25, n)),
    "scale by 1.5": lambda g, n: (g.normal(size=n), g.normal(0, 1.5, n)),
    "scale by 0.5": lambda g, n: (g.normal(size=n), g.normal(0, 0.5, n)),
    "mix 50/30/20 to 40/35/25": lambda g, n: (
        g.choice(list("abc"), n, p=[0.5, 0.3, 0.2]),
        g.choice(list("abc"), n, p=[0.4, 0.35, 0.25]),
    ),
    "mix 50/30/20 rotated": lambda g, n: (
        g.choice(list("abc"), n, p=[0.5, 0.3, 0.2]),
        g.choice(list("abc"), n, p=[0.2, 0.5, 0.3]),
    ),
    "missing 1 % to 15 %": lambda g, n: (
        np.where(g.random(n) < 0.01, np.nan, g.normal(size=n)),
        np.where(g.random(n) < 0.15, np.nan, g.normal(size=n)),
    ),
}


def found_share(change: str, rows: int, turns: int) -> tuple[float, float]:
    """How often a change in one of 20 columns is found, and its mean effect."""
    from jupyter_mltrack.monitoring import comparison
    from jupyter_mltrack.monitoring.sides import FrameColumns

    generator = np.random.default_rng(11)
    hits, effects = 0, []
    for _ in range(turns):
        one, other = CHANGES[change](generator, rows)
        sides = [
            pd.DataFrame(
                {"changed": side} | {f"same{at}": generator.normal(size=rows) for at in range(19)}
            )
            for side in (one, other)
        ]
        reference = FrameColumns(sides[0], list(sides[0]))
        data = FrameColumns(sides[1], list(sides[1]), like=reference)
        feature = comparison.compare(reference, data, alpha=ALPHA, effect=0.1).features[0]
        hits += feature.verdict == "drift"
        effects.append(feature.effect or 0.0)
    return hits / turns, float(np.mean(effects))


def power(turns: int = 100) -> None:
    rows = []
    for change in CHANGES:
        shares = [found_share(change, size, turns) for size in (300, 1_000, 5_000)]
        rows.append((change, shares[-1][1], *(share for share, _ in shares)))
    table(
        "One changed column of 20: effect, and how often it is found (alpha 0.05, threshold 0.1)",
        ["change", "effect", "300 rows", "1,000 rows", "5,000 rows"],
        rows,
    )


# -------------------------------------------------------------------------------- speed


def speed() -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = run_child("benchmarks.drift", "child", place=Path(folder))
    table(
        f"{ROWS:,} rows by {WIDTH} columns against as many, and against a kept profile",
        ["figure", "measured"],
        [
            ("two frames compared, s", found["frames_s"]),
            ("against a profile, s", found["profile_s"]),
            ("profile made, s", found["make_s"]),
            ("profile, MB", found["profile_mb"]),
            ("peak memory with one frame and a profile, GB", found["one_gb"]),
            ("peak memory with both frames, GB", found["peak_gb"]),
        ],
    )
    reached = found["frames_s"] < 20 and found["profile_s"] < 20 and found["peak_gb"] < 2
    print(f"\nunder 20 s and 2 GB: {verdict(reached)}")


def wide(seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    made: dict[str, object] = {
        f"n{at}": generator.normal(at, 1 + at / 10, ROWS) for at in range(30)
    }
    for at in range(6):
        gaps = generator.random(ROWS) < 0.05
        made[f"gaps{at}"] = np.where(gaps, np.nan, generator.lognormal(0, 1, ROWS))
        made[f"whole{at}"] = generator.integers(0, 10 if at < 3 else 1_000, ROWS)
        words = np.array(["red", "green", "blue", "violet"][: 2 + at % 3])
        made[f"word{at}"] = pd.Series(generator.choice(words, ROWS), dtype="str")
    made["flag"] = generator.random(ROWS) < 0.3
    made["at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(
        generator.integers(0, 90 * 86_400, ROWS), unit="s"
    )
    return pd.DataFrame(made)


def _peak_gb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def child() -> None:
    from jupyter_mltrack.monitoring import comparison, profile
    from jupyter_mltrack.monitoring.sides import FrameColumns

    found: dict[str, float] = {}
    before = wide(0)
    assert before.shape == (ROWS, WIDTH)
    began = time.perf_counter()
    kept = profile.make(before)
    found["make_s"] = time.perf_counter() - began
    found["profile_mb"] = len(profile.encode(kept)) / 1e6
    del before
    after = wide(1)
    began = time.perf_counter()
    reference = profile.columns(kept)
    comparison.compare(
        reference, FrameColumns(after, list(after), like=reference), alpha=ALPHA, effect=0.1
    )
    found["profile_s"] = time.perf_counter() - began
    found["one_gb"] = _peak_gb()
    before = wide(0)
    began = time.perf_counter()
    sides = FrameColumns(before, list(before))
    comparison.compare(sides, FrameColumns(after, list(after), like=sides), alpha=ALPHA, effect=0.1)
    found["frames_s"] = time.perf_counter() - began
    found["peak_gb"] = _peak_gb()
    print("RESULT", json.dumps(found))


if __name__ == "__main__":
    child() if sys.argv[1:] == ["child"] else run()
