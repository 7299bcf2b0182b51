"""What the routes about sign-ins do: who is signed in, sign in by hand, sign out.

Nothing here takes or gives a token. A sign-in belongs to the token keeper of this user; the page
shows its code and asks how it stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from jupyter_mltrack import wire
from jupyter_mltrack.server.requests import NoFields, WorkspaceField
from jupyter_mltrack.wire import Request

if TYPE_CHECKING:
    from jupyter_mltrack.server.service import Service

LIMIT_S = 45.0
BEGIN_LIMIT_S = 100.0
"""The process that holds sign-ins is started, and asks for a code."""
PROCESS = "azure"

SignInField = Annotated[str, Meta(pattern=r"\A[0-9a-f]{16}\Z")]


class AccountRequest(Request, frozen=True):
    """For which workspace; none asks for the cloud that the environment names."""

    workspace: WorkspaceField | None = None


class BeginSignInRequest(Request, frozen=True):
    """How to sign in, and to the organisation of which workspace."""

    how: wire.SignInHow = "device_code"
    workspace_id: WorkspaceField | None = None


class SignInRequest(Request, frozen=True):
    """Which sign-in."""

    sign_in_id: SignInField


async def account(service: Service, request: AccountRequest) -> wire.AccountReport:
    """Who is signed in, and what was tried to find out."""
    args = {"scope": await _scope(service, request.workspace)}
    raw = await service.local("account", args, LIMIT_S, PROCESS)
    return msgspec.json.decode(raw, type=wire.AccountReport)


async def begin(service: Service, request: BeginSignInRequest) -> wire.SignIn:
    """Begin a sign-in by hand; one that waits already is cancelled."""
    args = {"scope": await _scope(service, request.workspace_id), "how": request.how}
    return _sign_in(await service.local("sign_in_begin", args, BEGIN_LIMIT_S, PROCESS))


async def look(service: Service, request: SignInRequest) -> wire.SignIn:
    """How a sign-in stands."""
    args = {"id": request.sign_in_id}
    found = _sign_in(await service.local("sign_in_look", args, LIMIT_S, PROCESS))
    if found.state == "done":
        service.signed_in_or_out()
    return found


async def cancel(service: Service, request: SignInRequest) -> wire.SignIn:
    """End a sign-in that waits."""
    args = {"id": request.sign_in_id}
    return _sign_in(await service.local("sign_in_cancel", args, LIMIT_S, PROCESS))


async def out(service: Service, _: NoFields) -> wire.AccountReport:
    """Forget the sign-ins that were made by hand."""
    raw = await service.local("sign_out", {}, LIMIT_S, PROCESS)
    service.signed_in_or_out()
    return msgspec.json.decode(raw, type=wire.AccountReport)


async def workspaces(service: Service, _: NoFields) -> wire.WorkspacesSeen:
    """The Azure ML workspaces that the account sees."""
    raw = await service.local("workspaces_seen", {}, LIMIT_S, PROCESS)
    return msgspec.json.decode(raw, type=wire.WorkspacesSeen)


def _sign_in(raw: bytes) -> wire.SignIn:
    return msgspec.json.decode(raw, type=wire.SignIn)


async def _scope(service: Service, workspace_id: str | None) -> str | None:
    """The ARM id of a workspace of the list; None where none is named, or it is not Azure's."""
    if workspace_id is None:
        return None
    scope = (await service.asked(workspace_id)).scope
    return scope.arm_id if scope is not None else None
