"""MLflow's filter and order language as SQL on MLflow's own tables.

MLflow parses the filter; only the clauses are made here, for SQLite and for ids alone, because
MLflow's own search loads whole runs and takes seconds where the ids take milliseconds. What is
not covered (filters on datasets, regular expressions) is left to MLflow: `clauses` says None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.runs.filters import KINDS

if TYPE_CHECKING:
    from jupyter_mltrack.runs.filters import Fault

_COMPARATOR = re.compile(
    r"(?:!=|>=|<=|=|>|<)|\b(?:I?LIKE|RLIKE|(?:NOT\s+)?IN\s*\(|IS\s+(?:NOT\s+)?NULL)", re.IGNORECASE
)
_ORDER = re.compile(
    r"""(?P<kind>[a-z]+)\.(?:`(?P<ticked>[^`]+)`|"(?P<quoted>[^"]+)"|(?P<bare>[^\s`"]+))"""
    r"""(?:\s+(?P<way>ASC|DESC))?\Z""",
    re.IGNORECASE,
)
_TABLES = {"metric": "latest_metrics", "parameter": "params", "tag": "tags"}
_COLUMNS = {"run_id": "run_uuid", "run_name": "name", "created": "start_time"}
_ALIASES = {
    "created": "start_time",
    "Created": "start_time",
    "run name": "run_name",
    "Run name": "run_name",
    "Run Name": "run_name",
}
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
    columns: tuple[str, ...] | None = None
    """`metrics.KEY`, `params.KEY`, `tags.KEY`: what rows hold of these; None for the usual."""
    deleted: bool = False
    """Deleted runs in place of those that are not."""
    roots: bool = False
    """Only runs that are nested under none of the list."""
    parent: str | None = None
    """Only runs that are nested right below this one."""
    also_tags: tuple[str, ...] = ()
    """Tags that rows hold besides, whatever the columns are."""

    @property
    def stage(self) -> str:
        """MLflow's word for the runs that are meant."""
        return "deleted" if self.deleted else "active"

    @property
    def metrics(self) -> list[str]:
        """Metrics that the columns or the order name, without repetition."""
        sorted_by = [term.key for term in self.order if term.kind == "metric"]
        return list(dict.fromkeys(self.keys("metrics") + sorted_by))

    def keys(self, kind: str) -> list[str]:
        """Keys of the columns of a kind: metrics, params or tags."""
        found = [column.partition(".") for column in self.columns or ()]
        also = self.also_tags if kind == "tags" else ()
        return [*(key for word, _, key in found if word == kind), *also]


@dataclass
class Clauses:
    """Parts of a SELECT over `runs AS r`, with the values of their placeholders in order."""

    joins: list[str] = field(default_factory=list)
    join_values: list[Any] = field(default_factory=list)
    where: list[str] = field(default_factory=list)
    where_values: list[Any] = field(default_factory=list)
    order: list[tuple[str, bool]] = field(default_factory=list)
    """Expressions that stand alone in any comparison, each with whether it ascends."""


def looks_like_filter(text: str) -> bool:
    """Whether the words hold a comparison (`metrics.acc > 0.9`) and are no plain words."""
    return _COMPARATOR.search(text) is not None


def parse_order(text: str) -> Order:
    """An order term in MLflow's language: ``metrics.`val loss` DESC``, `attributes.start_time`.

    Raises:
        UsageError: the term is none.
    """
    found = _ORDER.match(text.strip())
    if found and found["kind"].lower() in KINDS:
        key = found["ticked"] or found["quoted"] or found["bare"]
        kind = KINDS[found["kind"].lower()]
        if kind != "attribute" or key in _ORDERABLE:
            return Order(kind, key, (found["way"] or "ASC").upper() == "ASC")
    raise UsageError(
        f"Runs cannot be sorted by {text!r}.",
        "Name it like metrics.loss, params.lr, tags.owner or attributes.end_time; ASC or DESC.",
    )


def parse_filter(text: str) -> list[dict[str, Any]]:
    """The comparisons of a filter, as MLflow itself reads them.

    Raises:
        UsageError: MLflow refuses the filter; `at` says where it is wrong.
    """
    from jupyter_mltrack.runs import filters

    try:
        return filters.read(text)
    except filters.Fault as fault:
        return _let_mlflow_parse(text, fault)


def _let_mlflow_parse(text: str, fault: Fault) -> list[dict[str, Any]]:
    from mlflow.exceptions import MlflowException
    from mlflow.utils.search_utils import SearchUtils

    try:
        parsed: list[dict[str, Any]] = SearchUtils.parse_search_filter(text)
        for part in parsed:
            _check_comparator(part)
    except (MlflowException, ValueError) as error:
        raise off(fault) from error
    return parsed


def off(fault: Fault) -> UsageError:
    """The error of a filter that is wrong somewhere."""
    return UsageError(fault.message, fault.hint, at=fault.at)


def _check_comparator(part: dict[str, Any]) -> None:
    """Let MLflow refuse a comparator that the kind of key does not have."""
    from mlflow.utils.search_utils import SearchUtils

    kind, key, comparator = part["type"], part["key"], part["comparator"].upper()
    key = SearchUtils.translate_key_alias(key)
    for check in (SearchUtils.is_string_attribute, SearchUtils.is_numeric_attribute):
        check(kind, key, comparator)
    for check in (SearchUtils.is_metric, SearchUtils.is_param, SearchUtils.is_tag):
        check(kind, comparator)


def clauses(parsed: list[dict[str, Any]], order: list[Order]) -> Clauses | None:
    """The SQL of a parsed filter and an order; None when MLflow must answer itself."""
    made = Clauses()
    for part in parsed:
        if not _add_filter(made, part):
            return None
    for term in order:
        _add_order(made, term)
    if not any(term.kind == "attribute" and _column(term.key) == "start_time" for term in order):
        made.order.append(("r.start_time", False))
    made.order.append(("r.run_uuid", True))
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
    kind, comparator, value = part["type"], part["comparator"].upper(), part["value"]
    key = part["key"]
    key = _ALIASES.get(key, key) if kind == "attribute" else key
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
    if term.kind == "attribute":
        column = f"r.{_column(term.key)}"
        made.order += [(f"({column} IS NULL)", True), (column, term.ascending)]
        return
    alias = f"o{len(made.joins)}"
    table = _TABLES[term.kind]
    made.joins.append(
        f"LEFT JOIN {table} {alias} ON {alias}.run_uuid = r.run_uuid AND {alias}.key = ?"
    )
    made.join_values.append(term.key)
    if term.kind == "metric":
        rank = f"(CASE WHEN {alias}.is_nan = 1 THEN 1 WHEN {alias}.value IS NULL THEN 2 ELSE 0 END)"
        made.order.append((rank, True))
    else:
        made.order.append((f"({alias}.value IS NULL)", True))
    made.order.append((f"{alias}.value", term.ascending))
