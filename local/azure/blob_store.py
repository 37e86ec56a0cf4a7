"""The simulator's own access to the blobs in Azurite, past the front."""

import asyncio
import base64
import hashlib
import hmac
import xml.etree.ElementTree as ElementTree
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from local.azure.azurite import Azurite, account_key
from local.azure.certificates import Certificates
from local.azure.tokens import STORAGE_AUDIENCE, create_token
from local.azure.vhd import Digest, vhd_blocks, vhd_length

VERSION = "2021-12-02"
_PIECE = 4 * 1024**2


@dataclass(frozen=True)
class BlobPath:
    """Account, container and blob name, decoded. As text it is what tables use for a key."""

    account: str
    container: str
    name: str

    def __str__(self) -> str:
        return f"{self.account}/{self.container}/{self.name}"

    @property
    def part(self) -> str:
        """The container, as tables use it for a part."""
        return f"{self.account}/{self.container}"

    @property
    def raw(self) -> str:
        return f"/{quote(self.account)}/{quote(self.container)}/{quote(self.name)}"

    @classmethod
    def parse(cls, text: str) -> "BlobPath":
        """From `account/container/name`; raises ValueError when that names no blob."""
        account, container, name = text.lstrip("/").split("/", 2)
        return cls(account, container, name)


@dataclass(frozen=True)
class BlobFacts:
    """What HEAD tells. `headers` has lower-case names."""

    etag: str
    length: int
    is_page_blob: bool
    headers: Mapping[str, str]


class BlobStore:
    """Speaks to Azurite with a token of its own; what it does is in no log."""

    def __init__(self, azurite: Azurite, certificates: Certificates) -> None:
        self._azurite = azurite
        self._connector = aiohttp.TCPConnector(ssl=certificates.client_context(), limit=64)
        self.http = aiohttp.ClientSession(
            connector=self._connector,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=30),
        )

    async def close(self) -> None:
        await self.http.close()

    @asynccontextmanager
    async def forward(
        self, method: str, raw_path: str, headers: list[tuple[str, str]], body: aiohttp.StreamReader | None
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """Send a client's own request on, byte for byte."""
        async with self.http.request(
            method,
            URL(self._azurite.url + raw_path, encoded=True),
            headers=headers,
            data=body,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        ) as response:
            yield response

    async def head(self, path: BlobPath) -> BlobFacts | None:
        """None when there is no such blob."""
        status, headers, _ = await self._send("HEAD", path.raw)
        if status != 200:
            return None
        kind = headers.get("x-ms-blob-type", "")
        return BlobFacts(headers["etag"], int(headers["content-length"]), kind == "PageBlob", headers)

    async def read(self, path: BlobPath, offset: int = 0, length: int | None = None) -> bytes:
        headers = {} if length is None else {"x-ms-range": f"bytes={offset}-{offset + length - 1}"}
        status, _, body = await self._send("GET", path.raw, headers)
        _expect(status, (200, 206), body)
        return body

    async def create_container(self, account: str, container: str) -> None:
        """Succeeds when it is there already."""
        status, _, body = await self._send("PUT", f"/{account}/{container}?restype=container")
        _expect(status, (201, 409), body)

    async def delete_container(self, account: str, container: str) -> None:
        """Succeeds when it is gone already."""
        status, _, body = await self._send("DELETE", f"/{account}/{container}?restype=container")
        _expect(status, (202, 404), body)

    async def list_containers(self, account: str) -> list[str]:
        return [_text(item, "Name") async for item in self._list(f"/{account}/?comp=list", "Containers")]

    async def list_blobs(self, account: str, container: str) -> list[ElementTree.Element]:
        """The `Blob` elements of the listing, with metadata and tags."""
        base = f"/{account}/{container}?restype=container&comp=list&include=metadata%2Ctags%2Ccopy"
        return [item async for item in self._list(base, "Blobs")]

    async def put_text(self, path: BlobPath, data: bytes, metadata: Mapping[str, str], tags: Mapping[str, str]) -> None:
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream"}
        status, _, body = await self._send("PUT", path.raw, headers | _extras(metadata, tags), data)
        _expect(status, (201,), body)

    async def put_empty_page_blob(
        self, path: BlobPath, length: int, metadata: Mapping[str, str], tags: Mapping[str, str]
    ) -> str:
        """A page blob of zeros over whatever is there; returns its ETag."""
        headers = {"x-ms-blob-type": "PageBlob", "x-ms-blob-content-length": str(length)}
        status, answer, body = await self._send("PUT", path.raw, headers | _extras(metadata, tags))
        _expect(status, (201,), body)
        return answer["etag"]

    async def put_vhd(
        self, path: BlobPath, seed: str, size_gb: float, metadata: Mapping[str, str], tags: Mapping[str, str]
    ) -> str:
        """The VHD of this seed; returns its ETag.

        Always a fresh blob: Azurite lets a copy and its source share their pages, so neither may be written to again.
        """
        length = vhd_length(size_gb)
        etag = await self.put_empty_page_blob(path, length, metadata, tags)
        for offset, data in vhd_blocks(seed, length):
            headers = {"x-ms-page-write": "update", "x-ms-range": f"bytes={offset}-{offset + len(data) - 1}"}
            status, answer, body = await self._send("PUT", f"{path.raw}?comp=page", headers, data)
            _expect(status, (201,), body)
            etag = answer["etag"]
        return etag

    async def tags(self, path: BlobPath) -> dict[str, str]:
        """The index tags of a blob."""
        status, _, body = await self._send("GET", f"{path.raw}?comp=tags")
        _expect(status, (200,), body)
        tags = ElementTree.fromstring(body).iter("Tag")  # noqa: S314 - written by our own Azurite
        return {_text(tag, "Key"): _text(tag, "Value") for tag in tags}

    async def digest(self, path: BlobPath, facts: BlobFacts) -> str:
        """Read what is not zero and digest it."""
        digest = Digest(facts.length)
        for start, end in await self._ranges(path, facts):
            for offset in range(start, end + 1, _PIECE):
                digest.add(offset, await self.read(path, offset, min(_PIECE, end + 1 - offset)))
        return digest.hexdigest()

    async def allow_reading(self, account: str, container: str, policy: str, expires: str) -> None:
        """Set the container's only stored access policy. Azure lets nothing but a key do this."""
        document = (
            "<SignedIdentifiers><SignedIdentifier>"
            f"<Id>{policy}</Id><AccessPolicy><Expiry>{expires}</Expiry><Permission>r</Permission></AccessPolicy>"
            "</SignedIdentifier></SignedIdentifiers>"
        ).encode()
        headers = {
            "x-ms-date": formatdate(usegmt=True),
            "x-ms-version": VERSION,
            "Content-Length": str(len(document)),
            "Content-Type": "application/xml",
        }
        resource = f"/{account}/{account}/{container}\ncomp:acl\nrestype:container"
        signed = [f"{name}:{headers[name]}" for name in ("x-ms-date", "x-ms-version")]
        text = "\n".join(["PUT", "", "", str(len(document)), "", "application/xml", *[""] * 6, *signed, resource])
        headers["Authorization"] = f"SharedKey {account}:{sign(account, text)}"
        url = URL(f"{self._azurite.url}/{account}/{container}?restype=container&comp=acl", encoded=True)
        async with self.http.put(url, data=document, headers=headers) as response:
            _expect(response.status, (200,), await response.read())

    async def _ranges(self, path: BlobPath, facts: BlobFacts) -> list[tuple[int, int]]:
        if not facts.is_page_blob:
            return [(0, facts.length - 1)] if facts.length else []
        status, _, body = await self._send("GET", f"{path.raw}?comp=pagelist")
        _expect(status, (200,), body)
        pages = ElementTree.fromstring(body).iter("PageRange")  # noqa: S314 - written by our own Azurite
        return sorted((int(_text(page, "Start")), int(_text(page, "End"))) for page in pages)

    async def _list(self, base: str, element: str) -> AsyncIterator[ElementTree.Element]:
        marker = ""
        while True:
            status, _, body = await self._send("GET", f"{base}&marker={quote(marker, safe='')}" if marker else base)
            _expect(status, (200,), body)
            root = ElementTree.fromstring(body)  # noqa: S314 - written by our own Azurite
            for item in root.find(element) or ():
                yield item
            marker = root.findtext("NextMarker") or ""
            if not marker:
                return

    async def _send(
        self, method: str, raw_path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, dict[str, str], bytes]:
        token, _ = create_token("simulator", STORAGE_AUDIENCE)
        sent = {"Authorization": f"Bearer {token}", "x-ms-version": VERSION, **(headers or {})}
        for attempt in range(5):
            try:
                async with self.http.request(
                    method, URL(self._azurite.url + raw_path, encoded=True), headers=sent, data=body or None
                ) as response:
                    answer = {name.lower(): value for name, value in response.headers.items()}
                    return response.status, answer, await response.read()
            except aiohttp.ClientConnectionError:
                # Azurite closes idle connections, or has just been restarted.
                if attempt == 4:
                    raise
                await asyncio.sleep(0.05 * attempt)
        raise AssertionError("unreachable")


def sign(account: str, text: str) -> str:
    key = base64.b64decode(account_key(account))
    return base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The metadata among a blob's headers (lower-case names)."""
    prefix = "x-ms-meta-"
    return {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}


def _extras(metadata: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, str]:
    headers = {f"x-ms-meta-{name}": value for name, value in metadata.items()}
    return headers | ({"x-ms-tags": urlencode(tags, quote_via=quote)} if tags else {})


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(name) or ""


def _expect(status: int, expected: tuple[int, ...], body: bytes) -> None:
    if status not in expected:
        raise RuntimeError(f"Azurite answered {status}: {body[:500]!r}")
