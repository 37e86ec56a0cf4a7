"""How Compute VMs come to run and to stop, now or in steps that lie ahead; and what that does to their disks."""

from collections.abc import Sequence
from dataclasses import replace

from local.azure.arm_answers import ArmError, conflict
from local.azure.clock import iso
from local.azure.disk_exports import DiskExports
from local.azure.resources import ComputeVm, Disk, Due, Json, Status
from local.azure.state import State

Step = tuple[float, str]
"""Seconds after the step before, and the power state that the VM then has."""

MOMENT = 0.5
"""How long a VM takes to start or to stop when it is told to."""

_DISPLAY = {
    "provisioningstate/succeeded": "Provisioning succeeded",
    "osstate/generalized": "VM generalized",
}


def display_of(code: str) -> str:
    """What Azure shows for a status code: `PowerState/deallocated` is "VM deallocated"."""
    kind, _, value = code.partition("/")
    return f"VM {value}" if kind.lower() == "powerstate" else _DISPLAY.get(code.lower(), value)


class MachinePower:
    """A VM has one row of steps at most. Who gives it another one, or another state, ends the former."""

    def __init__(self, state: State, exports: DiskExports) -> None:
        self._state, self._exports = state, exports
        state.timeline.on("power", self._take_step)

    def find(self, arm_id: str) -> ComputeVm | None:
        """The VM of an ARM id; None when there is none."""
        parts = arm_id.split("/")
        return self._state.compute_vms.get(parts[2], f"{parts[4]}/{parts[8]}") if len(parts) == 9 else None

    def start(self, vm: ComputeVm) -> None:
        """Begin to start it; raises as Azure does when it cannot be started."""
        if vm.is_generalized:
            told = f"Operation 'start' is not allowed on VM '{vm.name}' since the VM is generalized."
            raise conflict("OperationNotAllowed", told)
        for disk in self._disks(vm):
            if self._exports.active(disk):
                raise self._exported(disk)
        if vm.power not in ("running", "starting"):
            self.plan(self.change(vm, "starting"), [(MOMENT, "running")])

    def stop(self, vm: ComputeVm, *, deallocate: bool) -> None:
        """Begin to stop it; one that is stopped without `deallocate` keeps its place, and its disks are still in use."""
        during, after = ("deallocating", "deallocated") if deallocate else ("stopping", "stopped")
        if vm.power not in (after, "deallocated"):
            self.plan(self.change(vm, during), [(MOMENT, after)])

    def generalize(self, vm: ComputeVm) -> None:
        """Mark it; it will not start again."""
        if not vm.is_generalized:
            code = "OSState/generalized"
            self.keep(replace(vm, statuses=(*vm.statuses, Status(code, display_of(code)))))

    def plan(self, vm: ComputeVm, steps: Sequence[Step], since: float | None = None) -> None:
        """Let it take these steps, each if the VM is still in the state of the one before."""
        if steps:
            (seconds, state), *rest = steps
            at = (self._state.clock.now() if since is None else since) + seconds
            self._state.timeline.schedule(
                Due(at, "power", vm.id.lower(), {"from": vm.power, "to": state, "rest": rest})
            )

    def steps(self, vm: ComputeVm) -> list[Step]:
        """What lies ahead of it, the first counted from now."""
        due = self._state.timeline.pending("power", vm.id.lower())
        if due is None or due.detail["from"] != vm.power:
            return []
        first = (max(0.0, due.at - self._state.clock.now()), due.detail["to"])
        return [first, *((seconds, state) for seconds, state in due.detail["rest"])]

    def change(self, vm: ComputeVm, power: str, at: float | None = None) -> ComputeVm:
        """Let it be in this state. Starting and deallocating change the ownership time of its disks."""
        kept = tuple(status for status in vm.statuses if not status.code.lower().startswith("powerstate/"))
        code = f"PowerState/{power}"
        if power in ("starting", "deallocated"):
            for disk in self._disks(vm):
                updated = replace(disk, ownership_updated=iso(self._state.clock.now() if at is None else at))
                self._state.disks.put(disk.subscription, f"{disk.rg}/{disk.name}", updated)
        return self.keep(replace(vm, statuses=(*kept, Status(code, display_of(code)))))

    def keep(self, vm: ComputeVm) -> ComputeVm:
        return self._state.compute_vms.put(vm.subscription, f"{vm.rg}/{vm.name}", vm)

    async def _take_step(self, due: Due) -> None:
        vm = self.find(due.key)
        if vm is None or vm.power != due.detail["from"]:
            return
        with self._state.store.transaction():
            # Counted from when it was due, so that a clock that jumps takes the whole row.
            self.plan(self.change(vm, due.detail["to"], due.at), due.detail["rest"], due.at)

    def _disks(self, vm: ComputeVm) -> list[Disk]:
        names = (vm.os_disk, *vm.data_disks)
        found = [self._state.disks.get(vm.subscription, f"{vm.rg}/{name}") for name in names]
        return [disk for disk in found if disk is not None]

    def _exported(self, disk: Disk) -> ArmError:
        told = f"There is an active shared access signature outstanding for disk {disk.name}."
        return conflict("Conflict", f"{told} Call EndGetAccess before attaching the disk to a running VM.")


def told_steps(steps: Sequence[Step]) -> list[Json]:
    """As the world file writes them."""
    return [{"seconds": seconds, "powerState": display_of(f"PowerState/{state}")} for seconds, state in steps]
