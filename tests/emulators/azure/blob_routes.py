"""The requests of Azure Blob Storage that the clients make, over `blobs.BlobStore`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response

from tests.emulators.azure.blobs import Blob, BlobError, BlobStore, allow, blobs_of, key_of, stamped
from tests.emulators.azure.core import Route, State
from tests.emulators.azure.sas import SUFFIX

_Answer = Callable[[State, Request], Awaitable[Response]]


def _guarded(function: _Answer) -> _Answer:
    async def answer(state: State, request: Request) -> Response:
        try:
            return await function(state, request)
        except BlobError as error:
            found = error.response()
            if request.method == "HEAD":
                found = Response(None, error.status, {"x-ms-error-code": error.code})
            return found

    answer.__name__ = function.__name__
    return answer


def _allowed(state: State, request: Request, act: str) -> BlobStore:
    """The store, if a signature or a bearer token lets the request in."""
    store = blobs_of(state)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        state.login.check(token)
    else:
        allow(key_of(request), dict(request.query_params), act)
    return store


def _metadata(request: Request) -> dict[str, str]:
    mark = "x-ms-meta-"
    return {
        name[len(mark) :]: value for name, value in request.headers.items() if name.startswith(mark)
    }


def _conditions(request: Request, blob: Blob | None) -> None:
    wanted = request.headers.get("if-match")
    if wanted and wanted != "*" and blob is not None and not blob.growing and wanted != blob.etag:
        raise BlobError(
            412,
            "ConditionNotMet",
            "The condition specified using HTTP conditional header(s) is not met.",
        )


@_guarded
async def put_blob(state: State, request: Request) -> Response:
    """Put Blob, Put Block, Put Block List and Set Blob Metadata."""
    store, key = _allowed(state, request, "wca"), key_of(request)
    part, body = request.query_params.get("comp"), await request.body()
    if part == "metadata":
        blob = store.get(key)
        blob.metadata = _metadata(request)
        blob.touch()
        return Response(None, 200, stamped(blob.headers()))
    if part == "block":
        store.stage(key, request.query_params["blockid"], body)
        return Response(None, 201, stamped())
    how = {
        "content_type": request.headers.get("x-ms-blob-content-type", ""),
        "once": request.headers.get("if-none-match") == "*",
        "metadata": _metadata(request),
    }
    if part == "blocklist":
        ids = [item.text or "" for item in ET.fromstring(body)]
        blob = await asyncio.to_thread(store.commit, key, ids, **how)
    elif part is None and request.headers.get("x-ms-blob-type") == "BlockBlob":
        blob = await asyncio.to_thread(store.put, key, body, **how)
    else:
        raise BlobError(400, "UnsupportedHeader", "This emulator knows block blobs only.")
    return Response(None, 201, stamped(blob.headers()))


@_guarded
async def get_blob(state: State, request: Request) -> Response:
    """Get Blob, whole or a range; HEAD for its properties."""
    store, key = _allowed(state, request, "r"), key_of(request)
    blob = store.get(key)
    _conditions(request, blob)
    size, headers = blob.size, blob.headers()
    headers["Content-Type"] = blob.content_type
    if request.method == "HEAD":
        return Response(None, 200, stamped(headers | {"Content-Length": str(size)}))
    asked = request.headers.get("x-ms-range") or request.headers.get("range")
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
    if not found:
        return Response(await asyncio.to_thread(_read, blob, 0, size), 200, stamped(headers))
    start = int(found[1])
    end = min(int(found[2]) if found[2] else size - 1, size - 1)
    if start >= size:
        raise BlobError(
            416,
            "InvalidRange",
            "The range specified is invalid for the current size of the resource.",
        )
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    content = await asyncio.to_thread(_read, blob, start, end - start + 1)
    return Response(content, 206, stamped(headers))


def _read(blob: Blob, start: int, count: int) -> bytes:
    with blob.file.open("rb") as file:
        file.seek(start)
        return file.read(count)


@_guarded
async def delete_blob(state: State, request: Request) -> Response:
    _allowed(state, request, "d").delete(key_of(request))
    return Response(None, 202, stamped())


@_guarded
async def list_blobs(state: State, request: Request) -> Response:
    """List Blobs, flat or by folders (`delimiter`), in pages."""
    store = _allowed(state, request, "lr")
    query = request.query_params
    if query.get("comp") != "list":
        return Response(None, 200, stamped())  # Get Container Properties
    account, container, _ = key_of(request)
    prefix, cut = query.get("prefix", ""), query.get("delimiter", "")
    size = int(query.get("maxresults") or 5000)
    items: dict[str, bool] = {}  # name -> is a folder
    for name in store.names(account, container, prefix):
        rest = name[len(prefix) :]
        folder = bool(cut) and cut in rest
        items[prefix + rest.split(cut, 1)[0] + cut if folder else name] = folder
    after = query.get("marker", "")
    left = [(name, folder) for name, folder in items.items() if name > after]
    page, more = left[:size], left[size:]
    rows = "".join(
        f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>" if folder
        else _row(name, store.get((account, container, name)))
        for name, folder in page
    )  # fmt: skip
    body = (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<EnumerationResults ServiceEndpoint="{state.origin}/{account}.{SUFFIX}/" ContainerName="{container}">'
        f"<Prefix>{escape(prefix)}</Prefix><Blobs>{rows}</Blobs>"
        f"<NextMarker>{escape(page[-1][0]) if more else ''}</NextMarker></EnumerationResults>"
    )
    return Response(body, 200, stamped(), media_type="application/xml")


def _row(name: str, blob: Blob) -> str:
    modified = formatdate(blob.modified_s, usegmt=True)
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties><Creation-Time>{modified}</Creation-Time>"
        f"<Last-Modified>{modified}</Last-Modified><Etag>{escape(blob.etag)}</Etag>"
        f"<Content-Length>{blob.size}</Content-Length><Content-Type>{escape(blob.content_type)}</Content-Type>"
        "<BlobType>BlockBlob</BlobType></Properties></Blob>"
    )


@_guarded
async def put_container(state: State, request: Request) -> Response:
    """Create Container: all of them are there already."""
    _allowed(state, request, "wca")
    raise BlobError(409, "ContainerAlreadyExists", "The specified container already exists.")


_CONTAINER = f"/{{account}}.{SUFFIX}/{{container}}"
_BLOB = f"{_CONTAINER}/{{blob:path}}"
ROUTES = [
    Route("PUT", _BLOB, put_blob, auth=False),
    Route("GET", _BLOB, get_blob, auth=False),
    Route("HEAD", _BLOB, get_blob, auth=False),
    Route("DELETE", _BLOB, delete_blob, auth=False),
    Route("GET", _CONTAINER, list_blobs, auth=False),
    Route("HEAD", _CONTAINER, list_blobs, auth=False),
    Route("PUT", _CONTAINER, put_container, auth=False),
]
