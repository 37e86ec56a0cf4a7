"""A capture's steps that come late, twice or at once: nothing of them stays, and no export without an owner."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from activities import capture as module
from activities.capture import (
    CaptureEnd,
    begin_capture_copy,
    release_disk,
    settle_capture,
    write_capture_manifest,
)
from activities.grants import end_grant, record_grant
from shared.azure import disks
from shared.azure.blobs import Container
from shared.azure.vhds import Vhds
from shared.domain.runs import Run
from shared.errors import PermanentError, TransientError
from shared.journal import read_claim
from tests.activities.captures import (
    CAPTURED,
    FAILED,
    Give,
    assert_nothing_is_left,
    finish_copy,
    golden,
    is_exported,
    record,
    work,
    world,
)
from tests.activities.conftest import effects, lose_claim
from tests.activities.interleaving import just_before

pytestmark = pytest.mark.slow


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


@pytest.mark.parametrize("moment", [(disks, "get_disk"), (disks, "grant"), (Vhds, "begin_copy"), (module, "fence")])
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
        disks.grant(disk.id, timedelta(hours=1))

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
    disks.grant(dead.capture.disk.id, timedelta(hours=1))
    end_grant(dead.run, dead.capture.disk)
    assert is_exported(control)


def test_an_export_of_a_dead_run_becomes_that_of_the_run_that_works(given: Give) -> None:
    control = given(world())
    capture = work(control)
    disk = capture.capture.disk
    record_grant(Run("20260101T000000Z-dead", capture.run.factory, capture.run.account, "tests"), disk)
    disks.grant(disk.id, timedelta(hours=1))
    begin_capture_copy(capture)
    found = record(capture)
    assert found
    assert found.run == capture.run.id


@pytest.mark.parametrize(("owner", "name", "call"), [(disks, "get_disk", 1), (Container, "find", 2)])
def test_two_begins_at_once_never_take_each_others_export_for_somebody_elses(
    given: Give, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, call: int
) -> None:
    """The second may fail with the first, but as what it is; and whatever it did, nothing is left."""
    control = given(world(copySeconds=600))
    capture = work(control)
    just_before(monkeypatch, owner, name, lambda: begin_capture_copy(capture), call)
    try:
        begin_capture_copy(capture)
    except TransientError as error:
        assert error.code == "GrantIsLost"
    assert record(capture)
    settle_capture(CaptureEnd(capture, FAILED))
    assert_nothing_is_left(control, capture)
