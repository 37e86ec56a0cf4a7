"""The events of an orchestration's history, as the extension writes them (`durable-facts.md` section 11)."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import IntEnum
from typing import Any, TypeAlias

Event: TypeAlias = dict[str, Any]
"""One event, ready for JSON: `EventType`, `EventId`, `IsPlayed`, `Timestamp` and what its type adds."""


class Kind(IntEnum):
    """The extension's numbers for what happened."""

    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    CHILD_CREATED = 7
    CHILD_COMPLETED = 8
    CHILD_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    STEP_STARTED = 12
    STEP_COMPLETED = 13
    EVENT_RAISED = 15
    SUSPENDED = 19
    RESUMED = 20


FAILURES = frozenset((Kind.TASK_FAILED, Kind.CHILD_FAILED))
ANSWERS = frozenset((Kind.TASK_COMPLETED, Kind.CHILD_COMPLETED, Kind.TIMER_FIRED)) | FAILURES
FROM_OUTSIDE = frozenset((Kind.TERMINATED, Kind.EVENT_RAISED, Kind.SUSPENDED, Kind.RESUMED))
"""What clients send: nobody repeats it, so it is stored before it is accepted and survives continue_as_new."""

_SCHEDULING = {Kind.TASK_SCHEDULED: "activity", Kind.CHILD_CREATED: "child", Kind.TIMER_CREATED: "timer"}


def event_of(kind: Kind, now: datetime, event_id: int = -1, **fields: Any) -> Event:
    """A new event that was not played yet. `EventId` is the task's id on what schedules a task, else -1."""
    return {"EventType": int(kind), "EventId": event_id, "IsPlayed": False, "Timestamp": stamp(now), **fields}


def stamp(moment: datetime) -> str:
    """As the extension writes times: UTC with microseconds and Z."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def answered_task(event: Mapping[str, Any]) -> int | None:
    """The id of the task that this event answers; None when it is not an answer."""
    if event["EventType"] not in ANSWERS:
        return None
    return event["TimerId"] if event["EventType"] == Kind.TIMER_FIRED else event["TaskScheduledId"]


def scheduled_task(event: Mapping[str, Any]) -> tuple[int, str, str] | None:
    """(id, activity | child | timer, function) of the task that this event schedules; None when it schedules none."""
    kind = _SCHEDULING.get(event["EventType"])
    return None if kind is None else (event["EventId"], kind, event.get("Name") or "")


def first_of(kind: Kind, events: Iterable[Event]) -> Event | None:
    return next((event for event in events if event["EventType"] == kind), None)
