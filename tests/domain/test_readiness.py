"""How a golden VM is captured, or why it is left alone."""

from typing import Any

import pytest

from shared.domain.generalizing import Generalize
from shared.domain.golden_vms import Artifact
from shared.domain.outcomes import Ending, Outcome
from shared.domain.readiness import Ready, readiness
from tests.domain.machines import SYSPREP, stage, vm

NEVER, WHEN_NEEDED = Generalize.NEVER, Generalize.WHEN_NEEDED


def decided(policy: Generalize = NEVER, **changes: Any) -> str:
    """The code of what is decided; for a VM that is ready, how it is captured."""
    ready = readiness(vm(**changes), policy)
    if isinstance(ready, Ready):
        return f"{'generalize, then ' if ready.generalize else ''}{ready.os_state}"
    assert ready.message
    assert ready.next, "every outcome says what to do"
    return f"{ready.state} {ready.code}"


# --- Why a VM is left alone


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"image_path": None}, "skipped NoImagePath"),
        ({"ignored": True}, "skipped FactoryIgnore"),
        ({"ignored": True, "generalized": True}, "skipped FactoryIgnore"),
        ({"state": "Creating"}, "skipped NotSucceeded"),
        ({"state": "Failed"}, "skipped NotSucceeded"),
        ({"state": "ApplyingArtifacts"}, "skipped NotSucceeded"),
        ({"power_state": "", "vm_id": "", "disk": None}, "skipped NoComputeVm"),
        ({"problem": Outcome(Ending.FAILED, "AuthorizationFailed", "No.", "Give it.")}, "failed AuthorizationFailed"),
        ({"disk": None}, "failed NoOsDisk"),
        ({"power_state": "running"}, "skipped NotDeallocated"),
        ({"power_state": "stopped"}, "skipped NotDeallocated"),
        ({"power_state": "deallocating"}, "skipped NotDeallocated"),
        ({"power_state": "unknown"}, "skipped NotDeallocated"),
        ({"last_artifact": None}, "skipped NoEvidence"),
    ],
)
def test_a_vm_that_is_not_ready_says_why_and_what_to_do(changes: dict[str, Any], outcome: str) -> None:
    assert decided(**changes) == outcome


def test_the_artifact_reports_success_before_the_vm_has_stopped_b71() -> None:
    assert decided(power_state="running", last_artifact=SYSPREP) == "skipped NotDeallocated"


# --- Tags


@pytest.mark.parametrize("value", ["", "maybe", "true", "yes please"])
def test_a_tag_with_a_value_that_it_cannot_have_is_an_error_and_not_a_guess(value: str) -> None:
    assert decided(generalize_tag=value) == "failed TagInvalid"
    assert decided(image_state_tag=value) == "failed TagInvalid"


def test_the_values_of_tags_are_read_without_case() -> None:
    assert decided(last_artifact=None, image_state_tag="Specialized") == "Specialized"
    assert decided(**RUNNING, generalize_tag="YES") == "generalize, then Generalized"


def test_a_vm_cannot_be_specialized_and_be_generalized() -> None:
    assert decided(image_state_tag="specialized", generalize_tag="yes") == "failed TagsContradict"


# --- Generalized and specialized

RUNNING: dict[str, Any] = {"power_state": "running", "last_artifact": None}


def test_a_specialized_vm_is_captured_as_it_is_once_it_is_deallocated() -> None:
    assert decided(last_artifact=None, image_state_tag="specialized") == "Specialized"
    assert decided(**RUNNING, image_state_tag="specialized") == "skipped NotDeallocated"


def test_a_vm_that_is_proved_to_be_generalized_is_not_called_specialized() -> None:
    assert decided(image_state_tag="specialized") == "Generalized"


@pytest.mark.parametrize(
    ("policy", "tag", "outcome"),
    [
        (NEVER, None, "skipped NotDeallocated"),
        (NEVER, "no", "skipped NotDeallocated"),
        (NEVER, "yes", "generalize, then Generalized"),
        (WHEN_NEEDED, None, "generalize, then Generalized"),
        (WHEN_NEEDED, "yes", "generalize, then Generalized"),
        (WHEN_NEEDED, "no", "skipped NotDeallocated"),
    ],
)
def test_a_running_vm_is_generalized_only_where_its_tag_or_the_setting_asks_for_it(
    policy: Generalize, tag: str | None, outcome: str
) -> None:
    assert decided(policy, **RUNNING, generalize_tag=tag) == outcome


def test_what_is_generalized_already_is_not_generalized_again() -> None:
    assert decided(WHEN_NEEDED) == "Generalized"


def test_a_specialized_vm_is_never_generalized() -> None:
    assert decided(WHEN_NEEDED, **RUNNING, image_state_tag="specialized") == "skipped NotDeallocated"


@pytest.mark.parametrize("power", ["stopped", "deallocated", "starting"])
def test_only_a_running_vm_can_be_generalized(power: str) -> None:
    assert decided(WHEN_NEEDED, power_state=power, last_artifact=None) == "skipped NotRunning"


# --- A stage that a dead run left


APPLIED = Artifact("windows-sysprep", "Succeeded")


@pytest.mark.parametrize(
    "changes",
    [
        {"power_state": "running", "state": "ApplyingArtifacts", "last_artifact": None},
        {"power_state": "running", "last_artifact": APPLIED},
        {"power_state": "stopped", "last_artifact": APPLIED},
        {"power_state": "deallocated", "last_artifact": APPLIED},
    ],
)
def test_a_stage_that_is_under_way_is_gone_on_with_whatever_the_setting_says_now(changes: dict[str, Any]) -> None:
    begun: dict[str, Any] = {"stage": stage(), **changes}
    assert decided(NEVER, **begun) == "generalize, then Generalized"
    assert decided(WHEN_NEEDED, **begun, generalize_tag="no").startswith("skipped")
    assert decided(WHEN_NEEDED, **begun, ignored=True) == "skipped FactoryIgnore"
