"""Microsoft.Compute/disks: what they are, and the signed URLs that export them."""

from typing import Protocol

from local.azure.arm_answers import Answer, ArmCall, ArmError, bad_request, conflict, not_found
from local.azure.arm_labs import find_group
from local.azure.arm_operations import DISK_SECONDS, Operations
from local.azure.blob_store import BlobPath
from local.azure.disk_exports import DiskExports
from local.azure.machine_power import MachinePower
from local.azure.resources import Disk, Json
from local.azure.state import State
from local.azure.vhd import FOOTER_SIZE, vhd_length

_LONGEST_GRANT = 60 * 24 * 3600
_GRANT_METER = "HighCostDiskHydrate"


class CopySources(Protocol):
    """Who must know that a copy source is gone."""

    async def source_gone(self, path: BlobPath) -> None: ...


class Disks:
    """Disks by subscription. Their state follows from the VM that holds them and from the grant on them."""

    def __init__(
        self, state: State, operations: Operations, power: MachinePower, exports: DiskExports, sources: CopySources
    ) -> None:
        self._state, self._operations, self._power = state, operations, power
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
        if disk.network_access_policy != "AllowAll":
            policy = f"network access policy is '{disk.network_access_policy}'"
            raise ArmError(403, "DiskAccessDenied", f"A SAS URI is not allowed for disk '{disk.name}': its {policy}.")
        if disk.public_network_access == "Disabled":
            message = f"A SAS URI is not allowed for disk '{disk.name}': its public network access is disabled."
            raise ArmError(403, "DiskAccessDenied", message)
        if disk.name.lower() in [name.lower() for name in self._state.behave.get("grantFail") or list[str]()]:
            raise conflict("OperationNotAllowed", f"A SAS URI cannot be given for disk '{disk.name}' at this time.")
        if self._is_in_use(disk):
            told = f"Access not permitted because disk {disk.name} is currently attached to running VM {disk.vm}."
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

    def _is_in_use(self, disk: Disk) -> bool:
        """Whether a VM holds it that is not deallocated; a VM that is not in this world runs."""
        vm = self._power.find(disk.vm)
        return bool(disk.vm) and (vm is None or vm.power != "deallocated")

    def _disk_state(self, disk: Disk) -> str:
        if self._exports.active(disk):
            return "ActiveSAS"
        if not disk.vm:
            return "Unattached"
        return "Attached" if self._is_in_use(disk) else "Reserved"

    def _disk(self, disk: Disk) -> Json:
        is_bootable = bool(disk.os_type)
        properties: Json = {
            "creationData": {"createOption": "FromImage" if is_bootable else "Empty"},
            "diskSizeGB": max(1, int(disk.size_gb)),
            "diskIOPSReadWrite": 500,
            "diskMBpsReadWrite": 60,
            "encryption": {"type": disk.encryption},
            "networkAccessPolicy": disk.network_access_policy,
            "publicNetworkAccess": disk.public_network_access,
            "timeCreated": disk.created,
            "provisioningState": "Succeeded",
            "diskState": self._disk_state(disk),
            "diskSizeBytes": vhd_length(disk.size_gb) - FOOTER_SIZE,
            "uniqueId": disk.unique_id,
            "LastOwnershipUpdateTime": disk.ownership_updated,
        }
        if is_bootable:
            properties |= {"osType": disk.os_type, "hyperVGeneration": disk.hyper_v_generation}
        if disk.data_access_auth_mode is not None:
            properties["dataAccessAuthMode"] = disk.data_access_auth_mode
        if disk.encryption_settings:
            properties["encryptionSettingsCollection"] = _encryption_settings(disk)
        if disk.security_type:
            properties["securityProfile"] = {"securityType": disk.security_type}
        if disk.purchase_plan is not None:
            properties["purchasePlan"] = disk.purchase_plan
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


def _encryption_settings(disk: Disk) -> Json:
    """Azure Disk Encryption: the guest encrypts, with a secret in a vault."""
    vault = f"{disk.id.partition('/Microsoft.Compute/')[0]}/Microsoft.KeyVault/vaults/local"
    key = {"sourceVault": {"id": vault}, "secretUrl": "https://local.vault.azure.net/secrets/disk/1"}
    return {"enabled": True, "encryptionSettings": [{"diskEncryptionKey": key}], "encryptionSettingsVersion": "1.1"}
