"""The engine in this process, on a clock that jumps: what holds between a step, its tasks and what is stored."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.durable_functions import DFApp

from local.host.clock import VirtualClock
from local.host.functions import App
from local.host.hub import Hub
from local.host.instance import Instance
from local.host.misbehaviour import Misbehaviour, Mischief
from local.host.store import Store

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

START = datetime(2026, 11, 23, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Once(Misbehaviour):
    """The first activity is repeated a minute after it was begun; no other."""

    def __init__(self) -> None:
        super().__init__(None)
        self._left = [Mischief.AGAIN_LATER]

    def next(self) -> Mischief | None:
        return self._left.pop() if self._left else None

    def pause(self) -> timedelta:
        return MINUTE


class World:
    """A hub with a small app, and what its activities noted."""

    def __init__(self, file: Path, misbehaviour: Misbehaviour | None = None) -> None:
        self.clock, self.store = VirtualClock(START), Store(file)
        self.noted: list[Any] = []
        durable = App(tuple(_app(self).get_functions()), "api", None).durable()
        self.hub = Hub(durable, self.store, self.clock, misbehaviour=misbehaviour)
        self.hub.begin()

    def run(self, name: str, value: Any = None, instance_id: str = "") -> Instance:
        started = self.hub.start(name, json.dumps(json.dumps(value)), instance_id)
        return self.wait(started)

    def wait(self, instance_id: str) -> Instance:
        until = time.monotonic() + 10
        while (found := self.hub.find(instance_id)) is None or not found.ended:
            assert time.monotonic() < until, f"{instance_id} has not ended"
            time.sleep(0.005)
        return found

    def output(self, instance: Instance) -> Any:
        assert instance.status == "Completed", instance.output
        return json.loads(instance.output or "null")

    def end(self) -> None:
        self.hub.stop()


def _app(world: World) -> DFApp:
    app = DFApp()
    for orchestrator in (naps, two_lives, looks, sleeper, adopts):
        app.orchestration_trigger(context_name="context")(orchestrator)

    def note(text: str) -> str:
        world.noted.append((text, world.clock.now() - START))
        return text

    def look(instance: str) -> str:
        """What is on disk about the one that called."""
        return "\n".join(line for line in world.store.everything() if line.startswith(instance))

    app.activity_trigger(input_name="text")(note)
    app.activity_trigger(input_name="instance")(look)
    return app


def naps(context: Any):
    """A timer of an hour, three times."""
    for _ in range(3):
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    return str(context.current_utc_datetime)


def two_lives(context: Any):
    """An activity as task 0, then, in a new execution, a timer of ten minutes as task 0."""
    if context.get_input() == "first":
        yield context.call_activity("note", "worked")
        context.continue_as_new("second")
        return None
    yield context.create_timer(context.current_utc_datetime + 10 * MINUTE)
    return (context.current_utc_datetime - START).total_seconds()


def looks(context: Any):
    return (yield context.call_activity("look", context.instance_id))


def sleeper(context: Any):
    yield context.create_timer(context.current_utc_datetime + timedelta(days=1))


def adopts(context: Any):
    try:
        yield context.call_sub_orchestrator("sleeper", None, context.get_input())
    except Exception as error:
        return str(error)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(misbehaviour: Misbehaviour | None = None) -> World:
        made.append(World(tmp_path / "hub.db", misbehaviour))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_three_hours_of_timers_pass_in_no_time(world: Callable[..., World]):
    begun = time.monotonic()
    ours = world()
    assert ours.output(ours.run("naps")) == "2026-11-23 05:00:00+00:00"
    assert ours.clock.now() == START + timedelta(hours=3)
    assert time.monotonic() - begun < 60


def test_a_result_of_an_older_execution_is_dropped(world: Callable[..., World]):
    """The repeat of task 0 ends when the next execution's task 0 is a timer: it must not fire it."""
    ours = world(Once())
    assert ours.output(ours.run("two_lives", "first")) == 600
    assert ours.noted == [("worked", timedelta()), ("worked", MINUTE)], "it was repeated in the second life"


def test_an_activity_begins_after_its_scheduling_is_stored(world: Callable[..., World]):
    ours = world()
    assert '"Name": "look"' in ours.output(ours.run("looks", instance_id="looker"))


def test_a_child_whose_id_is_taken_fails_in_its_parents_hands(world: Callable[..., World]):
    ours = world()
    with ours.hub.agenda.work():  # time stands still: the sleeper sleeps
        ours.hub.start("sleeper", None, "taken")
        parent = ours.hub.start("adopts", json.dumps(json.dumps("taken")))
        adopted = ours.wait(parent)
    assert "already exists" in ours.output(adopted)


def test_a_terminated_instance_is_ended_at_once_and_its_timer_moves_no_clock(world: Callable[..., World]):
    ours = world()
    with ours.hub.agenda.work():  # time stands still
        ours.hub.start("sleeper", None, "ended")
        ours.hub.terminate("ended", "enough")
        ended = ours.wait("ended")
    assert (ended.status, ended.output) == ("Terminated", '"enough"')
    ours.run("naps")
    assert ours.clock.now() == START + timedelta(hours=3)


def test_a_child_hears_nothing_of_its_parents_end(world: Callable[..., World]):
    ours = world()
    with ours.hub.agenda.work():
        parent = ours.hub.start("adopts", json.dumps(json.dumps("child")))
        while ours.hub.find("child") is None:
            time.sleep(0.005)
        ours.hub.terminate(parent, "enough")
        assert ours.wait(parent).status == "Terminated"
        assert not (ours.hub.find("child") or ours.wait(parent)).ended
    assert ours.wait("child").status == "Completed"
    assert ours.wait(parent).status == "Terminated"
