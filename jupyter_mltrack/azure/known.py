"""What was learned of a workspace once: its host, region and id, so that resolving asks nobody.

One private file per workspace. It is learned anew when somebody chooses the workspace, and when
the environment names another cloud than it was learned in. No credential is in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from jupyter_mltrack.azure import clouds
from jupyter_mltrack.azure.errors import AzureError, Missing
from jupyter_mltrack.azure.private import read, write
from jupyter_mltrack.azure.scope import Scope
from jupyter_mltrack.errors import WorkspaceError
from jupyter_mltrack.settings import data_dir

API = "2024-10-01"
LEARN_S = 20.0


class WorkspaceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a workspace."""

    id: str
    """Ours, as everywhere in this package."""
    subscription_id: str
    resource_group: str
    workspace_name: str
    cloud: str
    """Key of the cloud that it was learned in."""
    location: str
    guid: str
    tracking_host: str
    """With its port where it has one."""
    discovery: str = ""
    studio: str = ""
    """Where its web page is; empty where that is not known."""
    tenant: str = ""
    learned_ms: int = 0
    capabilities: dict[str, bool] = {}
    """What its MLflow can do, as probed; a name that is absent was not probed."""

    @property
    def scope(self) -> Scope:
        """Which workspace it is."""
        return Scope(self.subscription_id, self.resource_group, self.workspace_name)

    @property
    def tracking_uri(self) -> str:
        """What MLflow is given."""
        return f"azureml://{self.tracking_host}{self.tracking_path}"

    @property
    def tracking_path(self) -> str:
        """The path of both."""
        return f"/mlflow/v2.0{self.scope.arm_id}"

    def studio_link(self, page: str) -> str | None:
        """The address of a page of its web page, as `runs/ID`; None where that is not known."""
        if not self.studio:
            return None
        tenant = f"&tid={self.tenant}" if self.tenant else ""
        return f"{self.studio}/{page}?wsid={self.scope.arm_id}{tenant}"


def id_of(scope: Scope) -> str:
    """The id of the workspace, the same in every spelling and whatever its host."""
    return hashlib.sha256(f"azureml:{scope.key}".encode()).hexdigest()[:12]


def known(scope: Scope) -> WorkspaceFacts | None:
    """What was learned of a workspace in the current cloud; None where nothing was. Asks nobody."""
    content = read(_path(scope))
    if content is None:
        return None
    return _decoded(content)


def all_known() -> list[WorkspaceFacts]:
    """What was learned of each workspace in the current cloud, the newest first. Asks nobody."""
    found = (_decoded(read(path) or b"") for path in _folder().glob("workspace-*.json"))
    return sorted((one for one in found if one is not None), key=lambda one: -one.learned_ms)


def _decoded(content: bytes) -> WorkspaceFacts | None:
    try:
        facts = msgspec.json.decode(content, type=WorkspaceFacts)
    except msgspec.DecodeError:
        return None
    return facts if facts.cloud == clouds.current_key() else None


def facts_of(scope: Scope, *, timeout_s: float = LEARN_S, again: bool = False) -> WorkspaceFacts:
    """What is known of a workspace; Azure is asked where nothing is.

    Args:
        scope: which workspace.
        timeout_s: for asking.
        again: ask although something is known.

    Raises:
        SignedOut: nobody is signed in.
        Denied: the account may not read the workspace.
        Missing: there is no such workspace.
        Unreachable: Azure gave no answer.
    """
    found = known(scope)
    if found is not None and not again:
        return found
    facts = _learned(scope, found, timeout_s)
    keep(facts)
    return facts


def keep(facts: WorkspaceFacts) -> None:
    """Remember facts; where that cannot be written, they are learned again the next time."""
    with contextlib.suppress(OSError, WorkspaceError):
        write(_path(facts.scope), msgspec.json.encode(facts))


def keep_capabilities(facts: WorkspaceFacts, **capabilities: bool) -> WorkspaceFacts:
    """Remember what a workspace's MLflow can do, beside what is remembered already."""
    newest = known(facts.scope) or facts
    merged = {**newest.capabilities, **capabilities}
    facts = msgspec.structs.replace(newest, capabilities=merged)
    keep(facts)
    return facts


def forget(scope: Scope) -> None:
    """Forget what was learned of a workspace."""
    with contextlib.suppress(OSError):
        _path(scope).unlink(missing_ok=True)


def _folder() -> Path:
    return data_dir() / "azure"


def _path(scope: Scope) -> Path:
    return _folder() / f"workspace-{id_of(scope)}.json"


def _learned(scope: Scope, before: WorkspaceFacts | None, timeout_s: float) -> WorkspaceFacts:
    from jupyter_mltrack.azure.arm import Arm
    from jupyter_mltrack.azure.credentials import credential

    cloud = clouds.current()
    signed_in = credential(scope)
    try:
        content = Arm(cloud, signed_in).get(
            scope.arm_id,
            API,
            operation=f"read workspace {scope.workspace_name}",
            timeout_s=timeout_s,
        )
    except Missing as error:
        raise Missing(
            f"There is no Azure ML workspace {scope.workspace_name} in resource group "
            f"{scope.resource_group} of subscription {scope.subscription_id}.",
            "See those that there are: %mltrack use azureml --list",
            refusal=error.refusal,
        ) from error
    properties = content.get("properties") or {}
    uri = str(properties.get("mlFlowTrackingUri") or "")
    host = urlsplit(uri).netloc
    if not host or not cloud.trusts(f"https://{host}/"):
        raise AzureError(
            f"Workspace {scope.workspace_name} keeps its runs at {host or 'no address'}, "
            f"which is none of {cloud.name}: it gets no token.",
            "Is AZUREML_CURRENT_CLOUD right?",
            code="forbidden",
        )
    return WorkspaceFacts(
        id=id_of(scope),
        subscription_id=scope.subscription_id,
        resource_group=scope.resource_group,
        workspace_name=scope.workspace_name,
        cloud=cloud.key,
        location=str(content.get("location") or ""),
        guid=str(properties.get("workspaceId") or ""),
        tracking_host=host,
        discovery=str(properties.get("discoveryUrl") or ""),
        studio=cloud.studio,
        tenant=str(getattr(signed_in, "tenant", "") or ""),
        learned_ms=int(time.time() * 1000),
        capabilities=before.capabilities if before is not None else {},
    )
