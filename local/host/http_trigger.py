"""HTTP functions, served without a key."""

import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import azure.functions as func
from aiohttp import web
from azure.functions.http import HttpRequest, HttpResponseConverter

from local.host.invocation import FailedInvocation, Invoker

log = logging.getLogger("local.host")


def http_routes(function: Any, prefix: str, invoker: Invoker) -> Iterator[web.RouteDef]:
    """The routes of one HTTP function; none for what Microsoft's host keeps for itself."""
    trigger = function.get_trigger()
    route = (trigger.route or function.get_function_name()).strip("/")
    if re.match(r"admin(/|\Z)", route, re.IGNORECASE):
        log.error("The route '%s' is refused: Microsoft's host keeps admin/ for itself", route)
        return
    for path in aiohttp_paths(f"{prefix}/{route}" if prefix else route):
        for method in trigger.methods or ["GET", "POST"]:
            yield web.route(getattr(method, "value", method), path, _handler(function, invoker))


def aiohttp_paths(route: str) -> list[str]:
    """A route of Functions as aiohttp's: `{a}`, `{a:int}`, `{a?}` (with and without it), `{*rest}`."""
    paths = [""]
    for segment in route.split("/"):
        found = re.fullmatch(r"\{(\*?)(\w+)(?::(\w+))?(\??)\}", segment)
        if found is None:
            paths = [f"{path}/{segment}" for path in paths]
            continue
        pattern = ":.*" if found[1] else r":\d+" if found[3] in ("int", "long") else ""
        longer = [f"{path}/{{{found[2]}{pattern}}}" for path in paths]
        paths = [*paths, *longer] if found[4] else longer
    return paths


def _handler(function: Any, invoker: Invoker) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        received = HttpRequest(
            method=request.method,
            url=str(request.url),
            headers=dict(request.headers),
            params=dict(request.query),
            route_params=dict(request.match_info),
            body_type="bytes",
            body=await request.read(),
        )
        try:
            return _response(await invoker.call(function, received))
        except FailedInvocation:
            return web.Response(status=500)

    return handle


def _response(answer: Any) -> web.Response:
    """As the worker's own converter reads it."""
    if not isinstance(answer, func.HttpResponse):
        return web.Response(text="" if answer is None else str(answer))
    converter: Any = HttpResponseConverter
    parts = converter.encode(answer, expected_type=None).value
    headers = {name: value.value for name, value in parts["headers"].items()}
    return web.Response(status=int(parts["status_code"].value), body=parts["body"].value, headers=headers)
