"""Captures that take too long, stop or lose their VM, in virtual time: each ends as an outcome, and nothing of it is left."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local.azure import LocalAzure
from tests.e2e.capture_worlds import GENERALIZE, asked
from tests.e2e.conftest import Factory, hosting
from tests.e2e.end_state import Json, capture, custom_images, vhd_blobs
from tests.e2e.worlds import FACTORY_LAB, SUBSCRIPTION, World, asks, labs_json

pytestmark = pytest.mark.slow

HOUR = 3600.0


@pytest.fixture
def host(own_host: LocalAzure, tmp_path: Path) -> Generator[Any, None, None]:
    """Starts a factory in virtual time over a world, with settings of its own."""

    @contextmanager
    def started(world: World, **more: str) -> Generator[Factory, None, None]:
        with hosting(own_host, tmp_path, more) as factory:
            factory.give(world)
            factory.control.clear_operations()
            factory.configure({"labs.json": labs_json(asks("lab-a", "Golden"))})
            yield factory

    yield started


def one(name: str = "golden", **vm: Any) -> World:
    return World().lab("lab-a").vm(name, f"Golden\\{name}.json", **vm)


def assert_nothing_is_left(world: Json) -> None:
    assert [disk["name"] for disk in world["disks"] if disk.get("sas")] == []
    assert vhd_blobs(world, "stfactory") == {}


def power(world: Json, name: str = "golden") -> str:
    machines = [vm for entry in world["subscriptions"] for vm in entry["compute"]]
    return next(vm["powerState"] for vm in machines if vm["name"] == name)


# --- Copies


@pytest.mark.parametrize(
    ("copy", "code"),
    [
        ({"statuses": ["Stalled"], "progress": 0.4}, "Stalled"),
        ({"statuses": ["Pending", "Success"], "seconds": 13 * HOUR}, "Overdue"),
    ],
)
def test_b25_a_copy_that_stops_or_is_overdue_is_ended_released_and_made_afresh_by_the_next_run(
    host: Any, copy: dict[str, Any], code: str
) -> None:
    with host(one().behaving(copy={"stfactory/golden-os.vhd": copy})) as factory:
        row = capture(factory.run(), "golden")
        assert (row["state"], row["code"]) == ("failed", code)
        assert row["next"]
        assert_nothing_is_left(factory.world())
        factory.control.behave(copy={"stfactory/golden-os.vhd": "Success"})
        assert capture(factory.run(), "golden")["state"] == "captured"


def test_how_long_a_copy_may_stall_is_a_setting(host: Any) -> None:
    stalled = {"stfactory/golden-os.vhd": {"statuses": ["Stalled"], "progress": 0.4}}
    with host(one().behaving(copy=stalled), STALL_DEADLINE="10m") as factory:
        row = capture(factory.run(), "golden")
        assert "0:10:00" in row["message"]


# --- Generalizing


def test_b17_a_vm_that_never_shuts_down_is_given_up_at_the_deadline_and_left_running(host: Any) -> None:
    world = one(**asked()).behaving(artifacts={"golden": {"shutdown": None}})
    with host(world, GENERALIZE_DEADLINE="30m") as factory:
        row = capture(factory.run(), "golden")
        assert (row["state"], row["code"]) == ("failed", "Overdue")
        assert "0:30:00" in row["message"]
        assert power(factory.world()) == "VM running"
        assert_nothing_is_left(factory.world())
        assert [call["path"] for call in factory.operations() if call["path"].endswith("/deallocate")] == []


def test_a_stage_that_the_run_before_gave_up_is_gone_on_with_and_not_begun_again(host: Any) -> None:
    world = one(**asked()).behaving(artifacts={"golden": {"shutdown": 1.5 * HOUR, "deallocate": None}})
    with host(world) as factory:
        assert capture(factory.run(), "golden")["code"] == "Overdue"
        assert capture(factory.run(), "golden")["state"] == "captured"
        applied = [call for call in factory.operations() if call["path"].endswith("/applyArtifacts")]
        assert len(applied) == 1
        assert power(factory.world()) == "VM deallocated"


def test_a_vm_that_the_factory_generalized_is_captured_once(host: Any) -> None:
    quick = {"golden": {"seconds": 60, "shutdown": 60, "deallocate": 60}}
    with host(one(**asked()).behaving(artifacts=quick)) as factory:
        first = capture(factory.run(), "golden")
        assert first["state"] == "captured"
        assert capture(factory.run(), "golden")["code"] == "AlreadyCaptured"


@pytest.mark.parametrize("kind", ["vms", "compute"])
def test_a_vm_that_disappears_while_it_is_generalized_is_an_outcome(host: Any, kind: str) -> None:
    world = one(**asked()).behaving(artifacts={"golden": {"shutdown": 2 * HOUR}})
    compute = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-compute-golden/providers/Microsoft.Compute"
    gone = {"vms": f"{FACTORY_LAB}/virtualmachines/golden", "compute": f"{compute}/virtualMachines/golden"}[kind]
    world.behaving(events=[{"at": 300, "delete": gone}])
    with host(world, GENERALIZE_DEADLINE="30m") as factory:
        row = capture(factory.run(), "golden")
        assert row["state"] == "failed"
        assert row["code"]
        assert_nothing_is_left(factory.world())


# --- Where the lab has no artifact


def without_artifacts(kind: str) -> World:
    world = one(power="VM running", artifact=None, tags=GENERALIZE)
    world.subscriptions[SUBSCRIPTION]["labs"][0]["artifacts"] = kind
    return world


@pytest.mark.parametrize("kind", ["empty", "none"])
def test_c16_a_lab_without_the_artifact_is_told_what_to_do_and_its_vm_is_left_alone(host: Any, kind: str) -> None:
    with host(without_artifacts(kind)) as factory:
        row = capture(factory.run(), "golden")
        assert (row["state"], row["code"]) == ("failed", "GeneralizeArtifactMissing")
        assert power(factory.world()) == "VM running"


@pytest.mark.parametrize("os_type", ["Windows", "Linux"])
def test_c16_the_custom_image_route_generalizes_where_the_setting_allows_it(host: Any, os_type: str) -> None:
    world = without_artifacts("empty")
    world.subscriptions[SUBSCRIPTION]["vms"][0]["osType"] = os_type
    with host(world.behaving(imageSeconds=600), GENERALIZE_FALLBACK="custom-image") as factory:
        report = factory.run()
        assert capture(report, "golden")["state"] == "captured"
        factory.control.advance(HOUR)
        world_after = factory.world()
        assert [image["name"] for image in custom_images(world_after, "factory")] == []
        assert len(custom_images(world_after, "lab-a")) == 1
