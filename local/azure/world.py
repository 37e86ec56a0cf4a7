"""The world file, read: the resources it describes, with a default for everything it leaves out."""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from local.azure.clock import parse_iso
from local.azure.machine_power import Step
from local.azure.resources import (
    Account,
    ComputeVm,
    CustomImage,
    Disk,
    Json,
    Lab,
    LabVm,
    Subscription,
    compute_id,
    entries,
    lab_id,
    section,
)
from local.azure.vhd import seeded_uuid
from local.azure.world_machines import (
    LONG_AGO,
    data_disk_of,
    os_disk_of,
    overridden,
    read_statuses,
    read_steps,
    standalone_disk,
)

SYSTEM_ACCOUNT = "stlocalsystem"
SYSTEM_CONTAINERS = ("configuration", "runs")
_SOMEWHERE = "00000000-0000-0000-0000-000000000001"


class WorldError(ValueError):
    """The file does not describe a world; the message says where."""


@dataclass(frozen=True)
class World:
    """Everything but blobs, which are read from the file when they are written.

    `installs` are VMs to which artifacts are being applied, with the seconds that still takes (None: for ever).
    """

    factory_lab: str
    subscriptions: tuple[Subscription, ...]
    labs: tuple[Lab, ...]
    lab_vms: tuple[LabVm, ...]
    images: tuple[tuple[CustomImage, float | None], ...]
    compute_vms: tuple[ComputeVm, ...]
    disks: tuple[tuple[Disk, bool], ...]
    accounts: tuple[Account, ...]
    installs: tuple[tuple[LabVm, float | None], ...]
    steps: tuple[tuple[ComputeVm, tuple[Step, ...]], ...]


def unwrap_case(document: Any) -> Json:
    """A case of the recorded vectors becomes its world, with the factory lab that its call names."""
    if not isinstance(document, dict):
        raise WorldError("a world is a JSON object")
    case: Json = dict(document)  # pyright: ignore[reportUnknownArgumentType]
    if "world" not in case or "subscriptions" in case:
        return case
    world: Json = dict(case["world"])
    parameters: Json = case.get("call", {}).get("params", {})
    if "factoryLab" not in world and parameters.get("DevTestLabName"):
        subscription = parameters.get("SubscriptionId") or world.get("context") or ""
        world["factoryLab"] = _lab_named(world, str(parameters["DevTestLabName"]), str(subscription))
    return world


def read_world(document: Json) -> World:
    """Raises WorldError when the file cannot be understood."""
    try:
        return _Reader(document).read()
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise WorldError(f"the world file cannot be read: {type(error).__name__}: {error}") from error


class _Reader:
    def __init__(self, document: Json) -> None:
        self._document = document
        self._subscriptions: list[Json] = entries(document, "subscriptions")
        self._locations: dict[str, str] = {}

    def read(self) -> World:
        labs = [self._lab(entry["id"], lab) for entry in self._subscriptions for lab in entries(entry, "labs")]
        vms = [self._vm(entry, vm) for entry in self._subscriptions for vm in entries(entry, "vms")]
        given_vms = [vm for entry in self._subscriptions for vm in entries(entry, "vms")]
        owners = {vm.compute_id.lower(): vm for vm in vms}
        compute = [
            self._compute(entry["id"], vm, owners) for entry in self._subscriptions for vm in entries(entry, "compute")
        ]
        given_compute = [vm for entry in self._subscriptions for vm in entries(entry, "compute")]
        return World(
            factory_lab=str(self._document.get("factoryLab") or self._default_factory_lab()),
            subscriptions=tuple(Subscription(entry["id"], bool(entry.get("denied"))) for entry in self._subscriptions),
            labs=tuple(labs),
            lab_vms=tuple(vms),
            images=tuple(
                self._image(entry["id"], image) for entry in self._subscriptions for image in entries(entry, "images")
            ),
            compute_vms=tuple(compute),
            disks=tuple(self._disks(compute, owners)),
            accounts=tuple(self._accounts(labs)),
            installs=tuple(
                (vm, given.get("seconds"))
                for vm, given in zip(vms, given_vms, strict=True)
                if vm.state == "ApplyingArtifacts"
            ),
            steps=tuple(
                (vm, read_steps(entries(given, "steps")))
                for vm, given in zip(compute, given_compute, strict=True)
                if given.get("steps")
            ),
        )  # fmt: skip

    def _default_factory_lab(self) -> str:
        first = self._subscriptions[0]["id"] if self._subscriptions else _SOMEWHERE
        return _lab_named(self._document, "factory", first)

    def _lab(self, subscription: str, lab: Json) -> Lab:
        location = str(lab.get("location") or "westeurope")
        self._locations[lab_id(subscription, lab["rg"], lab["name"])] = location
        storage = str(lab.get("storage") or _account_name(lab["name"])).lower()
        return Lab(
            subscription, lab["rg"], lab["name"], location, storage, bool(lab.get("denied")), lab.get("tags"),
            _public_artifacts(lab), tuple(entries(lab, "artifactSources")),
        )  # fmt: skip

    def _vm(self, entry: Json, vm: Json) -> LabVm:
        subscription = entry["id"]
        lab = lab_id(subscription, vm["rg"], vm["lab"])
        return LabVm(
            subscription=subscription,
            rg=vm["rg"],
            lab=vm["lab"],
            name=vm["name"],
            state=vm.get("state") or "Succeeded",
            os_type=vm.get("osType") or "Windows",
            compute_id=vm.get("computeId") or _compute_id_of(entry, vm),
            notes=vm.get("notes"),
            tags=vm.get("tags"),
            artifacts=tuple(_artifact(lab, artifact) for artifact in entries(vm, "artifacts")),
            created=parse_iso(vm.get("createdDate") or LONG_AGO),
            unique_id=seeded_uuid(f"{lab}/virtualmachines/{vm['name']}"),
        )

    def _image(self, subscription: str, image: Json) -> tuple[CustomImage, float | None]:
        """With the seconds that one in the making still takes; None: for ever."""
        state = str(image.get("state") or "Succeeded")
        vhd: Json = {"sysPrep": image.get("sysPrep", True), "osType": image.get("osType") or "Windows"}
        if image.get("vhdUri"):
            vhd["imageName"] = image["vhdUri"]
        body: Json = {"vm": image["vm"]} if image.get("vm") else {"vhd": vhd}
        if image.get("description") is not None:
            body["description"] = image["description"]
        read = CustomImage(
            subscription, image["rg"], image["lab"], image["name"], state,
            seeded_uuid(f"{lab_id(subscription, image['rg'], image['lab'])}/customimages/{image['name']}"),
            body, image.get("tags"), image.get("author"), image.get("creationDate"), image.get("digest"),
        )  # fmt: skip
        default = section(self._document, "behave").get("imageSeconds", 2.0)
        return read, image.get("seconds", default)

    def _compute(self, subscription: str, vm: Json, owners: Mapping[str, LabVm]) -> ComputeVm:
        arm_id = str(vm.get("id") or compute_id(subscription, vm["rg"], "virtualMachines", vm["name"]))
        owner = owners.get(arm_id.lower())
        group, name = arm_id.split("/")[4], vm.get("name") or arm_id.split("/")[8]
        return ComputeVm(
            subscription=subscription,
            # Where the two disagree, the id is what a lab VM leads to.
            rg=vm["rg"] if str(vm.get("rg") or "").lower() == group.lower() else group,
            name=name,
            location=vm.get("location") or self._location_of(owner),
            os_type=vm.get("osType") or (owner.os_type if owner else "Windows"),
            os_disk=vm.get("osDisk") or f"{name}-os",
            vm_id=vm.get("vmId") or self._vm_id(owner) or seeded_uuid(arm_id),
            statuses=read_statuses(vm.get("powerState", "VM running"), entries(vm, "statuses")),
            created=parse_iso(LONG_AGO),
            data_disks=tuple(vm.get("dataDisks") or ()),
            plan=vm.get("plan"),
        )

    def _vm_id(self, owner: LabVm | None) -> str | None:
        """A lab VM may say it as well."""
        if owner is None:
            return None
        for entry in self._subscriptions:
            for vm in entries(entry, "vms"):
                if vm.get("vmId") and (vm["name"], vm["lab"], vm["rg"]) == (owner.name, owner.lab, owner.rg):
                    return str(vm["vmId"])
        return None

    def _location_of(self, owner: LabVm | None) -> str:
        lab = lab_id(owner.subscription, owner.rg, owner.lab) if owner else ""
        return self._locations.get(lab, "westeurope")

    def _disks(self, compute: Iterable[ComputeVm], owners: Mapping[str, LabVm]) -> list[tuple[Disk, bool]]:
        """The disks of every VM and those that stand alone, each with whether it has an active SAS."""
        made: dict[str, tuple[Disk, bool]] = {}
        for vm in compute:
            owner = owners.get(vm.id.lower())
            for disk in (os_disk_of(vm, owner), *(data_disk_of(vm, name) for name in vm.data_disks)):
                made[disk.id.lower()] = (disk, False)
        for subscription, given in self._given_disks():
            arm_id = str(given.get("id") or "")
            if not arm_id:
                suffix = f"/resourcegroups/{given['rg']}/providers/microsoft.compute/disks/{given['name']}".lower()
                known = [disk.id for key, (disk, _) in made.items() if key.endswith(suffix)]
                arm_id = known[0] if known else compute_id(subscription, given["rg"], "disks", given["name"])
            base, _ = made.get(arm_id.lower()) or (standalone_disk(arm_id), False)
            made[arm_id.lower()] = (overridden(base, given), bool(given.get("sas")))
        return list(made.values())

    def _given_disks(self) -> list[tuple[str, Json]]:
        """`disks` stands at the top or in a subscription."""
        first: str = self._subscriptions[0]["id"] if self._subscriptions else _SOMEWHERE
        given: list[tuple[str, Json]] = [(first, disk) for disk in entries(self._document, "disks")]
        for entry in self._subscriptions:
            given += [(entry["id"], disk) for disk in entries(entry, "disks")]
        return given

    def _accounts(self, labs: Iterable[Lab]) -> list[Account]:
        made = {SYSTEM_ACCOUNT: Account(SYSTEM_ACCOUNT, SYSTEM_ACCOUNT, _SOMEWHERE, "rg-local-system", system=True)}
        for lab in labs:
            made[lab.storage] = Account(lab.storage, lab.storage, lab.subscription, lab.rg)
        for given in entries(self._document, "storage"):
            name = str(given["account"]).lower()
            base = made.get(name) or Account(name, name, _SOMEWHERE, "rg-storage")
            made[name] = replace(
                base,
                shown=given["account"],
                subscription=given.get("subscription") or base.subscription,
                rg=given.get("rg") or base.rg,
                denied=bool(given.get("denied")),
            )
        return list(made.values())


def _lab_named(world: Json, name: str, subscription: str) -> str:
    """The id of the lab of this name, in this subscription if it is there; made up if there is none."""
    for entry in sorted(entries(world, "subscriptions"), key=lambda entry: entry["id"] != subscription):
        for lab in entries(entry, "labs"):
            if lab["name"].lower() == name.lower():
                return _written_lab_id(entry["id"], lab["rg"], lab["name"])
    return _written_lab_id(subscription or _SOMEWHERE, f"rg-{name}", name)


def _written_lab_id(subscription: str, rg: str, name: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{rg}/providers/Microsoft.DevTestLab/labs/{name}"


def _public_artifacts(lab: Json) -> str:
    given = str(lab.get("artifacts") or "public")
    if given not in ("public", "empty", "none"):
        raise WorldError(f"the artifacts of the lab {lab['name']} are public, empty or none, not '{given}'")
    return given


def _account_name(lab: str) -> str:
    return f"st{re.sub('[^a-z0-9]', '', lab.lower())}"[:24]


def _compute_id_of(entry: Json, vm: Json) -> str:
    """A lab VM that does not say belongs to the Compute VM of its name, if there is just one."""
    named = [given for given in entries(entry, "compute") if given["name"].lower() == vm["name"].lower()]
    if len(named) == 1:
        return str(named[0].get("id") or compute_id(entry["id"], named[0]["rg"], "virtualMachines", named[0]["name"]))
    return compute_id(entry["id"], f"{vm['lab']}-{vm['name']}-rg", "virtualMachines", vm["name"])


def _artifact(lab: str, given: Json) -> Json:
    """A short name stands for the artifact of the public repository."""
    name = str(given.get("artifactId") or given.get("artifactTitle") or "artifact")
    full = name if name.startswith("/") else f"{lab}/artifactsources/public repo/artifacts/{name}"
    artifact: Json = {
        "artifactId": full,
        "artifactTitle": given.get("artifactTitle") or name.rpartition("/")[2],
        "parameters": given.get("parameters") or [],
        "status": given.get("status") or "Succeeded",
    }
    for key in ("deploymentStatusMessage", "vmExtensionStatusMessage", "installTime"):
        if given.get(key) is not None:
            artifact[key] = given[key]
    return artifact


def far_future() -> float:
    """When the SAS of a disk that the world came with runs out (real time)."""
    return time.time() + 10 * 365 * 24 * 3600
