"""How a golden VM is captured now, or why it is not."""

from dataclasses import dataclass

from shared.domain.generalizing import Generalize, StageState, is_generalized, may_generalize, stage_state
from shared.domain.golden_vms import APPLYING, GoldenVm, OsDisk
from shared.domain.images import OsState
from shared.domain.outcomes import Ending, Outcome
from shared.domain.quoting import quoted


@dataclass(frozen=True)
class Ready:
    """What is captured: `generalize` says that the factory generalizes the VM first."""

    disk: OsDisk
    os_state: OsState
    generalize: bool = False


def readiness(vm: GoldenVm, policy: Generalize) -> Ready | Outcome:
    """Decide about one VM by its tags and its state; the first reason against it counts.

    Whether a sound image can be made of its disk is asked afterwards (`shared.domain.guards`).
    """
    refused = not_golden(vm) or _wrong_tag(vm) or _not_there(vm)
    if refused:
        return refused
    if vm.disk is None:
        return _failed("NoOsDisk", "The VM has no managed OS disk.", "Only managed disks can be captured.")
    return _by_state(vm, vm.disk, policy)


def not_golden(vm: GoldenVm) -> Outcome | None:
    """Why no stage touches this VM at all."""
    if vm.image_path is None:
        return _skipped(
            "NoImagePath", "The VM has no ImagePath tag.", "Tag it with its ImagePath if it is a golden VM."
        )
    if vm.ignored:
        return _skipped("FactoryIgnore", "The VM is tagged FactoryIgnore.", "Remove the tag to have it captured.")
    return None


def _wrong_tag(vm: GoldenVm) -> Outcome | None:
    """A tag that says something else than it can is not guessed at: generalizing destroys."""
    for name, value, known in (
        ("FactoryGeneralize", vm.generalize_tag, ("yes", "no")),
        ("FactoryImageState", vm.image_state_tag, ("generalized", "specialized")),
    ):
        if value is not None and value.lower() not in known:
            return _failed(
                "TagInvalid",
                f"The tag {name} of the VM is {quoted(value)}.",
                f"Set it to {known[0]} or {known[1]}, or remove it.",
            )
    if vm.is_specialized and (vm.generalize_tag or "").lower() == "yes":
        return _failed(
            "TagsContradict",
            "The VM is tagged FactoryImageState=specialized and FactoryGeneralize=yes.",
            "Remove one of the two tags.",
        )
    return None


def _not_there(vm: GoldenVm) -> Outcome | None:
    if vm.state == APPLYING and stage_state(vm) is StageState.UNDER_WAY:
        return None
    if vm.state != "Succeeded":
        return _skipped(
            "NotSucceeded", f"The lab VM is in state {vm.state!r}.", "Wait until it is provisioned, or repair it."
        )
    if vm.problem:
        return vm.problem
    if not vm.power_state:
        return _skipped("NoComputeVm", "The lab VM has no Compute VM.", "Delete the lab VM, or repair it.")
    return None


def _by_state(vm: GoldenVm, disk: OsDisk, policy: Generalize) -> Ready | Outcome:
    is_wanted = may_generalize(vm, policy)
    is_begun = stage_state(vm) is StageState.UNDER_WAY and (vm.generalize_tag or "").lower() != "no"
    if vm.power_state == "deallocated":
        if is_generalized(vm):
            return Ready(disk, OsState.GENERALIZED)
        if vm.is_specialized:
            return Ready(disk, OsState.SPECIALIZED)
    if is_begun or (is_wanted and vm.power_state == "running"):
        return Ready(disk, OsState.GENERALIZED, generalize=True)
    if is_wanted:
        return _skipped(
            "NotRunning",
            f"The VM is {vm.power_state} and not generalized; only a running VM can be generalized.",
            "Start it in the lab; the next run generalizes it.",
        )
    if vm.power_state != "deallocated":
        stop = "Stop it in the lab." if vm.is_specialized else "Generalize it, then stop it in the lab."
        return _skipped("NotDeallocated", f"The VM is {vm.power_state}.", stop)
    return _skipped(
        "NoEvidence",
        "Nothing proves that the VM is generalized: its last artifact is not a generalize artifact that succeeded"
        " within the hour before it was deallocated, and Compute does not say OSState/generalized.",
        "Apply windows-sysprep or linux-deprovision as the last artifact and let the lab deallocate the VM; or tag it"
        " FactoryImageState=specialized to publish it as it is.",
    )


def _skipped(code: str, message: str, next_step: str) -> Outcome:
    return Outcome(Ending.SKIPPED, code, message, next_step)


def _failed(code: str, message: str, next_step: str) -> Outcome:
    return Outcome(Ending.FAILED, code, message, next_step)
