"""The part of the world file that Microsoft.Compute shows: VMs, their statuses, their disks."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from local.azure.arm_virtual_machines import display_of
from local.azure.clock import iso, parse_iso
from local.azure.resources import ComputeVm, Disk, Json, LabVm, Status, compute_id
from local.azure.vhd import seeded_uuid

LONG_AGO = "2026-01-15T08:00:00.000000+00:00"
_DEALLOCATED_AFTER = 600


def read_statuses(power_state: str | None, given: Iterable[Any]) -> tuple[Status, ...]:
    """`powerState` as Azure displays it, and codes; those stand for themselves if one tells the power state."""
    extra = [Status(code, display) for code, display in map(_code, given)]
    codes = [status.code.lower() for status in extra]
    base: list[Status] = []
    if not any(code.startswith("provisioningstate/") for code in codes):
        base.append(Status("ProvisioningState/succeeded", "Provisioning succeeded"))
    if power_state and not any(code.startswith("powerstate/") for code in codes):
        code = f"PowerState/{power_state.lower().removeprefix('vm ').strip()}"
        base.append(Status(code, power_state))
    return (*base, *extra)


def _code(given: Any) -> tuple[str, str]:
    code = given if isinstance(given, str) else str(given["code"])
    display = None if isinstance(given, str) else given.get("displayStatus")
    return code, display or display_of(code)


def os_disk_of(vm: ComputeVm, owner: LabVm | None) -> Disk:
    arm_id = compute_id(vm.subscription, vm.rg, "disks", vm.os_disk)
    installed = (
        [str(artifact["installTime"]) for artifact in owner.artifacts if artifact.get("installTime")] if owner else []
    )
    updated = iso(parse_iso(installed[-1]) + _DEALLOCATED_AFTER) if installed else LONG_AGO
    return Disk(
        vm.subscription, vm.rg, vm.os_disk, vm.location, vm.os_type, seeded_uuid(arm_id), 1, f"disk:{arm_id.lower()}",
        updated, LONG_AGO, vm.id,
    )  # fmt: skip


def standalone_disk(arm_id: str) -> Disk:
    parts = arm_id.split("/")
    return Disk(
        parts[2], parts[4], parts[8], "westeurope", "Windows", seeded_uuid(arm_id), 1,
        f"disk:{arm_id.lower()}", LONG_AGO, LONG_AGO,
    )  # fmt: skip


def overridden(disk: Disk, given: Json) -> Disk:
    fields = {
        "uniqueId": "unique_id", "sizeGb": "size_gb", "seed": "seed", "hyperVGeneration": "hyper_v_generation",
        "networkAccessPolicy": "network_access_policy", "publicNetworkAccess": "public_network_access",
        "dataAccessAuthMode": "data_access_auth_mode", "lastOwnershipUpdateTime": "ownership_updated",
        "timeCreated": "created", "location": "location", "osType": "os_type",
    }  # fmt: skip
    changes = {field: given[key] for key, field in fields.items() if given.get(key) is not None}
    if "seed" in changes:
        changes["seed"] = str(changes["seed"])
    return replace(disk, **changes)
