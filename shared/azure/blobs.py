"""Small blobs: created only if absent, changed only if unchanged, never overwritten blindly."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError

from shared.azure.clients import blob_service
from shared.azure.errors import attempting, error_code
from shared.errors import MissingError, RejectedError

if TYPE_CHECKING:
    from azure.storage.blob import ContainerClient


@dataclass(frozen=True)
class Blob:
    """A small blob, read whole."""

    name: str
    data: bytes
    etag: str
    modified: datetime


@dataclass(frozen=True)
class ListedBlob:
    """A blob as a listing tells it. `copy_pending` is only known where copies were asked for."""

    name: str
    etag: str
    size_bytes: int
    modified: datetime
    metadata: Mapping[str, str]
    copy_id: str = ""
    copy_pending: bool = False


class Container:
    """One container of one storage account; made when something is first written to it."""

    def __init__(self, account: str, name: str) -> None:
        self.account = account
        self.name = name

    def __str__(self) -> str:
        return f"{self.account}/{self.name}"

    @cached_property
    def client(self) -> "ContainerClient":
        return blob_service(self.account).get_container_client(self.name)

    def find(self, name: str, most_bytes: int | None = None) -> Blob | None:
        """Read a blob, or its first `most_bytes`; None when it, or the container, is not there."""
        try:
            with attempting(f"read the blob {self}/{name}"):
                offset = None if most_bytes is None else 0
                download: Any = self.client.download_blob(name, offset=offset, length=most_bytes)
                data: bytes = download.readall()
                properties: Any = download.properties
        except RejectedError as error:
            # An empty blob has no range; without one the SDK reads it.
            if error.code == "InvalidRange" and most_bytes is not None:
                return self.find(name)
            raise
        except MissingError as error:
            if error.code in ("BlobNotFound", "ContainerNotFound", "ResourceNotFound"):
                return None
            raise
        return Blob(name, data, str(properties.etag), _time(properties.last_modified))

    def get(self, name: str) -> Blob:
        """Read a blob; raises MissingError when it is not there."""
        blob = self.find(name)
        if blob is None:
            raise MissingError("BlobNotFound", f"The blob {self}/{name} is not there.", "Start another run.")
        return blob

    def exists(self, name: str) -> bool:
        with attempting(f"look for the blob {self}/{name}"):
            return self.client.get_blob_client(name).exists()

    def etag(self, name: str) -> str:
        """The blob's ETag; empty when it, or the container, is not there."""
        try:
            with attempting(f"look for the blob {self}/{name}"):
                return str(self.client.get_blob_client(name).get_blob_properties().etag)
        except MissingError:
            return ""

    def create(self, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> bool:
        """Create a blob; False when one of that name is there already (it is left as it is)."""

        def upload() -> bool:
            try:
                self.client.upload_blob(name, data, overwrite=False, metadata=dict(metadata or {}))
            except HttpResponseError as error:
                if error_code(error) == "BlobAlreadyExists":
                    return False
                raise
            return True

        with attempting(f"create the blob {self}/{name}"):
            return self.in_existing_container(upload)

    def replace(self, name: str, data: bytes, etag: str) -> bool:
        """Write a blob that is unchanged since `etag` was read; False when it is not."""
        with attempting(f"change the blob {self}/{name}"):
            try:
                self.client.upload_blob(
                    name, data, overwrite=True, etag=etag, match_condition=MatchConditions.IfNotModified
                )
            except HttpResponseError as error:
                if error.status_code in (404, 412):
                    return False
                raise
            return True

    def delete(self, name: str, etag: str | None = None) -> bool:
        """Delete a blob; True also when it is gone already, False when it changed since `etag` was read."""
        condition: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        with attempting(f"delete the blob {self}/{name}"):
            try:
                self.client.delete_blob(name, delete_snapshots="include", **condition)
            except HttpResponseError as error:
                if error.status_code == 412:
                    return False
                if error.status_code != 404:
                    raise
            return True

    def list(self, prefix: str = "", copies: bool = False) -> Iterator[ListedBlob]:
        """The blobs whose names start with `prefix`, by name; none when the container is not there."""
        try:
            with attempting(f"list the container {self}"):
                include = ["metadata", "copy"] if copies else ["metadata"]
                for blob in self.client.list_blobs(name_starts_with=prefix or None, include=include):
                    yield ListedBlob(
                        str(blob.name),
                        quoted_etag(blob.etag),
                        int(blob.size or 0),
                        _time(blob.last_modified),
                        {key.lower(): value for key, value in (blob.metadata or {}).items()},
                        str(blob.copy.id or ""),
                        blob.copy.status == "pending",
                    )
        except MissingError as error:
            if error.code != "ContainerNotFound":
                raise

    def folders(self, prefix: str) -> Iterator[str]:
        """The names below `prefix` up to the next slash; none when the container is not there."""
        try:
            with attempting(f"list the container {self}"):
                for found in self.client.walk_blobs(name_starts_with=prefix, delimiter="/"):
                    if str(found.name).endswith("/"):
                        yield str(found.name).removeprefix(prefix).removesuffix("/")
        except MissingError as error:
            if error.code != "ContainerNotFound":
                raise

    def in_existing_container(self, write: Any) -> Any:
        """Run `write`; where it says that the container is missing, make it and run again."""
        try:
            return write()
        except HttpResponseError as error:
            if error_code(error) != "ContainerNotFound":
                raise
            self._make()
            return write()

    def _make(self) -> None:
        try:
            self.client.create_container()
        except HttpResponseError as error:
            if error_code(error) != "ContainerAlreadyExists":
                raise


def quoted_etag(value: Any) -> str:
    """An ETag as headers have it: a listing tells it without the quotes that If-Match needs."""
    text = str(value)
    return text if text.startswith('"') else f'"{text}"'


def _time(value: Any) -> datetime:
    assert isinstance(value, datetime)  # noqa: S101 - the service always sends it
    return value
