"""The state becomes a world again, in the format it was loaded from."""

import asyncio
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable

from local.azure.artifact_installs import APPLYING, ArtifactInstalls
from local.azure.blob_store import BlobPath, BlobStore
from local.azure.contents import Contents
from local.azure.disk_exports import DiskExports
from local.azure.machine_power import MachinePower, told_steps
from local.azure.resources import Account, ComputeVm, CustomImage, Disk, Json, Lab, LabVm, Subscription, entries
from local.azure.state import State
from local.azure.storage_copies import StorageCopies

_LARGEST_TEXT = 1024**2
_BYTE_ORDER_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


class WorldSnapshot:
    """What the world does not describe (the system account, exports of disks, operations) is left out."""

    def __init__(
        self, state: State, blobs: BlobStore, contents: Contents, copies: StorageCopies, exports: DiskExports,
        power: MachinePower, installs: ArtifactInstalls,
    ) -> None:  # fmt: skip
        self._state, self._blobs, self._contents = state, blobs, contents
        self._copies, self._exports = copies, exports
        self._power, self._installs = power, installs

    async def take(self) -> Json:
        """Can be loaded again; then VHDs that did not come from a seed are others."""
        await self._state.timeline.settle(self._state.clock.now())
        state, loaded = self._state, self._state.settings.world
        given = {entry["id"].lower(): entry for entry in entries(loaded, "subscriptions")}
        return {
            **loaded,
            "factoryLab": state.settings.factory_lab,
            "behave": state.behave,
            "subscriptions": [
                self._subscription(entry, given.get(entry.id.lower(), {})) for entry in state.subscriptions.part("")
            ],
            "disks": [self._disk(disk) for disk in state.disks.all()],
            "storage": [await self._account(account) for account in state.accounts.part("") if not account.system],
        }

    def _subscription(self, entry: Subscription, given: Json) -> Json:
        """Keys that mean nothing here (deployments, groups) come back as they were."""
        state = self._state
        labs = state.labs.part(entry.id)
        vms = [self._vm(vm) for vm in state.lab_vms.all() if vm.subscription.lower() == entry.id.lower()]
        images = [_image(image) for image in state.images.all() if image.subscription.lower() == entry.id.lower()]
        shown: Json = {**given, "id": entry.id}
        if entry.denied:
            shown["denied"] = True
        shown |= {"labs": [_lab(lab) for lab in labs], "vms": vms, "images": images}
        shown["compute"] = [self._compute(vm) for vm in state.compute_vms.part(entry.id)]
        shown.pop("disks", None)
        return shown

    def _disk(self, disk: Disk) -> Json:
        shown: Json = {
            "id": disk.id,
            "rg": disk.rg,
            "name": disk.name,
            "uniqueId": disk.unique_id,
            "sizeGb": disk.size_gb,
            "seed": disk.seed,
            "hyperVGeneration": disk.hyper_v_generation,
            "networkAccessPolicy": disk.network_access_policy,
            "publicNetworkAccess": disk.public_network_access,
            "lastOwnershipUpdateTime": disk.ownership_updated,
            "timeCreated": disk.created,
            "osType": disk.os_type,
            "location": disk.location,
            "sas": self._exports.active(disk) is not None,
        }
        extra = {
            "dataAccessAuthMode": disk.data_access_auth_mode,
            "managedBy": disk.vm or None,
            "encryption": disk.encryption,
            "encryptionSettings": disk.encryption_settings or None,
            "securityType": disk.security_type,
            "purchasePlan": disk.purchase_plan,
        }
        return shown | _told(extra)

    def _vm(self, vm: LabVm) -> Json:
        shown: Json = {
            "lab": vm.lab,
            "rg": vm.rg,
            "name": vm.name,
            "state": vm.state,
            "tags": vm.tags,
            "osType": vm.os_type,
            "notes": vm.notes,
            "computeId": vm.compute_id,
        }
        if vm.artifacts:
            shown["artifacts"] = list(vm.artifacts)
        return {**shown, "seconds": self._installs.seconds(vm)} if vm.state == APPLYING else shown

    def _compute(self, vm: ComputeVm) -> Json:
        power = next((status.display for status in vm.statuses if status.code.lower().startswith("powerstate/")), None)
        shown: Json = {
            "id": vm.id,
            "rg": vm.rg,
            "name": vm.name,
            "osDisk": vm.os_disk,
            "osType": vm.os_type,
            "location": vm.location,
            "vmId": vm.vm_id,
            "powerState": power,
            "statuses": [{"code": status.code, "displayStatus": status.display} for status in vm.statuses],
        }
        steps = told_steps(self._power.steps(vm))
        return shown | _told({"dataDisks": list(vm.data_disks) or None, "plan": vm.plan, "steps": steps or None})

    async def _account(self, account: Account) -> Json:
        containers: list[Json] = []
        for name in await self._blobs.list_containers(account.name):
            elements = await self._blobs.list_blobs(account.name, name)
            blobs = await asyncio.gather(*(self._blob(account.name, name, element) for element in elements))
            containers.append({"name": name, "blobs": list(blobs)})
        shown: Json = {"account": account.shown, "rg": account.rg, "subscription": account.subscription}
        return {**shown, **({"denied": True} if account.denied else {}), "containers": containers}

    async def _blob(self, account: str, container: str, element: ElementTree.Element) -> Json:
        path = BlobPath(account, container, element.findtext("Name") or "")
        length = int(element.findtext("Properties/Content-Length") or 0)
        shown: Json = {"name": path.name, "length": length}
        if metadata := {child.tag: child.text or "" for child in element.find("Metadata") or ()}:
            shown["metadata"] = metadata
        if tags := _tags(element.findall("Tags/TagSet/Tag")):
            shown["tags"] = tags
        copy = self._copies.of(path)
        if copy is not None:
            shown["copy"] = {"id": copy.id, "source": copy.source.partition("?")[0], "status": copy.status}
            if copy.status == "pending":
                left = None if copy.ends is None else max(0.0, copy.ends - self._state.clock.now())
                shown["copy"] |= {"outcome": copy.outcome, "seconds": left}
                shown["copy"] |= _told({"progress": copy.stalls_at if left is None else None, "length": copy.length})
        if element.findtext("Properties/BlobType") == "PageBlob":
            shown |= await self._page_blob(path, length, pending=copy is not None and copy.status == "pending")
        elif length <= _LARGEST_TEXT:
            shown |= _decoded(await self._blobs.read(path) if length else b"")
        return shown

    async def _page_blob(self, path: BlobPath, length: int, *, pending: bool) -> Json:
        facts = await self._blobs.head(path)
        if facts is None or not length:
            return {"vhd": {}}
        content = await self._contents.of(path, facts)
        vhd: Json = {"sizeGb": content.size_gb if content.size_gb is not None else length / 1024**3}
        if content.seed is not None:
            vhd["seed"] = content.seed
        # A copy that is under way has no content yet, though Azurite has it already.
        return {"vhd": vhd} if pending else {"vhd": vhd, "digest": content.digest}


def _lab(lab: Lab) -> Json:
    shown: Json = {"name": lab.name, "rg": lab.rg, "location": lab.location, "storage": lab.storage}
    extra = {
        "tags": lab.tags,
        "denied": lab.denied or None,
        "artifacts": lab.artifacts if lab.artifacts != "public" else None,
        "artifactSources": list(lab.artifact_sources) or None,
    }
    return shown | _told(extra)


def _image(image: CustomImage) -> Json:
    shown: Json = {
        "lab": image.lab,
        "rg": image.rg,
        "name": image.name,
        "tags": image.tags,
        "creationDate": image.creation_date,
        "state": image.state,
    }
    vhd = image.body.get("vhd", {})
    extra = {
        "vhdUri": vhd.get("imageName") or None,
        "osType": vhd.get("osType"),
        "sysPrep": vhd.get("sysPrep"),
        "vm": image.body.get("vm"),
        "description": image.body.get("description"),
        "author": image.author,
        "digest": image.digest,
    }
    return shown | _told(extra)


def _told(extra: Json) -> Json:
    """What is said of it, and not left out."""
    return {key: value for key, value in extra.items() if value is not None}


def _tags(elements: Iterable[ElementTree.Element]) -> dict[str, str]:
    return {element.findtext("Key") or "": element.findtext("Value") or "" for element in elements}


def _decoded(data: bytes) -> Json:
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS if data.startswith(mark)), "utf-8")
    try:
        return {"text": data.decode(encoding), "encoding": encoding}
    except UnicodeDecodeError:
        return {}
