"""The worlds on which the original was recorded: ours ends as it did, or a numbered rule says why not.

A sample runs with the slow tests, the rest with `-m soak`. The cases are not part of this repository (see `original.py`).
"""

import os
import random
from collections.abc import Callable, Generator

import pytest

from local.azure import LocalAzure
from local.factory.session import REPOSITORY
from local.host import LocalHost
from tests.e2e.blobs import BlobClient
from tests.e2e.conftest import Factory, app_settings
from tests.e2e.end_state import custom_images
from tests.e2e.original import (
    Json,
    OriginalWorld,
    configuration,
    end_here,
    end_there,
    has_no_factory_lab,
    left_in_labs,
    read_cases,
)
from tests.e2e.original_facts import Facts
from tests.e2e.original_rules import Difference, differences, explanation
from tests.e2e.worlds import FACTORY_LAB

SAMPLED = 8
SEED = int(os.environ.get("SAMPLE_SEED", "1"))

FactoryOf = Callable[[OriginalWorld], Factory]


def parameters() -> list[object]:
    """Every case; where VMs are captured, as it is and with its VMs generalized."""
    runs = [(case, generalized) for case in read_cases() for generalized in (True, False)]
    runs = [(case, generalized) for case, generalized in runs if not generalized or case["kind"] != "distribute"]
    sample = random.Random(SEED).sample(range(len(runs)), min(SAMPLED, len(runs)))
    return [
        pytest.param(
            case,
            generalized,
            id=case["id"] + ("-generalized" if generalized else ""),
            marks=pytest.mark.slow if number in sample else pytest.mark.soak,
        )
        for number, (case, generalized) in enumerate(runs)
    ]


@pytest.fixture(scope="module")
def factory_of(
    factory: Factory, azure: LocalAzure | None, tmp_path_factory: pytest.TempPathFactory
) -> Generator[FactoryOf, None, None]:
    """The factory whose lab is that of a world: most have the one of all tests, for the others a host of its own is started."""
    hosts: dict[str, LocalHost] = {}

    def find(world: OriginalWorld) -> Factory:
        if world.factory_lab == FACTORY_LAB:
            return factory
        if azure is None or os.environ.get("HOST_URL"):
            pytest.skip("the app that is tested has another factory lab")
        if world.factory_lab not in hosts:
            store = tmp_path_factory.mktemp("host") / "hub.db"
            settings = app_settings(azure) | {"FACTORY_LAB_ID": world.factory_lab}
            hosts[world.factory_lab] = host = LocalHost(REPOSITORY, store, settings, polling_seconds=0)
            host.start()
        return Factory(hosts[world.factory_lab].url, azure.control, BlobClient(azure.environment("local")))

    yield find
    for host in hosts.values():
        host.stop()


def unchanged(before: Json, after: Json) -> bool:
    """Is every custom image of the world still there as it was? None of them is ours."""
    keys = ("subscription", "rg", "lab", "name", "state", "tags")
    now = [[image[key] for key in keys] for image in custom_images(after)]
    return all([image.get(key) for key in keys] in now for image in custom_images(before))


@pytest.mark.skipif(not read_cases(), reason="the recorded cases are not here")
@pytest.mark.parametrize(("case", "generalized"), parameters())
def test_ends_as_the_original_or_a_rule_says_why_not(case: Json, generalized: bool, factory_of: FactoryOf) -> None:
    world = OriginalWorld(case, generalized)
    before, files = world.document, configuration(case)
    factory = factory_of(world)
    factory.give(world)
    factory.configure(files)
    factory.control.clear_operations()
    if has_no_factory_lab(world):
        answer = factory.post()
        assert answer.status_code >= 400
        assert "nolab" in answer.json()["message"]
        assert factory.operations(effects_only=True) == []
        return
    report = factory.run()
    after = factory.world()
    there, here = end_there(case), end_here(before, after)
    facts = Facts(case, before, files, report, there, here)
    assert unexplained(differences(there, here), facts) == []
    assert here.lost == frozenset(), "I7: what was there before is not ours (B40, B41)"
    assert unchanged(before, after)
    assert left_in_labs(before, after) == set(), "I2: copies are removed"
    assert [disk["name"] for disk in after["disks"] if disk.get("sas")] == [], "I1: no disk is left exported"
    assert [image for image in here.images if not facts.wants(image)] == []


def unexplained(found: list[Difference], facts: Facts) -> list[Difference]:
    return [difference for difference in found if explanation(difference, facts) is None]
