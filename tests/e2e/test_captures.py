"""Every situation of a VM ends as it must, no VM is touched that was not ours to touch, and no export or half copy is left."""

import json
from typing import Any

import pytest

from tests.e2e.capture_worlds import COPIES, SITUATIONS, TOUCHED, captures
from tests.e2e.conftest import Factory
from tests.e2e.end_state import Json, capture, custom_images, pair, vhd_blobs
from tests.e2e.worlds import SUBSCRIPTION, asks, labs_json

pytestmark = pytest.mark.slow

Done = tuple[Factory, Json, Json, Json]


@pytest.fixture(scope="module")
def done(factory: Factory) -> Done:
    """The factory, the world before, its report, and the world after one run."""
    factory.give(captures())
    before = factory.world()
    factory.configure({"labs.json": labs_json(asks("lab-a", "Golden"))})
    factory.control.clear_operations()
    report = factory.run()
    return factory, before, report, factory.world()


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_vm_ends_as_it_must(done: Done, name: str) -> None:
    row = capture(done[2], name)
    assert (row["state"], row.get("code", "")) == (SITUATIONS[name].state, SITUATIONS[name].code)
    assert row["state"] == "captured" or (row["message"] and row["next"]), "a reason and what to do"


def machine(world: Json, name: str) -> Json:
    """Everything of a VM that the factory could change."""
    subscription = next(entry for entry in world["subscriptions"] if entry["id"] == SUBSCRIPTION)
    found: Json = {"disk": next(disk for disk in world["disks"] if disk["name"] == f"{name}-os")}
    for kind in ("vms", "compute"):
        found[kind] = next(vm for vm in subscription[kind] if vm["name"] == name)
    return found


@pytest.mark.parametrize("name", sorted(SITUATIONS.keys() - TOUCHED))
def test_a_vm_is_never_harmed_that_was_not_ours_to_touch(done: Done, name: str) -> None:
    factory, before, _, after = done
    assert machine(after, name) == machine(before, name)
    changing = ("applyArtifacts", "deallocate", "generalize", "stop", "start", "delete")
    calls = [call["path"] for call in factory.operations() if f"/{name}/" in call["path"]]
    assert [path for path in calls if path.rpartition("/")[2] in changing] == []


@pytest.mark.parametrize("name", sorted(TOUCHED - {"artifact-fails"}))
def test_a_vm_that_the_factory_generalized_is_deallocated_and_marked(done: Done, name: str) -> None:
    codes = [status if isinstance(status, str) else status["code"] for status in statuses(done[3], name)]
    assert "OSState/generalized" in codes
    assert machine(done[3], name)["compute"]["powerState"] == "VM deallocated"


def statuses(world: Json, name: str) -> list[Any]:
    return machine(world, name)["compute"]["statuses"]


def test_what_an_artifact_complains_about_is_told(done: Done) -> None:
    assert "No agent." in capture(done[2], "artifact-fails")["message"]


def test_no_export_of_ours_and_no_half_copy_is_left(done: Done) -> None:
    world = done[3]
    assert [disk["name"] for disk in world["disks"] if disk.get("sas")] == ["exported-os"]
    vhds = vhd_blobs(world, "stfactory")
    assert {name for name in vhds if name.endswith(".vhd")} == {
        name.replace(".json", ".vhd") for name in vhds if name.endswith(".json")
    }


def test_b27_nothing_is_exported_before_every_guard_has_passed(done: Done) -> None:
    """A refused VM costs no grant; the one that Azure refuses itself is asked for once."""
    refused = [name for name, each in SITUATIONS.items() if each.state != "captured"]
    grants = [call["path"] for call in done[0].operations() if call["path"].endswith("/beginGetAccess")]
    asked = {path.split("/disks/")[1].partition("-os/")[0] for path in grants}
    assert asked & set(refused) == {"grant-refused", "copy-fails", "copy-aborted", "too-short"}


# --- Specialized, true all the way


def manifests(world: Json) -> dict[str, Json]:
    texts = [blob["text"] for name, blob in vhd_blobs(world, "stfactory").items() if name.endswith(".json")]
    return {manifest["vm"]: manifest for manifest in map(json.loads, texts)}


STATES = {
    "sysprepped": "Generalized",
    "proved-all-the-same": "Generalized",
    "asked-windows": "Generalized",
    "specialized": "Specialized",
    "specialized-linux": "Specialized",
}


@pytest.mark.parametrize(("name", "os_state"), STATES.items())
def test_b37_the_state_of_an_image_is_true_from_the_manifest_to_the_lab(done: Done, name: str, os_state: str) -> None:
    _, _, report, world = done
    assert manifests(world)[name]["osState"] == os_state
    row = pair(report, "lab-a", f"Golden\\{name}.json")
    assert (row["state"], row["osState"]) == ("delivered", os_state)
    assert capture(report, name)["osState"] == os_state
    image = next(image for image in custom_images(world, "lab-a") if image["name"] == row["image"])
    assert image["sysPrep"] is (os_state == "Generalized")
    assert ("FactoryImageState" in image["tags"]) is (os_state == "Specialized")


def test_the_manifest_says_where_the_image_came_from(done: Done) -> None:
    _, _, report, world = done
    manifest = manifests(world)["asked-windows"]
    assert manifest["schemaVersion"] == 1
    assert manifest["generation"] == "V1"
    assert manifest["diskId"].endswith("/disks/asked-windows-os")
    assert manifest["run"] == report["runId"]
    assert manifest["factory"] == report["factoryId"]
    assert manifest["sizeBytes"] == 2**30 + 512
    assert manifest["vmId"]
    assert manifest["captureKeys"]


# --- The next run


def test_the_next_run_captures_only_what_failed_on_the_way_b22(done: Done) -> None:
    factory, _, report, _ = done
    well = {f"stfactory/{name}-os.vhd": "Success" for name in COPIES}
    factory.control.behave(copy=well, grantFail=[], artifacts={"artifact-fails": {"shutdown": 1, "deallocate": 0}})
    again = {row["vm"]: row for row in factory.run()["captures"]}
    for row in report["captures"]:
        code = again[row["vm"]].get("code", "")
        if row["state"] == "captured":
            assert (again[row["vm"]]["state"], code) == ("present", "AlreadyCaptured"), row["vm"]
    mended = {"grant-refused", "copy-fails", "copy-aborted", "too-short", "artifact-fails"}
    assert {vm for vm, row in again.items() if row["state"] == "captured"} == mended
