"""The API's description is that of the app: its routes, its parameters, its answers."""

import importlib.util
import json
from typing import Any

import msgspec
import pytest

from api.answers import STATUS_CODES, Problem
from api.openapi import OPERATIONS, document
from shared.requests import RunParameters, RunsQuery, read_parameters, read_query
from shared.wire import camel
from tests.contracts.app_source import ROOT

Json = dict[str, Any]


def served() -> set[tuple[str, str, str]]:
    """(function, method, path) of every route of the app; indexed under a name of its own."""
    spec = importlib.util.spec_from_file_location("function_app_described", ROOT / "function_app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    functions = [each for each in module.app.get_functions() if each.get_trigger().type == "httpTrigger"]
    return {
        (each.get_function_name(), str(method.value).lower(), f"/{each.get_trigger().route}")
        for each in functions
        for method in each.get_trigger().methods
    }


def schema(name: str) -> Json:
    return document()["components"]["schemas"][name]


def test_every_route_is_described_and_no_other() -> None:
    assert {(each.function, each.method, each.path) for each in OPERATIONS} == served()


def test_every_reference_leads_to_a_schema() -> None:
    text = json.dumps(document())
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert named == set(document()["components"]["schemas"])


def test_the_body_is_described_by_the_type_that_reads_it() -> None:
    described = schema(RunParameters.__name__)
    names = {camel(field.name) for field in msgspec.inspect.type_info(RunParameters).fields}  # type: ignore[union-attr]
    assert set(described["properties"]) == names
    assert described["additionalProperties"] is False
    assert described["required"] == []


@pytest.mark.parametrize("name", sorted(schema(RunParameters.__name__)["properties"]))
def test_every_parameter_is_described_with_an_example_that_is_taken(name: str) -> None:
    described = schema(RunParameters.__name__)["properties"][name]
    assert described["description"]
    [example] = described["examples"]
    assert read_parameters(json.dumps({name: example}).encode()) != RunParameters()


def test_the_query_is_described_by_the_type_that_reads_it() -> None:
    parameters = document()["paths"]["/runs"]["get"]["parameters"]
    examples = {each["name"]: str(each["schema"]["examples"][0]) for each in parameters}
    assert read_query(examples, RunsQuery).before == examples["before"]
    assert {each["name"]: each["required"] for each in document()["paths"]["/explain"]["get"]["parameters"]} == {
        "lab": True,
        "image": True,
    }


def test_nothing_is_described_as_null_because_what_has_no_value_is_left_out() -> None:
    assert '"null"' not in json.dumps(document())


def test_every_status_that_an_error_is_answered_with_is_described_somewhere() -> None:
    described = {status for each in OPERATIONS for status, (_, kind) in each.answers.items() if kind is Problem}
    assert set(STATUS_CODES.values()) <= described
