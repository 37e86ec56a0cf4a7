"""Start a run, or ring the doorbell of the one that works (`run-protocol.md`, "Run ids and starting", "The blob trigger")."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from shared.azure.labs import factory_lab
from shared.domain.claim import ClaimState
from shared.domain.runs import RunRequest, mint_run_id
from shared.domain.selection import WHOLE, Selection
from shared.durable import Orchestrator
from shared.errors import TransientError
from shared.instances import Client, Instance, begin_instance, get_instance
from shared.journal import REQUEST, RUN, Journal, read_claim, write_claim
from shared.settings import settings

UNDECIDED_AFTER = 20.0
"""Seconds that a starter looks whether its run or another one came to life."""

ENDING_FOR = 30.0
"""Seconds that an uploader's start may be refused because the run before is just ending."""


@dataclass(frozen=True)
class Start:
    """What came of a start: `run_id` is the run that works; `accepted` says whether it is the one asked for."""

    accepted: bool
    run_id: str


def instance_id() -> str:
    """The factory has one instance; a second start of it is refused while it is alive."""
    return f"factory-{settings().factory}"


def run_of(instance: Instance) -> str:
    """The run id that an instance of the factory works on; empty when it has none."""
    return str(instance.input.get("runId", ""))


async def start_run(
    client: Client,
    factory_run: Orchestrator[RunRequest, Any],
    lanes: int | None = None,
    selection: Selection = WHOLE,
) -> Start:
    """Start a run and look what came of it: eight simultaneous starts may all be accepted, with one execution.

    A selection travels in the run's journal, written before the run can begin: it may be too long for the engine. That of a start
    which is refused stays there, and is no run: the app has no right to delete anything of a journal.
    """
    read = await asyncio.to_thread(lambda: read_claim(factory_lab().account))
    after = read.claim.run if read.claim else ""
    run_id = mint_run_id(datetime.now(UTC), uuid4().hex, after)
    journal, request = Journal(run_id), RunRequest(run_id, lanes, selective=not selection.is_whole)
    if request.selective:
        await asyncio.to_thread(journal.write, REQUEST, selection)
    if not await begin_instance(client, factory_run, instance_id(), request):
        return Start(False, run_of(await get_instance(client, instance_id())))
    until = time.monotonic() + UNDECIDED_AFTER
    while time.monotonic() < until:
        if await asyncio.to_thread(journal.has, RUN):
            break
        instance = await get_instance(client, instance_id())
        if instance.alive and run_of(instance) not in ("", run_id):
            return Start(False, run_of(instance))
        await asyncio.sleep(0.5)
    return Start(True, run_id)


async def configuration_arrived(client: Client, factory_run: Orchestrator[RunRequest, Any], etag: Any) -> None:
    """See to it that some run reads the configuration as it is now; `etag()` tells its ETag.

    Nothing happens for one that a run has seen (a repeated or late event). A run that works is rung: it finds the claim changed
    when it releases and goes on with the next run. Otherwise a run is started. Raises TransientError when neither could be
    done, so that the host delivers the event again.
    """
    until = time.monotonic() + ENDING_FOR
    while True:
        now = await asyncio.to_thread(etag)
        account = (await asyncio.to_thread(factory_lab)).account
        read = await asyncio.to_thread(read_claim, account)
        if not now or (read.claim is not None and read.claim.seen_etag == now):
            return
        if read.claim is not None and read.claim.state is ClaimState.HELD:
            if await asyncio.to_thread(write_claim, account, read.claim.ring(), read):
                return
        elif (await start_run(client, factory_run)).accepted:
            return
        if time.monotonic() > until:
            raise TransientError("StartRefused", "The upload starts no run yet: the run before it does not end.")
        await asyncio.sleep(2)
