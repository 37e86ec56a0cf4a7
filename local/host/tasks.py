"""Begin what an orchestration's history schedules: activities, children, timers. The same after a restart as the first time."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from local.host.activity_runner import ActivityRunner, Result
from local.host.agenda import Agenda
from local.host.functions import DurableFunction
from local.host.history import Event, Kind
from local.host.instance import Parent
from local.host.judge import missing
from local.host.metrics import Metrics

log = logging.getLogger("local.host")


class AlreadyExistsError(Exception):
    """An instance of that id is alive."""


class Asker(Protocol):
    """The hub, as its tasks see it."""

    def answer(self, asked: Parent, kind: Kind, **fields: Any) -> None: ...
    def is_awaited(self, asked: Parent) -> bool: ...
    def start(self, name: str, text: str | None, instance_id: str = "", parent: Parent | None = None) -> str: ...


class Tasks:
    """`asked` says whose task it is, and under which number."""

    def __init__(
        self,
        asker: Asker,
        functions: Mapping[str, DurableFunction],
        agenda: Agenda,
        activities: ActivityRunner,
        metrics: Metrics,
    ) -> None:
        self._asker, self._functions = asker, functions
        self._agenda, self._activities, self._metrics = agenda, activities, metrics

    def begin(self, asked: Parent, event: Event) -> None:
        begin: dict[Kind, Callable[[Parent, Event], None]] = {
            Kind.TASK_SCHEDULED: self._activity,
            Kind.CHILD_CREATED: self._child,
            Kind.TIMER_CREATED: self._timer,
        }
        begin[event["EventType"]](asked, event)

    def _activity(self, asked: Parent, event: Event) -> None:
        function = self._functions.get(event["Name"])
        if function is None:  # the app is another one than before the restart
            self._ended(asked, Result(failure=missing(event["Name"], "activity")))
            return
        self._metrics.seen("InputBytes", len((event["Input"] or "").encode()))
        self._activities.run(function, event["Input"], lambda result: self._ended(asked, result))

    def _ended(self, asked: Parent, result: Result) -> None:
        if result.failure is not None:
            self._asker.answer(asked, Kind.TASK_FAILED, Reason=result.failure, Details="")
            return
        self._metrics.seen("OutputBytes", len((result.value or "").encode()))
        self._asker.answer(asked, Kind.TASK_COMPLETED, Result=result.value)

    def _child(self, asked: Parent, event: Event) -> None:
        try:
            self._asker.start(event["Name"], event["Input"], event["InstanceId"], asked)
        except AlreadyExistsError as error:
            # On Azure the parent may hang (`design.md`): an id is used once.
            log.error("Child %s of %s collides: %s", event["InstanceId"], asked.id, error)
            self._asker.answer(asked, Kind.CHILD_FAILED, Reason=str(error), Details="")

    def _timer(self, asked: Parent, event: Event) -> None:
        self._agenda.add(
            datetime.fromisoformat(event["FireAt"]),
            lambda: self._asker.answer(asked, Kind.TIMER_FIRED, FireAt=event["FireAt"]),
            lambda: self._asker.is_awaited(asked),
        )
