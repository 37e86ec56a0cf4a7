"""The durable engine: what clients ask of orchestrations, and their steps, one after another."""

import json
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from local.host.activity_runner import ActivityRunner
from local.host.agenda import Agenda
from local.host.clock import Clock
from local.host.functions import DurableFunction
from local.host.history import FROM_OUTSIDE, Event, Kind, event_of, first_of, scheduled_task, stamp
from local.host.instance import ENDED, Instance, Parent
from local.host.judge import Judge, missing
from local.host.kill_points import VARIABLE, KillPoints, Reached
from local.host.metrics import Metrics
from local.host.misbehaviour import Misbehaviour
from local.host.pools import Pools, threads
from local.host.replay import Decision, Intent
from local.host.store import Store
from local.host.tasks import AlreadyExistsError, Tasks

log = logging.getLogger("local.host")

_MANY = 20
_LONGEST_GATHERING = 0.5

Acts = list[Callable[[], None]]
"""What is to be done once a change is stored."""


class Hub:
    """Everything changes under one lock and is committed before its effects begin; steps and activities run on threads.

    Lock order: the hub's, then the agenda's or the store's.
    """

    def __init__(
        self,
        functions: Mapping[str, DurableFunction],
        store: Store,
        clock: Clock,
        *,
        version: str | None = None,
        misbehaviour: Misbehaviour | None = None,
        activities_at_once: int = 16,
        pools: Pools = threads,
        points: Reached | None = None,
    ) -> None:
        self._functions, self._store, self._clock, self._version = functions, store, clock, version
        self._lock = threading.RLock()
        # Where threads are not real ones, real time means nothing.
        self._gathers = pools is threads
        self._steps = pools(2, "orchestrator")
        self._points = points or KillPoints(os.environ.get(VARIABLE, ""))
        self.agenda, self.metrics = Agenda(clock), Metrics()
        self._judge = Judge(functions, self.metrics)
        self._activities = ActivityRunner(
            self.agenda,
            clock,
            self.metrics,
            misbehaviour or Misbehaviour(None),
            pools(activities_at_once, "activity"),
            self._points,
        )
        self._tasks = Tasks(self, functions, self.agenda, self._activities, self.metrics)
        self._instances = {instance.id: instance for instance in self._stored()}
        self._unfinished = [instance for instance in self._instances.values() if not instance.ended]

    def begin(self, *, let_time_pass: bool = True) -> None:
        """Take up what was stored where it was; time passes from now on, or as the caller lets it (`agenda.pass_time`)."""
        with self._lock:
            for instance in self._unfinished:
                self._take_up(instance)
        if let_time_pass:
            self.agenda.start()

    def stop(self) -> None:
        """Take no new work; what runs is abandoned, as when a host is taken away."""
        self.agenda.stop()
        self._steps.shutdown(wait=False, cancel_futures=True)
        self._activities.stop()

    # --- What clients ask

    def start(self, name: str, text: str | None, instance_id: str = "", parent: Parent | None = None) -> str:
        """Start an orchestration; raises AlreadyExistsError when one of that id is alive."""
        with self._lock:
            instance_id = instance_id or uuid.uuid4().hex
            old = self._instances.get(instance_id)
            if old and not old.ended:
                raise AlreadyExistsError(f"An Orchestration instance with the status {old.status} already exists.")
            now = stamp(self._clock.now())
            instance = Instance(instance_id, name, text, parent, created=now, updated=now)
            instance.inbox = [self._started(instance)]
            self._instances[instance_id] = instance
            self.metrics.seen("InputBytes", len((text or "").encode()))
            acts: Acts = []
            if name not in self._functions or not self._functions[name].is_orchestrator:
                acts = self._end(instance, "Failed", json.dumps(missing(name, "orchestrator")))
            self._save(instance)
            for act in acts:
                act()
            self._wake(instance)
            return instance_id

    def find(self, instance_id: str) -> Instance | None:
        with self._lock:
            return self._instances.get(instance_id)

    def all(self) -> list[Instance]:
        with self._lock:
            return list(self._instances.values())

    def history(self, instance: Instance) -> list[Event]:
        return [json.loads(event) for event in self._store.history(instance.id, instance.execution)]

    def terminate(self, instance_id: str, reason: str) -> None:
        """End it at once; its children go on."""
        self._tell(instance_id, Kind.TERMINATED, Input=reason)

    def suspend(self, instance_id: str, reason: str) -> None:
        self._tell(instance_id, Kind.SUSPENDED, Reason=reason)

    def resume(self, instance_id: str, reason: str) -> None:
        self._tell(instance_id, Kind.RESUMED, Reason=reason)

    def raise_event(self, instance_id: str, name: str, text: str) -> None:
        self._tell(instance_id, Kind.EVENT_RAISED, Name=name, Input=text)

    def purge(self, instance_id: str) -> None:
        """Forget an instance that has ended."""
        with self._lock:
            self._instances.pop(instance_id, None)
            self._store.delete(instance_id)

    # --- Messages

    def _tell(self, instance_id: str, kind: Kind, **fields: Any) -> None:
        """A client's message: stored before it is accepted, because nobody repeats it."""
        with self._lock:
            instance = self._instances.get(instance_id)
            if instance and not instance.ended:
                instance.inbox.append(event_of(kind, self._clock.now(), **fields))
                self._store.save(instance.document())
                self._wake(instance)

    def answer(self, asked: Parent, kind: Kind, **fields: Any) -> None:
        """A task's result. It is not stored: after a crash its work is done again. One that nobody awaits is dropped."""
        with self._lock:
            instance = self._instances.get(asked.id)
            if instance and instance.awaits(asked.execution, asked.task_id):
                instance.open.discard(asked.task_id)
                key = "TimerId" if kind == Kind.TIMER_FIRED else "TaskScheduledId"
                instance.inbox.append(event_of(kind, self._clock.now(), **{key: asked.task_id}, **fields))
                self._wake(instance)

    def is_awaited(self, asked: Parent) -> bool:
        """Whether an answer to this task still changes anything. Takes no lock."""
        instance = self._instances.get(asked.id)
        return instance is not None and instance.awaits(asked.execution, asked.task_id)

    def _wake(self, instance: Instance) -> None:
        if instance.busy or not instance.inbox or instance.ended:
            return
        kinds = {event["EventType"] for event in instance.inbox}
        if instance.status == "Suspended" and not kinds & {Kind.TERMINATED, Kind.RESUMED}:
            return
        instance.busy = True
        self.agenda.begin_work()
        # A replay costs what the history is long: in a fan-out answers gather for as long as one takes.
        many = self._gathers and len(instance.open) > _MANY
        gathering = min(_LONGEST_GATHERING, instance.last_seconds) if many else 0.0
        if gathering:
            timer = threading.Timer(gathering, self._submit, (instance,))
            timer.daemon = True
            timer.start()
        else:
            self._submit(instance)

    def _submit(self, instance: Instance) -> None:
        try:
            self._steps.submit(self._work, instance)
        except RuntimeError:  # the host is stopping
            self.agenda.end_work()

    def _work(self, instance: Instance) -> None:
        try:
            self._step(instance)
        except Exception:
            log.exception("The host itself failed at a step of %s", instance.id)
        finally:
            self.agenda.end_work()

    # --- One step of one orchestration

    def _step(self, instance: Instance) -> None:
        with self._lock:
            instance.hear(event_of(Kind.STEP_STARTED, self._clock.now()))
        killed = first_of(Kind.TERMINATED, instance.heard)
        self._points.reach("before-episode", instance.name)
        decision = Decision() if killed else self._judge.decide(instance)
        self._points.reach("after-episode", instance.name)
        with self._lock:
            instance.busy = False
            instance.updated = stamp(self._clock.now())
            instance.status = _status_after(instance.status, instance.heard)
            acts = self._terminated(instance, killed) if killed else self._apply(instance, decision)
            self._save(instance)
            for act in acts:
                act()
            self._wake(instance)

    def _apply(self, instance: Instance, decision: Decision) -> Acts:
        """Change the instance as decided; answers what is to be done once that is stored."""
        if decision.fault:
            log.error("%s failed: %s", instance.id, decision.fault)
            return self._end(instance, "Failed", json.dumps(decision.fault))
        if decision.custom_status or not instance.carried_status:
            instance.custom_status = decision.custom_status
        instance.carried_status = False
        acts: Acts = []
        for task_id in sorted(decision.numbered.keys() - instance.scheduled.keys()):
            acts.append(self._schedule(instance, decision.numbered[task_id]))
        instance.open -= {task_id for task_id, intent in decision.numbered.items() if intent.cancelled}
        instance.remember([event_of(Kind.STEP_COMPLETED, self._clock.now())])
        self.metrics.seen("HistoryEvents", len(instance.past))
        # As on Azure an orchestration ends, or continues as new, when no task is open any more.
        if not decision.done or instance.open:
            return acts
        if decision.error:
            return acts + self._end(instance, "Failed", json.dumps(decision.error))
        if decision.continues:
            kept = [event for event in instance.inbox if event["EventType"] in FROM_OUTSIDE]
            instance.begin_again(decision.next_input)
            self.metrics.seen("InputBytes", len((instance.input or "").encode()))
            instance.inbox = [self._started(instance), *kept]
            return acts
        return acts + self._end(instance, "Completed", decision.output)

    def _terminated(self, instance: Instance, killed: Event) -> Acts:
        return self._end(instance, "Terminated", json.dumps(killed["Input"]))

    def _end(self, instance: Instance, status: str, output: str | None) -> Acts:
        instance.remember([event_of(Kind.EXECUTION_COMPLETED, self._clock.now(), Result=output)])
        self.metrics.seen("HistoryEvents", len(instance.past))
        instance.end(status, output)
        self.metrics.seen("OutputBytes", len((output or "").encode()))
        return [lambda: self._tell_parent(instance)] if instance.parent else []

    def _tell_parent(self, instance: Instance) -> None:
        if instance.parent and instance.status == "Completed":
            self.answer(instance.parent, Kind.CHILD_COMPLETED, Result=instance.output)
        elif instance.parent:
            reason = json.loads(instance.output or "null") or instance.status
            self.answer(instance.parent, Kind.CHILD_FAILED, Reason=reason, Details="")

    # --- Tasks

    def _schedule(self, instance: Instance, intent: Intent) -> Callable[[], None]:
        """Write the task into the history; answers what begins it."""
        event = instance.scheduling_event(intent, self._clock.now())
        instance.remember([event])
        asked = Parent(instance.id, intent.task_id, instance.execution)
        return lambda: self._tasks.begin(asked, event)

    # --- After a restart

    def _stored(self) -> Iterator[Instance]:
        for document in self._store.instances():
            history = () if document["status"] in ENDED else self._store.history(document["id"], document["execution"])
            yield Instance.of(document, history)

    def _take_up(self, instance: Instance) -> None:
        """Do again what was scheduled and not answered: at least once, as on Azure."""
        for event in self.history(instance):
            task = scheduled_task(event)
            if task is None or task[0] not in instance.open:
                continue
            asked = Parent(instance.id, task[0], instance.execution)
            child = self._instances.get(event.get("InstanceId", ""))
            if child is None or child.parent != asked:
                self._tasks.begin(asked, event)
            elif child.ended:
                self._tell_parent(child)
        self._wake(instance)

    # --- Small things

    def _save(self, instance: Instance) -> None:
        rows = instance.take_unsaved()
        self._store.save(instance.document(), rows)

    def _started(self, instance: Instance) -> Event:
        return event_of(
            Kind.EXECUTION_STARTED, self._clock.now(), Name=instance.name, Version=self._version, Input=instance.input
        )


def _status_after(status: str, events: list[Event]) -> str:
    status = "Running" if status == "Pending" else status
    for event in events:
        status = {Kind.SUSPENDED: "Suspended", Kind.RESUMED: "Running"}.get(event["EventType"], status)
    return status
