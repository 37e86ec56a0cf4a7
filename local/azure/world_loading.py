"""A world becomes the state: rows in the store, blobs in Azurite, events on the timeline."""

import asyncio
from typing import Protocol

from local.azure.arm_images import CustomImages
from local.azure.artifact_installs import ArtifactInstalls
from local.azure.blob_store import BlobPath, BlobStore
from local.azure.contents import Contents
from local.azure.disk_exports import EXPORT_ACCOUNT
from local.azure.machine_power import MachinePower
from local.azure.resources import Copy, Grant, Json, entries, section
from local.azure.state import Settings, State
from local.azure.storage_copies import STALLED_AT, StorageCopies
from local.azure.vhd import seeded_uuid, vhd_length
from local.azure.world import SYSTEM_ACCOUNT, SYSTEM_CONTAINERS, World, WorldError, far_future, read_world
from local.azure.world_events import WorldEvents, check_events

_AT_ONCE = 16
_WITH_BOM = {"utf-8-bom": "utf-8-sig", "utf8bom": "utf-8-sig", "unicode": "utf-16"}


class BlobService(Protocol):
    """What keeps the blobs: it serves a fixed set of accounts until it is cleared for others."""

    accounts: frozenset[str]

    async def clear(self, accounts: frozenset[str]) -> None: ...


class WorldLoader:
    """Replaces everything. Nothing of the former world is left, nor of what was written into it."""

    def __init__(
        self, state: State, service: BlobService, blobs: BlobStore, contents: Contents,
        copies: StorageCopies, images: CustomImages, installs: ArtifactInstalls, power: MachinePower, events: WorldEvents,
    ) -> None:  # fmt: skip
        self._state, self._service, self._blobs, self._contents = state, service, blobs, contents
        self._copies, self._images, self._installs = copies, images, installs
        self._power, self._events = power, events
        self.storage = ""

    async def load(self, document: Json) -> None:
        """Raises WorldError: before anything is touched when the world cannot be read, later when a blob cannot be written."""
        world = read_world(document)
        check_events(entries(section(document, "behave"), "events"))
        self._state.clear()
        await self._clear_storage(world)
        with self._state.store.transaction():
            self._keep_resources(world)
            self._state.keep_settings(Settings(document, dict(document.get("behave") or {}), world.factory_lab))
            self._state.keep_clock()
        try:
            await self._write_blobs(document)
        except RuntimeError as error:
            raise WorldError(f"a container or blob of the world cannot be made: {error}") from error
        with self._state.store.transaction():
            self._begin_what_is_under_way(world, document)
            settings = self._state.settings
            self._state.keep_settings(Settings(settings.world, settings.behave, settings.factory_lab, loaded=True))

    async def _clear_storage(self, world: World) -> None:
        accounts = frozenset(account.name for account in world.accounts) | {EXPORT_ACCOUNT}
        if accounts <= self._service.accounts:
            # Emptying is quicker than starting Azurite again.
            for account in self._service.accounts:
                containers = await self._blobs.list_containers(account)
                await asyncio.gather(*(self._blobs.delete_container(account, name) for name in containers))
        else:
            await self._service.clear(accounts | self._service.accounts)

    def _keep_resources(self, world: World) -> None:
        state = self._state
        for subscription in world.subscriptions:
            state.subscriptions.put("", subscription.id, subscription)
        for account in world.accounts:
            state.accounts.put("", account.name, account)
        for lab in world.labs:
            state.labs.put(lab.subscription, f"{lab.rg}/{lab.name}", lab)
        for vm in world.lab_vms:
            state.lab_vms.put(vm.lab_id, vm.name, vm)
        for image, _ in world.images:
            state.images.put(image.lab_id, image.name, image)
        for vm in world.compute_vms:
            state.compute_vms.put(vm.subscription, f"{vm.rg}/{vm.name}", vm)
        for disk, has_sas in world.disks:
            state.disks.put(disk.subscription, f"{disk.rg}/{disk.name}", disk)
            if has_sas:
                state.grants.put("", disk.id, Grant(disk.id, far_future()))
        state.index()

    async def _write_blobs(self, document: Json) -> None:
        for container in SYSTEM_CONTAINERS:
            await self._blobs.create_container(SYSTEM_ACCOUNT, container)
        limit = asyncio.Semaphore(_AT_ONCE)

        async def write(path: BlobPath, blob: Json) -> None:
            async with limit:
                await self._write_blob(path, blob)

        for account in entries(document, "storage"):
            name = str(account["account"]).lower()
            for container in entries(account, "containers"):
                await self._blobs.create_container(name, container["name"])
                blobs = entries(container, "blobs")
                writes = [write(BlobPath(name, container["name"], blob["name"]), blob) for blob in blobs]
                await asyncio.gather(*writes)

    async def _write_blob(self, path: BlobPath, blob: Json) -> None:
        metadata, tags = section(blob, "metadata"), section(blob, "tags")
        text = blob.get("text")
        if text is None and ("vhd" in blob or path.name.lower().endswith(".vhd")):
            if blob.get("length") == 0:
                await self._blobs.put_empty_page_blob(path, 0, metadata, tags)
                return
            seed = str(section(blob, "vhd").get("seed", path.name))
            size_gb = float(section(blob, "vhd").get("sizeGb", 1))
            etag = await self._blobs.put_vhd(path, seed, size_gb, metadata, tags)
            self._contents.record_vhd(path, etag, seed, size_gb)
        else:
            await self._blobs.put_text(path, encoded(text or "", str(blob.get("encoding") or "utf-8")), metadata, tags)

    def _begin_what_is_under_way(self, world: World, document: Json) -> None:
        now = self._state.clock.now()
        self._copies.index()
        self._images.use_storage(self.storage)
        for image, seconds in world.images:
            if image.state == "Creating":
                self._images.resume(image, seconds)
        for vm, seconds in world.installs:
            self._installs.resume(vm, seconds)
        for vm, steps in world.steps:
            self._power.plan(vm, steps)
        self._events.schedule(entries(self._state.behave, "events"), "world")
        for account in entries(document, "storage"):
            for container in entries(account, "containers"):
                for blob in entries(container, "blobs"):
                    if blob.get("copy"):
                        path = BlobPath(str(account["account"]).lower(), container["name"], blob["name"])
                        self._resume_copy(path, blob, now)

    def _resume_copy(self, path: BlobPath, blob: Json, now: float) -> None:
        given: Json = blob["copy"]
        status = str(given.get("status") or "pending").lower()
        seconds = given.get("seconds", 2.0 if "seconds" not in given else None)
        source_url = str(given.get("source") or "")
        source = self._copies.source_path(source_url)
        copy_id = str(given.get("id") or seeded_uuid(f"copy:{path}"))
        self._copies.resume(
            Copy(
                path=str(path),
                id=copy_id,
                source=source_url,
                source_path=str(source) if source else "",
                source_expires=None,
                total=vhd_length(float(section(blob, "vhd").get("sizeGb", 1))),
                started=now,
                ends=None if seconds is None else now + float(seconds),
                outcome=str(given.get("outcome") or "success").lower(),
                status=status,
                pending_etag=f'"0x8{seeded_uuid(copy_id).replace("-", "")[:14].upper()}"',
                finished=None if status == "pending" else now,
                stalls_at=float(given.get("progress", STALLED_AT)),
                length=given.get("length"),
            )
        )


def encoded(text: str, encoding: str) -> bytes:
    """`utf-16` is little-endian with a byte-order mark, as Windows writes it; so are the names that PowerShell uses."""
    name = _WITH_BOM.get(encoding.lower(), encoding.lower())
    if name == "utf-16":
        return b"\xff\xfe" + text.encode("utf-16-le", "surrogatepass")
    return text.encode(name, "surrogatepass")
