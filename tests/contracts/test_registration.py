"""Everything that orchestrators call is registered, once, and as the worker takes it (`durable-facts.md` 2.6)."""

import ast
import importlib.util
import inspect
from collections import Counter
from dataclasses import dataclass, is_dataclass
from typing import Any, get_args, get_origin, get_type_hints

import pytest

import function_app
from api.openapi import OPERATIONS
from shared.durable import _input_type, _result_type
from tests.contracts.app_source import ROOT, called_name, nodes
from tests.orchestrators import world

ORCHESTRATORS = sorted((ROOT / "orchestrators").glob("*.py"))
CALLS_ACTIVITIES = {"call", "fan_out", "wait_while", "wait_on", "settled"}
CALLS_ORCHESTRATORS = {"call_child", "fan_out_children"}


@dataclass(frozen=True)
class Registered:
    name: str
    trigger: str
    function: Any
    bindings: frozenset[str]


@pytest.fixture(scope="module")
def registered() -> list[Registered]:
    """The app as a host indexes it; under a name of its own, because an app can be indexed once only."""
    spec = importlib.util.spec_from_file_location("function_app_indexed", ROOT / "function_app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [
        Registered(
            str(each.get_function_name()),
            str(each.get_trigger().type),
            each.get_user_function(),
            frozenset(binding.name for binding in each.get_bindings()),
        )
        for each in module.app.get_functions()
    ]


def of_type(registered: list[Registered], trigger: str) -> set[str]:
    return {each.name for each in registered if each.trigger == trigger}


def called(by: set[str]) -> set[str]:
    """What orchestrators hand to these functions of the seam, by the names of the functions."""
    names: set[str] = set()
    for node in nodes(ORCHESTRATORS):
        match node:
            case ast.Call(args=[_, called, *_]) if called_name(node) in by:
                assert isinstance(called, ast.Name), f"line {node.lineno}: {ast.unparse(called)} is no function"
                names.add(called.id)
            case _:
                pass
    return names


def test_every_function_has_a_name_of_its_own(registered: list[Registered]) -> None:
    assert [name for name, times in Counter(each.name for each in registered).items() if times > 1] == []


def test_the_activities_that_are_called_are_exactly_those_that_are_registered(registered: list[Registered]) -> None:
    """One that is called and not registered hangs a run for ever; one that is registered and not called is left over."""
    assert called(CALLS_ACTIVITIES) == of_type(registered, "activityTrigger")


def test_the_orchestrators_that_are_called_are_exactly_those_that_are_registered(registered: list[Registered]) -> None:
    assert called(CALLS_ORCHESTRATORS) | {"factory_run"} == of_type(registered, "orchestrationTrigger")


def test_a_timer_an_upload_and_http_start_the_factory(registered: list[Registered]) -> None:
    assert of_type(registered, "timerTrigger") == {"nightly"}
    assert of_type(registered, "blobTrigger") == {"configuration_uploaded"}
    assert of_type(registered, "httpTrigger") == {operation.function for operation in OPERATIONS}


def test_no_annotation_meets_the_worker_that_it_does_not_know(registered: list[Registered]) -> None:
    """One parameter annotated `dict[str, int]` and the worker loads nothing of the app at all."""
    for each in registered:
        for parameter in inspect.signature(each.function).parameters.values():
            kind = parameter.annotation
            assert kind is inspect.Parameter.empty or (isinstance(kind, type) and get_origin(kind) is None), each.name


def test_what_meets_the_host_is_unannotated_and_takes_its_binding(registered: list[Registered]) -> None:
    for each in registered:
        function = getattr(each.function, "orchestrator_function", each.function)
        if each.trigger in ("activityTrigger", "orchestrationTrigger"):
            assert inspect.get_annotations(function) == {}, each.name
            assert set(inspect.signature(function).parameters) == each.bindings, each.name


def test_the_seam_finds_the_types_of_everything_that_is_registered() -> None:
    """A missing annotation would fail in the middle of a run: inputs and results are typed by them."""
    for function in (*function_app.ACTIVITIES, *function_app.ORCHESTRATORS):
        assert isinstance(_input_type(function), type), function.__name__
        assert isinstance(_result_type(function), type), function.__name__


def test_the_fakes_of_the_orchestrators_tests_are_named_as_the_activities() -> None:
    assert set(world.ACTIVITIES) == {activity.__name__ for activity in function_app.ACTIVITIES}
    assert set(world.ORCHESTRATORS) == set(function_app.ORCHESTRATORS)


def holds_a_set(kind: Any, seen: tuple[Any, ...] = ()) -> bool:
    """Is there a set in a type, in its parts, or in the fields of its dataclasses?"""
    if kind in seen:
        return False
    if (get_origin(kind) or kind) in (set, frozenset):
        return True
    fields = get_type_hints(kind).values() if is_dataclass(kind) else ()
    return any(holds_a_set(part, (*seen, kind)) for part in (*get_args(kind), *fields))


@pytest.mark.parametrize("function", [*function_app.ACTIVITIES, *function_app.ORCHESTRATORS], ids=lambda f: f.__name__)
def test_nothing_that_crosses_the_seam_holds_a_set(function: Any) -> None:
    """An orchestrator would meet its members in another order when it replays."""
    assert not holds_a_set(_input_type(function))
    assert not holds_a_set(_result_type(function))


def test_a_set_is_found_wherever_it_is_hidden() -> None:
    assert holds_a_set(tuple[Registered, ...])
    assert holds_a_set(dict[str, list[set[str]]] | None)
    assert not holds_a_set(tuple[str, ...] | None)
