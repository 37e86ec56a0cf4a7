"""Generalize a golden VM: apply the artifact, wait for the real shutdown, deallocate, mark the VM in Compute.

This destroys a VM's state. It is done only where a setting or a tag asks for it, and what follows the first call only to a VM whose
stage the journal says is ours.
"""

from dataclasses import dataclass, replace

from activities.capture import CaptureWork
from activities.generalizing_images import begin_image, begin_removal, is_image_pending, is_image_there
from activities.golden_vms import looked_at, record_stage
from shared.azure import virtual_machines
from shared.azure.lab_vms import begin_apply_artifact, find_generalize_artifact, get_vm
from shared.azure.labs import UNKNOWN_OPERATION, Operation, factory_lab
from shared.domain.capture import capture_key
from shared.domain.generalizing import Fallback, StageState, is_generalized, own_artifact, stage_state
from shared.domain.golden_vms import GeneralizeStage, GoldenVm
from shared.domain.guards import obstacle_to
from shared.domain.outcomes import Outcome
from shared.domain.readiness import not_golden, readiness
from shared.domain.runs import Run
from shared.domain.tickets import Kind
from shared.domain.waiting import DONE, PENDING, Progress
from shared.errors import RejectedError
from shared.journal import fence


@dataclass(frozen=True)
class Generalizing:
    """What to ask about: the capture whose VM is generalized, by the lab's artifact or `by_image` (its operation knows why not)."""

    work: CaptureWork
    by_image: bool = False
    operation: Operation = UNKNOWN_OPERATION


def begin_generalize(work: CaptureWork) -> Generalizing:
    """Apply the generalize artifact to the VM; without one, and where the setting says so, make a custom image of the VM.

    Looks at the VM first, because its tags and its state may have changed since the plan. Repeat-safe: the stage is recorded
    before the VM is touched, and one that is under way is adopted.
    """
    run = work.run
    fence(run, Kind.CAPTURES, work.capture.key)
    fallback = work.terms.generalize_fallback
    if fallback is Fallback.CUSTOM_IMAGE and is_image_there(work):
        return Generalizing(work, by_image=True)
    vm = _look(work)
    ready = readiness(vm, work.terms.generalize)
    if isinstance(ready, Outcome):
        raise RejectedError(ready.code, ready.message, ready.next)
    if not ready.generalize or _is_begun(run, vm):
        return Generalizing(work)
    _refuse(obstacle_to(vm, is_running=True))
    lab = factory_lab().id
    artifact = find_generalize_artifact(lab, vm.os_type)
    if not artifact and fallback is Fallback.NONE:
        raise RejectedError(
            "GeneralizeArtifactMissing",
            f"The lab {lab} offers no artifact that generalizes {vm.os_type} VMs: its public artifact source is off or empty.",
            "Enable the source, wait until it lists its artifacts, or set GENERALIZE_FALLBACK=custom-image.",
        )
    _record(run, vm, artifact)
    if not artifact:
        return Generalizing(work, by_image=True, operation=begin_image(work, vm))
    try:
        begin_apply_artifact(lab, vm.name, artifact)
    except RejectedError:
        # After any error look, then decide (C17): a repeat of this very call may have been first.
        if stage_state(_look(work)) is not StageState.UNDER_WAY:
            raise
    return Generalizing(work)


def _is_begun(run: Run, vm: GoldenVm) -> bool:
    """Is our stage under way? One of a dead run is taken over; in one run a VM is generalized once, also when that failed."""
    state = stage_state(vm)
    if vm.stage is not None and state is StageState.UNDER_WAY and vm.stage.run != run.id:
        record_stage(replace(vm.stage, run=run.id))
    is_of_this_run = vm.stage is not None and vm.stage.run == run.id
    return state is StageState.UNDER_WAY or (state is StageState.FAILED and is_of_this_run)


def _record(run: Run, vm: GoldenVm, artifact: str) -> None:
    last = vm.last_artifact.installed if vm.last_artifact else None
    unique_id = vm.disk.unique_id if vm.disk else ""
    record_stage(
        GeneralizeStage(run.factory, run.id, vm.name, vm.vm_id, unique_id, artifact.rpartition("/")[2], after=last)
    )


def generalize_pending(generalizing: Generalizing) -> Progress:
    """Ask once whether the guest has shut down after the work was done; raises RejectedError when it failed.

    The artifact reports success before the work is done (B71): only the end of the VM counts. A run that was cancelled waits no
    longer: the next one goes on with the stage.
    """
    work = generalizing.work
    fence(work.run, begins=True)
    vm = _look(work)
    if generalizing.by_image:
        return PENDING if is_image_pending(work, generalizing.operation) or not _has_stopped(vm) else DONE
    artifact = own_artifact(vm, vm.stage) if vm.stage else None
    if artifact is not None and artifact.status in ("Failed", "Skipped"):
        raise RejectedError(
            "GeneralizeFailed",
            f"The artifact {artifact.name} of the VM {vm.name} ended as {artifact.status}:"
            f" {artifact.message or 'the lab tells no reason'}.",
            "Repair what the artifact complains about; the next run tries again.",
        )
    is_done = artifact is None or artifact.status == "Succeeded"
    return DONE if is_done and _has_stopped(vm) else PENDING


def begin_deallocate(generalizing: Generalizing) -> Progress:
    """Deallocate a VM that our stage shut down and DevTest Labs did not deallocate. Repeat-safe; any other VM is left alone."""
    work = generalizing.work
    fence(work.run, Kind.CAPTURES, work.capture.key)
    vm = _look(work)
    if vm.power_state != "stopped":
        return _deallocation(vm)
    if not _is_ours(generalizing, vm):
        raise RejectedError(
            "NotOurStage",
            f"The VM {vm.name} is stopped, but the factory did not generalize it.",
            "Deallocate it in the lab, or start it again.",
        )
    try:
        virtual_machines.begin_deallocate(vm.compute_id)
    except RejectedError:
        # DevTest Labs may have been first.
        if _look(work).power_state == "stopped":
            raise
    return PENDING


def deallocation_pending(generalizing: Generalizing) -> Progress:
    """Ask once whether the VM is deallocated; raises RejectedError when it runs again. Waits no longer as `generalize_pending`."""
    fence(generalizing.work.run, begins=True)
    return _deallocation(_look(generalizing.work))


def _deallocation(vm: GoldenVm) -> Progress:
    if vm.power_state in ("running", "starting"):
        raise RejectedError("StartedAgain", f"The VM {vm.name} was started again.", "The next run looks at it again.")
    return Progress(pending=vm.power_state != "deallocated")


def end_generalize(generalizing: Generalizing) -> CaptureWork:
    """Record that the stage has ended, mark the VM as generalized in Compute, and answer the capture with its disk as it is now.

    Repeat-safe. Compute is told only of a VM whose stage is ours; what was generalized otherwise needs no word of ours.
    """
    work = generalizing.work
    run, capture = work.run, work.capture
    fence(run, Kind.CAPTURES, capture.key)
    vm = _look(work)
    is_ours = _is_ours(generalizing, vm)
    if vm.disk is None or vm.power_state != "deallocated" or not (is_ours or is_generalized(vm)):
        raise RejectedError(
            "NoEvidence",
            f"The VM {vm.name} is {vm.power_state} and not generalized.",
            "The next run looks at it again.",
        )
    if vm.stage is not None and is_ours:
        record_stage(replace(vm.stage, ended=vm.disk.ownership_updated))
        if not vm.generalized:
            virtual_machines.mark_generalized(vm.compute_id)
    if generalizing.by_image:
        begin_removal(work)
    _refuse(obstacle_to(vm))
    return replace(work, capture=replace(capture, disk=vm.disk, digest=capture_key(vm.vm_id, vm.disk)))


def _look(work: CaptureWork) -> GoldenVm:
    """The VM as it is now; a tag that was set meanwhile ends the stage."""
    vm = looked_at(work.run.account, get_vm(factory_lab().id, work.capture.vm))
    _refuse(not_golden(vm) or vm.problem)
    return vm


def _has_stopped(vm: GoldenVm) -> bool:
    return vm.power_state in ("stopped", "deallocating", "deallocated")


def _is_ours(generalizing: Generalizing, vm: GoldenVm) -> bool:
    return generalizing.by_image or stage_state(vm) in (StageState.UNDER_WAY, StageState.ENDED)


def _refuse(outcome: Outcome | None) -> None:
    if outcome is not None:
        raise RejectedError(outcome.code, outcome.message, outcome.next)
