"""The API, end to end: plan, start with parameters, watch, list, explain; a plan comes true."""

import random
import re
import time
from typing import Any

import pytest
import requests

from api.openapi import OPERATIONS
from tests.e2e.conftest import Factory
from tests.e2e.end_state import image_names, vhd_blobs
from tests.e2e.test_the_job import SECRETS, images, job
from tests.e2e.worlds import OTHER, SUBSCRIPTION, World, asks, labs_json

pytestmark = pytest.mark.slow

Json = dict[str, Any]
ENDS = {"deliver": "delivered", "capture": "captured", "present": "present", "skip": "skipped", "fail": "failed"}


def get(factory: Factory, path: str, accept: str = "", **query: Any) -> requests.Response:
    headers = factory.key | ({"Accept": accept} if accept else {})
    return requests.get(f"{factory.host}/api/{path}", params=query, headers=headers, timeout=90)


def cancel(factory: Factory, run_id: str) -> requests.Response:
    return requests.post(f"{factory.host}/api/runs/{run_id}/cancel", headers=factory.key, timeout=90)


def plan(factory: Factory, **body: Any) -> Json:
    answer = factory.post({"dryRun": True, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def given(factory: Factory) -> Factory:
    """The world of the main job, before its first run."""
    world, files = job()
    factory.give(world)
    factory.configure(files)
    factory.control.clear_operations()
    return factory


def random_job(seed: int) -> tuple[World, dict[str, bytes]]:
    """Labs, VMs and images by chance; some are there already, some are broken, one lab is missing."""
    dice = random.Random(seed)
    paths = ["Win/Server.json", "Win/Client.json", "Linux/Ubuntu.json", "Old/Legacy.json"]
    world = World()
    for number, path in enumerate(dice.sample(paths, 3), 1):
        world.golden_image(path.replace("/", "\\"), f"golden-{number}", number)
    for number, path in enumerate(dice.sample(paths, 2)):
        world.vm(f"vm-{number}", path, power=dice.choice(["VM deallocated", "VM running"]))
    entries = [asks("missing", "Win")]
    for number in range(3):
        name = f"lab-{number}"
        world.lab(name, subscription=dice.choice([SUBSCRIPTION, OTHER]))
        subscription = next(
            s for s, found in world.subscriptions.items() if any(lab["name"] == name for lab in found["labs"])
        )
        if dice.random() < 0.6:
            state, tag = dice.choice([("Succeeded", "Win\\Server.json"), ("Failed", "x"), ("Succeeded", "other")])
            world.image(name, f"golden-{dice.randint(1, 3)}", state, subscription=subscription, ImagePath=tag)
        asked = dice.sample(["Win", "Linux/Ubuntu", "old", "Win/Server.json", "Nothing"], dice.randint(1, 3))
        entries.append(asks(name, *asked, subscription=subscription))
    return world, {"labs.json": labs_json(*entries)}


def facts(rows: list[Json], end: str) -> list[tuple[Any, ...]]:
    keys = ("vm", "subscriptionId", "lab", "imagePath", "image", "code")
    return sorted((*(row.get(key, "") for key in keys), ENDS.get(row[end], row[end])) for row in rows)


@pytest.mark.parametrize("seed", range(3))
def test_a_plan_tells_what_the_run_then_does_and_does_nothing_itself(factory: Factory, seed: int) -> None:
    world, files = random_job(seed)
    factory.give(world)
    factory.configure(files)
    factory.control.clear_operations()
    planned, runs = plan(factory), factory.runs()
    assert [call for call in factory.operations() if call["effect"] != "none"] == [], "not even a journal or a key"
    before = {lab: image_names(factory.world(), lab) for lab in ("lab-0", "lab-1", "lab-2")}

    report = factory.report(factory.start(planId=planned["planId"]))
    assert len(factory.runs()) == len(runs) + 1
    assert facts(report["captures"], "state") == facts(planned["captures"], "effect")
    assert facts(report["pairs"], "state") == facts(planned["pairs"], "effect")
    for lab, names in before.items():
        coming = {p["image"] for p in planned["pairs"] if p["lab"] == lab and p["effect"] == "deliver"}
        assert image_names(factory.world(), lab) == names | coming
    again = plan(factory)
    assert (again["counts"]["deliver"], again["counts"]["capture"], again["bytes"]) == (0, 0, 0)


def test_a_plan_reads_like_one_where_text_is_preferred(given: Factory) -> None:
    answer = requests.post(
        f"{given.host}/api/runs", json={"dryRun": True}, headers=given.key | {"Accept": "text/plain"}, timeout=60
    )
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Plan: 5 to deliver, 3 to capture, 1 unchanged, 1 skipped." in answer.text
    assert re.search(r"^  \+ capture   win -> Win_Server-", answer.text, re.M)
    assert re.search(r"^  - skip      busy: NotDeallocated", answer.text, re.M)
    assert f"planId: {plan(given)['planId']}" in answer.text


def moved_configuration(factory: Factory) -> None:
    factory.configure({"labs.json": labs_json(asks("lab-a", "Win"))}, clear=False)


def moved_world(factory: Factory) -> None:
    world, files = job()
    factory.give(world.image("lab-a", "somebody-elses"))
    factory.configure(files)


@pytest.mark.parametrize("moves", [moved_configuration, moved_world])
def test_a_plan_that_has_moved_is_refused_and_nothing_is_written(given: Factory, moves: Any) -> None:
    planned = plan(given)
    moves(given)
    given.control.clear_operations()
    answer = given.post({"planId": planned["planId"]})
    assert (answer.status_code, answer.json()["error"]) == (409, "PlanMoved")
    assert answer.json()["next"]
    assert [call for call in given.operations() if call["effect"] != "none"] == []


def test_a_plan_is_only_that_of_its_own_parameters(given: Factory) -> None:
    planned = plan(given, labs=["lab-a"])
    assert given.post({"planId": planned["planId"]}).json()["error"] == "PlanMoved"
    assert given.post({"planId": planned["planId"], "labs": ["lab-b"]}).json()["error"] == "PlanMoved"
    report = given.report(given.start(planId=planned["planId"], labs=["lab-a"]))
    assert {pair["lab"] for pair in report["pairs"]} == {"lab-a"}


def test_only_the_labs_that_are_asked_for_are_served_and_the_next_run_does_the_rest(given: Factory) -> None:
    first = given.report(given.start(labs=["LAB-A"]))
    assert {pair["lab"] for pair in first["pairs"]} == {"lab-a"}
    assert first["state"] == "Succeeded"
    assert set(images(given)) == {"lab-a", "lab-b"}, "lab-b has what it had"
    given.wait_until_idle()
    assert given.claim()["run"] == first["runId"], "nobody follows"
    second = given.run()
    assert second["counts"]["delivered"] == 2


def test_only_the_images_that_are_asked_for_are_captured_and_delivered(given: Factory) -> None:
    report = given.report(given.start(images=["linux"]))
    assert {capture["vm"] for capture in report["captures"]} == {"ubuntu"}
    assert {(pair["lab"], pair["state"]) for pair in report["pairs"]} == {("lab-a", "delivered")}


def test_only_the_stages_that_are_asked_for_are_done(given: Factory) -> None:
    captured = given.report(given.start(stages=["capture"]))
    assert (captured["counts"]["captured"], captured["pairs"]) == (3, [])
    given.control.clear_operations()
    delivered = given.report(given.start(stages=["distribute"]))
    assert delivered["captures"] == []
    assert delivered["counts"]["delivered"] == 5
    assert [call for call in given.operations() if call["effect"] == "grant" and "/disks/" in call["path"]] == []


def test_only_what_failed_is_done_again(factory: Factory) -> None:
    world = World().lab("lab-a").lab("lab-b").golden_image("Old\\Legacy.json", "legacy", 1)
    factory.give(world.vm("win", "Win\\Server.json"))
    factory.configure({"labs.json": labs_json(asks("lab-a", "Old"), asks("lab-b", "Old"))})
    no_room = {"error": {"code": "QuotaExceeded", "message": "No room."}}
    factory.control.fault(r"PUT .*/labs/lab-a/customimages/", service="arm", status=409, times=9, body=no_room)
    first = factory.run(stages=["distribute"])
    assert [pair["lab"] for pair in first["pairs"] if pair["state"] == "failed"] == ["lab-a"]
    factory.control.clear_faults()

    planned = plan(factory, retryFailedOf=first["runId"])
    assert [(pair["lab"], pair["effect"]) for pair in planned["pairs"]] == [("lab-a", "deliver")]
    second = factory.report(factory.start(retryFailedOf=first["runId"]))
    assert [(pair["lab"], pair["state"]) for pair in second["pairs"]] == [("lab-a", "delivered")]
    assert second["captures"] == []
    for run_id, code in ((second["runId"], "NothingFailed"), ("20200101T000000Z-none", "RunNotFound")):
        wrong = factory.post({"retryFailedOf": run_id})
        assert [found["code"] for found in wrong.json()["findings"]] == [code]


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


@pytest.mark.parametrize("seconds", [0, 0.7, 1.5, 3, 6, 9])
def test_cancelled_at_any_moment_a_run_leaves_nothing_behind(given: Factory, seconds: float) -> None:
    world, files = job()
    given.give(world.behaving(copySeconds=4, imageSeconds=2))
    given.configure(files)
    run_id = given.start()
    time.sleep(seconds)
    assert cancel(given, run_id).status_code in (200, 202)
    assert cancel(given, run_id).status_code in (200, 202)
    report = given.report(run_id)
    given.wait_until_idle()
    assert report["state"] in ("Cancelled", "Succeeded")
    assert report["state"] == "Cancelled" or seconds > 5
    keys = [(pair["lab"], pair["imagePath"]) for pair in report["pairs"]]
    assert len(keys) == len(set(keys)), "I4"
    assert {row["state"] for row in report["pairs"] + report["captures"]} <= {
        "delivered",
        "captured",
        "present",
        "skipped",
    }
    world_now = given.world()
    assert [disk["name"] for disk in world_now["disks"] if disk.get("sas")] == [], "I1"
    assert [*vhd_blobs(world_now, "stlaba"), *vhd_blobs(world_now, "stlabb")] == [], "I2"
    manifests = {name for name in vhd_blobs(world_now, "stfactory") if name.endswith(".json")}
    vhds = {name for name in vhd_blobs(world_now, "stfactory") if name.endswith(".vhd")}
    assert {name.removesuffix(".vhd") for name in vhds} == {name.removesuffix(".json") for name in manifests}, "I2"
    assert given.blobs.names("imagefactory", account="stfactory") == ["active-run"]
    assert given.claim()["state"] == "released"
    assert cancel(given, run_id).json()["state"] == report["state"], "a cancel of a run that has ended does nothing"
    after = given.run()
    assert after["state"] == "Succeeded"
    assert after["counts"]["delivered"] + after["counts"]["present"] == 6


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
