"""Plans over HTTP: a plan comes true, and is refused once it has moved."""

import random
import re
from typing import Any

import pytest
import requests

from tests.e2e.conftest import Factory
from tests.e2e.end_state import image_names
from tests.e2e.over_http import Json, plan
from tests.e2e.test_the_job import job
from tests.e2e.worlds import OTHER, SUBSCRIPTION, World, asks, labs_json

pytestmark = pytest.mark.slow

ENDS = {"deliver": "delivered", "capture": "captured", "present": "present", "skip": "skipped", "fail": "failed"}


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
