"""Managed disks and their export (`azure-facts.md` section 3)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.azure.clients import compute
from shared.azure.compute_ids import ComputeId
from shared.azure.errors import attempting
from shared.domain.golden_vms import DiskTraits, OsDisk
from shared.errors import MissingError, RejectedError, TransientError

GRANT_WAIT = 40
"""Seconds that a grant may take within its activity: the SAS may not leave it (`design.md`, "Long work")."""

REVOKE_WAIT = 15
"""Seconds that a revoke may take; one activity may make two beside a grant and must end well before `functionTimeout`."""


@dataclass(frozen=True)
class Disk:
    """A disk as Compute tells it: which one it is, in what state, what decides whether an image of it would live."""

    identity: OsDisk
    traits: DiskTraits
    purchase_plan: str = ""


def get_disk(disk_id: str) -> Disk:
    """The disk as it is now; raises MissingError when it is gone."""
    found = ComputeId.parse(disk_id)
    with attempting(f"read the disk {disk_id}"):
        disk: Any = compute(found.subscription).disks.get(found.resource_group, found.name)
    updated = disk.last_ownership_update_time or disk.time_created
    size = disk.disk_size_bytes or (disk.disk_size_gb or 0) * 2**30
    identity = OsDisk(
        id=disk_id,
        unique_id=disk.unique_id or "",
        ownership_updated=updated or datetime(2000, 1, 1, tzinfo=UTC),
        size_bytes=size or None,
    )
    return Disk(identity, _traits(disk), plan_name(disk.purchase_plan))


def _traits(disk: Any) -> DiskTraits:
    """What is absent is the default of disks that are older than the property."""
    profile, encryption = disk.security_profile, disk.encryption_settings_collection
    security = _word(profile.security_type) if profile else ""
    return DiskTraits(
        generation=_word(disk.hyper_v_generation) or "V1",
        security_type="" if security == "Standard" else security,
        state=_word(disk.disk_state),
        network_access=_word(disk.network_access_policy) or "AllowAll",
        public_access=_word(disk.public_network_access) != "Disabled",
        needs_token=_word(disk.data_access_auth_mode) == "AzureActiveDirectory",
        encrypted=bool(encryption and encryption.enabled),
    )


def plan_name(plan: Any) -> str:
    """The purchase plan of a disk or VM as a person names it; empty when there is none."""
    return f"{plan.publisher}/{plan.product}/{plan.name}" if plan else ""


def _word(value: Any) -> str:
    """Azure's word: str() of one that the SDK knows would be "DiskState.ACTIVE_SAS"."""
    return str(getattr(value, "value", value) or "")


def grant(disk_id: str, lifetime: timedelta) -> str:
    """A read-only address of the disk. Secret: it must not leave the activity that asks for it.

    Raises TransientError when Azure does not grant within `GRANT_WAIT` seconds, or the answer was lost; what it grants is found
    by its record.
    """
    from azure.mgmt.compute.models import GrantAccessData

    disk = ComputeId.parse(disk_id)
    data = GrantAccessData(access="Read", duration_in_seconds=int(lifetime.total_seconds()))
    try:
        with attempting(f"export the disk {disk_id}"):
            disks = compute(disk.subscription).disks
            poller: Any = disks.begin_grant_access(disk.resource_group, disk.name, data)
            poller.wait(GRANT_WAIT)
            if not poller.done():
                raise TransientError("GrantIsSlow", f"The disk {disk_id} is not exported after {GRANT_WAIT} seconds.")
            result: Any = poller.result()
    except RejectedError as error:
        # After any error look, then decide (C17): the client asks again where the first answer was lost, and is then refused for
        # the export that it has made. Its address is lost; whoever repeats the call ends it and makes another.
        if get_disk(disk_id).traits.is_exported:
            raise TransientError("GrantIsLost", f"The disk {disk_id} is exported already: {error.message}") from None
        raise
    # A server that sends no Location leaves the attribute empty (`azure-facts.md` section 3).
    address: str | None = result.access_sas
    if not address and "properties" in result:
        address = result["properties"].get("output", {}).get("accessSAS")
    if not address:
        raise RejectedError("GrantIsEmpty", f"Azure exported the disk {disk_id} without an address.")
    return address


def revoke(disk_id: str) -> None:
    """End the export of a disk; succeeds when the disk is gone or not exported."""
    disk = ComputeId.parse(disk_id)
    try:
        with attempting(f"end the export of the disk {disk_id}"):
            poller: Any = compute(disk.subscription).disks.begin_revoke_access(disk.resource_group, disk.name)
            poller.wait(REVOKE_WAIT)
            if not poller.done():
                raise TransientError("RevokeIsSlow", f"The export of {disk_id} still runs after {REVOKE_WAIT} seconds.")
            poller.result()
    except MissingError:
        # After any error look, then decide (C17): an export that is taken for gone would stay open until it expires.
        if _is_there(disk_id):
            raise


def _is_there(disk_id: str) -> bool:
    try:
        get_disk(disk_id)
    except MissingError:
        return False
    return True
