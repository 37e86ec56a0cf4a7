"""Which VMs the factory may generalize, what proves that one is generalized, and whether our own stage is under way.

Generalizing destroys a VM's state: it happens only where a setting or a tag asks for it.
"""

from datetime import timedelta
from enum import StrEnum

from shared.domain.golden_vms import APPLYING, Artifact, GeneralizeStage, GoldenVm

GENERALIZE_ARTIFACTS = ("windows-sysprep", "linux-deprovision")
"""The artifacts of DevTest Labs' public repository that generalize a VM (`azure-facts.md` section 6)."""

SHUTDOWN_WITHIN = timedelta(minutes=60)
"""A VM deallocated later than this after its generalize artifact may have been started in between."""


class Generalize(StrEnum):
    """The setting GENERALIZE; the tag FactoryGeneralize of a VM wins over it."""

    NEVER = "never"
    WHEN_NEEDED = "when-needed"


class Fallback(StrEnum):
    """The setting GENERALIZE_FALLBACK: what is done where the lab does not offer the generalize artifact."""

    NONE = "none"
    CUSTOM_IMAGE = "custom-image"


class StageState(StrEnum):
    """How far our own generalize stage of a VM is."""

    NONE = "none"
    UNDER_WAY = "under way"
    FAILED = "failed"
    ENDED = "ended"


def may_generalize(vm: GoldenVm, policy: Generalize) -> bool:
    """Does the VM's tag, else the setting, ask for it? A VM that is to stay specialized is never generalized."""
    if vm.is_specialized:
        return False
    return policy is Generalize.WHEN_NEEDED if vm.generalize_tag is None else vm.generalize_tag.lower() == "yes"


def is_generalized(vm: GoldenVm) -> bool:
    """Evidence of generalization (B20): Compute's word, the artifact followed by a prompt deallocation, or our own stage.

    A VM that was started again later has none: that changes the disk's `ownership_updated`.
    """
    return vm.generalized or _is_proved_by_artifact(vm) or stage_state(vm) is StageState.ENDED


def _is_proved_by_artifact(vm: GoldenVm) -> bool:
    last = vm.last_artifact
    if last is None or vm.disk is None or last.installed is None:
        return False
    if last.name.lower() not in GENERALIZE_ARTIFACTS or last.status != "Succeeded":
        return False
    return timedelta(0) <= vm.disk.ownership_updated - last.installed <= SHUTDOWN_WITHIN


def stage_state(vm: GoldenVm) -> StageState:
    """What is seen of our stage at the VM, because whoever began it may have died since.

    It is over for a VM that got another disk, another artifact, or was started again.
    """
    stage = vm.stage
    if stage is None or vm.disk is None or (stage.vm_id, stage.disk) != (vm.vm_id, vm.disk.unique_id):
        return StageState.NONE
    if stage.ended is not None:
        return StageState.ENDED if stage.ended == vm.disk.ownership_updated else StageState.NONE
    artifact = own_artifact(vm, stage)
    if artifact is None:
        last = vm.last_artifact.installed if vm.last_artifact else None
        is_the_one_before = last == stage.after and (last is not None or vm.last_artifact is None)
        return StageState.UNDER_WAY if vm.state == APPLYING and is_the_one_before else StageState.NONE
    if artifact.status in ("Failed", "Skipped"):
        return StageState.FAILED
    since = artifact.installed
    was_started = vm.power_state != "deallocated" and since is not None and vm.disk.ownership_updated > since
    return StageState.NONE if was_started else StageState.UNDER_WAY


def own_artifact(vm: GoldenVm, stage: GeneralizeStage) -> Artifact | None:
    """The VM's last artifact, if it is the one that our stage applied."""
    last = vm.last_artifact
    if last is None or not stage.artifact or last.name.lower() != stage.artifact.lower():
        return None
    is_older = last.installed is not None and stage.after is not None and last.installed <= stage.after
    return None if is_older else last
