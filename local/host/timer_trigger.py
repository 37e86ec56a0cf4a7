"""Timer functions, on real time."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Any

from azure.functions.timer import TimerRequest
from croniter import croniter

from local.host.functions import expanded
from local.host.invocation import FailedInvocation, Invoker


def schedule_of(function: Any, now: datetime) -> Any:
    """The due times after `now` (NCRONTAB: seconds first); raises KeyError or ValueError for a schedule that is none."""
    return croniter(expanded(function.get_trigger().schedule), now, second_at_beginning=True)


async def run_timer(function: Any, invoker: Invoker) -> None:
    """Call the function at each due time, for ever; times that were missed are skipped, as the host does."""
    schedule = schedule_of(function, datetime.now(UTC))
    if getattr(function.get_trigger(), "run_on_startup", False):
        await _call(function, invoker, past_due=False)
    while True:
        due: datetime = schedule.get_next(datetime)
        await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
        await _call(function, invoker, past_due=(datetime.now(UTC) - due).total_seconds() > 1)
        if due < datetime.now(UTC):
            schedule.set_current(datetime.now(UTC))


async def _call(function: Any, invoker: Invoker, past_due: bool) -> None:
    with contextlib.suppress(FailedInvocation):
        await invoker.call(function, TimerRequest(past_due=past_due))
