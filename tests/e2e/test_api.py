"""The API, end to end: what is refused, runs listed and watched, explanations, its own description."""

import pytest
import requests

from api.openapi import OPERATIONS
from tests.e2e.conftest import Factory
from tests.e2e.over_http import cancel, get
from tests.e2e.test_the_job import SECRETS, job

pytestmark = pytest.mark.slow


def test_everything_that_is_wrong_is_told_and_nothing_is_started(given: Factory) -> None:
    runs = given.runs()
    answer = given.post({"labs": ["lab-a", "lab-c"], "images": ["Win/Servr"]})
    assert (answer.status_code, answer.json()["error"]) == (404, "SelectionNotFound")
    told = {found["path"]: (found["code"], found["next"]) for found in answer.json()["findings"]}
    assert told["$.labs[1]"][0] == "LabUnknown"
    assert told["$.images[0]"][0] == "EntryMatchesNothing"
    assert '"Win/Server.json"' in told["$.images[0]"][1]
    assert set(told) == {"$.labs[1]", "$.images[0]"}
    assert given.runs() == runs


def test_everything_that_is_no_parameter_is_told_and_nothing_is_started(given: Factory) -> None:
    runs = given.runs()
    answer = given.post({"labs": "lab-a", "images": ["../x"], "dryrun": True})
    assert (answer.status_code, answer.json()["error"]) == (400, "RequestInvalid")
    assert {found["path"]: found["code"] for found in answer.json()["findings"]} == {
        "$.labs": "ParameterInvalid",
        "$.images[0]": "EntryDots",
        "$.dryrun": "ParameterUnknown",
    }
    assert given.runs() == runs


def test_runs_are_listed_newest_first_page_by_page(given: Factory) -> None:
    runs = [given.run()["runId"], given.run()["runId"]]
    first = get(given, "runs", limit=1).json()
    assert [run["runId"] for run in first["runs"]] == [runs[1]]
    assert first["runs"][0]["state"] == "Succeeded"
    second = requests.get(f"{given.host}{first['next']}", headers=given.key, timeout=60).json()
    assert [run["runId"] for run in second["runs"]] == [runs[0]]
    assert "next" not in get(given, "runs", limit=100).json()


def test_a_run_tells_how_far_it_is_pair_by_pair(given: Factory) -> None:
    world, files = job()
    given.give(world.behaving(copySeconds=4))
    given.configure(files)
    run_id = given.start(stages=["distribute"])
    states: set[str] = set()
    while (answer := given.status(run_id)).status_code == 202:
        assert int(answer.headers["Retry-After"]) > 0
        states |= {pair["state"] for pair in answer.json()["pairs"]}
        if transfer := answer.json().get("transfer"):
            assert 0 <= transfer["doneBytes"] <= transfer["plannedBytes"]
    assert "working" in states
    ended = answer.json()
    assert {pair["state"] for pair in ended["pairs"]} <= {"delivered", "present", "skipped"}
    assert len(ended["pairs"]) == len(given.report(run_id)["pairs"])


def test_why_is_explained_by_what_is_there_now(given: Factory) -> None:
    given.control.clear_operations()
    wanted = get(given, "explain", lab="lab-a", image="Win/Server.json").json()["explanations"]
    assert [(each["verdict"], each["lab"]) for each in wanted] == [("deliver", "lab-a")]
    text = get(given, "explain", "text/plain", lab="lab-a", image="Win/Client").text
    assert 'The VM "busy" is not captured: NotDeallocated' in text
    assert get(given, "explain", lab="lab-a").json()["findings"][0]["code"] == "ParameterMissing"
    assert [call for call in given.operations() if call["effect"] != "none"] == []


def test_no_answer_holds_a_key_or_an_address_of_the_durable_engine(given: Factory) -> None:
    run_id = given.run()["runId"]
    answers = [
        given.status(run_id),
        get(given, "runs"),
        get(given, "openapi.json"),
        get(given, "explain", lab="lab-a", image="Win"),
        given.post({"dryRun": True}),
        cancel(given, run_id),
        given.status("20200101T000000Z-none"),
    ]
    for answer in answers:
        assert not SECRETS.search(answer.content)
        assert b"runtime/webhooks" not in answer.content
        assert b"code=" not in answer.content


def test_every_error_has_one_shape(given: Factory) -> None:
    wrong = [
        given.status("20200101T000000Z-none"),
        given.post({"labs": []}),
        given.post({"planId": "0" * 64}),
        cancel(given, "nothing"),
        get(given, "runs", limit=0),
        get(given, "explain"),
    ]
    for answer in wrong:
        body = answer.json()
        assert answer.status_code in (400, 404, 409)
        assert {"error", "message", "next", "findings"} <= set(body), body
        assert set(body) <= {"error", "message", "next", "findings", "runId", "status"}


def test_the_api_describes_what_it_serves(given: Factory) -> None:
    described = get(given, "openapi.json").json()
    assert described["openapi"].startswith("3.1")
    operations = {operation["operationId"] for path in described["paths"].values() for operation in path.values()}
    assert operations == {operation.function for operation in OPERATIONS}
