"""Addresses of Azure ML in MLflow's world: of a workspace, of a run's files, of other containers.

A tracking address is `azureml://HOST/mlflow/v2.0/subscriptions/...`; the files of a run lie below
`.../experiments/EXPERIMENT/runs/RUN/artifacts`; files that belong to no run are named
`azureml://artifacts/ORIGIN/CONTAINER/PATH`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from jupyter_mltrack.azure.scope import Scope
from jupyter_mltrack.errors import UsageError

_RUN = re.compile(
    r"/experiments/(?P<experiment>[^/]+)/runs/(?P<run>[^/]+)(?:/artifacts(?P<path>/.*)?)?$"
)
_LOCAL = re.compile(
    r"^azureml://artifacts/(?P<origin>[^/]+)/(?P<container>[^/]+)(?:/(?P<path>.*))?$"
)

UNKNOWN_EXPERIMENT = "-"
"""In the address of a run that began on this machine: the service has not given it its own yet."""


@dataclass(frozen=True)
class Place:
    """A workspace as its tracking address names it."""

    host: str
    """With its port where it has one."""
    scope: Scope

    @property
    def url(self) -> str:
        """The host as an address."""
        return f"https://{self.host}"

    @property
    def mlflow_url(self) -> str:
        """What MLflow's REST paths are appended to."""
        return f"{self.url}/mlflow/v2.0{self.scope.arm_id}"

    @property
    def tracking_uri(self) -> str:
        """The tracking address."""
        return f"azureml://{self.host}/mlflow/v2.0{self.scope.arm_id}"

    def artifact_uri(self, experiment: str, run_id: str) -> str:
        """Address of the files of a run; `experiment` as addresses spell it."""
        return f"{self.tracking_uri}/experiments/{experiment}/runs/{run_id}/artifacts"


@dataclass(frozen=True)
class Files:
    """Where files lie: the service's path for them, and the folder in there that is meant."""

    place: Place
    base: str
    """Path on the host that listings and content addresses are asked from."""
    path: str = ""
    run_id: str = ""
    """The run they belong to; empty for files of no run."""
    experiment: str = ""


def is_azure(uri: str | None) -> bool:
    """Whether an address is one of Azure ML's."""
    return (uri or "").lower().startswith("azureml:")


def place_of(uri: str) -> Place:
    """The workspace that a tracking or artifact address names.

    An address without a host (`azureml:/subscriptions/...`) is completed by what is known of the
    workspace; Azure is asked where nothing is.

    Raises:
        UsageError: it names none.
        AzureError: the host is not known, and Azure does not tell it.
    """
    parts = urlsplit(uri)
    scope = Scope.find(uri)
    if scope is not None and parts.scheme.lower() == "azureml" and not parts.netloc:
        from jupyter_mltrack.azure.known import facts_of

        return Place(facts_of(scope).tracking_host.lower(), scope)
    if parts.scheme.lower() != "azureml" or "@" in parts.netloc or scope is None:
        raise UsageError(
            "That is no address of an Azure ML workspace.",
            "Write: %mltrack use azureml, or the workspace's tracking address from its page.",
        )
    return Place(parts.netloc.lower(), scope)


def files_of(uri: str, tracking_uri: str | None) -> Files | None:
    """What an artifact address names; None when only Azure's own plugin knows that kind.

    Args:
        uri: the address.
        tracking_uri: of the workspace, for addresses that do not name one.
    """
    local = _LOCAL.match(uri)
    if local is not None:
        if not is_azure(tracking_uri):
            return None
        place = place_of(tracking_uri or "")
        origin, container = local["origin"], local["container"]
        base = f"/artifact/v2.0{place.scope.arm_id}/artifacts/{origin}/{container}"
        return Files(place, base, unquote(local["path"] or "").strip("/"))
    parts = urlsplit(uri)
    found = _RUN.search(parts.path)
    if found is None or Scope.find(parts.path) is None:
        return None
    place = place_of(uri)
    return of_run(place, found["experiment"], found["run"], unquote(found["path"] or "").strip("/"))


def of_run(place: Place, experiment: str, run_id: str, path: str = "") -> Files:
    """The files of a run; `experiment` as its artifact address spells it."""
    base = f"/history/v1.0{place.scope.arm_id}/experiments/{experiment}/runs/{run_id}/artifacts"
    return Files(place, base, path, run_id, experiment)
