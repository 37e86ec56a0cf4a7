"""Run the durable SDK's own replay (azure-functions-durable 1.7.0) and say what is new.

This module and `past` are the only ones that know the SDK's internals. The answer of the out-of-process protocol carries no task
ids: the extension finds them by playing the actions itself. Here the SDK is watched while it numbers its tasks: what is numbered
and not in the history yet is to be scheduled now.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.actions.CallActivityAction import CallActivityAction
from azure.durable_functions.models.actions.CallActivityWithRetryAction import CallActivityWithRetryAction
from azure.durable_functions.models.actions.CallSubOrchestratorAction import CallSubOrchestratorAction
from azure.durable_functions.models.actions.CallSubOrchestratorWithRetryAction import CallSubOrchestratorWithRetryAction
from azure.durable_functions.models.actions.CreateTimerAction import CreateTimerAction
from azure.durable_functions.models.actions.NoOpAction import NoOpAction
from azure.durable_functions.models.Task import AtomicTask
from azure.durable_functions.orchestrator import Orchestrator

from local.host.past import PROTOCOL, Past

_LABEL = "\n\n$OutOfProcData$:"
_CONTINUE_AS_NEW = 4


@dataclass(frozen=True)
class Intent:
    """A task that the orchestrator wants: an activity, a child or a timer. `input` is the SDK's JSON text."""

    task_id: int
    kind: str
    name: str = ""
    input: str | None = None
    instance_id: str = ""
    fire_at: datetime | None = None
    cancelled: bool = False


class Scheduled(NamedTuple):
    """What an earlier step wanted under some number."""

    kind: str
    name: str


@dataclass
class Decision:
    """What a replay came to. Texts are JSON. `fault` is what the host finds wrong with it, `error` what the orchestrator raised."""

    numbered: dict[int, Intent] = field(default_factory=dict[int, Intent])
    actions: list[Any] = field(default_factory=list[Any])
    done: bool = False
    output: str | None = None
    error: str | None = None
    fault: str | None = None
    continues: bool = False
    next_input: str | None = None
    custom_status: Any = None


@dataclass(frozen=True)
class Step:
    """What the SDK is given. `past` ends with what is new."""

    name: str
    past: Past
    input: str | None
    instance_id: str
    parent_id: str | None


class _Context(DurableOrchestrationContext):
    """The orchestrator's context; notes every task with a number of its own."""

    def __init__(self, step: Step) -> None:
        self.numbered: dict[int, Any] = {}
        base: Any = super()
        base.__init__(
            history=step.past.head,
            instanceId=step.instance_id,
            isReplaying=len(step.past) > len(step.past.head),
            parentInstanceId=step.parent_id,
            input=json.loads(step.input or "null"),
            **PROTOCOL,
        )
        self._histories = step.past.events

    def _add_to_open_tasks(self, task: Any) -> None:
        super()._add_to_open_tasks(task)
        if isinstance(task, AtomicTask) and isinstance(task.id, int) and task.id >= 0:
            self.numbered[task.id] = task


def replay(handle: Any, step: Step) -> Decision:
    """Run the orchestrator over its past; never raises."""
    context: Any = _Context(step)
    context._input_expected_type = getattr(handle, "_df_input_type", None)
    try:
        state: dict[str, Any] = json.loads(Orchestrator(handle.orchestrator_function).handle(context))
    except Exception as error:
        message, label, tail = str(error).partition(_LABEL)
        state = json.loads(tail) if label else {"error": f"{type(error).__name__}: {message}"}
    actions: list[list[Any]] = state.get("actions") or [[]]
    decision = Decision(actions=actions[0], custom_status=state.get("customStatus"))
    try:
        decision.numbered = {task_id: _intent(context, task_id, task) for task_id, task in context.numbered.items()}
    except NotImplementedError as error:
        decision.fault = str(error)
        return decision
    last: dict[str, Any] = decision.actions[-1] if decision.actions else {}
    if state.get("error"):
        decision.done, decision.error = True, f"Orchestrator function '{step.name}' failed: {state['error']}"
    elif state.get("isDone"):
        decision.done = True
        decision.continues = last.get("actionType") == _CONTINUE_AS_NEW
        decision.next_input = json.dumps(last["input"]) if decision.continues else None
        decision.output = json.dumps(state["output"]) if "output" in state else None
    return decision


def non_determinism(scheduled: Mapping[int, Scheduled], numbered: Mapping[int, Intent]) -> str | None:
    """What a replay wants otherwise than it was scheduled before; None when it keeps to it."""
    for task_id, (kind, name) in scheduled.items():
        intent = numbered.get(task_id)
        if intent is None or (intent.kind, intent.name) != (kind, name):
            wanted = f"{intent.kind} '{intent.name}'" if intent else "nothing"
            return (
                f"Non-Deterministic workflow detected: {kind} '{name}' was scheduled with sequence id {task_id} before,"
                f" the current replay has {wanted} there."
            )
    return None


def _intent(context: Any, task_id: int, task: Any) -> Intent:
    action = task._get_action()
    if isinstance(action, NoOpAction):
        # A retry: first its timer, then the parent's action again.
        if action.metadata == "-WithRetry timer":
            interval = task.parent.retry_options.first_retry_interval_in_milliseconds
            return Intent(task_id, "timer", fire_at=context.current_utc_datetime + timedelta(milliseconds=interval))
        action = task.parent.actions
    if isinstance(action, CreateTimerAction):
        at: datetime = action.fire_at
        aware = at if at.tzinfo else at.replace(tzinfo=UTC)
        return Intent(task_id, "timer", fire_at=aware, cancelled=action.is_cancelled)
    if isinstance(action, CallActivityAction | CallActivityWithRetryAction):
        return Intent(task_id, "activity", action.function_name, action.input_)
    if isinstance(action, CallSubOrchestratorAction | CallSubOrchestratorWithRetryAction):
        text: Any = action._input  # pyright: ignore[reportPrivateUsage]
        return Intent(task_id, "child", action.function_name, text, action.instance_id or "")
    raise NotImplementedError(f"{type(action).__name__} is not played by the embedded host.")
