"""Conditions that a person wants to hear of while a run runs: `loss > 5`, `nan`, `stalled 10m`.

They are parsed where they are typed and kept as a tag of the run; whoever follows the journal
looks at each new point. Nothing here is asked by the call that logs. Each rule is told once a run.
"""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from jupyter_mltrack import wire
from jupyter_mltrack.errors import UsageError
from jupyter_mltrack.journal.columns import MAIN_KEYS, metric_rank

TAG = "mltrack.alerts"
RULES_MAX = 20
NAN = "nan"
NONE = "none"
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}
_RULE = re.compile(
    r"(?P<metric>`[^`]+`|[^<>=!`]+?)\s*(?P<sign>>=|<=|==|!=|>|<|=)\s*(?P<bound>\S+)\Z"
)
_NAN = re.compile(r"nan(?:\s+(?P<metric>`[^`]+`|\S.*))?\Z", re.IGNORECASE)
_STALLED = re.compile(
    r"stalled\s+(?P<count>\d{1,6}(?:\.\d+)?)\s*(?P<unit>s|m|min|h)\Z", re.IGNORECASE
)
_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0}
_HINT = 'Write it like --alert "loss > 5", --alert "nan" or --alert "stalled 10m".'


class Rule(NamedTuple):
    """One condition. Which of the fields count follows from which are set."""

    text: str
    """As it is shown."""
    metric: str = ""
    """Empty means the main metrics, where the rule is `nan`."""
    sign: str = ""
    bound: float = 0.0
    stalled_s: float = 0.0


def parse(text: str) -> Rule:
    """The rule that was typed.

    Raises:
        UsageError: it is none.
    """
    from jupyter_mltrack.tracking.names import encode

    said = " ".join(text.split())
    if said.lower() == NONE:
        return Rule(NONE)
    if found := _STALLED.match(said):
        seconds = float(found["count"]) * _UNITS[found["unit"].lower()]
        if seconds >= 1:
            return Rule(said.lower(), stalled_s=seconds)
    elif found := _NAN.match(said):
        metric = (found["metric"] or "").strip("`")
        return Rule(said, metric=encode(metric) if metric else "")
    elif found := _RULE.match(said):
        sign = "==" if found["sign"] == "=" else found["sign"]
        try:
            bound = float(found["bound"])
        except ValueError:
            bound = math.nan
        if not math.isnan(bound):
            metric = found["metric"].strip("`")
            return Rule(f"{metric} {sign} {found['bound']}", encode(metric), sign, bound)
    from jupyter_mltrack.display_text import clean

    raise UsageError(f"%%track: --alert {clean(text)!r} is no condition.", _HINT)


def tag_value(rules: Iterable[str]) -> str:
    """What the tag of a run holds."""
    return json.dumps([parse(rule).text for rule in rules][:RULES_MAX])


def rules_of(tag: str | None) -> list[Rule]:
    """The rules of a run by its tag; `nan` of the main metrics unless `none` was said."""
    try:
        said = json.loads(tag) if tag else []
        rules = [parse(str(one)) for one in said[:RULES_MAX]]
    except (ValueError, TypeError, KeyError, RecursionError, UsageError):
        rules = []  # another program wrote the tag
    if any(rule.text == NONE for rule in rules):
        return [rule for rule in rules if rule.text != NONE]
    return rules if any(_is_nan(rule) for rule in rules) else [*rules, Rule(NAN)]


def _is_nan(rule: Rule) -> bool:
    return not rule.sign and not rule.stalled_s


class Watch:
    """The rules of one run, and which of them came true."""

    def __init__(self) -> None:
        self.told: list[wire.RunAlert] = []
        self._rules = rules_of(None)
        self._tag: str | None = None

    def take_tags(self, tags: dict[str, str]) -> None:
        """Watch for what the run's tags say."""
        tag = tags.get(TAG)
        if tag is not None and tag != self._tag:
            self._tag = tag
            told = {one.rule for one in self.told}
            self._rules = [rule for rule in rules_of(tag) if rule.text not in told]

    def take_values(
        self, key: str, values: Sequence[float], steps: Sequence[int], times_ms: Sequence[int]
    ) -> bool:
        """Look at new points of a metric; returns whether a rule came true."""
        news = False
        for rule in list(self._rules):
            at = self._first(rule, key, values)
            if at is not None:
                self._tell(rule, _said(rule, key, values[at], steps[at]), times_ms[at])
                news = True
        return news

    def take_time(self, newest_ms: int, now_ms: int) -> bool:
        """Look at how long ago the newest point came; returns whether a rule came true."""
        news = False
        for rule in list(self._rules):
            if rule.stalled_s and newest_ms and now_ms - newest_ms >= rule.stalled_s * 1000:
                text = f"No new point for {rule.text.removeprefix('stalled ')}."
                self._tell(rule, text, int(newest_ms + rule.stalled_s * 1000))
                news = True
        return news

    @property
    def waits(self) -> bool:
        """Whether a rule is about time passing."""
        return any(rule.stalled_s for rule in self._rules)

    def _first(self, rule: Rule, key: str, values: Sequence[float]) -> int | None:
        if rule.stalled_s:
            return None
        if rule.sign:
            if rule.metric != key:
                return None
            holds = _COMPARED[rule.sign]
            return next((at for at, value in enumerate(values) if holds(value, rule.bound)), None)
        if rule.metric not in ("", key) or (not rule.metric and not is_main(key)):
            return None
        return next((at for at, value in enumerate(values) if value != value), None)  # noqa: PLR0124  # only nan is not itself

    def _tell(self, rule: Rule, message: str, at_ms: int) -> None:
        self._rules.remove(rule)
        self.told.append(wire.RunAlert(rule=rule.text, message=message, at_ms=at_ms))


@lru_cache(maxsize=4_096)
def is_main(key: str) -> bool:
    """Whether a metric is one that speaks of how training goes (loss, accuracy ...)."""
    return metric_rank(key)[0] < MAIN_KEYS


def _said(rule: Rule, key: str, value: float, step: int) -> str:
    from jupyter_mltrack.display_text import clean, number

    name = clean(key)
    if rule.sign:
        return f"{name} is {number(value)} at step {step}."
    return f"{name} is not a number at step {step}."
