"""What a cell may ask for beside its own points: autologging, and the machine's load.

Both are MLflow's own; here they are switched on for one cell, and switched back to what they were.
"""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable
from typing import Any

from jupyter_mltrack.tracking import caution
from jupyter_mltrack.tracking.context import CellContext

STOP_S = 2.0


def equip(context: CellContext) -> None:
    """Switch on what the context asks for when it is entered; called before that."""
    if "autolog" in context.scratch:
        _switch_autolog(context, context.scratch["autolog"])
    if context.scratch.get("system_metrics"):
        context.before_end.append(_stop_monitor)
        context.when_born.append(_start_monitor)


def _switch_autolog(context: CellContext, on: bool) -> None:
    if not on and "mlflow" not in sys.modules:
        return
    try:
        switch_back = _autolog_on() if on else _autolog_off()
    except Exception as error:
        caution.trouble("autolog", "Autologging could not be switched", error)
        return
    context.before_end.append(lambda _context, _error: switch_back())


def _autolog_off() -> Callable[[], None]:
    """Silence every integration, those too that the user switched on one by one."""
    from mlflow.utils.autologging_utils import disable_autologging

    silence = disable_autologging()
    silence.__enter__()
    return lambda: silence.__exit__(None, None, None)


def _autolog_on() -> Callable[[], None]:
    import mlflow
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

    before = copy.deepcopy(dict(AUTOLOGGING_INTEGRATIONS))
    mlflow.autolog(silent=True)

    def switch_back() -> None:
        if _is_on(before):
            return
        mlflow.autolog(disable=True, silent=True)
        for name in set(AUTOLOGGING_INTEGRATIONS) - set(before):
            AUTOLOGGING_INTEGRATIONS[name]["disable"] = True
        AUTOLOGGING_INTEGRATIONS.update(before)

    return switch_back


def _is_on(integrations: dict[str, Any]) -> bool:
    config = integrations.get("mlflow")
    return config is not None and bool(config) and not config.get("disable", False)


def _start_monitor(context: CellContext) -> None:
    import importlib.util

    if importlib.util.find_spec("psutil") is None:
        caution.warn_once(
            "psutil", "The machine's load is not recorded: install psutil (`pip install psutil`)."
        )
        return
    try:
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        monitor = SystemMetricsMonitor(context.run_id, tracking_uri=context.workspace.tracking_uri)
        monitor.start()
    except Exception as error:
        caution.trouble("system-metrics", "The machine's load is not recorded", error)
        return
    context.scratch["monitor"] = monitor


def _stop_monitor(context: CellContext, _error: Any) -> None:
    monitor = context.scratch.pop("monitor", None)
    if monitor is None:
        return
    # MLflow's monitor asks the store between two samples; a store that is slow to answer (or is
    # made just now) must not hold the end of the cell.
    ending = threading.Thread(target=monitor.finish, name="mltrack-monitor-end", daemon=True)
    ending.start()
    ending.join(STOP_S)
