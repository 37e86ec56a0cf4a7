"""Call a triggered function: time that jumps stands still meanwhile, what it raises is logged."""

import logging
from typing import Any

from local.host.agenda import Agenda
from local.host.functions import Worker

log = logging.getLogger("local.host")


class FailedInvocation(Exception):  # noqa: N818 - an outcome, as the host calls it
    """The function raised; that was logged."""


class Invoker:
    def __init__(self, worker: Worker, agenda: Agenda) -> None:
        self._worker, self._agenda = worker, agenda

    async def call(self, function: Any, value: Any) -> Any:
        """The function's answer; raises FailedInvocation when it raises."""
        with self._agenda.work():
            try:
                return await self._worker.call(function, value)
            except Exception as error:
                log.exception("Function %s failed", function.get_function_name())
                raise FailedInvocation(function.get_function_name()) from error
