"""Blob storage in memory, behind the same front as Azurite: for tests that need thousands of fresh worlds.

It does what the front and the factory ask of Azurite, in its words; `tests/local/azure/test_blob_services.py` holds both to that.
"""

import base64
import hashlib
import hmac
import itertools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from azure.storage.blob import UserDelegationKey, generate_blob_sas

from local.azure.blob_store import BlobPath, BlobStore, sign
from local.azure.clock import parse_iso
from local.azure.tokens import TENANT
from local.azure.vhd import PAGE

_MOST_LISTED = 5000
_MESSAGES = {
    "AuthenticationFailed": (403, "Server failed to authenticate the request."),
    "BlobAlreadyExists": (409, "The specified blob already exists."),
    "BlobNotFound": (404, "The specified blob does not exist."),
    "CannotVerifyCopySource": (404, "The specified resource does not exist."),
    "ConditionNotMet": (412, "The condition specified using HTTP conditional header(s) is not met."),
    "ContainerAlreadyExists": (409, "The specified container already exists."),
    "ContainerNotFound": (404, "The specified container does not exist."),
    "InvalidRange": (416, "The range specified is invalid for the current size of the resource."),
    "UnsupportedOperation": (501, "The blob service in memory does not do this."),
}


class _Refusal(Exception):  # noqa: N818 - an answer
    def __init__(self, code: str) -> None:
        self.code = code


class Served(NamedTuple):
    """An answer: status, headers, body."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


class Kept(NamedTuple):
    """A blob as it lies there; `data` is empty for a page blob."""

    path: BlobPath
    etag: str
    size_bytes: int
    metadata: dict[str, str]
    data: bytes


@dataclass
class _Blob:
    """`data` is a block blob's content; a page blob has a length and the pages that are not zero, which copies share."""

    etag: str
    created: float
    modified: float
    kind: str = "BlockBlob"
    data: bytes = b""
    length: int = 0
    pages: dict[int, bytes] = field(default_factory=dict[int, bytes])
    content_type: str = "application/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    tags: dict[str, str] = field(default_factory=dict[str, str])
    copy: dict[str, str] = field(default_factory=dict[str, str])

    def read(self, start: int, end: int) -> bytes:
        if self.kind == "BlockBlob":
            return self.data[start : end + 1]
        read = bytearray(end + 1 - start)
        for number in range(start // PAGE, end // PAGE + 1):
            if page := self.pages.get(number):
                at = number * PAGE - start
                first = max(0, -at)
                last = min(PAGE, end + 1 - number * PAGE)
                read[at + first : at + last] = page[first:last]
        return bytes(read)


@dataclass
class _Container:
    etag: str
    modified: float
    blobs: dict[str, _Blob] = field(default_factory=dict[str, _Blob])
    policies: dict[str, float] = field(default_factory=dict[str, float])


class MemoryBlobService:
    """`read_source(url)` says with which status the front lets a copy read its source; `now` is what blobs are dated by."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.accounts: frozenset[str] = frozenset()
        self.read_source: Callable[[str], Awaitable[int]]
        self._now = now
        self._containers: dict[str, dict[str, _Container]] = {}
        self._numbers = itertools.count(1)

    async def clear(self, accounts: frozenset[str]) -> None:
        """Start over, empty, with these accounts."""
        self.accounts = accounts
        self._containers = {account: {} for account in accounts}
        self._numbers = itertools.count(1)

    def everything(self) -> Iterator[Kept]:
        """All that is kept, for whoever judges it."""
        for account, containers in self._containers.items():
            for container, found in containers.items():
                for name, blob in found.blobs.items():
                    size = len(blob.data) if blob.kind == "BlockBlob" else blob.length
                    yield Kept(BlobPath(account, container, name), blob.etag, size, dict(blob.metadata), blob.data)

    def allow_reading(self, container: BlobPath, policy: str, expires: float) -> None:
        """Set the container's only stored access policy."""
        self._container(container).policies = {policy: expires}

    async def answer(self, method: str, raw_path: str, headers: Mapping[str, str], body: bytes) -> Served:
        """Answer as Azurite would; `headers` have lower-case names."""
        target, _, raw_query = raw_path.partition("?")
        account, container, name = [*(unquote(part) for part in target.lstrip("/").split("/", 2)), "", ""][:3]
        query = dict(parse_qsl(raw_query, keep_blank_values=True))
        try:
            path = BlobPath(account, container, name)
            if "sig" in query and not self._is_signed(path, query):
                raise _Refusal("AuthenticationFailed")
            served = await self._serve(method, path, query, headers, body)
        except _Refusal as refusal:
            status, message = _MESSAGES[refusal.code]
            text = f"<Error><Code>{refusal.code}</Code><Message>{escape(message)}</Message></Error>".encode()
            told = {"x-ms-error-code": refusal.code, "Content-Type": "application/xml"}
            served = Served(status, told, b"" if method == "HEAD" else text)
        return served._replace(headers={**self._standard(headers), **served.headers})

    def _standard(self, headers: Mapping[str, str]) -> dict[str, str]:
        number = f"00000000-0000-4000-8000-{next(self._numbers):012}"
        known = headers.get("x-ms-client-request-id")
        told = {"x-ms-request-id": number, "x-ms-version": "2026-06-06", "Date": formatdate(usegmt=True)}
        return {**told, "x-ms-client-request-id": known} if known else told

    async def _serve(
        self,
        method: str,
        path: BlobPath,
        query: dict[str, str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> Served:
        asked = (method, query.get("comp", ""))
        if path.name:
            return await self._serve_blob(asked, path, headers, body)
        if path.container:
            return self._serve_container(asked, path, query, body)
        match asked:
            case "GET", "list":
                return _xml(self._listed_containers(path.account))
            case "POST", "userdelegationkey":
                return _xml(_delegation_key(headers, body))
            case _:
                raise _Refusal("UnsupportedOperation")

    def _serve_container(self, asked: tuple[str, str], path: BlobPath, query: dict[str, str], body: bytes) -> Served:
        match asked:
            case "PUT", "":
                return self._create_container(path)
            case "DELETE", "":
                self._container(path)
                del self._containers[path.account][path.container]
                return Served(202, {})
            case "PUT", "acl":
                self._container(path).policies = _policies(body)
                return Served(200, {})
            case "GET", "list":
                return _xml(_listed(path, self._container(path), query))
            case (("GET" | "HEAD"), ""):
                found = self._container(path)
                return Served(200, {"ETag": found.etag, "Last-Modified": formatdate(found.modified, usegmt=True)})
            case _:
                raise _Refusal("UnsupportedOperation")

    async def _serve_blob(
        self, asked: tuple[str, str], path: BlobPath, headers: Mapping[str, str], body: bytes
    ) -> Served:
        match asked:
            case (("GET" | "HEAD"), ""):
                return self._read(asked[0], self._blob(path), headers)
            case "GET", "tags":
                return _xml(_tags(self._blob(path)))
            case "GET", "pagelist":
                return _xml(_page_list(self._blob(path)))
            case "PUT", "":
                if source := headers.get("x-ms-copy-source"):
                    return await self._copy(path, source, headers)
                return self._put(path, headers, body)
            case "PUT", "page":
                return self._put_pages(path, headers, body)
            case "DELETE", "":
                blobs = self._container(path).blobs
                _check(blobs.get(path.name), headers, missing="BlobNotFound")
                del blobs[path.name]
                return Served(202, {"x-ms-delete-type-permanent": "true"})
            case _:
                raise _Refusal("UnsupportedOperation")

    # --- Containers

    def _container(self, path: BlobPath) -> _Container:
        try:
            return self._containers[path.account][path.container]
        except KeyError:
            raise _Refusal("ContainerNotFound") from None

    def _create_container(self, path: BlobPath) -> Served:
        containers = self._containers[path.account]
        if path.container in containers:
            raise _Refusal("ContainerAlreadyExists")
        made = containers[path.container] = _Container(self._etag(), self._now())
        return Served(201, {"ETag": made.etag, "Last-Modified": formatdate(made.modified, usegmt=True)})

    def _listed_containers(self, account: str) -> str:
        names = "".join(
            f"<Container><Name>{escape(name)}</Name></Container>" for name in sorted(self._containers[account])
        )
        return f"<EnumerationResults><Containers>{names}</Containers><NextMarker/></EnumerationResults>"

    # --- Blobs

    def _blob(self, path: BlobPath) -> _Blob:
        found = self._container(path).blobs.get(path.name)
        if found is None:
            raise _Refusal("BlobNotFound")
        return found

    def _read(self, method: str, blob: _Blob, headers: Mapping[str, str]) -> Served:
        _check(blob, headers)
        told = _described(blob)
        size = int(told["Content-Length"])
        wanted = headers.get("x-ms-range") or headers.get("range")
        if method == "HEAD" or not wanted:
            return Served(200, told, b"" if method == "HEAD" else blob.read(0, size - 1))
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last or size - 1), size - 1)
        if start >= size:
            raise _Refusal("InvalidRange")
        told |= {"Content-Length": str(end + 1 - start), "Content-Range": f"bytes {start}-{end}/{size}"}
        return Served(206, told, blob.read(start, end))

    def _put(self, path: BlobPath, headers: Mapping[str, str], body: bytes) -> Served:
        blobs = self._container(path).blobs
        _check(blobs.get(path.name), headers)
        blob = self._made(headers)
        if headers.get("x-ms-blob-type") == "PageBlob":
            blob.kind, blob.length = "PageBlob", int(headers["x-ms-blob-content-length"])
        else:
            blob.data = body
        blobs[path.name] = blob
        return Served(201, _changed(blob))

    def _put_pages(self, path: BlobPath, headers: Mapping[str, str], body: bytes) -> Served:
        blob = self._blob(path)
        _check(blob, headers)
        start = int((headers.get("x-ms-range") or headers["range"]).removeprefix("bytes=").partition("-")[0])
        # A new dict: a copy shares the old one.
        blob.pages = dict(blob.pages)
        for at in range(0, len(body), PAGE):
            blob.pages[(start + at) // PAGE] = body[at : at + PAGE]
        blob.etag, blob.modified = self._etag(), self._now()
        return Served(201, _changed(blob))

    async def _copy(self, path: BlobPath, source: str, headers: Mapping[str, str]) -> Served:
        blobs = self._container(path).blobs
        _check(blobs.get(path.name), headers)
        status = await self.read_source(source)
        if status != 200:
            raise _Refusal("CannotVerifyCopySource" if status == 404 else "AuthenticationFailed")
        original = self._blob(BlobPath.parse(unquote(urlsplit(source).path)))
        blob = self._made(headers)
        blob.kind, blob.data, blob.length, blob.pages = original.kind, original.data, original.length, original.pages
        blob.content_type, blob.metadata = original.content_type, blob.metadata or dict(original.metadata)
        number = next(self._numbers)
        blob.copy = {
            "x-ms-copy-id": f"c0000000-0000-4000-8000-{number:012}",
            "x-ms-copy-source": source,
            "x-ms-copy-status": "success",
        }
        blobs[path.name] = blob
        told = {key: value for key, value in blob.copy.items() if key != "x-ms-copy-source"}
        return Served(202, {**_changed(blob), **told})

    def _made(self, headers: Mapping[str, str]) -> _Blob:
        prefix = "x-ms-meta-"
        return _Blob(
            self._etag(),
            self._now(),
            self._now(),
            content_type=headers.get("x-ms-blob-content-type") or "application/octet-stream",
            metadata={key.removeprefix(prefix): value for key, value in headers.items() if key.startswith(prefix)},
            tags=dict(parse_qsl(headers.get("x-ms-tags", ""))),
        )

    def _etag(self) -> str:
        return f'"0x{next(self._numbers):015X}"'

    # --- Signatures

    def _is_signed(self, path: BlobPath, query: Mapping[str, str]) -> bool:
        """Whether the signature is ours and still good (real time): by a delegation key, or by an export's access policy."""
        if "skoid" in query:
            return _expected(path, query) == query["sig"] and parse_iso(query["se"]) > time.time()
        found = self._containers.get(path.account, {}).get(path.container)
        expires = found.policies.get(query.get("si", ""), 0.0) if found else 0.0
        fields = ["", "", "", f"/blob/{path}", query.get("si", ""), "", "", query["sv"], "", "", "", "", ""]
        return expires > time.time() and sign(path.account, "\n".join(fields)) == query["sig"]


class MemoryBlobStore(BlobStore):
    """The simulator's own access to the blobs in memory, past the front."""

    def __init__(self, service: MemoryBlobService) -> None:
        self._service = service

    async def close(self) -> None:
        """Nothing is open."""

    @asynccontextmanager
    async def forward(
        self, method: str, raw_path: str, headers: list[tuple[str, str]], body: Any
    ) -> AsyncGenerator[Any]:
        sent = await body.read() if body is not None else b""
        status, told, content = await self._service.answer(method, raw_path, _lower(headers), sent)

        async def read() -> bytes:
            return content

        yield SimpleNamespace(status=status, headers=told, read=read)

    async def allow_reading(self, account: str, container: str, policy: str, expires: str) -> None:
        self._service.allow_reading(BlobPath(account, container, ""), policy, parse_iso(expires))

    async def _send(
        self, method: str, raw_path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        served = await self._service.answer(method, raw_path, _lower((headers or {}).items()), body)
        return served.status, _lower(served.headers.items()), served.body


def _lower(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers}


def _check(blob: _Blob | None, headers: Mapping[str, str], missing: str = "") -> None:
    """Raise what the conditions of a call, or its want of a blob, come to."""
    if blob is None and missing:
        raise _Refusal(missing)
    if headers.get("if-none-match") == "*" and blob is not None:
        raise _Refusal("BlobAlreadyExists")
    wanted = headers.get("if-match")
    if wanted and (blob is None or wanted not in ("*", blob.etag)):
        raise _Refusal("ConditionNotMet")


def _changed(blob: _Blob) -> dict[str, str]:
    return {"ETag": blob.etag, "Last-Modified": formatdate(blob.modified, usegmt=True)}


def _described(blob: _Blob) -> dict[str, str]:
    size = len(blob.data) if blob.kind == "BlockBlob" else blob.length
    return {
        **_changed(blob),
        "x-ms-creation-time": formatdate(blob.created, usegmt=True),
        "Content-Length": str(size),
        "Content-Type": blob.content_type,
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": blob.kind,
        "x-ms-lease-state": "available",
        "x-ms-lease-status": "unlocked",
        **blob.copy,
        **{f"x-ms-meta-{name}": value for name, value in blob.metadata.items()},
    }


def _listed(path: BlobPath, found: _Container, query: Mapping[str, str]) -> str:
    include = query.get("include", "").lower().split(",")
    prefix, marker = query.get("prefix", ""), query.get("marker", "")
    names = [name for name in sorted(found.blobs) if name.startswith(prefix) and name > marker]
    most = min(int(query.get("maxresults") or _MOST_LISTED), _MOST_LISTED)
    shown = names[:most]
    blobs = "".join(_listed_blob(name, found.blobs[name], include) for name in shown)
    following = f"<NextMarker>{escape(shown[-1])}</NextMarker>" if len(names) > most else "<NextMarker/>"
    return (
        f'<EnumerationResults ServiceEndpoint="/{path.account}" ContainerName="{escape(path.container)}">'
        f"<Prefix>{escape(prefix)}</Prefix><Blobs>{blobs}</Blobs>{following}</EnumerationResults>"
    )


def _listed_blob(name: str, blob: _Blob, include: list[str]) -> str:
    told = _described(blob)
    properties = {
        "Creation-Time": told["x-ms-creation-time"],
        "Last-Modified": told["Last-Modified"],
        "Etag": blob.etag.strip('"'),
        "Content-Length": told["Content-Length"],
        "Content-Type": blob.content_type,
        "BlobType": blob.kind,
    }
    if "copy" in include and blob.copy:
        names = {"x-ms-copy-id": "CopyId", "x-ms-copy-source": "CopySource", "x-ms-copy-status": "CopyStatus"}
        properties |= {names[header]: value for header, value in blob.copy.items()}
    parts = [f"<Name>{escape(name)}</Name><Properties>{_elements(properties)}</Properties>"]
    if "metadata" in include:
        parts.append(f"<Metadata>{_elements(blob.metadata)}</Metadata>")
    if "tags" in include and blob.tags:
        parts.append(_tags(blob))
    return f"<Blob>{''.join(parts)}</Blob>"


def _elements(values: Mapping[str, str]) -> str:
    return "".join(f"<{name}>{escape(value)}</{name}>" for name, value in values.items())


def _tags(blob: _Blob) -> str:
    tags = "".join(f"<Tag>{_elements({'Key': key, 'Value': value})}</Tag>" for key, value in blob.tags.items())
    return f"<Tags><TagSet>{tags}</TagSet></Tags>"


def _page_list(blob: _Blob) -> str:
    ranges: list[list[int]] = []
    for number in sorted(blob.pages):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    shown = "".join(
        f"<PageRange>{_elements({'Start': str(first * PAGE), 'End': str((last + 1) * PAGE - 1)})}</PageRange>"
        for first, last in ranges
    )
    return f"<PageList>{shown}</PageList>"


def _xml(text: str) -> Served:
    body = f'<?xml version="1.0" encoding="utf-8"?>{text}'.encode()
    return Served(200, {"Content-Type": "application/xml"}, body)


def _policies(body: bytes) -> dict[str, float]:
    root = ElementTree.fromstring(body)  # noqa: S314 - written by a test
    return {
        found.findtext("Id") or "": parse_iso(found.findtext("AccessPolicy/Expiry") or "1970-01-01T00:00:00Z")
        for found in root.iter("SignedIdentifier")
    }


# --- User delegation


def _delegation_key(headers: Mapping[str, str], body: bytes) -> str:
    root = ElementTree.fromstring(body)  # noqa: S314 - written by the SDK
    token = (headers.get("authorization") or "").split(".")
    claims: str = base64.urlsafe_b64decode(token[1] + "=" * (-len(token[1]) % 4)).decode()
    principal = claims.partition('"oid": "')[2].partition('"')[0]
    start, expiry = root.findtext("Start") or "", root.findtext("Expiry") or ""
    fields = {
        "SignedOid": principal,
        "SignedTid": TENANT,
        "SignedStart": start,
        "SignedExpiry": expiry,
        "SignedService": "b",
        "SignedVersion": headers.get("x-ms-version", ""),
        "Value": _key_value(principal, start, expiry),
    }
    return f"<UserDelegationKey>{_elements(fields)}</UserDelegationKey>"


def _key_value(principal: str, start: str, expiry: str) -> str:
    text = f"delegation:{principal}:{start}:{expiry}".encode()
    return base64.b64encode(hmac.new(b"memory", text, hashlib.sha256).digest()).decode()


def _expected(path: BlobPath, query: Mapping[str, str]) -> str:
    """The signature that the SDK would make from what the query says."""
    key = UserDelegationKey()
    key.signed_oid, key.signed_tid, key.signed_service = query["skoid"], query["sktid"], query["sks"]
    key.signed_start, key.signed_expiry, key.signed_version = query["skt"], query["ske"], query["skv"]
    key.value = _key_value(query["skoid"], query["skt"], query["ske"])
    signed: Any = generate_blob_sas(
        path.account,
        path.container,
        path.name,
        user_delegation_key=key,
        permission=query["sp"],
        start=query.get("st"),
        expiry=query["se"],
    )
    return parse_qs(signed)["sig"][0]
