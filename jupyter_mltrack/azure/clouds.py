"""The clouds: where each has its doors, and which hosts may be handed one of its tokens.

Which one is current is said by the variables that all of Azure ML's clients read:
`AZUREML_CURRENT_CLOUD`, and `ARM_CLOUD_METADATA_URL` for a cloud that is not built in. A built-in
cloud is never asked for: that would be a request to the public internet at every start.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from jupyter_mltrack.azure.private import read, write
from jupyter_mltrack.errors import MltrackError, UsageError, WorkspaceError
from jupyter_mltrack.settings import data_dir

METADATA_S = 10.0
_FRESH_S = 3_600.0
_KEPT_MAX = 20


@dataclass(frozen=True)
class Cloud:
    """One Azure: addresses have no slash at their end."""

    name: str
    resource_manager: str
    login: str
    audience: str
    storage_suffix: str
    studio: str
    suffixes: tuple[str, ...] = ()
    """A token may go to hosts that end so; each begins with a dot."""
    hosts: tuple[str, ...] = ()
    """And to these, with their port where they have one."""
    metadata_url: str = ""
    """Where it was learned from; empty for a built-in one."""

    @property
    def key(self) -> str:
        """What its sign-ins and workspaces are kept under."""
        return self.metadata_url or self.name

    @property
    def token_scope(self) -> str:
        """What a token for its resource manager and for Azure ML is asked with."""
        return f"{self.audience}/.default"

    def trusts(self, url: str) -> bool:
        """Whether a token of this cloud may be sent to `url`: over TLS and to its own hosts."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return False
        if parts.scheme.lower() != "https" or not host or "@" in parts.netloc:
            return False
        place = host if port in (None, 443) else f"{host}:{port}"
        if place in self.hosts:
            return True
        return port in (None, 443) and any(host.endswith(one) for one in self.suffixes)


# Hosts that customers give content to (*.inference.ml.*, *.instances.azureml.ms) are not among the
# suffixes: a token that manages the workspace is none of their business.
BUILT_IN = {
    one.name: one
    for one in (
        Cloud(
            name="AzureCloud",
            resource_manager="https://management.azure.com",
            login="https://login.microsoftonline.com",
            audience="https://management.azure.com",
            storage_suffix="core.windows.net",
            studio="https://ml.azure.com",
            suffixes=(".api.azureml.ms", ".experiments.azureml.net"),
            hosts=("management.azure.com", "ml.azure.com"),
        ),
        Cloud(
            name="AzureChinaCloud",
            resource_manager="https://management.chinacloudapi.cn",
            login="https://login.chinacloudapi.cn",
            audience="https://management.chinacloudapi.cn",
            storage_suffix="core.chinacloudapi.cn",
            studio="https://ml.azure.cn",
            suffixes=(".api.ml.azure.cn", ".experiments.ml.azure.cn"),
            hosts=("management.chinacloudapi.cn",),
        ),
        Cloud(
            name="AzureUSGovernment",
            resource_manager="https://management.usgovcloudapi.net",
            login="https://login.microsoftonline.us",
            audience="https://management.usgovcloudapi.net",
            storage_suffix="core.usgovcloudapi.net",
            studio="https://ml.azure.us",
            suffixes=(".api.ml.azure.us", ".experiments.ml.azure.us"),
            hosts=("management.usgovcloudapi.net",),
        ),
    )
}


def current_name() -> str:
    """The name of the current cloud."""
    return os.environ.get("AZUREML_CURRENT_CLOUD") or "AzureCloud"


def current_key() -> str:
    """What things of the current cloud are kept under; asks nobody."""
    name = current_name()
    return name if name in BUILT_IN else os.environ.get("ARM_CLOUD_METADATA_URL", "") or name


def current() -> Cloud:
    """The cloud that the environment names; the public one when it names none.

    A cloud that is not built in is asked about itself once and then remembered.

    Raises:
        UsageError: the environment names a cloud that nothing describes.
        Unreachable: its description gives no answer.
    """
    name = current_name()
    if name in BUILT_IN:
        return BUILT_IN[name]
    url = os.environ.get("ARM_CLOUD_METADATA_URL", "")
    if not url:
        raise UsageError(
            f'There is no cloud "{name}" (AZUREML_CURRENT_CLOUD).',
            f"Say one of {', '.join(BUILT_IN)}, or set ARM_CLOUD_METADATA_URL too.",
        )
    return _described(name, url)


def by_key(key: str) -> Cloud:
    """The cloud that something was kept under.

    Raises:
        UsageError: the environment does not name it any more.
    """
    if key in BUILT_IN:
        return BUILT_IN[key]
    if key != current_key():
        raise UsageError(
            f"The cloud {key} is not the one that the environment names.",
            "Set AZUREML_CURRENT_CLOUD and ARM_CLOUD_METADATA_URL as they were.",
        )
    return current()


# ----------------------------------------------------------------------- custom clouds


class _Kept(msgspec.Struct):
    """A description that was fetched before."""

    fetched_s: float
    entry: dict[str, Any]


def _described(name: str, url: str) -> Cloud:
    path = data_dir() / "azure" / "clouds.json"
    kept = _load(path)
    known = kept.get(f"{url} {name}")
    if known is not None and 0 <= time.time() - known.fetched_s < _FRESH_S:
        return _made(name, url, known.entry)
    try:
        entry = _fetched(name, url)
    except MltrackError:
        if known is None:
            raise
        return _made(name, url, known.entry)
    cloud = _made(name, url, entry)
    kept[f"{url} {name}"] = _Kept(fetched_s=time.time(), entry=entry)
    _keep(path, kept)
    return cloud


def _fetched(name: str, url: str) -> dict[str, Any]:
    from jupyter_mltrack.azure.line import Line

    if urlsplit(url).scheme.lower() != "https":
        raise WorkspaceError(
            f"The description of the cloud {name} is not asked for without TLS.",
            "ARM_CLOUD_METADATA_URL must begin with https://.",
            code="forbidden",
        )
    answer = Line(lambda one: one.split("?")[0] == url).send("GET", url, timeout_s=METADATA_S)
    entries = answer.json()
    for entry in entries if isinstance(entries, list) else [entries]:
        if isinstance(entry, dict) and entry.get("name") == name:
            return entry
    raise WorkspaceError(
        f"The description at {urlsplit(url).netloc} knows no cloud {name}.",
        "Check AZUREML_CURRENT_CLOUD and ARM_CLOUD_METADATA_URL.",
    )


def _made(name: str, url: str, entry: dict[str, Any]) -> Cloud:
    authentication = entry.get("authentication") or {}
    suffixes = entry.get("suffixes") or {}
    manager = str(entry.get("resourceManager", "")).rstrip("/")
    login = str(authentication.get("loginEndpoint", "")).rstrip("/")
    if not (manager.startswith("https://") and login.startswith("https://")):
        raise WorkspaceError(
            f"The description of the cloud {name} names no resource manager or sign-in over TLS.",
            "Check ARM_CLOUD_METADATA_URL.",
        )
    portal = urlsplit(str(entry.get("portal", ""))).netloc
    studio = f"https://ml.{portal.partition('.')[2]}" if "." in portal else ""
    hosts = {urlsplit(one).netloc.lower() for one in (url, manager)}
    return Cloud(
        name=name,
        resource_manager=manager,
        login=login,
        audience=manager,
        storage_suffix=str(suffixes.get("storage", "core.windows.net")),
        studio=studio,
        hosts=tuple(sorted(one.removesuffix(":443") for one in hosts)),
        metadata_url=url,
    )


def _load(path: Path) -> dict[str, _Kept]:
    try:
        return msgspec.json.decode(read(path) or b"{}", type=dict[str, _Kept])
    except msgspec.DecodeError:
        return {}


def _keep(path: Path, kept: dict[str, _Kept]) -> None:
    while len(kept) > _KEPT_MAX:
        kept.pop(min(kept, key=lambda one: kept[one].fetched_s))
    with contextlib.suppress(OSError, WorkspaceError):  # it is asked again the next time
        write(path, msgspec.json.encode(kept))
