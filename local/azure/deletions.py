"""Things that vanish while others use them: what goes with them, and who notices."""

from dataclasses import replace

from local.azure.arm_images import CustomImages
from local.azure.arm_operations import Operations
from local.azure.blob_store import BlobPath, BlobStore
from local.azure.disk_exports import DiskExports
from local.azure.machine_power import MachinePower
from local.azure.resources import ComputeVm, Disk, Lab, LabVm
from local.azure.state import State
from local.azure.storage_copies import StorageCopies

_KINDS = {"labs", "labs/virtualmachines", "labs/customimages", "virtualmachines", "disks", "storageaccounts"}


def can_be_deleted(arm_id: str) -> bool:
    """Whether an ARM id is of a kind that can vanish."""
    return _kind(arm_id) in _KINDS


class Deletions:
    """By ARM id. What is not there stays away; a resource group goes with the last that lies in it."""

    def __init__(
        self, state: State, blobs: BlobStore, operations: Operations, power: MachinePower, exports: DiskExports,
        copies: StorageCopies, images: CustomImages,
    ) -> None:  # fmt: skip
        self._state, self._blobs, self._operations, self._power = state, blobs, operations, power
        self._exports, self._copies, self._images = exports, copies, images

    async def delete(self, arm_id: str) -> None:
        """At once, whatever is under way. A lab takes its VMs and images along, a lab VM what it runs on, but no data disks."""
        parts, state = arm_id.lower().split("/"), self._state
        subscription, key, last = parts[2], f"{parts[4]}/{parts[8]}", parts[-1]
        lab_id = "/".join(parts[:9])
        match _kind(arm_id):
            case "labs" if lab := state.labs.get(subscription, key):
                await self._delete_lab(lab)
            case "labs/virtualmachines" if vm := state.lab_vms.get(lab_id, last):
                await self._delete_lab_vm(vm)
            case "labs/customimages" if image := state.images.get(lab_id, last):
                self._images.remove(image)
            case "virtualmachines" if machine := state.compute_vms.get(subscription, key):
                self._delete_machine(machine)
            case "disks" if disk := state.disks.get(subscription, key):
                await self._delete_disk(disk)
            case "storageaccounts" if account := state.accounts.get("", last):
                await self._delete_account(account.name)
            case _:
                return
        state.index()

    async def _delete_lab(self, lab: Lab) -> None:
        for vm in self._state.lab_vms.part(lab.id):
            await self._delete_lab_vm(vm)
        for image in self._state.images.part(lab.id):
            self._images.remove(image)
        self._state.labs.delete(lab.subscription, f"{lab.rg}/{lab.name}")

    async def _delete_lab_vm(self, vm: LabVm) -> None:
        if vm.operation:
            self._operations.end(vm.operation, {"code": "Canceled", "message": "The virtual machine was deleted."})
        self._state.lab_vms.delete(vm.lab_id, vm.name)
        machine = self._power.find(vm.compute_id)
        if machine is not None:
            disk = self._state.disks.get(machine.subscription, f"{machine.rg}/{machine.os_disk}")
            self._delete_machine(machine)
            if disk is not None:
                await self._delete_disk(disk)

    def _delete_machine(self, machine: ComputeVm) -> None:
        """Its disks are left, attached to nothing."""
        self._state.compute_vms.delete(machine.subscription, f"{machine.rg}/{machine.name}")
        for disk in list(self._state.disks.all()):
            if disk.vm.lower() == machine.id.lower():
                self._state.disks.put(disk.subscription, f"{disk.rg}/{disk.name}", replace(disk, vm=""))

    async def _delete_disk(self, disk: Disk) -> None:
        exported = await self._exports.revoke(disk)
        self._state.disks.delete(disk.subscription, f"{disk.rg}/{disk.name}")
        if exported is not None:
            await self._copies.source_gone(exported)

    async def _delete_account(self, name: str) -> None:
        self._state.accounts.delete("", name)
        for container in await self._blobs.list_containers(name):
            for blob in await self._blobs.list_blobs(name, container):
                path = BlobPath(name, container, blob.findtext("Name") or "")
                self._images.vhd_gone(path)
                await self._copies.source_gone(path)
            self._copies.forget_container(name, container)
            await self._blobs.delete_container(name, container)


def _kind(arm_id: str) -> str:
    """`labs/virtualmachines`, say."""
    return "/".join(arm_id.lower().split("/")[7::2])
