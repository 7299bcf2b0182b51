"""Workspaces, how they are, who is signed in to them, and their experiments."""

from __future__ import annotations

from typing import Literal

from jupyter_mltrack.wire.base import (
    ExperimentId,
    HealthState,
    Pair,
    Problem,
    Struct,
    WorkspaceId,
    WorkspaceKind,
)


class Health(Struct, frozen=True):
    """How a workspace is, in words a person can act on."""

    state: HealthState
    since_ms: int
    message: str = ""
    hint: str = ""
    waiting_points: int = 0
    """Points and events in journals of this user that the store has not got yet."""
    waiting_since_ms: int | None = None
    """When the oldest of them was written; None when nothing waits."""
    waiting_files: int = 0
    """Artifacts that are still on their way from this machine."""
    waiting_bytes: int = 0
    """Their size."""
    sent_files: int = 0
    """Artifacts that have arrived since the last time when none waited."""


class WorkspaceInfo(Struct, frozen=True):
    """A place where runs are kept. `uri` is for display: user names and passwords are cut out."""

    id: WorkspaceId
    kind: WorkspaceKind
    name: str
    uri: str
    health: Health
    experiment: str | None = None
    """Name of the experiment that new runs go to; None when MLflow's default is used."""
    current: bool = False
    account: str | None = None
    """Who asks the store, for display; None where it asks nobody or that is not known."""


class WorkspaceList(Struct, frozen=True):
    """The workspaces that this server knows."""

    workspaces: list[WorkspaceInfo]


SignInState = Literal["starting", "waiting", "done", "failed", "cancelled", "expired"]
SignInHow = Literal["device_code", "browser"]


class AccountInfo(Struct, frozen=True):
    """Who is signed in to a cloud."""

    name: str
    """User name, or the id of a service principal."""
    cloud: str
    way: str
    """How, in words: `Azure CLI`, `sign-in by hand` ..."""
    tenant: str = ""
    by_hand: bool = False
    """True when somebody signed in here: a sign-out ends it."""
    kept: Literal["", "memory", "encrypted"] = ""
    """Where a sign-in by hand is kept: `memory` is gone when the machine starts anew."""


class SignIn(Struct, frozen=True):
    """A sign-in that a person does in a browser; whoever asks again sees how it stands."""

    id: str
    how: SignInHow
    state: SignInState
    code: str = ""
    """What to enter on the page `link`."""
    link: str = ""
    expires_ms: int | None = None
    message: str = ""
    hint: str = ""
    account: AccountInfo | None = None


class AccountReport(Struct, frozen=True):
    """Who is signed in, and what was tried to find out."""

    account: AccountInfo | None = None
    tried: list[Pair] = []
    """Each way that was tried, with its result."""
    signing_in: SignIn | None = None
    problem: Problem | None = None
    """Why nobody is signed in, or why that cannot be known."""


class WorkspaceSeen(Struct, frozen=True):
    """An Azure ML workspace that the account sees."""

    name: str
    resource_group: str
    subscription: str
    """Its name, where that is known."""
    location: str
    spec: str
    """How it is chosen: `azureml:/subscriptions/...`."""


class WorkspacesSeen(Struct, frozen=True):
    """The Azure ML workspaces that the account sees, by name."""

    workspaces: list[WorkspaceSeen]
    account: AccountInfo | None = None
    problems: list[Problem] = []
    """Subscriptions that could not be asked; the others are listed all the same."""


class ExperimentInfo(Struct, frozen=True):
    """One experiment of a workspace."""

    id: ExperimentId
    name: str
    run_count: int | None = None


class ExperimentList(Struct, frozen=True):
    """The experiments of a workspace."""

    experiments: list[ExperimentInfo]
