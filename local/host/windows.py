"""What tests and the benchmark may look at from outside: /__host/metrics and /__host/history."""

import asyncio

from aiohttp import web

from local.host.hub import Hub
from local.host.store import Store


def window_routes(hub: Hub, store: Store) -> list[web.RouteDef]:
    async def metrics(_: web.Request) -> web.Response:
        return web.json_response(hub.metrics.as_json())

    async def history(_: web.Request) -> web.Response:
        """Everything that is stored of orchestrations, as text: for whoever looks for secrets in it."""
        return web.Response(text=await asyncio.to_thread(lambda: "\n".join(store.everything())))

    return [web.get("/__host/metrics", metrics), web.get("/__host/history", history)]
