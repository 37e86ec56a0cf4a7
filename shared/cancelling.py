"""Cancel a run: a mark on the claim, which everything that would begin something meets (decision 5)."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from shared.azure.labs import factory_lab
from shared.domain.outcomes import RunState
from shared.errors import TransientError
from shared.instances import Client, get_instance
from shared.journal import read_claim, write_claim
from shared.starting import instance_id
from shared.watching import RunStatus, run_status

STARTING_FOR = 20.0
"""Seconds that a run which was just started may take to its claim."""


async def cancel_run(client: Client, run_id: str) -> RunStatus:
    """See to it that the run begins nothing more; answers how it is. A second cancel, or one of a run that has ended, does nothing.

    Raises MissingError for a run that nobody knows, TransientError `RunStarting` for one that has no claim yet to mark.
    """
    until = time.monotonic() + STARTING_FOR
    while True:
        instance = await get_instance(client, instance_id())
        status = await asyncio.to_thread(run_status, run_id, instance)
        if status.state is not RunState.RUNNING:
            return status
        if await asyncio.to_thread(_mark, run_id):
            return replace(status, cancelling=True)
        if time.monotonic() > until:
            raise TransientError("RunStarting", f"Run {run_id} does not hold the claim yet.", timedelta(seconds=10))
        await asyncio.sleep(0.5)


def _mark(run_id: str) -> bool:
    """False when the claim is not the run's, or changed meanwhile: then look again."""
    account = factory_lab().account
    read = read_claim(account)
    if read.claim is None or not read.claim.held_by(run_id):
        return False
    return read.claim.cancelled or write_claim(account, read.claim.cancel(), read)
