"""What a reader process does for the routes about sign-ins: the server itself imports no SDK."""

from __future__ import annotations

from typing import Any

from jupyter_mltrack import wire
from jupyter_mltrack.azure.scope import Scope


def _scope(args: dict[str, Any]) -> Scope | None:
    return Scope.parse(args["scope"]) if args.get("scope") else None


def _account(_: Any, args: dict[str, Any]) -> wire.AccountReport:
    from jupyter_mltrack.azure import signing_in

    return signing_in.who(_scope(args))


def _begin(_: Any, args: dict[str, Any]) -> wire.SignIn:
    from jupyter_mltrack.azure import signing_in

    return signing_in.begin(args["how"], _scope(args))


def _look(_: Any, args: dict[str, Any]) -> wire.SignIn:
    from jupyter_mltrack.azure import signing_in

    return signing_in.look(args["id"])[0]


def _cancel(_: Any, args: dict[str, Any]) -> wire.SignIn:
    from jupyter_mltrack.azure import signing_in

    return signing_in.cancel(args["id"])


def _out(_: Any, _args: dict[str, Any]) -> wire.AccountReport:
    from jupyter_mltrack.azure import signing_in

    signing_in.out()
    return signing_in.who(fresh=True)


def _seen(_: Any, _args: dict[str, Any]) -> wire.WorkspacesSeen:
    from jupyter_mltrack.azure import seeing

    return seeing.workspaces_seen(timeout_s=15.0)


def _learn(_: Any, args: dict[str, Any]) -> dict[str, str]:
    """Learn where a workspace is, so that it can be added to the list."""
    from jupyter_mltrack.azure.known import facts_of

    return {"id": facts_of(Scope.parse(args["scope"]), timeout_s=15.0, again=True).id}


ACCOUNT_CALLS = {
    "account": _account,
    "sign_in_begin": _begin,
    "sign_in_look": _look,
    "sign_in_cancel": _cancel,
    "sign_out": _out,
    "workspaces_seen": _seen,
    "learn_workspace": _learn,
}
