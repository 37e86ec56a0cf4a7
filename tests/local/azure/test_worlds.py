"""Worlds are loaded as they are and come back: the sample, and the cases recorded from the original factory."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from local.azure.resources import Lab
from local.azure.world import WorldError, read_world, unwrap_case
from local.azure.world_file import SAMPLE, read_world_file

REPOSITORY = Path(__file__).resolve().parents[3]
VECTORS = Path(os.environ.get("SHARED_DIR", REPOSITORY.parent / "shared")) / "original-vectors"
KINDS = ("names", "match", "snap", "distribute", "retire", "make", "cleanup", "history", "validate", "list", "factory")
SUBSCRIPTION = "aaaa0000-0000-0000-0000-000000000001"


def cases(kind: str) -> list[dict[str, Any]]:
    file = VECTORS / f"{kind}.json"
    if not file.exists():
        pytest.skip("the recorded cases are not here")
    return json.loads(file.read_text("utf-8"))


def test_an_empty_world_has_a_factory_lab_all_the_same():
    assert read_world({}).factory_lab.endswith("/resourceGroups/rg-factory/providers/Microsoft.DevTestLab/labs/factory")


def test_a_lab_needs_no_more_than_a_name_and_a_group():
    world = read_world({"subscriptions": [{"id": SUBSCRIPTION, "labs": [{"name": "Lab_1", "rg": "g"}]}]})
    assert world.labs == (Lab(SUBSCRIPTION, "g", "Lab_1", "westeurope", "stlab1"),)
    assert [(account.name, account.rg) for account in world.accounts if not account.system] == [("stlab1", "g")]


@pytest.mark.parametrize(
    "document", [[], {"subscriptions": [{"labs": []}]}, {"subscriptions": [{"id": "x", "vms": [{}]}]}]
)
def test_what_is_no_world_is_refused(document):
    with pytest.raises(WorldError):
        read_world(unwrap_case(document))


def test_the_factory_lab_of_a_case_is_that_of_its_call():
    case: dict[str, Any] = {
        "call": {"params": {"SubscriptionId": SUBSCRIPTION, "DevTestLabName": "FACTORY"}},
        "world": {"subscriptions": [{"id": SUBSCRIPTION, "labs": [{"name": "Factory", "rg": "g"}]}]},
    }
    assert unwrap_case(case)["factoryLab"].endswith(
        f"{SUBSCRIPTION}/resourceGroups/g/providers/Microsoft.DevTestLab/labs/Factory"
    )
    case["call"]["params"]["DevTestLabName"] = "none"
    assert unwrap_case(case)["factoryLab"].endswith(
        f"{SUBSCRIPTION}/resourceGroups/rg-none/providers/Microsoft.DevTestLab/labs/none"
    )


def test_a_disk_may_stand_at_the_top_and_be_told_by_its_name():
    world = read_world(
        {
            "subscriptions": [{"id": SUBSCRIPTION, "compute": [{"rg": "g", "name": "vm", "osDisk": "vm-os"}]}],
            "disks": [{"rg": "G", "name": "VM-os", "sizeGb": 3}],
        }
    )
    ((disk, has_sas),) = world.disks
    assert (disk.size_gb, disk.vm.endswith("/virtualMachines/vm"), has_sas) == (3, True, False)


@pytest.mark.parametrize(
    ("power", "statuses", "codes"),
    [
        ("vm DEALLOCATED", [], ["ProvisioningState/succeeded", "PowerState/deallocated"]),
        (None, [], ["ProvisioningState/succeeded"]),
        ("", ["PowerState/deallocated"], ["ProvisioningState/succeeded", "PowerState/deallocated"]),
        (
            None,
            ["ProvisioningState/succeeded", "PowerState/running"],
            ["ProvisioningState/succeeded", "PowerState/running"],
        ),
        (
            "VM running",
            [{"code": "OSState/generalized"}],
            ["ProvisioningState/succeeded", "PowerState/running", "OSState/generalized"],
        ),
    ],
)
def test_statuses_are_extra_or_complete(power, statuses, codes):
    entry = {"rg": "g", "name": "vm", "powerState": power, "statuses": statuses}
    world = read_world({"subscriptions": [{"id": SUBSCRIPTION, "compute": [entry]}]})
    assert [status.code for status in world.compute_vms[0].statuses] == codes


def test_a_file_of_cases_needs_the_name_of_one(tmp_path):
    file = tmp_path / "cases.json"
    file.write_text(json.dumps([{"id": "one", "world": {"clock": "now"}}]))
    assert read_world_file(f"{file}#one") == {"clock": "now"}
    with pytest.raises(WorldError, match="1 cases"):
        read_world_file(str(file))
    with pytest.raises(WorldError, match="cannot read"):
        read_world_file(str(tmp_path / "none.json"))


def test_the_example_of_the_documentation_is_a_world():
    text = (REPOSITORY / "docs" / "world.md").read_text("utf-8")
    world = read_world(json.loads(text.partition("```json")[2].partition("```")[0]))
    assert [lab.name for lab in world.labs] == ["factory", "team-a"]
    (machine,), ((disk, _),) = world.compute_vms, world.disks
    assert (world.lab_vms[0].compute_id, disk.vm, disk.size_gb) == (machine.id, machine.id, 2)


@pytest.mark.slow
def test_the_sample_world_comes_back(azure):
    sample = json.loads(SAMPLE.read_text("utf-8"))
    azure.control.put_world(sample)
    shown = azure.control.world()
    assert shown["factoryLab"] == sample["factoryLab"]
    _same(sample, shown)
    azure.control.put_world(shown)
    assert azure.control.world() == shown


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_recorded_cases_come_back(azure, kind):
    for case in cases(kind):
        azure.control.put_world(case)
        shown = azure.control.world()
        _same(case["world"], shown)
        if "-x" in case["id"]:
            azure.control.put_world(shown)
            assert azure.control.world() == shown, case["id"]


def _same(given: dict[str, Any], shown: dict[str, Any]) -> None:
    """What was given is what is shown; more may be shown."""
    for before, after in zip(given["subscriptions"], sorted(shown["subscriptions"], key=_place(given)), strict=True):
        assert after["id"] == before["id"]
        for kind in ("labs", "vms", "images", "compute"):
            found = {_identity(item): item for item in after[kind]}
            # Of two with one name, which Azure cannot have, the last one counts.
            for item in {_identity(item): item for item in before.get(kind, ())}.values():
                _contains(found[_identity(item)], item)
    accounts = {account["account"].lower(): account for account in shown["storage"]}
    for account in given["storage"]:
        containers = {container["name"]: container for container in accounts[account["account"].lower()]["containers"]}
        for container in account["containers"]:
            blobs = {blob["name"]: blob for blob in containers[container["name"]]["blobs"]}
            assert sorted(blobs) == sorted(blob["name"] for blob in container["blobs"])
            for blob in container["blobs"]:
                _contains(blobs[blob["name"]], {key: value for key, value in blob.items() if key != "encoding"})


def _place(given: dict[str, Any]):
    order = [entry["id"] for entry in given["subscriptions"]]
    return lambda entry: order.index(entry["id"])


def _identity(item: dict[str, Any]) -> tuple[str, ...]:
    if "osDisk" in item:
        return (item["id"].lower(),)
    return tuple(str(item.get(key, "")).lower() for key in ("rg", "lab", "name"))


def _contains(shown: dict[str, Any], given: dict[str, Any]) -> None:
    for key, value in given.items():
        if key in ("statuses", "artifacts"):
            continue  # completed with what they leave out
        if key == "powerState" and value is None:
            continue  # told by the statuses
        if "osDisk" in given and key in ("id", "rg"):
            continue  # one of them follows from the other
        if key == "storage":
            value = value.lower()
        assert shown[key] == value, (key, shown[key], value)
