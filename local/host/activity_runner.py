"""Run activities on threads of their own, as the worker runs them: JSON in, JSON out, a failure as text."""

import asyncio
import inspect
import json
import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from azure.functions import _durable_functions as codec  # pyright: ignore[reportPrivateUsage]

from local.host.agenda import Agenda
from local.host.clock import Clock
from local.host.functions import DurableFunction
from local.host.kill_points import Reached
from local.host.metrics import Metrics
from local.host.misbehaviour import Misbehaviour, Mischief
from local.host.pools import Pool

log = logging.getLogger("local.host")


class Result(NamedTuple):
    """What an activity came to: JSON text, or why it failed, in the extension's words."""

    value: str | None = None
    failure: str | None = None


Reply = Callable[[Result], None]
DIED = "python exited with code 137"


class ActivityRunner:
    """Sixteen at once, as `maxConcurrentActivityFunctions` and the worker's threads allow on Azure."""

    def __init__(
        self,
        agenda: Agenda,
        clock: Clock,
        metrics: Metrics,
        misbehaviour: Misbehaviour,
        pool: Pool,
        points: Reached,
    ) -> None:
        self._agenda, self._clock, self._metrics, self._misbehaviour = agenda, clock, metrics, misbehaviour
        self._threads, self._points = pool, points

    def run(self, function: DurableFunction, text: str | None, reply: Reply) -> None:
        """Begin an activity; `reply` hears of its end, more than once if the host was told to misbehave."""
        mischief = self._misbehaviour.next()
        if mischief is Mischief.DELAYED:
            due = self._clock.now() + self._misbehaviour.delay()
            self._agenda.add(due, lambda: self._submit(function, text, reply))
            return
        self._submit(function, text, reply, mischief)
        if mischief is Mischief.TWICE_AT_ONCE:
            self._submit(function, text, reply)
        if mischief is Mischief.AGAIN_LATER:
            later = self._clock.now() + self._misbehaviour.pause()
            self._agenda.add(later, lambda: self._submit(function, text, reply))

    def stop(self) -> None:
        """Begin none any more; those that run are abandoned."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _submit(
        self, function: DurableFunction, text: str | None, reply: Reply, mischief: Mischief | None = None
    ) -> None:
        self._agenda.begin_work()
        try:
            self._threads.submit(self._work, function, text, reply, mischief)
        except RuntimeError:  # the host is stopping
            self._agenda.end_work()

    def _work(self, function: DurableFunction, text: str | None, reply: Reply, mischief: Mischief | None) -> None:
        try:
            result = self._called(function, text)
            if mischief is Mischief.RESULT_LOST:
                result = self._called(function, text)
            if mischief is Mischief.WORKER_DIED:
                result = Result(failure=_failure(function.name, f"Exception: {DIED}"))
            reply(result)
            if mischief is Mischief.ANSWERED_AGAIN:
                self._agenda.add(self._clock.now() + self._misbehaviour.pause(), lambda: reply(result))
        except Exception:
            log.exception("The host itself failed at activity %s", function.name)
        finally:
            self._agenda.end_work()

    def _called(self, function: DurableFunction, text: str | None) -> Result:
        self._points.reach("before", function.name)
        begun = time.monotonic()
        try:
            value = function.call(**{function.parameter: _decoded(text)})
            if inspect.isawaitable(value):
                value = asyncio.run(_awaited(value))
            encoded: str = codec.df_dumps(value)
        except Exception as error:
            log.warning("Activity %s failed: %s", function.name, type(error).__name__)
            return Result(failure=_failure(function.name, f"{type(error).__name__}: {error}"))
        self._points.reach("after", function.name)
        self._metrics.activity(function.name, time.monotonic() - begun)
        return Result(value=encoded)


def _decoded(text: str | None) -> Any:
    try:
        return codec.df_loads(text) if text else None
    except json.JSONDecodeError:
        return text


async def _awaited(value: Any) -> Any:
    return await value


def _failure(name: str, what: str) -> str:
    # Two blanks, as the extension writes it.
    return f"Activity function '{name}' failed:  {what}"
