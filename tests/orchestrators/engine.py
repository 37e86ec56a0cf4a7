"""Play the durable engine in virtual time: the real SDK replays, the actions it emits are run as Microsoft's host runs them.

The host knows nothing but the list of actions. It starts the next one when the one before has ended, and gives out ids in the
order of starting (`durable-facts.md` 2.8): where the SDK numbers differently, a run hangs or goes wrong here as it does there.
"""

import heapq
import json
import re
import warnings
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from azure.durable_functions.orchestrator import Orchestrator as SdkOrchestrator

from shared.durable import _activity_entry, _orchestrator_entry

START = datetime(2026, 11, 23, 2, 0, 0, tzinfo=UTC)

ACTIVITY, CHILD, CONTINUE_AS_NEW, TIMER, WHEN_ALL = 0, 2, 4, 5, 12
_LABEL = "\n\n$OutOfProcData$:"


@dataclass
class Instance:
    """One orchestration: its history as the host keeps it, and how it ended."""

    id: str
    name: str
    input: str
    reply: Callable[[str | None, str | None], None] | None = None
    history: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    mailbox: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    started: int = 0
    open: set[int] = field(default_factory=set[int])
    statuses: list[Any] = field(default_factory=list[Any])
    output: Any = None
    error: str | None = None
    ended_at: datetime | None = None


class Engine:
    """A host with the given orchestrators and activities; `run` plays an instance and all its children to their ends.

    `faults[name]` is a queue of what the next calls of that activity raise instead of running (None: run it).
    `terminated` are patterns of instance ids that are ended from outside as soon as they start: their parent sees a failure.
    """

    def __init__(self, orchestrators: Iterable[Callable[..., Any]], activities: Iterable[Callable[[Any], Any]]) -> None:
        self.now = START
        self.orchestrators = {one.__name__: SdkOrchestrator.create(_orchestrator_entry(one)) for one in orchestrators}
        self.activities = {one.__name__: _activity_entry(one) for one in activities}
        self.faults: defaultdict[str, deque[Exception | None]] = defaultdict(deque)
        self.terminated: list[str] = []
        self.instances: list[Instance] = []
        self.calls: list[tuple[str, datetime]] = []
        self.timers: list[timedelta] = []
        self.payloads: list[tuple[int, str]] = []
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._counter = 0

    def run(self, name: str, value: Any, instance_id: str = "root") -> Instance:
        """Play until nothing is left to happen. Raises AssertionError when an instance hangs."""
        root = self._begin(name, json.dumps(value), instance_id)
        while self._agenda:
            self.now, _, happens = heapq.heappop(self._agenda)
            happens()
        hanging = [instance.id for instance in self.instances if instance.ended_at is None]
        assert not hanging, f"nothing can happen any more, but these have not ended: {hanging}"
        return root

    def called(self, name: str) -> int:
        return sum(1 for each, _ in self.calls if each == name)

    def children(self, name: str) -> list[Instance]:
        return [instance for instance in self.instances if instance.name == name]

    # --- What the host does

    def _at(self, moment: datetime, happens: Callable[[], None]) -> None:
        self._counter += 1
        heapq.heappush(self._agenda, (moment, self._counter, happens))

    def _begin(self, name: str, given: str, instance_id: str, reply: Any = None) -> Instance:
        alive = [other.id for other in self.instances if other.ended_at is None]
        assert instance_id not in alive, f"an instance {instance_id} is alive: its parent would hang"
        instance = Instance(instance_id, name, given, reply)
        self.instances.append(instance)
        if any(re.search(part, instance_id) for part in self.terminated):
            self._end(instance, error="terminated")
            return instance
        self._deliver(instance, self._event(0, Name=name, Version="1.0", Input=given))
        return instance

    def _event(self, kind: int, identity: int = -1, **fields: Any) -> dict[str, Any]:
        stamp = self.now.isoformat().replace("+00:00", "Z")
        return {"EventType": kind, "EventId": identity, "IsPlayed": False, "Timestamp": stamp, **fields}

    def _deliver(self, instance: Instance, event: dict[str, Any]) -> None:
        """What arrives at one moment is handled in one step, as on the host (`durable-facts.md` section 13)."""
        instance.mailbox.append(event)
        if len(instance.mailbox) == 1:
            self._at(self.now, lambda: self._step(instance))

    def _step(self, instance: Instance) -> None:
        """Append what is new, replay everything, run what the SDK asks for."""
        instance.history += [self._event(12), *instance.mailbox]
        instance.mailbox.clear()
        state = self._replayed(instance)
        actions = state["actions"][0] if state["actions"] else []
        if "customStatus" in state:
            instance.statuses.append(state["customStatus"])
        for action in self._next(instance, actions):
            self._start(instance, action)
        for past in instance.history:
            past["IsPlayed"] = True
        instance.history.append(self._event(13))
        if instance.open or not (state.get("isDone") or state.get("error")):
            return
        if actions and actions[-1]["actionType"] == CONTINUE_AS_NEW:
            self._again(instance, actions[-1]["input"])
        else:
            self._end(instance, state.get("output"), state.get("error"))

    def _replayed(self, instance: Instance) -> dict[str, Any]:
        body = {
            "history": instance.history,
            "input": instance.input,
            "instanceId": instance.id,
            "isReplaying": len(instance.history) > 2,
            "parentInstanceId": None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 2,
            "maximumShortTimerDuration": "6.00:00:00",
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                return json.loads(self.orchestrators[instance.name](json.dumps(body)))
            except Exception as error:
                message, label, state = str(error).partition(_LABEL)
                return json.loads(state) if label else {"actions": [[]], "error": message}

    def _next(self, instance: Instance, actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The actions to start now: those of the next step, once nothing of the steps before is open."""
        position = 0
        for action in actions:
            parts = action["compoundActions"] if action["actionType"] == WHEN_ALL else [action]
            if action["actionType"] == CONTINUE_AS_NEW:
                continue
            if position >= instance.started:
                return [] if instance.open else parts
            position += len(parts)
        return []

    def _start(self, instance: Instance, action: dict[str, Any]) -> None:
        task, kind = instance.started, action["actionType"]
        instance.started += 1
        instance.open.add(task)
        if kind == TIMER:
            at = datetime.fromisoformat(action["fireAt"])
            self.timers.append(at - self.now)
            instance.history.append(self._event(10, task, FireAt=action["fireAt"]))
            self._at(max(at, self.now), lambda: self._done(instance, task, 11, TimerId=task, FireAt=action["fireAt"]))
            return
        assert kind in (ACTIVITY, CHILD), f"action {kind} has no place here"
        name = action["functionName"]
        self._measure(action["input"], f"input of {name}")
        known = self.activities if kind == ACTIVITY else self.orchestrators
        assert name in known, f"{name} is not registered: the run would hang"
        if kind == ACTIVITY:
            instance.history.append(self._event(4, task, Name=name, Version="", Input=action["input"]))
            self._at(self.now, lambda: self._execute(instance, task, name, action["input"]))
            return
        child_id = action["instanceId"]
        instance.history.append(self._event(7, task, Name=name, InstanceId=child_id, Input=action["input"]))

        def reply(output: str | None, error: str | None) -> None:
            if error is None:
                self._done(instance, task, 8, TaskScheduledId=task, Result=output)
            else:
                self._done(instance, task, 9, TaskScheduledId=task, Reason=error, Details="")

        self._begin(name, action["input"], child_id, reply)

    def _execute(self, instance: Instance, task: int, name: str, given: str) -> None:
        self.calls.append((name, self.now))
        queue = self.faults[name]
        fault = queue.popleft() if queue else None
        try:
            answer = json.dumps(_raising(fault) if fault else self.activities[name](json.loads(given)))
        except Exception as error:
            reason = f"Activity function '{name}' failed:  {type(error).__name__}: {error}"
            self._done(instance, task, 6, TaskScheduledId=task, Reason=reason, Details="")
        else:
            self._measure(answer, f"answer of {name}")
            self._done(instance, task, 5, TaskScheduledId=task, Result=answer)

    def _done(self, instance: Instance, task: int, kind: int, **fields: Any) -> None:
        instance.open.remove(task)
        self._deliver(instance, self._event(kind, **fields))

    def _again(self, instance: Instance, given: str) -> None:
        self._measure(given, f"input of {instance.name}")
        instance.input, instance.history, instance.started = given, [], 0
        self._deliver(instance, self._event(0, Name=instance.name, Version="1.0", Input=given))

    def _end(self, instance: Instance, output: Any = None, error: str | None = None) -> None:
        instance.output, instance.error, instance.ended_at = output, error, self.now
        answer = None if output is None else json.dumps(output)
        self._measure(answer or "", f"output of {instance.name}")
        if instance.reply:
            instance.reply(answer, error)

    def _measure(self, text: str, what: str) -> None:
        self.payloads.append((len(text.encode()), what))


def _raising(fault: Exception) -> Any:
    """A fault as the app's own wrapper lets it out: ours as data, anything else as a crash."""

    def run(_payload: int) -> int:
        raise fault

    return _activity_entry(run)(0)
