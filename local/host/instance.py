"""One orchestration in the task hub: who it is, what it waits for, what it was told and has not heard yet."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from local.host.history import Event, Kind, answered_task, event_of, scheduled_task, stamp
from local.host.past import Past
from local.host.replay import Intent, Scheduled
from local.host.store import HistoryRow

ENDED = ("Completed", "Failed", "Terminated")

_STORED = ("id", "name", "input", "parent", "status", "output", "custom_status", "created", "updated", "execution")


class Parent(NamedTuple):
    """Whom a child answers, and which of its tasks the child is."""

    id: str
    task_id: int
    execution: str


@dataclass
class Instance:
    """Texts are JSON. Everything is changed under the hub's lock."""

    id: str
    name: str
    input: str | None
    parent: Parent | None = None
    status: str = "Pending"
    output: str | None = None
    custom_status: Any = None
    created: str = ""
    updated: str = ""
    execution: str = field(default_factory=lambda: uuid.uuid4().hex)
    inbox: list[Event] = field(default_factory=list[Event])
    """What arrived and no step has begun with."""
    heard: list[Event] = field(default_factory=list[Event])
    """What the step that works now began with; stored as if it were still in the inbox, until the step is stored."""
    past: Past = field(default_factory=Past)
    scheduled: dict[int, Scheduled] = field(default_factory=dict[int, Scheduled])
    open: set[int] = field(default_factory=set[int])
    """Tasks without an answer; a second answer is dropped, and nobody waits for a timer that is not in here."""
    unsaved: list[HistoryRow] = field(default_factory=list[HistoryRow])
    busy: bool = False
    carried_status: bool = False
    last_seconds: float = 0.0

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def awaits(self, execution: str, task_id: int) -> bool:
        """Whether an answer to this task still changes anything."""
        return not self.ended and self.execution == execution and task_id in self.open

    def hear(self, started: Event) -> None:
        """Begin a step with everything that has arrived."""
        self.heard, self.inbox = [started, *self.inbox], []
        self.remember(self.heard)

    def remember(self, events: Iterable[Event]) -> None:
        """Make events history, to be stored with the step that they belong to."""
        for event in events:
            text = json.dumps(event | {"IsPlayed": True})
            self.unsaved.append((self.execution, len(self.past), text))
            self.past.append(event, text)
            if (task := scheduled_task(event)) is not None:
                self.scheduled[task[0]] = Scheduled(task[1], task[2])
                self.open.add(task[0])
            if (answered := answered_task(event)) is not None:
                self.open.discard(answered)

    def take_unsaved(self) -> list[HistoryRow]:
        """The step is over: what it began with stands in the history now."""
        rows, self.unsaved, self.heard = self.unsaved, [], []
        return rows

    def scheduling_event(self, intent: Intent, now: datetime) -> Event:
        """What the history says when a task is scheduled; whoever begins the task needs no more than this."""
        match intent.kind:
            case "timer":
                due = stamp(intent.fire_at or now)
                return event_of(Kind.TIMER_CREATED, now, intent.task_id, FireAt=due)
            case "activity":
                named = {"Name": intent.name, "Version": "", "Input": intent.input}
                return event_of(Kind.TASK_SCHEDULED, now, intent.task_id, **named)
            case _:
                # The extension serialises the SDK's JSON text once more, hence JSON within JSON.
                named = {"Name": intent.name, "Input": json.dumps(intent.input)}
                child = intent.instance_id or f"{self.execution}:{intent.task_id}"
                return event_of(Kind.CHILD_CREATED, now, intent.task_id, InstanceId=child, **named)

    def begin_again(self, text: str | None) -> None:
        """Continue as new: a new execution with an empty history."""
        self.input, self.execution = text, uuid.uuid4().hex
        self.carried_status = True
        self._forget()

    def end(self, status: str, output: str | None) -> None:
        self.status, self.output, self.inbox = status, output, []
        self._forget()

    def _forget(self) -> None:
        """Leave the history to the store."""
        self.past, self.scheduled, self.open = Past(), {}, set()

    def document(self) -> dict[str, Any]:
        """What is stored beside the history."""
        arrived = [] if self.ended else self.heard[1:] + self.inbox
        return {name: getattr(self, name) for name in _STORED} | {"inbox": arrived}

    @classmethod
    def of(cls, document: dict[str, Any], history: Iterable[str]) -> "Instance":
        """As it was stored: with its history (JSON texts) while it is alive."""
        parent = document.pop("parent")
        instance = cls(**document, parent=Parent(*parent) if parent else None)
        if not instance.ended:
            instance.remember(json.loads(text) for text in history)
            instance.take_unsaved()
            instance.open -= {answered_task(event) for event in instance.inbox}
        return instance
