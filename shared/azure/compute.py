"""The Compute side of a golden VM: its power state, its OS disk, the export of that disk (`azure-facts.md` section 3)."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.azure.clients import compute
from shared.azure.errors import attempting
from shared.domain.capture import GoldenVm, OsDisk
from shared.errors import MissingError, RejectedError, TransientError

_RESOURCE = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/microsoft\.compute/[^/]+/(?P<name>[^/]+)",
    re.IGNORECASE,
)
GRANT_WAIT = 40
"""Seconds that a grant may take within its activity: the SAS may not leave it (`design.md`, "Long work")."""

REVOKE_WAIT = 15
"""Seconds that a revoke may take; one activity may make two beside a grant and must end well before `functionTimeout`."""


def with_compute(vm: GoldenVm) -> GoldenVm:
    """The VM with its power state, OS state and OS disk; unchanged when its Compute VM is gone (B21).

    The statuses are searched by prefix: their order and count are not fixed.
    """
    if not (found := _RESOURCE.fullmatch(vm.compute_id)):
        return vm
    try:
        with attempting(f"read the VM {vm.compute_id}"):
            machine: Any = compute(found["subscription"]).virtual_machines.get(
                found["group"], found["name"], expand="instanceView"
            )
    except MissingError:
        return vm
    statuses: list[Any] = (machine.instance_view.statuses or []) if machine.instance_view else []
    codes = [str(status.code) for status in statuses]
    power = next((code.partition("/")[2] for code in codes if code.startswith("PowerState/")), "unknown")
    os_disk = machine.storage_profile.os_disk if machine.storage_profile else None
    return replace(
        vm,
        vm_id=machine.vm_id or "",
        power_state=power,
        generalized="OSState/generalized" in codes,
        disk=get_disk(os_disk.managed_disk.id) if os_disk and os_disk.managed_disk else None,
    )


def get_disk(disk_id: str) -> OsDisk:
    disk: Any = _disk(disk_id)
    updated = disk.last_ownership_update_time or disk.time_created
    size = disk.disk_size_bytes or (disk.disk_size_gb or 0) * 2**30
    return OsDisk(
        id=disk_id,
        unique_id=disk.unique_id or "",
        ownership_updated=updated or datetime(2000, 1, 1, tzinfo=UTC),
        size_bytes=size or None,
    )


def is_exported(disk_id: str) -> bool:
    """Does the disk have an active SAS, whoever asked for it?"""
    # Not str(): of a state that the SDK knows, that is "DiskState.ACTIVE_SAS".
    return _disk(disk_id).disk_state in ("ActiveSAS", "ActiveSASFrozen")


def _disk(disk_id: str) -> Any:
    subscription, group, name = _parts(disk_id)
    with attempting(f"read the disk {disk_id}"):
        return compute(subscription).disks.get(group, name)


def grant(disk_id: str, lifetime: timedelta) -> str:
    """A read-only address of the disk. Secret: it must not leave the activity that asks for it.

    Raises TransientError when Azure does not grant within `GRANT_WAIT` seconds; what it grants later is found by its record.
    """
    from azure.mgmt.compute.models import GrantAccessData

    subscription, group, name = _parts(disk_id)
    data = GrantAccessData(access="Read", duration_in_seconds=int(lifetime.total_seconds()))
    with attempting(f"export the disk {disk_id}"):
        poller: Any = compute(subscription).disks.begin_grant_access(group, name, data)
        poller.wait(GRANT_WAIT)
        if not poller.done():
            raise TransientError("GrantIsSlow", f"The disk {disk_id} is not exported after {GRANT_WAIT} seconds.")
        result: Any = poller.result()
    # A server that sends no Location leaves the attribute empty (`azure-facts.md` section 3).
    address: str | None = result.access_sas
    if not address and "properties" in result:
        address = result["properties"].get("output", {}).get("accessSAS")
    if not address:
        raise RejectedError("GrantIsEmpty", f"Azure exported the disk {disk_id} without an address.")
    return address


def revoke(disk_id: str) -> None:
    """End the export of a disk; succeeds when the disk is gone or not exported."""
    subscription, group, name = _parts(disk_id)
    try:
        with attempting(f"end the export of the disk {disk_id}"):
            poller: Any = compute(subscription).disks.begin_revoke_access(group, name)
            poller.wait(REVOKE_WAIT)
            if not poller.done():
                raise TransientError("RevokeIsSlow", f"The export of {disk_id} still runs after {REVOKE_WAIT} seconds.")
            poller.result()
    except MissingError:
        return


def _parts(resource_id: str) -> tuple[str, str, str]:
    found = _RESOURCE.fullmatch(resource_id)
    if found is None:
        raise RejectedError("NotAComputeId", f"{resource_id!r} is not the id of a Compute resource.")
    return found["subscription"], found["group"], found["name"]
