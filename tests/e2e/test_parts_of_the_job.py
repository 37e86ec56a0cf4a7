"""Runs that do a part of the job: some labs, some images, one stage, what failed."""

import pytest

from tests.e2e.conftest import Factory
from tests.e2e.over_http import plan
from tests.e2e.test_the_job import images
from tests.e2e.worlds import World, asks, labs_json

pytestmark = pytest.mark.slow


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
