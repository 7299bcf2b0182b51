"""What a person does to sign in, for tests that need somebody signed in."""

from __future__ import annotations

from jupyter_mltrack.azure import signing_in
from jupyter_mltrack.azure.scope import Scope
from tests.emulators.azure.handle import Azure

WAIT_S = 15


def sign_in(azure: Azure, scope: Scope | None = None) -> None:
    """Enter a code, as Ada."""
    found = signing_in.begin("device_code", scope)
    azure.login.approve(found.code)
    changes = 0
    while found.state == "waiting":
        found, changes = signing_in.look(found.id, wait_s=WAIT_S, seen=changes)
    assert found.state == "done", found
