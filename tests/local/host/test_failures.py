"""How orchestrations fail: as on Microsoft's host where it matters, loudly where that one would hang or go wrong."""

from typing import Any

import pytest

from local.host import LocalHost
from tests.local.host.orchestrations import Orchestrations

pytestmark = pytest.mark.slow


def failure(ended: dict[str, Any]) -> str:
    assert ended["runtimeStatus"] == "Failed", ended
    return ended["output"]


def test_an_orchestrator_that_raises_fails_its_instance(orchestrations: Orchestrations):
    assert failure(orchestrations.run("raising")) == "Orchestrator function 'raising' failed: kaput"


def test_a_parent_can_catch_its_childs_failure(orchestrations: Orchestrations):
    told = orchestrations.run("parent_of_failure", "raising")["output"]
    assert told.startswith("Orchestrator function 'raising' failed: kaput")


def test_an_unknown_child_fails_in_its_parents_hands(orchestrations: Orchestrations):
    assert "'no_such_child' doesn't exist" in orchestrations.run("parent_of_failure", "no_such_child")["output"]


def test_an_unknown_orchestrator_is_accepted_and_then_failed(orchestrations: Orchestrations):
    assert "'no_such_thing' doesn't exist" in failure(orchestrations.run("no_such_thing"))


def test_an_unknown_activity_fails_loudly_where_azure_would_hang(
    shared_host: LocalHost, orchestrations: Orchestrations
):
    assert "'ad_one' doesn't exist" in failure(orchestrations.run("typo", None, "typing"))
    assert "on Azure typing would hang" in shared_host.log


def test_a_replay_that_wants_something_else_is_not_deterministic(orchestrations: Orchestrations):
    assert failure(orchestrations.run("fickle")).startswith("Non-Deterministic workflow detected: activity 'add_one'")


@pytest.mark.parametrize(("length", "state"), [(8_000, "Completed"), (12_000, "Failed")])
def test_a_custom_status_of_more_than_16_kb_fails_the_instance(orchestrations: Orchestrations, length: int, state: str):
    assert orchestrations.run("talkative", length)["runtimeStatus"] == state


def test_a_durable_http_call_is_refused(orchestrations: Orchestrations):
    assert "not played by the embedded host" in failure(orchestrations.run("calls_http"))


@pytest.mark.parametrize("name", ["window", "hasty", "retries_in_fan_out"])
def test_what_gets_out_of_step_on_azure_fails_here(orchestrations: Orchestrations, name: str):
    assert f"'{name}' would not do this on Azure" in failure(orchestrations.run(name))
