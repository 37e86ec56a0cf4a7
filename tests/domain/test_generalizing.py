"""Evidence of generalization (B20), and how far our own stage of a VM is."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.generalizing import StageState, is_generalized, stage_state
from shared.domain.golden_vms import Artifact, OsDisk
from tests.domain.machines import STOPPED, stage, vm


@pytest.mark.parametrize("name", ["windows-sysprep", "Windows-Sysprep", "linux-deprovision"])
@pytest.mark.parametrize("minutes", [0, 1, 60])
def test_a_generalize_artifact_and_a_prompt_deallocation_are_evidence(name: str, minutes: int) -> None:
    assert is_generalized(vm(last_artifact=Artifact(name, "Succeeded", STOPPED - timedelta(minutes=minutes))))


def test_the_word_of_compute_is_evidence_without_any_artifact() -> None:
    assert is_generalized(vm(last_artifact=None, generalized=True))


@pytest.mark.parametrize(
    "artifact",
    [
        None,
        Artifact("windows-sysprep", "Failed", STOPPED - timedelta(minutes=10)),
        Artifact("windows-sysprep", "Installing", STOPPED - timedelta(minutes=10)),
        Artifact("windows-sysprep", "Succeeded", None),
        Artifact("windows-chrome", "Succeeded", STOPPED - timedelta(minutes=10)),
        Artifact("my-windows-sysprep", "Succeeded", STOPPED - timedelta(minutes=10)),
        Artifact("windows-sysprep", "Succeeded", STOPPED - timedelta(minutes=61)),
        Artifact("windows-sysprep", "Succeeded", STOPPED + timedelta(minutes=1)),
    ],
)
def test_a_vm_that_was_merely_stopped_or_started_again_is_not_generalized(artifact: Artifact | None) -> None:
    assert not is_generalized(vm(last_artifact=artifact))


def test_our_own_stage_is_evidence_until_the_vm_is_started_again() -> None:
    ended = stage(ended=STOPPED)
    assert is_generalized(vm(last_artifact=None, stage=ended))
    later = OsDisk("/disks/vm", "unique-vm", STOPPED + timedelta(days=1))
    assert not is_generalized(vm(last_artifact=None, stage=ended, disk=later))


APPLIED = Artifact("windows-sysprep", "Succeeded", STOPPED - timedelta(hours=3))
"""So long before the VM stopped that it proves nothing without our record."""


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"stage": None}, StageState.NONE),
        ({"stage": stage(vm_id="another")}, StageState.NONE),
        ({"stage": stage(disk="another")}, StageState.NONE),
        ({"last_artifact": None}, StageState.NONE),
        ({"last_artifact": Artifact("windows-chrome", "Succeeded", STOPPED)}, StageState.NONE),
        ({"stage": stage(after=APPLIED.installed)}, StageState.NONE),
        ({"stage": stage(artifact="")}, StageState.NONE),
        ({}, StageState.UNDER_WAY),
        ({"stage": stage(artifact="Windows-Sysprep")}, StageState.UNDER_WAY),
        ({"state": "ApplyingArtifacts", "power_state": "running", "last_artifact": None}, StageState.UNDER_WAY),
        ({"state": "ApplyingArtifacts", "last_artifact": APPLIED, "stage": stage(after=APPLIED.installed)}, StageState.UNDER_WAY),
        ({"state": "ApplyingArtifacts", "last_artifact": Artifact("windows-chrome", "Pending")}, StageState.NONE),
        ({"state": "ApplyingArtifacts", "last_artifact": Artifact("windows-sysprep", "Failed", STOPPED)}, StageState.FAILED),
        ({"last_artifact": Artifact("windows-sysprep", "Installing", None)}, StageState.UNDER_WAY),
        ({"last_artifact": Artifact("windows-sysprep", "Failed", STOPPED)}, StageState.FAILED),
        ({"last_artifact": Artifact("windows-sysprep", "Skipped", STOPPED)}, StageState.FAILED),
        ({"power_state": "running"}, StageState.NONE),
        ({"power_state": "running", "last_artifact": Artifact("windows-sysprep", "Succeeded", STOPPED)}, StageState.UNDER_WAY),
        ({"power_state": "stopped", "last_artifact": Artifact("windows-sysprep", "Succeeded", STOPPED)}, StageState.UNDER_WAY),
        ({"stage": stage(ended=STOPPED)}, StageState.ENDED),
        ({"stage": stage(ended=STOPPED - timedelta(hours=1))}, StageState.NONE),
    ],
)  # fmt: skip
def test_how_far_our_stage_is_shows_at_the_vm_because_who_began_it_may_be_dead(
    changes: dict[str, Any], state: StageState
) -> None:
    """Running although its disk changed hands after the artifact: the VM was started again, and the stage is over."""
    begun: dict[str, Any] = {"stage": stage(), "last_artifact": APPLIED}
    assert stage_state(vm(**begun | changes)) is state


def test_a_stage_that_is_under_way_proves_nothing_yet() -> None:
    assert not is_generalized(vm(stage=stage(), last_artifact=APPLIED))
