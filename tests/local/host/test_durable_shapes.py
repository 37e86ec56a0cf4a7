"""Every durable shape, over HTTP, with the SDK's own client and replay."""

import time

import pytest

from tests.local.host.orchestrations import Orchestrations

pytestmark = pytest.mark.slow


def test_a_chain_gives_each_result_to_the_next_step(orchestrations: Orchestrations):
    ended = orchestrations.run("chain", 4)
    assert ended["output"] == {"value": 7, "parent": None, "version": "1.0"}
    assert ended["customStatus"] == {"value": 7}
    assert ended["input"] == "4"


def test_a_fan_out_gathers_all_results(orchestrations: Orchestrations):
    assert orchestrations.run("fan_out", 200)["output"] == sum(range(1, 201))


def test_a_parent_hears_of_its_children(orchestrations: Orchestrations):
    assert orchestrations.run("family", {"children": 20}, "kin")["output"] == sum(range(1, 21))
    assert orchestrations.instance("kin:7").json()["output"] == 8


def test_lanes_continue_as_new_until_nothing_is_left(orchestrations: Orchestrations):
    assert orchestrations.run("lanes", {"lanes": 4, "each": 7}, "laned")["output"] == [7, 7, 7, 7]
    history = orchestrations.instance("laned:lane:0", "?showHistory=true").json()["historyEvents"]
    assert sum(event["EventType"] == 4 for event in history) == 1, "the last execution has the last activity only"


def test_timers_take_their_time(orchestrations: Orchestrations):
    begun = time.monotonic()
    slept = orchestrations.run("nap", 0.4)["output"]
    assert slept == pytest.approx(0.8, abs=0.3)
    assert time.monotonic() - begun >= 0.8


def test_an_event_wins_against_its_deadline(orchestrations: Orchestrations):
    instance = orchestrations.start("approval", 60)
    orchestrations.until(instance, "Running")
    orchestrations.operate("event", instance, {"by": "me"})
    # The SDK's client sends JSON inside JSON, the HTTP API what it was given.
    assert orchestrations.wait(instance)["output"] == {"answer": '{"by": "me"}', "after": 2}


def test_an_event_posted_to_the_api_arrives_as_it_was_sent(orchestrations: Orchestrations):
    instance = orchestrations.start("approval", 60)
    orchestrations.until(instance, "Running")
    path = f"/runtime/webhooks/durabletask/instances/{instance}/raiseEvent/go"
    assert orchestrations.post(path, {"by": "me"}).status_code == 202
    assert orchestrations.wait(instance)["output"]["answer"] == {"by": "me"}


def test_a_deadline_wins_against_an_event_that_never_comes(orchestrations: Orchestrations):
    assert orchestrations.run("approval", 0.2)["output"] == "too late"


def test_a_failed_activity_arrives_in_the_extensions_words(orchestrations: Orchestrations):
    ended = orchestrations.run("patient")
    assert ended["output"] == 3
    assert ended["customStatus"]["error"] == "Activity function 'flaky' failed:  RuntimeError: attempt 2 \n "


def test_a_single_retry_keeps_in_step_even_when_it_is_exhausted(orchestrations: Orchestrations):
    assert orchestrations.run("retried_alone")["output"] == [
        2,
        "Activity function 'flaky' failed:  RuntimeError: attempt 2 ",
        3,
    ]


def test_after_a_failed_task_all_each_task_alone_has_its_answer(orchestrations: Orchestrations):
    assert orchestrations.run("every_failure")["output"] == [1, "failed", 1, "failed", 42]


def test_an_instance_ends_when_no_task_is_open_any_more(orchestrations: Orchestrations):
    begun = time.monotonic()
    assert orchestrations.run("leaves_work_open", 1.0)["output"] == "fast"
    assert time.monotonic() - begun >= 1.0


def test_an_output_of_none_is_not_sent(orchestrations: Orchestrations):
    ended = orchestrations.run("nothing")
    assert (ended["runtimeStatus"], ended["output"]) == ("Completed", None)


def test_a_thousand_children_end_quickly(orchestrations: Orchestrations):
    begun = time.monotonic()
    assert orchestrations.run("family", {"children": 1000}, "crowd")["output"] == 500500
    assert time.monotonic() - begun < 120
