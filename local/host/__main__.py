"""The host's command: `python -m local.host --app FOLDER --store FILE [--port P]`."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

from local.host.clock import Clock, RealClock, SimulatorsClock, VirtualClock
from local.host.durable_api import DurableApi, client_binding
from local.host.functions import App, Worker, load
from local.host.hub import Hub
from local.host.invocation import Invoker
from local.host.misbehaviour import Misbehaviour
from local.host.store import Store
from local.host.triggers import Triggers
from local.host.windows import window_routes

log = logging.getLogger("local.host")

ALONE = "alone"
_LARGEST_REQUEST = 100 * 2**20
_STOPS_WITHIN = 2.0
_NOISY = ("azure", "aiohttp", "asyncio", "urllib3", "msal")


def main() -> None:
    parser = argparse.ArgumentParser(prog="local.host", description="Run a function app on the embedded host.")
    parser.add_argument("--app", type=Path, required=True, help="folder with function_app.py and host.json")
    parser.add_argument("--store", type=Path, required=True, help="SQLite file of the task hub")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--ready", type=Path, help="file to write the address to once the host answers")
    parser.add_argument("--polling-seconds", type=float, default=1.0, help="how often blobs are looked at; 0: never")
    parser.add_argument("--virtual", metavar="CONTROL", help=f"virtual time, in step with this simulator, or '{ALONE}'")
    parser.add_argument("--misbehave", type=int, metavar="SEED", help="repeat and lose activities, reproducibly")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    asyncio.run(serve(arguments))
    sys.stderr.flush()
    os._exit(0)  # activities that still run are abandoned, as when a host is taken away


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    app = load(arguments.app.resolve())
    store = Store(arguments.store)
    hub = Hub(
        app.durable(),
        store,
        _clock(arguments.virtual),
        version=app.default_version,
        misbehaviour=Misbehaviour(arguments.misbehave),
    )
    listener = socket.create_server(("127.0.0.1", arguments.port))
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    triggers = Triggers(app, Invoker(Worker(client_binding(base)), hub.agenda), store)
    runner = web.AppRunner(_application(app, hub, store, triggers), access_log=None)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    # Only now, when it answers: what the hub resumes may call back at once.
    hub.begin()
    jobs = triggers.begin(arguments.polling_seconds)
    log.info("%s on %s, %d functions", arguments.app.resolve().name, base, len(app.functions))
    if arguments.ready:
        arguments.ready.write_text(base, "utf-8")
    await stopped.wait()
    hub.stop()
    for job in jobs:
        job.cancel()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(runner.cleanup(), _STOPS_WITHIN)
    log.info("stopped")


def _application(app: App, hub: Hub, store: Store, triggers: Triggers) -> web.Application:
    application = web.Application(client_max_size=_LARGEST_REQUEST)
    application.add_routes(DurableApi(hub).routes())
    application.add_routes(window_routes(hub, store))
    application.add_routes(triggers.routes(app.route_prefix))
    return application


def _clock(virtual: str | None) -> Clock:
    if virtual is None:
        return RealClock()
    return VirtualClock() if virtual == ALONE else SimulatorsClock(virtual)


if __name__ == "__main__":
    main()
