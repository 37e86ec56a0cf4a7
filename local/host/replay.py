"""The only module that knows the durable SDK's internals (azure-functions-durable 1.7.0): run its replay, say what is new.

The answer of the out-of-process protocol carries no task ids: the extension finds them by replaying the actions itself. Here the
SDK is watched while it numbers its tasks: what is numbered and not in the history yet is to be scheduled now.
"""

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.actions.CallActivityAction import CallActivityAction
from azure.durable_functions.models.actions.CallActivityWithRetryAction import CallActivityWithRetryAction
from azure.durable_functions.models.actions.CallSubOrchestratorAction import CallSubOrchestratorAction
from azure.durable_functions.models.actions.CallSubOrchestratorWithRetryAction import CallSubOrchestratorWithRetryAction
from azure.durable_functions.models.actions.CreateTimerAction import CreateTimerAction
from azure.durable_functions.models.actions.NoOpAction import NoOpAction
from azure.durable_functions.models.Task import AtomicTask
from azure.durable_functions.orchestrator import Orchestrator

_LABEL = "\n\n$OutOfProcData$:"
_CONTINUE_AS_NEW = 4

# Four fifths of a replay is the parsing of timestamps that were parsed in every replay before: remember them.
_events: Any = importlib.import_module("azure.durable_functions.models.history.HistoryEvent")
_events.dt_parse = lru_cache(maxsize=200_000)(_events.dt_parse)


@dataclass(frozen=True)
class Intent:
    """A task that the orchestrator wants: an activity, a child or a timer."""

    kind: str
    task_id: int
    name: str = ""
    input: str | None = None
    instance_id: str = ""
    fire_at: datetime | None = None


@dataclass
class Decision:
    """What one step of an orchestration came to. Texts are JSON; `actions` are the SDK's own answer."""

    new: list[Intent] = field(default_factory=list[Intent])
    done: bool = False
    output: str | None = None
    error: str | None = None
    continues: bool = False
    next_input: str | None = None
    custom_status: Any = None
    has_custom_status: bool = False
    actions: list[Any] = field(default_factory=list[Any])


class _Context(DurableOrchestrationContext):
    def __init__(self, **arguments: Any) -> None:  # pyright: ignore
        self.numbered: dict[int, Any] = {}
        super().__init__(**arguments)

    def _add_to_open_tasks(self, task: Any) -> None:
        super()._add_to_open_tasks(task)
        if isinstance(task, AtomicTask) and isinstance(task.id, int) and task.id >= 0:
            self.numbered[task.id] = task


@dataclass(frozen=True)
class Step:
    """What the SDK is given: the history as JSON texts, oldest first, what was scheduled before, who it is."""

    name: str
    history: list[str]
    input: str | None
    instance_id: str
    parent_id: str | None
    scheduled: Mapping[int, tuple[str, str]]

    def body(self) -> str:
        """The text that the extension sends to the worker."""
        return "".join(
            (
                '{"history":[',
                ",".join(self.history),
                '],"input":',
                self.input or "null",
                ',"instanceId":',
                json.dumps(self.instance_id),
                ',"isReplaying":',
                "true" if self.scheduled else "false",
                ',"parentInstanceId":',
                json.dumps(self.parent_id),
                ',"upperSchemaVersion":1,"upperSchemaVersionNew":2,"longRunningTimerIntervalDuration":"3.00:00:00"',
                ',"maximumShortTimerDuration":"6.00:00:00","defaultHttpAsyncRequestSleepTimeMillseconds":30000}',
            )
        )


def replay(handle: Any, step: Step, body: str) -> Decision:
    """Run the orchestrator over its history with the SDK's own code; never raises."""
    context: Any = _Context.from_json(body)
    context._input_expected_type = getattr(handle, "_df_input_type", None)
    decision = Decision()
    try:
        state: dict[str, Any] = json.loads(Orchestrator(handle.orchestrator_function).handle(context))
    except Exception as error:
        message, label, tail = str(error).partition(_LABEL)
        state = json.loads(tail) if label else {"actions": [[]], "error": f"{type(error).__name__}: {message}"}
    decision.actions = state["actions"][0] if state.get("actions") else []
    intents = {task_id: _intent(context, task_id, task) for task_id, task in context.numbered.items()}
    if mismatch := _mismatch(step.scheduled, intents):
        decision.done, decision.error = True, mismatch
        return decision
    decision.new = [intents[task_id] for task_id in sorted(intents) if task_id not in step.scheduled]
    decision.has_custom_status = "customStatus" in state
    decision.custom_status = state.get("customStatus")
    decision.done = bool(state.get("isDone"))
    if state.get("error"):
        decision.done, decision.error = True, f"Orchestrator function '{step.name}' failed: {state['error']}"
    elif decision.done:
        last: dict[str, Any] = decision.actions[-1] if decision.actions else {}
        if last.get("actionType") == _CONTINUE_AS_NEW:
            decision.continues, decision.next_input = True, json.dumps(last["input"])
        elif "output" in state:
            decision.output = json.dumps(state["output"])
    return decision


def _intent(context: Any, task_id: int, task: Any) -> Intent:
    action = task._get_action()
    if isinstance(action, NoOpAction):
        # A retry: first its timer, then the parent's action again.
        if action.metadata == "-WithRetry timer":
            interval = task.parent.retry_options.first_retry_interval_in_milliseconds
            return Intent("timer", task_id, fire_at=context.current_utc_datetime + timedelta(milliseconds=interval))
        action = task.parent.actions
    if isinstance(action, CreateTimerAction):
        return Intent("timer", task_id, fire_at=action.fire_at)
    if isinstance(action, CallActivityAction | CallActivityWithRetryAction):
        return Intent("activity", task_id, action.function_name, action.input_)
    if isinstance(action, CallSubOrchestratorAction | CallSubOrchestratorWithRetryAction):
        # The extension serialises the JSON text once more, hence JSON within JSON.
        text: Any = action._input  # pyright: ignore[reportPrivateUsage]
        return Intent("child", task_id, action.function_name, json.dumps(text), action.instance_id or "")
    raise NotImplementedError(f"{type(action).__name__} is not played by the embedded host")


def _mismatch(scheduled: Mapping[int, tuple[str, str]], intents: Mapping[int, Intent]) -> str | None:
    """A replay must want what was scheduled before, under the same numbers."""
    for task_id, (kind, name) in scheduled.items():
        intent = intents.get(task_id)
        if intent is None or intent.kind != kind or (kind != "timer" and intent.name != name):
            wanted = f"{intent.kind} {intent.name!r}" if intent else "nothing"
            return (
                f"Non-Deterministic workflow detected: {kind} {name!r} was scheduled with sequence id {task_id} before,"
                f" the current replay has {wanted} there."
            )
    return None
