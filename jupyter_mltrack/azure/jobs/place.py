"""A workspace as jobs need it: its resource manager, its own host, and its storage.

Addresses of blobs carry their own signature: they are asked without a token, and only at hosts of
the cloud's storage.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jupyter_mltrack.azure import clouds, known
from jupyter_mltrack.azure.arm import Arm
from jupyter_mltrack.azure.credentials import credential
from jupyter_mltrack.azure.data_plane import DataPlane
from jupyter_mltrack.azure.errors import refused
from jupyter_mltrack.azure.line import Answer, Line
from jupyter_mltrack.azure.scope import Scope

API = "2024-04-01"
BLOCK_BYTES = 8 << 20
ONE_PUT_BYTES = 32 << 20
BLOB_S = 120.0
_TRIES = 5
_AGAIN = (408, 429, 500, 502, 503, 504)
_VERSION = "2021-08-06"


class Place:
    """One workspace, asked by one process. Nothing is asked before it is needed.

    Args:
        scope: which workspace.
    """

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.facts = known.facts_of(scope)
        self._cloud = clouds.by_key(self.facts.cloud)
        signed_in = credential(scope)
        self.arm = Arm(self._cloud, signed_in)
        self.data = DataPlane(self.facts, signed_in)
        self._blobs = Line(self._keeps_blobs)

    def id_of(self, path: str) -> str:
        """The ARM id of something below the workspace, as `jobs/NAME`."""
        return f"{self.scope.arm_id}/{path}"

    def _keeps_blobs(self, url: str) -> bool:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        is_storage = host.endswith(f".blob.{self._cloud.storage_suffix}")
        return self._cloud.trusts(url) or (parts.scheme == "https" and is_storage)

    # -------------------------------------------------------------------------- blobs

    def put_file(self, url: str, path: Path) -> None:
        """Write a file to a signed address; what lies there is replaced.

        Raises:
            AzureError: it was refused.
            OSError: the file cannot be read.
        """
        if path.stat().st_size <= ONE_PUT_BYTES:
            self._ask("PUT", url, path.read_bytes(), {"x-ms-blob-type": "BlockBlob"})
            return
        ids: list[str] = []
        with open(path, "rb") as file:
            while content := file.read(BLOCK_BYTES):
                ids.append(f"{len(ids):032d}")
                self._ask("PUT", f"{url}&comp=block&blockid={_encoded(ids[-1])}", content)
        listed = "".join(f"<Latest>{_base64(one)}</Latest>" for one in ids)
        body = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'
        self._ask("PUT", f"{url}&comp=blocklist", body.encode())

    def get_part(self, url: str, position: int, size: int = BLOCK_BYTES) -> bytes:
        """Bytes of a blob from a position on; none when there are no more yet.

        Raises:
            AzureError: it was refused.
        """
        headers = {"x-ms-range": f"bytes={position}-{position + size - 1}"}
        answer = self._ask("GET", url, None, headers, fine=(416,))
        return b"" if answer.status == 416 else answer.body

    def get_file(self, url: str, path: Path) -> None:
        """Write a blob to a file; whoever reads it sees all of it or nothing.

        Raises:
            AzureError: it was refused.
        """
        draft = path.with_name(f".{path.name}.part")
        with open(draft, "wb") as file:
            while content := self.get_part(url, file.tell()):
                file.write(content)
                if len(content) < BLOCK_BYTES:
                    break
        draft.replace(path)

    def _ask(
        self,
        method: str,
        url: str,
        content: bytes | None,
        headers: dict[str, str] | None = None,
        *,
        fine: tuple[int, ...] = (),
    ) -> Answer:
        said = {"x-ms-version": _VERSION, **(headers or {})}
        for count in range(_TRIES):
            answer = self._blobs.send(
                method, url, content=content or b"", headers=said, timeout_s=BLOB_S
            )
            if answer.status < 400 or answer.status in fine:
                return answer
            if answer.status not in _AGAIN or count == _TRIES - 1:
                break
            time.sleep(0.5 * 2**count)
        raise refused(
            answer.status,
            answer.headers,
            answer.body,
            operation="write to the workspace's storage"
            if method == "PUT"
            else "read from the workspace's storage",
            scope=f"workspace {self.scope.workspace_name}",
        )

    def default_store(self) -> tuple[str, str, str]:
        """Name, address and signature of the datastore that uploads go to.

        Raises:
            AzureError: it may not be read.
        """
        found = self.arm.list(self.id_of("datastores"), API, params={"isDefault": "true"})
        store = next((one for one in found if (one.get("properties") or {}).get("isDefault")), None)
        if store is None:
            store = self.arm.get(self.id_of("datastores/workspaceblobstore"), API)
        at: dict[str, Any] = store["properties"]
        name = str(store["name"])
        secrets = self.arm.post(
            self.id_of(f"datastores/{name}/listSecrets"), API, operation="use the datastore"
        )
        host = f"{at['accountName']}.blob.{at.get('endpoint') or self._cloud.storage_suffix}"
        base = f"{at.get('protocol') or 'https'}://{host}/{at['containerName']}"
        signature = str(secrets.get("sasToken") or "").removeprefix("?")
        if not signature:
            signature = _signed_by_key(str(secrets.get("key") or ""), at)
        return name, base, signature


def below(url: str, path: str) -> str:
    """The address of a blob below a signed address."""
    base, mark, signature = url.partition("?")
    return f"{base.rstrip('/')}/{quote(path)}{mark}{signature}"


def _base64(text: str) -> str:
    import base64

    return base64.b64encode(text.encode()).decode()


def _encoded(text: str) -> str:
    return quote(_base64(text), safe="")


def _signed_by_key(key: str, at: dict[str, Any]) -> str:
    """A signature for an hour, made with the account's key where the service gives only that."""
    import base64
    import hashlib
    import hmac
    from urllib.parse import urlencode

    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    account, container = str(at["accountName"]), str(at["containerName"])
    text = "\n".join([
        "rcwl", "", expires, f"/blob/{account}/{container}", "", "", "https", _VERSION,
        "c", "", "", "", "", "", "", "",
    ])  # fmt: skip
    signature = hmac.digest(base64.b64decode(key), text.encode(), hashlib.sha256)
    return urlencode({
        "sp": "rcwl", "se": expires, "spr": "https", "sv": _VERSION, "sr": "c",
        "sig": base64.b64encode(signature).decode(),
    })  # fmt: skip
