"""The API describes itself (OpenAPI 3.1), from the very types that read the requests and make the answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast, get_args

import msgspec

from api.answers import Answer, Problem
from api.runs import StartedRun
from shared.domain.explanation import Explanations
from shared.domain.report import RunReport
from shared.domain.run_plan import RunPlan
from shared.report_forms import FORMS
from shared.requests import ExplainQuery, ReportQuery, RunId, RunParameters, RunsQuery
from shared.watching import RunsPage, RunStatus
from shared.wire import camel

_REFERENCE = "#/components/schemas/{name}"


@dataclass(frozen=True)
class Operation:
    """One operation, by the name of the function that serves it. `query`, `body` and the answers' types are dataclasses.

    `media`: further media types of the answer 200, sent where they are preferred.
    """

    function: str
    method: str
    path: str
    summary: str
    answers: Mapping[int, tuple[str, type]]
    query: type | None = None
    body: type | None = None
    media: tuple[str, ...] = ()


_PROBLEMS: dict[int, tuple[str, type]] = {
    500: ("A mistake of ours.", Problem),
    503: ("A setting or a right is missing, or Azure has trouble; nothing was done.", Problem),
}
_NO_RUN = {404: ("Nobody knows a run of that id.", Problem)}
_WRONG = {400: ("Everything that is wrong in the request.", Problem)}

OPERATIONS = (
    Operation(
        "start",
        "post",
        "/runs",
        "Start a run, or plan one.",
        {
            200: ("The plan of a dry run; nothing was done.", RunPlan),
            202: ("The run that was started.", StartedRun),
            409: ("A run works already, or the plan has moved; nothing was started.", Problem),
            **_WRONG,
            404: ("Everything that is asked for and is not there.", Problem),
        },
        body=RunParameters,
        media=("text/plain",),
    ),
    Operation(
        "runs", "get", "/runs", "List the runs, newest first.", {200: ("A page.", RunsPage), **_WRONG}, query=RunsQuery
    ),
    Operation(
        "status",
        "get",
        "/runs/{runId}",
        "Look at one run.",
        {200: ("It has ended.", RunStatus), 202: ("It works.", RunStatus), **_NO_RUN},
    ),
    Operation(
        "report",
        "get",
        "/runs/{runId}/report",
        "Read the report of a run.",
        {
            200: ("The report.", RunReport),
            202: ("The run works.", RunStatus),
            **_WRONG,
            404: ("Nobody knows a run of that id, or it was ended by force before its report was written.", Problem),
            406: ("The report has no form that is accepted.", Problem),
        },
        query=ReportQuery,
        media=tuple(media for form in FORMS for media in form.media_types[:1])[1:],
    ),
    Operation(
        "cancel",
        "post",
        "/runs/{runId}/cancel",
        "Cancel a run: it begins nothing more and ends with a report.",
        {200: ("It has ended; nothing was done.", RunStatus), 202: ("It is about to end.", RunStatus), **_NO_RUN},
    ),
    Operation(
        "explain",
        "get",
        "/explain",
        "Tell why a lab gets an image, or why not.",
        {200: ("The rules that decide, and what they found.", Explanations), **_WRONG},
        query=ExplainQuery,
        media=("text/plain",),
    ),
    Operation("openapi", "get", "/openapi.json", "This description.", {200: ("An OpenAPI document.", dict)}),
)


async def described() -> Answer:
    """GET /api/openapi.json."""
    return Answer(document())


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    types = {kind for each in OPERATIONS for _, kind in each.answers.values() if kind is not dict} | {RunParameters}
    _, schemas = msgspec.json.schema_components(sorted(types | {Problem}, key=str), ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Image factory",
            "version": "1",
            "description": "Golden images for every DevTest lab that asks for them.",
        },
        "servers": [{"url": "/api"}],
        "security": [{}, {"functionKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"}},
            "schemas": {name: _schema(schema, name == RunParameters.__name__) for name, schema in schemas.items()},
        },
    }


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.function,
        "summary": operation.summary,
        "responses": {
            str(status): _response(operation, status, *answer)
            for status, answer in sorted({**operation.answers, **_PROBLEMS}.items())
        },
    }
    parameters: list[dict[str, Any]] = []
    if "{runId}" in operation.path:
        schema = {"type": "string", "pattern": _pattern(RunId)}
        parameters.append({"name": "runId", "in": "path", "required": True, "schema": schema})
    if operation.query is not None:
        parameters += _query(operation.query)
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        schema = {"$ref": _REFERENCE.format(name=operation.body.__name__)}
        described["requestBody"] = {"required": False, "content": {"application/json": {"schema": schema}}}
    return described


def _pattern(kind: Any) -> str:
    return str(next(each for each in get_args(kind) if isinstance(each, msgspec.Meta)).pattern)


def _response(operation: Operation, status: int, description: str, kind: type) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"} if kind is dict else {"$ref": _REFERENCE.format(name=kind.__name__)}
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    if status == 200:
        content |= {media: {"schema": {"type": "string"}} for media in operation.media}
    response: dict[str, Any] = {"description": description, "content": content}
    if status in (202, 503):
        wait = {"description": "Seconds after which to ask again.", "schema": {"type": "integer"}}
        response["headers"] = {"Retry-After": wait}
    return response


def _query(kind: type) -> list[dict[str, Any]]:
    """The parameters of a query, each with the schema of its field."""
    _, schemas = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    schema = _schema(schemas[kind.__name__], closed=True)
    return [
        {"name": name, "in": "query", "required": name in schema["required"], "schema": property_}
        for name, property_ in cast(dict[str, Any], schema["properties"]).items()
    ]


def _schema(schema: dict[str, Any], closed: bool) -> dict[str, Any]:
    """A schema as it is on the wire: keys in camel case, left out rather than null or empty."""
    if "properties" not in schema:
        return schema
    properties = {camel(name): _without_null(each) for name, each in schema["properties"].items()}
    named: dict[str, Any] = {**schema, "properties": properties, "required": list(map(camel, schema["required"]))}
    return {**named, "additionalProperties": False} if closed else named


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if key != "default" or value}
    choices = [each for each in kept.pop("anyOf", []) if each != {"type": "null"}]
    if len(choices) == 1:
        return {**choices[0], **kept}
    return {**kept, "anyOf": choices} if choices else kept
