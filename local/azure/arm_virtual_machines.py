"""Microsoft.Compute/virtualMachines: what they are, how they stop, what the world lets happen to them."""

from dataclasses import replace

from local.azure.arm_answers import Answer, ArmCall, conflict, not_found
from local.azure.arm_labs import find_group
from local.azure.arm_operations import COMPUTE_SECONDS, Operations
from local.azure.clock import iso
from local.azure.resources import ComputeVm, Due, Json, Status
from local.azure.state import State

_DISPLAY = {
    "provisioningstate/succeeded": "Provisioning succeeded",
    "osstate/generalized": "VM generalized",
}


def display_of(code: str) -> str:
    """What Azure shows for a status code: `PowerState/deallocated` is "VM deallocated"."""
    kind, _, value = code.partition("/")
    return f"VM {value}" if kind.lower() == "powerstate" else _DISPLAY.get(code.lower(), value)


class VirtualMachines:
    """VMs by subscription. Stopping takes a moment, in which the disk is still in use."""

    def __init__(self, state: State, operations: Operations) -> None:
        self._state, self._operations = state, operations
        state.timeline.on("stop", self._end_stopping)
        state.timeline.on("statuses", self._change_statuses)

    async def get(self, call: ArmCall) -> Answer:
        vm = self._find_vm(call)
        body = self._vm(vm)
        if "instanceview" in call.query.get("$expand", "").lower():
            body["properties"]["instanceView"] = self._instance_view(vm)
        return Answer(200, body, meter="LowCostGetVM")

    async def instance_view(self, call: ArmCall) -> Answer:
        return Answer(200, self._instance_view(self._find_vm(call)), meter="LowCostGetVM")

    async def deallocate(self, call: ArmCall) -> Answer:
        return self._stop(call, "deallocating", "deallocated", "DeleteVM")

    async def power_off(self, call: ArmCall) -> Answer:
        """The VM keeps its place, and its disk is still attached to it."""
        return self._stop(call, "stopping", "stopped", "UpdateVM")

    async def generalize(self, call: ArmCall) -> Answer:
        """Synchronous, 200, empty (recorded in compute/test_vm_generalize.json)."""
        vm = self._find_vm(call)
        if vm.power in ("running", "starting"):
            raise conflict("OperationNotAllowed", f"The VM '{vm.name}' must be stopped before it is generalized.")
        kept = tuple(status for status in vm.statuses if not status.code.lower().startswith("osstate/"))
        code = "OSState/generalized"
        self._keep(replace(vm, statuses=(*kept, Status(code, display_of(code)))))
        return Answer(200, effect="update", meter="UpdateVM")

    def _stop(self, call: ArmCall, during: str, after: str, meter: str) -> Answer:
        vm = self._find_vm(call)
        with self._state.store.transaction():
            operation = self._operations.begin("compute", COMPUTE_SECONDS)
            if vm.power not in (after, "deallocated"):
                self._power(vm, during)
                at = self._state.clock.now() + COMPUTE_SECONDS
                self._state.timeline.schedule(Due(at, "stop", vm.id, {"during": during, "after": after}))
        return self._operations.accepted(call, operation, vm.location, effect="update", meter=meter)

    def _find_vm(self, call: ArmCall) -> ComputeVm:
        find_group(self._state, call)
        vm = self._state.compute_vms.get(call.subscription, f"{call.group}/{call.name('vm')}")
        if vm is None:
            raise not_found("Microsoft.Compute/virtualMachines", call.name("vm"), call.group)
        return vm

    def _power(self, vm: ComputeVm, state: str) -> ComputeVm:
        kept = tuple(status for status in vm.statuses if not status.code.lower().startswith("powerstate/"))
        code = f"PowerState/{state}"
        return self._keep(replace(vm, statuses=(*kept, Status(code, display_of(code)))))

    def _keep(self, vm: ComputeVm) -> ComputeVm:
        return self._state.compute_vms.put(vm.subscription, f"{vm.rg}/{vm.name}", vm)

    async def _end_stopping(self, due: Due) -> None:
        parts = due.key.split("/")
        vm = self._state.compute_vms.get(parts[2], f"{parts[4]}/{parts[8]}")
        if vm is None or vm.power != due.detail["during"]:
            return
        with self._state.store.transaction():
            self._power(vm, due.detail["after"])
            disk = self._state.disks.get(vm.subscription, f"{vm.rg}/{vm.os_disk}")
            if disk is not None and due.detail["after"] == "deallocated":
                changed = replace(disk, ownership_updated=iso(self._state.clock.now()))
                self._state.disks.put(disk.subscription, f"{disk.rg}/{disk.name}", changed)

    async def _change_statuses(self, due: Due) -> None:
        """An event of the world: every VM of that name shows these statuses from now on."""
        codes: list[str] = due.detail["statuses"]
        statuses = tuple(Status(code, display_of(code)) for code in codes)
        for vm in list(self._state.compute_vms.all()):
            if vm.name.lower() == due.detail["vm"].lower():
                self._keep(replace(vm, statuses=statuses))

    def _vm(self, vm: ComputeVm) -> Json:
        disk_id = vm.id.rpartition("/virtualMachines/")[0] + f"/disks/{vm.os_disk}"
        disk = self._state.disks.get(vm.subscription, f"{vm.rg}/{vm.os_disk}")
        return {
            "name": vm.name,
            "id": vm.id,
            "type": "Microsoft.Compute/virtualMachines",
            "location": vm.location,
            "tags": {},
            "properties": {
                "hardwareProfile": {"vmSize": "Standard_DS1_v2"},
                "provisioningState": "Succeeded",
                "vmId": vm.vm_id,
                "storageProfile": {
                    "imageReference": _image_reference(vm.os_type),
                    "osDisk": {
                        "osType": vm.os_type,
                        "name": vm.os_disk,
                        "createOption": "FromImage",
                        "caching": "ReadWrite",
                        "managedDisk": {"storageAccountType": "Standard_LRS", "id": disk_id},
                        "deleteOption": "Detach",
                        "diskSizeGB": int(disk.size_gb) or 1 if disk else 1,
                    },
                    "dataDisks": [],
                },
                "osProfile": {
                    "computerName": vm.name,
                    "adminUsername": "labuser",
                    "secrets": [],
                    "allowExtensionOperations": True,
                    "requireGuestProvisionSignal": True,
                    **_os_configuration(vm.os_type),
                },
                "networkProfile": {
                    "networkInterfaces": [
                        {
                            "id": f"{vm.id.partition('/Microsoft.Compute/')[0]}/Microsoft.Network/networkInterfaces/{vm.name}"
                        }
                    ]
                },
                "timeCreated": iso(vm.created),
            },
            "etag": '"2"',
        }

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
        return {
            **view,
            "disks": [{"name": vm.os_disk, "statuses": [provisioned]}],
            "hyperVGeneration": "V1",
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
