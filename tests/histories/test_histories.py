"""Recorded histories, replayed by today's orchestrators: the same actions, to the last input, and the same end (E13)."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import orchestrators.capture
import orchestrators.delivery
import orchestrators.factory_run
import orchestrators.inspection
import orchestrators.lanes
from local.host.extension import disagreement
from local.host.history import Kind, scheduled_task
from local.host.past import Past
from local.host.replay import Decision, Step, replay
from shared.durable import _orchestrator_entry
from tests.histories.recording import RECORDED

HISTORIES: dict[str, Any] = json.loads(RECORDED.read_text("utf-8"))
HOMES: dict[str, ModuleType] = {
    "capture": orchestrators.capture,
    "deliver": orchestrators.delivery,
    "factory_run": orchestrators.factory_run,
    "inspect_labs": orchestrators.inspection,
    "lane_of_work": orchestrators.lanes,
}


@pytest.fixture(autouse=True)
def strict_typing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As deployed."""
    monkeypatch.setenv("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "1")


def replayed(name: str, orchestrator: Callable[..., Any]) -> tuple[Decision, Past]:
    """What the orchestrator comes to after all that was recorded, but for the end."""
    recorded, past = HISTORIES[name], Past()
    for event in recorded["history"]:
        if event["EventType"] != Kind.EXECUTION_COMPLETED:
            past.append(event, json.dumps(event))
    handle = SimpleNamespace(orchestrator_function=_orchestrator_entry(orchestrator))
    return replay(handle, Step(name, past, recorded["input"], recorded["id"], None)), past


def differs(name: str, orchestrator: Callable[..., Any]) -> str:
    """Where today's orchestrator departs from the record; empty when it does the same."""
    decision, past = replayed(name, orchestrator)
    wanted = {
        event["EventId"]: (task[1], task[2], event.get("Input"))
        for event in HISTORIES[name]["history"]
        if (task := scheduled_task(event)) is not None
    }
    done = {
        task_id: (
            intent.kind,
            intent.name,
            json.dumps(intent.input) if intent.kind == "child" else intent.input,
        )
        for task_id, intent in decision.numbered.items()
    }
    if done != wanted:
        changed = sorted(task for task in wanted.keys() | done.keys() if wanted.get(task) != done.get(task))
        return f"task {changed[0]} of {name}: {done.get(changed[0])} instead of {wanted.get(changed[0])}"
    if not decision.done or decision.output != HISTORIES[name]["output"]:
        return f"{name} ends with {decision.output} instead of {HISTORIES[name]['output']}"
    return disagreement(name, decision.numbered, decision.actions, past.told) or ""


@pytest.mark.parametrize("name", sorted(HOMES))
def test_todays_orchestrators_do_what_was_recorded(name: str) -> None:
    assert differs(name, getattr(HOMES[name], name)) == "", "if that is meant: python -m tests.histories.recording"


def test_every_orchestrator_has_a_record() -> None:
    assert set(HISTORIES) == set(HOMES)


MUTANTS = [
    ("capture", "        released = yield from call(context, release_disk, work)\n", "        released = work\n"),
    ("capture", "            work = yield from _generalized(context, work)", "            pass"),
    ("capture", "yield from pause(context, STOPPED_FOR)", "pass"),
    ("deliver", "        yield from _created(context, work)\n", ""),
    ("deliver", "call(context, begin_copy, work)", "call(context, begin_copy, replace(work, round=2))"),
    ("deliver", "return (yield from settled(context, settle_delivery, DeliveryEnd(work, outcome), outcome))", "return outcome"),
    ("factory_run", "        yield from inspect_all_labs(context, run, configured.labs)\n", ""),
    ("factory_run", "        yield from work_in_lanes(context, run, Kind.CAPTURES, configured.terms.lanes)\n", ""),
    ("factory_run", "    if taken.took_over:", "    if not taken.took_over:"),
    ("factory_run", "        yield from _work(context, run, request)\n        summary", "        summary"),
    ("inspect_labs", "        yield from call(context, find_resource_groups, part.chunk)\n", "        pass\n"),
    ("inspect_labs", "for index in part.chunk.indices(part.labs)]", "for index in reversed(part.chunk.indices(part.labs))]"),
    ("lane_of_work", "        yield from _work(context, lane.round, ticket)\n", ""),
    ("lane_of_work", "            return LaneEnd(ticket.answer)", "            return LaneEnd('over')"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new"), MUTANTS)
def test_an_orchestrator_that_does_something_else_is_seen(name: str, old: str, new: str) -> None:
    home = HOMES[name]
    text = Path(home.__file__ or "").read_text("utf-8")
    assert text.count(old) == 1
    mutated: dict[str, Any] = {"__name__": home.__name__}
    exec(compile(text.replace(old, new), home.__name__, "exec"), mutated)  # noqa: S102 - our own code, a little changed
    assert differs(name, mutated[name]) != ""
