"""Inspections: what they find in the factory and in the labs, and what of dead runs they sweep there."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from activities.grants import record_grant
from activities.inspection import Chunk, LabIndex, find_resource_groups, inspect_factory, inspect_lab
from activities.marks import COPY, GOLDEN
from local.azure import Control
from shared.azure import disks
from shared.azure.blobs import Container
from shared.azure.vhds import Vhds
from shared.domain.distribution import LabStock
from shared.domain.findings import Severity
from shared.domain.golden_vms import GoldenVm
from shared.domain.images import GoldenImage
from shared.domain.runs import Run
from shared.errors import PermanentError, TransientError
from shared.journal import FactoryInventory, Journal, claim_container
from tests.activities.conftest import configured, effects, lose_claim, started, upload
from tests.activities.interleaving import Killed, die, just_before
from tests.e2e.fault_worlds import DEAD as DEAD_SUBSCRIPTION
from tests.e2e.fault_worlds import DENIED
from tests.e2e.worlds import OTHER, SUBSCRIPTION, World, asks, labs_json

NO_SUCH_DISK = {"error": {"code": "ResourceNotFound", "message": "<no such disk>"}}

pytestmark = pytest.mark.slow

Give = Callable[[World], Control]
OURS, DEAD_RUN = "ours", "20260101T000000Z-dead"
VHD: dict[str, Any] = {"sizeGb": 1, "seed": "some"}
UNDER_WAY: dict[str, Any] = {"status": "pending", "seconds": None}


@pytest.fixture(autouse=True)
def factory_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORY_ID", OURS)


def marked(kind: str = GOLDEN, run: str = DEAD_RUN, factory: str = OURS) -> dict[str, str]:
    return {"factory": factory, "run": run, "kind": kind}


def run_with(control: Control, *entries: dict[str, Any]) -> Run:
    """A run that holds the claim and asks for these labs."""
    run = started()
    upload(control, "labs.json", labs_json(*(entries or (asks("lab-a", "Win2016"),))))
    configured(run)
    control.clear_operations()
    return run


def inventory(control: Control) -> FactoryInventory:
    run = run_with(control)
    inspect_factory(run)
    return Journal(run.id).read("factory.json", FactoryInventory)


def vhds_of(account: str) -> set[str]:
    return {blob.name for blob in Vhds(account).list() if blob.name.endswith(".vhd")}


def manifest(vhd: str) -> str:
    names = {"imageName": "x-Nov-1-2026", "imagePath": "x\\y.json", "vhdFileName": vhd}
    return json.dumps({**names, "timestamp": "2026-11-01T00:00:00Z", "osType": "Windows"})


# --- The sweep of golden VHDs


def golden_leftovers() -> World:
    world = World().lab("lab-a")
    for name, metadata in {
        "orphan.vhd": marked(),
        "finished.vhd": marked(),
        "named-in-another.vhd": marked(),
        "unreadable.vhd": marked(),
        "of-this-run.vhd": marked(run="20261123T020509Z-aaaa"),
        "of-another-factory.vhd": marked(factory="theirs"),
        "a-copy.vhd": marked(COPY),
        "without-a-run.vhd": {"factory": OURS, "kind": GOLDEN},
        "unmarked.vhd": {},
    }.items():
        world.blob("stfactory", name, vhd=VHD, metadata=metadata)
    world.blob("stfactory", "pending.vhd", vhd=VHD, metadata=marked(), copy=UNDER_WAY)
    world.blob("stfactory", "no-disk.txt", text="x", metadata=marked())
    world.blob("stfactory", "finished.json", text=manifest("finished.vhd"))
    world.blob("stfactory", "another.json", text=manifest("named-in-another.vhd"))
    return world.blob("stfactory", "unreadable.json", text="no manifest")


def test_only_unfinished_captures_of_dead_runs_are_swept_b46_i7(given: Give) -> None:
    control = given(golden_leftovers())
    before = vhds_of("stfactory")
    found = inventory(control)
    assert before - vhds_of("stfactory") == {"orphan.vhd", "pending.vhd"}
    assert [(finding.code, finding.path) for finding in found.findings] == [("ManifestUnreadable", "unreadable.json")]
    deleted = {path.rpartition("/")[2] for effect, path in effects(control) if effect == "delete"}
    assert deleted == {"orphan.vhd", "pending.vhd"}


def test_a_second_inspection_writes_nothing_and_keeps_what_is_recorded_i6(given: Give) -> None:
    control = given(golden_leftovers())
    first = inventory(control)
    Vhds("stfactory").create("later.json", manifest("of-this-run.vhd").encode())
    run = started()
    control.clear_operations()
    inspect_factory(run)
    assert [call["path"] for call in control.operations() if call["effect"] != "none"] == []
    assert Journal(run.id).read("factory.json", FactoryInventory) == first


def test_a_sweep_that_died_is_finished_by_its_repeat(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    control = given(golden_leftovers())
    run = run_with(control)
    just_before(monkeypatch, Vhds, "remove", die, call=2)
    with pytest.raises(Killed):
        inspect_factory(run)
    inspect_factory(run)
    assert {"orphan.vhd", "pending.vhd"}.isdisjoint(vhds_of("stfactory"))
    assert Journal(run.id).has("factory.json")


def test_a_vhd_that_changes_after_it_was_listed_is_not_swept(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    control = given(World().lab("lab-a").blob("stfactory", "orphan.vhd", vhd=VHD, metadata=marked()))
    run = run_with(control)

    def adopt() -> None:
        blob = Vhds("stfactory").client.get_blob_client("orphan.vhd")
        blob.set_blob_metadata({"kept": "by an operator"})

    just_before(monkeypatch, Vhds, "remove", adopt)
    inspect_factory(run)
    assert vhds_of("stfactory") == {"orphan.vhd"}


def test_a_run_without_the_claim_sweeps_nothing_and_records_nothing(given: Give) -> None:
    control = given(golden_leftovers())
    run = run_with(control)
    lose_claim(run)
    control.clear_operations()
    with pytest.raises(PermanentError, match="does not hold the claim"):
        inspect_factory(run)
    assert effects(control) == []
    assert not Journal(run.id).has("factory.json")


# --- The sweep of exports


def exported(control: Control) -> list[str]:
    return [disk["name"] for disk in control.world()["disks"] if disk["sas"]]


def test_only_exports_of_dead_runs_are_ended_i1(given: Give) -> None:
    world = World().vm("dead", "a.json").vm("mine", "b.json").vm("theirs", "c.json")
    world.disks[2]["sas"] = True
    control = given(world)
    run = run_with(control)
    for name, owner in (("dead-os", DEAD_RUN), ("mine-os", run.id)):
        disk = next(disk for disk in control.world()["disks"] if disk["name"] == name)
        recorded = disks.get_disk(disk["id"]).identity
        record_grant(Run(owner, OURS, run.account, "tests"), recorded)
        disks.grant(recorded.id, timedelta(hours=1))
    inspect_factory(run)
    assert exported(control) == ["mine-os", "theirs-os"]
    assert len(list(claim_container(run.account).list("grants/"))) == 1


def test_the_record_of_a_disk_that_is_gone_is_forgotten(given: Give) -> None:
    control = given(World().vm("dead", "a.json"))
    run = run_with(control)
    disk = disks.get_disk(control.world()["disks"][0]["id"]).identity
    record_grant(Run(DEAD_RUN, OURS, run.account, "tests"), disk)
    control.fault(".*/disks/dead-os.*", status=404, body=NO_SUCH_DISK, times=9)
    inspect_factory(run)
    assert list(claim_container(run.account).list("grants/")) == []


def test_an_export_that_azure_does_not_find_is_open_while_its_disk_is_there(given: Give) -> None:
    control = given(World().vm("live", "a.json"))
    run = run_with(control)
    disk = disks.get_disk(control.world()["disks"][0]["id"]).identity
    record_grant(Run(DEAD_RUN, OURS, run.account, "tests"), disk)
    control.fault("POST .*/endGetAccess", status=404, body=NO_SUCH_DISK)
    inspect_factory(run)
    [finding] = Journal(run.id).read("factory.json", FactoryInventory).findings
    assert (finding.severity, finding.code) == (Severity.WARNING, "ResourceNotFound")
    assert len(list(claim_container(run.account).list("grants/"))) == 1


def test_an_export_that_may_not_be_ended_is_a_finding_and_the_other_is_ended(given: Give) -> None:
    control = given(World().vm("locked", "a.json").vm("open", "b.json"))
    run = run_with(control)
    for disk in control.world()["disks"]:
        recorded = disks.get_disk(disk["id"]).identity
        record_grant(Run(DEAD_RUN, OURS, run.account, "tests"), recorded)
        disks.grant(recorded.id, timedelta(hours=1))
    control.fault(
        "POST .*/locked-os/endGetAccess", status=403, body={"error": {"code": "AuthorizationFailed", "message": "No."}}
    )
    inspect_factory(run)
    [finding] = Journal(run.id).read("factory.json", FactoryInventory).findings
    assert (finding.severity, finding.code) == (Severity.WARNING, "AuthorizationFailed")
    assert DEAD_RUN in finding.message
    assert exported(control) == ["locked-os"]
    [record] = claim_container(run.account).list("grants/")
    assert record.name == finding.path


def test_a_sweep_that_died_between_revoke_and_record_is_repeated(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    control = given(World().vm("dead", "a.json"))
    run = run_with(control)
    disk = disks.get_disk(control.world()["disks"][0]["id"]).identity
    record_grant(Run(DEAD_RUN, OURS, run.account, "tests"), disk)
    disks.grant(disk.id, timedelta(hours=1))
    just_before(monkeypatch, Container, "delete", die)
    with pytest.raises(Killed):
        inspect_factory(run)
    assert exported(control) == []
    inspect_factory(run)
    assert list(claim_container(run.account).list("grants/")) == []


# --- Golden VMs


def vms(control: Control) -> dict[str, GoldenVm]:
    return {vm.name: vm for vm in inventory(control).vms}


def test_statuses_are_found_in_any_order_and_number_b20(given: Give) -> None:
    codes = ["OSState/generalized", "PowerState/deallocated", "ProvisioningState/succeeded"]
    world = World()
    for number, order in enumerate(permutations(codes)):
        world.vm(f"vm{number}", "a.json", artifact=None, statuses=list(order))
    world.vm("more", "a.json", artifact=None, statuses=["Other/x", *codes, "Another/y"])
    world.vm("running", "a.json", power="VM running")
    found = vms(given(world))
    running = found.pop("running")
    assert (running.power_state, running.generalized) == ("running", False)
    assert {(vm.power_state, vm.generalized) for vm in found.values()} == {("deallocated", True)}


def test_a_vm_whose_compute_vm_is_gone_spoils_no_other_b21(given: Give) -> None:
    world = World().vm("gone", "a.json").vm("here", "b.json")
    del world.subscriptions[SUBSCRIPTION]["compute"][0]
    del world.disks[0]
    found = vms(given(world))
    assert (found["gone"].power_state, found["gone"].disk) == ("", None)
    assert found["here"].disk


@pytest.mark.parametrize("name", ["ImagePath", "imagepath", "IMAGEPATH"])
def test_tags_are_found_in_any_case_w6(given: Give, name: str) -> None:
    world = World().vm("vm", None, tags={name: "Win2022\\Server.json"})
    world.vm("left-out", "b.json", tags={name.replace("ImagePath", "x"): "y", "FACTORYIGNORE": ""})
    found = vms(given(world))
    assert found["vm"].image_path == "Win2022\\Server.json"
    assert found["left-out"].ignored


def test_only_candidates_are_looked_up_in_compute(given: Give) -> None:
    world = World().vm("untagged", None).vm("ignored", "a.json", tags={"FactoryIgnore": "true"}).vm("golden", "b.json")
    world.vm("failed", "c.json").subscriptions[SUBSCRIPTION]["vms"][3]["state"] = "Failed"
    control = given(world)
    assert set(vms(control)) == {"untagged", "ignored", "golden", "failed"}
    asked = {call["path"].rpartition("/")[2] for call in control.operations() if "/virtualMachines/" in call["path"]}
    assert asked == {"golden"}


# --- Golden images


def images(control: Control) -> dict[str, GoldenImage]:
    return {image.manifest: image for image in inventory(control).images}


def test_a_manifest_of_the_original_is_read_whatever_its_vhd_is_called_b9(given: Give) -> None:
    world = World().golden_image("Win2016\\Datacenter.json", "Win2016_Datacenter-Nov-1-2026", 1, vhdFileName="disk.vhd")
    control = given(world.blob("stfactory", "disk.vhd", vhd={"sizeGb": 2, "seed": "d"}))
    [image] = images(control).values()
    assert (image.name, image.image_path) == ("Win2016_Datacenter-Nov-1-2026", "Win2016\\Datacenter.json")
    assert (image.vhd, image.size_bytes) == ("disk.vhd", 2 * 2**30 + 512)
    assert image.manifest == "00000001-0000-4000-8000-000000000001.json"
    assert image.digest == ""


def test_an_image_whose_vhd_is_gone_is_known_without_a_length_b43(given: Give) -> None:
    control = given(World().golden_image("Gone\\Vhd.json", "Gone_Vhd-Nov-7-2026", 7, vhdFileName="gone.vhd"))
    [image] = images(control).values()
    assert image.size_bytes is None


def test_a_manifest_that_cannot_be_read_spoils_no_other_b46(given: Give) -> None:
    world = World().blob("stfactory", "0.json", text="").blob("stfactory", "z.json", text='{"imageName": "x"')
    control = given(world.golden_image("Win2016\\Datacenter.json", "Win2016_Datacenter-Nov-1-2026", 1))
    found = inventory(control)
    assert [image.name for image in found.images] == ["Win2016_Datacenter-Nov-1-2026"]
    assert [(finding.code, finding.path) for finding in found.findings] == [
        ("ManifestUnreadable", "0.json"),
        ("ManifestUnreadable", "z.json"),
    ]


def test_what_is_too_large_for_a_manifest_is_set_aside_unread(given: Give) -> None:
    """A VHD that is called `.json` would be read into memory."""
    control = given(World().blob("stfactory", "disk.json", vhd={"sizeGb": 1, "seed": "d"}))
    found = inventory(control)
    assert [(finding.code, finding.path) for finding in found.findings] == [("ManifestUnreadable", "disk.json")]
    assert "bytes" in found.findings[0].message
    read = {call["path"] for call in control.operations() if call["method"] == "GET"}
    assert not any(path.endswith("/disk.json") for path in read)


def test_a_secret_in_a_manifest_is_not_told_i5(given: Give) -> None:
    text = '{"https://a/b?sig=c2VjcmV0": 1, "https://a/b?sig=c2VjcmV0": 2}'
    [finding] = inventory(given(World().blob("stfactory", "0.json", text=text))).findings
    assert "there twice" in finding.message
    assert "c2VjcmV0" not in finding.message


def test_half_an_emoji_in_the_notes_spoils_nothing(given: Give) -> None:
    """Azure's own JSON may hold one, where something cut a text by its UTF-16 units."""
    control = given(World().vm("golden", "b.json"))
    notes = "Golden Image: cut \\ud83d"
    body = f'''{{"value": [{{"name": "golden", "tags": {{"ImagePath": "b.json", "x": "\\udc00"}},
        "properties": {{"provisioningState": "Creating", "osType": "Windows", "notes": "{notes}"}}}}]}}'''
    control.fault("GET .*/virtualmachines", status=200, body=body, headers={"Content-Type": "application/json"})
    assert vms(control)["golden"].notes == "Golden Image: cut \ufffd"


def test_a_factory_without_anything_is_an_empty_inventory(given: Give) -> None:
    found = inventory(given(World()))
    assert (found.vms, found.images, found.findings, found.lab.account) == ((), (), (), "stfactory")


# --- Labs


def stocks(control: Control, *entries: dict[str, Any]) -> list[LabStock]:
    run = run_with(control, *entries)
    return inspected(run, len(entries))


def inspected(run: Run, labs: int) -> list[LabStock]:
    find_resource_groups(Chunk(run, 0))
    for index in range(labs):
        inspect_lab(LabIndex(run, index))
    return [Journal(run.id).read(f"labs/{index}.json", LabStock) for index in range(labs)]


def problems(found: list[LabStock]) -> list[str]:
    return [stock.problem.code if stock.problem else "" for stock in found]


def some_labs() -> World:
    world = World().lab("lab-a").lab("lab-north", subscription=OTHER).denied(DENIED).lab("lab-denied", DENIED)
    for group in ("one", "two"):
        world.lab("lab-twin", rg=f"rg-{group}", storage=f"sttwin{group}")
    world.lab("lab-closed").subscriptions[SUBSCRIPTION]["labs"][-1]["denied"] = True
    return world.image("lab-a", "users-own")


def test_labs_are_found_by_name_in_any_case_and_the_others_are_set_aside_with_a_reason(given: Give) -> None:
    found = stocks(
        given(some_labs()),
        asks("lab-none", "x"),
        asks("LAB-A", "x"),
        asks("lab-denied", "x", subscription=DENIED),
        asks("lab-north", "x", subscription=OTHER.upper()),
        asks("lab-twin", "x"),
        asks("lab-a", "x", subscription=DEAD_SUBSCRIPTION),
        asks("lab-closed", "x"),
    )
    assert problems(found) == [
        "LabNotFound", "", "AuthorizationFailed", "", "LabAmbiguous", "SubscriptionNotFound", "LabNotFound",
    ], "a lab that the app may not see is not listed"  # fmt: skip
    for stock in found:
        assert (stock.lab is None) == (stock.problem is not None)
        assert stock.problem is None or stock.problem.next, "every reason says what to do"
    here = found[1]
    assert here.lab
    assert (here.lab.id.resource_group, here.lab.account) == ("rg-lab-a", "stlaba")
    assert [image.name for image in here.images] == ["users-own"]


def test_an_ambiguous_lab_is_told_with_its_groups_and_found_by_one_of_them(given: Give) -> None:
    control = given(some_labs())
    [ambiguous] = stocks(control, asks("lab-twin", "x"))
    assert ambiguous.problem
    assert "rg-one, rg-two" in ambiguous.problem.message
    assert "ResourceGroup" in ambiguous.problem.next
    [chosen] = stocks(given(some_labs()), asks("lab-twin", "x", ResourceGroup="RG-Two"))
    assert chosen.lab
    assert chosen.lab.account == "sttwintwo"


def test_labs_with_a_resource_group_cost_no_listing_and_have_the_same_reasons(given: Give) -> None:
    control = given(some_labs())
    found = stocks(
        control,
        asks("lab-a", "x", ResourceGroup="rg-lab-a"),
        asks("lab-north", "x", ResourceGroup="rg-lab-a", subscription=OTHER),
        asks("lab-denied", "x", ResourceGroup="rg-lab-denied", subscription=DENIED),
        asks("lab-a", "x", ResourceGroup="rg-lab-a", subscription=DEAD_SUBSCRIPTION),
        asks("lab-closed", "x", ResourceGroup="rg-lab-closed"),
    )
    assert problems(found) == [
        "", "LabNotFound", "AuthorizationFailed", "SubscriptionNotFound", "AuthorizationFailed",
    ]  # fmt: skip
    listed = [call for call in control.operations() if call["path"].lower().endswith("/microsoft.devtestlab/labs")]
    assert listed == []


def test_each_subscription_is_listed_once(given: Give) -> None:
    control = given(some_labs().lab("lab-b"))
    stocks(control, *(asks(name, "x") for name in ("lab-a", "lab-b", "lab-north", "lab-twin")))
    listed = [call for call in control.operations() if call["path"].lower().endswith("/microsoft.devtestlab/labs")]
    assert len(listed) == 1


def test_a_lab_whose_storage_may_not_be_read_is_set_aside(given: Give) -> None:
    world = some_labs()
    world.storage["stlaba"]["denied"] = True
    found = stocks(given(world), asks("lab-a", "x"), asks("lab-north", "x", subscription=OTHER))
    assert problems(found) == ["AuthorizationPermissionMismatch", ""]


def test_a_lab_that_is_throttled_is_not_set_aside_but_asked_again_later(given: Give) -> None:
    control = given(some_labs())
    run = run_with(control, asks("lab-a", "x"))
    find_resource_groups(Chunk(run, 0))
    busy = {"error": {"code": "TooManyRequests", "message": "Wait."}}
    control.fault("GET .*/labs/lab-a/customimages", status=429, headers={"Retry-After": "17"}, body=busy)
    with pytest.raises(TransientError) as caught:
        inspect_lab(LabIndex(run, 0))
    assert caught.value.retry_after == timedelta(seconds=17)
    assert not Journal(run.id).has("labs/0.json")
    assert problems(inspected(run, 1)) == [""]


def test_only_copies_of_dead_runs_are_swept_from_a_lab_i7(given: Give) -> None:
    world = World().lab("lab-a")
    for name, metadata in {
        "dead.vhd": marked(COPY),
        "of-this-run.vhd": marked(COPY, "20261123T020509Z-aaaa"),
        "of-another-factory.vhd": marked(COPY, factory="theirs"),
        "golden.vhd": marked(GOLDEN),
        "unmarked.vhd": {},
    }.items():
        world.blob("stlaba", name, vhd=VHD, metadata=metadata)
    control = given(world.blob("stlaba", "pending.vhd", vhd=VHD, metadata=marked(COPY), copy=UNDER_WAY))
    before = vhds_of("stlaba")
    run = run_with(control, asks("lab-a", "x"))
    inspected(run, 1)
    assert before - vhds_of("stlaba") == {"dead.vhd", "pending.vhd"}
    control.clear_operations()
    inspected(run, 1)
    assert [call["path"] for call in control.operations() if call["effect"] != "none"] == []


def test_a_lab_is_not_set_aside_because_the_run_lost_the_claim(given: Give) -> None:
    control = given(some_labs())
    run = run_with(control, asks("lab-a", "x"))
    find_resource_groups(Chunk(run, 0))
    lose_claim(run)
    with pytest.raises(PermanentError, match="does not hold the claim"):
        inspect_lab(LabIndex(run, 0))
    assert not Journal(run.id).has("labs/0.json")
