"""The worlds on which the original was recorded: ours ends as it did, or a row of docs/differences.md says why not.

A sample runs with the slow tests, the rest with `-m soak`. The cases are not part of this repository (see `original.py`); those of
another folder: `ORIGINAL_VECTORS=folder pytest -m "slow or soak" tests/e2e/test_original_worlds.py`.
"""

import os
import random
from collections.abc import Callable, Generator
from contextlib import ExitStack

import pytest

from local.azure import LocalAzure
from tests.e2e.conftest import Factory, hosting
from tests.e2e.differences import Difference, differences, wanted_differences
from tests.e2e.end_state import custom_images
from tests.e2e.original import (
    Json,
    OriginalWorld,
    configuration,
    end_here,
    end_there,
    has_no_factory_lab,
    read_cases,
)
from tests.e2e.original_facts import Facts
from tests.e2e.worlds import FACTORY_LAB

SAMPLED = 8
SEED = int(os.environ.get("SAMPLE_SEED", "1"))

FactoryOf = Callable[[OriginalWorld], Factory]


def run_name(case: Json, generalized: bool) -> str:
    return case["id"] + ("-generalized" if generalized else "")


def runs() -> list[tuple[Json, bool]]:
    """Every case; where VMs are captured, as it is and with its VMs generalized."""
    both = [(case, generalized) for case in read_cases() for generalized in (True, False)]
    return [(case, generalized) for case, generalized in both if not generalized or case["kind"] != "distribute"]


def parameters() -> list[object]:
    every = runs()
    sample = random.Random(SEED).sample(range(len(every)), min(SAMPLED, len(every)))
    return [
        pytest.param(*run, id=run_name(*run), marks=pytest.mark.slow if number in sample else pytest.mark.soak)
        for number, run in enumerate(every)
    ]


@pytest.fixture(scope="module")
def factory_of(
    factory: Factory, azure: LocalAzure | None, tmp_path_factory: pytest.TempPathFactory
) -> Generator[FactoryOf, None, None]:
    """The factory whose lab is that of a world: most have the one of all tests, for the others a host of its own is started."""
    factories: dict[str, Factory] = {}

    def find(world: OriginalWorld) -> Factory:
        if world.factory_lab == FACTORY_LAB:
            return factory
        if azure is None or os.environ.get("HOST_URL"):
            pytest.skip("the app that is tested has another factory lab")
        if world.factory_lab not in factories:
            own = hosting(azure, tmp_path_factory.mktemp("host"), {"FACTORY_LAB_ID": world.factory_lab})
            factories[world.factory_lab] = hosts.enter_context(own)
        return factories[world.factory_lab]

    with ExitStack() as hosts:
        yield find


def unchanged(before: Json, after: Json) -> bool:
    """Is every custom image of the world still there as it was? None of them is ours."""
    keys = ("subscription", "rg", "lab", "name", "state", "tags")
    now = [[image[key] for key in keys] for image in custom_images(after)]
    return all([image.get(key) for key in keys] in now for image in custom_images(before))


@pytest.mark.skipif(not read_cases(), reason="the recorded cases are not here")
@pytest.mark.parametrize(("case", "generalized"), parameters())
def test_ends_as_the_original_or_the_page_says_why_not(case: Json, generalized: bool, factory_of: FactoryOf) -> None:
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
    there, here = end_there(case, before), end_here(before, after)
    facts = Facts(case, before, files, report, there, here)
    found = differences(there, here)
    assert unlisted(found, facts) == []
    assert no_longer_seen(run_name(case, generalized), found, facts) == []
    assert unchanged(before, after)
    assert [disk["name"] for disk in after["disks"] if disk.get("sas")] == [], "I1: no disk is left exported"
    assert [image for image in here.images if not facts.wants(image)] == []


def unlisted(found: list[Difference], facts: Facts) -> list[Difference]:
    wanted = wanted_differences()
    return [difference for difference in found if not any(row.explains(difference, facts) for row in wanted)]


def no_longer_seen(run: str, found: list[Difference], facts: Facts) -> list[str]:
    """The rules whose example this run is, and that explain nothing in it."""
    rows = [row for row in wanted_differences() if row.example == run]
    return [row.rule for row in rows if not any(row.explains(difference, facts) for difference in found)]
