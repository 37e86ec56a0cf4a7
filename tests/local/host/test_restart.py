"""The task hub survives `kill -9` anywhere: what was accepted is finished, at least once."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from local.host import LocalHost
from tests.local.host.orchestrations import Orchestrations

pytestmark = pytest.mark.slow

NewHost = Callable[..., LocalHost]


ANSWER_MAY_BE_LOST = suppress(requests.ConnectionError)
"""What was asked for is stored before anybody is told so: the host may die in between."""


def noted(folder: Path) -> Counter[str]:
    return Counter((folder / "notes").read_text("utf-8").splitlines())


def test_every_instance_goes_on_after_a_kill(new_host: NewHost):
    first = new_host()
    before = Orchestrations(first.url)
    before.start("steps", 12, "steps")
    before.start("nap", 1, "nap")
    before.start("approval", 60, "approval")
    before.start("family", {"children": 5, "name": "steps"}, "family")
    before.start("lanes", {"lanes": 3, "each": 20}, "lanes")
    before.until("approval", "Running")
    time.sleep(0.5)
    first.kill()
    after = Orchestrations(new_host().url)
    after.operate("event", "approval", 1)
    outputs = [after.wait(name)["output"] for name in ("steps", "approval", "lanes")]
    assert outputs == ["done", {"answer": "1", "after": 2}, [20, 20, 20]]
    assert after.wait("nap")["output"] >= 2
    assert after.wait("family")["runtimeStatus"] == "Failed"  # it adds up texts; but its children have ended
    assert after.instance("family:4").json()["output"] == "done"


@pytest.mark.parametrize(
    ("point", "first_calls", "second_calls"),
    [
        ("before:add_one:2", 1, 1),
        ("after:add_one:2", 1, 2),
        ("before-episode:chain:2", 2, 1),
        ("after-episode:chain:2", 2, 1),
    ],
)
def test_a_chain_killed_at_its_second_step_is_finished(
    new_host: NewHost, tmp_path: Path, point: str, first_calls: int, second_calls: int
):
    first = new_host(kill_at=point)
    with ANSWER_MAY_BE_LOST:
        Orchestrations(first.url).start("chain", 10, "chained")
    assert first.wait(15), "it should have died"
    after = Orchestrations(new_host().url)
    assert after.wait("chained")["output"]["value"] == 13
    assert (noted(tmp_path)["add_one 10"], noted(tmp_path)["add_one 11"]) == (first_calls, second_calls)


def test_an_accepted_event_is_not_lost_when_the_host_dies_in_the_step_that_hears_it(new_host: NewHost):
    first = new_host(kill_at="after-episode:approval:2")
    before = Orchestrations(first.url)
    before.start("approval", 60, "asked")
    before.until("asked", "Running")
    with ANSWER_MAY_BE_LOST:
        before.operate("event", "asked", "yes")
    assert first.wait(15), "it should have died"
    assert Orchestrations(new_host().url).wait("asked")["output"]["after"] == 2


def test_an_accepted_start_is_not_lost_when_the_host_dies_in_the_first_step(new_host: NewHost):
    first = new_host(kill_at="after-episode:chain")
    with ANSWER_MAY_BE_LOST:
        Orchestrations(first.url).start("chain", 1, "begun")
    assert first.wait(15), "it should have died"
    assert Orchestrations(new_host().url).wait("begun")["output"]["value"] == 4


def test_a_parent_hears_of_a_child_that_ended_just_before_the_kill(new_host: NewHost):
    first = new_host(kill_at="before-episode:family:2")
    with ANSWER_MAY_BE_LOST:
        Orchestrations(first.url).start("family", {"children": 1}, "parent")
    assert first.wait(15), "it should have died"
    assert Orchestrations(new_host().url).wait("parent")["output"] == 1


def test_a_stop_in_order_waits_for_no_activity(new_host: NewHost):
    host = new_host()
    Orchestrations(host.url).start("steps", 100, "long")
    begun = time.monotonic()
    host.stop()
    assert time.monotonic() - begun < 30
    assert "stopped" in host.log
    after = Orchestrations(new_host().url)
    assert after.until("long", "Running")
    after.operate("terminate", "long")


def test_a_misbehaving_host_changes_no_result(new_host: NewHost, tmp_path: Path):
    host = Orchestrations(new_host(misbehave=7).url)
    for number in range(2):
        started = host.start("lanes_of_patience", 20, f"lanes{number}")
        assert host.wait(started)["output"] == list(range(1, 21))
    assert max(noted(tmp_path).values()) > 2, "some activity should have run once more"
