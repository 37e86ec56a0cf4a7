"""VMs of a factory lab in every situation that a capture may meet, each with the outcome that it must have."""

from dataclasses import dataclass
from typing import Any

from tests.e2e.worlds import SUBSCRIPTION, World

GENERALIZE = {"FactoryGeneralize": "yes"}
SPECIALIZED = {"FactoryImageState": "specialized"}
PLAN = {"name": "plan", "publisher": "publisher", "product": "product"}
SOMEBODY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-other/providers/Microsoft.Compute/virtualMachines/somebody-else"
)


@dataclass(frozen=True)
class Situation:
    """A VM and how it must end: "state code". `disk`, `compute` and `behave` are what is special of them."""

    outcome: str
    vm: dict[str, Any]
    disk: dict[str, Any] | None = None
    compute: dict[str, Any] | None = None
    behave: dict[str, Any] | None = None

    @property
    def state(self) -> str:
        return self.outcome.partition(" ")[0]

    @property
    def code(self) -> str:
        return self.outcome.partition(" ")[2]


def running(**more: Any) -> dict[str, Any]:
    """In use, with nothing applied lately."""
    return {"power": "VM running", "artifact": None, **more}


def asked(**more: Any) -> dict[str, Any]:
    """Running, and tagged to be generalized."""
    return running(tags=GENERALIZE, **more)


CAPTURED = "captured"

SITUATIONS: dict[str, Situation] = {
    # Evidence
    "sysprepped": Situation(CAPTURED, {}),
    "deprovisioned": Situation(CAPTURED, {"os_type": "Linux", "artifact": "linux-deprovision"}),
    "marked": Situation(CAPTURED, {"artifact": None, "statuses": ["OSState/generalized"]}),
    "by-schedule": Situation("skipped NoEvidence", {"artifact": None}),
    "started-again": Situation("skipped NoEvidence", {"shut_down": "2026-11-20T23:30:00Z"}),
    "chrome-last": Situation("skipped NoEvidence", {"artifact": "windows-chrome"}),
    "sysprep-failed": Situation("skipped NoEvidence", {"artifact_status": "Failed"}),
    "not-yet-stopped": Situation("skipped NotDeallocated", {"power": "VM running"}),
    # Left alone
    "untagged": Situation("skipped NoImagePath", {"image_path": None}),
    "ignored": Situation("skipped FactoryIgnore", {"tags": {"FactoryIgnore": "false"}}),
    "ignored-running": Situation("skipped FactoryIgnore", asked() | {"tags": GENERALIZE | {"FactoryIgnore": ""}}),
    "untagged-running": Situation("skipped NoImagePath", asked() | {"image_path": None}),
    "failed-vm": Situation("skipped NotSucceeded", {"state": "Failed"}),
    "in-use": Situation("skipped NotDeallocated", running()),
    "stopped": Situation("skipped NotDeallocated", running() | {"power": "VM stopped"}),
    "never": Situation("skipped NotDeallocated", running(tags={"FactoryGeneralize": "No"})),
    # Specialized
    "specialized": Situation(CAPTURED, {"artifact": None, "tags": SPECIALIZED}),
    "specialized-linux": Situation(CAPTURED, {"artifact": None, "tags": SPECIALIZED, "os_type": "Linux"}),
    "specialized-running": Situation("skipped NotDeallocated", running(tags=SPECIALIZED)),
    "proved-all-the-same": Situation(CAPTURED, {"tags": SPECIALIZED}),
    # Generalized by the factory
    "asked-windows": Situation(CAPTURED, asked()),
    "asked-linux": Situation(CAPTURED, asked(os_type="Linux")),
    "reports-early": Situation(CAPTURED, asked(), behave={"seconds": 0, "shutdown": 4, "deallocate": 0}),
    "artifact-fails": Situation("failed GeneralizeFailed", asked(), behave={"status": "Failed", "message": "No agent."}),
    "asked-but-stopped": Situation("skipped NotRunning", {"artifact": None, "tags": GENERALIZE}),
    # Tags that cannot be
    "odd-tag": Situation("failed TagInvalid", running(tags={"FactoryGeneralize": "maybe"})),
    "odd-state": Situation("failed TagInvalid", {"tags": {"FactoryImageState": "sealed"}}),
    "both": Situation("failed TagsContradict", running(tags=GENERALIZE | SPECIALIZED)),
    "nameless": Situation("failed ImagePathInvalid", {"image_path": ".json"}),
    # What would make a dead image
    "generation-2": Situation("failed Generation2Disk", {}, disk={"hyperVGeneration": "V2"}),
    "generation-2-asked": Situation("failed Generation2Disk", asked(), disk={"hyperVGeneration": "V2"}),
    "trusted-launch": Situation("failed Generation2Disk", {}, disk={"securityType": "TrustedLaunch"}),
    "data-disks": Situation("failed DataDisks", {}, compute={"dataDisks": ["data-1", "data-2"]}),
    "data-disk-asked": Situation("failed DataDisks", asked(), compute={"dataDisks": ["data-1"]}),
    "data-disk-special": Situation("failed DataDisks", {"artifact": None, "tags": SPECIALIZED}, compute={"dataDisks": ["d"]}),
    "plan-of-vm": Situation("failed PurchasePlan", {}, compute={"plan": PLAN}),
    "plan-of-disk": Situation("failed PurchasePlan", {}, disk={"purchasePlan": PLAN}),
    "encrypted": Situation("failed DiskEncrypted", {}, disk={"encryptionSettings": True}),
    "deny-all": Situation("failed ExportForbidden", {}, disk={"networkAccessPolicy": "DenyAll"}),
    "private-only": Situation("failed ExportForbidden", {}, disk={"networkAccessPolicy": "AllowPrivate"}),
    "not-public": Situation("failed ExportForbidden", {}, disk={"publicNetworkAccess": "Disabled"}),
    "needs-token": Situation("failed ExportForbidden", {}, disk={"dataAccessAuthMode": "AzureActiveDirectory"}),
    "exported": Situation("failed DiskExportedByOther", {}, disk={"sas": True}),
    "held": Situation("failed DiskInUse", {}, disk={"managedBy": SOMEBODY}),
    "no-system": Situation("failed OsTypeUnknown", {"os_type": "None"}),
    # What goes wrong on the way
    "grant-refused": Situation("failed OperationNotAllowed", {}),
    "copy-fails": Situation("failed CopyFailed", {}),
    "copy-aborted": Situation("failed CopyFailed", {}),
    "too-short": Situation("failed CopyLength", {}),
}  # fmt: skip

COPIES: dict[str, dict[str, Any]] = {
    "copy-fails": {"statuses": ["Pending", "Failed"], "seconds": 1},
    "copy-aborted": {"statuses": ["Pending", "Aborted"], "seconds": 1},
    "too-short": {"statuses": ["Pending", "Success"], "seconds": 1, "length": 0.5},
}

TOUCHED = {"asked-windows", "asked-linux", "reports-early", "artifact-fails"}
"""The VMs that were given to the factory to be changed; every other must be afterwards as it was."""


def captures(situations: dict[str, Situation] = SITUATIONS) -> World:
    world = World().behaving(copySeconds=0, imageSeconds=0).lab("lab-a")
    for name, situation in situations.items():
        _add(world, name, situation)
    world.behaving(
        artifacts={name: each.behave for name, each in situations.items() if each.behave}
        | {"*": {"seconds": 1, "shutdown": 1, "deallocate": 0}},
        copy={f"stfactory/{name}-os.vhd": copy for name, copy in COPIES.items()},
        grantFail=["grant-refused-os"],
    )
    return world


def _add(world: World, name: str, situation: Situation) -> None:
    given: dict[str, Any] = {"image_path": f"Golden\\{name}.json", **situation.vm}
    status = given.pop("artifact_status", "Succeeded")
    state = given.pop("state", "Succeeded")
    world.vm(name, **given)
    resources = world.subscriptions[SUBSCRIPTION]
    resources["vms"][-1]["state"] = state
    for artifact in resources["vms"][-1]["artifacts"]:
        artifact["status"] = status
    world.disks[-1].update(situation.disk or {})
    resources["compute"][-1].update(situation.compute or {})
