"""Faults of the original's captures that ours must not have, each named after its number; one world, run once and once again."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.conftest import Factory
from tests.e2e.end_state import Json, capture, custom_images, deletions, image_names, pair, vhd_blobs
from tests.e2e.worlds import World, asks, labs_json

pytestmark = pytest.mark.slow

IGNORED = {"true": "true", "false": "false", "empty": ""}
REFUSED = {"nameless": ".json", "dots": "Win\\..\\x.json"}
NAMED = {
    "lead": ("\\lead.json", "lead"),
    "trail": ("trail\\", "trail"),
    "twice": ("a.json.json", "a_json"),
    "signs": ("Dev (x86)\\VS+Tools.JSON", "Dev-(x86)_VS-Tools"),
    "slashes": ("Win2016/Slashes.json", "Win2016_Slashes"),
}
SIX_KEYS = {"imageName", "imagePath", "description", "osType", "vhdFileName", "timestamp"}


def dates() -> list[str]:
    """Today and tomorrow, in UTC, as names end: a run may start on either."""
    now = datetime.now(UTC)
    return [f"{day:%b}-{day.day}-{day.year}" for day in (now, now + timedelta(days=1))]


def captures() -> World:
    world = World().behaving(copySeconds=0, imageSeconds=0).lab("lab-a")
    world.vm("good", "Üml\\Gut.json", notes="Golden Image: Größe")
    world.vm("case", None, tags={"imagepath": "Case\\Tag.json"})
    for name, value in IGNORED.items():
        world.vm(f"ignored-{name}", "Win\\x.json", tags={"factoryIGNORE": value})
    world.vm("old-form", None, tags={"Name": "ImagePath", "Value": "Win\\x.json"})
    for name, path in REFUSED.items():
        world.vm(name, path)
    for name, (path, _) in NAMED.items():
        world.vm(name, path)
    world.vm("web-1", "A\\Win2016\\Web.json").vm("web-2", "B\\Win2016\\Web.json")
    world.vm("again", "Again\\Today.json").vm("notes", "No\\Notes.json", notes=None)
    for number, date in enumerate(dates(), 1):
        world.golden_image("Again\\Today.json", f"AGAIN_today-{date}", number)
    world.vm("by-schedule", "Win\\x.json", artifact=None).vm("no-compute", "Win\\x.json")
    compute = next(iter(world.subscriptions.values()))["compute"]
    compute[:] = [machine for machine in compute if machine["name"] != "no-compute"]
    world.vm("exported", "Win\\x.json").disks[-1]["sas"] = True
    world.vm("denied", "Win\\x.json").vm("fails", "Win\\x.json")
    return world.behaving(grantFail=["denied-os"], copy={"stfactory/fails-os.vhd": {"statuses": ["Pending", "Failed"]}})


@pytest.fixture(scope="module")
def done(factory: Factory) -> tuple[Factory, Json, Json]:
    """The factory, its report, and the world after the first run."""
    factory.give(captures())
    labs = asks("lab-a", "üml/GUT.json", "Case", "A", "B", "Win", "Again")
    factory.configure({"labs.json": labs_json(labs)})
    factory.control.clear_operations()
    report = factory.run()
    return factory, report, factory.world()


Done = tuple[Factory, Json, Json]


def manifests(world: Json) -> dict[str, Json]:
    """The manifests that we wrote, by VM."""
    texts = [blob["text"] for name, blob in vhd_blobs(world, "stfactory").items() if name.endswith(".json")]
    return {manifest["vm"]: manifest for manifest in map(json.loads, texts) if "vm" in manifest}


def test_b9_x12_the_manifest_has_the_six_keys_in_pure_ascii(done: Done) -> None:
    factory, _, world = done
    manifest = manifests(world)["good"]
    assert manifest.keys() >= SIX_KEYS
    assert (manifest["imagePath"], manifest["description"], manifest["osType"]) == ("Üml\\Gut.json", "Größe", "Windows")
    assert manifest["timestamp"].endswith("Z")
    name = manifest["vhdFileName"].replace(".vhd", ".json")
    data = factory.blobs.get("imagefactoryvhds", name, account="stfactory")
    assert data is not None
    assert data.isascii()


def test_w6_tag_names_are_compared_without_case(done: Done) -> None:
    _, report, world = done
    assert capture(report, "case")["state"] == "captured"
    (image,) = (image for image in custom_images(world, "lab-a") if image["name"].startswith("Case_Tag"))
    assert image["tags"]["ImagePath"] == "Case\\Tag.json"


@pytest.mark.parametrize("name", IGNORED)
def test_x17_factory_ignore_counts_whatever_its_value(done: Done, name: str) -> None:
    row = capture(done[1], f"ignored-{name}")
    assert (row["state"], row["code"]) == ("skipped", "FactoryIgnore")
    assert f"ignored-{name}" not in manifests(done[2])


def test_x18_only_a_tag_of_that_name_counts(done: Done) -> None:
    assert capture(done[1], "old-form")["code"] == "NoImagePath"


@pytest.mark.parametrize("name", REFUSED)
def test_x20_a_path_without_a_name_is_refused(done: Done, name: str) -> None:
    row = capture(done[1], name)
    assert (row["state"], row["code"]) == ("failed", "ImagePathInvalid")
    assert row["next"]


@pytest.mark.parametrize("name", NAMED)
def test_b23_x20_an_odd_path_gives_a_legal_name(done: Done, name: str) -> None:
    _, report, world = done
    assert capture(report, name)["image"] in {f"{NAMED[name][1]}-{date}" for date in dates()}
    assert manifests(world)[name]["imagePath"] == NAMED[name][0].strip("\\").replace("/", "\\")


def test_b24_x19_names_that_collide_go_by_path_and_take_the_first_free_letter(done: Done) -> None:
    _, report, world = done
    first, second = (capture(report, vm)["image"] for vm in ("web-1", "web-2"))
    assert second == f"{first}A"
    assert {first, second} <= image_names(world, "lab-a")
    assert capture(report, "again")["image"] in {f"Again_Today-{date}A" for date in dates()}


def test_b20_a_vm_that_was_only_deallocated_is_not_published(done: Done) -> None:
    row = capture(done[1], "by-schedule")
    assert (row["state"], row["code"]) == ("skipped", "NoEvidence")


def test_b21_b28_w5_no_compute_vm_has_a_reason_and_no_notes_an_empty_description(done: Done) -> None:
    _, report, world = done
    assert capture(report, "no-compute")["code"] == "NoComputeVm"
    assert capture(report, "notes")["state"] == "captured"
    assert manifests(world)["notes"]["description"] == ""


def test_b25_b26_x23_no_export_and_no_vhd_is_left_of_what_failed(done: Done) -> None:
    _, report, world = done
    assert [capture(report, vm)["code"] for vm in ("denied", "fails")] == ["OperationNotAllowed", "CopyFailed"]
    vhds = vhd_blobs(world, "stfactory")
    assert {name for name in vhds if name.endswith(".vhd")} == {
        name.replace(".json", ".vhd") for name in vhds if name.endswith(".json")
    }
    assert [disk["name"] for disk in world["disks"] if disk["sas"]] == ["exported-os"]


def test_x23_a_disk_that_somebody_else_exports_is_left_alone(done: Done) -> None:
    factory, report, _ = done
    assert capture(report, "exported")["code"] == "DiskExportedByOther"
    calls = [call for call in factory.operations() if "/disks/exported-os" in call["path"]]
    assert {call["effect"] for call in calls} == {"none"}


def test_i7_nothing_but_the_failed_copy_is_deleted(done: Done) -> None:
    factory, report, world = done
    captured = {row["vm"] for row in report["captures"] if row["state"] == "captured"}
    assert captured == manifests(world).keys()
    gone = {path for path in deletions(factory.operations(effects_only=True)) if path.startswith("/stfactory/")}
    assert len(gone) == 1
    assert gone.isdisjoint(vhd_blobs(captures().document, "stfactory"))


def test_b22_an_unchanged_vm_is_not_captured_again(done: Done) -> None:
    factory, report, _ = done
    factory.control.behave(copy={"stfactory/fails-os.vhd": "Success"}, grantFail=[])
    again = factory.run()
    states = {row["vm"]: row.get("code", row["state"]) for row in again["captures"]}
    before = {row["vm"]: row["state"] for row in report["captures"]}
    assert {states[vm] for vm, state in before.items() if state == "captured"} == {"AlreadyCaptured"}
    assert (states["fails"], states["denied"]) == ("captured", "captured")
    assert pair(again, "lab-a", "Win\\x.json")["state"] == "delivered"
