"""What tests hold of the emulator: its environment, its scope, its record, its switches."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from tests.emulators.azure import groups, workspaces
from tests.emulators.azure.core import Switches, Workspace
from tests.emulators.azure.recorder import Recorded
from tests.emulators.azure.server import Server

SUBSCRIPTION = "00000000-0000-4000-8000-0000000005ab"
RESOURCE_GROUP = "lab"


@dataclass(frozen=True)
class Scope:
    """Where a workspace is, by the names the product gives the parts."""

    subscription_id: str
    resource_group: str
    workspace_name: str

    @property
    def arm_id(self) -> str:
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{self.workspace_name}"
        )


class Azure:
    """The emulator with one subscription, one group and one workspace `ws`; `stop` ends it."""

    def __init__(self, place: Path, port: int = 0) -> None:
        self._server = Server(place, port)
        self.state = self._server.state
        self.requests = self.state.recorder
        self.faults = self.state.faults
        self.login = self.state.login
        self.origin, self.host = self.state.origin, self.state.host
        self.tls = self._server.tls
        self._count = itertools.count(1)
        self._older: set[str] = set()
        self._began = 0
        groups.add_group(self.state, SUBSCRIPTION, RESOURCE_GROUP)
        self.scope = self.fresh_workspace("ws")
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    @property
    def switches(self) -> Switches:
        return self.state.switches

    @functools.cached_property
    def tls_context(self) -> ssl.SSLContext:
        """For plain requests: `httpx.get(..., verify=azure.tls_context)`."""
        return ssl.create_default_context(cafile=self.tls.bundle)

    @property
    def signed_out(self) -> dict[str, str]:
        """The environment of somebody who has no credential at hand."""
        return {
            "ARM_CLOUD_METADATA_URL": f"{self.origin}/metadata/endpoints",
            "AZUREML_CURRENT_CLOUD": self.state.cloud,
            "AZURE_AUTHORITY_HOST": self.origin,
            "REQUESTS_CA_BUNDLE": str(self.tls.bundle),
            "SSL_CERT_FILE": str(self.tls.bundle),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    @property
    def environment(self) -> dict[str, str]:
        """What a kernel, server or child needs to use the emulator as a service principal."""
        return self.signed_out | {
            "AZURE_TENANT_ID": self.login.tenant,
            "AZURE_CLIENT_ID": self.login.service.name,
            "AZURE_CLIENT_SECRET": self.login.service.secret,
        }

    @property
    def managed_identity(self) -> dict[str, str]:
        """The environment on Azure ML compute: an identity instead of a secret."""
        return self.signed_out | {
            "MSI_ENDPOINT": f"{self.origin}/identity/msi/token",
            "MSI_SECRET": self.login.identity_secret,
        }

    def fresh_workspace(self, name: str | None = None) -> Scope:
        """A workspace in which nobody has done anything yet."""
        name = name or f"ws-{next(self._count):03d}"
        made = workspaces.add(self.state, SUBSCRIPTION, RESOURCE_GROUP, name)
        return Scope(made.subscription_id, made.resource_group, made.name)

    def workspace(self, scope: Scope | None = None) -> Workspace:
        """The emulator's side of a workspace."""
        return self.state.workspace_at((scope or self.scope).arm_id)

    def tracking_uri(self, scope: Scope | None = None) -> str:
        return f"azureml://{self.host}/mlflow/v2.0{(scope or self.scope).arm_id}"

    def deny(self, action: str, principal: str = "*") -> None:
        """Take a role away: `*/computes/write`, "Microsoft.MachineLearningServices/workspaces/read"."""
        self.state.denied.append((principal, action))

    def token(self, lifetime_s: float | None = None) -> str:
        """An access token of the service principal, for plain requests."""
        return self.login.mint(self.login.service, self.origin, lifetime_s)

    def unknown(self, since: int | None = None) -> list[Recorded]:
        """Requests since `since`, or the last `reset`, for which the service has no route.

        What a process that an earlier test left behind still asks of that test's workspace is
        not among them.
        """
        rows = self.requests.unknown(self._began if since is None else since)
        return [row for row in rows if not self._older.intersection(_named(row.path))]

    def reset(self) -> None:
        """Faults, roles and switches as at the start; workspaces and the record stay."""
        self._began = self.requests.mark()
        self._older = {one.name.lower() for one in self.state.workspaces.values()}
        self.faults.clear()
        self.state.denied.clear()
        self.login.reset()
        fresh = Switches()
        for field in dataclasses.fields(fresh):
            setattr(self.switches, field.name, getattr(fresh, field.name))


def _named(path: str) -> list[str]:
    """The workspaces that a path names."""
    return re.findall(r"/workspaces/([^/]+)", path.lower())
