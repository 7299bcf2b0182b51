"""What an Azure Machine Learning workspace holds."""

from __future__ import annotations

from jupyter_mltrack.wire.base import Pair, Problem, Struct


class AzureWorkspaceInfo(Struct, frozen=True):
    """An Azure Machine Learning workspace as the resource manager describes it."""

    name: str
    subscription_id: str
    resource_group: str
    arm_id: str
    location: str = ""
    state: str = ""
    """The service's own word: Succeeded, Creating, Deleting, Failed."""
    kind: str = ""
    public: bool | None = None
    """Whether it answers on the open internet; None where the service does not say."""
    storage: str = ""
    link: str = ""
    """Its page in Azure ML studio."""
    description: str = ""
    tags: list[Pair] = []


class AzureWorkspaceList(Struct, frozen=True):
    """Workspaces that the account sees."""

    workspaces: list[AzureWorkspaceInfo]
    problems: list[Problem] = []
    """Subscriptions or groups that gave no answer."""


class ComputeInfo(Struct, frozen=True):
    """A machine or cluster of an Azure ML workspace."""

    name: str
    kind: str
    """AmlCompute, ComputeInstance, Kubernetes or another word of the service."""
    state: str
    """Running, Stopped, Starting ...; for a cluster Idle, Busy, Resizing or Empty."""
    size: str = ""
    priority: str = ""
    nodes: int | None = None
    nodes_min: int | None = None
    nodes_max: int | None = None
    idle_nodes: int = 0
    idle_stop_s: int | None = None
    """After so long without work it shrinks or stops; None where it never does."""
    costs: str = ""
    """Why it costs money now; empty where it does not."""
    acts: list[str] = []
    """What can be done to it now: start, stop, restart, delete."""
    created_ms: int | None = None
    resource: str = ""
    """The resource behind an attached one."""
    problem: Problem | None = None


class ComputeList(Struct, frozen=True):
    """Machines and clusters of a workspace."""

    workspace: str
    computes: list[ComputeInfo]


class DatastoreInfo(Struct, frozen=True):
    """A storage place that a workspace knows."""

    name: str
    kind: str
    account: str = ""
    container: str = ""
    is_default: bool = False


class DatastoreList(Struct, frozen=True):
    """Storage places of a workspace."""

    workspace: str
    datastores: list[DatastoreInfo]


class DataEntry(Struct, frozen=True):
    """A file or folder in a datastore."""

    path: str
    is_dir: bool = False
    size_bytes: int | None = None
    modified_ms: int | None = None


class DataListing(Struct, frozen=True):
    """What lies in one folder of a datastore."""

    datastore: str
    path: str
    entries: list[DataEntry]
    truncated: bool = False


class DataMoved(Struct, frozen=True):
    """Files that were taken out of, or put into, a datastore."""

    what: str
    to: str
    files: int
    size_bytes: int
    done: bool = True


class EnvironmentInfo(Struct, frozen=True):
    """A software environment that a workspace knows."""

    name: str
    version: str
    image: str = ""
    conda: str = ""
    """Its conda file, where one version was asked for."""
    description: str = ""


class EnvironmentList(Struct, frozen=True):
    """Environments of a workspace, with their newest versions."""

    workspace: str
    environments: list[EnvironmentInfo]


class AzureResource(Struct, frozen=True):
    """Something in a resource group."""

    name: str
    kind: str
    arm_id: str = ""


class GroupInfo(Struct, frozen=True):
    """A resource group with all that is in it."""

    name: str
    subscription_id: str
    location: str
    resources: list[AzureResource]


class AzureEndpointInfo(Struct, frozen=True):
    """An online endpoint of a workspace, whoever made it."""

    name: str
    kind: str
    state: str
    auth: str = ""
    address: str = ""
    public: bool | None = None
    traffic: list[Pair] = []
    costs: str = ""
    link: str = ""


class AzureOverview(Struct, frozen=True):
    """All of an Azure ML workspace that one looks after. What failed is among the problems."""

    workspace: AzureWorkspaceInfo
    computes: list[ComputeInfo]
    endpoints: list[AzureEndpointInfo]
    datastores: list[DatastoreInfo] = []
    """The default one first."""
    models: int | None = None
    """Registered models; None where they could not be counted."""
    problems: list[Problem] = []
    asked_ms: int = 0
    took_ms: int = 0


class MonitorSchedule(Struct, frozen=True):
    """A schedule in the cloud that watches an endpoint's data."""

    name: str
    endpoint: str
    enabled: bool
    cron: str = ""
    signals: list[str] = []
    last_run: str = ""
    last_state: str = ""
    """The service's word for how the newest run went; empty where there was none."""
    link: str = ""


class AzureChange(Struct, frozen=True):
    """A change of a compute that the service took on; `state` is its word for it now."""

    what: str
    act: str
    state: str
    done: bool = True
    compute: ComputeInfo | None = None
