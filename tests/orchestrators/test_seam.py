"""The seam to the durable SDK, with orchestrators made for it."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from shared.durable import (
    CRASHES,
    PATIENCE,
    Orchestration,
    Steps,
    call,
    call_child,
    continue_as_new,
    fan_out,
    fan_out_children,
    pause,
)
from shared.errors import (
    ConfigurationError,
    ExhaustedError,
    FactoryError,
    MissingError,
    PermanentError,
    RejectedError,
    TransientError,
)
from tests.orchestrators.engine import START, Engine


@dataclass(frozen=True)
class Number:
    value: int


@dataclass(frozen=True)
class Told:
    said: tuple[str, ...]


def double(number: Number) -> Number:
    return Number(2 * number.value)


def told(results: list[Number | PermanentError]) -> Told:
    return Told(
        tuple(str(each.value) if isinstance(each, Number) else f"{type(each).__name__} {each.code}" for each in results)
    )


def many(context: Orchestration, number: Number) -> Steps[Told]:
    results = yield from fan_out(context, double, [Number(each) for each in range(number.value)])
    return told(results)


def once(context: Orchestration, number: Number) -> Steps[Number]:
    return (yield from call(context, double, number))


def children(context: Orchestration, number: Number) -> Steps[Told]:
    ids = [(Number(each), f"child-{each}") for each in range(number.value)]
    return told((yield from fan_out_children(context, once, ids)))


def child(context: Orchestration, number: Number) -> Steps[Number]:
    return (yield from call_child(context, once, number, "only-child"))


def countdown(context: Orchestration, number: Number) -> Steps[Number]:
    yield from pause(context, timedelta(minutes=1))
    if number.value:
        continue_as_new(context, Number(number.value - 1))
    return number


def broken(context: Orchestration, number: Number) -> Steps[Number]:
    yield from pause(context, timedelta(seconds=number.value))
    raise ZeroDivisionError("sig=CANARY in the message of a bug")


@pytest.fixture
def engine() -> Engine:
    return Engine((many, once, children, child, countdown, broken), (double,))


def said(engine: Engine, name: str, value: int) -> list[str]:
    ended = engine.run(name, {"value": value})
    assert ended.error is None
    return ended.output["value"]["said"]


def test_a_value_goes_out_typed_and_comes_back_typed(engine: Engine) -> None:
    assert engine.run("once", {"value": 21}).output == {"value": {"value": 42}}


def test_fanning_out_over_nothing_gives_nothing(engine: Engine) -> None:
    """`yield task_all([])` would answer None."""
    assert said(engine, "many", 0) == []
    assert said(engine, "children", 0) == []


def test_results_of_a_fan_out_are_in_order_with_failures_in_their_places(engine: Engine) -> None:
    engine.faults["double"] += [
        None,
        MissingError("Gone", "It is gone."),
        TransientError("Busy", "Busy.", timedelta(seconds=9)),
        None,
        ZeroDivisionError("a crash"),
        None,
    ]
    assert said(engine, "many", 6) == ["0", "MissingError Gone", "4", "6", "8", "10"]


def test_all_of_a_fan_out_run_at_once(engine: Engine) -> None:
    said(engine, "many", 50)
    assert {at for _, at in engine.calls} == {START}


def test_what_always_crashes_in_a_fan_out_is_a_failure_in_its_place_and_nothing_is_lost(engine: Engine) -> None:
    engine.faults["double"] += [None, ZeroDivisionError("a bug"), None, *[ZeroDivisionError("a bug")] * CRASHES]
    assert said(engine, "many", 3) == ["0", "ExhaustedError ActivityFailed", "4"]


def test_many_that_meet_one_outage_share_one_patience(engine: Engine) -> None:
    engine.faults["double"] += [TransientError("Busy", "Busy.", timedelta(minutes=20))] * 99
    assert said(engine, "many", 10) == ["ExhaustedError Busy"] * 10
    assert engine.now - START == PATIENCE


@pytest.mark.parametrize("kind", [ConfigurationError, RejectedError, MissingError, ExhaustedError, PermanentError])
def test_a_permanent_failure_crosses_the_seam_with_its_type_its_words_and_its_next_step(
    engine: Engine, kind: type[PermanentError]
) -> None:
    engine.faults["double"].append(kind("Code", "What happened.", "What to do."))
    ended = engine.run("child", {"value": 1})
    expected = {"error": "Code", "message": "What happened.", "next": "What to do.", "kind": kind.__name__}
    assert ended.output == expected


def test_a_child_that_was_ended_from_outside_is_a_failure_that_we_understand(engine: Engine) -> None:
    engine.terminated = ["child-1"]
    assert said(engine, "children", 3) == ["0", "ExhaustedError ChildFailed", "4"]


def test_a_bug_in_an_orchestrator_ends_it_with_an_error_that_tells_no_path_and_no_secret(engine: Engine) -> None:
    ended = engine.run("broken", {"value": 1})
    assert ended.error is None
    assert ended.output["error"] == "Bug"
    assert ended.output["message"] == "broken: ZeroDivisionError: sig=*** in the message of a bug"


def test_an_input_that_does_not_fit_ends_with_an_error_that_we_understand(engine: Engine) -> None:
    assert engine.run("once", {"value": "many"}).output["error"] == "Bug"


def test_continuing_as_new_starts_over_with_an_empty_history(engine: Engine) -> None:
    ended = engine.run("countdown", {"value": 5})
    assert ended.output == {"value": {"value": 0}}
    assert engine.now - START == timedelta(minutes=6)
    assert sum(1 for event in ended.history if event["EventType"] == 11) == 1


def test_every_error_of_ours_has_a_code_and_a_message() -> None:
    error: FactoryError = TransientError("Busy", "Busy.")
    assert (error.code, str(error), error.next_step) == ("Busy", "Busy.", "")
    assert isinstance(ConfigurationError("A", "b"), ValueError)
    assert isinstance(MissingError("A", "b"), LookupError)
