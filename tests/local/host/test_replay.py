"""One replay of the SDK, and what the host reads out of it (`test_sdk_internals` guards the private names)."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.durable_functions import RetryOptions

from local.host.history import Event, Kind, event_of
from local.host.past import Past
from local.host.replay import Decision, Scheduled, Step, non_determinism, replay

# The SDK says so once per process, wherever JSON is read first; apps set AZURE_FUNCTIONS_DURABLE_STRICT_TYPING.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)


class Handle:
    """What the SDK's decorator leaves of an orchestrator."""

    def __init__(self, orchestrator: Any) -> None:
        self.orchestrator_function = orchestrator


def decided(orchestrator: Any, *events: Event, text: str | None = None) -> Decision:
    past = Past()
    started = event_of(Kind.EXECUTION_STARTED, NOW, Name="under_test", Version=None, Input=text)
    for event in (event_of(Kind.STEP_STARTED, NOW), started, *events):
        past.append(event, "")
    return replay(Handle(orchestrator), Step("under_test", past, text, "one", None))


def scheduled(task_id: int, name: str) -> Event:
    return event_of(Kind.TASK_SCHEDULED, NOW, task_id, Name=name, Version="", Input=None)


def completed(task_id: int, text: str) -> Event:
    return event_of(Kind.TASK_COMPLETED, NOW, TaskScheduledId=task_id, Result=text)


def failed(task_id: int) -> Event:
    return event_of(Kind.TASK_FAILED, NOW, TaskScheduledId=task_id, Reason="no", Details="")


def test_tasks_are_numbered_in_the_order_of_their_making_once_yielded():
    def orchestrator(context: Any) -> Any:
        ignored = context.call_activity("ignored")
        tasks = [context.call_activity("add", 1), context.call_sub_orchestrator("child", 2, "kid")]
        yield context.task_all([*tasks, context.create_timer(NOW + timedelta(hours=1))])
        return ignored

    numbered = decided(orchestrator).numbered
    assert [(intent.kind, intent.name) for _, intent in sorted(numbered.items())] == [
        ("activity", "add"),
        ("child", "child"),
        ("timer", ""),
    ]
    assert (numbered[0].input, numbered[1].instance_id) == ("1", "kid")
    assert numbered[2].fire_at == NOW + timedelta(hours=1)


def test_a_result_moves_the_orchestrator_on():
    def orchestrator(context: Any) -> Any:
        first = yield context.call_activity("add", 1)
        return first + (yield context.call_activity("add", first))

    after = decided(orchestrator, scheduled(0, "add"), completed(0, "2"))
    assert (after.numbered[1].input, after.done) == ("2", False)
    ended = decided(orchestrator, scheduled(0, "add"), completed(0, "2"), scheduled(1, "add"), completed(1, "3"))
    assert (ended.done, ended.output) == (True, "5")


def test_code_before_what_is_new_is_replayed_and_code_after_it_is_not():
    seen: list[bool] = []

    def orchestrator(context: Any) -> Any:
        seen.append(context.is_replaying)
        yield context.call_activity("add", 1)
        seen.append(context.is_replaying)

    step_over = (event_of(Kind.STEP_COMPLETED, NOW), event_of(Kind.STEP_STARTED, NOW))
    decided(orchestrator, scheduled(0, "add"), *step_over, completed(0, "2"))
    assert seen == [True, False]


def test_a_retry_is_a_timer_and_the_same_call_again():
    def orchestrator(context: Any) -> Any:
        yield context.call_activity_with_retry("flaky", RetryOptions(20, 2), 7)

    numbered = decided(orchestrator, scheduled(0, "flaky"), failed(0)).numbered
    assert (numbered[1].kind, numbered[1].fire_at) == ("timer", NOW + timedelta(milliseconds=20))
    fired = event_of(Kind.TIMER_FIRED, NOW, TimerId=1, FireAt="2026-11-23T02:00:00.020000Z")
    timer = event_of(Kind.TIMER_CREATED, NOW, 1, FireAt="2026-11-23T02:00:00.020000Z")
    again = decided(orchestrator, scheduled(0, "flaky"), failed(0), timer, fired).numbered
    assert (again[2].kind, again[2].name, again[2].input) == ("activity", "flaky", "7")


def test_what_an_orchestrator_raises_is_its_error_without_the_protocols_tail():
    def orchestrator(context: Any) -> Any:
        yield context.call_activity("add", 1)
        raise ValueError("kaput")

    decision = decided(orchestrator, scheduled(0, "add"), completed(0, "2"))
    assert decision.error == "Orchestrator function 'under_test' failed: kaput"


def test_continue_as_new_carries_its_input():
    def orchestrator(context: Any) -> Any:
        yield context.call_activity("add", 1)
        context.continue_as_new({"left": 2})

    decision = decided(orchestrator, scheduled(0, "add"), completed(0, "2"))
    # JSON within JSON, as the SDK's client sends the input of a start.
    assert (decision.continues, json.loads(json.loads(decision.next_input or "null"))) == (True, {"left": 2})


def test_a_cancelled_timer_is_marked():
    def orchestrator(context: Any) -> Any:
        timer = context.create_timer(NOW + timedelta(hours=1))
        yield context.task_any([context.call_activity("add", 1), timer])
        timer.cancel()
        yield context.call_activity("add", 2)

    history = [scheduled(0, "add"), event_of(Kind.TIMER_CREATED, NOW, 1, FireAt="2026-11-23T03:00:00.000000Z")]
    numbered = decided(orchestrator, *history, completed(0, "2")).numbered
    assert (numbered[1].cancelled, numbered[2].cancelled) == (True, False)


def test_a_replay_that_keeps_to_its_past_is_deterministic():
    def orchestrator(context: Any) -> Any:
        yield context.call_activity("add", 1)

    numbered = decided(orchestrator).numbered
    assert non_determinism({0: Scheduled("activity", "add")}, numbered) is None
    assert "sequence id 0" in (non_determinism({0: Scheduled("activity", "subtract")}, numbered) or "")
    assert "has nothing there" in (non_determinism({1: Scheduled("timer", "")}, numbered) or "")
