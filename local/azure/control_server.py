"""The control API, plain http: what tests and the developer do to the world from outside."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from aiohttp import web

from local.azure.blob_store import BlobPath, BlobStore
from local.azure.clock import iso
from local.azure.faults import Faults
from local.azure.operation_log import OperationLog
from local.azure.resources import Json
from local.azure.state import State
from local.azure.traffic import Traffic
from local.azure.world import WorldError, unwrap_case
from local.azure.world_events import WorldEvents, check_events
from local.azure.world_snapshot import WorldSnapshot


class ControlServer:
    """`replace_world` is the simulator's, because its endpoints change with the world."""

    def __init__(
        self, state: State, blobs: BlobStore, snapshot: WorldSnapshot, faults: Faults, log: OperationLog, traffic: Traffic,
        events: WorldEvents, replace_world: Callable[[Json], Awaitable[Json]],
    ) -> None:  # fmt: skip
        self._state, self._blobs, self._snapshot = state, blobs, snapshot
        self._faults, self._log, self._traffic = faults, log, traffic
        self._events, self._replace_world = events, replace_world

    def application(self) -> web.Application:
        application = web.Application(client_max_size=256 * 1024**2)
        router = application.router
        router.add_get("/__sim/world", self._get_world)
        router.add_put("/__sim/world", self._put_world)
        router.add_get("/__sim/operations", self._get_operations)
        router.add_delete("/__sim/operations", self._delete_operations)
        router.add_get("/__sim/clock", self._get_clock)
        router.add_post("/__sim/clock", self._move_clock)
        router.add_get("/__sim/faults", self._get_faults)
        router.add_post("/__sim/faults", self._add_fault)
        router.add_delete("/__sim/faults", self._clear_faults)
        router.add_post("/__sim/behave", self._behave)
        router.add_get("/__sim/digest", self._digest)
        router.add_post("/__sim/traffic", self._switch_traffic)
        return application

    async def _get_world(self, request: web.Request) -> web.Response:
        del request
        return _json(await self._snapshot.take())

    async def _put_world(self, request: web.Request) -> web.Response:
        try:
            return _json(await self._replace_world(unwrap_case(await request.json())))
        except (WorldError, msgspec.ValidationError) as error:
            return _json({"error": str(error)}, status=400)

    async def _get_operations(self, request: web.Request) -> web.Response:
        del request
        return web.Response(text=self._log.text(), content_type="application/jsonl")

    async def _delete_operations(self, request: web.Request) -> web.Response:
        del request
        self._log.clear()
        return web.Response(status=204)

    async def _get_clock(self, request: web.Request) -> web.Response:
        del request
        now = self._state.clock.now()
        return _json({"now": iso(now), "seconds": now, "speed": self._state.clock.state.speed})

    async def _move_clock(self, request: web.Request) -> web.Response:
        wanted: Json = await request.json()
        if "speed" in wanted:
            self._state.clock.set_speed(float(wanted["speed"]))
        if "advance" in wanted:
            self._state.clock.advance(float(wanted["advance"]))
        self._state.keep_clock()
        await self._state.timeline.settle(self._state.clock.now())
        return await self._get_clock(request)

    async def _get_faults(self, request: web.Request) -> web.Response:
        del request
        return _json(self._faults.faults)

    async def _add_fault(self, request: web.Request) -> web.Response:
        try:
            return _json(self._faults.add(await request.json()))
        except ValueError as error:
            return _json({"error": str(error)}, status=400)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        del request
        self._faults.clear()
        return web.Response(status=204)

    async def _behave(self, request: web.Request) -> web.Response:
        more: Json = await request.json()
        events: list[Json] = more.pop("events", [])
        try:
            check_events(events)
        except WorldError as error:
            return _json({"error": str(error)}, status=400)
        self._events.schedule(events, f"{self._state.clock.now()}")
        self._state.merge_behave(more)
        return _json(self._state.behave)

    async def _digest(self, request: web.Request) -> web.Response:
        await self._state.timeline.settle(self._state.clock.now())
        try:
            path = BlobPath.parse(unquote(urlsplit(request.query["url"]).path))
        except (KeyError, ValueError):
            return _json({"error": "the query needs url=<URL of a blob, without SAS>"}, status=400)
        facts = await self._blobs.head(path)
        copy = self._state.copies.get(path.part, path.name)
        if facts is None or (copy is not None and copy.status == "pending"):
            return _json({"error": f"no such blob, or it is still being copied: {path}"}, status=404)
        return _json({"digest": await self._blobs.digest(path, facts), "length": facts.length})

    async def _switch_traffic(self, request: web.Request) -> web.Response:
        """{"file": path} writes ARM exchanges there from now on, {"file": null} ends it."""
        wanted: Json = await request.json()
        self._traffic.file = Path(wanted["file"]) if wanted.get("file") else None
        return web.Response(status=204)


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
