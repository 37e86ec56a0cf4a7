"""The Compute side of a golden VM: its power state, its OS disk, the calls that end its life (`azure-facts.md` section 3)."""

from dataclasses import replace
from typing import Any

from shared.azure.clients import compute
from shared.azure.compute_ids import ComputeId
from shared.azure.disks import get_disk, plan_name
from shared.azure.errors import attempting
from shared.domain.golden_vms import GoldenVm
from shared.errors import MissingError


def with_compute(vm: GoldenVm) -> GoldenVm:
    """The VM with its power state, OS state and OS disk; unchanged when its Compute VM is gone (B21).

    The statuses are searched by prefix: their order and count are not fixed.
    """
    if not vm.compute_id:
        return vm
    found = ComputeId.parse(vm.compute_id)
    try:
        with attempting(f"read the VM {vm.compute_id}"):
            machines = compute(found.subscription).virtual_machines
            machine: Any = machines.get(found.resource_group, found.name, expand="instanceView")
    except MissingError:
        return vm
    statuses: list[Any] = (machine.instance_view.statuses or []) if machine.instance_view else []
    codes = [str(status.code) for status in statuses]
    vm = replace(
        vm,
        vm_id=machine.vm_id or "",
        power_state=next((code.partition("/")[2] for code in codes if code.startswith("PowerState/")), "unknown"),
        generalized="OSState/generalized" in codes,
        purchase_plan=plan_name(machine.plan),
    )
    storage = machine.storage_profile
    if not (storage and storage.os_disk and storage.os_disk.managed_disk):
        return vm
    disk = get_disk(storage.os_disk.managed_disk.id)
    return replace(
        vm,
        disk=disk.identity,
        traits=disk.traits,
        data_disks=len(storage.data_disks or []),
        purchase_plan=vm.purchase_plan or disk.purchase_plan,
    )


def begin_deallocate(compute_id: str) -> None:
    """Start to deallocate and return at once; the VM's power state says when it is done."""
    found = ComputeId.parse(compute_id)
    with attempting(f"deallocate the VM {compute_id}"):
        compute(found.subscription).virtual_machines.begin_deallocate(found.resource_group, found.name, polling=False)


def mark_generalized(compute_id: str) -> None:
    """Tell Compute that the VM is generalized: it can never be started again. Synchronous."""
    found = ComputeId.parse(compute_id)
    with attempting(f"mark the VM {compute_id} as generalized"):
        compute(found.subscription).virtual_machines.generalize(found.resource_group, found.name)
