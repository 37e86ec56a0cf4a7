"""The main job, end to end: every lab gets what it asks for, nothing is left, the second run has nothing to do."""

import re
from datetime import datetime
from typing import Any

import pytest
import requests

from tests.e2e.conftest import Factory
from tests.e2e.worlds import OTHER, SUBSCRIPTION, VHDS, World, asks, labs_json

pytestmark = pytest.mark.slow

SECRETS = re.compile(rb"sig=|AccountKey|SharedKey|\beyJ[A-Za-z0-9_-]{10,}\.")
DEFINITIONS = {
    f"GoldenImages/{name}": b"{}"
    for name in (
        "Win/Server.json",
        "Win/Client.json",
        "Win/Fresh.json",
        "Linux/Ubuntu 22.04 LTS.json",
        "Old/Legacy.json",
    )
}


def job() -> tuple[World, dict[str, bytes]]:
    world = (
        World()
        .lab("lab-a")
        .lab("lab-b", subscription=OTHER, location="northeurope")
        .vm("win", "Win\\Server.json")
        .vm(
            "ubuntu",
            "Linux/Ubuntu 22.04 LTS.json",
            os_type="Linux",
            artifact=None,
            statuses=[{"code": "OSState/generalized"}],
        )
        .vm("busy", "Win\\Client.json", power="VM running")
        .vm("fresh", "Win\\Fresh.json", power="VM running", artifact=None, tags={"FactoryGeneralize": "yes"})
        .behaving(artifacts={"fresh": {"seconds": 1, "shutdown": 1, "deallocate": 0}})
        .golden_image("Old\\Legacy.json", "Old_Legacy-Nov-1-2026", 1)
        .image("lab-b", "Old_Legacy-Nov-1-2026", subscription=OTHER, ImagePath="Old\\Legacy.json")
    )
    labs = labs_json(
        asks("lab-a", "Win", "Linux/Ubuntu 22.04 LTS.json"),
        asks("lab-b", "Old", "win/server.json", subscription=OTHER),
        asks("factory", "Old/Legacy"),
    )
    return world, {"labs.json": labs, **DEFINITIONS}


@pytest.fixture(scope="module")
def done(factory: Factory) -> tuple[Factory, dict[str, Any]]:
    world, files = job()
    factory.give(world)
    factory.configure(files)
    factory.control.clear_operations()
    return factory, factory.run()


def images(factory: Factory) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for subscription in factory.world()["subscriptions"]:
        for image in subscription["images"]:
            if image["state"] == "Succeeded":
                found.setdefault(image["lab"], set()).add(image["tags"]["ImagePath"])
    return found


def test_every_lab_holds_exactly_what_it_asked_for(done: tuple[Factory, dict[str, Any]]) -> None:
    factory, report = done
    assert report["state"] == "Succeeded", report
    assert images(factory) == {
        "lab-a": {"Win\\Server.json", "Win\\Fresh.json", "Linux\\Ubuntu 22.04 LTS.json"},
        "lab-b": {"Old\\Legacy.json", "Win\\Server.json"},
        "factory": {"Old\\Legacy.json"},
    }


def test_every_image_was_made_from_its_golden_disk(done: tuple[Factory, dict[str, Any]]) -> None:
    factory, _ = done
    world = factory.world()
    vhds = {blob["digest"] for blob in blobs(world, "stfactory") if blob["name"].endswith(".vhd")}
    made = [image["digest"] for sub in world["subscriptions"] for image in sub["images"] if image.get("vhdUri")]
    assert len(made) == 5
    assert set(made) <= vhds


def test_nothing_is_left(done: tuple[Factory, dict[str, Any]]) -> None:
    factory, _ = done
    world = factory.world()
    assert [disk["name"] for disk in world["disks"] if disk.get("sas")] == []
    for account in ("stlaba", "stlabb"):
        assert blobs(world, account) == []
    assert factory.blobs.names("imagefactory", account="stfactory") == ["active-run"]
    assert factory.claim()["state"] == "released"


def blobs(world: dict[str, Any], account: str) -> list[dict[str, Any]]:
    containers = next(found for found in world["storage"] if found["account"] == account)["containers"]
    return [blob for container in containers if container["name"] == VHDS for blob in container["blobs"]]


def test_every_pair_and_every_vm_is_reported_once_with_its_reason(done: tuple[Factory, dict[str, Any]]) -> None:
    _, report = done
    pairs = {(pair["lab"], pair["imagePath"]): pair for pair in report["pairs"]}
    assert len(pairs) == len(report["pairs"]) == 7
    assert pairs["lab-b", "Old\\Legacy.json"]["state"] == "present"
    assert pairs["lab-a", "Win\\Client.json"]["code"] == "NoGoldenImage"
    assert pairs["lab-a", "Win\\Server.json"]["state"] == "delivered"
    assert {capture["vm"]: capture.get("code", capture["state"]) for capture in report["captures"]} == {
        "win": "captured",
        "ubuntu": "captured",
        "fresh": "captured",
        "busy": "NotDeallocated",
    }
    assert report["counts"]["delivered"] == 5


def test_what_was_made_carries_our_mark(done: tuple[Factory, dict[str, Any]]) -> None:
    factory, report = done
    for subscription in factory.world()["subscriptions"]:
        for image in subscription["images"]:
            if image.get("vhdUri"):
                assert image["tags"]["FactoryRun"] == report["runId"]
                assert image["tags"]["FactoryId"] == report["factoryId"]
                assert image["tags"]["FactoryConfiguration"] == report["configuration"]["sha256"]


def test_no_secret_is_written_anywhere_i5(done: tuple[Factory, dict[str, Any]]) -> None:
    factory, report = done
    for name, data in factory.journal(report["runId"]).items():
        assert not SECRETS.search(data), name
    assert not SECRETS.search(factory.status(report["runId"]).content)
    history = requests.get(f"{factory.host}/__host/history", timeout=60)
    if history.ok:
        assert not SECRETS.search(history.content)


def test_the_second_run_writes_nothing_and_grants_nothing_i6(done: tuple[Factory, dict[str, Any]]) -> None:
    factory, _ = done
    factory.control.clear_operations()
    report = factory.run()
    assert report["state"] == "Succeeded"
    assert {pair["state"] for pair in report["pairs"]} == {"present", "skipped"}
    assert {c["code"] for c in report["captures"]} == {"AlreadyCaptured", "NotDeallocated"}
    assert factory.operations(effects_only=True) == []
    assert SUBSCRIPTION in {pair["subscriptionId"] for pair in report["pairs"]}


FORMS = {
    "application/json": ("report.json", '"state": "Succeeded"'),
    "text/markdown": ("report.md", "| lab-a |"),
    "text/html": ("report.html", "</html>"),
    "application/xml": ("junit.xml", "</testsuites>"),
}


@pytest.mark.parametrize("media", FORMS)
def test_the_report_is_recorded_and_answered_in_each_form(done: tuple[Factory, dict[str, Any]], media: str) -> None:
    factory, report = done
    file, holds = FORMS[media]
    text = (factory.blobs.get("runs", f"runs/{report['runId']}/{file}") or b"").decode()
    assert report["runId"] in text
    assert holds in text
    answer = factory.report_as(report["runId"], media)
    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["Content-Type"].startswith(media)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_report_that_there_is_not_is_refused_as_what_it_is(done: tuple[Factory, dict[str, Any]]) -> None:
    factory, report = done
    asked = [
        factory.report_as(report["runId"], "image/png"),
        factory.report_as(report["runId"], format="pdf"),
        factory.report_as("20261123T020509Z-none"),
    ]
    answers = [(answer.status_code, answer.json()["error"]) for answer in asked]
    assert answers == [(406, "NotAcceptable"), (400, "RequestInvalid"), (404, "RunNotFound")]


def test_what_did_work_tells_when_and_how_long(done: tuple[Factory, dict[str, Any]]) -> None:
    factory, report = done
    worked = [row for row in report["pairs"] + report["captures"] if row["state"] in ("delivered", "captured")]
    assert len(worked) == report["counts"]["delivered"] + report["counts"]["captured"] > 0
    for row in worked:
        began, ended, over = map(datetime.fromisoformat, (report["startedAt"], row["endedAt"], report["endedAt"]))
        assert began <= ended
        # A virtual clock stays behind storage's while a slow machine works; where one clock tells both, E12 asks.
        assert factory.is_virtual or ended <= over
        assert row["seconds"] > 0
    assert not [row for row in report["pairs"] if row["state"] == "present" and "endedAt" in row]
