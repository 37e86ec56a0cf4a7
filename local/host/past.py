"""An orchestration's history as the SDK's own event objects, so that no replay parses it again."""

import json
from typing import Any, NamedTuple

from azure.durable_functions.models.history.HistoryEvent import HistoryEvent

from local.host.history import FAILURES, Event, Kind, answered_task

_HEAD = 2
"""Every history begins with: a step began, the execution began."""


class Told(NamedTuple):
    """What an orchestrator learned: that a task has ended (and how), or that an event of some name was raised."""

    task_id: int | None
    event_name: str = ""
    failed: bool = False


class Past:
    """Grows at its end only. `events` are the SDK's, `told` is what in them moves an orchestrator, `head` begins it, unparsed."""

    def __init__(self) -> None:
        self.head: list[Event] = []
        self.events: list[Any] = []
        self.told: list[Told] = []
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self.events)

    def append(self, event: Event, text: str) -> None:
        """`text` is the same event as JSON; it is measured, not kept."""
        if len(self.head) < _HEAD:
            self.head.append(event)
        self.events.append(HistoryEvent(**event))
        self.size_bytes += len(text.encode()) + len(",")
        task_id = answered_task(event)
        if task_id is not None:
            self.told.append(Told(task_id, failed=event["EventType"] in FAILURES))
        elif event["EventType"] == Kind.EVENT_RAISED:
            self.told.append(Told(None, event["Name"]))


def body_size(past: Past, text: str | None, instance_id: str, parent_id: str | None) -> int:
    """Bytes of the JSON text that the extension would send to the worker for this replay."""
    body: dict[str, Any] = {
        **PROTOCOL,
        "history": [],
        "instanceId": instance_id,
        "parentInstanceId": parent_id,
        "isReplaying": True,
    }
    return len(json.dumps(body)) + len(f'"input": {text or "null"}, '.encode()) + max(0, past.size_bytes - 1)


PROTOCOL = {
    "upperSchemaVersion": 1,
    "upperSchemaVersionNew": 2,
    "maximumShortTimerDuration": "6.00:00:00",
    "longRunningTimerIntervalDuration": "3.00:00:00",
    "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
}
"""What the extension tells of itself with every replay; 1 and 2 select the SDK's replay schema V3."""
