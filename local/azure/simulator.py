"""The simulator put together: one process, its servers, and the folder it lives in."""

import asyncio
import json
import os
import random
import signal
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from local.azure.arm_artifacts import ArtifactSources
from local.azure.arm_disks import Disks
from local.azure.arm_images import CustomImages
from local.azure.arm_lab_vms import LabVms
from local.azure.arm_labs import Labs
from local.azure.arm_operations import Operations
from local.azure.arm_routes import arm_routes
from local.azure.arm_server import ArmServer
from local.azure.arm_tenant import Tenant
from local.azure.arm_virtual_machines import VirtualMachines
from local.azure.artifact_installs import ArtifactInstalls
from local.azure.azurite import Azurite
from local.azure.blob_store import BlobStore
from local.azure.certificates import ensure_certificates
from local.azure.contents import Contents
from local.azure.control_server import ControlServer
from local.azure.deletions import Deletions
from local.azure.disk_exports import EXPORT_ACCOUNT, DiskExports
from local.azure.faults import Faults
from local.azure.identity_server import IdentityServer
from local.azure.image_source_vms import ImageSourceVms
from local.azure.machine_power import MachinePower
from local.azure.operation_log import OperationLog
from local.azure.resources import Json
from local.azure.state import State
from local.azure.storage_access import StorageAccess
from local.azure.storage_copies import StorageCopies
from local.azure.storage_front import StorageFront
from local.azure.store import Store
from local.azure.traffic import Traffic
from local.azure.world import SYSTEM_ACCOUNT
from local.azure.world_events import WorldEvents
from local.azure.world_loading import WorldLoader
from local.azure.world_snapshot import WorldSnapshot

_PORTS = ("arm", "identity", "storage", "control", "azurite")
# Below the ports that systems give to outgoing connections: ours must still be free after a restart.
_PORT_RANGE = range(18000, 32000)


@dataclass(frozen=True)
class Options:
    """`world` is the world (or case) to begin with; a folder that has one already goes on with its own."""

    folder: Path
    world: Json
    authentic: bool = False
    traffic: Path | None = None


async def run(options: Options) -> None:
    """Serve until SIGTERM or SIGINT. `endpoints.json` is there as long as everything answers."""
    endpoints = options.folder / "endpoints.json"
    options.folder.mkdir(parents=True, exist_ok=True)
    endpoints.unlink(missing_ok=True)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    simulator = Simulator(options)
    try:
        await simulator.start()
        await stop.wait()
    finally:
        endpoints.unlink(missing_ok=True)
        await simulator.stop()


class Simulator:
    """Every part, wired once."""

    def __init__(self, options: Options) -> None:
        self._options, folder = options, options.folder
        ports = _ensure_ports(folder / "ports.json")
        self._ports = ports
        self._certificates = ensure_certificates(folder / "pki")
        self._store = Store(folder / "state.db")
        self._state = State(self._store, authentic=options.authentic)
        self._azurite = Azurite(folder / "azurite", ports["azurite"], self._certificates)
        self._log = OperationLog(folder / "operations.jsonl", self._state.clock)
        self._runners: list[web.AppRunner] = []

    async def start(self) -> None:
        state, storage = self._state, f"https://127.0.0.1:{self._ports['storage']}"
        faults, traffic = Faults(), Traffic(self._options.traffic)
        self._blobs = blobs = BlobStore(self._azurite, self._certificates)
        contents = Contents(state, blobs)
        exports = DiskExports(state, blobs, contents)
        copies = StorageCopies(state, blobs, contents, exports)
        labs, operations = Labs(state), Operations(state)
        power = MachinePower(state, exports)
        lab_vms, installs = LabVms(state, operations, power, labs), ArtifactInstalls(state, operations, power)
        images = CustomImages(state, operations, labs, blobs, contents, ImageSourceVms(state, power))
        vms, disks = VirtualMachines(state, operations, power), Disks(state, operations, power, exports, copies)
        deletions = Deletions(state, blobs, operations, power, exports, copies, images)
        events = WorldEvents(state, power, deletions)
        self._loader = WorldLoader(state, self._azurite, blobs, contents, copies, images, installs, power, events)
        copies.storage = exports.storage = self._loader.storage = storage
        images.use_storage(storage)
        sources, tenant = ArtifactSources(state, labs), Tenant(state)
        routes = arm_routes(tenant, labs, lab_vms, installs, sources, images, vms, disks, operations)
        arm = ArmServer(state, routes, faults, self._log, traffic)
        arm.base = f"https://127.0.0.1:{self._ports['arm']}"
        front = StorageFront(state, blobs, copies, images, StorageAccess(state, exports), faults, self._log)
        snapshot = WorldSnapshot(state, blobs, contents, copies, exports, power, installs)
        control = ControlServer(state, blobs, snapshot, faults, self._log, traffic, events, self.replace_world)
        # The front first: Azurite reads copy sources through it.
        await self._serve(front.application(), "storage", encrypted=True)
        if state.settings.loaded:
            accounts = frozenset(account.name for account in state.accounts.part(""))
            await self._azurite.start(accounts | {EXPORT_ACCOUNT})
        else:
            await self._loader.load(self._options.world)
        await self._serve(arm.application(), "arm", encrypted=True)
        await self._serve(IdentityServer(faults, self._log).application(), "identity", encrypted=False)
        await self._serve(control.application(), "control", encrypted=False)
        self._write_endpoints()

    async def stop(self) -> None:
        for runner in reversed(self._runners):
            await runner.cleanup()
        if hasattr(self, "_blobs"):
            await self._blobs.close()
        await self._azurite.stop()
        self._log.close()
        self._store.close()

    async def replace_world(self, world: Json) -> Json:
        """Forget everything and begin with this world; returns the endpoints, whose factory lab is another one now."""
        await self._loader.load(world)
        return dict(self._write_endpoints())

    def _write_endpoints(self) -> Mapping[str, object]:
        endpoints: dict[str, object] = {
            "arm": f"https://127.0.0.1:{self._ports['arm']}",
            "identity": f"http://127.0.0.1:{self._ports['identity']}/msi/token",
            "storage": f"https://127.0.0.1:{self._ports['storage']}",
            "control": f"http://127.0.0.1:{self._ports['control']}",
            "caBundle": str(self._certificates.bundle.resolve()),
            "factoryLabId": self._state.settings.factory_lab,
            "configurationAccount": SYSTEM_ACCOUNT,
            "journalAccount": SYSTEM_ACCOUNT,
            "pid": os.getpid(),
        }
        target = self._options.folder / "endpoints.json"
        draft = target.with_suffix(".tmp")
        draft.write_text(json.dumps(endpoints, indent=2))
        draft.replace(target)
        return endpoints

    async def _serve(self, application: web.Application, name: str, *, encrypted: bool) -> None:
        runner = web.AppRunner(application, access_log=None, auto_decompress=False)
        await runner.setup()
        self._runners.append(runner)
        context = self._certificates.server_context() if encrypted else None
        await web.TCPSite(runner, "127.0.0.1", self._ports[name], ssl_context=context, shutdown_timeout=1).start()


def _ensure_ports(file: Path) -> dict[str, int]:
    """Chosen once: URLs with these ports live on in the world."""
    if not file.exists():
        ports: dict[str, int] = {}
        while len(ports) < len(_PORTS):
            port = random.choice(_PORT_RANGE)
            if port not in ports.values() and _is_free(port):
                ports[_PORTS[len(ports)]] = port
        file.write_text(json.dumps(ports))
    return json.loads(file.read_text())


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
