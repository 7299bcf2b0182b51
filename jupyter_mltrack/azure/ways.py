"""The ways to get a token without asking anybody, in the order in which they are tried.

Each is one of azure-identity's credentials, made only where the machine offers it: no way is
tried that could wait for a network which is not there, and none that could prompt.
`AZURE_TOKEN_CREDENTIALS` narrows them as it does for azure-identity itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mltrack.azure import on_behalf
from jupyter_mltrack.azure.clouds import BUILT_IN, Cloud

_ASSET_TAG = Path("/sys/class/dmi/id/chassis_asset_tag")
_ON_AZURE = "7783-7084-3265-9085-8269-3286-77"
_CLI_S = 15


@dataclass(frozen=True)
class Way:
    """One way to a token.

    `offered` says in words why it cannot be tried here; empty when it can. `make` makes the
    credential, with the tenant that is wanted where one is known.
    """

    name: str
    title: str
    group: str
    """`prod` or `dev`, as azure-identity sorts them."""
    offered: Callable[[], str]
    make: Callable[[Cloud, str], Any]


def authority_options(cloud: Cloud) -> dict[str, Any]:
    """What azure-identity must know of a cloud."""
    return {"authority": cloud.login, "disable_instance_discovery": cloud.name not in BUILT_IN}


def ways() -> list[Way]:
    """Those that may be tried here; see `AZURE_TOKEN_CREDENTIALS`."""
    wanted = os.environ.get("AZURE_TOKEN_CREDENTIALS", "").strip().lower()
    if not wanted:
        return list(_WAYS)
    return [one for one in _WAYS if wanted in (one.group, one.name)]


def way(name: str) -> Way:
    """The way of this name."""
    return next(one for one in _WAYS if one.name == name)


def _missing(*names: str) -> str:
    absent = [name for name in names if not os.environ.get(name)]
    return f"{' and '.join(absent)} not set" if absent else ""


# --------------------------------------------------------------------- service principal


def _environment_offered() -> str:
    lacking = _missing("AZURE_TENANT_ID", "AZURE_CLIENT_ID")
    if lacking:
        return lacking
    if os.environ.get("AZURE_CLIENT_SECRET") or os.environ.get("AZURE_CLIENT_CERTIFICATE_PATH"):
        return ""
    return "neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH set"


def _environment(cloud: Cloud, tenant: str) -> Any:
    del tenant  # a service principal lives in the tenant that the environment names
    from azure.identity import EnvironmentCredential

    return EnvironmentCredential(**authority_options(cloud))


def _workload_offered() -> str:
    return _missing("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")


def _workload(cloud: Cloud, tenant: str) -> Any:
    del tenant
    from azure.identity import WorkloadIdentityCredential

    return WorkloadIdentityCredential(**authority_options(cloud))


# ------------------------------------------------------------------------- user of a job


def _on_behalf_offered() -> str:
    return _missing(on_behalf.ENDPOINT)


def _on_behalf(cloud: Cloud, tenant: str) -> Any:
    del cloud, tenant  # the machine's own service knows both
    return on_behalf.OnBehalf()


# ---------------------------------------------------------------------- managed identity


def _managed_offered() -> str:
    if any(os.environ.get(name) for name in ("IDENTITY_ENDPOINT", "MSI_ENDPOINT")):
        return ""
    if os.environ.get("AZURE_TOKEN_CREDENTIALS", "").lower() == "managedidentitycredential":
        return ""
    try:
        tag = _ASSET_TAG.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        tag = ""
    return "" if tag == _ON_AZURE else "not a machine of Azure"


def _managed(cloud: Cloud, tenant: str) -> Any:
    del cloud, tenant  # the machine's own service knows both
    from azure.identity import ManagedIdentityCredential

    client_id = os.environ.get("DEFAULT_IDENTITY_CLIENT_ID") or os.environ.get("AZURE_CLIENT_ID")
    return ManagedIdentityCredential(client_id=client_id or None)


# ----------------------------------------------------------------------- command lines


def _program_offered(program: str) -> Callable[[], str]:
    return lambda: "" if shutil.which(program) else f"no program {program}"


def _cli(cloud: Cloud, tenant: str) -> Any:
    del cloud  # az has a cloud of its own
    from azure.identity import AzureCliCredential

    return AzureCliCredential(tenant_id=tenant, process_timeout=_CLI_S)


def _developer_cli(cloud: Cloud, tenant: str) -> Any:
    del cloud
    from azure.identity import AzureDeveloperCliCredential

    return AzureDeveloperCliCredential(tenant_id=tenant, process_timeout=_CLI_S)


_WAYS = (
    Way(
        "environmentcredential",
        "service principal of the environment",
        "prod",
        _environment_offered,
        _environment,
    ),
    Way(
        "workloadidentitycredential",
        "workload identity",
        "prod",
        _workload_offered,
        _workload,
    ),
    Way(
        "azuremlonbehalfofcredential",
        "user of the Azure ML job",
        "prod",
        _on_behalf_offered,
        _on_behalf,
    ),
    Way("managedidentitycredential", "managed identity", "prod", _managed_offered, _managed),
    Way("azureclicredential", "Azure CLI", "dev", _program_offered("az"), _cli),
    Way(
        "azuredeveloperclicredential",
        "Azure Developer CLI",
        "dev",
        _program_offered("azd"),
        _developer_cli,
    ),
)
