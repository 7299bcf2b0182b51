"""What a model monitor computes: how far production data went from reference data, feature by feature."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from tests.emulators.azure.core import ApiError, Json

_BINS = 10
_TINY = 1e-6


def frame(files: dict[str, Path]) -> Any:
    """The rows of some files: collected data (JSON lines of events), JSON lines, CSV or Parquet."""
    import pandas as pd

    parts = []
    for name, file in sorted(files.items()):
        kind = Path(name or file.name).suffix.lower()
        if kind == ".jsonl":
            rows: list[Json] = []
            for line in file.read_text().splitlines():
                row = json.loads(line)
                rows += row["data"] if "specversion" in row else [row]
            parts.append(pd.DataFrame(rows))
        elif kind == ".csv":
            parts.append(pd.read_csv(file))
        elif kind == ".parquet":
            parts.append(pd.read_parquet(file))
    if not parts:
        raise ApiError(400, "UserError", "The data has no files that a monitor can read.")
    return pd.concat(parts, ignore_index=True)


def shares(reference: Any, production: Any, *, numerical: bool) -> tuple[list[float], list[float]]:
    """Both columns as shares of the same bins (numbers) or of the same values (categories)."""
    import numpy as np

    if not numerical:
        values = sorted({*map(str, reference), *map(str, production)})
        counts = [[sum(str(one) == value for one in column) for value in values]
                  for column in (reference, production)]  # fmt: skip
    else:
        low, high = min(reference.min(), production.min()), max(reference.max(), production.max())
        edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
        counts = [np.histogram(column, edges)[0].tolist() for column in (reference, production)]
    first, second = ([count / max(1, sum(column)) for count in column] for column in counts)
    return first, second


def jensen_shannon(first: list[float], second: list[float]) -> float:
    """The distance, between 0 and 1."""
    total = 0.0
    for p, q in zip(first, second, strict=True):
        middle = (p + q) / 2
        total += sum(part / 2 * math.log2(part / middle) for part in (p, q) if part)
    return math.sqrt(max(0.0, total))


def stability_index(first: list[float], second: list[float]) -> float:
    """The population stability index."""
    pairs = [(max(p, _TINY), max(q, _TINY)) for p, q in zip(first, second, strict=True)]
    return sum((q - p) * math.log(q / p) for p, q in pairs)


def wasserstein(reference: Any, production: Any) -> float:
    """The distance, in standard deviations of the reference."""
    from scipy.stats import wasserstein_distance

    deviation = float(reference.std(ddof=0)) or 1.0
    return float(wasserstein_distance(reference, production)) / deviation


def measured(metric: str, reference: Any, production: Any, *, numerical: bool) -> float:
    """One metric of one feature, by the name that the service has for it."""
    reference, production = reference.dropna(), production.dropna()
    if not len(reference) or not len(production):
        raise ApiError(400, "UserError", "A feature has no values.")
    name = metric.lower()
    if name == "normalizedwassersteindistance":
        return wasserstein(reference, production)
    if name == "twosamplekolmogorovsmirnovtest":
        from scipy.stats import ks_2samp

        return float(ks_2samp(reference, production).pvalue)
    first, second = shares(reference, production, numerical=numerical)
    if name == "jensenshannondistance":
        return jensen_shannon(first, second)
    if name == "populationstabilityindex":
        return stability_index(first, second)
    raise ApiError(400, "UserError", f"The metric '{metric}' is not known.")


def exceeds(metric: str, value: float, threshold: float) -> bool:
    """Whether this is drift: p-values are small then, distances large."""
    return value < threshold if metric.lower().endswith("test") else value > threshold


def compared(signal: Json, reference: Any, production: Any) -> list[Json]:
    """Rows `{feature, metric, value, threshold, drift}` of one signal."""
    import pandas as pd

    rows = []
    for column in [name for name in reference.columns if name in production.columns]:
        numerical = pd.api.types.is_numeric_dtype(reference[column])
        for wanted in signal.get("metricThresholds") or []:
            if (wanted.get("dataType", "Numerical") == "Numerical") != numerical:
                continue
            threshold = float((wanted.get("threshold") or {}).get("value") or 0)
            metric = wanted["metric"]
            value = measured(metric, reference[column], production[column], numerical=numerical)
            rows.append(
                {
                    "feature": str(column), "metric": metric, "value": value, "threshold": threshold,
                    "drift": exceeds(metric, value, threshold),
                }
            )  # fmt: skip
    return rows
