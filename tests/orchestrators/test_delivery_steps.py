"""The life of one delivery: whatever happens it ends as an outcome, and is settled once."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrators.delivery import deliver
from shared.domain.outcomes import Ending, Outcome
from shared.domain.runs import Run, Terms
from shared.domain.tickets import Kind
from shared.domain.waiting import DONE
from shared.durable import CRASHES, PATIENCE
from shared.errors import MissingError, PermanentError, RejectedError, TransientError
from shared.wire import from_plain, to_plain
from tests.orchestrators.engine import START, Engine, Instance
from tests.orchestrators.world import GIB, RUN, World, a_delivery, engine_for, held

TERMS = Terms(3, timedelta(hours=4), timedelta(hours=2), 1)
STEPS = ("begin_copy", "copy_pending", "begin_custom_image", "custom_image_pending")
HOUR = timedelta(hours=1)


def scene(**changes: Any) -> tuple[World, Engine]:
    world = World((a_delivery(**changes),))
    world.claim = held(RUN)
    return world, engine_for(world)


def delivered(world: World, engine: Engine) -> Outcome:
    [delivery] = world.work[Kind.PAIRS]
    work = {"run": to_plain(Run(RUN, "factory", "factorystorage", "app")), "delivery": to_plain(delivery)}
    ended = engine.run(deliver.__name__, {**work, "terms": to_plain(TERMS)})
    return outcome_of(ended)


def outcome_of(ended: Instance) -> Outcome:
    assert ended.error is None, "a delivery never raises"
    return from_plain(ended.output["value"], Outcome)


def test_a_delivery_copies_makes_the_image_and_settles() -> None:
    world, engine = scene()
    outcome = delivered(world, engine)
    assert outcome.state is Ending.DELIVERED
    assert outcome.bytes == 127 * GIB + 512
    assert outcome.seconds == pytest.approx(420, rel=0.05)
    assert [name for name, _ in engine.calls if not name.endswith("pending")] == [
        "begin_copy",
        "note_speed",
        "begin_custom_image",
        "settle_delivery",
    ]
    assert world.outcomes[Kind.PAIRS] == {a_delivery().key: outcome}


@pytest.mark.parametrize(("minutes", "questions"), [(5, 10), (60, 20), (200, 50)])
def test_waiting_by_progress_costs_few_questions_and_ends_soon(minutes: int, questions: int) -> None:
    world, engine = scene()
    world.copy_time, world.image_time = timedelta(minutes=minutes), timedelta(seconds=1)
    delivered(world, engine)
    assert engine.called("copy_pending") <= questions
    begun = next(at for name, at in engine.calls if name == "begin_custom_image")
    assert begun - START <= world.copy_time + timedelta(seconds=5)


def test_every_pause_lies_between_five_seconds_and_five_minutes() -> None:
    world, engine = scene()
    world.copy_time, world.image_time = timedelta(hours=2), timedelta(hours=1)
    delivered(world, engine)
    assert timedelta(seconds=5) <= min(engine.timers)
    assert max(engine.timers) <= timedelta(minutes=5)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "error", [RejectedError("QuotaExceeded", "No room.", "Ask for more."), MissingError("CopyGone", "Gone.", "Again.")]
)
def test_a_failure_is_an_outcome_not_a_crash(step: str, error: PermanentError) -> None:
    world, engine = scene()
    engine.faults[step].append(error)
    outcome = delivered(world, engine)
    assert outcome == Outcome(Ending.FAILED, error.code, error.message, error.next_step, seconds=outcome.seconds)
    assert outcome.seconds == pytest.approx((engine.now - START).total_seconds())
    assert engine.called(step) == 1, "what is permanent is not tried again"
    assert world.settled == {a_delivery().key: 1}


def test_a_copy_that_is_overdue_fails_at_its_deadline() -> None:
    world, engine = scene()
    world.copy_time = timedelta(days=2)
    outcome = delivered(world, engine)
    assert (outcome.state, outcome.code) == (Ending.FAILED, "Overdue")
    assert engine.now - START == TERMS.copy_deadline
    assert world.settled == {a_delivery().key: 1}


def test_an_image_that_is_overdue_fails_at_its_own_deadline() -> None:
    world, engine = scene()
    world.copy_time, world.image_time = timedelta(seconds=1), timedelta(days=1)
    outcome = delivered(world, engine)
    assert (outcome.state, outcome.code) == (Ending.FAILED, "Overdue")
    assert TERMS.image_deadline <= engine.now - START <= TERMS.image_deadline + timedelta(minutes=1)


def test_a_copy_without_progress_is_given_up_after_an_hour() -> None:
    world, engine = scene()
    world.stalled.add(a_delivery().vhd)
    assert delivered(world, engine).code == "Stalled"
    assert HOUR <= engine.now - START <= HOUR + timedelta(minutes=6)


def test_an_image_that_tells_no_progress_is_not_stalled() -> None:
    world, engine = scene()
    world.image_time = timedelta(minutes=90)
    assert delivered(world, engine).state is Ending.DELIVERED


@pytest.mark.parametrize("step", [*STEPS, "settle_delivery"])
def test_a_transient_failure_is_waited_for_as_long_as_azure_asks(step: str) -> None:
    world, engine = scene()
    engine.faults[step] += [TransientError("TooManyRequests", "Slow down.", timedelta(seconds=77))] * 3
    assert delivered(world, engine).state is Ending.DELIVERED
    assert engine.timers.count(timedelta(seconds=77)) == 3
    assert world.settled == {a_delivery().key: 1}


def test_without_retry_after_the_pauses_grow_up_to_five_minutes() -> None:
    world, engine = scene()
    engine.faults["begin_copy"] += [TransientError("ServerBusy", "Busy.")] * 9
    delivered(world, engine)
    assert [pause.total_seconds() for pause in engine.timers[:9]] == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_an_outage_that_lasts_longer_than_our_patience_is_an_outcome() -> None:
    world, engine = scene()
    engine.faults["begin_copy"] += [TransientError("ServerBusy", "Busy.")] * 100
    outcome = delivered(world, engine)
    assert (outcome.state, outcome.code) == (Ending.FAILED, "ServerBusy")
    assert PATIENCE <= engine.now - START <= PATIENCE + timedelta(minutes=5)
    assert world.settled == {a_delivery().key: 1}


@pytest.mark.parametrize("step", [*STEPS, "settle_delivery"])
def test_an_activity_that_crashes_three_times_and_then_works_spoils_nothing(step: str) -> None:
    world, engine = scene()
    engine.faults[step] += [MemoryError("python exited with code 137")] * (CRASHES - 1)
    assert delivered(world, engine).state is Ending.DELIVERED
    assert world.settled == {a_delivery().key: 1}


@pytest.mark.parametrize("step", STEPS)
def test_an_activity_that_always_crashes_is_an_outcome(step: str) -> None:
    world, engine = scene()
    engine.faults[step] += [ZeroDivisionError("a bug")] * CRASHES
    outcome = delivered(world, engine)
    assert (outcome.state, outcome.code) == (Ending.FAILED, "ActivityFailed")
    assert "a bug" in outcome.message
    assert engine.called(step) == CRASHES


def test_what_a_crash_says_is_cut_so_that_it_fits_into_an_outcome() -> None:
    world, engine = scene()
    engine.faults["begin_copy"] += [ValueError("x" * 50_000)] * CRASHES
    assert delivered(world, engine).code == "ActivityFailed"
    assert max(engine.payloads) <= (4096, "~")


def test_a_secret_in_a_crash_does_not_cross_the_seam() -> None:
    world, engine = scene()
    engine.faults["begin_copy"] += [ValueError("https://a.blob/x?sv=1&sig=CANARY%3D&se=2")] * CRASHES
    assert "CANARY" not in str(delivered(world, engine))
    assert "CANARY" not in str([instance.history for instance in engine.instances])


def test_settling_never_raises_and_what_could_not_be_settled_keeps_its_outcome() -> None:
    world, engine = scene()
    engine.faults["settle_delivery"] += [ZeroDivisionError("a bug")] * CRASHES
    assert delivered(world, engine).state is Ending.DELIVERED
    assert not world.outcomes[Kind.PAIRS]


def test_the_first_outcome_that_was_recorded_is_the_one_that_counts() -> None:
    world, engine = scene()
    first = world.outcomes[Kind.PAIRS][a_delivery().key] = Outcome(Ending.FAILED, "Earlier")
    assert delivered(world, engine) == first


def test_a_lab_that_owns_the_golden_vhd_gets_its_image_without_a_copy() -> None:
    world, engine = scene(direct=True)
    assert delivered(world, engine).state is Ending.DELIVERED
    assert engine.called("begin_copy") == 0


def test_an_image_of_ours_that_is_still_being_made_is_only_waited_for() -> None:
    world, engine = scene(adopt=True)
    assert delivered(world, engine).state is Ending.DELIVERED
    assert {name for name, _ in engine.calls} == {"custom_image_pending", "settle_delivery"}


def test_a_failed_image_of_ours_is_removed_before_it_is_made_again() -> None:
    world, engine = scene(repair=True)
    assert delivered(world, engine).state is Ending.DELIVERED
    order = [name for name, _ in engine.calls]
    assert order.index("begin_image_removal") < order.index("begin_custom_image")
    removed = next(at for name, at in engine.calls if name == "begin_custom_image")
    begun = next(at for name, at in engine.calls if name == "begin_image_removal")
    assert removed - begun >= timedelta(seconds=30)


def test_a_failed_image_that_is_gone_already_is_not_waited_for() -> None:
    world, engine = scene(repair=True)
    engine.activities["begin_image_removal"] = lambda _payload: {"value": to_plain(DONE)}
    assert delivered(world, engine).state is Ending.DELIVERED
    assert engine.called("image_removal_pending") == 0


def test_what_a_dead_run_begins_late_is_fenced_off() -> None:
    world, engine = scene()
    world.claim = held("20261123T030000Z-ffff")
    assert delivered(world, engine).code == "Fenced"
    assert not world.outcomes[Kind.PAIRS]
