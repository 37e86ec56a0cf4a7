"""Applying artifacts to lab VMs: what DevTest Labs checks, what it reports, and the shutdown that may follow.

Never recorded. It reports when the artifact does; that a generalize artifact has done its work shows later, when the guest has
shut down and DevTest Labs has deallocated the VM. Either may never come, if the world says so.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from local.azure.arm_answers import Answer, ArmCall, ArmError, bad_request
from local.azure.arm_lab_vms import find_lab_vm, find_running, refuse_while_busy
from local.azure.arm_labs import find_lab
from local.azure.arm_operations import Operations
from local.azure.artifact_repositories import find_artifact, is_generalizing
from local.azure.clock import iso
from local.azure.machine_power import MachinePower, Step
from local.azure.resources import Due, Json, Lab, LabVm, Operation, entries
from local.azure.state import State

APPLYING = "ApplyingArtifacts"
_DEFAULT_SECONDS = 5.0


class ArtifactInstalls:
    """One application at a time for a VM; one that was begun ends even if the VM stops meanwhile, then as failed."""

    def __init__(self, state: State, operations: Operations, power: MachinePower) -> None:
        self._state, self._operations, self._power = state, operations, power
        state.timeline.on("artifacts", self._report)

    async def apply(self, call: ArmCall) -> Answer:
        lab = find_lab(self._state, call, "virtualMachines/ApplyArtifacts/action")
        vm = find_lab_vm(self._state, lab, call)
        wanted = [self._wanted(lab, vm, entry) for entry in entries(call.body, "artifacts")]
        if not wanted:
            raise bad_request("InvalidRequestContent", "The property 'artifacts' must name at least one artifact.")
        refuse_while_busy(vm)
        find_running(self._power, vm)
        seconds: float | None = self._script(vm).get("seconds", _DEFAULT_SECONDS)
        with self._state.store.transaction():
            operation = self._begin(replace(vm, artifacts=(*vm.artifacts, *wanted)), seconds)
        return self._operations.accepted(call, operation, lab.location, effect="update")

    def resume(self, vm: LabVm, seconds: float | None) -> None:
        """Let an application that the world came with be under way; `seconds` None: for ever."""
        self._begin(vm, seconds)

    def seconds(self, vm: LabVm) -> float | None:
        """How long until what is being applied reports; None: for ever."""
        due = self._state.timeline.pending("artifacts", vm.id)
        return None if due is None else max(0.0, due.at - self._state.clock.now())

    def _wanted(self, lab: Lab, vm: LabVm, entry: Json) -> Json:
        artifact = find_artifact(lab, str(entry.get("artifactId") or ""))
        if artifact is None:
            told = f"The artifact '{entry.get('artifactId')}' was not found in the lab '{lab.name}'."
            raise ArmError(404, "ArtifactNotFound", told)
        if not artifact.fits(vm.os_type):
            told = f"The artifact '{artifact.name}' cannot be applied to '{vm.name}', whose system is {vm.os_type}."
            raise bad_request("InvalidArtifact", told)
        return {
            "artifactId": artifact.id,
            "artifactTitle": artifact.title,
            "parameters": entries(entry, "parameters"),
            "status": "Pending",
            "installTime": iso(self._state.clock.now()),
        }

    def _begin(self, vm: LabVm, seconds: float | None) -> Operation:
        operation = self._operations.begin("dtl", None)
        self._keep(replace(vm, state=APPLYING, operation=operation.name))
        if seconds is not None:
            at = self._state.clock.now() + seconds
            self._state.timeline.schedule(Due(at, "artifacts", vm.id, {"operation": operation.name}))
        return operation

    async def _report(self, due: Due) -> None:
        lab, _, name = due.key.rpartition("/virtualmachines/")
        vm = self._state.lab_vms.get(lab, name)
        if vm is None or vm.operation != due.detail["operation"]:
            return
        machine, script = self._power.find(vm.compute_id), self._script(vm)
        status = str(script.get("status") or script.get("state") or "Succeeded")
        message = script.get("message")
        if machine is None or machine.power != "running":
            status, message = "Failed", "The virtual machine did not run."
        ended = tuple(_ended(vm.artifacts, status, message))
        succeeded = [now for was, now in zip(vm.artifacts, ended, strict=True) if was != now and status == "Succeeded"]
        with self._state.store.transaction():
            self._operations.end(vm.operation)
            self._keep(replace(vm, state="Succeeded", operation="", artifacts=ended))
            if machine is not None and any(is_generalizing(artifact["artifactId"]) for artifact in succeeded):
                self._power.plan(machine, _shutdown(script), due.at)

    def _script(self, vm: LabVm) -> Json:
        """What the world's `behave.artifacts` says of this VM."""
        return self._state.script("artifacts", vm.name, "*")

    def _keep(self, vm: LabVm) -> LabVm:
        return self._state.lab_vms.put(vm.lab_id, vm.name, vm)


def _ended(artifacts: Iterable[Json], status: str, message: str | None) -> Iterator[Json]:
    """All artifacts of a VM, those that were pending with what they came to: after one that failed, the rest is skipped."""
    for artifact in artifacts:
        if artifact.get("status") != "Pending":
            yield artifact
            continue
        told = {"deploymentStatusMessage": message, "vmExtensionStatusMessage": message} if message else {}
        yield {**artifact, "status": status, **told}
        if status == "Failed":
            status, message = "Skipped", None


def _shutdown(script: Json) -> list[Step]:
    """What a generalize artifact leads to: the guest shuts down, DevTest Labs deallocates; null: it never does."""
    shutdown, deallocate = (script.get(key, _DEFAULT_SECONDS) for key in ("shutdown", "deallocate"))
    if shutdown is None:
        return []
    stopped: list[Step] = [(float(shutdown), "stopped")]
    return stopped if deallocate is None else [*stopped, (float(deallocate), "deallocated")]
