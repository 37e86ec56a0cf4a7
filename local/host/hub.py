"""The durable engine: instances, their steps, activities, children and timers, over the SDK's own replay."""

import heapq
import itertools
import json
import logging
import os
import re
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from azure.functions import _durable_functions as codec  # pyright: ignore[reportPrivateUsage]

from local.host.clock import RealClock, VirtualClock, seconds_until
from local.host.extension import disagreement
from local.host.metrics import Metrics
from local.host.replay import Decision, Intent, Step, replay
from local.host.store import Store

log = logging.getLogger("local.host")

ENDED = ("Completed", "Failed", "Terminated")
LONGEST_STATUS = 16 * 1024
"""Bytes in UTF-16; above it the extension throws and the orchestration fails (`durable-facts.md` 2.12)."""

EXECUTION_STARTED, EXECUTION_COMPLETED, TERMINATED = 0, 1, 3
TASK_SCHEDULED, TASK_COMPLETED, TASK_FAILED = 4, 5, 6
CHILD_CREATED, CHILD_COMPLETED, CHILD_FAILED = 7, 8, 9
TIMER_CREATED, TIMER_FIRED = 10, 11
STEP_STARTED, STEP_COMPLETED, EVENT_RAISED = 12, 13, 15
SUSPENDED, RESUMED = 19, 20
_ANSWERS = (TASK_COMPLETED, TASK_FAILED, CHILD_COMPLETED, CHILD_FAILED, TIMER_FIRED)
_SCHEDULING = {TASK_SCHEDULED: "activity", CHILD_CREATED: "child", TIMER_CREATED: "timer"}


class AlreadyExistsError(Exception):
    """An instance of that id is alive."""


@dataclass(frozen=True)
class DurableFunction:
    """An orchestrator (`call` is the SDK's handle) or an activity."""

    name: str
    is_orchestrator: bool
    call: Callable[..., Any]
    parameter: str


@dataclass
class Instance:
    """One orchestration. Texts are JSON. `history` is emptied when it has ended; the store has it."""

    id: str
    name: str
    input: str | None
    parent: tuple[str, int, str] | None = None
    status: str = "Pending"
    output: str | None = None
    custom_status: Any = None
    created: str = ""
    updated: str = ""
    execution: str = field(default_factory=lambda: uuid.uuid4().hex)
    inbox: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    history: list[str] = field(default_factory=list[str])
    scheduled: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    stored: int = 0
    busy: bool = False
    seconds: float = 0.0

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def document(self) -> dict[str, Any]:
        """What is stored beside the history."""
        names = (
            "id",
            "name",
            "input",
            "parent",
            "status",
            "output",
            "custom_status",
            "created",
            "updated",
            "execution",
        )
        return {name: getattr(self, name) for name in names} | {"inbox": [] if self.ended else self.inbox}


class KillPoints:
    """`HOST_KILL_AT=before:<function>:<n>` ends this process there, as `kill -9` would; for crash tests."""

    def __init__(self, text: str) -> None:
        self._at = tuple(text.split(":")) if text else ()
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def reach(self, when: str, name: str) -> None:
        if not self._at or self._at[:2] != (when, name):
            return
        with self._lock:
            self._seen[name] += 1
            if self._seen[name] >= int(self._at[2] if len(self._at) > 2 else 1):
                sys.stderr.flush()
                os._exit(137)


class Hub:
    """All state changes happen under one lock; steps and activities run on pools of their own."""

    def __init__(
        self,
        functions: Mapping[str, DurableFunction],
        store: Store,
        clock: RealClock | VirtualClock,
        workers: int = 16,
    ) -> None:
        self._functions, self._store, self._clock = functions, store, clock
        self._instances: dict[str, Instance] = {}
        self._lock = threading.RLock()
        self._steps = ThreadPoolExecutor(2, thread_name_prefix="orchestrator")
        self._activities = ThreadPoolExecutor(workers, thread_name_prefix="activity")
        self._timers: list[tuple[datetime, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._working = 0
        self._stopped = False
        self._kill = KillPoints(os.environ.get("HOST_KILL_AT", ""))
        self.metrics = Metrics()
        self._recover()
        threading.Thread(target=self._run_timers, name="timers", daemon=True).start()

    def stop(self) -> None:
        """Take no new work; what runs is abandoned, as when a host is taken away."""
        self._stopped = True
        self._steps.shutdown(wait=False, cancel_futures=True)
        self._activities.shutdown(wait=False, cancel_futures=True)

    # --- What clients ask

    def start(
        self, name: str, text: str | None, instance_id: str = "", parent: tuple[str, int, str] | None = None
    ) -> str:
        """Start an orchestration; raises AlreadyExistsError when one of that id is alive."""
        with self._lock:
            instance_id = instance_id or uuid.uuid4().hex
            old = self._instances.get(instance_id)
            if old and not old.ended:
                raise AlreadyExistsError(f"An Orchestration instance with the status {old.status} already exists.")
            now = self._stamp()
            instance = Instance(instance_id, name, text, parent, created=now, updated=now)
            instance.inbox = [self._started(instance)]
            self._instances[instance_id] = instance
            if name not in self._functions or not self._functions[name].is_orchestrator:
                reason = f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function."
                self._end(instance, "Failed", json.dumps(reason))
            self._save(instance)
            self._wake(instance)
            return instance_id

    def find(self, instance_id: str) -> Instance | None:
        with self._lock:
            return self._instances.get(instance_id)

    def all(self) -> list[Instance]:
        with self._lock:
            return list(self._instances.values())

    def history(self, instance: Instance) -> list[dict[str, Any]]:
        return [json.loads(event) for event in self._store.history(instance.id, instance.execution)]

    def terminate(self, instance_id: str, reason: str) -> None:
        self._tell(instance_id, TERMINATED, Input=reason)

    def suspend(self, instance_id: str, reason: str) -> None:
        self._tell(instance_id, SUSPENDED, Reason=reason)

    def resume(self, instance_id: str, reason: str) -> None:
        self._tell(instance_id, RESUMED, Reason=reason)

    def raise_event(self, instance_id: str, name: str, text: str) -> None:
        self._tell(instance_id, EVENT_RAISED, Name=name, Input=text)

    def purge(self, instance_id: str) -> None:
        with self._lock:
            self._instances.pop(instance_id, None)
            self._store.delete(instance_id)

    def working(self, change: int) -> None:
        """Somebody outside (a trigger's function) works, or has done: the virtual clock stands still meanwhile."""
        with self._changed:
            self._working += change
            self._changed.notify()

    # --- Messages

    def _tell(self, instance_id: str, kind: int, **fields: Any) -> None:
        """A message from a client: stored at once, because nobody repeats it."""
        with self._lock:
            instance = self._instances.get(instance_id)
            if instance and not instance.ended:
                instance.inbox.append(self._event(kind, **fields))
                self._save(instance)
                self._wake(instance)

    def _answer(self, instance_id: str, execution: str, kind: int, **fields: Any) -> None:
        """A result; one for an older execution is dropped. It is not stored: after a crash the work is done again."""
        with self._lock:
            instance = self._instances.get(instance_id)
            if instance and not instance.ended and instance.execution == execution:
                instance.inbox.append(self._event(kind, **fields))
                self._wake(instance)

    def _wake(self, instance: Instance) -> None:
        if instance.busy or not instance.inbox or instance.ended or self._stopped:
            return
        kinds = {event["EventType"] for event in instance.inbox}
        if instance.status == "Suspended" and not kinds & {TERMINATED, RESUMED}:
            return
        instance.busy = True
        self.working(+1)
        # A replay costs what the history is long: in a fan-out results gather while one of that length runs.
        delay = min(0.5, instance.seconds) if len(instance.scheduled) > 20 and not self._clock.jumps else 0.0
        if delay > 0.005:
            threading.Timer(delay, self._submit, (instance,)).start()
        else:
            self._submit(instance)

    def _submit(self, instance: Instance) -> None:
        if not self._stopped:
            self._steps.submit(self._guarded, self._step, instance)

    def _guarded(self, work: Callable[..., None], *arguments: Any) -> None:
        try:
            work(*arguments)
        except Exception:
            if not self._stopped:
                log.exception("The host itself failed")
        finally:
            self.working(-1)

    # --- One step of one orchestration

    def _step(self, instance: Instance) -> None:
        begun = time.thread_time()
        with self._lock:
            new = [self._event(STEP_STARTED), *instance.inbox]
            instance.inbox = []
            texts = [json.dumps(event) for event in new]
            step = Step(
                instance.name,
                instance.history + texts,
                instance.input,
                instance.id,
                instance.parent[0] if instance.parent else None,
                dict(instance.scheduled),
            )
        killed = next((event for event in new if event["EventType"] == TERMINATED), None)
        self._kill.reach("before-episode", instance.name)
        decision = Decision() if killed else self._decide(instance, step)
        self._kill.reach("after-episode", instance.name)
        with self._lock:
            instance.busy = False
            instance.updated = self._stamp()
            instance.history += [text.replace('"IsPlayed": false', '"IsPlayed": true', 1) for text in texts]
            instance.status = _status_after(instance.status, new)
            todo = self._apply(instance, decision, killed)
            self._save(instance)
            instance.seconds = time.thread_time() - begun
            self.metrics.step(instance.seconds, len(instance.history))
            for act in todo:
                act()
            self._wake(instance)

    def _decide(self, instance: Instance, step: Step) -> Decision:
        body = step.body()
        self.metrics.replay_payload(len(body))
        decision = replay(self._functions[instance.name].call, step, body)
        if not decision.error:
            decision.error = self._refused(decision) or disagreement(step, decision)
            decision.done = decision.done or decision.error is not None
        return decision

    def _refused(self, decision: Decision) -> str | None:
        if decision.has_custom_status:
            size = len(json.dumps(decision.custom_status).encode("utf-16-le"))
            self.metrics.custom_status(size)
            if size > LONGEST_STATUS:
                return (
                    f"The UTF-16 size of the JSON-serialized custom status must not exceed 16 KB: it has {size} bytes."
                )
        for intent in decision.new:
            function = self._functions.get(intent.name)
            if intent.kind == "activity" and (function is None or function.is_orchestrator):
                # On Azure the orchestration would hang for ever (`durable-facts.md` 2.6).
                log.error("The activity '%s' does not exist: on Azure this instance would hang", intent.name)
                return f"The function '{intent.name}' doesn't exist, is disabled, or is not an activity function."
        return None

    def _apply(self, instance: Instance, decision: Decision, killed: dict[str, Any] | None) -> list[Callable[[], None]]:
        """Change the instance as decided; answers what is to be done once that is stored."""
        if killed:
            return self._end(instance, "Terminated", json.dumps(killed.get("Input")))
        if decision.has_custom_status:
            instance.custom_status = decision.custom_status or None
        if decision.error:
            return self._end(instance, "Failed", json.dumps(decision.error))
        todo = [act for intent in decision.new for act in self._schedule(instance, intent)]
        instance.history.append(json.dumps(self._event(STEP_COMPLETED)))
        if decision.continues:
            kept = [
                event
                for event in instance.inbox
                if event["EventType"] in (TERMINATED, EVENT_RAISED, SUSPENDED, RESUMED)
            ]
            instance.input, instance.execution = decision.next_input, uuid.uuid4().hex
            instance.history, instance.scheduled, instance.stored = [], {}, 0
            instance.inbox = [self._started(instance), *kept]
        elif decision.done:
            todo += self._end(instance, "Completed", decision.output)
        return todo

    def _end(self, instance: Instance, status: str, output: str | None) -> list[Callable[[], None]]:
        instance.status, instance.output, instance.inbox = status, output, []
        instance.history.append(json.dumps(self._event(EXECUTION_COMPLETED, Result=output)))
        self.metrics.payload(len(output or ""))
        return [lambda: self._tell_parent(instance)] if instance.parent else []

    def _tell_parent(self, instance: Instance) -> None:
        if instance.parent is None:
            return
        parent, task_id, execution = instance.parent
        if instance.status == "Completed":
            self._answer(parent, execution, CHILD_COMPLETED, TaskScheduledId=task_id, Result=instance.output)
        else:
            reason = json.loads(instance.output or '""') or instance.status
            self._answer(parent, execution, CHILD_FAILED, TaskScheduledId=task_id, Reason=reason, Details="")

    # --- What a step wants

    def _schedule(self, instance: Instance, intent: Intent) -> list[Callable[[], None]]:
        execution, task_id = instance.execution, intent.task_id
        instance.scheduled[task_id] = intent.kind, intent.name
        self.metrics.payload(len(intent.input or ""))
        if intent.kind == "timer":
            due = intent.fire_at or self._clock.now()
            due = due if due.tzinfo else due.replace(tzinfo=UTC)
            instance.history.append(json.dumps(self._event(TIMER_CREATED, task_id, FireAt=due.isoformat())))
            return [lambda: self._arm(instance.id, execution, task_id, due)]
        if intent.kind == "activity":
            event = self._event(TASK_SCHEDULED, task_id, Name=intent.name, Version="", Input=intent.input)
            instance.history.append(json.dumps(event))
            return [lambda: self._run_activity(instance.id, execution, task_id, intent.name, intent.input)]
        child = intent.instance_id or f"{execution}:{task_id}"
        event = self._event(CHILD_CREATED, task_id, Name=intent.name, InstanceId=child, Input=intent.input)
        instance.history.append(json.dumps(event))
        return [lambda: self._start_child(instance.id, execution, task_id, intent.name, intent.input, child)]

    def _arm(self, instance_id: str, execution: str, task_id: int, due: datetime) -> None:
        def fire() -> None:
            self._answer(instance_id, execution, TIMER_FIRED, TimerId=task_id, FireAt=due.isoformat())

        with self._changed:
            heapq.heappush(self._timers, (due, next(self._count), fire))
            self._changed.notify()

    def _start_child(
        self, instance_id: str, execution: str, task_id: int, name: str, text: str | None, child: str
    ) -> None:
        try:
            self.start(name, text, child, (instance_id, task_id, execution))
            started = self._instances[child]
            if started.ended:
                self._tell_parent(started)
        except AlreadyExistsError as error:
            self._answer(instance_id, execution, CHILD_FAILED, TaskScheduledId=task_id, Reason=str(error), Details="")

    def _run_activity(self, instance_id: str, execution: str, task_id: int, name: str, text: str | None) -> None:
        if not self._stopped:
            self.working(+1)
            self._activities.submit(self._guarded, self._activity, instance_id, execution, task_id, name, text)

    def _activity(self, instance_id: str, execution: str, task_id: int, name: str, text: str | None) -> None:
        function = self._functions[name]
        self._kill.reach("before", name)
        begun = time.monotonic()
        try:
            value: Any = codec.df_loads(text) if text else None
            result: str = codec.df_dumps(function.call(**{function.parameter: value}))
        except Exception as error:
            log.warning("Activity %s failed: %s", name, type(error).__name__)
            reason = f"Activity function '{name}' failed:  {type(error).__name__}: {error}"
            self._answer(instance_id, execution, TASK_FAILED, TaskScheduledId=task_id, Reason=reason, Details="")
            return
        self._kill.reach("after", name)
        self.metrics.activity(name, time.monotonic() - begun)
        self.metrics.payload(len(result))
        self._answer(instance_id, execution, TASK_COMPLETED, TaskScheduledId=task_id, Result=result)

    # --- Time

    def _run_timers(self) -> None:
        while not self._stopped:
            with self._changed:
                if not self._timers or (self._clock.jumps and self._working):
                    self._changed.wait(1)
                    continue
                due, _, fire = self._timers[0]
                if not self._clock.jumps and (rest := seconds_until(due, self._clock)) > 0:
                    self._changed.wait(min(rest, 1))
                    continue
                heapq.heappop(self._timers)
            try:
                self._clock.advance_to(due)
            except OSError:
                log.exception("The simulator's clock could not be advanced")
            fire()

    # --- After a restart

    def _recover(self) -> None:
        """Read everything, then do again what was scheduled and not answered: at least once, as on Azure."""
        for document in self._store.instances():
            parent = document.pop("parent")
            instance = Instance(**document, parent=tuple(parent) if parent else None)
            self._instances[instance.id] = instance
            if not instance.ended:
                instance.history = self._store.history(instance.id, instance.execution)
                instance.stored = len(instance.history)
        for instance in list(self._instances.values()):
            if not instance.ended:
                self._resume(instance)

    def _resume(self, instance: Instance) -> None:
        events = [json.loads(text) for text in instance.history]
        seen = [*events, *instance.inbox]
        answered = {e.get("TaskScheduledId", e.get("TimerId")) for e in seen if e["EventType"] in _ANSWERS}
        for event in events:
            kind = _SCHEDULING.get(event["EventType"])
            if kind is None:
                continue
            task_id = event["EventId"]
            instance.scheduled[task_id] = kind, event.get("Name", "")
            if task_id in answered:
                continue
            if kind == "activity":
                self._run_activity(instance.id, instance.execution, task_id, event["Name"], event["Input"])
            elif kind == "timer":
                self._arm(instance.id, instance.execution, task_id, datetime.fromisoformat(event["FireAt"]))
            elif (child := self._instances.get(event["InstanceId"])) is None or child.parent != (
                instance.id,
                task_id,
                instance.execution,
            ):
                self._start_child(
                    instance.id, instance.execution, task_id, event["Name"], event["Input"], event["InstanceId"]
                )
            elif child.ended:
                self._tell_parent(child)
        self._wake(instance)

    # --- Small things

    def _save(self, instance: Instance) -> None:
        new = instance.history[instance.stored :]
        self._store.save(instance.document(), instance.execution, instance.stored, new)
        instance.stored = len(instance.history)
        if instance.ended:
            instance.history, instance.scheduled = [], {}

    def _started(self, instance: Instance) -> dict[str, Any]:
        return self._event(EXECUTION_STARTED, Name=instance.name, Version="", Input=instance.input)

    def _event(self, kind: int, event_id: int = -1, **fields: Any) -> dict[str, Any]:
        return {"EventType": kind, "EventId": event_id, "IsPlayed": False, "Timestamp": self._stamp(), **fields}

    def _stamp(self) -> str:
        return re.sub(r"\+00:00$", "Z", self._clock.now().isoformat(timespec="microseconds"))


def _status_after(status: str, events: list[dict[str, Any]]) -> str:
    status = "Running" if status == "Pending" else status
    for event in events:
        status = {SUSPENDED: "Suspended", RESUMED: "Running"}.get(event["EventType"], status)
    return status
