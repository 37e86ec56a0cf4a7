"""What starts a run: HTTP, an upload, both at once; one run at a time, and no upload lost."""

import json
import os
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from local.azure import LocalAzure
from tests.e2e.conftest import Factory, hosting
from tests.e2e.worlds import World, asks, labs_json

pytestmark = pytest.mark.slow

NAME = "Win2016_Datacenter-Nov-1-2026"


def world(**behave: object) -> World:
    given = World().lab("lab-a").lab("lab-b").golden_image("Win2016\\Datacenter.json", NAME, 1)
    given.behave |= behave
    return given


@pytest.fixture
def uploading(azure: LocalAzure | None, tmp_path: Path) -> Generator[Factory, None, None]:
    """A factory whose host looks for uploads; gone again before other tests upload."""
    if azure is None or os.environ.get("HOST_URL"):
        pytest.skip("this test starts a host of its own")
    # What the test before uploaded would start a run right away.
    azure.control.put_world(world().document)
    with hosting(azure, tmp_path, virtual=False, polling_seconds=0.3) as factory:
        yield factory


def wait_for(what: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "nothing happened"
        time.sleep(0.2)


def pairs(factory: Factory, run_id: str) -> dict[str, str]:
    return {pair["lab"]: pair["state"] for pair in factory.report(run_id)["pairs"]}


def test_an_upload_of_labs_json_starts_a_run_and_no_other_upload_does(uploading: Factory) -> None:
    uploading.give(world())
    uploading.configure({"GoldenImages/Win2016/Datacenter.json": b"{}", "notes.json": b"{}"})
    time.sleep(2)
    assert uploading.runs() == []
    uploading.configure({"labs.json": labs_json(asks("lab-a", "Win2016"))}, clear=False)
    wait_for(uploading.runs)
    [run_id] = uploading.runs()
    assert pairs(uploading, run_id) == {"lab-a": "delivered"}
    time.sleep(2)
    assert uploading.runs() == [run_id], "one upload, one run"


def test_an_upload_during_a_run_is_taken_up_by_the_next_run_without_a_gap(uploading: Factory) -> None:
    uploading.give(world(copySeconds=8))
    uploading.configure({"labs.json": labs_json(asks("lab-a", "Win2016"))})
    wait_for(uploading.runs)
    [first] = uploading.runs()
    wait_for(lambda: uploading.status(first).json()["stage"] == "deliveries")
    uploading.configure({"labs.json": labs_json(asks("lab-a", "Win2016"), asks("lab-b", "Win2016"))}, clear=False)
    assert pairs(uploading, first) == {"lab-a": "delivered"}, "the run keeps what it froze (B10)"
    wait_for(lambda: len(uploading.runs()) == 2)
    second = uploading.runs()[-1]
    assert second > first
    assert pairs(uploading, second) == {"lab-a": "present", "lab-b": "delivered"}
    uploading.wait_until_idle()
    assert uploading.claim()["run"] == second


def test_a_broken_upload_is_reported_on_and_starts_one_run_which_uses_the_last_good_one(uploading: Factory) -> None:
    good = labs_json(asks("lab-a", "Win2016"))
    uploading.give(world())
    uploading.configure({"labs.json": good})
    wait_for(uploading.runs)
    [first] = uploading.runs()
    assert pairs(uploading, first) == {"lab-a": "delivered"}
    uploading.wait_until_idle()
    uploading.configure({"labs.json": good[:-20]}, clear=False)
    wait_for(lambda: b"cannot be used" in (uploading.blobs.get("configuration", "labs.json.report.md") or b""))
    wait_for(lambda: len(uploading.runs()) == 2)
    assert pairs(uploading, uploading.runs()[-1]) == {"lab-a": "present"}
    time.sleep(3)
    assert len(uploading.runs()) == 2, "neither the broken file nor the report on it starts another run"
    uploading.configure({"labs.json": good}, clear=False)
    wait_for(lambda: len(uploading.runs()) == 3)
    assert uploading.report(uploading.runs()[-1])["state"] == "Succeeded"


def test_a_second_start_is_refused_with_the_run_that_works(factory_in_real_time: Factory) -> None:
    factory = factory_in_real_time
    factory.give(world(copySeconds=6))
    factory.configure({"labs.json": labs_json(asks("lab-a", "Win2016"))})
    run_id = factory.start()
    answer = factory.post()
    assert answer.status_code == 409
    assert answer.json()["runId"] == run_id
    assert factory.status(run_id).status_code == 202
    working = factory.report_as(run_id, "text/html")
    assert (working.status_code, working.headers["Retry-After"]) == (202, "10")
    assert working.json()["state"] == "Running"
    assert pairs(factory, run_id) == {"lab-a": "delivered"}


def test_of_eight_starts_at_once_one_run_works(factory_in_real_time: Factory) -> None:
    factory = factory_in_real_time
    factory.give(world())
    factory.configure({"labs.json": labs_json(asks("lab-a", "Win2016"))})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: factory.post(), range(8)))
    accepted = {answer.json()["runId"] for answer in answers if answer.status_code == 202}
    assert len(accepted) == 1
    assert {answer.status_code for answer in answers} == {202, 409}
    assert {answer.json()["runId"] for answer in answers} == accepted
    assert pairs(factory, accepted.pop()) == {"lab-a": "delivered"}
    assert len(factory.runs()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b'{"maxConcurrentCopies": 0}',
        b'{"maxConcurrentCopies": "20"}',
        b'{"maxConcurrentCopies": true}',
        b'{"maxConcurrentCopies": 101, "labs": []}',
        b"\xff\xfe\x00",
        b"[" * 5000,
    ],
)
def test_a_body_that_is_wrong_is_refused_and_starts_nothing(factory: Factory, body: bytes) -> None:
    before = factory.runs()
    answer = requests.post(f"{factory.host}/api/runs", data=body, headers=factory.key, timeout=60)
    assert answer.status_code == 400
    told = answer.json()
    assert told["error"] == "RequestInvalid"
    assert told["message"]
    assert told["next"]
    assert factory.runs() == before


@pytest.mark.parametrize("run_id", ["nonsense", "20261123T020509Z-none", "..%2F..%2Fx", "a" * 300])
def test_a_run_that_nobody_knows_is_not_found(factory: Factory, run_id: str) -> None:
    answer = factory.status(run_id)
    assert answer.status_code == 404
    assert answer.json()["error"] == "RunNotFound"


def test_a_run_with_one_lane_copies_one_at_a_time_x6(factory: Factory) -> None:
    factory.give(world(copySeconds=3))
    factory.configure({"labs.json": labs_json(asks("lab-a", "Win2016"), asks("lab-b", "Win2016"))})
    factory.control.clear_operations()
    report = factory.run(maxConcurrentCopies=1)
    assert report["counts"]["delivered"] == 2
    order = [call["effect"] for call in factory.operations() if call["effect"] in ("copy", "delete")]
    assert order == ["copy", "delete", "copy", "delete"]


def test_another_apps_claim_is_never_taken_over(factory: Factory) -> None:
    factory.give(world())
    factory.configure({"labs.json": labs_json(asks("lab-a", "Win2016"))})
    other = {"app": "other-app", "run": "20200101T000000Z-aaaa", "state": "held", "tookOver": False, "seenEtag": ""}
    factory.blobs.create_container("imagefactory", account="stfactory")
    factory.blobs.put("imagefactory", "active-run", json.dumps(other).encode(), account="stfactory")
    factory.control.clear_operations()
    report = factory.run()
    assert report["state"] == "Failed"
    assert [finding["code"] for finding in report["findings"]] == ["ClaimedByOtherApp"]
    assert "other-app" in report["findings"][0]["message"]
    assert factory.operations(effects_only=True) == []
    assert factory.claim() == other
    factory.blobs.delete("imagefactory", "active-run", account="stfactory")
