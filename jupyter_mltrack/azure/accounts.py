"""Who was signed in by hand, in which cloud: one private file without any secret.

A sign-in that a person chose counts before whatever environment and machine offer, until a
sign-out. The tokens themselves are with the token keeper; see `token_keeper`.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

import msgspec

from jupyter_mltrack.azure.private import read, write
from jupyter_mltrack.settings import data_dir

AccountKind = Literal[
    "device_code", "browser", "service_principal", "managed_identity", "cli", "environment"
]
KEPT_KINDS = ("device_code", "browser", "service_principal")
"""Those that the token keeper holds; any process makes the others by itself."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in that a person chose."""

    cloud: str
    """Key of the cloud."""
    kind: AccountKind
    name: str
    """User name, or the id of a service principal."""
    tenant: str = ""
    client_id: str = ""
    record: str = ""
    """azure-identity's own record of the account; holds no secret."""
    persisted: bool = False
    """Whether it outlives the token keeper, encrypted by the system's key ring."""
    at_ms: int = 0


class _Kept(msgspec.Struct):
    accounts: list[Account] = []


def path() -> Path:
    """The file."""
    return data_dir() / "azure" / "accounts.json"


def stamp() -> int:
    """Changes whenever somebody signed in or out."""
    try:
        return os.stat(path()).st_mtime_ns
    except OSError:
        return 0


def all_of(cloud: str | None = None) -> list[Account]:
    """The accounts of a cloud (of all, without), the newest first."""
    try:
        kept = msgspec.json.decode(read(path()) or b"{}", type=_Kept)
    except msgspec.DecodeError:
        return []
    found = [one for one in kept.accounts if cloud is None or one.cloud == cloud]
    return sorted(found, key=lambda one: -one.at_ms)


def chosen(cloud: str, tenant: str = "") -> Account | None:
    """The account to use in a cloud: the one of the tenant, else the newest."""
    found = all_of(cloud)
    for one in found:
        if tenant and one.tenant == tenant:
            return one
    return found[0] if found else None


def add(account: Account) -> Account:
    """Keep an account; it takes the place of the one of the same cloud and tenant."""
    account = msgspec.structs.replace(account, at_ms=int(time.time() * 1000))
    others = [one for one in all_of() if (one.cloud, one.tenant) != (account.cloud, account.tenant)]
    write(path(), msgspec.json.encode(_Kept(accounts=[*others, account])))
    return account


def remove(cloud: str) -> list[Account]:
    """Forget the accounts of a cloud and return them."""
    gone = all_of(cloud)
    if gone:
        left = [one for one in all_of() if one.cloud != cloud]
        write(path(), msgspec.json.encode(_Kept(accounts=left)))
    return gone
