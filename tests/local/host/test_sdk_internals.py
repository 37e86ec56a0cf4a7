"""The private parts of the durable SDK that `replay` and `past` use: pinned, and looked at one by one."""

import inspect
from importlib.metadata import version
from typing import Any

from azure.durable_functions.models import DurableOrchestrationContext
from azure.durable_functions.models.actions.CallActivityAction import CallActivityAction
from azure.durable_functions.models.actions.CallSubOrchestratorAction import CallSubOrchestratorAction
from azure.durable_functions.models.actions.CreateTimerAction import CreateTimerAction
from azure.durable_functions.models.actions.NoOpAction import NoOpAction
from azure.durable_functions.models.history.HistoryEvent import HistoryEvent
from azure.durable_functions.models.RetryOptions import RetryOptions
from azure.durable_functions.models.Task import AtomicTask
from azure.durable_functions.models.TaskOrchestrationExecutor import TaskOrchestrationExecutor
from azure.durable_functions.orchestrator import Orchestrator

from local.host.history import Event
from local.host.past import PROTOCOL

HEAD: list[Event] = [
    {"EventType": kind, "EventId": -1, "IsPlayed": False, "Timestamp": "2026-11-23T02:00:00.000000Z", **more}
    for kind, more in ((12, {}), (0, {"Name": "o", "Version": None, "Input": None}))
]


def context() -> Any:
    body: dict[str, Any] = {"history": HEAD, "instanceId": "id", "isReplaying": False, "parentInstanceId": None}
    body |= PROTOCOL
    return DurableOrchestrationContext(**body)


def test_the_sdk_is_the_one_that_was_read():
    assert version("azure-functions-durable") == "1.7.0"


def test_a_context_keeps_its_history_as_a_list_of_events():
    assert [type(event) for event in context()._histories] == [HistoryEvent] * 2


def test_the_sdk_finds_what_is_new_by_itself():
    """Past keeps every event as not played: the last STEP_STARTED says where the new ones begin."""
    assert "_find_new_events_start_index" in inspect.getsource(TaskOrchestrationExecutor)


def test_a_context_numbers_tasks_where_it_adds_them_to_the_open_ones():
    ours = context()
    task = ours.call_activity("a", 1)
    assert task.id is None
    ours._add_to_open_tasks(task)
    assert (task.id, ours.open_tasks[0]) == (0, task)


def test_a_context_has_a_place_for_the_type_of_its_input():
    assert "_input_expected_type" in inspect.getsource(Orchestrator.create)


def test_a_task_has_its_action():
    task = context().call_activity("a", 1)
    assert isinstance(task, AtomicTask)
    assert isinstance(task._get_action(), CallActivityAction)


def test_actions_have_their_inputs():
    assert CallActivityAction("a", 1).input_ == "1"
    assert CallSubOrchestratorAction("a", 1)._input == "1"
    assert CreateTimerAction(context().current_utc_datetime).is_cancelled is False


def test_a_retry_knows_its_action_and_its_interval():
    task = context().call_activity_with_retry("a", RetryOptions(7, 2), 1)
    assert task.retry_options.first_retry_interval_in_milliseconds == 7
    assert task.actions.function_name == "a"
    assert NoOpAction("-WithRetry timer").metadata == "-WithRetry timer"
    assert '"-WithRetry timer"' in inspect.getsource(type(task))


def test_a_decorated_orchestrator_leads_to_its_generator():
    def generator(_):
        yield

    handle: Any = Orchestrator.create(generator)
    assert handle.orchestrator_function is generator
