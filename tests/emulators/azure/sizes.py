"""Machine sizes of a region, their quota and what of it is used."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.emulators.azure.core import PROVIDER, ApiError, Json, Route, State

_PLENTY = 1000


@dataclass(frozen=True)
class Size:
    name: str
    family: str
    vcpus: int
    memory_gb: float
    gpus: int
    price: float  # US dollars an hour, of no importance but that it costs


SIZES = [
    Size("Standard_DS1_v2", "standardDSv2Family", 1, 3.5, 0, 0.07),
    Size("Standard_DS2_v2", "standardDSv2Family", 2, 7, 0, 0.15),
    Size("Standard_DS3_v2", "standardDSv2Family", 4, 14, 0, 0.29),
    Size("Standard_DS11_v2", "standardDSv2Family", 2, 14, 0, 0.19),
    Size("Standard_DS12_v2", "standardDSv2Family", 4, 28, 0, 0.37),
    Size("Standard_D2as_v4", "standardDASv4Family", 2, 8, 0, 0.1),
    Size("Standard_E4s_v3", "standardESv3Family", 4, 32, 0, 0.25),
    Size("Standard_F2s_v2", "standardFSv2Family", 2, 4, 0, 0.09),
    Size("Standard_F4s_v2", "standardFSv2Family", 4, 8, 0, 0.17),
    Size("Standard_NC6s_v3", "standardNCSv3Family", 6, 112, 1, 3.06),
    Size("Standard_NC4as_T4_v3", "standardNCASv3T4Family", 4, 28, 1, 0.53),
]
_NAME = re.compile(r"standard_([a-z]+)(\d+)[\w-]*", re.IGNORECASE)
_BY_NAME = {size.name.lower(): size for size in SIZES}


def size_of(name: str) -> Size:
    """A size by its name, or the service's 400."""
    found = _BY_NAME.get(name.lower())
    if found is None and (other := _NAME.fullmatch(name)):
        # the service has hundreds of them: one that is not listed here has the cores of its name
        cores = int(other[2])
        return Size(name, f"standard{other[1].upper()}Family", cores, 4 * cores, 0, 0.1 * cores)
    if found is None:
        raise ApiError(400, "InvalidVmSize", f"VM size '{name}' is not supported in this region.")
    return found


def used(state: State, sub: str, *, without: str = "") -> dict[str, int]:
    """Cores that computes and deployments of a subscription may take, by family."""
    total: dict[str, int] = {}
    for workspace in list(state.workspaces.values()):
        if workspace.subscription_id.lower() != sub.lower():
            continue
        asked = [
            *(_asked_by_compute(one) for one in list(workspace.collection("computes").values())
              if one["id"].lower() != without.lower()),
            *(_asked_by_deployment(one) for path, found in list(workspace.items.items())
              if path.startswith("onlineendpoints/") for one in list(found.values())
              if one["id"].lower() != without.lower()),
        ]  # fmt: skip
        for size, count in asked:
            if size.lower() in _BY_NAME or _NAME.fullmatch(size):
                one = size_of(size)
                total[one.family] = total.get(one.family, 0) + one.vcpus * count
    return total


def _asked_by_compute(one: Json) -> tuple[str, int]:
    inner = one["properties"].get("properties") or {}
    scale = inner.get("scaleSettings") or {}
    return inner.get("vmSize") or "", int(scale.get("maxNodeCount", 1))


def _asked_by_deployment(one: Json) -> tuple[str, int]:
    sku = one.get("sku") or {}
    return one["properties"].get("instanceType") or "", int(sku.get("capacity") or 1)


def check_quota(state: State, sub: str, size: str, count: int, arm_id: str) -> None:
    """Raise the service's 400 if `count` machines more are too many; `arm_id` is who asks."""
    one = size_of(size)
    limit = state.switches.vcpu_quota.get(one.family)
    if limit is None:
        return
    have = used(state, sub, without=arm_id).get(one.family, 0)
    need = one.vcpus * count
    if have + need > limit:
        raise ApiError(
            400, "OutOfQuota",
            f"Not enough quota: the subscription has a {one.family} vCPU quota of {limit}, of which "
            f"{have} are in use, and cannot accommodate the {need} vCPUs that {count} x {one.name} need.",
        )  # fmt: skip


async def sizes(_state: State, _request: Request) -> Response:
    value = [
        {
            "name": one.name, "family": one.family, "vCPUs": one.vcpus, "gpus": one.gpus,
            "memoryGB": one.memory_gb, "osVhdSizeMB": 1_047_552, "maxResourceVolumeMB": 16_384,
            "lowPriorityCapable": True, "premiumIO": True,
            "supportedComputeTypes": ["AmlCompute", "ComputeInstance"],
            "estimatedVMPrices": {
                "billingCurrency": "USD", "unitOfMeasure": "OneHour",
                "values": [{"retailPrice": one.price, "osType": "Linux", "vmTier": "Standard"}],
            },
        }
        for one in SIZES
    ]  # fmt: skip
    return JSONResponse({"value": value})


async def usages(state: State, request: Request) -> Response:
    sub, location = request.path_params["sub"], request.path_params["location"]
    have = used(state, sub)
    families = sorted({one.family for one in SIZES})
    value = [
        {
            "id": f"/subscriptions/{sub}/providers/{PROVIDER}/locations/{location}/usages/{family}",
            "type": f"{PROVIDER}/usages", "unit": "Count", "currentValue": have.get(family, 0),
            "limit": state.switches.vcpu_quota.get(family, _PLENTY),
            "name": {"value": family, "localizedValue": family},
        }
        for family in families
    ]  # fmt: skip
    return JSONResponse({"value": value})


_LOCATION = f"/subscriptions/{{sub}}/providers/{PROVIDER}/locations/{{location}}"
ROUTES = [
    Route("GET", f"{_LOCATION}/vmSizes", sizes),
    Route("GET", f"{_LOCATION}/usages", usages),
]
