"""What calls the app from outside: HTTP routes, timers, blobs that were uploaded."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from local.host.blob_trigger import BlobTrigger
from local.host.functions import ACTIVITY, ORCHESTRATOR, App
from local.host.http_trigger import http_routes
from local.host.invocation import Invoker
from local.host.store import Store
from local.host.timer_trigger import run_timer, schedule_of

log = logging.getLogger("local.host")

HTTP, TIMER, BLOB = "httpTrigger", "timerTrigger", "blobTrigger"


class Triggers:
    def __init__(self, app: App, invoker: Invoker, store: Store) -> None:
        self._app, self._invoker, self._store = app, invoker, store

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """The routes of all HTTP functions."""
        functions = self._app.triggered_by(HTTP)
        return [route for function in functions for route in http_routes(function, prefix, self._invoker)]

    def begin(self, polling_seconds: float) -> list[asyncio.Task[None]]:
        """Start the timers and, unless `polling_seconds` is 0, the blob triggers. A function in error is logged and left out."""
        for function in self._app.functions:
            if (kind := function.get_trigger().type) not in (HTTP, TIMER, BLOB, ORCHESTRATOR, ACTIVITY):
                log.error("Function %s is left out: the embedded host has no %s", function.get_function_name(), kind)
        return [asyncio.get_running_loop().create_task(job) for job in self._jobs(polling_seconds)]

    def _jobs(self, polling_seconds: float) -> Iterator[Coroutine[Any, Any, None]]:
        for function in self._app.triggered_by(TIMER):
            try:
                schedule_of(function, datetime.now(UTC))
                yield run_timer(function, self._invoker)
            except (KeyError, ValueError) as error:
                _left_out(function, error)
        for function in self._app.triggered_by(BLOB) if polling_seconds else ():
            try:
                yield BlobTrigger(function, self._invoker, self._store).run(polling_seconds)
            except (KeyError, ValueError) as error:
                _left_out(function, error)


def _left_out(function: Any, error: Exception) -> None:
    log.error("Function %s is in error: %s: %s", function.get_function_name(), type(error).__name__, error)
