"""No message is lost between its acceptance and the step that hears it, whenever the host dies."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.durable_functions import DFApp

from local.host.clock import VirtualClock
from local.host.functions import App
from local.host.hub import Hub
from local.host.instance import Instance
from local.host.store import Store

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")


class Life:
    """A hub on a file; another one on the same file is what a host finds that was killed and started again."""

    def __init__(self, file: Path) -> None:
        self.store = Store(file)
        self.gate, self.in_step = threading.Event(), threading.Event()
        self.calls: list[str] = []
        functions = App(tuple(_app(self).get_functions()), "api", None).durable()
        self.hub = Hub(functions, self.store, VirtualClock())
        self.hub.begin()

    def until(self, told: Callable[[Instance], bool]) -> Instance:
        deadline = time.monotonic() + 10
        while (found := self.hub.find("one")) is None or not told(found):
            assert time.monotonic() < deadline, found
            time.sleep(0.005)
        return found

    def stored_messages(self) -> list[str]:
        [document] = self.store.instances()
        return [event["Name"] for event in document["inbox"] if "Name" in event]


def _app(life: Life) -> DFApp:
    app = DFApp()

    def two_events(context: Any):
        """The step that hears the first event takes as long as the test wants."""
        first = yield context.wait_for_external_event("first")
        life.in_step.set()
        life.gate.wait(10)
        second = yield context.wait_for_external_event("second")
        return [first, second]

    def two_executions(context: Any):
        if context.get_input() == "again":
            return (yield context.wait_for_external_event("second"))
        context.set_custom_status("first execution")
        yield context.wait_for_external_event("first")
        life.in_step.set()
        life.gate.wait(10)
        context.continue_as_new("again")

    def two_tasks(context: Any):
        yield context.task_all([context.call_activity("work", "fast"), context.call_activity("work", "slow")])

    def work(name: str) -> str:
        (life.gate if name == "slow" else life.in_step).wait(10)
        life.calls.append(name)
        return name

    for orchestrator in (two_events, two_executions, two_tasks):
        app.orchestration_trigger(context_name="context")(orchestrator)
    app.activity_trigger(input_name="name")(work)
    return app


@pytest.fixture
def new_life(tmp_path: Path) -> Iterator[Callable[[], Life]]:
    lives: list[Life] = []

    def make() -> Life:
        lives.append(Life(tmp_path / "hub.db"))
        return lives[-1]

    yield make
    for life in lives:
        life.gate.set()
        life.hub.stop()


def test_what_a_step_hears_stays_stored_while_other_messages_arrive(new_life: Callable[[], Life]):
    first = new_life()
    first.hub.start("two_events", None, "one")
    first.hub.raise_event("one", "first", "1")
    assert first.in_step.wait(10)
    first.hub.raise_event("one", "second", "2")
    assert first.stored_messages()[-2:] == ["first", "second"]
    second = new_life()  # as if the first had been killed in that step
    second.gate.set()
    assert json.loads(second.until(lambda one: one.ended).output or "") == [1, 2]


def test_a_message_that_arrives_while_an_instance_continues_as_new_is_kept(new_life: Callable[[], Life]):
    life = new_life()
    life.hub.start("two_executions", None, "one")
    life.hub.raise_event("one", "first", "1")
    assert life.in_step.wait(10)
    life.hub.raise_event("one", "second", "2")
    life.gate.set()
    assert life.until(lambda one: one.ended).output == "2"


def test_the_custom_status_outlives_continue_as_new_until_the_second_step(new_life: Callable[[], Life]):
    life = new_life()
    life.hub.start("two_executions", None, "one")
    life.gate.set()
    life.hub.raise_event("one", "first", "1")
    waiting = life.until(lambda one: one.input is not None and not one.busy)
    assert (waiting.status, waiting.custom_status) == ("Running", "first execution")
    life.hub.raise_event("one", "second", "2")
    assert life.until(lambda one: one.ended).custom_status is None


def test_a_result_that_was_stored_with_a_message_is_not_worked_for_again(new_life: Callable[[], Life]):
    first = new_life()
    first.hub.start("two_tasks", None, "one")
    first.hub.suspend("one", "")
    first.until(lambda one: one.status == "Suspended" and len(one.open) == 2)
    first.in_step.set()
    first.until(lambda one: len(one.inbox) == 1)
    first.hub.suspend("one", "once more")  # stores the inbox
    second = new_life()
    second.in_step.set()
    second.gate.set()
    second.hub.resume("one", "")
    ended = second.until(lambda one: one.ended)
    assert (ended.status, ended.output) == ("Completed", None)
    assert second.calls == ["slow"]
