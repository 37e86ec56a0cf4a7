"""The claim's activities against real storage: one run at a time, no upload lost, whatever happens in between."""

import os
from collections.abc import Callable

import pytest

from activities import claim as module
from activities import configuration as reading
from activities.claim import Release, Released, release_claim, take_claim
from activities.configuration import Asked, configuration_etag, read_configuration
from local.azure import Control
from shared.azure.labs import factory_lab
from shared.domain.claim import Claim, ClaimState
from shared.domain.runs import Run, RunRequest
from shared.errors import PermanentError, RejectedError, TransientError
from shared.journal import (
    CLAIM,
    FrozenConfiguration,
    Journal,
    ReadClaim,
    RunRecord,
    claim_container,
    read_claim,
    write_claim,
)
from tests.activities.conftest import RUN, YOUNGER, configured, effects, lose_claim, started, upload
from tests.activities.interleaving import Killed, die, just_before
from tests.e2e.blobs import BlobClient
from tests.e2e.worlds import World, asks, labs_json

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("control")]

Give = Callable[[World], Control]
OLDER, NEXT = "20260101T000000Z-0000", "20261124T020509Z-next"
HELD, RELEASED = ClaimState.HELD, ClaimState.RELEASED
ONE, OTHER = labs_json(asks("lab-a", "Win2016")), labs_json(asks("lab-b", "Win2019"))


@pytest.fixture
def control(given: Give) -> Control:
    return given(World().lab("lab-a"))


def there_is(claim: Claim) -> None:
    assert write_claim(factory_lab().account, claim, read_claim(factory_lab().account))


def the_claim() -> ReadClaim:
    return read_claim(factory_lab().account)


def ring() -> None:
    """What the blob trigger does when it meets a run."""
    read = the_claim()
    assert read.claim
    assert write_claim(factory_lab().account, read.claim, read)


def writes(control: Control) -> list[str]:
    """Everything written, journal and claim too."""
    return [call["path"] for call in control.operations() if call["caller"] == "app" and call["effect"] != "none"]


def working(control: Control, data: bytes = ONE) -> Run:
    """A run that holds the claim and has frozen its configuration."""
    upload(control, "labs.json", data)
    run = started()
    configured(run)
    control.clear_operations()
    return run


# --- Take


def test_a_run_that_takes_the_claim_is_recorded_first(control: Control) -> None:
    taken = take_claim(RunRequest(RUN))
    assert (taken.run.account, taken.run.app, taken.took_over) == ("stfactory", "tests", False)
    assert the_claim().claim == Claim("tests", RUN, HELD)
    record = Journal(RUN).read("run.json", RunRecord)
    assert (record.run_id, record.app, record.factory_id) == (RUN, "tests", taken.run.factory)
    runs = [path for path in writes(control) if path.endswith(("run.json", CLAIM))]
    assert [path.rpartition("/")[2] for path in runs] == ["run.json", CLAIM]


@pytest.mark.parametrize("before", [None, Claim("tests", OLDER, HELD), Claim("other", OLDER, RELEASED)])
def test_taking_twice_answers_the_same_and_writes_once(control: Control, before: Claim | None) -> None:
    if before:
        there_is(before)
    first = take_claim(RunRequest(RUN))
    stored = the_claim()
    control.clear_operations()
    assert take_claim(RunRequest(RUN)) == first
    assert the_claim() == stored
    assert writes(control) == []
    assert first.took_over == (before is not None and before.state is HELD)


def test_a_dead_run_of_this_app_is_taken_over_with_what_it_has_seen() -> None:
    there_is(Claim("tests", OLDER, HELD, seen_etag='"1"'))
    assert take_claim(RunRequest(RUN)).took_over
    assert the_claim().claim == Claim("tests", RUN, HELD, took_over=True, seen_etag='"1"')


@pytest.mark.parametrize(
    ("before", "code"),
    [
        (Claim("other", OLDER, HELD), "ClaimedByOtherApp"),
        (Claim("tests", RUN, RELEASED), "Superseded"),
        (Claim("tests", YOUNGER, HELD), "Superseded"),
    ],
)
def test_a_claim_that_may_not_be_taken_is_left_as_it_is(control: Control, before: Claim, code: str) -> None:
    there_is(before)
    stored = the_claim()
    control.clear_operations()
    with pytest.raises(RejectedError) as refused:
        take_claim(RunRequest(RUN))
    assert refused.value.code == code
    assert the_claim() == stored
    assert effects(control) == []


def test_of_two_runs_that_take_at_once_the_older_one_ends_superseded(monkeypatch: pytest.MonkeyPatch) -> None:
    just_before(monkeypatch, module, "write_claim", lambda: take_claim(RunRequest(YOUNGER)))
    with pytest.raises(RejectedError) as refused:
        take_claim(RunRequest(RUN))
    assert refused.value.code == "Superseded"
    claim = the_claim().claim
    assert claim
    assert claim.held_by(YOUNGER)


def test_a_claim_that_changes_all_the_time_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "write_claim", lambda *_: False)
    with pytest.raises(TransientError) as caught:
        take_claim(RunRequest(RUN))
    assert caught.value.code == "Contended"


# --- Read the configuration


def test_what_a_run_has_seen_stands_in_the_claim(control: Control) -> None:
    upload(control, "labs.json", ONE)
    configured(started())
    claim = the_claim().claim
    assert claim
    assert claim.seen_etag == configuration_etag() != ""


def test_a_run_without_a_configuration_has_seen_none_and_cannot_use_it() -> None:
    answer = configured(started())
    assert not answer.usable
    assert the_claim().claim == Claim("tests", RUN, HELD, seen_etag="")


def test_a_repeat_after_another_upload_answers_what_is_frozen_b10(control: Control) -> None:
    run = working(control)
    stored = the_claim()
    frozen = Journal(run.id).read("configuration.json", FrozenConfiguration)
    upload(control, "labs.json", labs_json(asks("lab-a", "Win2016"), asks("lab-b", "Win2019")))
    assert configured(run).labs == 1
    assert the_claim() == stored, "the upload is not seen: the release finds it"
    assert Journal(run.id).read("configuration.json", FrozenConfiguration) == frozen


def test_a_read_that_died_before_it_froze_leaves_the_file_seen(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file on which every run dies starts one run, not one after the other."""
    upload(control, "labs.json", ONE)
    run = started()
    just_before(monkeypatch, reading, "read_labs", die)
    with pytest.raises(Killed):
        configured(run)
    claim = the_claim().claim
    assert claim
    assert claim.seen_etag == configuration_etag()
    assert release_claim(Release(run, NEXT)).state is Released.RELEASED


def test_an_upload_while_the_file_is_being_read_is_read_or_found_by_the_release(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(control, "labs.json", ONE)
    run = started()
    just_before(monkeypatch, reading, "read_labs", lambda: upload(control, "labs.json", OTHER))
    configured(run)
    frozen = Journal(run.id).read("configuration.json", FrozenConfiguration)
    claim = the_claim().claim
    assert claim
    assert [lab.name for lab in frozen.labs] == ["lab-a"]
    assert claim.seen_etag == frozen.etag != configuration_etag()
    assert release_claim(Release(run, NEXT)).state is Released.HANDED_OVER


def test_an_upload_between_the_look_and_the_read_is_read_and_counts_as_seen(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(control, "labs.json", ONE)
    run = started()
    just_before(monkeypatch, reading, "found_now", lambda: upload(control, "labs.json", OTHER))
    configured(run)
    claim = the_claim().claim
    assert claim
    assert claim.seen_etag == configuration_etag()
    assert [lab.name for lab in Journal(run.id).read("configuration.json", FrozenConfiguration).labs] == ["lab-b"]


def test_a_ring_while_the_etag_is_noted_is_not_undone(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    upload(control, "labs.json", ONE)
    run = started()
    just_before(monkeypatch, reading, "write_claim", ring)
    configured(run)
    claim = the_claim().claim
    assert claim
    assert claim.held_by(run.id)
    assert claim.seen_etag == configuration_etag()


def test_a_run_that_loses_the_claim_while_it_reads_notes_nothing(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(control, "labs.json", ONE)
    run = started()
    just_before(monkeypatch, reading, "_note_seen", lambda: lose_claim(run))
    with pytest.raises(PermanentError, match="does not hold the claim"):
        read_configuration(Asked(run, RunRequest(run.id)))
    assert the_claim().claim == Claim("tests", YOUNGER, HELD)


# --- Release


def test_an_unchanged_configuration_releases_the_claim(control: Control) -> None:
    run = working(control)
    seen = configuration_etag()
    assert release_claim(Release(run, NEXT)).state is Released.RELEASED
    assert the_claim().claim == Claim("tests", RUN, RELEASED, seen_etag=seen)


@pytest.mark.parametrize("before", [None, ONE], ids=["first upload", "next upload"])
def test_a_changed_configuration_hands_the_claim_to_the_next_run(control: Control, before: bytes | None) -> None:
    run = started()
    if before:
        upload(control, "labs.json", before)
    configured(run)
    stored = the_claim().claim
    assert stored
    upload(control, "labs.json", OTHER)
    assert release_claim(Release(run, NEXT)).state is Released.HANDED_OVER
    assert the_claim().claim == Claim("tests", NEXT, HELD, seen_etag=stored.seen_etag)
    taken = take_claim(RunRequest(NEXT))
    assert not taken.took_over, "the run before it has ended: there is nothing to wait for"


def test_a_configuration_that_was_deleted_hands_over_so_that_the_next_run_reports_it(control: Control) -> None:
    run = working(control)
    BlobClient(os.environ).delete("configuration", "labs.json")
    assert release_claim(Release(run, NEXT)).state is Released.HANDED_OVER


def test_an_upload_that_rings_between_the_look_and_the_write_is_not_lost(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = working(control)

    def upload_and_ring() -> None:
        upload(control, "labs.json", OTHER)
        ring()

    just_before(monkeypatch, module, "write_claim", upload_and_ring)
    assert release_claim(Release(run, NEXT)).state is Released.HANDED_OVER
    claim = the_claim().claim
    assert claim
    assert claim.held_by(NEXT)


def test_a_ring_that_brings_nothing_new_only_costs_another_look(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = working(control)
    just_before(monkeypatch, module, "write_claim", ring)
    assert release_claim(Release(run, NEXT)).state is Released.RELEASED


@pytest.mark.parametrize("changed", [False, True], ids=["released", "handed over"])
def test_releasing_twice_answers_the_same_and_writes_once(control: Control, changed: bool) -> None:
    run = working(control)
    if changed:
        upload(control, "labs.json", OTHER)
    first = release_claim(Release(run, NEXT))
    stored = the_claim()
    control.clear_operations()
    upload(control, "labs.json", ONE)
    assert release_claim(Release(run, NEXT)) == first
    assert the_claim() == stored, "what came after belongs to the trigger and to the next run"


@pytest.mark.parametrize("changed", [False, True], ids=["unchanged", "changed"])
def test_a_lost_claim_is_told_and_left_alone(control: Control, changed: bool) -> None:
    run = working(control)
    if changed:
        upload(control, "labs.json", OTHER)
    lose_claim(run)
    stored = the_claim()
    control.clear_operations()
    assert release_claim(Release(run, NEXT)).state is Released.LOST
    assert the_claim() == stored
    assert writes(control) == []


def test_a_claim_that_an_operator_deleted_is_lost_and_not_made_again(control: Control) -> None:
    run = working(control)
    claim_container(run.account).delete(CLAIM)
    assert release_claim(Release(run, NEXT)).state is Released.LOST
    assert the_claim().claim is None


def test_a_claim_taken_over_between_the_look_and_the_write_is_lost(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = working(control)
    just_before(monkeypatch, module, "write_claim", lambda: lose_claim(run))
    assert release_claim(Release(run, NEXT)).state is Released.LOST
    claim = the_claim().claim
    assert claim
    assert claim.held_by(YOUNGER)


def test_a_configuration_that_may_not_be_read_any_more_does_not_keep_the_claim_held(control: Control) -> None:
    run = working(control)
    forbidden = "<Error><Code>AuthorizationPermissionMismatch</Code><Message>No.</Message></Error>"
    code = {"x-ms-error-code": "AuthorizationPermissionMismatch"}
    control.fault("HEAD .*/labs.json", times=9, status=403, headers=code, body=forbidden)
    assert release_claim(Release(run, NEXT)).state is Released.RELEASED
