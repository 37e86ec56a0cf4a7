"""Microsoft.Compute/disks: what they are, and the signed URLs that export them."""

from typing import Protocol

from local.azure.arm_answers import Answer, ArmCall, ArmError, bad_request, conflict, not_found
from local.azure.arm_labs import find_group
from local.azure.arm_operations import DISK_SECONDS, Operations
from local.azure.blob_store import BlobPath
from local.azure.disk_exports import DiskExports
from local.azure.resources import ComputeVm, Disk, Json
from local.azure.state import State
from local.azure.vhd import FOOTER_SIZE, vhd_length

_LONGEST_GRANT = 60 * 24 * 3600
_GRANT_METER = "HighCostDiskHydrate"


class CopySources(Protocol):
    """Who must know that a copy source is gone."""

    async def source_gone(self, path: BlobPath) -> None: ...


class Disks:
    """Disks by subscription. Their state follows from their VM and from the grant on them."""

    def __init__(self, state: State, operations: Operations, exports: DiskExports, sources: CopySources) -> None:
        self._state, self._operations = state, operations
        self._exports, self._sources = exports, sources

    async def get(self, call: ArmCall) -> Answer:
        return Answer(200, self._disk(self._find_disk(call)), meter="LowCostGet")

    async def grant(self, call: ArmCall) -> Answer:
        disk = self._find_disk(call)
        seconds = self._check_grant(disk, call.body)
        grant, url = await self._exports.prepare(disk, call.caller, seconds)
        if self._exports.active(disk):
            raise self._already_granted(disk)
        with self._state.store.transaction():
            self._exports.keep(grant)
            operation = self._operations.begin("disk", DISK_SECONDS, output={"accessSAS": url})
        return self._operations.accepted(call, operation, disk.location, effect="grant", meter=_GRANT_METER)

    async def revoke(self, call: ArmCall) -> Answer:
        disk = self._find_disk(call)
        path = await self._exports.revoke(disk)
        if path is not None:
            await self._sources.source_gone(path)
        operation = self._operations.begin("disk", DISK_SECONDS)
        return self._operations.accepted(call, operation, disk.location, effect="revoke", meter=_GRANT_METER)

    def _check_grant(self, disk: Disk, body: Json) -> float:
        """How long the grant is asked for; raises as Azure does when it cannot be given."""
        try:
            seconds = float(body["durationInSeconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise bad_request("InvalidParameter", "Required parameter 'durationInSeconds' is missing.") from error
        if not 0 < seconds <= _LONGEST_GRANT:
            raise bad_request("InvalidParameter", f"The value '{seconds:.0f}' of 'durationInSeconds' is out of range.")
        if body.get("access") != "Read":
            raise bad_request(
                "InvalidParameter", f"The access '{body.get('access')}' is not allowed on disk '{disk.name}'."
            )
        if disk.network_access_policy != "AllowAll" or disk.public_network_access == "Disabled":
            message = f"The network access policy of disk '{disk.name}' does not allow a SAS URI."
            raise ArmError(403, "DiskAccessDenied", message)
        if disk.name.lower() in [name.lower() for name in self._state.behave.get("grantFail") or list[str]()]:
            raise conflict("OperationNotAllowed", f"A SAS URI cannot be given for disk '{disk.name}' at this time.")
        vm = self._vm_of(disk)
        if vm is not None and vm.power != "deallocated":
            told = f"Access not permitted because disk {disk.name} is currently attached to running VM {vm.id}."
            raise conflict("Conflict", told)
        if self._exports.active(disk):
            raise self._already_granted(disk)
        return seconds

    def _already_granted(self, disk: Disk) -> ArmError:
        return conflict("Conflict", f"There is an active shared access signature outstanding for disk {disk.name}.")

    def _find_disk(self, call: ArmCall) -> Disk:
        find_group(self._state, call)
        disk = self._state.disks.get(call.subscription, f"{call.group}/{call.name('disk')}")
        if disk is None:
            raise not_found("Microsoft.Compute/disks", call.name("disk"), call.group)
        return disk

    def _vm_of(self, disk: Disk) -> ComputeVm | None:
        parts = disk.vm.split("/")
        return self._state.compute_vms.get(parts[2], f"{parts[4]}/{parts[8]}") if len(parts) == 9 else None

    def _disk_state(self, disk: Disk) -> str:
        if self._exports.active(disk):
            return "ActiveSAS"
        vm = self._vm_of(disk)
        if vm is None:
            return "Unattached"
        return "Reserved" if vm.power == "deallocated" else "Attached"

    def _disk(self, disk: Disk) -> Json:
        properties: Json = {
            "osType": disk.os_type,
            "hyperVGeneration": disk.hyper_v_generation,
            "creationData": {"createOption": "FromImage"},
            "diskSizeGB": max(1, int(disk.size_gb)),
            "diskIOPSReadWrite": 500,
            "diskMBpsReadWrite": 60,
            "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
            "networkAccessPolicy": disk.network_access_policy,
            "publicNetworkAccess": disk.public_network_access,
            "timeCreated": disk.created,
            "provisioningState": "Succeeded",
            "diskState": self._disk_state(disk),
            "diskSizeBytes": vhd_length(disk.size_gb) - FOOTER_SIZE,
            "uniqueId": disk.unique_id,
            "LastOwnershipUpdateTime": disk.ownership_updated,
        }
        if disk.data_access_auth_mode is not None:
            properties["dataAccessAuthMode"] = disk.data_access_auth_mode
        body: Json = {
            "name": disk.name,
            "id": disk.id,
            "type": "Microsoft.Compute/disks",
            "location": disk.location,
            "tags": {},
            "sku": {"name": "Standard_LRS", "tier": "Standard"},
            "properties": properties,
        }
        return {**body, "managedBy": disk.vm} if disk.vm else body
