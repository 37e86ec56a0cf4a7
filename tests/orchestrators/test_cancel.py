"""A run that is cancelled at any moment begins nothing more, takes back what it began and tells what it left."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.domain.claim import ClaimState
from shared.domain.outcomes import CANCELLED, Ending, Outcome, RunState
from shared.domain.tickets import Kind
from tests.orchestrators.engine import Instance
from tests.orchestrators.world import RUN, World, a_capture, a_delivery, engine_for, play

BEGINS = {"begin_capture_copy", "write_capture_manifest", "begin_copy", "begin_image_removal", "begin_custom_image"}
STAGES = {"read_configuration", "inspect_factory", "inspect_lab", "plan_captures_of_run", "plan_distribution_of_run"}


def world_of_work() -> World:
    """A capture and three deliveries in two lanes: one image is being made already, one is made again."""
    deliveries = (a_delivery(0), a_delivery(1, adopt=True), a_delivery(2, repair=True))
    world = World(deliveries, (a_capture(),), labs=2)
    world.copy_time = world.image_time = timedelta(seconds=8)
    return world


@dataclass
class Cancelled:
    """A run that somebody cancels before its activity number `moment`, counted from 0; what its activities answer then."""

    world: World
    moment: int
    at: datetime | None = None
    answers: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])

    def __post_init__(self) -> None:
        self.engine = engine_for(self.world)
        self.engine.activities = {name: self._heard(name, each) for name, each in self.engine.activities.items()}

    def _heard(self, name: str, activity: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def run(payload: Any) -> Any:
            world, engine = self.world, self.engine
            if len(engine.calls) > self.moment and world.claim is not None and world.claim.held_by(RUN):
                world.claim, self.at = world.claim.cancel(), self.at or engine.now
            answer = activity(payload)
            if world.cancelled:
                self.answers.append((name, answer))
            return answer

        return run

    def play(self) -> Instance:
        return play(self.world, self.engine, lanes=2)


def moments() -> range:
    played = Cancelled(world_of_work(), 10**6)
    played.play()
    return range(len(played.engine.calls) + 1)


def test_cancelled_at_any_moment_a_run_leaves_nothing_and_reports_everything_that_was_planned_once() -> None:
    assert len(moments()) > 40
    for moment in moments():
        check(moment)


def check(moment: int) -> None:
    cancelled = Cancelled(world_of_work(), moment)
    ended, world = cancelled.play().output["value"], cancelled.world

    assert world.exported == set(), "I1"
    assert world.copies == set(), "I2"
    assert world.claim is not None
    assert (world.claim.state, world.claim.cancelled) == (ClaimState.RELEASED, False), "I2"
    assert len(world.reports) == 1
    answered = dict(cancelled.answers)
    for kind, plan in ((Kind.CAPTURES, "plan_captures_of_run"), (Kind.PAIRS, "plan_distribution_of_run")):
        came_too_late = plan in [name for name, _ in cancelled.engine.calls] and plan not in answered
        # The fakes plan nothing of their own: what is planned is there from the start, and closed where the run is cancelled.
        keys = {work.key for work in world.work[kind]}
        assert set(world.outcomes[kind]) == keys or not came_too_late, "I4"
        assert {o.state for o in world.outcomes[kind].values()} <= {Ending.DELIVERED, Ending.CAPTURED, Ending.SKIPPED}

    assert all(answer.get("error") == CANCELLED for name, answer in cancelled.answers if name in BEGINS | STAGES)
    assert all(answer["value"]["answer"] == "none left" for name, answer in cancelled.answers if name == "next_ticket")

    refusal = world.reports[0].refusal
    assert refusal is None or refusal.code == CANCELLED
    left = [o for outcomes in world.outcomes.values() for o in outcomes.values() if o.code == CANCELLED]
    assert ended["state"] == (RunState.CANCELLED if left or refusal else RunState.SUCCEEDED)
    began_to_end = {name for name, _ in cancelled.answers} <= {
        "close_unfinished",
        "write_report",
        "notify",
        "release_claim",
    }
    assert left or refusal or began_to_end, "only a cancel that comes when all is done changes nothing"


def test_an_image_that_azure_is_making_is_waited_for_and_counts() -> None:
    """Its VHD may not be removed while it is read, and would be an orphan if the run did not wait."""
    world = World((a_delivery(),), (), labs=1)
    world.image_time = timedelta(minutes=30)
    engine = engine_for(world)
    real = engine.activities["custom_image_pending"]

    def cancel(payload: Any) -> Any:
        assert world.claim is not None
        world.claim = world.claim.cancel()
        return real(payload)

    engine.activities["custom_image_pending"] = cancel
    play(world, engine)
    assert [o.state for o in world.outcomes[Kind.PAIRS].values()] == [Ending.DELIVERED]
    assert engine.now - engine.calls[0][1] > world.image_time


def test_a_copy_that_runs_is_given_up_at_the_next_question_and_not_waited_for() -> None:
    world = World((a_delivery(),), (), labs=1)
    world.copy_time = timedelta(hours=5)
    cancelled = Cancelled(world, 20)
    cancelled.play()
    assert cancelled.at is not None
    assert cancelled.engine.now - cancelled.at <= timedelta(minutes=5)
    assert [o.code for o in world.outcomes[Kind.PAIRS].values()] == [CANCELLED]


def test_an_upload_that_rang_a_run_which_is_then_cancelled_gets_its_run() -> None:
    world = world_of_work()
    world.etags = ["1", "2"]
    cancelled = Cancelled(world, 30)
    inspect_factory = cancelled.engine.activities["inspect_factory"]

    def rung(payload: Any) -> Any:
        assert world.claim is not None
        world.claim = world.claim.ring()
        return inspect_factory(payload)

    cancelled.engine.activities["inspect_factory"] = rung
    ended = cancelled.play().output["value"]
    first, second = world.released
    assert (first, ended["runId"]) == (RUN, second)
    assert world.claim is not None
    assert not world.claim.cancelled
    assert [closing.refusal is None for closing in world.reports][-1], "the next run is not cancelled"


def test_a_run_that_is_cancelled_before_it_saw_the_configuration_is_not_followed_by_another() -> None:
    world = world_of_work()
    Cancelled(world, 0).play()
    assert world.released == [RUN]


def test_what_cannot_be_closed_is_reported_all_the_same_and_the_claim_released() -> None:
    world = world_of_work()
    cancelled = Cancelled(world, 12)
    cancelled.engine.faults["close_unfinished"] += [MemoryError("python exited with code 137")] * 4
    ended = cancelled.play()
    assert ended.error is None
    assert len(world.reports) == 1
    assert world.released == [RUN]


def test_what_was_cancelled_is_left_and_has_not_failed() -> None:
    world = world_of_work()
    Cancelled(world, 12).play()
    [outcome] = {o for of in world.outcomes.values() for o in of.values() if o.code == CANCELLED}
    assert outcome == Outcome(Ending.SKIPPED, CANCELLED, outcome.message, outcome.next)
    assert outcome.message
    assert outcome.next
