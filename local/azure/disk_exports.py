"""Disk exports: the OS disk as a VHD behind a signed URL that hangs on a stored access policy, as in Azure."""

import time
import uuid
from urllib.parse import quote

from local.azure.blob_store import BlobPath, BlobStore, sign
from local.azure.clock import iso
from local.azure.contents import Contents
from local.azure.resources import Disk, Grant
from local.azure.state import State

EXPORT_ACCOUNT = "md-hdd-local"
EXPORT_BLOB = "abcd"
_SIGNATURE_VERSION = "2018-03-28"


class DiskExports:
    """One grant per disk. Revoking it removes the exported VHD, so nothing that is signed for it works any more."""

    def __init__(self, state: State, blobs: BlobStore, contents: Contents) -> None:
        self._state, self._blobs, self._contents = state, blobs, contents
        self.storage = ""

    def active(self, disk: Disk) -> Grant | None:
        """The grant on a disk, while it has not run out (real time, as with all signatures)."""
        grant = self._state.grants.get("", disk.id)
        return grant if grant is not None and grant.expires > time.time() else None

    def by_container(self, container: str) -> Grant | None:
        return next((grant for grant in self._state.grants.part("") if grant.container == container), None)

    async def prepare(self, disk: Disk, caller: str, seconds: float) -> tuple[Grant, str]:
        """Make the VHD and its signed URL. The grant is in force once the caller has stored it with `keep`."""
        expires = time.time() + seconds
        # The disk's name makes scripted copies find it, the random part makes every export a fresh blob.
        container = f"v{uuid.uuid4().hex[:11]}"
        policy = str(uuid.uuid4())
        await self._blobs.create_container(EXPORT_ACCOUNT, container)
        path = BlobPath(EXPORT_ACCOUNT, container, EXPORT_BLOB)
        etag = await self._blobs.put_vhd(path, disk.seed, disk.size_gb, {}, {})
        self._contents.record_vhd(path, etag, disk.seed, disk.size_gb)
        await self._blobs.allow_reading(EXPORT_ACCOUNT, container, policy, iso(expires)[:19] + "Z")
        needs_token = (disk.data_access_auth_mode or "None").lower() == "azureactivedirectory"
        return Grant(disk.id, expires, container, caller, needs_token), self._url(path, policy)

    def keep(self, grant: Grant) -> None:
        self._state.grants.put("", grant.disk, grant)

    async def revoke(self, disk: Disk) -> BlobPath | None:
        """End the disk's grant, if any; returns the blob that was behind it."""
        grant = self._state.grants.get("", disk.id)
        if grant is None:
            return None
        # First the grant: if we die now, the next start finds a disk without one, and a container that nobody knows.
        self._state.grants.delete("", disk.id)
        if not grant.container:
            return None
        path = BlobPath(EXPORT_ACCOUNT, grant.container, EXPORT_BLOB)
        self._state.contents.delete(path.part, path.name)
        await self._blobs.delete_container(EXPORT_ACCOUNT, grant.container)
        return path

    def disk_of(self, container: str) -> Disk | None:
        """The disk behind an export's container."""
        grant = self.by_container(container)
        if grant is None:
            return None
        parts = grant.disk.split("/")
        return self._state.disks.get(parts[2], f"{parts[4]}/{parts[8]}")

    def _url(self, path: BlobPath, policy: str) -> str:
        resource = f"/blob/{path}"
        fields = ["", "", "", resource, policy, "", "", _SIGNATURE_VERSION, "", "", "", "", ""]
        signature = quote(sign(path.account, "\n".join(fields)), safe="")
        return f"{self.storage}{path.raw}?sv={_SIGNATURE_VERSION}&sr=b&si={policy}&sig={signature}"
