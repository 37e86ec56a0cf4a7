"""The world and the Azure CLI tell the same facts."""

from copy import deepcopy
from typing import Any

from local.judges.cli_facts import told_image, told_statuses, world_labs, world_subscriptions, world_vms

IMAGE = {
    "lab": "team", "rg": "rg", "name": "i", "tags": {"ImagePath": "a.json"}, "creationDate": "2026-01-01T00:00:00Z",
    "state": "Succeeded", "vhdUri": "https://127.0.0.1/a/c/b.vhd", "osType": "Linux", "description": "d", "author": "me",
    "digest": "not the CLI's business",
}  # fmt: skip
VM = {
    "id": "/vm", "rg": "rg-vm", "name": "vm", "osDisk": "vm-os", "powerState": "VM running",
    "statuses": [{"code": "PowerState/running", "displayStatus": "VM running"}],
}  # fmt: skip
DISK = {
    "rg": "RG-VM", "name": "vm-os", "uniqueId": "u", "osType": "Linux", "hyperVGeneration": "V1",
    "networkAccessPolicy": "AllowAll", "sizeGb": 1.0, "lastOwnershipUpdateTime": "t", "sas": False,
}  # fmt: skip
WORLD: dict[str, Any] = {
    "subscriptions": [
        {
            "id": "s",
            "labs": [
                {"name": "team", "rg": "rg", "location": "westeurope", "storage": "stteam"},
                {"name": "closed", "rg": "rg", "location": "westeurope", "storage": "stclosed", "denied": True},
            ],
            "images": [IMAGE, {**IMAGE, "lab": "closed"}],
            "compute": [VM],
        },
        {"id": "hidden", "denied": True, "labs": [{"name": "x", "rg": "rg", "location": "l", "storage": "stx"}]},
    ],
    "disks": [DISK],
}


def test_an_image_is_the_same_in_both_dialects():
    answer = {
        "name": "i", "tags": {"ImagePath": "a.json"}, "creationDate": "2026-01-01T00:00:00Z", "author": "me",
        "provisioningState": "Succeeded", "description": "d", "uniqueIdentifier": "ignored",
        "vhd": {"imageName": "https://127.0.0.1/a/c/b.vhd", "osType": "Linux", "sysPrep": True},
    }  # fmt: skip
    (lab,) = world_labs(WORLD)
    assert [told_image(answer)] == lab.images
    assert told_image({**answer, "tags": {}}) not in lab.images


def test_what_a_caller_may_not_read_is_not_asked_about():
    assert world_subscriptions(WORLD) == ["s"]
    assert [lab.name for lab in world_labs(WORLD)] == ["team"]


def test_a_disk_is_attached_reserved_or_lent():
    world = deepcopy(WORLD)
    assert world_vms(world)[0].disk["state"] == "Attached"
    world["subscriptions"][0]["compute"][0]["powerState"] = "VM deallocated"
    assert world_vms(world)[0].disk["state"] == "Reserved"
    world["disks"][0]["sas"] = True
    assert world_vms(world)[0].disk["state"] == "ActiveSAS"


def test_statuses_are_compared_by_code_whatever_their_order():
    view = {"statuses": [{"code": "PowerState/running", "displayStatus": "VM running", "level": "Info"}]}
    assert told_statuses({"instanceView": view}) == world_vms(WORLD)[0].statuses
