"""Worlds for the black-box tests, in the format of docs/world.md. All have the same factory lab, so that one app serves all."""

import json
from typing import Any

SUBSCRIPTION = "aaaa0000-0000-0000-0000-000000000001"
OTHER = "bbbb0000-0000-0000-0000-000000000002"
FACTORY_LAB = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-factory/providers/Microsoft.DevTestLab/labs/factory"
VHDS = "imagefactoryvhds"
SHUT_DOWN = "2026-11-20T21:10:00Z"
SYSPREPPED = "2026-11-20T21:00:00Z"


class World:
    """Grows by what a test says; `document` is the world file."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, dict[str, list[Any]]] = {}
        self.storage: dict[str, dict[str, Any]] = {}
        self.behave: dict[str, Any] = {"copySeconds": 1, "imageSeconds": 1}
        self.disks: list[dict[str, Any]] = []
        self._denied: set[str] = set()
        self._assignments: dict[str, list[str]] = {}
        self.lab("factory", storage="stfactory")

    @property
    def document(self) -> dict[str, Any]:
        subscriptions = [
            {"id": id_, "denied": id_ in self._denied, **resources} for id_, resources in self.subscriptions.items()
        ]
        assignments = {"assignments": self._assignments} if self._assignments else {}
        return assignments | {
            "factoryLab": FACTORY_LAB,
            "subscriptions": subscriptions,
            "storage": list(self.storage.values()),
            "disks": self.disks,
            "behave": self.behave,
        }

    def _of(self, subscription: str) -> dict[str, list[Any]]:
        return self.subscriptions.setdefault(subscription, {"labs": [], "vms": [], "images": [], "compute": []})

    def denied(self, subscription: str) -> "World":
        """The app has no access to this subscription."""
        self._denied.add(subscription)
        return self

    def assigned(self, **scopes: list[str]) -> "World":
        """The app's roles hold at these scopes only."""
        self._assignments |= scopes
        return self

    def behaving(self, **behave: Any) -> "World":
        """More of `behave`: how long things take and what becomes of them."""
        self.behave |= behave
        return self

    def lab(
        self, name: str, subscription: str = SUBSCRIPTION, rg: str = "", storage: str = "", location: str = "westeurope"
    ) -> "World":
        rg, storage = rg or f"rg-{name}", storage or "st" + name.replace("-", "")
        self._of(subscription)["labs"].append({"name": name, "rg": rg, "location": location, "storage": storage})
        account = {"account": storage, "rg": rg, "subscription": subscription, "containers": []}
        self.storage.setdefault(storage, account)
        return self

    def golden_image(
        self, image_path: str, name: str, number: int, account: str = "stfactory", **manifest: Any
    ) -> "World":
        """A golden image as the original factory left it: UTF-16, month first."""
        vhd = f"{number:08}-0000-4000-8000-000000000001"
        keys = {
            "imageName": name,
            "imagePath": image_path,
            "description": "made by the original",
            "osType": "Windows",
            "vhdFileName": f"{vhd}.vhd",
            "timestamp": f"11/{number}/2026 1:02:03 PM",
        }
        self.blob(account, f"{vhd}.json", text=json.dumps(keys | manifest), encoding="utf-16")
        return self.blob(account, f"{vhd}.vhd", vhd={"sizeGb": 1, "seed": vhd})

    def blob(self, account: str, name: str, container: str = VHDS, **content: Any) -> "World":
        containers = self.storage[account]["containers"]
        found: dict[str, Any] | None = next((c for c in containers if c["name"] == container), None)
        if found is None:
            found = {"name": container, "blobs": []}
            containers.append(found)
        found["blobs"].append({"name": name, **content})
        return self

    def image(
        self, lab: str, name: str, state: str = "Succeeded", subscription: str = SUBSCRIPTION, **tags: str
    ) -> "World":
        found = next(found for found in self._of(subscription)["labs"] if found["name"] == lab)
        self._of(subscription)["images"].append(
            {"lab": lab, "rg": found["rg"], "name": name, "tags": tags, "state": state, "creationDate": SHUT_DOWN}
        )
        return self

    def vm(
        self,
        name: str,
        image_path: str | None,
        power: str = "VM deallocated",
        os_type: str = "Windows",
        artifact: str | None = "windows-sysprep",
        tags: dict[str, str] | None = None,
        statuses: list[Any] | None = None,
        shut_down: str = SHUT_DOWN,
        **more: Any,
    ) -> "World":
        group = f"rg-compute-{name}"
        provider = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Compute"
        resources = self._of(SUBSCRIPTION)
        artifacts = (
            [{"artifactTitle": artifact, "artifactId": artifact_id(artifact), "status": "Succeeded"}]
            if artifact
            else []
        )
        for applied in artifacts:
            applied["installTime"] = SYSPREPPED
        resources["vms"].append(
            {
                "lab": "factory",
                "rg": "rg-factory",
                "name": name,
                "state": "Succeeded",
                "tags": ({"ImagePath": image_path} if image_path else {}) | (tags or {}),
                "osType": os_type,
                "notes": f"Golden Image: {name}",
                "computeId": f"{provider}/virtualMachines/{name}",
                "artifacts": artifacts,
                **more,
            }
        )
        resources["compute"].append(
            {
                "id": f"{provider}/virtualMachines/{name}",
                "rg": group,
                "name": name,
                "osDisk": f"{name}-os",
                "powerState": power,
                "statuses": statuses or [],
            }
        )
        disk = {"rg": group, "name": f"{name}-os", "sizeGb": 1, "seed": name, "lastOwnershipUpdateTime": shut_down}
        self.disks.append({"id": f"{provider}/disks/{name}-os", **disk})
        return self


def artifact_id(name: str) -> str:
    return f"{FACTORY_LAB}/artifactSources/public repo/artifacts/{name}"


def asks(lab: str, *paths: str, subscription: str = SUBSCRIPTION, **more: Any) -> dict[str, Any]:
    """One entry of labs.json."""
    return {"SubscriptionId": subscription, "LabName": lab, "ImagePaths": list(paths), **more}


def labs_json(*entries: dict[str, Any]) -> bytes:
    return json.dumps({"Labs": list(entries)}, indent=2).encode()
