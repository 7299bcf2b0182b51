"""Batch scoring, and how requests and data change with time."""

from __future__ import annotations

from typing import Literal

from jupyter_mltrack.wire.base import RunId, Struct
from jupyter_mltrack.wire.metrics import MetricValue


class ScoreReport(Struct, frozen=True):
    """What a batch scoring did."""

    model: str
    version: str | None
    on: Literal["local", "spark"]
    data: str
    out: str
    rows: int
    seconds: float
    columns: list[str] = []
    """Of the output."""
    run_id: RunId | None = None
    detail: str = ""


class PredictionMix(Struct, frozen=True):
    """How one output was distributed in each bucket of time."""

    name: str
    kind: Literal["category", "number"]
    labels: list[str]
    """The categories, or the ranges of numbers."""
    shares: list[list[float]]
    """`shares[label][bucket]`, of all predictions in the bucket."""


class VersionShare(Struct, frozen=True):
    """What one version answered."""

    version: str
    requests: int
    errors: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    shadow: bool = False


class MonitorReport(Struct, frozen=True):
    """Requests of an endpoint over time. All lists over time have the same length."""

    endpoint: str
    since_ms: int
    until_ms: int
    bucket_ms: int
    requests: int
    errors: int
    p50_ms: float | None = None
    p95_ms: float | None = None
    times_ms: list[int] = []
    """Start of each bucket."""
    counts: list[int] = []
    error_counts: list[int] = []
    p50s_ms: list[float | None] = []
    p95s_ms: list[float | None] = []
    mixes: list[PredictionMix] = []
    versions: list[VersionShare] = []
    detail: str = ""


class DriftFeature(Struct, frozen=True):
    """How one column of new data differs from the reference."""

    name: str
    kind: Literal["number", "category", "datetime", "text"]
    test: str
    verdict: Literal["ok", "drift", "not_tested"]
    statistic: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    effect: float | None = None
    effect_name: str = ""
    missing_reference: float = 0.0
    """Share of missing values, 0 to 1."""
    missing_data: float = 0.0
    missing_p_adjusted: float | None = None
    """Of the test that the share of missing values is the same; None where none is missing."""
    new_categories: list[str] = []
    missing_categories: list[str] = []
    psi: float | None = None
    """Population stability index, for those who know their data by it; decides nothing."""
    labels: list[str] = []
    """For a picture: categories or ranges, with the share of rows in each."""
    shares_reference: list[float] = []
    shares_data: list[float] = []
    detail: str = ""


class SchemaChange(Struct, frozen=True):
    """A column that came, went or changed its type."""

    column: str
    change: Literal["missing", "new", "type"]
    detail: str = ""


class DriftReport(Struct, frozen=True):
    """How new data differs from what the model was trained on."""

    model: str
    version: str | None
    reference: str
    data: str
    rows_reference: int
    rows_data: int
    alpha: float
    effect_threshold: float
    correction: str
    verdict: Literal["no_drift", "drift", "too_little_data"]
    drifted: int
    features: list[DriftFeature] = []
    predictions: list[DriftFeature] = []
    schema_changes: list[SchemaChange] = []
    quality: list[MetricValue] = []
    """Metrics against the truth that arrived later."""
    run_id: RunId | None = None
    report_path: str = ""
    """Of the static report, below the run's artifacts."""
    detail: str = ""
