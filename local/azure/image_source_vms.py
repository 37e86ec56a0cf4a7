"""The lab VM that a custom image is made from: what it must be, and what becomes of it.

Only an image of a specialized VM was recorded (devtestlab/test_lab_custom_image.json). A VM that is made a generalized image can
never start again, whether DevTest Labs was asked to generalize it or told that this was done.
"""

from local.azure.arm_answers import bad_request
from local.azure.arm_lab_vms import find_running, refuse_while_busy
from local.azure.machine_power import MachinePower, Step
from local.azure.resources import ComputeVm, CustomImage, Json, Lab, LabVm, section
from local.azure.state import State
from local.azure.vhd import seeded_digest, vhd_length

SPECIALIZED = {"nonsysprepped", "nondeprovisioned"}
_REQUESTED = {"syspreprequested", "deprovisionrequested"}
_STATES = {
    "Windows": ("NonSysprepped", "SysprepRequested", "SysprepApplied"),
    "Linux": ("NonDeprovisioned", "DeprovisionRequested", "DeprovisionApplied"),
}
_INTERFERED = {
    "code": "VirtualMachineNotDeallocated",
    "message": "The source virtual machine was deleted, or was started while the image was created.",
}


def os_state(source: Json) -> str:
    """What a custom image's `vm` says of the system in it, in lower case."""
    windows, linux = section(source, "windowsOsInfo"), section(source, "linuxOsInfo")
    return str(windows.get("windowsOsState") or linux.get("linuxOsState") or "").lower()


class ImageSourceVms:
    """A VM that is to be generalized is stopped and deallocated while the image is created, and marked at its end."""

    def __init__(self, state: State, power: MachinePower) -> None:
        self._state, self._power = state, power

    def check(self, lab: Lab, source: Json) -> str | None:
        """Raise what the service would; returns the digest of the VM's OS disk, if it has one."""
        vm = self._find(lab.id, source)
        if vm is None:
            told = f"The source '{source.get('sourceVmId')}' is no virtual machine of the lab '{lab.name}'."
            raise bad_request("InvalidSourceVm", told)
        states = _STATES.get(vm.os_type, ())
        if os_state(source) not in [state.lower() for state in states]:
            told = f"The source '{vm.name}' runs {vm.os_type}: its state must be one of {', '.join(states)}."
            raise bad_request("InvalidRequestContent", told)
        refuse_while_busy(vm)
        if os_state(source) in _REQUESTED:
            find_running(self._power, vm)
        return self._digest(self._power.find(vm.compute_id))

    def begin(self, image: CustomImage, seconds: float) -> None:
        """The creation of an image begins, and takes this long."""
        machine = self._to_generalize(image)
        if machine is not None and machine.power != "deallocated":
            asked = os_state(image.body["vm"]) in _REQUESTED
            stopped: list[Step] = [(seconds / 3, "stopped")] if asked else []
            self._power.plan(machine, [*stopped, (seconds / 3, "deallocated")])

    def end(self, image: CustomImage) -> Json | None:
        """The creation is over; returns why it failed, if the VM went its own way meanwhile."""
        if not image.body.get("vm") or os_state(image.body["vm"]) in SPECIALIZED:
            return None
        machine = self._to_generalize(image)
        if machine is not None and self._power.steps(machine):
            machine = self._power.change(machine, "deallocated")
        if machine is None or machine.power != "deallocated":
            return _INTERFERED
        self._power.generalize(machine)
        return None

    def _to_generalize(self, image: CustomImage) -> ComputeVm | None:
        source = section(image.body, "vm")
        vm = self._find(image.lab_id, source)
        return None if vm is None or os_state(source) in SPECIALIZED else self._power.find(vm.compute_id)

    def _find(self, lab: str, source: Json) -> LabVm | None:
        of, _, name = str(source.get("sourceVmId") or "").lower().rpartition("/virtualmachines/")
        return self._state.lab_vms.get(lab, name) if of == lab else None

    def _digest(self, machine: ComputeVm | None) -> str | None:
        disk = self._state.disks.get(machine.subscription, f"{machine.rg}/{machine.os_disk}") if machine else None
        return None if disk is None else seeded_digest(disk.seed, vhd_length(disk.size_gb))
