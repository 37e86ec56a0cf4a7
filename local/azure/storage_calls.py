"""What a call to blob storage is about: its blob, what it would do, who makes it."""

from dataclasses import dataclass
from enum import Enum
from urllib.parse import parse_qsl, unquote, urlsplit

from aiohttp import web

from local.azure.blob_store import BlobPath
from local.azure.operation_log import Effect


class Act(Enum):
    """What is done to a blob, as far as the front treats it differently."""

    READ = "read"
    KEY = "delegation key"
    ABORT = "abort a copy"
    COPY = "copy"
    PUT = "put the whole blob"
    WRITE = "write a part"
    DESCRIBE = "metadata, properties, tags, lease"
    DELETE = "delete"
    CONTAINER = "create or change a container"
    DELETE_CONTAINER = "delete a container"


_WRITES = {"page", "block", "appendblock"}
_ALLOWED_WHILE_PENDING = {"lease", "tags"}


@dataclass(frozen=True)
class BlobCall:
    """`account` is as the client wrote it; `path` is None for calls about an account or a container."""

    act: Act
    account: str
    container: str
    path: BlobPath | None
    query: dict[str, str]

    @property
    def comp(self) -> str:
        return self.query.get("comp", "").lower()

    @property
    def waits_for_copy(self) -> bool:
        """Whether a pending copy onto its blob refuses it."""
        changes = self.act in (Act.COPY, Act.PUT, Act.WRITE, Act.DESCRIBE, Act.DELETE)
        return changes and self.comp not in _ALLOWED_WHILE_PENDING

    @property
    def replaces_data(self) -> bool:
        return self.act in (Act.COPY, Act.PUT, Act.WRITE, Act.DELETE) and self.comp != "block"

    @property
    def lists_blobs(self) -> bool:
        return self.act is Act.READ and self.path is None and bool(self.container) and self.comp == "list"


def read_call(request: web.Request) -> BlobCall:
    raw_path, _, raw_query = request.raw_path.partition("?")
    # An absolute form ("https://host/path") is allowed by HTTP.
    raw_path = urlsplit(raw_path).path if "://" in raw_path else raw_path
    query = {name.lower(): value for name, value in parse_qsl(raw_query, keep_blank_values=True)}
    account, container, name = [*(unquote(part) for part in raw_path.lstrip("/").split("/", 2)), "", ""][:3]
    path = BlobPath(account, container, name) if name else None
    return BlobCall(_act(request, query, path), account, container, path, query)


def effect_of(call: BlobCall, *, existed: bool) -> Effect:
    """The effect of a call that succeeded."""
    if call.act is Act.CONTAINER:
        return "update" if call.comp else "create"
    if call.act is Act.PUT:
        return "update" if existed else "create"
    effects: dict[Act, Effect] = {
        Act.READ: "none",
        Act.KEY: "grant",
        Act.COPY: "copy",
        Act.DELETE: "delete",
        Act.DELETE_CONTAINER: "delete",
    }
    return effects.get(call.act, "update")


def _act(request: web.Request, query: dict[str, str], path: BlobPath | None) -> Act:
    comp, method = query.get("comp", "").lower(), request.method
    if method in ("GET", "HEAD", "OPTIONS"):
        return Act.READ
    if comp == "userdelegationkey":
        return Act.KEY
    if path is None:
        return Act.DELETE_CONTAINER if method == "DELETE" else Act.CONTAINER
    if method == "DELETE":
        return Act.DELETE if "snapshot" not in query else Act.DESCRIBE
    if comp == "copy":
        return Act.ABORT
    if comp in ("", "blocklist"):
        return Act.COPY if "x-ms-copy-source" in request.headers and not comp else Act.PUT
    return Act.WRITE if comp in _WRITES else Act.DESCRIBE
