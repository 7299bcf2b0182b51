"""The part of Azure Blob Storage that the clients use: block blobs, ranges, lists, signed addresses."""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from tests.emulators.azure import sas
from tests.emulators.azure.core import State, Workspace

VERSION = "2024-11-04"


class BlobError(Exception):
    """An answer in the form of the storage service."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    def response(self) -> Response:
        body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>'
        headers = {"x-ms-error-code": self.code, "x-ms-version": VERSION}
        return Response(body, self.status, headers, media_type="application/xml")


@dataclass
class Blob:
    """One blob; its content is a file, which for the log of a job still grows."""

    file: Path
    content_type: str = "application/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)
    growing: bool = False
    etag: str = field(default_factory=lambda: f'"0x{uuid.uuid4().hex[:15].upper()}"')
    modified_s: float = field(default_factory=time.time)

    @property
    def size(self) -> int:
        return self.file.stat().st_size if self.file.exists() else 0

    def touch(self) -> None:
        self.etag, self.modified_s = f'"0x{uuid.uuid4().hex[:15].upper()}"', time.time()

    def headers(self) -> dict[str, str]:
        tag = f'"0x{self.size:X}"' if self.growing else self.etag
        return {
            "ETag": tag,
            "Last-Modified": formatdate(self.modified_s, usegmt=True),
            "x-ms-blob-type": "BlockBlob",
            "Accept-Ranges": "bytes",
        } | {f"x-ms-meta-{name}": value for name, value in self.metadata.items()}


Key = tuple[str, str, str]  # account, container, name


class BlobStore:
    """All blobs of all accounts, and who may see them."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir(parents=True, exist_ok=True)
        self.sas_s = 3600.0  # how long signed addresses hold; tests shorten it
        self.lock = threading.RLock()
        self._blobs: dict[Key, Blob] = {}
        self._blocks: dict[Key, dict[str, bytes]] = {}

    def get(self, key: Key) -> Blob:
        found = self._blobs.get(key)
        if found is None:
            raise BlobError(404, "BlobNotFound", "The specified blob does not exist.")
        return found

    def has(self, key: Key) -> bool:
        return key in self._blobs

    def put(
        self, key: Key, content: bytes, *, content_type: str = "", once: bool = False,
        metadata: dict[str, str] | None = None,
    ) -> Blob:  # fmt: skip
        """Store a blob; `once` refuses when there is one of the name."""
        with self.lock:
            if once and key in self._blobs:
                raise BlobError(409, "BlobAlreadyExists", "The specified blob already exists.")
            blob = Blob(
                self.file_of(key), content_type or "application/octet-stream", metadata or {}
            )
            blob.file.write_bytes(content)
            self._blobs[key] = blob
            return blob

    def file_of(self, key: Key) -> Path:
        """Where the content is kept: names of blobs are no names of files."""
        return self.place / hashlib.sha256("/".join(key).encode()).hexdigest()[:40]

    def grow(self, key: Key) -> Path:
        """A blob whose file the caller goes on writing (a log)."""
        with self.lock:
            blob = Blob(self.file_of(key), "text/plain", growing=True)
            blob.file.touch()
            self._blobs[key] = blob
            return blob.file

    def stage(self, key: Key, block: str, content: bytes) -> None:
        with self.lock:
            self._blocks.setdefault(key, {})[block] = content

    def commit(self, key: Key, blocks: list[str], **how: object) -> Blob:
        with self.lock:
            staged = self._blocks.pop(key, {})
            missing = [block for block in blocks if block not in staged]
            if missing:
                raise BlobError(400, "InvalidBlockList", "The specified block list is invalid.")
            return self.put(key, b"".join(staged[block] for block in blocks), **how)  # type: ignore[arg-type]

    def delete(self, key: Key) -> None:
        with self.lock:
            self.get(key).file.unlink(missing_ok=True)
            del self._blobs[key]

    def names(self, account: str, container: str, prefix: str = "") -> list[str]:
        with self.lock:
            return sorted(
                name for at, within, name in self._blobs
                if (at, within) == (account, container) and name.startswith(prefix)
            )  # fmt: skip


def allow(key: Key, query: dict[str, str], act: str) -> None:
    """Refuse a request whose signature is missing, wrong, too old or for something else."""
    if "sig" not in query:
        raise BlobError(404, "ResourceNotFound", "The specified resource does not exist.")
    code = sas.refusal(key[0], key[1], query)
    if code:
        raise BlobError(
            403,
            code,
            f"Server failed to authenticate the request: signature or expiry [{query.get('se')}] is not valid.",
        )
    if not set(act) & set(query.get("sp", "")):
        raise BlobError(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )


def blobs_of(state: State) -> BlobStore:
    with state.lock:
        if "blobs" not in state.rooms:
            state.rooms["blobs"] = BlobStore(state.place / "blobs")
        return state.rooms["blobs"]


def address(
    state: State, workspace: Workspace, container: str, name: str, *, may: str = "r"
) -> str:
    """A signed address of a blob; how long it holds is `BlobStore.sas_s`."""
    lifetime_s = blobs_of(state).sas_s
    return sas.url(state, workspace, container, name, lifetime_s=lifetime_s, permissions=may)


def stamped(headers: dict[str, str] | None = None) -> dict[str, str]:
    """What each answer of the storage service carries."""
    return {
        "x-ms-request-id": str(uuid.uuid4()), "x-ms-version": VERSION, "Date": formatdate(usegmt=True),
    } | (headers or {})  # fmt: skip


def key_of(request: Request) -> Key:
    at = request.path_params
    return at["account"], at["container"], at.get("blob", "")
