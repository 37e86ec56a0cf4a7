"""The same facts in two dialects: as the Azure CLI answers them, and as the simulator's world describes them."""

from dataclasses import dataclass
from typing import Any

from local.azure.resources import Json, entries, lab_id, section

_GIB = 1024**3


def told_lab(answer: Json) -> Json:
    """From `az lab get`."""
    return {
        "name": answer.get("name"),
        "location": answer.get("location"),
        "account": str(answer.get("defaultStorageAccount")).rpartition("/")[2],
        "state": answer.get("provisioningState"),
        "tags": answer.get("tags"),
    }


def told_vm(answer: Json) -> Json:
    """From `az lab vm list` and `show`."""
    named = {key: answer.get(key) for key in ("name", "osType", "notes", "computeId", "tags")}
    return {**named, "state": answer.get("provisioningState")}


def told_image(answer: Json) -> Json:
    """From `az lab custom-image list` and `show`."""
    vhd = section(answer, "vhd")
    named = {key: answer.get(key) for key in ("name", "tags", "creationDate", "description", "author")}
    return {
        **named,
        "state": answer.get("provisioningState"),
        "vhdUri": vhd.get("imageName"),
        "osType": vhd.get("osType"),
    }


def told_disk(answer: Json) -> Json:
    """From `az disk show`."""
    named = {key: answer.get(key) for key in ("name", "uniqueId", "osType", "hyperVGeneration", "networkAccessPolicy")}
    return {
        **named,
        "sizeGb": (answer.get("diskSizeBytes") or 0) / _GIB,
        "ownership": answer.get("LastOwnershipUpdateTime"),
        "state": answer.get("diskState"),
    }


def told_statuses(answer: Json) -> Json:
    """From `az vm get-instance-view`: what each code is shown as."""
    return {
        status["code"]: status.get("displayStatus") for status in entries(section(answer, "instanceView"), "statuses")
    }


def by_name(answers: Any) -> Json:
    """A list of facts, in no order."""
    return {fact["name"]: fact for fact in answers}


@dataclass(frozen=True)
class WorldLab:
    """Where a lab of the world is, and what the CLI must tell of it."""

    subscription: str
    rg: str
    name: str
    facts: Json
    vms: list[Json]
    images: list[Json]

    @property
    def id(self) -> str:
        """Its ARM id, lower-cased as DevTest Labs does."""
        return lab_id(self.subscription, self.rg, self.name).lower()

    @property
    def within(self) -> tuple[str, ...]:
        """The words that lead to what is in this lab."""
        return ("--subscription", self.subscription, "-g", self.rg, "--lab-name", self.name)


@dataclass(frozen=True)
class WorldVm:
    """A compute VM with its OS disk."""

    subscription: str
    rg: str
    name: str
    id: str
    statuses: Json
    disk: Json

    @property
    def within(self) -> tuple[str, ...]:
        return ("--subscription", self.subscription, "-g", self.rg)


def world_subscriptions(world: Json) -> list[str]:
    """Those that a caller may see."""
    return sorted(entry["id"] for entry in entries(world, "subscriptions") if not entry.get("denied"))


def world_labs(world: Json) -> list[WorldLab]:
    """Every lab that may be read, in the world's order."""
    return [
        _world_lab(subscription, lab)
        for subscription in entries(world, "subscriptions")
        if not subscription.get("denied")
        for lab in entries(subscription, "labs")
        if not lab.get("denied")
    ]


def world_vms(world: Json) -> list[WorldVm]:
    """Every compute VM, in the world's order."""
    disks = {(disk["rg"].lower(), disk["name"].lower()): disk for disk in entries(world, "disks")}
    return [
        _world_vm(subscription["id"], vm, disks[vm["rg"].lower(), vm["osDisk"].lower()])
        for subscription in entries(world, "subscriptions")
        for vm in entries(subscription, "compute")
    ]


def _world_lab(subscription: Json, lab: Json) -> WorldLab:
    facts = {key: lab.get(key) for key in ("name", "location", "tags")}
    facts |= {"account": lab["storage"], "state": "Succeeded"}

    def inside(kind: str) -> list[Json]:
        return [
            entry for entry in entries(subscription, kind) if (entry["rg"], entry["lab"]) == (lab["rg"], lab["name"])
        ]

    vm_keys = ("name", "osType", "notes", "computeId", "tags", "state")
    vms = [{key: vm.get(key) for key in vm_keys} for vm in inside("vms")]
    image_keys = ("name", "tags", "creationDate", "description", "author", "state", "vhdUri", "osType")
    images = [{key: image.get(key) for key in image_keys} for image in inside("images")]
    return WorldLab(subscription["id"], lab["rg"], lab["name"], facts, vms, images)


def _world_vm(subscription: str, vm: Json, disk: Json) -> WorldVm:
    facts = {key: disk.get(key) for key in ("name", "uniqueId", "osType", "hyperVGeneration", "networkAccessPolicy")}
    at_rest = "Reserved" if vm["powerState"] == "VM deallocated" else "Attached"
    facts |= {
        "sizeGb": disk["sizeGb"],
        "ownership": disk["lastOwnershipUpdateTime"],
        "state": "ActiveSAS" if disk["sas"] else at_rest,
    }
    statuses = {status["code"]: status["displayStatus"] for status in vm["statuses"]}
    return WorldVm(subscription, vm["rg"], vm["name"], vm["id"], statuses, facts)
