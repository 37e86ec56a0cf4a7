"""The part of the world file that Microsoft.Compute shows: VMs, their statuses, their disks."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from local.azure.clock import iso, parse_iso
from local.azure.machine_power import Step, display_of
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
        base.append(Status(f"PowerState/{_power(power_state)}", power_state))
    return (*base, *extra)


def read_steps(given: Iterable[Json]) -> tuple[Step, ...]:
    """What lies ahead of a VM: {`seconds` after the step before, `powerState`}."""
    return tuple((float(step["seconds"]), _power(step["powerState"])) for step in given)


def _power(displayed: str) -> str:
    return displayed.lower().removeprefix("vm ").strip()


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


def data_disk_of(vm: ComputeVm, name: str) -> Disk:
    arm_id = compute_id(vm.subscription, vm.rg, "disks", name)
    return Disk(
        vm.subscription, vm.rg, name, vm.location, "", seeded_uuid(arm_id), 1, f"disk:{arm_id.lower()}",
        LONG_AGO, LONG_AGO, vm.id,
    )  # fmt: skip


def standalone_disk(arm_id: str) -> Disk:
    parts = arm_id.split("/")
    return Disk(
        parts[2], parts[4], parts[8], "westeurope", "Windows", seeded_uuid(arm_id), 1,
        f"disk:{arm_id.lower()}", LONG_AGO, LONG_AGO,
    )  # fmt: skip


def overridden(disk: Disk, given: Json) -> Disk:
    """A disk with what the world says of it. One with a security type is of the second generation unless it says otherwise."""
    fields = {
        "uniqueId": "unique_id", "sizeGb": "size_gb", "seed": "seed", "hyperVGeneration": "hyper_v_generation",
        "networkAccessPolicy": "network_access_policy", "publicNetworkAccess": "public_network_access",
        "dataAccessAuthMode": "data_access_auth_mode", "lastOwnershipUpdateTime": "ownership_updated",
        "timeCreated": "created", "location": "location", "osType": "os_type", "managedBy": "vm",
        "encryption": "encryption", "encryptionSettings": "encryption_settings", "securityType": "security_type",
        "purchasePlan": "purchase_plan",
    }  # fmt: skip
    changes = {field: given[key] for key, field in fields.items() if given.get(key) is not None}
    if "security_type" in changes:
        changes.setdefault("hyper_v_generation", "V2")
    if "seed" in changes:
        changes["seed"] = str(changes["seed"])
    return replace(disk, **changes)
