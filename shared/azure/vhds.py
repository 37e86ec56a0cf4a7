"""VHDs in the container `imagefactoryvhds`: golden ones and copies on their way to a lab; server-side copies of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError

from shared.azure.blobs import Container
from shared.azure.clients import blob_service
from shared.azure.errors import attempting, error_code
from shared.domain.images import VHD_CONTAINER
from shared.errors import MissingError

CLOCK_SKEW = timedelta(minutes=15)
SAS_MARGIN = timedelta(hours=1)


@dataclass(frozen=True)
class Vhd:
    """A VHD blob. `copy_status` is pending, success, aborted or failed; empty when it was not made by a copy."""

    name: str
    etag: str
    size_bytes: int
    metadata: Mapping[str, str]
    copy_id: str = ""
    copy_status: str = ""
    copy_reason: str = ""
    done_bytes: int = 0
    total_bytes: int = 0


class Vhds(Container):
    """The VHDs of one storage account."""

    def __init__(self, account: str) -> None:
        super().__init__(account, VHD_CONTAINER)

    def url(self, name: str) -> str:
        """The plain address of a VHD, as a custom image names it; no signature."""
        return str(self.client.get_blob_client(name).url)

    def find_vhd(self, name: str) -> Vhd | None:
        """A VHD with the state of its copy; None when it, or the container, is not there."""
        try:
            with attempting(f"look for the VHD {self}/{name}"):
                properties = self.client.get_blob_client(name).get_blob_properties()
        except MissingError:
            return None
        copy = properties.copy
        done, _, total = (copy.progress or "0/0").partition("/")
        return Vhd(
            name,
            str(properties.etag),
            int(properties.size or 0),
            {key.lower(): value for key, value in (properties.metadata or {}).items()},
            str(copy.id or ""),
            str(copy.status or ""),
            str(copy.status_description or ""),
            int(done),
            int(total),
        )

    def begin_copy(self, name: str, source: str, metadata: Mapping[str, str]) -> Vhd:
        """Start a server-side copy from a signed URL into a blob that must not exist yet; the one that is there is adopted.

        Repeat-safe: a name holds the id of the run that makes it, so what is there is this run's own copy.
        """
        blob = self.client.get_blob_client(name)

        def start() -> None:
            try:
                blob.start_copy_from_url(source, metadata=dict(metadata), match_condition=MatchConditions.IfMissing)
            except HttpResponseError as error:
                if error_code(error) not in ("BlobAlreadyExists", "PendingCopyOperation"):
                    raise

        with attempting(f"start the copy to {self}/{name}"):
            self.in_existing_container(start)
        vhd = self.find_vhd(name)
        if vhd is None:
            raise MissingError("CopyGone", f"The copy {self}/{name} is gone again.", "The next run starts it afresh.")
        return vhd

    def remove(self, name: str, etag: str | None = None) -> None:
        """Abort a copy that still runs and delete the VHD; succeeds when it is gone, or changed since `etag` was read."""
        vhd = self.find_vhd(name)
        if vhd is None or (etag is not None and vhd.etag != etag):
            return
        if vhd.copy_status == "pending":
            with attempting(f"abort the copy to {self}/{name}"):
                try:
                    self.client.get_blob_client(name).abort_copy(vhd.copy_id)
                except HttpResponseError as error:
                    if error_code(error) not in ("NoPendingCopyOperation", "CopyIdMismatch"):
                        raise
            vhd = self.find_vhd(name)
        if vhd is not None:
            self.delete(name, vhd.etag)

    def signed_url(self, name: str, lifetime: timedelta) -> str:
        """A read-only address that lives `lifetime` and an hour. Secret: it must not leave the activity that asks for it."""
        from azure.storage.blob import BlobSasPermissions, generate_blob_sas

        now = datetime.now(UTC)
        begin, end = now - CLOCK_SKEW, now + lifetime + SAS_MARGIN
        with attempting(f"sign the address of {self}/{name}"):
            key = blob_service(self.account).get_user_delegation_key(begin, end)
        signature: Any = generate_blob_sas(
            account_name=self.account,
            container_name=self.name,
            blob_name=name,
            user_delegation_key=key,
            permission=BlobSasPermissions(read=True),
            start=begin,
            expiry=end,
        )
        return f"{self.url(name)}?{signature}"
