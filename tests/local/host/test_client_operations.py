"""What clients may ask of instances, and how the Durable HTTP API answers (`durable-facts.md` sections 5, 11, 13)."""

import pytest
import requests

from local.host import LocalHost
from tests.local.host.orchestrations import DURABLE, Orchestrations

pytestmark = pytest.mark.slow


def test_a_second_start_of_a_living_id_is_refused(orchestrations: Orchestrations):
    orchestrations.start("nap", 60, "taken")
    again = orchestrations.post(f"{DURABLE}/orchestrators/nap/taken", 1)
    assert again.status_code == 409
    assert "already exists" in orchestrations.post("/api/start/nap/taken", 1).text
    orchestrations.operate("terminate", "taken")
    assert orchestrations.wait("taken")["runtimeStatus"] == "Terminated"


def test_a_finished_id_may_be_started_again(orchestrations: Orchestrations):
    orchestrations.run("chain", 1, "twice")
    assert orchestrations.run("chain", 2, "twice")["output"]["value"] == 5


def test_terminating_a_parent_leaves_its_children_alone(orchestrations: Orchestrations):
    orchestrations.start("family", {"children": 2, "name": "steps"}, "family")
    orchestrations.until("family", "Running")
    orchestrations.operate("terminate", "family")
    ended = orchestrations.wait("family")
    assert (ended["runtimeStatus"], ended["output"]) == ("Terminated", "enough")
    assert orchestrations.wait("family:1")["runtimeStatus"] == "Completed"


def test_a_suspended_instance_makes_no_step_until_it_is_resumed(orchestrations: Orchestrations):
    orchestrations.start("steps", 8, "paused")
    orchestrations.until("paused", "Running")
    orchestrations.operate("suspend", "paused")
    before = orchestrations.until("paused", "Suspended")["customStatus"]
    with pytest.raises(AssertionError, match="has not ended"):
        orchestrations.wait("paused", seconds=1.0)
    assert orchestrations.instance("paused").json()["customStatus"] == before
    orchestrations.operate("resume", "paused")
    assert orchestrations.wait("paused")["output"] == "done"


def test_purging_takes_an_ended_instance_once(orchestrations: Orchestrations):
    orchestrations.start("nap", 60, "gone")
    address = f"{orchestrations.url}{DURABLE}/instances/gone"
    assert requests.delete(address, timeout=30).status_code == 412
    orchestrations.operate("terminate", "gone")
    orchestrations.wait("gone")
    assert orchestrations.operate("purge", "gone") == "1"
    assert requests.delete(address, timeout=30).status_code == 404
    assert orchestrations.instance("gone").status_code == 404
    assert "gone" not in [line.partition("\t")[0] for line in orchestrations.everything().splitlines()]


def test_an_ended_instance_refuses_messages(orchestrations: Orchestrations):
    orchestrations.run("chain", 1, "over")
    for operation in ("terminate?reason=x", "suspend?reason=x", "resume?reason=x", "raiseEvent/go"):
        assert orchestrations.post(f"{DURABLE}/instances/over/{operation}", 1).status_code == 410
        assert orchestrations.post(f"{DURABLE}/instances/nobody/{operation}", 1).status_code == 404


def test_the_sdks_client_reads_input_and_output(orchestrations: Orchestrations):
    orchestrations.run("fan_out", 2, "read")
    assert orchestrations.operate("status", "read") == "Completed 2 3"


def test_instances_are_listed_by_prefix_and_state(orchestrations: Orchestrations):
    orchestrations.run("fan_out", 1, "list-1")
    orchestrations.run("raising", 1, "list-2")
    query = {"instanceIdPrefix": "list-", "runtimeStatus": "Failed"}
    found = requests.get(f"{orchestrations.url}{DURABLE}/instances/", params=query, timeout=30).json()
    assert [instance["instanceId"] for instance in found] == ["list-2"]


def test_http_functions_answer_without_a_key(orchestrations: Orchestrations):
    assert requests.get(f"{orchestrations.url}/api/double/21", timeout=30).text == "42"
    assert requests.get(f"{orchestrations.url}/api/double/x", timeout=30).status_code == 404
    assert requests.get(f"{orchestrations.url}/api/broken", timeout=30).status_code == 500


def test_admin_routes_are_refused(shared_host: LocalHost):
    assert requests.get(f"{shared_host.url}/api/admin/hello", timeout=30).status_code == 404
    assert "The route 'admin/hello' is refused" in shared_host.log
