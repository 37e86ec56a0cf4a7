"""Microsoft.DevTestLab/labs/virtualMachines: VMs as their lab sees them. What they run on, Compute tells."""

from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from local.azure.arm_answers import Answer, ArmCall, conflict, not_found
from local.azure.arm_labs import Labs, find_lab
from local.azure.arm_operations import Operations
from local.azure.clock import iso
from local.azure.machine_power import MOMENT, MachinePower
from local.azure.resources import ComputeVm, Json, Lab, LabVm, compute_id
from local.azure.state import State

_POWER_STATES = {"running": "Running", "starting": "Starting", "stopping": "Stopping", "deallocating": "Stopping"}
_BUSY = {"creating", "deleting", "applyingartifacts", "upgradingvmagent"}


def find_lab_vm(state: State, lab: Lab, call: ArmCall) -> LabVm:
    vm = state.lab_vms.get(lab.id, call.name("vm"))
    if vm is None:
        names = f"{call.name('lab')}/{call.name('vm')}"
        raise not_found("Microsoft.DevTestLab/labs/virtualMachines", names, call.group)
    return vm


def refuse_while_busy(vm: LabVm) -> None:
    """A VM takes one operation at a time; its provisioning state tells."""
    if vm.state.lower() in _BUSY:
        raise conflict("OperationInProgress", f"Another operation is in progress on the virtual machine '{vm.name}'.")


def find_running(power: MachinePower, vm: LabVm) -> ComputeVm:
    """What the VM runs on; raises when it does not run, or is about to stop."""
    machine = power.find(vm.compute_id)
    if machine is None or machine.power != "running":
        raise conflict("VirtualMachineNotRunning", f"The virtual machine '{vm.name}' must run for this.")
    if power.steps(machine):
        raise conflict("OperationInProgress", f"The virtual machine '{vm.name}' is about to stop.")
    return machine


class LabVms:
    """VMs by lab. Starting and stopping them is done by Compute."""

    def __init__(self, state: State, operations: Operations, power: MachinePower, labs: Labs) -> None:
        self._state, self._operations, self._power, self._labs = state, operations, power, labs

    async def list(self, call: ArmCall) -> Answer:
        lab = find_lab(self._state, call, "virtualMachines/read")
        return self._labs.page(call, [self._vm(vm, lab, call) for vm in self._state.lab_vms.part(lab.id)])

    async def get(self, call: ArmCall) -> Answer:
        lab = find_lab(self._state, call, "virtualMachines/read")
        vm = find_lab_vm(self._state, lab, call)
        formula = quote(vm.unique_id[:22] + "==", safe="=")
        return Answer(200, self._vm(vm, lab, call), {"x-ms-dtl-vm-formula-hash": formula})

    async def start(self, call: ArmCall) -> Answer:
        return self._begin(call, "Start", self._power.start)

    async def stop(self, call: ArmCall) -> Answer:
        """DevTest Labs deallocates what it stops."""
        return self._begin(call, "Stop", partial(self._power.stop, deallocate=True))

    def _begin(self, call: ArmCall, action: str, change: Callable[[ComputeVm], None]) -> Answer:
        lab = find_lab(self._state, call, f"virtualMachines/{action}/action")
        vm = find_lab_vm(self._state, lab, call)
        refuse_while_busy(vm)
        machine = self._power.find(vm.compute_id)
        if machine is None:
            raise not_found("Microsoft.Compute/virtualMachines", vm.name, vm.compute_id.split("/")[4])
        with self._state.store.transaction():
            change(machine)
            operation = self._operations.begin("dtl", MOMENT)
        return self._operations.accepted(call, operation, lab.location, effect="update")

    def _vm(self, vm: LabVm, lab: Lab, call: ArmCall) -> Json:
        network = f"Dtl{lab.name}"
        compute = self._power.find(vm.compute_id)
        properties: Json = {
            "ownerObjectId": "",
            "ownerUserPrincipalName": "",
            "createdByUserId": "1003000000000000",
            "createdByUser": "user@example.com",
            "createdDate": iso(vm.created),
            "computeId": vm.compute_id,
            "osType": vm.os_type,
            "size": "Standard_DS1_v2",
            "userName": "labuser",
            "isAuthenticationWithSshKey": False,
            "labSubnetName": f"{network}Subnet",
            "labVirtualNetworkId": f"{lab.id}/virtualnetworks/{network.lower()}",
            "disallowPublicIpAddress": True,
            "artifactDeploymentStatus": _deployment_status(vm),
            "galleryImageReference": _gallery_image(vm.os_type),
            "networkInterface": {},
            "allowClaim": False,
            "storageType": "Standard",
            "virtualMachineCreationSource": "FromGalleryImage",
            "lastKnownPowerState": _POWER_STATES.get(compute.power or "" if compute else "", "Stopped"),
            "provisioningState": vm.state,
            "uniqueIdentifier": vm.unique_id,
        }
        if vm.notes is not None:
            properties["notes"] = vm.notes
        expand = call.query.get("$expand", "").lower()
        if "artifacts" in expand and vm.artifacts:
            properties["artifacts"] = list(vm.artifacts)
        if "computevm" in expand and compute:
            properties["computeVm"] = self._compute_vm(compute)
        body: Json = {
            "properties": properties,
            "location": lab.location,
            "id": vm.id,
            "name": vm.name,
            "type": "Microsoft.DevTestLab/labs/virtualMachines",
        }
        return body if vm.tags is None else {**body, "tags": vm.tags}

    def _compute_vm(self, machine: ComputeVm) -> Json:
        data = [(name, compute_id(machine.subscription, machine.rg, "disks", name)) for name in machine.data_disks]
        sizes = {name: self._state.disks.get(machine.subscription, f"{machine.rg}/{name}") for name, _ in data}
        return {
            "statuses": [{"code": status.code, "displayStatus": status.display} for status in machine.statuses],
            "osType": machine.os_type,
            "vmSize": "Standard_DS1_v2",
            "osDiskId": compute_id(machine.subscription, machine.rg, "disks", machine.os_disk),
            "dataDiskIds": [arm_id for _, arm_id in data],
            "dataDisks": [
                {
                    "name": name,
                    "managedDiskId": arm_id,
                    "diskSizeGiB": int(disk.size_gb) or 1 if (disk := sizes[name]) else 1,
                }
                for name, arm_id in data
            ],
        }


def _deployment_status(vm: LabVm) -> Json:
    """Without artifacts it says no more than that (recorded)."""
    statuses = [str(artifact.get("status") or "Succeeded") for artifact in vm.artifacts]
    counts: Json = {"artifactsApplied": statuses.count("Succeeded"), "totalArtifacts": len(statuses)}
    if not statuses:
        return counts
    overall = "Installing" if "Pending" in statuses else "Failed" if "Failed" in statuses else "Succeeded"
    return {"deploymentStatus": overall, **counts}


def _gallery_image(os_type: str) -> Json:
    if os_type == "Windows":
        offer = {"offer": "WindowsServer", "publisher": "MicrosoftWindowsServer", "sku": "2022-datacenter"}
    else:
        offer = {"offer": "0001-com-ubuntu-server-jammy", "publisher": "canonical", "sku": "22_04-lts"}
    return {**offer, "osType": os_type, "version": "latest"}
