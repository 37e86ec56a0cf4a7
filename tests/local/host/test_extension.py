"""The emulation of how Azure's extension plays actions, against what it is known to do (`durable-facts.md` 2.1-2.4, 2.8)."""

from typing import Any

import pytest

from local.host.extension import Started, disagreement, started_by_extension
from local.host.past import Told
from local.host.replay import Intent

TIMER = {"actionType": 5, "fireAt": "2026-11-23T02:00:00.000000Z", "isCanceled": False}


def activity(name: str) -> dict[str, Any]:
    return {"actionType": 0, "functionName": name, "input": "1"}


def retried(name: str, attempts: int = 2) -> dict[str, Any]:
    options = {"firstRetryIntervalInMilliseconds": 10, "maxNumberOfAttempts": attempts}
    return {"actionType": 1, "functionName": name, "input": "1", "retryOptions": options}


def any_of(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 11, "compoundActions": list(actions)}


def all_of(*actions: dict[str, Any]) -> dict[str, Any]:
    return {"actionType": 12, "compoundActions": list(actions)}


def event(name: str) -> dict[str, Any]:
    return {"actionType": 6, "externalEventName": name, "reason": "ExternalEvent"}


def ended(task_id: int) -> Told:
    return Told(task_id)


def failed(task_id: int) -> Told:
    return Told(task_id, failed=True)


def names(actions: list[dict[str, Any]], *told: Told) -> list[str]:
    started, unknown = started_by_extension(actions, told)
    assert not unknown
    return [task.name or task.kind for task in started]


def test_each_action_waits_for_the_one_before():
    actions = [activity("a"), activity("b")]
    assert names(actions) == ["a"]
    assert names(actions, ended(0)) == ["a", "b"]


def test_a_failure_is_an_end_like_any_other():
    assert names([activity("a"), activity("b")], failed(0)) == ["a", "b"]


def test_a_task_any_starts_all_and_waits_for_one():
    actions = [any_of(activity("a"), activity("b")), activity("c")]
    assert names(actions) == ["a", "b"]
    assert names(actions, ended(1)) == ["a", "b", "c"]


def test_a_sliding_window_waits_for_its_newest_task():
    actions = [any_of(activity("a"), activity("b")), any_of(activity("c")), any_of(activity("d"))]
    assert names(actions, ended(0), ended(1)) == ["a", "b", "c"]
    assert names(actions, ended(0), ended(1), ended(2)) == ["a", "b", "c", "d"]


def test_a_task_all_waits_for_the_slowest_even_after_a_failure():
    actions = [all_of(activity("a"), activity("b")), activity("c")]
    assert names(actions, failed(0)) == ["a", "b"]
    assert names(actions, failed(0), ended(1)) == ["a", "b", "c"]


def test_a_cancelled_timer_is_numbered_and_not_waited_for():
    actions = [any_of(activity("a"), {**TIMER, "isCanceled": True}), activity("b")]
    assert names(actions) == ["a", "timer", "b"]


def test_a_retry_has_a_timer_after_every_failed_attempt_even_the_last():
    actions = [retried("a"), activity("b")]
    assert names(actions, failed(0)) == ["a", "timer"]
    assert names(actions, failed(0), ended(1), failed(2)) == ["a", "timer", "a", "timer"]
    assert names(actions, failed(0), ended(1), failed(2), ended(3)) == ["a", "timer", "a", "timer", "b"]
    assert names(actions, failed(0), ended(1), ended(2)) == ["a", "timer", "a", "b"]


def test_retries_in_a_fan_out_are_numbered_in_the_order_of_their_failures():
    actions = [all_of(retried("a"), retried("b")), activity("c")]
    assert names(actions, failed(1), failed(0)) == ["a", "b", "timer", "timer"]
    assert names(actions, failed(1), ended(2)) == ["a", "b", "timer", "b"]


def test_an_event_may_come_before_it_is_waited_for():
    actions = [event("Go"), activity("a")]
    assert names(actions) == []
    assert names(actions, Told(None, "go")) == ["a"]
    assert names([activity("a"), event("go"), activity("b")], Told(None, "go"), ended(0)) == ["a", "b"]


def test_an_answer_to_a_task_that_was_never_started_is_noticed():
    assert started_by_extension([activity("a")], [ended(3)]) == ([Started("activity", "a", "1")], True)


@pytest.mark.parametrize(
    ("intent", "agrees"),
    [
        (Intent(0, "activity", "a", "1"), True),
        (Intent(0, "activity", "a", "2"), False),
        (Intent(0, "activity", "b", "1"), False),
        (Intent(0, "child", "a", "1"), False),
    ],
)
def test_kind_name_and_input_must_agree(intent: Intent, agrees: bool):
    assert (disagreement("o", {0: intent}, [activity("a")], []) is None) == agrees


def test_a_task_that_only_the_sdk_has_numbered_is_named():
    numbered = {0: Intent(0, "activity", "a", "1"), 1: Intent(1, "activity", "b", "1")}
    told = disagreement("o", numbered, [activity("a"), activity("b")], [])
    assert told is not None
    assert "at task 1 the SDK has activity 'b', the extension nothing" in told
