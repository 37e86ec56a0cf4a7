"""The host's command: `python -m local.host --app FOLDER --store FILE [--port P]`."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from local.host.clock import RealClock, VirtualClock
from local.host.durable_api import DurableApi, client_binding
from local.host.functions import Worker, durable_functions, load
from local.host.hub import Hub
from local.host.store import Store
from local.host.triggers import http_routes, run_blobs, run_timer

Handler = Callable[[web.Request], Awaitable[web.Response]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="local.host", description="Run a function app on the embedded host.")
    parser.add_argument("--app", type=Path, required=True, help="folder with function_app.py")
    parser.add_argument("--store", type=Path, required=True, help="SQLite file of the task hub")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--ready", type=Path, help="file to write the address to once the host answers")
    parser.add_argument("--polling-seconds", type=float, default=1.0, help="how often blobs are looked at; 0: never")
    parser.add_argument("--virtual", metavar="CONTROL", help="virtual time, told to the simulator at this address, or \"alone\"")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("local.host").setLevel(logging.INFO)
    asyncio.run(serve(arguments))
    sys.stderr.flush()
    os._exit(0)  # activities that still run are abandoned, as when a host is taken away


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    functions = load(arguments.app.resolve())
    alone = arguments.virtual == "alone"
    clock = VirtualClock(None if alone else arguments.virtual) if arguments.virtual else RealClock()
    store = Store(arguments.store)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    application = web.Application(client_max_size=100 * 2**20)
    runner = web.AppRunner(application)
    # The port is needed before the hub is: what it resumes may call back at once.
    listener = socket.create_server(("127.0.0.1", arguments.port))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    hub = Hub(durable_functions(functions), store, clock)
    worker = Worker(client_binding(base))
    application.add_routes(DurableApi(hub).routes())
    application.add_routes([web.get("/__host/metrics", _metrics(hub)), web.get("/__host/history", _history(store))])
    for function in functions:
        if function.get_trigger().type == "httpTrigger":
            application.add_routes(http_routes(function, worker, hub))
    await runner.setup()
    await web.SockSite(runner, listener).start()
    jobs = _jobs(functions, worker, hub, store, arguments.polling_seconds)
    if arguments.ready:
        arguments.ready.write_text(base, "utf-8")
    await stopped.wait()
    hub.stop()
    for job in jobs:
        job.cancel()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(runner.cleanup(), 2)


def _jobs(functions: list[Any], worker: Worker, hub: Hub, store: Store, polling: float) -> list[asyncio.Task[None]]:
    loop = asyncio.get_running_loop()
    jobs: list[asyncio.Task[None]] = []
    for function in functions:
        kind = function.get_trigger().type
        if kind == "timerTrigger":
            jobs.append(loop.create_task(run_timer(function, worker, hub)))
        if kind == "blobTrigger" and polling > 0:
            jobs.append(loop.create_task(run_blobs(function, worker, hub, store, polling)))
    return jobs


def _metrics(hub: Hub) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(hub.metrics.as_json())

    return answer


def _history(store: Store) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="\n".join(store.everything()))

    return answer


if __name__ == "__main__":
    main()
