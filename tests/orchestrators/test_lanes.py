"""Lanes that pull: never more at once than lanes, each work once, nothing lost when a lane or a child is ended."""

from collections import Counter
from datetime import timedelta

import pytest

from orchestrators.lanes import TICKETS_BEFORE_NEW
from shared.domain.outcomes import Ending
from shared.domain.tickets import Kind
from shared.durable import CRASHES
from shared.errors import PermanentError
from tests.orchestrators.engine import START
from tests.orchestrators.world import World, a_capture, a_delivery, engine_for, play

MINUTE = timedelta(minutes=1)


def world_of(count: int, lanes: int = 3) -> World:
    world = World(tuple(a_delivery(n) for n in range(count)))
    world.copy_time, world.image_time = 4 * MINUTE, MINUTE
    world.terms = world.terms.__class__(lanes, timedelta(hours=12), timedelta(hours=2), 1)
    return world


@pytest.mark.parametrize(("count", "lanes"), [(1, 3), (3, 3), (7, 3), (13, 2), (4, 1), (5, 100)])
def test_each_work_is_done_once_and_never_more_at_once_than_lanes(count: int, lanes: int) -> None:
    world = world_of(count, lanes)
    play(world)
    assert world.settled == {a_delivery(n).key: 1 for n in range(count)}
    assert world.most_in_flight == min(count, lanes)


def test_a_lane_that_is_free_takes_the_next_work_at_once() -> None:
    """Dealt out beforehand, lane 1 would have to do 30 + 4 + 4 minutes while the others stand still."""
    world = world_of(7, lanes=3)
    world.times[a_delivery(0).vhd] = 30 * MINUTE
    engine = engine_for(world)
    play(world, engine)
    assert engine.now - START <= 32 * MINUTE
    assert max(Counter(lane for _, _, lane, _ in world.taken).values()) == 3


def test_a_lane_continues_as_new_after_a_handful_of_works() -> None:
    world = world_of(2 * TICKETS_BEFORE_NEW + 1, lanes=1)
    engine = engine_for(world)
    play(world, engine)
    [lane] = engine.children("lane_of_work")
    in_one_life = sum(1 for event in lane.history if event.get("Name") == "deliver")
    assert len(world.taken) == 2 * TICKETS_BEFORE_NEW + 1
    assert in_one_life == 1


def test_no_work_starts_no_lane() -> None:
    world = world_of(0)
    engine = engine_for(world)
    play(world, engine)
    assert engine.children("lane_of_work") == []


def test_a_child_that_was_ended_from_outside_goes_through_the_second_round() -> None:
    world = world_of(4)
    engine = engine_for(world)
    engine.terminated = [f"deliver:{a_delivery(1).key}:1$"]
    play(world, engine)
    assert {outcome.state for outcome in world.outcomes[Kind.PAIRS].values()} == {Ending.DELIVERED}
    assert [round_number for _, round_number, _, key in world.taken if key == a_delivery(1).key] == [1, 2]
    assert engine.called("close_unfinished") == 1


def test_what_two_rounds_leave_without_an_outcome_is_unfinished_and_the_others_are_not_touched() -> None:
    world = world_of(4)
    engine = engine_for(world)
    engine.terminated = [f"deliver:{a_delivery(1).key}"]
    play(world, engine)
    ends = {key: (outcome.state, outcome.code) for key, outcome in world.outcomes[Kind.PAIRS].items()}
    assert ends.pop(a_delivery(1).key) == (Ending.FAILED, "Unfinished")
    assert set(ends.values()) == {(Ending.DELIVERED, "")}
    assert engine.called("open_round") == 3, "one for the captures, two for the deliveries"


def test_a_lane_that_was_ended_leaves_its_work_to_its_neighbours() -> None:
    world = world_of(6)
    engine = engine_for(world)
    # The first lane of the first round never gets to its first ticket.
    engine.faults["next_ticket"] += [PermanentError("Fenced", "Not for this lane.")]
    play(world, engine)
    assert len(world.outcomes[Kind.PAIRS]) == 6
    assert {lane for _, _, lane, _ in world.taken} == {2, 3}


def test_lanes_that_all_die_leave_everything_to_the_second_round() -> None:
    world = world_of(4)
    engine = engine_for(world)
    engine.terminated = [":lane:.*:1$"]
    play(world, engine)
    assert {outcome.state for outcome in world.outcomes[Kind.PAIRS].values()} == {Ending.DELIVERED}


def test_lanes_that_die_in_both_rounds_leave_everything_unfinished() -> None:
    world = world_of(4)
    engine = engine_for(world)
    engine.terminated = [":lane:"]
    play(world, engine)
    assert [outcome.code for outcome in world.outcomes[Kind.PAIRS].values()] == ["Unfinished"] * 4


def test_a_settling_that_never_worked_is_done_by_the_second_round() -> None:
    world = world_of(2)
    engine = engine_for(world)
    engine.faults["settle_delivery"] += [None] + [ZeroDivisionError("a bug")] * CRASHES
    play(world, engine)
    assert set(world.outcomes[Kind.PAIRS]) == {a_delivery(0).key, a_delivery(1).key}
    assert {number for _, number, _, _ in world.taken} == {1, 2}


def test_captures_go_through_lanes_as_deliveries_do() -> None:
    world = World(captures=tuple(a_capture(n) for n in range(5)))
    play(world)
    assert {outcome.state for outcome in world.outcomes[Kind.CAPTURES].values()} == {Ending.CAPTURED}
    assert world.most_in_flight == 3


def test_a_starter_may_ask_for_other_lanes_than_the_setting() -> None:
    world = world_of(6, lanes=3)
    play(world, lanes=1)
    assert world.most_in_flight == 1
