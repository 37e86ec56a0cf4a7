"""A capture's activities: an export never outlives its capture, the manifest comes last, every step may happen twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from activities import capture as module
from activities.capture import (
    CaptureEnd,
    CaptureWork,
    begin_capture_copy,
    capture_copy_pending,
    release_disk,
    settle_capture,
    write_capture_manifest,
)
from activities.copies import RunningCopy
from activities.grants import GrantRecord, end_grant, record_grant
from activities.inspection import inspect_factory
from activities.planning import CAPTURE_PLAN, plan_captures_of_run
from local.azure import Control
from shared.azure import compute
from shared.azure.blobs import Container
from shared.azure.vhds import Vhds
from shared.domain.capture import CapturePlan, capture_key
from shared.domain.outcomes import Ending, Outcome
from shared.domain.runs import Run
from shared.domain.tickets import Kind
from shared.errors import PermanentError, RejectedError, TransientError
from shared.journal import Journal, claim_container, read_claim
from shared.wire import from_json, to_json
from tests.activities.conftest import configured, effects, lose_claim, started, upload
from tests.activities.interleaving import Killed, die, just_before
from tests.e2e.worlds import World, asks, labs_json

pytestmark = pytest.mark.slow

Give = Callable[[World], Control]
FAILED = Outcome(Ending.FAILED, "Overdue", "It took too long.")
CAPTURED = Outcome(Ending.CAPTURED)


def world(**behave: object) -> World:
    return World().vm("golden", "Win2022\\Server.json").behaving(**behave)


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


def finish_copy(control: Control, capture: CaptureWork) -> None:
    copy = begin_capture_copy(capture)
    control.advance(60)
    assert not capture_copy_pending(copy).pending


def finish(control: Control, capture: CaptureWork) -> CaptureWork:
    """Up to the manifest; answers the capture as it was released."""
    finish_copy(control, capture)
    released = release_disk(capture)
    write_capture_manifest(released)
    return released


def is_exported(control: Control) -> bool:
    [disk] = control.world()["disks"]
    return bool(disk["sas"])


def record(capture: CaptureWork) -> GrantRecord | None:
    found = claim_container(capture.run.account).find(f"grants/{capture.capture.disk.unique_id}")
    return from_json(found.data, GrantRecord) if found else None


def golden(capture: CaptureWork) -> list[str]:
    return [blob.name for blob in Vhds(capture.run.account).list()]


def kinds(control: Control) -> list[str]:
    """What was done to the world, without the container that a first write makes."""
    return [effect for effect, path in effects(control) if not path.endswith("/imagefactoryvhds")]


def assert_nothing_is_left(control: Control, capture: CaptureWork) -> None:
    assert not is_exported(control)
    assert record(capture) is None
    assert golden(capture) == []


# --- Begin


def test_an_export_is_recorded_before_it_is_asked_for_and_forgotten_after_it_ended(given: Give) -> None:
    control = given(world())
    capture = work(control)
    finish(control, capture)
    calls = [
        f"{call['effect']} {call['path'].rpartition('/')[2] if 'Access' in call['path'] else call['path'].split('/')[2]}"
        for call in control.operations()
        if call["effect"] in ("grant", "revoke", "copy") or ("/grants/" in call["path"] and call["effect"] != "none")
    ]
    assert calls == [
        "create imagefactory",
        "grant beginGetAccess",
        "copy imagefactoryvhds",
        "revoke endGetAccess",
        "delete imagefactory",
    ]


@pytest.mark.parametrize("died_before", [(compute, "grant"), (Vhds, "begin_copy")])
def test_a_begin_that_died_around_the_grant_is_repeated_with_one_new_export(
    given: Give, monkeypatch: pytest.MonkeyPatch, died_before: tuple[Any, str]
) -> None:
    control = given(world())
    capture = work(control)
    just_before(monkeypatch, *died_before, die)
    with pytest.raises(Killed):
        begin_capture_copy(capture)
    granted = is_exported(control)
    assert record(capture) is not None, "whatever was granted is known"
    control.clear_operations()
    begin_capture_copy(capture)
    assert kinds(control) == (["revoke", "grant", "copy"] if granted else ["grant", "copy"])
    assert granted == (died_before[1] == "begin_copy")


def test_a_copy_under_way_is_adopted_and_its_disk_not_exported_again(given: Give) -> None:
    control = given(world(copySeconds=600))
    capture = work(control)
    first, second = begin_capture_copy(capture), begin_capture_copy(capture)
    assert first == second
    assert kinds(control) == ["grant", "copy"]
    assert capture_copy_pending(second).pending


@pytest.mark.parametrize(("owner", "name", "call"), [(compute, "is_exported", 1), (Container, "find", 2)])
def test_two_begins_at_once_never_take_each_others_export_for_somebody_elses(
    given: Give, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, call: int
) -> None:
    """The second may fail with the first, but as what it is; and whatever it did, nothing is left."""
    control = given(world(copySeconds=600))
    capture = work(control)
    just_before(monkeypatch, owner, name, lambda: begin_capture_copy(capture), call)
    try:
        begin_capture_copy(capture)
    except RejectedError as error:
        assert error.code == "Conflict"
    assert record(capture)
    settle_capture(CaptureEnd(capture, FAILED))
    assert_nothing_is_left(control, capture)


def test_a_disk_that_somebody_else_exports_is_left_alone_x23(given: Give) -> None:
    theirs = world()
    theirs.disks[0]["sas"] = True
    control = given(theirs)
    capture = work(control)
    with pytest.raises(RejectedError) as caught:
        begin_capture_copy(capture)
    assert caught.value.code == "DiskExportedByOther"
    settle_capture(CaptureEnd(capture, Outcome.failed(caught.value)))
    assert effects(control) == []
    assert is_exported(control)


def test_a_disk_that_azure_does_not_export_is_an_outcome_and_nothing_is_copied(given: Give) -> None:
    control = given(world(grantFail=["golden-os"]))
    capture = work(control)
    with pytest.raises(RejectedError) as caught:
        begin_capture_copy(capture)
    assert caught.value.code == "OperationNotAllowed"
    settle_capture(CaptureEnd(capture, Outcome.failed(caught.value)))
    assert {"grant", "copy"}.isdisjoint(kinds(control))
    assert_nothing_is_left(control, capture)


def test_an_export_that_is_not_granted_in_time_is_ended_all_the_same(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = given(world())
    capture = work(control)
    with monkeypatch.context() as impatient, pytest.raises(TransientError) as caught:
        impatient.setattr(compute, "GRANT_WAIT", 0.01)
        begin_capture_copy(capture)
    assert caught.value.code == "GrantIsSlow"
    assert is_exported(control), "Azure grants it later"
    settle_capture(CaptureEnd(capture, FAILED))
    assert_nothing_is_left(control, capture)


# --- Copy, release, manifest


@pytest.mark.parametrize("status", ["Failed", "Aborted"])
def test_a_copy_that_fails_leaves_neither_an_export_nor_a_vhd_i3(given: Give, status: str) -> None:
    control = given(world(copy={"*": {"statuses": ["Pending", status]}}))
    capture = work(control)
    copy = begin_capture_copy(capture)
    control.advance(60)
    with pytest.raises(RejectedError) as caught:
        capture_copy_pending(copy)
    assert caught.value.code == "CopyFailed"
    settle_capture(CaptureEnd(capture, Outcome.failed(caught.value)))
    assert_nothing_is_left(control, capture)


def test_a_copy_must_be_as_long_as_the_disk_and_a_footer_i3(given: Give) -> None:
    control = given(world())
    capture = work(control)
    copy = begin_capture_copy(capture)
    control.advance(60)
    assert copy.size_bytes == 2**30 + 512
    with pytest.raises(RejectedError) as caught:
        capture_copy_pending(replace(copy, size_bytes=2**30))
    assert caught.value.code == "CopyLength"


def test_the_manifest_names_the_disk_before_its_export_and_after(given: Give) -> None:
    control = given(world())
    capture = work(control)
    finish_copy(control, capture)
    disk_as_json = the_disk(capture)
    disk_as_json["properties"]["LastOwnershipUpdateTime"] = "2026-11-23T09:00:00+00:00"
    control.fault(r"GET .*/disks/golden-os", status=200, body=disk_as_json)
    released = release_disk(capture)
    after = released.capture.disk
    assert after.ownership_updated == datetime.fromisoformat("2026-11-23T09:00:00+00:00")
    write_capture_manifest(released)
    manifest = json.loads(Vhds(capture.run.account).get(capture.capture.manifest).data)
    assert manifest["captureKeys"] == [capture.capture.digest, capture_key(capture.capture.vm_id, after)]
    assert manifest["captureKeys"][0] != manifest["captureKeys"][1]
    assert manifest["run"] == capture.run.id


def the_disk(capture: CaptureWork) -> dict[str, Any]:
    """The disk as ARM answers it."""
    subscription, group, name = compute._parts(capture.capture.disk.id)
    disk: Any = compute.compute(subscription).disks.get(group, name)
    return dict(disk.serialize(keep_readonly=True) if hasattr(disk, "serialize") else disk.as_dict())


def test_a_disk_that_did_not_change_is_named_once(given: Give) -> None:
    control = given(world())
    capture = work(control)
    finish(control, capture)
    manifest = json.loads(Vhds(capture.run.account).get(capture.capture.manifest).data)
    assert manifest["captureKeys"] == [capture.capture.digest]


def test_the_manifest_comes_last_and_is_written_once(given: Give) -> None:
    control = given(world())
    capture = work(control)
    released = finish(control, capture)
    assert kinds(control) == ["grant", "copy", "revoke", "create"]
    vhds = Vhds(capture.run.account)
    first = vhds.get(capture.capture.manifest)
    write_capture_manifest(replace(released, capture=replace(released.capture, description="another")))
    assert vhds.get(capture.capture.manifest) == first


def test_there_is_no_manifest_for_a_vhd_that_is_gone(given: Give) -> None:
    control = given(world())
    capture = work(control)
    finish_copy(control, capture)
    Vhds(capture.run.account).remove(capture.capture.vhd)
    with pytest.raises(RejectedError) as caught:
        write_capture_manifest(release_disk(capture))
    assert caught.value.code == "CopyGone"
    settle_capture(CaptureEnd(capture, Outcome.failed(caught.value)))
    assert_nothing_is_left(control, capture)


def test_releasing_twice_ends_one_export(given: Give) -> None:
    control = given(world())
    capture = work(control)
    finish_copy(control, capture)
    control.clear_operations()
    assert release_disk(capture) == release_disk(capture)
    assert kinds(control) == ["revoke"]


# --- Settle


def test_settling_a_failure_removes_the_vhd_and_ends_the_export(given: Give) -> None:
    control = given(world(copySeconds=600))
    capture = work(control)
    begin_capture_copy(capture)
    assert settle_capture(CaptureEnd(capture, FAILED)) == FAILED
    assert_nothing_is_left(control, capture)


def test_settling_after_the_manifest_leaves_the_golden_image(given: Give) -> None:
    control = given(world())
    capture = work(control)
    finish(control, capture)
    settle_capture(CaptureEnd(capture, CAPTURED))
    assert golden(capture) == sorted([capture.capture.manifest, capture.capture.vhd])
    assert not is_exported(control)


def test_a_failure_settled_after_the_manifest_leaves_the_golden_image_i9(given: Give) -> None:
    """The manifest was written, its answer lost: the step fails for good, the image is there."""
    control = given(world())
    capture = work(control)
    finish(control, capture)
    settle_capture(CaptureEnd(capture, FAILED))
    assert golden(capture) == sorted([capture.capture.manifest, capture.capture.vhd])


@pytest.mark.parametrize("died_before", [(Vhds, "exists"), (Vhds, "remove"), (module, "end_grant")])
def test_a_settle_that_died_is_finished_by_its_repeat_and_the_first_outcome_stays(
    given: Give, monkeypatch: pytest.MonkeyPatch, died_before: tuple[Any, str]
) -> None:
    control = given(world(copySeconds=600))
    capture = work(control)
    begin_capture_copy(capture)
    just_before(monkeypatch, *died_before, die)
    with pytest.raises(Killed):
        settle_capture(CaptureEnd(capture, FAILED))
    assert settle_capture(CaptureEnd(capture, CAPTURED)) == FAILED
    assert_nothing_is_left(control, capture)


# --- The fence


def test_a_capture_of_a_run_that_lost_the_claim_does_nothing(given: Give) -> None:
    control = given(world(copySeconds=600))
    capture = work(control)
    begin_capture_copy(capture)
    lose_claim(capture.run)
    control.clear_operations()
    late: list[Callable[[], object]] = [
        lambda: begin_capture_copy(capture),
        lambda: release_disk(capture),
        lambda: write_capture_manifest(capture),
        lambda: settle_capture(CaptureEnd(capture, FAILED)),
    ]
    for step in late:
        with pytest.raises(PermanentError, match="does not hold the claim"):
            step()
    assert effects(control) == []
    assert record(capture), "the next run's sweep ends it"


def test_a_late_begin_finds_the_outcome_and_does_nothing(given: Give) -> None:
    control = given(world())
    capture = work(control)
    settle_capture(CaptureEnd(capture, FAILED))
    for step in (begin_capture_copy, write_capture_manifest):
        with pytest.raises(PermanentError, match="has ended"):
            step(capture)
    assert effects(control) == []
    assert_nothing_is_left(control, capture)


@pytest.mark.parametrize(
    "moment", [(compute, "is_exported"), (compute, "grant"), (Vhds, "begin_copy"), (module, "fence")]
)
@pytest.mark.parametrize("closes", ["claim", "outcome"])
def test_what_was_begun_while_the_fence_closed_is_taken_back(
    given: Give, monkeypatch: pytest.MonkeyPatch, closes: str, moment: tuple[Any, str]
) -> None:
    """A late begin is past its first look when the capture ends: nothing of it may stay, wherever it was just then."""
    control = given(world(copySeconds=600))
    capture = work(control)

    def close() -> None:
        if closes == "claim":
            lose_claim(capture.run)
        else:
            settle_capture(CaptureEnd(capture, FAILED))

    just_before(monkeypatch, *moment, close, call=2 if moment[1] == "fence" else 1)
    with pytest.raises(PermanentError, match="nothing was done"):
        begin_capture_copy(capture)
    assert_nothing_is_left(control, capture)


def test_a_late_begin_never_takes_back_a_finished_golden_image_i9(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    control = given(world())
    capture = work(control)
    finish_copy(control, capture)

    def end() -> None:
        write_capture_manifest(release_disk(capture))
        settle_capture(CaptureEnd(capture, CAPTURED))

    just_before(monkeypatch, module, "fence", end, call=2)
    with pytest.raises(PermanentError, match="has ended"):
        begin_capture_copy(capture)
    assert golden(capture) == sorted([capture.capture.manifest, capture.capture.vhd])
    assert not is_exported(control)


def test_a_complete_copy_of_a_run_that_lost_the_claim_is_left_to_the_sweep(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its manifest may be on its way; a VHD that gets none is swept by the next run."""
    control = given(world())
    capture = work(control)
    finish_copy(control, capture)
    just_before(monkeypatch, module, "fence", lambda: lose_claim(capture.run), call=2)
    with pytest.raises(PermanentError):
        begin_capture_copy(capture)
    assert golden(capture) == [capture.capture.vhd]
    assert not is_exported(control)


# --- The records of exports


def test_an_export_made_while_another_is_being_ended_keeps_its_record(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would know whose it is: it would block the disk for good (I1)."""
    control = given(world())
    capture = work(control)
    run, disk = capture.run, capture.capture.disk
    record_grant(run, disk)

    def export_again() -> None:
        record_grant(run, disk)
        compute.grant(disk.id, timedelta(hours=1))

    just_before(monkeypatch, Container, "delete", export_again)
    end_grant(run, disk)
    assert is_exported(control) == (record(capture) is not None)


def test_a_dead_runs_late_step_does_not_end_the_export_of_the_run_that_works(given: Give) -> None:
    control = given(world(copySeconds=600))
    dead = work(control)
    lose_claim(dead.run)
    read = read_claim(dead.run.account)
    assert read.claim
    alive = Run(read.claim.run, dead.run.factory, dead.run.account, dead.run.app)
    record_grant(alive, dead.capture.disk)
    compute.grant(dead.capture.disk.id, timedelta(hours=1))
    end_grant(dead.run, dead.capture.disk)
    assert is_exported(control)


def test_an_export_of_a_dead_run_becomes_that_of_the_run_that_works(given: Give) -> None:
    control = given(world())
    capture = work(control)
    disk = capture.capture.disk
    record_grant(Run("20260101T000000Z-dead", capture.run.factory, capture.run.account, "tests"), disk)
    compute.grant(disk.id, timedelta(hours=1))
    begin_capture_copy(capture)
    found = record(capture)
    assert found
    assert found.run == capture.run.id


# --- Secrets


def test_no_signature_leaves_an_activity_i5(given: Give) -> None:
    control = given(world(copySeconds=600))
    capture = work(control)
    answers: list[object] = [begin_capture_copy(capture)]
    assert isinstance(answers[0], RunningCopy)
    answers.append(capture_copy_pending(answers[0]))
    control.advance(600)
    released = release_disk(capture)
    answers += [released, write_capture_manifest(released), settle_capture(CaptureEnd(capture, CAPTURED))]
    written = [Vhds(capture.run.account).get(capture.capture.manifest).data]
    for container in (Journal(capture.run.id).container, claim_container(capture.run.account)):
        written += [container.get(blob.name).data for blob in container.list()]
    for text in (*(to_json(answer) for answer in answers), *written):
        assert b"sig=" not in text
        assert b"sig%3D" not in text


def test_a_refusal_that_repeats_the_source_tells_no_signature_i5(given: Give) -> None:
    control = given(world())
    capture = work(control)
    message = "Cannot read https://md-hdd.example/v1/abcd?sv=2018-03-28&sr=b&sig=c2VjcmV0%3D of the disk"
    control.fault(
        rf"PUT .*{capture.capture.vhd}",
        status=403,
        times=5,
        headers={"x-ms-error-code": "CannotVerifyCopySource"},
        body=f"<Error><Code>CannotVerifyCopySource</Code><Message>{message.replace('&', '&amp;')}</Message></Error>",
    )
    with pytest.raises(RejectedError) as caught:
        begin_capture_copy(capture)
    assert caught.value.code == "CannotVerifyCopySource"
    assert "Cannot read" in caught.value.message
    assert "c2VjcmV0" not in caught.value.message
    settle_capture(CaptureEnd(capture, Outcome.failed(caught.value)))
    assert Journal(capture.run.id).has_outcome(Kind.CAPTURES, capture.capture.key)
    assert_nothing_is_left(control, capture)
