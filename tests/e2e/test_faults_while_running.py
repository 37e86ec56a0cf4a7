"""Faults of the original that show while it runs: its cap, its order, throttling, a second start, another configuration."""

import hashlib
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from local.azure import LocalAzure
from tests.e2e.conftest import Factory, hosting
from tests.e2e.end_state import Json, all_blobs, endings, image_names
from tests.e2e.worlds import OTHER, SUBSCRIPTION, World, asks, labs_json

pytestmark = pytest.mark.slow

IMAGES = [(f"Win\\{letter}.json", f"Win_{letter}-Nov-{day}-2026", day) for day, letter in enumerate("ABCDE", 1)]


def five_images(**behave: Any) -> World:
    world = World().behaving(copySeconds=0, imageSeconds=0, **behave).lab("lab-a").lab("lab-b", subscription=OTHER)
    for path, name, day in IMAGES:
        world.golden_image(path, name, day)
    return world


BOTH = labs_json(asks("lab-a", "Win"), asks("lab-b", "Win", subscription=OTHER))


# --- The cap


@pytest.mark.parametrize("cap", [0, -1, "", "two", None, True, 1.5, 101, 10**30, [], {}])
def test_x6_a_cap_that_is_none_is_refused_before_any_effect(factory: Factory, cap: Any) -> None:
    factory.wait_until_idle()
    factory.control.clear_operations()
    answer = factory.post({"maxConcurrentCopies": cap})
    assert answer.status_code == 400
    assert "maxConcurrentCopies" in answer.json()["message"]
    assert factory.operations(effects_only=True) == []


@pytest.mark.parametrize("cap", ["0", "-1", "two", "101"])
def test_x6_a_setting_that_is_no_cap_is_refused_before_any_effect(
    own_host: LocalAzure, factory: Factory, cap: str, tmp_path: Path
) -> None:
    factory.wait_until_idle()
    factory.control.clear_operations()
    with hosting(own_host, tmp_path, {"MAX_CONCURRENT_COPIES": cap}) as misled:
        answer = misled.post()
        assert answer.status_code >= 400
        assert "MAX_CONCURRENT_COPIES" in answer.text
        assert misled.operations(effects_only=True) == []


@pytest.mark.parametrize("cap", [1, 2])
def test_x6_b33_there_are_never_more_copies_than_the_cap(factory: Factory, cap: int) -> None:
    factory.give(five_images())
    factory.configure({"labs.json": BOTH})
    factory.control.clear_operations()
    report = factory.run(maxConcurrentCopies=cap)
    assert report["counts"]["delivered"] == 10
    assert max(copies_at_once(factory.operations())) == cap


def copies_at_once(operations: list[Json]) -> Iterator[int]:
    """How many copies there are after each call: a place is free again when the copy is removed."""
    here: set[str] = set()
    for call in operations:
        if call["effect"] == "copy":
            here.add(call["path"])
        elif call["effect"] == "delete":
            here.discard(call["path"])
        yield len(here)


# --- The order


def test_x8_the_order_depends_on_the_content_only(factory: Factory) -> None:
    orders: list[list[tuple[str, str]]] = []
    for turn in (1, -1):
        world = five_images()
        for subscription in world.subscriptions.values():
            subscription["labs"].reverse()
        for account in world.storage.values():
            for container in account["containers"]:
                container["blobs"].sort(key=lambda blob: blob["name"], reverse=turn < 0)
        entries = [asks("lab-a", "Win/A", "Win"), asks("lab-b", "Win", "Win/E.json", subscription=OTHER)]
        factory.give(world)
        factory.configure({"labs.json": labs_json(*entries[::turn])})
        factory.control.clear_operations()
        report = factory.run(maxConcurrentCopies=1)
        assert report["counts"]["delivered"] == 10
        orders.append(
            [
                (call["subscription"], call["path"].rpartition("/")[2])
                for call in factory.operations(effects_only=True)
                if call["service"] == "arm"
            ]
        )
    assert orders[0] == orders[1]


# --- Throttling and other passing trouble


def test_b33_b34_throttling_is_waited_for_as_told(factory: Factory) -> None:
    factory.give(five_images())
    factory.configure({"labs.json": BOTH})
    throttled = {"error": {"code": "TooManyRequests", "message": "Slow down."}}
    creating = r"PUT .*lab-b/customimages/Win_A-Nov-1-2026"
    factory.control.fault(creating, status=429, times=3, headers={"Retry-After": "6"}, body=throttled)
    factory.control.fault(r"PUT .*stlaba/imagefactoryvhds/", service="blob", status=503, times=4)
    factory.control.fault(r"GET .*/labs/lab-a", service="arm", status=500, times=3)
    factory.control.clear_operations()
    report = factory.run()
    assert (report["state"], report["counts"]["delivered"]) == ("Succeeded", 10)
    tries = [
        datetime.fromisoformat(call["time"])
        for call in factory.operations()
        if call["method"] == "PUT" and call["path"].endswith("lab-b/customimages/Win_A-Nov-1-2026")
    ]
    assert len(tries) == 4
    assert min((later - earlier).total_seconds() for earlier, later in pairwise(tries)) >= 5.9


# --- Two at once


def test_b47_a_second_start_is_refused_and_names_the_run_that_works(factory_in_real_time: Factory) -> None:
    factory = factory_in_real_time
    factory.give(five_images(copy={"*": {"statuses": ["Success"], "seconds": 3}}))
    factory.configure({"labs.json": BOTH})
    run_id = factory.start()
    answer = factory.post()
    assert (answer.status_code, answer.json()["runId"]) == (409, run_id)
    assert factory.report(run_id)["counts"]["delivered"] == 10
    factory.wait_until_idle()
    assert factory.runs() == [run_id]


def test_b10_a_run_keeps_the_configuration_that_it_read_and_the_next_one_gets_the_new(factory: Factory) -> None:
    first, second = labs_json(asks("lab-a", "Win/A")), labs_json(asks("lab-a", "Win/B.json"))
    factory.give(five_images(copy={"*": {"statuses": ["Success"], "seconds": 3}}))
    factory.configure({"labs.json": first})
    run_id = factory.start()
    until = time.monotonic() + 60
    while not any(name.endswith("/plan.json") for name in factory.journal(run_id)):
        assert time.monotonic() < until
        time.sleep(0.1)
    factory.configure({"labs.json": second}, clear=False)
    report = factory.report(run_id)
    assert report["configuration"]["sha256"] == hashlib.sha256(first).hexdigest()
    assert endings(report, "lab-a", SUBSCRIPTION) == {"delivered": 1}
    factory.wait_until_idle()
    _, later = factory.runs()
    report = factory.report(later)
    assert report["configuration"]["sha256"] == hashlib.sha256(second).hexdigest()
    assert image_names(factory.world(), "lab-a") == {IMAGES[0][1], IMAGES[1][1]}


def test_b43_a_vhd_that_vanishes_while_it_is_wanted_fails_its_own_pairs_only(factory: Factory) -> None:
    factory.give(five_images())
    factory.configure({"labs.json": BOTH})
    factory.control.fault(r"HEAD .*stlaba/imagefactoryvhds/", service="blob", delay=3)
    run_id = factory.start(maxConcurrentCopies=1)
    until = time.monotonic() + 60
    while not any(name.endswith("/plan.json") for name in factory.journal(run_id)):
        assert time.monotonic() < until
        time.sleep(0.05)
    factory.blobs.delete("imagefactoryvhds", f"{5:08}-0000-4000-8000-000000000001.vhd", account="stfactory")
    report = factory.report(run_id)
    assert report["state"] == "PartiallySucceeded"
    failed = [pair for pair in report["pairs"] if pair["state"] != "delivered"]
    assert {(pair["image"], pair["code"]) for pair in failed} == {(IMAGES[4][1], "CannotVerifyCopySource")}
    assert len(report["pairs"]) == 10
    assert [blob["name"] for _, blob in all_blobs(factory.world()) if blob["name"].startswith(run_id)] == []
