"""MLflow's filter and order language as SQL on MLflow's own tables.

MLflow parses the filter; only the clauses are made here, for SQLite and for ids alone, because
MLflow's own search loads whole runs and takes seconds where the ids take milliseconds. What is
not covered (filters on datasets, regular expressions) is left to MLflow: `clauses` says None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from jupyter_mltrack.errors import UsageError

_COMPARATOR = re.compile(
    r"(?:!=|>=|<=|=|>|<)|\b(?:I?LIKE|RLIKE|(?:NOT\s+)?IN\s*\(|IS\s+(?:NOT\s+)?NULL)", re.IGNORECASE
)
_KINDS = {
    "metric": "metric",
    "metrics": "metric",
    "param": "parameter",
    "params": "parameter",
    "parameter": "parameter",
    "parameters": "parameter",
    "tag": "tag",
    "tags": "tag",
    "attribute": "attribute",
    "attributes": "attribute",
    "attr": "attribute",
    "run": "attribute",
}
_ORDER = re.compile(
    r"""(?P<kind>[a-z]+)\.(?:`(?P<ticked>[^`]+)`|"(?P<quoted>[^"]+)"|(?P<bare>[^\s`"]+))"""
    r"""(?:\s+(?P<way>ASC|DESC))?\Z""",
    re.IGNORECASE,
)
_TABLES = {"metric": "latest_metrics", "parameter": "params", "tag": "tags"}
_COLUMNS = {"run_id": "run_uuid", "run_name": "name", "created": "start_time"}
_ORDERABLE = {"run_id", "run_name", "status", "start_time", "end_time", "artifact_uri", "created"}


@dataclass(frozen=True)
class Order:
    """One term of an order: `kind` is metric, parameter, tag or attribute."""

    kind: str
    key: str
    ascending: bool = True

    def __str__(self) -> str:
        kind = {"metric": "metrics", "parameter": "params", "tag": "tags"}.get(self.kind)
        name = f"{kind}.`{self.key}`" if kind else f"attributes.{self.key}"
        return f"{name} {'ASC' if self.ascending else 'DESC'}"


@dataclass(frozen=True)
class Wanted:
    """Which page of which runs is asked for; an empty order is newest first."""

    experiment: str | None = None
    text: str | None = None
    filter: str | None = None
    order: tuple[Order, ...] = ()
    limit: int = 50
    page_token: str | None = None

    @property
    def metrics(self) -> list[str]:
        """Metrics that the order names."""
        return [term.key for term in self.order if term.kind == "metric"]


@dataclass
class Clauses:
    """Parts of a SELECT over `runs AS r`, with the values of their placeholders in order."""

    joins: list[str] = field(default_factory=list)
    join_values: list[Any] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    where_values: list[Any] = field(default_factory=list)
    order: list[str] = field(default_factory=list)


def looks_like_filter(text: str) -> bool:
    """Whether the words hold a comparison (`metrics.acc > 0.9`) and are no plain words."""
    return _COMPARATOR.search(text) is not None


def parse_order(text: str) -> Order:
    """An order term in MLflow's language: ``metrics.`val loss` DESC``, `attributes.start_time`.

    Raises:
        UsageError: the term is none.
    """
    found = _ORDER.match(text.strip())
    if found and found["kind"].lower() in _KINDS:
        key = found["ticked"] or found["quoted"] or found["bare"]
        kind = _KINDS[found["kind"].lower()]
        if kind != "attribute" or key in _ORDERABLE:
            return Order(kind, key, (found["way"] or "ASC").upper() == "ASC")
    raise UsageError(
        f"Runs cannot be sorted by {text!r}.",
        "Name it like metrics.loss, params.lr, tags.owner or attributes.end_time; ASC or DESC.",
    )


def parse_filter(text: str) -> list[dict[str, Any]]:
    """The comparisons of a filter, as MLflow itself reads them.

    Raises:
        UsageError: MLflow refuses the filter; the message is MLflow's.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.utils.search_utils import SearchUtils

    try:
        parsed: list[dict[str, Any]] = SearchUtils.parse_search_filter(text)
        for part in parsed:
            _check_comparator(part)
    except MlflowException as error:
        raise UsageError(
            f"The filter {text!r} is off: {_first_sentence(str(error))}",
            "Write it like: metrics.acc > 0.9 and params.lr = '0.01' and tags.owner = 'me'",
        ) from error
    return parsed


def _check_comparator(part: dict[str, Any]) -> None:
    """Let MLflow refuse a comparator that the kind of key does not have."""
    from mlflow.utils.search_utils import SearchUtils

    kind, key, comparator = part["type"], part["key"], part["comparator"].upper()
    key = SearchUtils.translate_key_alias(key)
    for check in (SearchUtils.is_string_attribute, SearchUtils.is_numeric_attribute):
        check(kind, key, comparator)
    for check in (SearchUtils.is_metric, SearchUtils.is_param, SearchUtils.is_tag):
        check(kind, comparator)


def _first_sentence(text: str) -> str:
    line = text.splitlines()[0] if text else ""
    return line if len(line) <= 200 else line[:199] + "…"


def clauses(parsed: list[dict[str, Any]], order: list[Order]) -> Clauses | None:
    """The SQL of a parsed filter and an order; None when MLflow must answer itself."""
    made = Clauses()
    for part in parsed:
        if not _add_filter(made, part):
            return None
    for term in order:
        _add_order(made, term)
    if not any(term.kind == "attribute" and _column(term.key) == "start_time" for term in order):
        made.order.append("r.start_time DESC")
    made.order.append("r.run_uuid")
    return made


def _column(key: str) -> str:
    return _COLUMNS.get(key, key)


def _comparison(column: str, comparator: str, value: Any) -> tuple[str, list[Any]] | None:
    if comparator in ("=", "!=", ">", ">=", "<", "<=", "LIKE"):
        return f"{column} {comparator} ?", [value]
    if comparator == "ILIKE":
        return f"lower({column}) LIKE lower(?)", [value]
    if comparator in ("IN", "NOT IN"):
        marks = ", ".join("?" * len(value))
        return f"{column} {comparator} ({marks})", list(value)
    return None


def _add_filter(made: Clauses, part: dict[str, Any]) -> bool:
    from mlflow.utils.search_utils import SearchUtils

    kind, comparator, value = part["type"], part["comparator"].upper(), part["value"]
    key = SearchUtils.translate_key_alias(part["key"])
    if kind == "attribute" and key == "run_name":
        kind, key = "tag", "mlflow.runName"
    if kind == "attribute":
        if key in ("start_time", "end_time"):
            value = int(value) if str(value).lstrip("-").isdigit() else float(value)
        compared = _comparison(f"r.{_column(key)}", comparator, value)
        if compared is None:
            return False
        made.where.append(compared[0])
        made.where_values += compared[1]
        return True
    table = _TABLES.get(kind)
    if table is None:
        return False
    inside = f"SELECT 1 FROM {table} t WHERE t.run_uuid = r.run_uuid AND t.key = ?"
    if comparator in ("IS NULL", "IS NOT NULL"):
        made.where.append(f"{'NOT ' if comparator == 'IS NULL' else ''}EXISTS ({inside})")
        made.where_values.append(key)
        return True
    compared = _comparison("t.value", comparator, float(value) if kind == "metric" else value)
    if compared is None:
        return False
    condition = compared[0]
    if kind == "metric":
        # MLflow keeps NaN as 0 beside a flag; NaN differs from everything and equals nothing.
        condition += " OR t.is_nan = 1" if comparator == "!=" else " AND t.is_nan = 0"
    made.where.append(f"EXISTS ({inside} AND ({condition}))")
    made.where_values += [key, *compared[1]]
    return True


def _add_order(made: Clauses, term: Order) -> None:
    way = "ASC" if term.ascending else "DESC"
    if term.kind == "attribute":
        column = f"r.{_column(term.key)}"
        made.order += [f"{column} IS NULL", f"{column} {way}"]
        return
    alias = f"o{len(made.joins)}"
    table = _TABLES[term.kind]
    made.joins.append(
        f"LEFT JOIN {table} {alias} ON {alias}.run_uuid = r.run_uuid AND {alias}.key = ?"
    )
    made.join_values.append(term.key)
    if term.kind == "metric":
        made.order.append(
            f"CASE WHEN {alias}.is_nan = 1 THEN 1 WHEN {alias}.value IS NULL THEN 2 ELSE 0 END"
        )
    else:
        made.order.append(f"{alias}.value IS NULL")
    made.order.append(f"{alias}.value {way}")
