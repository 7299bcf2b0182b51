"""What the verbs that watch models do: `monitor` and `drift`. The work is `monitoring`'s."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.display_text import clean
from jupyter_mltrack.errors import UsageError

_UNITS_S = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_WINDOW = re.compile(r"(\d{1,9}(?:\.\d+)?)\s*([a-z]*)\Z")


def monitor(
    endpoint: str,
    window: str | float = "1h",
    *,
    every: str | None = None,
    reference: str = "",
    now: bool = False,
) -> wire.MonitorReport | wire.MonitorSchedule:
    """Requests, errors, latency and predictions of an endpoint of this machine, over time.

    Of an endpoint in Azure: the schedule there that watches it for drift.

    Args:
        endpoint: its name.
        window: how far back: `15m`, `1h`, `7d`, or a number of seconds.
        every: `hour`, `day` or `week`: make the schedule; `off`: have it not run any more.
        reference: `STORE/PATH` of the data that the schedule compares with.
        now: have the schedule run at once.

    Raises:
        NotFound: there is no such endpoint, or it has no schedule.
        UsageError: the window is none, or the schedule cannot be made.
    """
    from jupyter_mltrack import monitoring
    from jupyter_mltrack.deployments import elsewhere

    found = elsewhere.find(endpoint)
    if found is not None and found.resource:
        return _schedule(found, every, reference, now=now)
    if every or now:
        raise UsageError(
            f"Endpoint {clean(endpoint)} is on this machine, where no schedule runs.",
            f"Compare at once: %mltrack drift MODEL --data {clean(endpoint)}",
        )

    return monitoring.monitor(endpoint, window_s=seconds(window))


def _schedule(
    found: wire.EndpointInfo, every: str | None, reference: str, *, now: bool
) -> wire.MonitorSchedule:
    from jupyter_mltrack.deployments.azure import monitors

    if every == "off":
        return monitors.switch_off(found)
    if every is not None:
        if not reference:
            raise UsageError(
                "What is it to be compared with?",
                "Add --reference STORE/PATH of data that the model was made with.",
            )
        made = monitors.make(found, every, reference)
        return monitors.run_now(found) if now else made
    return monitors.run_now(found) if now else monitors.get(found)


def drift(
    model: str,
    data: Any,
    *,
    reference: Any = None,
    truth: Any = None,
    id: str | None = None,  # noqa: A002  # the option that is typed
    alpha: float | str = 0.05,
    effect: float | str = 0.1,
    columns: str | Sequence[str] | None = None,
    window: str | float | None = None,
    trust: bool = False,
) -> wire.DriftReport:
    """How new data differs from what a model was trained on; the report is kept as a run.

    Args:
        model: `NAME`, `NAME/VERSION` (or `NAME`, its newest version), `NAME@ALIAS`.
        data: a frame, a path or address of CSV, Parquet, JSON or Arrow files, or the name of an
            endpoint of this machine.
        reference: the same, or a run whose training data is meant; without it, the profile that was
            kept with the model.
        truth: true values that have arrived, as data with an id; gives quality metrics.
        id: column by which the truth is joined; without it, the request's id.
        alpha: chance of even one false alarm in the report.
        effect: least effect that counts as drift.
        columns: only these, as a list or `A,B`; without it, the model's inputs.
        window: of an endpoint's log only the last part: `1h`, `7d`.
        trust: load a model that was not made here, to compare its predictions.

    Raises:
        NotFound: no such model, data or run, or no profile was kept with the model.
        UsageError: a number, a column or the truth is off.
    """
    from jupyter_mltrack import monitoring

    names = columns
    if isinstance(columns, str):
        names = [one.strip() for one in columns.split(",") if one.strip()]
    return monitoring.drift(
        model,
        data,
        reference=reference,
        truth=truth,
        id_column=id,
        alpha=_number("--alpha", alpha),
        effect=_number("--effect", effect),
        columns=names,
        window_s=None if window is None else seconds(window),
        trust=trust,
    )


def seconds(words: str | float) -> float:
    """How many seconds `15m`, `1h` or `7d` are.

    Raises:
        UsageError: it is no span of time.
    """
    found = _WINDOW.match(str(words).strip().lower())
    if found is None or (found[2] or "s") not in _UNITS_S:
        raise UsageError(
            f"{clean(str(words))!r} is no span of time.", "Write for example 15m, 1h or 7d."
        )
    return float(found[1]) * _UNITS_S[found[2] or "s"]


def _number(name: str, words: float | str) -> float:
    try:
        return float(words)
    except ValueError:
        raise UsageError(
            f"{name} cannot be {clean(str(words))!r}.", "Write a number such as 0.05."
        ) from None
