"""What the host tells of itself: for the benchmark, and for whoever looks for secrets."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from local.host import LocalHost
from local.host.history import Kind, event_of
from local.host.past import PROTOCOL, Past, body_size
from tests.local.host.orchestrations import Orchestrations


def test_the_size_of_a_replay_is_that_of_its_json_text():
    past, events = Past(), list[dict[str, Any]]()
    for kind in (Kind.STEP_STARTED, Kind.EXECUTION_STARTED):
        event = event_of(kind, datetime.now(UTC), Name="ö", Version=None, Input=None)
        events.append(event)
        past.append(event, json.dumps(event, separators=(",", ":"), ensure_ascii=False))
    body = {"input": "ä", "instanceId": "i", "parentInstanceId": None, "isReplaying": True, **PROTOCOL}
    history = json.dumps(events, separators=(",", ":"), ensure_ascii=False)
    whole = json.dumps(body | {"history": []}, ensure_ascii=False).replace("[]", history)
    assert body_size(past, '"ä"', "i", None) == len(whole.encode())


@pytest.mark.slow
def test_the_host_measures_what_orchestrations_cost(new_host: Callable[..., LocalHost]):
    orchestrations = Orchestrations(new_host().url)
    orchestrations.run("chain", 1)
    told = orchestrations.metrics()
    assert (told["episodes"], told["activities"]) == (4, {"add_one": 3})
    assert told["replayedEvents"] == 2 + 6 + 10 + 14
    assert told["largestHistoryEvents"] == 16
    assert 0 < told["orchestratorCpuSeconds"] < 60
    assert 1_500 < told["largestReplayPayloadBytes"] < 4_000
    assert told["largestInputBytes"] == 3  # "1" in quotes: JSON inside JSON
    assert told["largestOutputBytes"] == len('{"value": 4, "parent": null, "version": "1.0"}')
    assert told["largestCustomStatusBytes"] == 2 * len('{"value": 4}')
    assert told["residentBytes"] > 10_000_000


@pytest.mark.slow
def test_everything_that_was_stored_can_be_read_even_of_executions_that_are_over(new_host: Callable[..., LocalHost]):
    orchestrations = Orchestrations(new_host().url)
    orchestrations.run("lanes", {"lanes": 1, "each": 5}, "laned")
    everything = orchestrations.everything()
    for number in range(5):
        assert f'"Name": "add_one", "Version": "", "Input": "{number}"' in everything
