"""What an endpoint did over the last minutes, hours or days, from its inference log."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import ago, clean, number
from jupyter_mltrack.errors import NotFound, UsageError
from jupyter_mltrack.monitoring import endpoint_folder, inference_log
from jupyter_mltrack.monitoring.columns import Column, look

if TYPE_CHECKING:
    import pandas as pd

BUCKETS_MAX = 1_000
WINDOW_MAX_S = 10 * 365 * 86_400
MIXES = 6
LABELS = 8
RANGES = 5
OUTPUTS_MAX = 200_000
"""Of more requests than this only some count for the mix of predictions, spread evenly."""
_COLUMNS = ("t_ms", "version", "status", "latency_ms", "shadow")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")


def known_endpoints() -> list[str]:
    """Names of the endpoints of this machine."""
    place = endpoint_folder("x").parents[1]
    if not place.is_dir():
        return []
    return sorted(one.name for one in place.iterdir() if (one / "endpoint.json").is_file())


def is_endpoint(name: str) -> bool:
    """Whether an endpoint of this name is, or was, on this machine with its log."""
    return bool(_NAME.match(name)) and endpoint_folder(name).parent.is_dir()


def folder_of(name: str) -> Path:
    """Where the endpoint keeps its log.

    Raises:
        NotFound: there is no such endpoint.
    """
    if is_endpoint(name):
        return endpoint_folder(name)
    import difflib

    known = known_endpoints()
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    there = f"Did you mean {', '.join(near)}?" if near else f"There are: {', '.join(known[:10])}"
    raise NotFound(
        f"No endpoint {clean(name)!r} on this machine.",
        there if known else "Deploy a model: %mltrack deploy MODEL --to local",
    )


def watch(
    endpoint: str, *, window_s: float, buckets: int, now_ms: int | None = None
) -> wire.MonitorReport:
    """Requests, errors, latency and predictions over the last `window_s` seconds.

    Raises:
        NotFound: there is no such endpoint.
        UsageError: the window or the number of buckets is off.
    """
    folder = folder_of(endpoint)
    if not 1 <= window_s <= WINDOW_MAX_S:
        raise UsageError(f"The window cannot be {window_s:g} s.", "Say for example 15m, 1h or 7d.")
    if not 1 <= buckets <= BUCKETS_MAX:
        raise UsageError(
            f"The window cannot be cut in {buckets} pieces.", f"Say 1 to {BUCKETS_MAX}."
        )
    now_ms = int(time.time() * 1000) if now_ms is None else now_ms
    bucket_ms = max(1, -(-int(window_s * 1000) // buckets))
    since_ms = now_ms + 1 - bucket_ms * buckets
    span = {"since_ms": since_ms, "until_ms": now_ms + 1}
    log = inference_log.read(folder, **span, columns=_COLUMNS)
    every = -(-len(log.requests) // OUTPUTS_MAX)
    answers = inference_log.read(folder, **span, columns=("t_ms", "shadow", "outputs"), every=every)
    answered = log.requests[~log.requests["shadow"].astype(bool)]
    at = ((answered["t_ms"] - since_ms) // bucket_ms).to_numpy(dtype="int64")
    failed = (answered["status"] >= 400).to_numpy(dtype=bool)
    latency = answered["latency_ms"].to_numpy(dtype="float64")
    import numpy as np

    p50, p95 = _percentiles(latency[~failed])
    of_buckets = [_percentiles(one) for one in _split(latency[~failed], at[~failed], buckets)]
    return wire.MonitorReport(
        endpoint=endpoint,
        since_ms=since_ms,
        until_ms=now_ms,
        bucket_ms=bucket_ms,
        requests=len(answered),
        errors=int(failed.sum()),
        p50_ms=p50,
        p95_ms=p95,
        times_ms=[since_ms + number_ * bucket_ms for number_ in range(buckets)],
        counts=np.bincount(at, minlength=buckets).tolist(),
        error_counts=np.bincount(at[failed], minlength=buckets).tolist(),
        p50s_ms=[one for one, _ in of_buckets],
        p95s_ms=[one for _, one in of_buckets],
        mixes=_mixes(answers, since_ms, bucket_ms, buckets),
        versions=_versions(log.requests),
        detail=_detail(folder, log, now_ms),
    )


def _split(values: Any, at: Any, buckets: int) -> list[Any]:
    import numpy as np

    order = np.argsort(at, kind="stable")
    edges = np.searchsorted(at[order], np.arange(1, buckets))
    return np.split(values[order], edges)


def _percentiles(values: Any) -> tuple[float | None, float | None]:
    import numpy as np

    if not len(values):
        return None, None
    p50, p95 = np.percentile(values, [50, 95])
    return float(p50), float(p95)


def _versions(requests: pd.DataFrame) -> list[wire.VersionShare]:
    found = []
    for (version, shadow), part in requests.groupby(["version", "shadow"], sort=True):
        failed = part["status"] >= 400
        p50, p95 = _percentiles(part["latency_ms"][~failed].to_numpy(dtype="float64"))
        found.append(
            wire.VersionShare(
                version=str(version),
                requests=len(part),
                errors=int(failed.sum()),
                p50_ms=p50,
                p95_ms=p95,
                shadow=bool(shadow),
            )
        )
    return found


def _detail(folder: Path, log: inference_log.Log, now_ms: int) -> str:
    parts = []
    if not len(log.requests):
        before = inference_log.read(folder, columns=("t_ms",)).requests
        if len(before):
            parts.append(f"no requests in this window; the last one {_ago(before, now_ms)}")
        else:
            parts.append("no requests are logged yet")
    if log.damaged:
        parts.append(f"{log.damaged} damaged lines or files of the log were skipped")
    return "; ".join(parts)


def _ago(requests: pd.DataFrame, now_ms: int) -> str:
    return ago(int(requests["t_ms"].max()), now_ms)


# ---------------------------------------------------------------------------- predictions


def _mixes(
    log: inference_log.Log, since_ms: int, bucket_ms: int, buckets: int
) -> list[wire.PredictionMix]:
    """How predictions were distributed; copies sent to a shadow version do not count."""
    import numpy as np

    outputs = inference_log.rows_of(log, "outputs")
    if not len(outputs.frame):
        return []
    requests = log.requests
    kept = ~requests["shadow"].to_numpy(dtype=bool)[outputs.request]
    times = requests["t_ms"].to_numpy(dtype=np.int64)[outputs.request]
    at = ((times - since_ms) // bucket_ms)[kept]
    values = outputs.frame[kept]
    found = []
    for position in range(min(values.shape[1], MIXES)):
        series = values.iloc[:, position]
        column = look(series)
        if column.kind not in ("number", "category"):
            continue
        present = series.notna().to_numpy(dtype=bool)
        labels, codes = _coded(column, series[present])
        totals = np.maximum(1, np.bincount(at[present], minlength=buckets))
        shares = [
            (np.bincount(at[present][codes == code], minlength=buckets) / totals).tolist()
            for code in range(len(labels))
        ]
        kind: Any = column.kind
        found.append(wire.PredictionMix(name=column.name, kind=kind, labels=labels, shares=shares))
    return found


def _coded(column: Column, present: pd.Series) -> tuple[list[str], Any]:
    """Names of categories or ranges, and for each value the number of its own.

    A few whole numbers are classes, whatever their type.
    """
    import numpy as np

    if column.kind == "number":
        values = column.numbers
        finite = values[np.isfinite(values)]
        distinct = np.unique(finite)
        if 0 < len(distinct) <= LABELS and (distinct == np.round(distinct)).all():
            return [number(float(one)) for one in distinct], np.searchsorted(distinct, values)
        steps = np.linspace(0, 1, RANGES + 1)[1:-1]
        edges = np.unique(np.quantile(finite, steps)) if len(finite) else np.array([0.0])
        words = [number(float(one)) for one in edges]
        labels = [f"< {words[0]}"]
        labels += [f"{words[one]} to {words[one + 1]}" for one in range(len(words) - 1)]
        labels.append(f"≥ {words[-1]}")
        return labels, np.searchsorted(edges, values, "right")
    from jupyter_mltrack.monitoring.columns import label

    names = sorted(column.counts, key=lambda name: -column.counts[name])
    shown = sorted(names[:LABELS])
    others = len(names) > len(shown)
    place = {name: code for code, name in enumerate(shown)}
    codes = present.map(lambda one: place.get(label(one), len(shown))).to_numpy(dtype=np.int64)
    return [*shown, f"{len(names) - len(shown)} others"] if others else shown, codes
