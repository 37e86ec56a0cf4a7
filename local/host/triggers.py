"""What calls the app from outside: HTTP routes, timers, blobs that were uploaded."""

import asyncio
import logging
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import requests
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError
from azure.functions.blob import InputStream
from azure.functions.http import HttpRequest, HttpResponseConverter
from azure.functions.timer import TimerRequest
from azure.storage.blob import BlobServiceClient, ContainerClient
from croniter import croniter

from local.host.functions import Worker, expanded
from local.host.hub import Hub
from local.host.store import Store

log = logging.getLogger("local.host")
BLOB_TRIES = 5


# --- HTTP


def http_routes(function: Any, worker: Worker, hub: Hub) -> Iterator[web.RouteDef]:
    """The routes of one HTTP function; none for what Microsoft's host refuses."""
    trigger = function.get_trigger()
    route = trigger.route or function.get_function_name()
    if route.startswith("admin"):
        log.error("The route '%s' is refused: Microsoft's host keeps admin/ for itself", route)
        return
    for path in _paths(route):
        for method in trigger.methods or ["GET", "POST"]:
            yield web.route(getattr(method, "value", method), "/api" + path, _handler(function, worker, hub))


def _paths(route: str) -> list[str]:
    """A route of Functions as aiohttp's: `{a}`, `{a:int}`, `{a?}`, `{*rest}`."""
    paths = [""]
    for segment in route.strip("/").split("/"):
        found = re.fullmatch(r"\{(\*?)(\w+)(?::(\w+))?(\??)\}", segment)
        if found is None:
            paths = [f"{path}/{segment}" for path in paths]
            continue
        pattern = ":.*" if found[1] else r":\d+" if found[3] in ("int", "long") else ""
        longer = [f"{path}/{{{found[2]}{pattern}}}" for path in paths]
        paths = [*paths, *longer] if found[4] else longer
    return paths


def _handler(function: Any, worker: Worker, hub: Hub) -> Any:
    async def handle(request: web.Request) -> web.Response:
        sent = HttpRequest(
            method=request.method,
            url=str(request.url),
            headers=dict(request.headers),
            params=dict(request.query),
            route_params=dict(request.match_info),
            body_type="bytes",
            body=await request.read(),
        )
        hub.working(+1)
        try:
            answer = await worker.call(function, sent)
        except Exception:
            log.exception("Function %s failed", function.get_function_name())
            return web.Response(status=500)
        finally:
            hub.working(-1)
        return _answered(answer)

    return handle


def _answered(answer: Any) -> web.Response:
    if not isinstance(answer, func.HttpResponse):
        return web.Response(text="" if answer is None else str(answer))
    converter: Any = HttpResponseConverter
    parts = converter.encode(answer, expected_type=None).value
    headers = {name: value.value for name, value in parts["headers"].items()}
    return web.Response(status=int(parts["status_code"].value), body=parts["body"].value, headers=headers)


# --- Timers


async def run_timer(function: Any, worker: Worker, hub: Hub) -> None:
    """Call the function at each due time; times that were missed are skipped, as the host does."""
    trigger = function.get_trigger()
    schedule = croniter(expanded(trigger.schedule), datetime.now(UTC), second_at_beginning=True)
    if getattr(trigger, "run_on_startup", False):
        await _call(function, worker, hub, TimerRequest(past_due=False))
    while True:
        due: datetime = schedule.get_next(datetime)
        await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
        late = (datetime.now(UTC) - due).total_seconds() > 1
        await _call(function, worker, hub, TimerRequest(past_due=late))
        if due < datetime.now(UTC):
            schedule.set_current(datetime.now(UTC))


# --- Blobs


async def run_blobs(function: Any, worker: Worker, hub: Hub, store: Store, every: float) -> None:
    """Call the function once for each blob and ETag; one that raises is tried again, in the end it is given up."""
    trigger = function.get_trigger()
    container_name, _, pattern = expanded(trigger.path).partition("/")
    matches = re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(pattern)) + r"\Z", re.DOTALL)
    container = _container(trigger.connection, container_name)
    name, tries = function.get_function_name(), dict[str, int]()
    while True:
        try:
            blobs = await asyncio.to_thread(lambda: list(container.list_blobs()))
            for blob in blobs:
                if matches.match(blob.name) and store.receipt(name, blob.name) != blob.etag:
                    await _deliver(function, worker, hub, store, container, blob, tries)
        except (AzureError, requests.RequestException) as error:
            log.debug("Blob trigger %s: %s", name, error)
        await asyncio.sleep(every)


async def _deliver(
    function: Any, worker: Worker, hub: Hub, store: Store, container: ContainerClient, blob: Any, tries: dict[str, int]
) -> None:
    data = await asyncio.to_thread(lambda: container.download_blob(blob.name).readall())
    stream = InputStream(
        data=data, name=f"{container.container_name}/{blob.name}", uri=f"{container.url}/{blob.name}", length=len(data)
    )
    delivered = await _call(function, worker, hub, stream)
    tries[blob.name] = 0 if delivered else tries.get(blob.name, 0) + 1
    if delivered or tries[blob.name] >= BLOB_TRIES:
        if not delivered:
            log.error("Blob %s is given up: Azure would put it into webjobs-blobtrigger-poison", blob.name)
        store.sign(function.get_function_name(), blob.name, blob.etag)


def _container(connection: str, name: str) -> ContainerClient:
    """By connection string, or by identity as Azure's `<connection>__blobServiceUri`. Without retries: polling repeats."""
    if url := os.environ.get(f"{connection}__blobServiceUri"):
        service = BlobServiceClient(url, credential=HostCredential(), retry_total=0)
    else:
        service = BlobServiceClient.from_connection_string(os.environ[connection], retry_total=0)
    return service.get_container_client(name)


class HostCredential:
    """The host's own token from the managed-identity endpoint (App Service protocol).

    With HOST_IDENTITY_HEADER it asks under a name of its own: then the simulator's log tells its polling from the app's calls.
    """

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        header = os.environ.get("HOST_IDENTITY_HEADER") or os.environ["IDENTITY_HEADER"]
        resource = scopes[0].removesuffix("/.default")
        answer = requests.get(
            os.environ["IDENTITY_ENDPOINT"],
            params={"api-version": "2019-08-01", "resource": resource},
            headers={"X-IDENTITY-HEADER": header},
            timeout=10,
        )
        answer.raise_for_status()
        token = answer.json()
        return AccessToken(token["access_token"], int(token["expires_on"]))


async def _call(function: Any, worker: Worker, hub: Hub, value: Any) -> bool:
    hub.working(+1)
    try:
        await worker.call(function, value)
    except Exception:
        log.exception("Function %s failed", function.get_function_name())
        return False
    finally:
        hub.working(-1)
    return True
