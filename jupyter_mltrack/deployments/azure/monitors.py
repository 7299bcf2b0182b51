"""Schedules of the service that watch an endpoint's data: made, read, run at once, switched off.

The service compares what was collected with the data that the model was tried on; what it found is
a job of the workspace. `drift` compares on this machine and needs no schedule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_mltrack import wire
from jupyter_mltrack.azure.manage import workspaces
from jupyter_mltrack.azure.manage.place import API, Place, properties, text
from jupyter_mltrack.deployments.azure import ONLINE, doors, online
from jupyter_mltrack.errors import MltrackError, NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

TRIGGER_API = "2024-01-01-preview"
CRONS = {"day": "0 3 * * *", "week": "0 3 * * 1", "hour": "0 * * * *"}
SPANS = {"day": "P1D", "week": "P7D", "hour": "PT1H"}
THRESHOLD = 0.1
RUNTIME = "3.4"
INSTANCE = "standard_e4s_v3"


def name_of(info: wire.EndpointInfo) -> str:
    """What the endpoint's schedule is called."""
    return f"{info.name}-drift"


def _path(place: Place, info: wire.EndpointInfo) -> str:
    return place.path(f"schedules/{name_of(info)}")


def get(info: wire.EndpointInfo) -> wire.MonitorSchedule:
    """The endpoint's schedule and how its newest run went.

    Raises:
        NotFound: it has none.
    """
    place = _place(info)
    try:
        found = place.arm.get(_path(place, info), API)
    except NotFound as error:
        raise NotFound(
            f"Endpoint {info.name} has no monitor in Azure.",
            f"Make one: %mltrack monitor {info.name} --every day --reference STORE/PATH",
        ) from error
    return _described(place, info, found)


def _place(info: wire.EndpointInfo) -> Place:
    if info.target not in ONLINE:
        raise UsageError(
            f"Endpoint {info.name} is at {info.target}: Azure watches online endpoints only.",
            "Deploy with --to azureml --collect on for that.",
        )
    return doors.place(info)


def _described(
    place: Place, info: wire.EndpointInfo, found: Mapping[str, Any]
) -> wire.MonitorSchedule:
    inner = properties(dict(found))
    trigger = inner.get("trigger")
    action = inner.get("action")
    definition = action.get("monitorDefinition") if isinstance(action, dict) else None
    signals = definition.get("signals") if isinstance(definition, dict) else None
    job = _newest(place, name_of(info)) or {}
    state = properties(job)
    name = text(job, "name")
    return wire.MonitorSchedule(
        name=name_of(info),
        endpoint=info.name,
        enabled=inner.get("isEnabled") is not False,
        cron=text(trigger, "expression") if isinstance(trigger, dict) else "",
        signals=sorted(signals) if isinstance(signals, dict) else [],
        last_run=name,
        last_state=text(state, "status"),
        link=workspaces.studio(f"runs/{name}?wsid={place.scope.arm_id}") if name else "",
    )


def _newest(place: Place, schedule: str) -> dict[str, Any] | None:
    """The newest job that the schedule started."""
    try:
        found = place.arm.list(place.path("jobs"), API, params={"listViewType": "ActiveOnly"})
    except MltrackError:
        return None
    own: list[dict[str, Any]] = [
        dict(one) for one in found if text(one, "name").startswith(f"{schedule}-")
    ]
    return max(own, key=lambda one: text(one, "name")) if own else None


def make(
    info: wire.EndpointInfo, every: str, reference: str, threshold: float = THRESHOLD
) -> wire.MonitorSchedule:
    """Have the service compare what is collected with reference data, again and again.

    Args:
        info: the endpoint; its data collection must be on.
        every: `hour`, `day` or `week`.
        reference: `STORE/PATH` or an address of a data asset: data of the model's inputs.
        threshold: of the distance, above which it is drift.

    Raises:
        UsageError: it cannot be made like that.
        AzureError: the service refused.
    """
    place = _place(info)
    if every not in CRONS:
        raise UsageError(
            f"There is no schedule every {every}.", f"One of: {', '.join(CRONS)}, off."
        )
    name = _collecting(place, info)
    body = {
        "properties": {
            "displayName": f"Drift of {info.name}",
            "isEnabled": True,
            "trigger": {"triggerType": "Cron", "expression": CRONS[every], "timeZone": "UTC"},
            "action": {
                "actionType": "CreateMonitor",
                "monitorDefinition": _definition(place, info, name, every, reference, threshold),
            },
        }
    }
    found = place.arm.put(_path(place, info), API, body, wait=True)
    return _described(place, info, found)


def _collecting(place: Place, info: wire.EndpointInfo) -> str:
    """The deployment that is watched: of those that collect the one with most traffic."""
    shares = properties(online.get(place, info.name) or {}).get("traffic")
    shares = shares if isinstance(shares, dict) else {}
    found = [
        one
        for one in online.deployments(place, info.name)
        if isinstance(properties(one).get("dataCollector"), dict)
    ]
    if not found:
        raise UsageError(
            f"No version of endpoint {info.name} collects data.",
            "Deploy it again with --collect on.",
        )
    return text(max(found, key=lambda one: shares.get(text(one, "name")) or 0), "name")


def _definition(  # noqa: PLR0917  # all that a monitor consists of
    place: Place,
    info: wire.EndpointInfo,
    name: str,
    every: str,
    reference: str,
    threshold: float,
) -> dict[str, Any]:
    def asset(kind: str) -> str:
        return place.path(f"data/{info.name}-{name}-{kind}/versions/1")

    def limits(metric: str, kind: str) -> dict[str, Any]:
        return {"dataType": kind, "metric": metric, "threshold": {"value": threshold}}

    def production(kind: str) -> dict[str, Any]:
        return {
            "inputDataType": "Trailing",
            "jobInputType": "uri_folder",
            "uri": asset(kind),
            "dataContext": kind,
            "windowSize": SPANS[every],
            "windowOffset": "PT0S",
        }

    fixed = {
        "inputDataType": "Fixed",
        "jobInputType": "uri_file" if "." in reference.rpartition("/")[2] else "uri_folder",
        "uri": _address(place, reference),
        "dataContext": "training",
    }
    thresholds = [
        limits("jensenShannonDistance", "Numerical"),
        limits("jensenShannonDistance", "Categorical"),
    ]
    signals = {
        "data-drift": {
            "signalType": "DataDrift",
            "productionData": production("model_inputs"),
            "referenceData": fixed,
            "metricThresholds": thresholds,
        }
    }
    return {
        "computeConfiguration": {
            "computeType": "ServerlessSpark",
            "runtimeVersion": RUNTIME,
            "instanceType": INSTANCE,
            "computeIdentity": {"computeIdentityType": "AmlToken"},
        },
        "monitoringTarget": {
            "taskType": "Regression",
            "deploymentId": f"azureml:{info.name}:{name}",
        },
        "signals": signals,
    }


def _address(place: Place, reference: str) -> str:
    from jupyter_mltrack.azure.manage import datastores

    if reference.startswith(("azureml:", "/subscriptions/")):
        return reference
    spot = datastores.parse(reference)
    store = spot.store or text(datastores.find(place, ""), "name")
    return f"azureml://datastores/{store}/paths/{spot.path}"


def run_now(info: wire.EndpointInfo) -> wire.MonitorSchedule:
    """Have the schedule run at once; its job goes on in the service.

    Raises:
        NotFound: it has none.
    """
    place = _place(info)
    get(info)
    place.arm.post(f"{_path(place, info)}/trigger", TRIGGER_API, {}, wait=False)
    return get(info)


def switch_off(info: wire.EndpointInfo) -> wire.MonitorSchedule:
    """Keep the schedule but have it not run any more.

    Raises:
        NotFound: it has none.
    """
    place = _place(info)
    found = dict(place.arm.get(_path(place, info), API))
    body = {"properties": {**properties(found), "isEnabled": False}}
    return _described(place, info, place.arm.put(_path(place, info), API, body, wait=True))
