"""A cancel against real storage: the mark, and that every activity which would begin something meets it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from activities import capture as capturing
from activities import delivery as delivering
from activities.capture import CaptureEnd, begin_capture_copy, capture_copy_pending, settle_capture
from activities.claim import Release, Released, release_claim
from activities.configuration import Asked, read_configuration
from activities.delivery import (
    DeliveryEnd,
    begin_copy,
    begin_custom_image,
    begin_image_removal,
    copy_pending,
    custom_image_pending,
    settle_delivery,
)
from activities.inspection import LabIndex, inspect_factory, inspect_lab
from activities.planning import plan_captures_of_run, plan_distribution_of_run
from activities.report import Closing, Refusal, write_report
from activities.tickets import Opened, Round, TicketRequest, close_unfinished, next_ticket, open_round
from local.azure import Control
from shared import cancelling, starting
from shared.azure.labs import factory_lab
from shared.cancelling import cancel_run
from shared.domain.claim import Claim, ClaimState
from shared.domain.outcomes import CANCELLED, Ending, Outcome, RunState
from shared.domain.runs import Run, RunRequest
from shared.domain.tickets import Answer, Kind
from shared.errors import MissingError, PermanentError, TransientError
from shared.journal import Journal, ReadClaim, cancelled, read_claim, write_claim
from tests.activities import captures, test_delivery, test_tickets_activities
from tests.activities.conftest import RUN, YOUNGER, effects, started, upload
from tests.activities.engine_double import Clock, Engine
from tests.activities.interleaving import just_before
from tests.e2e.worlds import World, asks, labs_json

pytestmark = pytest.mark.slow

Give = Callable[[World], Control]
ENDED = datetime(2026, 11, 23, 3, tzinfo=UTC)
LEFT = Outcome.failed(cancelled())
LABS = labs_json(asks("lab-a", "Win2016"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(monkeypatch)
    monkeypatch.setattr(cancelling, "time", starting.time)
    return clock


def the_claim() -> ReadClaim:
    return read_claim(factory_lab().account)


def mark() -> None:
    read = the_claim()
    assert read.claim
    assert write_claim(factory_lab().account, read.claim.cancel(), read)


def cancel(run_id: str = RUN, works: str = RUN) -> RunState:
    return asyncio.run(cancel_run(Engine(works), run_id)).state


def writes(control: Control) -> list[str]:
    return [call["path"] for call in control.operations() if call["caller"] == "app" and call["effect"] != "none"]


# --- The mark


def test_a_cancel_marks_the_claim_of_the_run_that_works_and_says_so(given: Give) -> None:
    given(World())
    started()
    status = asyncio.run(cancel_run(Engine(RUN), RUN))
    assert (status.state, status.cancelling) == (RunState.RUNNING, True)
    assert the_claim().claim == Claim("tests", RUN, ClaimState.HELD, cancelled=True)


def test_a_second_cancel_writes_nothing(given: Give) -> None:
    control = given(World())
    started()
    cancel()
    control.clear_operations()
    assert cancel() is RunState.RUNNING
    assert writes(control) == []


@pytest.mark.parametrize("works", ["", RUN, YOUNGER], ids=["nobody", "itself", "another"])
def test_a_run_that_has_ended_is_not_cancelled(given: Give, works: str) -> None:
    control = given(World())
    run = started()
    write_report(Closing(RUN, ENDED))
    release_claim(Release(run, YOUNGER))
    control.clear_operations()
    assert cancel(works=works) is RunState.SUCCEEDED
    assert writes(control) == []


def test_a_run_that_nobody_works_on_is_not_cancelled(given: Give) -> None:
    control = given(World())
    started()
    control.clear_operations()
    assert cancel(works="") is RunState.INTERRUPTED
    assert writes(control) == []


@pytest.mark.parametrize("run_id", ["20261123T020509Z-none", "../x", ""])
def test_a_run_that_nobody_knows_is_not_found(given: Give, run_id: str) -> None:
    given(World())
    with pytest.raises(MissingError):
        cancel(run_id)


@pytest.mark.usefixtures("clock")
def test_a_run_that_was_just_started_is_cancelled_as_soon_as_it_has_its_claim(given: Give) -> None:
    given(World())
    engine = Engine(RUN)
    looks = 0

    def look() -> None:
        nonlocal looks
        looks += 1
        if looks == 3:
            started()

    engine.on_look = look
    assert asyncio.run(cancel_run(engine, RUN)).cancelling
    claim = the_claim().claim
    assert claim
    assert claim.cancelled


def test_a_run_that_takes_no_claim_for_long_is_to_be_cancelled_again_later(given: Give, clock: Clock) -> None:
    given(World())
    with pytest.raises(TransientError) as caught:
        cancel()
    assert caught.value.code == "RunStarting"
    assert cancelling.STARTING_FOR < clock.passed < cancelling.STARTING_FOR + 2


@pytest.mark.usefixtures("clock")
def test_a_run_that_releases_while_it_is_cancelled_stays_released(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    given(World())
    run = started()

    def end() -> None:
        write_report(Closing(RUN, ENDED, run))
        assert release_claim(Release(run, YOUNGER)).state is Released.RELEASED

    just_before(monkeypatch, cancelling, "write_claim", end)
    assert cancel() is RunState.SUCCEEDED
    assert the_claim().claim == Claim("tests", RUN, ClaimState.RELEASED)


@pytest.mark.usefixtures("clock")
def test_a_run_that_hands_over_while_it_is_cancelled_does_not_have_the_next_one_cancelled(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = given(World())
    run = started()
    upload(control, "labs.json", LABS)

    def end() -> None:
        write_report(Closing(RUN, ENDED, run))
        assert release_claim(Release(run, YOUNGER)).state is Released.HANDED_OVER

    just_before(monkeypatch, cancelling, "write_claim", end)
    assert cancel(works=RUN) is RunState.SUCCEEDED
    assert the_claim().claim == Claim("tests", YOUNGER, ClaimState.HELD)


def test_a_ring_and_a_cancel_at_once_are_both_kept(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    given(World())
    started()

    def ring() -> None:
        read = the_claim()
        assert read.claim
        assert write_claim(factory_lab().account, read.claim.ring(), read)

    monkeypatch.setattr(asyncio, "sleep", Clock(monkeypatch)._sleep)
    just_before(monkeypatch, cancelling, "write_claim", ring)
    cancel()
    claim = the_claim().claim
    assert claim
    assert (claim.rung, claim.cancelled) == (True, True)


# --- What meets it


def refusal(activity: Callable[[], object]) -> str:
    with pytest.raises(PermanentError) as caught:
        activity()
    assert caught.value.next_step
    return caught.value.code


def test_no_stage_begins_in_a_run_that_was_cancelled(given: Give) -> None:
    control = given(World().lab("lab-a"))
    run = started()
    upload(control, "labs.json", LABS)
    mark()
    control.clear_operations()
    stages: tuple[Callable[[], object], ...] = (
        lambda: read_configuration(Asked(run, RunRequest(run.id))),
        lambda: inspect_factory(run),
        lambda: plan_captures_of_run(run),
        lambda: inspect_lab(LabIndex(run, 0)),
        lambda: plan_distribution_of_run(run),
        lambda: open_round(Round(run, Kind.PAIRS, 1)),
    )
    assert {refusal(stage) for stage in stages} == {CANCELLED}
    assert writes(control) == []


def test_a_delivery_of_a_cancelled_run_begins_nothing_and_its_copy_is_aborted_and_removed(given: Give) -> None:
    control = given(test_delivery.world(copySeconds=600))
    work = test_delivery.work(control)
    copy = begin_copy(work)
    assert copy_pending(copy).pending
    mark()
    control.clear_operations()
    assert refusal(lambda: copy_pending(copy)) == CANCELLED
    for late in (begin_copy, begin_custom_image, begin_image_removal):
        assert refusal(lambda late=late: late(work)) == CANCELLED
    assert {effect for effect, _ in effects(control)} <= {"delete"}, "only what was begun is taken back"
    assert settle_delivery(DeliveryEnd(work, LEFT)).state is Ending.SKIPPED
    assert test_delivery.copies(work) == []


def test_a_copy_begun_while_the_run_is_cancelled_is_taken_back(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    control = given(test_delivery.world(copySeconds=600))
    work = test_delivery.work(control)
    just_before(monkeypatch, delivering, "_look_again", mark)
    assert refusal(lambda: begin_copy(work)) == CANCELLED
    assert test_delivery.copies(work) == []


def test_an_image_that_is_being_made_is_still_asked_about_and_counts(given: Give) -> None:
    control = given(test_delivery.world())
    work = test_delivery.work(control)
    test_delivery.finish(control, work)
    creation = begin_custom_image(work)
    mark()
    assert custom_image_pending(creation).pending
    control.advance(60)
    assert not custom_image_pending(creation).pending
    assert settle_delivery(DeliveryEnd(work, Outcome(Ending.DELIVERED))).state is Ending.DELIVERED
    assert test_delivery.copies(work) == []


def test_a_copy_that_is_done_when_it_is_asked_about_has_its_own_end(given: Give) -> None:
    control = given(test_delivery.world())
    work = test_delivery.work(control)
    copy = begin_copy(work)
    control.advance(60)
    mark()
    assert not copy_pending(copy).pending


def test_a_capture_of_a_cancelled_run_ends_its_export_and_leaves_no_vhd_i1(given: Give) -> None:
    control = given(captures.world(copySeconds=600))
    work = captures.work(control)
    copy = begin_capture_copy(work)
    assert captures.is_exported(control)
    mark()
    assert refusal(lambda: capture_copy_pending(copy)) == CANCELLED
    assert settle_capture(CaptureEnd(work, LEFT)).state is Ending.SKIPPED
    captures.assert_nothing_is_left(control, work)


def test_an_export_granted_while_the_run_is_cancelled_is_taken_back_i1(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = given(captures.world(copySeconds=600))
    work = captures.work(control)
    just_before(monkeypatch, capturing, "_look_again", mark)
    assert refusal(lambda: begin_capture_copy(work)) == CANCELLED
    captures.assert_nothing_is_left(control, work)


def test_lanes_of_a_cancelled_run_find_none_left_and_what_is_planned_is_closed_once(given: Give) -> None:
    work = test_tickets_activities.planned(given, 5)
    assert open_round(work) == Opened(5)
    first = next_ticket(TicketRequest(work, 1, 1))
    assert first.delivery
    Journal(work.run.id).settle(Kind.PAIRS, first.delivery.key, Outcome(Ending.DELIVERED))
    mark()
    assert next_ticket(TicketRequest(work, 1, 2)).answer is Answer.NONE_LEFT
    assert close_unfinished(work) == Opened(4)
    assert close_unfinished(work) == Opened(0)
    ended = [outcome for _, outcome in Journal(work.run.id).outcomes(Kind.PAIRS)]
    assert (
        sorted((each.state, each.code) for each in ended)
        == [(Ending.DELIVERED, "")] + [(Ending.SKIPPED, CANCELLED)] * 4
    )


@pytest.mark.parametrize("kind", Kind)
def test_a_run_that_was_cancelled_before_it_planned_has_nothing_to_close(given: Give, kind: Kind) -> None:
    given(World())
    run = started()
    mark()
    assert close_unfinished(Round(run, kind, 2)) == Opened(0)


def closed(run: Run) -> RunState:
    refused = cancelled()
    return write_report(Closing(run.id, ENDED, run, Refusal(refused.code, refused.message, refused.next_step))).state


def test_a_cancelled_run_is_reported_as_cancelled_and_released(given: Give) -> None:
    control = given(World())
    run = started()
    upload(control, "labs.json", LABS)
    mark()
    assert closed(run) is RunState.CANCELLED
    assert release_claim(Release(run, YOUNGER)).state is Released.RELEASED
    assert the_claim().claim == Claim("tests", RUN, ClaimState.RELEASED)


def test_a_cancel_that_comes_when_all_is_done_changes_nothing(given: Give) -> None:
    given(World())
    run = started()
    mark()
    assert write_report(Closing(run.id, ENDED, run)).state is RunState.SUCCEEDED
