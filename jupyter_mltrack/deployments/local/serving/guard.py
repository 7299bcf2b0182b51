"""Who may ask a replica: the right token, a loopback Host with the right port, no foreign Origin.

A page of another site, a name that was rebound to this machine and another user of this host all
fail here, before a byte of the body is read.
"""

from __future__ import annotations

import hmac
import re
from ipaddress import ip_address
from urllib.parse import urlsplit

Headers = list[tuple[bytes, bytes]]

SAFE_HEADERS: Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]+)(?::(?P<port>[0-9]{1,5}))?\Z")


def header(headers: Headers, name: bytes) -> bytes | None:
    """Return the first header of that lower-case name."""
    for key, value in headers:
        if key == name:
            return value
    return None


def host_is_right(headers: Headers, port: int) -> bool:
    """Whether there is exactly one Host, it is loopback, and its port is ours."""
    hosts = [value for key, value in headers if key == b"host"]
    return len(hosts) == 1 and _is_ours(hosts[0].decode("latin-1"), port)


def origin_is_right(headers: Headers, port: int) -> bool:
    """Whether no page asks, or only one that this very address gave."""
    for key, value in headers:
        if key == b"origin":
            origin = value.decode("latin-1")
            parts = urlsplit(origin) if "://" in origin else None
            if parts is None or parts.scheme != "http" or not _is_ours(parts.netloc, port):
                return False
    return True


def token_is_right(headers: Headers, token: bytes) -> bool:
    """Whether the request carries the token; takes the same time however wrong it is."""
    scheme, _, given = (header(headers, b"authorization") or b"").partition(b" ")
    right = hmac.compare_digest(given.strip(), token)
    return right and scheme.lower() == b"bearer"


def refusal(headers: Headers, port: int, token: bytes) -> tuple[int, str] | None:
    """Status and words where the request is refused; None where it may go on."""
    if not host_is_right(headers, port):
        return 403, "This address is not the endpoint's own."
    if not origin_is_right(headers, port):
        return 403, "Pages of other sites may not ask this endpoint."
    if not token_is_right(headers, token):
        return 401, "The endpoint's token is missing or wrong."
    return None


def _is_ours(host: str, port: int) -> bool:
    found = _HOST.match(host)
    if not found or int(found["port"] or 80) != port:
        return False
    name = found["name"].strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
