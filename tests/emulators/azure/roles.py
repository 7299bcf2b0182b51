"""Which action of Azure's role-based access a request is, and whether somebody may do it."""

from __future__ import annotations

import fnmatch

from tests.emulators.azure.core import PROVIDER, ApiError, State
from tests.emulators.azure.tokens import Principal

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


def action_of(method: str, path: str) -> tuple[str, str]:
    """The action and the scope it is done over ("", "") where no role is asked for)."""
    low = path.lower()
    for prefix in ("/mlflow/", "/history/", "/artifact/", "/modelmanagement/"):
        if low.startswith(prefix) and "/subscriptions/" in low:
            start = low.index("/subscriptions/")
            scope = "/".join(path[start:].split("/")[:9])
            return _data_action(method, low), scope
    if not low.startswith("/subscriptions/"):
        return "", ""
    parts = path.strip("/").split("/")
    verb = _VERBS.get(method, "action")
    if "providers" not in low.split("/"):
        kind = "Microsoft.Resources/subscriptions" + ("/resourceGroups" if len(parts) > 2 else "")
        return f"{kind}/{verb}", path
    at = [part.lower() for part in parts].index("providers")
    types = parts[at + 2 :: 2]
    if method == "POST":
        types[-1:] = [types[-1], "action"] if len(parts[at + 2 :]) % 2 else ["action"]
        return f"{parts[at + 1]}/{'/'.join(types)}", path
    return f"{parts[at + 1]}/{'/'.join(types)}/{verb}", path


def _data_action(method: str, low: str) -> str:
    reads = method in {"GET", "HEAD"} or low.endswith(("/search", "/get-latest-versions"))
    of = "workspaces/experiments/runs"
    if "/registered-models/" in low or "/model-versions/" in low:
        of = "workspaces/models"
    elif low.startswith("/modelmanagement/"):
        of = "workspaces/services"
    return f"{PROVIDER}/{of}/{'read' if reads else 'write'}"


def check(state: State, principal: Principal, method: str, path: str) -> None:
    """Raise Azure's 403 where `State.denied` says so; the reader may only read."""
    action, scope = action_of(method, path)
    if not action:
        return
    denied = [pattern for who, pattern in state.denied if who in {"*", principal.name}]
    if principal is state.login.reader:
        denied += ["*/write", "*/delete", "*/action"]
    if not any(fnmatch.fnmatchcase(action.lower(), pattern.lower()) for pattern in denied):
        return
    raise ApiError(
        403, "AuthorizationFailed",
        f"The client '{principal.name}' with object id '{principal.oid}' does not have authorization "
        f"to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was "
        "recently granted, please refresh your credentials.",
    )  # fmt: skip
