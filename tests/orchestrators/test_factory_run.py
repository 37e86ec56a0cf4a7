"""The whole run: every ending goes through a report, and a claim that is held is released."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.domain.claim import Claim, ClaimState
from shared.domain.images import LONGEST_DESCRIPTION
from shared.domain.outcomes import Ending, RunState
from shared.domain.runs import TAKEOVER_PAUSE, is_run_id
from shared.domain.tickets import Kind
from shared.durable import CRASHES, PATIENCE
from shared.errors import MissingError, PermanentError, RejectedError, TransientError
from tests.orchestrators.engine import START, Instance
from tests.orchestrators.world import FACTORY, RUN, World, a_capture, a_delivery, engine_for, held, play

OLDER = "20261122T020000Z-0000"
STAGES = (
    "read_configuration",
    "inspect_factory",
    "plan_captures_of_run",
    "open_round",
    "plan_distribution_of_run",
)


def world_of(deliveries: int = 2, captures: int = 1, labs: int = 2) -> World:
    made = World(tuple(a_delivery(n) for n in range(deliveries)), tuple(a_capture(n) for n in range(captures)), labs)
    made.copy_time = made.image_time = timedelta(minutes=1)
    return made


def summary(ended: Instance) -> dict[str, Any]:
    assert ended.error is None
    return ended.output["value"]


def refusals(world: World) -> list[str]:
    return [closing.refusal.code if closing.refusal else "" for closing in world.reports]


def test_a_run_goes_from_the_claim_to_the_report_and_releases() -> None:
    world = world_of()
    engine = engine_for(world)
    assert summary(play(world, engine))["state"] == RunState.SUCCEEDED
    firsts = list(dict.fromkeys(name for name, _ in engine.calls))
    assert [
        name for name in firsts if name in ("take_claim", *STAGES, "inspect_lab", "write_report", "release_claim")
    ] == [
        "take_claim",
        "read_configuration",
        "inspect_factory",
        "plan_captures_of_run",
        "open_round",
        "inspect_lab",
        "plan_distribution_of_run",
        "write_report",
        "release_claim",
    ]
    assert world.claim == Claim("app", RUN, ClaimState.RELEASED, seen_etag="1")
    assert refusals(world) == [""]


def test_a_run_is_told_of_once_after_its_report_and_before_its_release() -> None:
    world = world_of()
    engine = engine_for(world)
    play(world, engine)
    assert [name for name, _ in engine.calls][-3:] == ["write_report", "notify", "release_claim"]
    assert [notice.run_id for notice in world.notices] == [RUN]


@pytest.mark.parametrize(
    "faults",
    [
        [MemoryError("python exited with code 137")] * CRASHES,
        [PermanentError("Bug", "A mistake.")],
        [RejectedError("AuthorizationFailed", "The journal is closed.")],
    ],
)
def test_a_notice_that_fails_in_whatever_way_changes_nothing_of_the_run(faults: list[Exception]) -> None:
    world = world_of()
    engine = engine_for(world)
    engine.faults["notify"] += faults
    assert summary(play(world, engine))["state"] == RunState.SUCCEEDED
    assert world.notices == []
    assert world.released == [RUN]


def test_captures_end_before_the_labs_are_looked_at_so_that_their_images_are_delivered_in_the_same_run() -> None:
    world = world_of()
    engine = engine_for(world)
    play(world, engine)
    captured = max(at for name, at in engine.calls if name == "settle_capture")
    assert all(at >= captured for (_, index), at in world.inspected.items() if index != FACTORY)


def test_the_custom_status_tells_the_stage_and_counters_and_nothing_else() -> None:
    ended = play(world_of())
    assert list(dict.fromkeys(status["stage"] for status in ended.statuses)) == [
        "configuration",
        "factory",
        "captures",
        "labs",
        "deliveries",
        "report",
    ]
    assert ended.statuses[-1] == {"stage": "report", "labs": 2, "captures": 1, "deliveries": 2}


def test_an_empty_plan_ends_well() -> None:
    world = world_of(0, 0, 0)
    assert summary(play(world))["state"] == RunState.SUCCEEDED
    assert world.released == [RUN]


def test_who_takes_over_from_a_dead_run_waits_three_minutes_before_the_first_listing() -> None:
    world = world_of()
    world.claim = held(OLDER)
    play(world)
    assert min(world.inspected.values()) - START == TAKEOVER_PAUSE == timedelta(minutes=3)


def test_who_takes_a_released_claim_does_not_wait() -> None:
    world = world_of()
    world.claim = replace(held(OLDER), state=ClaimState.RELEASED)
    play(world)
    assert world.inspected[RUN, FACTORY] == START


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        (held(OLDER, app="other"), "ClaimedByOtherApp"),
        (held("20261124T020000Z-ffff"), "Superseded"),
        (replace(held(RUN), state=ClaimState.RELEASED), "Superseded"),
    ],
)
def test_a_run_that_may_not_have_the_claim_reports_why_and_does_nothing(claim: Claim, code: str) -> None:
    world = world_of()
    world.claim = claim
    engine = engine_for(world)
    ended = summary(play(world, engine))
    assert (ended["state"], ended["code"]) == (RunState.FAILED, code)
    assert {name for name, _ in engine.calls} == {"take_claim", "write_report", "notify"}
    assert world.reports[0].run is None
    assert world.claim == claim


def test_an_unusable_configuration_ends_the_run_before_any_effect_with_a_report_and_a_release() -> None:
    world = world_of()
    world.usable = False
    engine = engine_for(world)
    play(world, engine)
    assert {name for name, _ in engine.calls} == {
        "take_claim",
        "read_configuration",
        "write_report",
        "notify",
        "release_claim",
    }
    assert world.released == [RUN]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_fails_as_a_whole_is_reported_and_the_claim_released(stage: str) -> None:
    world = world_of()
    world.claim = replace(held(OLDER), state=ClaimState.RELEASED, seen_etag="1")
    engine = engine_for(world)
    engine.faults[stage].append(RejectedError("AuthorizationFailed", "No access.", "Give the role."))
    ended = summary(play(world, engine))
    assert (ended["state"], ended["code"]) == (RunState.FAILED, "AuthorizationFailed")
    assert refusals(world) == ["AuthorizationFailed"]
    assert world.released == [RUN]


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_whose_worker_always_dies_is_reported_and_the_claim_released(stage: str) -> None:
    world = world_of()
    world.claim = replace(held(OLDER), state=ClaimState.RELEASED, seen_etag="1")
    engine = engine_for(world)
    engine.faults[stage] += [MemoryError("python exited with code 137")] * CRASHES
    assert summary(play(world, engine))["code"] == "ActivityFailed"
    assert world.released == [RUN]


def test_a_run_that_lost_its_claim_fails_as_claim_lost_and_releases_nothing() -> None:
    world = world_of()
    engine = engine_for(world)
    taker = held("20261124T020000Z-ffff", app="other")

    def lose_it(_payload: Any) -> Any:
        world.claim = taker
        return {"value": {"work": 0, "decided": 0}}

    engine.activities["plan_captures_of_run"] = lose_it
    ended = summary(play(world, engine))
    assert (ended["state"], ended["code"]) == (RunState.FAILED, "ClaimLost")
    assert refusals(world) == ["ClaimLost"]
    assert world.reports[0].run is None, "its report is not fenced: nobody else writes it"
    assert world.released == []
    assert world.claim == taker


def test_a_claim_that_is_lost_while_lanes_work_ends_without_another_effect() -> None:
    world = world_of(deliveries=6, captures=0)
    engine = engine_for(world)
    taker = held("20261124T020000Z-ffff", app="other")
    begun = 0
    real = engine.activities["begin_custom_image"]

    def lose_it(payload: Any) -> Any:
        nonlocal begun
        begun += 1
        world.claim = taker
        return real(payload)

    engine.activities["begin_custom_image"] = lose_it
    assert summary(play(world, engine))["code"] == "ClaimLost"
    assert not world.outcomes[Kind.PAIRS]
    assert world.claim == taker


def test_a_report_that_cannot_be_written_still_releases_the_claim() -> None:
    world = world_of()
    engine = engine_for(world)
    engine.faults["write_report"] += [RejectedError("AuthorizationFailed", "No access.")] * 2
    ended = summary(play(world, engine))
    assert (ended["state"], ended["code"]) == (RunState.FAILED, "AuthorizationFailed")
    assert world.released == [RUN]


def test_a_claim_that_cannot_be_released_ends_with_an_error_that_we_understand() -> None:
    world = world_of()
    engine = engine_for(world)
    engine.faults["release_claim"].append(RejectedError("AuthorizationFailed", "No access.", "Give the role."))
    ended = play(world, engine)
    assert ended.error is None
    assert ended.output["error"] == "AuthorizationFailed"
    assert len(world.reports) == 1


def test_a_configuration_that_changed_meanwhile_goes_on_as_a_new_run_that_holds_the_claim() -> None:
    world = world_of()
    world.etags = ["1", "2"]
    engine = engine_for(world)
    ended = summary(play(world, engine))
    first, second = world.released
    assert first == RUN
    assert second > first
    assert is_run_id(second)
    assert ended["runId"] == second
    assert [closing.run_id for closing in world.reports] == [first, second]
    assert world.claim == Claim("app", second, ClaimState.RELEASED, seen_etag="2")
    assert len(engine.children("factory_run")) == 1, "the same instance goes on"


def test_the_next_run_of_a_hand_over_does_not_wait_for_anybody() -> None:
    world = world_of(0, 0, 0)
    world.etags = ["1", "2"]
    engine = engine_for(world)
    play(world, engine)
    assert engine.now == START


def test_a_run_in_the_middle_of_throttling_loses_nothing() -> None:
    world = world_of(deliveries=4, captures=2, labs=3)
    engine = engine_for(world)
    for name in engine.activities:
        engine.faults[name] += [TransientError("TooManyRequests", "Slow down.", timedelta(seconds=30))] * 2
    assert summary(play(world, engine))["state"] == RunState.SUCCEEDED
    assert len(world.outcomes[Kind.PAIRS]) == 4
    assert not world.aside


def test_every_activity_may_crash_once() -> None:
    world = world_of(deliveries=4, captures=2, labs=3)
    engine = engine_for(world)
    for name in engine.activities:
        engine.faults[name].append(MemoryError("python exited with code 137"))
    assert summary(play(world, engine))["state"] == RunState.SUCCEEDED
    assert set(world.settled.values()) == {1}


def test_one_lab_that_cannot_be_inspected_is_set_aside_and_its_neighbours_go_on() -> None:
    world = world_of(labs=3)
    engine = engine_for(world)
    engine.faults["inspect_lab"] += [None, *[ZeroDivisionError("a bug")] * (CRASHES + 1)]
    engine.faults["inspect_lab"].insert(2, None)
    play(world, engine)
    assert list(world.aside.values()) == ["ActivityFailed"]
    assert len(world.inspected) == 1 + 2
    assert len(world.outcomes[Kind.PAIRS]) == 2


def test_subscriptions_that_cannot_be_listed_set_their_labs_aside_and_the_run_goes_on() -> None:
    world = world_of(labs=3)
    engine = engine_for(world)
    engine.faults["find_resource_groups"] += [TransientError("ServerBusy", "Busy.", timedelta(minutes=30))] * 9
    play(world, engine)
    assert set(world.aside) == {0, 1, 2}
    assert len(world.outcomes[Kind.PAIRS]) == 2


def test_an_outage_that_all_labs_meet_is_waited_for_once_and_not_once_for_each() -> None:
    world = world_of(0, 0, labs=20)
    engine = engine_for(world)
    engine.faults["inspect_lab"] += [TransientError("ServerBusy", "Busy.", timedelta(minutes=10))] * 200
    play(world, engine)
    assert list(world.aside.values()) == ["ServerBusy"] * 20
    assert engine.now - START <= PATIENCE + timedelta(minutes=15)


def test_an_inspection_that_fails_for_good_fails_the_run() -> None:
    world = world_of(labs=2)
    engine = engine_for(world)
    engine.faults["inspect_lab"].append(MissingError("BlobNotFound", "The configuration of the run is gone."))
    assert summary(play(world, engine))["code"] == "BlobNotFound"
    assert world.released == [RUN]


def test_an_inspection_that_was_ended_from_outside_fails_the_run() -> None:
    world = world_of(labs=2)
    engine = engine_for(world)
    engine.terminated = [":labs:"]
    assert summary(play(world, engine))["code"] == "ChildFailed"
    assert world.released == [RUN]


def test_more_than_a_hundred_labs_are_shared_out_among_children_of_at_most_a_hundred() -> None:
    world = world_of(0, 0, labs=201)
    engine = engine_for(world)
    play(world, engine)
    assert sorted(index for _, index in world.inspected) == [FACTORY, *range(201)]
    assert len(engine.children("inspect_labs")) == 3


def test_child_ids_are_never_used_twice_and_are_at_most_a_hundred_characters() -> None:
    world = world_of(deliveries=5, captures=3, labs=101)
    world.etags = ["1", "2"]
    engine = engine_for(world)
    engine.terminated = [f"deliver:{a_delivery(1).key}:1$"]
    play(world, engine)
    ids = [instance.id for instance in engine.instances]
    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) <= 100
    assert not any(set("/\\#?") & set(child) for child in ids)


def test_what_crosses_the_seam_is_at_most_four_kilobytes() -> None:
    """With the longest names that Azure allows: an ImagePath fills a tag's 256 letters."""
    world = world_of(1, 1, 1)
    [delivery], [capture] = world.work[Kind.PAIRS], world.work[Kind.CAPTURES]
    long = {"image_path": "p" * 256, "description": "d" * LONGEST_DESCRIPTION}
    lab = replace(delivery.lab, id=replace(delivery.lab.id, resource_group="g" * 90, name="l" * 50))
    world.work[Kind.PAIRS] = (replace(delivery, lab=lab, image=replace(delivery.image, name="n" * 80, **long)),)
    world.work[Kind.CAPTURES] = (replace(capture, **long),)
    engine = engine_for(world)
    for step in ("begin_copy", "begin_capture_copy"):
        engine.faults[step].append(PermanentError("QuotaExceeded", "m" * 5000, "n" * 200))
    play(world, engine)
    assert max(engine.payloads)[0] <= 4096, max(engine.payloads)


def test_a_failed_delivery_leaves_its_neighbours_alone() -> None:
    world = world_of(deliveries=3, captures=0)
    engine = engine_for(world)
    engine.faults["begin_copy"].append(RejectedError("QuotaExceeded", "No room.", "Ask for more."))
    assert summary(play(world, engine))["state"] == RunState.FAILED
    states = sorted(outcome.state for outcome in world.outcomes[Kind.PAIRS].values())
    assert states == [Ending.DELIVERED, Ending.DELIVERED, Ending.FAILED]
