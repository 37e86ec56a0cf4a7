"""Blob functions: a container is looked at again and again, whatever the trigger's source (Event Grid is polled here, too)."""

import asyncio
import logging
import os
import re
from collections import Counter
from typing import Any

import requests
from azure.core import MatchConditions
from azure.core.exceptions import AzureError
from azure.functions.blob import InputStream
from azure.storage.blob import BlobProperties, BlobServiceClient, ContainerClient

from local.host.functions import expanded
from local.host.host_credential import HostCredential
from local.host.invocation import FailedInvocation, Invoker
from local.host.store import Store

log = logging.getLogger("local.host")

TRIES = 5
"""As `maxDequeueCount` of the blob trigger: then the blob counts as poison."""


class BlobTrigger:
    """Delivers each version of a blob until the function has taken it; raises KeyError for a setting that is not there."""

    def __init__(self, function: Any, invoker: Invoker, store: Store) -> None:
        trigger = function.get_trigger()
        container, _, pattern = expanded(trigger.path).partition("/")
        self._function, self._invoker, self._store = function, invoker, store
        self._name: str = function.get_function_name()
        self._matches = _pattern(pattern)
        self._container = container_of(trigger.connection, container)
        self._tries: Counter[tuple[str, str]] = Counter()

    async def run(self, every: float) -> None:
        """Look every so many seconds, for ever."""
        silent = False
        while True:
            try:
                await self._look()
                silent = False
            except (AzureError, requests.RequestException) as error:
                if not silent:
                    log.warning("Blob trigger %s cannot look: %s", self._name, type(error).__name__)
                silent = True
            await asyncio.sleep(every)

    async def _look(self) -> None:
        for blob in await asyncio.to_thread(lambda: list(self._container.list_blobs())):
            if self._matches.fullmatch(blob.name) and self._store.receipt(self._name, blob.name) != blob.etag:
                await self._deliver(blob)

    async def _deliver(self, blob: BlobProperties) -> None:
        """The receipt is written after the function's success: a host that dies before delivers again."""
        version = (str(blob.name), str(blob.etag))
        try:
            await self._invoker.call(self._function, await asyncio.to_thread(self._stream, blob))
        except FailedInvocation:
            self._tries[version] += 1
            if self._tries[version] < TRIES:
                return
            log.error("Blob %s is given up: Azure would put it into webjobs-blobtrigger-poison", blob.name)
        self._store.sign(self._name, *version)

    def _stream(self, blob: BlobProperties) -> InputStream:
        """What was listed, or an AzureError when it has changed since: the next look finds it."""
        data: bytes = self._container.download_blob(
            str(blob.name), etag=blob.etag, match_condition=MatchConditions.IfNotModified
        ).readall()
        address = f"{self._container.container_name}/{blob.name}"
        return InputStream(data=data, name=address, uri=f"{self._container.url}/{blob.name}", length=len(data))


def _pattern(text: str) -> re.Pattern[str]:
    """The blob part of a trigger's path: `{name}` stands for anything."""
    parts = re.split(r"(\{\w+\})", text)
    return re.compile("".join(".+" if part.startswith("{") else re.escape(part) for part in parts), re.DOTALL)


def container_of(connection: str, name: str) -> ContainerClient:
    """By identity (`<connection>__blobServiceUri`) or connection string, as on Azure.

    Without retries: the next look is one, and a first look before Azurite is up would sleep for a quarter of a minute.
    """
    if url := os.environ.get(f"{connection}__blobServiceUri"):
        credential = HostCredential(os.environ.get(f"{connection}__clientId"))
        return BlobServiceClient(url, credential=credential, retry_total=0).get_container_client(name)
    text = os.environ.get(connection) or os.environ[f"AzureWebJobs{connection}"]
    return BlobServiceClient.from_connection_string(text, retry_total=0).get_container_client(name)
