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

from local.azure.azurite import Azurite
from local.azure.blob_store import BlobStore
from local.azure.certificates import ensure_certificates
from local.azure.control_server import ControlServer
from local.azure.disk_exports import EXPORT_ACCOUNT
from local.azure.operation_log import OperationLog
from local.azure.parts import Addresses, Parts
from local.azure.resources import Json
from local.azure.state import State
from local.azure.store import Store
from local.azure.traffic import Traffic
from local.azure.world import SYSTEM_ACCOUNT

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
        state = self._state
        self._blobs = blobs = BlobStore(self._azurite, self._certificates)
        addresses = Addresses(f"https://127.0.0.1:{self._ports['arm']}", f"https://127.0.0.1:{self._ports['storage']}")
        traffic = Traffic(self._options.traffic)
        parts = Parts(state, self._azurite, blobs, self._log, addresses, traffic=traffic)
        self._loader = parts.loader
        control = ControlServer(
            state, blobs, parts.snapshot, parts.faults, self._log, traffic, parts.events, self.replace_world
        )
        # The front first: Azurite reads copy sources through it.
        await self._serve(parts.front.application(), "storage", encrypted=True)
        if state.settings.loaded:
            accounts = frozenset(account.name for account in state.accounts.part(""))
            await self._azurite.start(accounts | {EXPORT_ACCOUNT})
        else:
            await self._loader.load(self._options.world)
        await self._serve(parts.arm.application(), "arm", encrypted=True)
        await self._serve(parts.identity.application(), "identity", encrypted=False)
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
