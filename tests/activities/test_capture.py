"""A capture's activities: an export never outlives its capture, the manifest comes last, every step may happen twice."""

import json
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
from shared.azure import disks
from shared.azure.clients import compute
from shared.azure.compute_ids import ComputeId
from shared.azure.vhds import Vhds
from shared.domain.capture import capture_key
from shared.domain.outcomes import Outcome
from shared.domain.tickets import Kind
from shared.errors import RejectedError, TransientError
from shared.journal import Journal, claim_container
from shared.wire import to_json
from tests.activities.captures import (
    CAPTURED,
    FAILED,
    Give,
    assert_nothing_is_left,
    finish,
    finish_copy,
    golden,
    is_exported,
    kinds,
    record,
    work,
    world,
)
from tests.activities.conftest import effects
from tests.activities.interleaving import Killed, die, just_before

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("died_before", [(disks, "grant"), (Vhds, "begin_copy")])
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


def test_a_disk_that_somebody_else_exports_is_left_alone_x23(given: Give) -> None:
    control = given(world())
    capture = work(control)
    disks.grant(capture.capture.disk.id, timedelta(hours=1))
    control.clear_operations()
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
        impatient.setattr(disks, "GRANT_WAIT", 0.01)
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
    found = ComputeId.parse(capture.capture.disk.id)
    disk: Any = compute(found.subscription).disks.get(found.resource_group, found.name)
    return disk.as_dict()


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
