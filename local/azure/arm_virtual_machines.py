"""Microsoft.Compute/virtualMachines: what they are, how they start and stop."""

from collections.abc import Callable
from functools import partial

from local.azure.arm_answers import Answer, ArmCall, conflict, not_found
from local.azure.arm_labs import find_group
from local.azure.arm_operations import Operations
from local.azure.clock import iso
from local.azure.machine_power import MOMENT, MachinePower
from local.azure.resources import ComputeVm, Disk, Json, Status, compute_id
from local.azure.state import State


class VirtualMachines:
    """VMs by subscription. Starting and stopping takes a moment, in which the disks are in use."""

    def __init__(self, state: State, operations: Operations, power: MachinePower) -> None:
        self._state, self._operations, self._power = state, operations, power

    async def get(self, call: ArmCall) -> Answer:
        vm = self._find_vm(call)
        body = self._vm(vm)
        if "instanceview" in call.query.get("$expand", "").lower():
            body["properties"]["instanceView"] = self._instance_view(vm)
        return Answer(200, body, meter="LowCostGetVM")

    async def instance_view(self, call: ArmCall) -> Answer:
        return Answer(200, self._instance_view(self._find_vm(call)), meter="LowCostGetVM")

    async def start(self, call: ArmCall) -> Answer:
        return self._begin(call, self._power.start, "UpdateVM")

    async def deallocate(self, call: ArmCall) -> Answer:
        return self._begin(call, partial(self._power.stop, deallocate=True), "DeleteVM")

    async def power_off(self, call: ArmCall) -> Answer:
        return self._begin(call, partial(self._power.stop, deallocate=False), "UpdateVM")

    async def generalize(self, call: ArmCall) -> Answer:
        """Synchronous, 200, empty (recorded in compute/test_vm_generalize.json)."""
        vm = self._find_vm(call)
        if vm.power not in ("stopped", "deallocated", None):
            raise conflict("OperationNotAllowed", f"The VM '{vm.name}' must be stopped before it is generalized.")
        self._power.generalize(vm)
        return Answer(200, effect="update", meter="UpdateVM")

    def _begin(self, call: ArmCall, change: Callable[[ComputeVm], None], meter: str) -> Answer:
        vm = self._find_vm(call)
        with self._state.store.transaction():
            change(vm)
            operation = self._operations.begin("compute", MOMENT)
        return self._operations.accepted(call, operation, vm.location, effect="update", meter=meter)

    def _find_vm(self, call: ArmCall) -> ComputeVm:
        find_group(self._state, call)
        vm = self._state.compute_vms.get(call.subscription, f"{call.group}/{call.name('vm')}")
        if vm is None:
            raise not_found("Microsoft.Compute/virtualMachines", call.name("vm"), call.group)
        return vm

    def _vm(self, vm: ComputeVm) -> Json:
        os_disk = self._disk(vm, vm.os_disk)
        properties: Json = {
            "hardwareProfile": {"vmSize": "Standard_DS1_v2"},
            "provisioningState": "Succeeded",
            "vmId": vm.vm_id,
            "storageProfile": {
                "imageReference": _image_reference(vm.os_type),
                "osDisk": {"osType": vm.os_type, "createOption": "FromImage", **self._attached(vm, vm.os_disk)},
                "dataDisks": [
                    {"lun": lun, "createOption": "Attach", **self._attached(vm, name), "toBeDetached": False}
                    for lun, name in enumerate(vm.data_disks)
                ],
            },
            "osProfile": {
                "computerName": vm.name,
                "adminUsername": "labuser",
                "secrets": [],
                "allowExtensionOperations": True,
                "requireGuestProvisionSignal": True,
                **_os_configuration(vm.os_type),
            },
            "networkProfile": {"networkInterfaces": [{"id": _network_interface(vm)}]},
            "timeCreated": iso(vm.created),
        }
        if os_disk and os_disk.security_type:
            properties["securityProfile"] = _security_profile(os_disk.security_type)
        body: Json = {
            "name": vm.name,
            "id": vm.id,
            "type": "Microsoft.Compute/virtualMachines",
            "location": vm.location,
            "tags": {},
            "properties": properties,
            "etag": '"2"',
        }
        return body if vm.plan is None else {**body, "plan": vm.plan}

    def _attached(self, vm: ComputeVm, name: str) -> Json:
        disk = self._disk(vm, name)
        arm_id = compute_id(vm.subscription, vm.rg, "disks", name)
        return {
            "name": name,
            "caching": "ReadWrite",
            "managedDisk": {"storageAccountType": "Standard_LRS", "id": arm_id},
            "deleteOption": "Detach",
            "diskSizeGB": int(disk.size_gb) or 1 if disk else 1,
        }

    def _disk(self, vm: ComputeVm, name: str) -> Disk | None:
        return self._state.disks.get(vm.subscription, f"{vm.rg}/{name}")

    def _instance_view(self, vm: ComputeVm) -> Json:
        """A VM that does not run has no agent to tell names and versions."""
        view: Json = {}
        if vm.power == "running":
            ready = {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Ready"}
            ready |= {"message": "Guest Agent is running", "time": iso(self._state.clock.now())}
            view = {"computerName": vm.name, "osName": vm.os_type.lower(), "osVersion": "1.0"}
            view["vmAgent"] = {"vmAgentVersion": "2.11.1.4", "statuses": [ready], "extensionHandlers": []}
        provisioned = {"code": "ProvisioningState/succeeded", "level": "Info"}
        provisioned |= {"displayStatus": "Provisioning succeeded", "time": iso(vm.created)}
        os_disk = self._disk(vm, vm.os_disk)
        return {
            **view,
            "disks": [{"name": name, "statuses": [provisioned]} for name in (vm.os_disk, *vm.data_disks)],
            "hyperVGeneration": os_disk.hyper_v_generation if os_disk else "V1",
            "statuses": [self._status(vm, status) for status in vm.statuses],
        }

    def _status(self, vm: ComputeVm, status: Status) -> Json:
        shown = {"code": status.code, "level": "Info", "displayStatus": status.display}
        return shown | ({"time": iso(vm.created)} if status.code.lower().startswith("provisioningstate/") else {})


def _image_reference(os_type: str) -> Json:
    if os_type == "Windows":
        reference = {"publisher": "MicrosoftWindowsServer", "offer": "WindowsServer", "sku": "2022-datacenter"}
    else:
        reference = {"publisher": "canonical", "offer": "0001-com-ubuntu-server-jammy", "sku": "22_04-lts"}
    return {**reference, "version": "latest", "exactVersion": "1.0.0"}


def _os_configuration(os_type: str) -> Json:
    if os_type == "Windows":
        return {"windowsConfiguration": {"provisionVMAgent": True, "enableAutomaticUpdates": True}}
    patch = {"patchMode": "ImageDefault", "assessmentMode": "ImageDefault"}
    return {
        "linuxConfiguration": {"disablePasswordAuthentication": False, "provisionVMAgent": True, "patchSettings": patch}
    }


def _security_profile(disk_type: str) -> Json:
    """A disk says more exactly than its VM how it is encrypted: `ConfidentialVM_...`."""
    uefi = {"secureBootEnabled": True, "vTpmEnabled": True}
    return {"uefiSettings": uefi, "securityType": disk_type.partition("_")[0]}


def _network_interface(vm: ComputeVm) -> str:
    return f"{vm.id.partition('/Microsoft.Compute/')[0]}/Microsoft.Network/networkInterfaces/{vm.name}"
