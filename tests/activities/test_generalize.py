"""The generalize stage's activities: recorded first, begun once, and nothing is done to a VM whose stage is not ours."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from activities import generalize as module
from activities.capture import CaptureEnd, CaptureWork, settle_capture
from activities.generalize import (
    Generalizing,
    begin_deallocate,
    begin_generalize,
    deallocation_pending,
    end_generalize,
    generalize_pending,
)
from activities.golden_vms import find_stage
from activities.inspection import inspect_factory
from activities.planning import CAPTURE_PLAN, plan_captures_of_run
from local.azure import Control
from shared.domain.capture import CapturePlan
from shared.domain.golden_vms import GeneralizeStage
from shared.domain.outcomes import Ending, Outcome
from shared.errors import PermanentError, RejectedError
from shared.journal import Journal
from tests.activities.captures import Give, kinds
from tests.activities.conftest import YOUNGER, configured, effects, lose_claim, started, upload
from tests.activities.interleaving import Killed, die, just_before
from tests.e2e.worlds import World, asks, labs_json

pytestmark = pytest.mark.slow

ASKED = {"FactoryGeneralize": "yes"}
SLOW = {"golden": {"seconds": 60, "shutdown": 60, "deallocate": 60}}


def world(**artifacts: Any) -> World:
    running = World().vm("golden", "Win2022\\Server.json", power="VM running", artifact=None, tags=ASKED)
    return running.behaving(artifacts={"golden": {**SLOW["golden"], **artifacts}})


def work(control: Control, run_id: str = "") -> CaptureWork:
    """The capture of the world's golden VM, by a run that holds the claim."""
    run = started(run_id) if run_id else started()
    upload(control, "labs.json", labs_json(asks("factory", "Win2022")))
    terms = configured(run).terms
    inspect_factory(run)
    plan_captures_of_run(run)
    [capture] = Journal(run.id).read(CAPTURE_PLAN, CapturePlan).captures
    control.clear_operations()
    return CaptureWork(run, capture, terms)


def done(control: Control) -> list[str]:
    """What was done to the VM, in order."""
    calls = (call for call in control.operations() if call["caller"] == "app" and call["effect"] != "none")
    return [call["path"].rpartition("/")[2] for call in calls if "Microsoft." in call["path"]]


def stage_of(capture: CaptureWork) -> GeneralizeStage | None:
    return find_stage(capture.capture.vm_id)


def power(control: Control) -> str:
    [machine] = control.world()["subscriptions"][0]["compute"]
    return machine["powerState"]


def generalized(control: Control, capture: CaptureWork) -> CaptureWork:
    generalizing = begin_generalize(capture)
    while generalize_pending(generalizing).pending:
        control.advance(30)
    begin_deallocate(generalizing)
    while deallocation_pending(generalizing).pending:
        control.advance(30)
    return end_generalize(generalizing)


# --- The stage


def test_the_stage_is_recorded_before_the_vm_is_touched(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    control = given(world())
    capture = work(control)
    just_before(monkeypatch, module, "begin_apply_artifact", die)
    with pytest.raises(Killed):
        begin_generalize(capture)
    stage = stage_of(capture)
    assert stage is not None
    assert (stage.run, stage.vm, stage.artifact) == (capture.run.id, "golden", "windows-sysprep")
    assert done(control) == []


def test_a_vm_is_generalized_deallocated_and_marked_and_its_capture_is_that_of_the_disk_afterwards(given: Give) -> None:
    control = given(world())
    capture = work(control)
    after = generalized(control, capture)
    assert done(control) == ["applyArtifacts", "deallocate", "generalize"]
    assert after.capture.key == capture.capture.key
    assert after.capture.vhd == capture.capture.vhd
    assert after.capture.digest != capture.capture.digest
    stage = stage_of(capture)
    assert stage is not None
    assert stage.ended == after.capture.disk.ownership_updated


def test_the_artifact_is_done_before_the_vm_has_stopped_b71(given: Give) -> None:
    control = given(world())
    generalizing = begin_generalize(work(control))
    control.advance(70)
    [vm] = control.world()["subscriptions"][0]["vms"]
    assert vm["artifacts"][-1]["status"] == "Succeeded"
    assert generalize_pending(generalizing).pending


def test_a_vm_that_only_stops_is_deallocated_by_us_once(given: Give) -> None:
    control = given(world(deallocate=None))
    capture = work(control)
    generalizing = begin_generalize(capture)
    control.advance(150)
    assert not generalize_pending(generalizing).pending
    assert power(control) == "VM stopped"
    assert begin_deallocate(generalizing).pending
    begin_deallocate(generalizing)
    control.advance(10)
    assert not deallocation_pending(generalizing).pending
    assert done(control).count("deallocate") <= 2
    assert power(control) == "VM deallocated"


# --- Every step may happen twice


def test_a_repeat_adopts_what_was_begun(given: Give) -> None:
    control = given(world())
    capture = work(control)
    assert begin_generalize(capture) == begin_generalize(capture)
    control.advance(70)
    begin_generalize(capture)
    assert done(control) == ["applyArtifacts"]


def test_a_begin_that_died_after_the_call_is_repeated_without_another_one(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = given(world())
    capture = work(control)
    original = module.begin_apply_artifact

    def applied_then_dead(*values: Any) -> None:
        original(*values)
        raise Killed

    with monkeypatch.context() as dying, pytest.raises(Killed):
        dying.setattr(module, "begin_apply_artifact", applied_then_dead)
        begin_generalize(capture)
    begin_generalize(capture)
    assert done(control) == ["applyArtifacts"]


def test_two_begins_at_once_apply_one_artifact(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    control = given(world())
    capture = work(control)
    just_before(monkeypatch, module, "begin_apply_artifact", lambda: begin_generalize(capture))
    begin_generalize(capture)
    [vm] = control.world()["subscriptions"][0]["vms"]
    assert len(vm["artifacts"]) == 1


def test_an_artifact_that_failed_is_not_applied_again_in_the_same_run(given: Give) -> None:
    control = given(world(status="Failed", message="sig=secret: No agent."))
    capture = work(control)
    generalizing = begin_generalize(capture)
    control.advance(70)
    with pytest.raises(RejectedError) as caught:
        generalize_pending(generalizing)
    assert caught.value.code == "GeneralizeFailed"
    assert caught.value.message.endswith("No agent.")
    assert ".;" not in caught.value.message
    assert "secret" not in caught.value.message
    begin_generalize(capture)
    assert done(control) == ["applyArtifacts"]


def test_an_end_that_is_repeated_marks_the_vm_once(given: Give) -> None:
    control = given(world())
    capture = work(control)
    after = generalized(control, capture)
    assert end_generalize(Generalizing(capture)) == after
    assert done(control).count("generalize") == 1


def test_a_late_repeat_does_nothing_once_the_capture_has_ended(given: Give) -> None:
    control = given(world())
    capture = work(control)
    settle_capture(CaptureEnd(capture, Outcome(Ending.FAILED, "Overdue", "Too long.")))
    control.clear_operations()
    for step in steps(capture):
        with pytest.raises(PermanentError) as caught:
            step()
        assert caught.value.code == "Fenced"
    assert done(control) == []


def steps(capture: CaptureWork) -> list[Callable[[], object]]:
    """Every step with an effect."""
    generalizing = Generalizing(capture)
    return [partial(begin_generalize, capture), *(partial(s, generalizing) for s in (begin_deallocate, end_generalize))]


def test_a_run_that_lost_the_claim_touches_no_vm(given: Give) -> None:
    control = given(world())
    capture = work(control)
    lose_claim(capture.run)
    control.clear_operations()
    for step in steps(capture):
        with pytest.raises(PermanentError):
            step()
    assert done(control) == []


# --- Whose VM it is


def test_a_tag_that_was_set_meanwhile_ends_the_stage_before_anything_is_done(given: Give) -> None:
    control = given(world())
    capture = work(control)
    document = control.world()
    document["subscriptions"][0]["vms"][0]["tags"]["FactoryIgnore"] = ""
    control.fault(r"GET .*/virtualmachines/golden\b", status=200, body=lab_vm(control, FactoryIgnore=""), times=1)
    with pytest.raises(RejectedError) as caught:
        begin_generalize(capture)
    assert caught.value.code == "FactoryIgnore"
    assert done(control) == []
    assert stage_of(capture) is None


def lab_vm(control: Control, **tags: str) -> dict[str, Any]:
    """The lab VM as ARM answers it, with more tags."""
    from shared.azure.clients import devtestlabs
    from shared.azure.labs import factory_lab

    lab = factory_lab().id
    answered: dict[str, Any] = {}

    def keep(response: Any) -> None:
        answered.update(response.http_response.json())

    machines = devtestlabs(lab.subscription).virtual_machines
    machines.get(lab.resource_group, lab.name, "golden", raw_response_hook=keep)
    answered["tags"] = {**answered["tags"], **tags}
    control.clear_operations()
    return answered


def test_a_vm_that_somebody_else_stopped_is_not_deallocated(given: Give) -> None:
    """No record says that its stage is ours."""
    stopped = World().vm("golden", "Win2022\\Server.json", power="VM stopped", artifact="windows-sysprep", tags=ASKED)
    running = world()
    control = given(running)
    capture = work(control)
    control.put_world(stopped.document)
    # The claim went with the world before.
    capture = CaptureWork(started(), capture.capture, capture.terms)
    control.clear_operations()
    with pytest.raises(RejectedError) as caught:
        begin_deallocate(Generalizing(capture))
    assert caught.value.code == "NotOurStage"
    assert effects(control) == []


def test_a_vm_that_was_started_again_is_not_waited_for(given: Give) -> None:
    control = given(world())
    capture = work(control)
    with pytest.raises(RejectedError) as caught:
        deallocation_pending(Generalizing(capture))
    assert caught.value.code == "StartedAgain"


def test_a_vm_that_is_not_deallocated_is_never_marked(given: Give) -> None:
    control = given(world())
    capture = work(control)
    generalizing = begin_generalize(capture)
    with pytest.raises(RejectedError) as caught:
        end_generalize(generalizing)
    assert caught.value.code == "NoEvidence"
    assert done(control) == ["applyArtifacts"]


# --- The next run


def test_the_next_run_goes_on_with_the_stage_of_a_dead_one(given: Give) -> None:
    control = given(world(deallocate=None))
    first = work(control)
    begin_generalize(first)
    control.advance(150)
    second = work(control, YOUNGER)
    assert second.capture.generalize
    begin_generalize(second)
    assert begin_deallocate(Generalizing(second)).pending
    control.advance(10)
    end_generalize(Generalizing(second))
    assert done(control) == ["deallocate", "generalize"]


def test_the_next_run_tries_again_what_failed(given: Give) -> None:
    control = given(world(status="Failed"))
    begin_generalize(work(control))
    control.advance(70)
    second = work(control, YOUNGER)
    begin_generalize(second)
    assert done(control) == ["applyArtifacts"]


def test_a_vm_that_was_marked_is_captured_by_the_next_run_without_being_generalized_again(given: Give) -> None:
    control = given(world())
    generalized(control, work(control))
    second = work(control, YOUNGER)
    assert not second.capture.generalize
    assert kinds(control) == []
