"""What callers of the API may ask for: types that read a request, say what is wrong with it and describe it (OpenAPI)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec
from msgspec import Meta

from shared.domain.findings import Finding
from shared.domain.matching import LONGEST_PATH
from shared.domain.quoting import quoted
from shared.domain.selection import Selection, Stage
from shared.errors import ConfigurationError
from shared.labs_file.located_json import JsonSyntaxError, Object, parse_located
from shared.parameters import PATH, finding, read_values, shown
from shared.redaction import redacted
from shared.settings import MOST_LANES

T = TypeVar("T")

LONGEST_BODY = 1024 * 1024
MOST_NAMED = 10_000
MOST_RUNS = 100

RunId = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{8}T[0-9]{6}Z-[A-Za-z0-9]{4}$",
        description="the id of a run",
        examples=["20261123T020509Z-3fa2"],
    ),
]
LabName = Annotated[
    str,
    Meta(
        pattern=r"^([0-9A-Fa-f-]{36}/)?[^/\\]{1,50}$",
        description="the name of a lab, or SubscriptionId/LabName",
        examples=["lab-paris"],
    ),
]
Entry = Annotated[
    str,
    Meta(
        min_length=1,
        pattern=PATH,
        max_length=LONGEST_PATH,
        description="a path of GoldenImages, a file or a folder, as in ImagePaths",
        examples=["Windows/Server2022.json"],
    ),
]


@dataclass(frozen=True)
class RunParameters:
    """The body of POST /api/runs. Everything may be left out; without a body the whole job is done."""

    labs: Annotated[
        tuple[LabName, ...],
        Meta(min_length=1, max_length=MOST_NAMED, description="only these labs", examples=[["lab-paris"]]),
    ] = ()
    images: Annotated[
        tuple[Entry, ...],
        Meta(min_length=1, max_length=MOST_NAMED, description="only these images", examples=[["Windows"]]),
    ] = ()
    stages: Annotated[
        tuple[Stage, ...],
        Meta(min_length=1, max_length=2, description="only these stages", examples=[["distribute"]]),
    ] = ()
    dry_run: Annotated[
        bool, Meta(description="only plan: tell what a run would do, and do nothing", examples=[True])
    ] = False
    retry_failed_of: Annotated[
        RunId | None,
        Meta(description="only the pairs that failed in this run", examples=["20261123T020509Z-3fa2"]),
    ] = None
    plan_id: Annotated[
        Annotated[
            str,
            Meta(pattern="^[0-9a-f]{64}$", description="the planId of a dry run", examples=["0123456789abcdef" * 4]),
        ]
        | None,
        Meta(
            description="the planId of a dry run with the same parameters: start only if it would plan the same now",
            examples=["0123456789abcdef" * 4],
        ),
    ] = None
    max_concurrent_copies: Annotated[
        Annotated[int, Meta(ge=1, le=MOST_LANES)] | None,
        Meta(description="instead of the setting MAX_CONCURRENT_COPIES", examples=[20]),
    ] = None

    @property
    def selection(self) -> Selection:
        return Selection(self.labs, self.images, self.stages, self.retry_failed_of or "")


@dataclass(frozen=True)
class RunsQuery:
    """The query of GET /api/runs."""

    limit: Annotated[int, Meta(ge=1, le=MOST_RUNS, description="how many runs to list at most", examples=[20])] = 20
    before: Annotated[
        RunId | None,
        Meta(description="only runs that are older than this one", examples=["20261123T020509Z-3fa2"]),
    ] = None


@dataclass(frozen=True)
class ExplainQuery:
    """The query of GET /api/explain."""

    lab: Annotated[LabName, Meta(description="the lab, as labs.json names it", examples=["lab-paris"])]
    image: Annotated[
        Entry, Meta(description="an image path, or the name of an image", examples=["Windows/Server2022.json"])
    ]


@dataclass(frozen=True)
class ReportQuery:
    """The query of GET /api/runs/{runId}/report."""

    format: Annotated[
        Literal["json", "markdown", "html", "junit"] | None,
        Meta(description="the form; else the header Accept says it", examples=["html"]),
    ] = None


class RequestError(ConfigurationError):
    """The request is wrong; `findings` tell everything that is.

    `RequestInvalid`: it is not what the API describes. `SelectionNotFound`: it is, but what it asks for is not there.
    """

    def __init__(self, findings: Iterable[Finding], code: str = "RequestInvalid") -> None:
        self.findings = tuple(map(_told_safely, findings))
        told = " ".join(f"{found.path}: {found.message}" for found in self.findings[:_TOLD])
        more = f" And {len(self.findings) - _TOLD} more." if len(self.findings) > _TOLD else ""
        super().__init__(code, f"Nothing was done. {told}{more}", self.findings[0].next)


def _told_safely(found: Finding) -> Finding:
    """What was sent may be a secret in the wrong place."""
    return replace(found, message=redacted(found.message), next=redacted(found.next), path=redacted(found.path))


_TOLD = 10
"""Findings that are told in the message, too; all of them stand beside it."""


def read_parameters(body: bytes) -> RunParameters:
    """Read the body of POST /api/runs; raises RequestError with everything that is wrong."""
    if not body.strip():
        return RunParameters()
    found: list[Finding] = []
    parameters = read_values(RunParameters, _object(body), found)
    if parameters is None:
        raise RequestError(found)
    return parameters


def read_query(query: Mapping[str, str], kind: type[T]) -> T:
    """Read the query of a request; raises RequestError with everything that is wrong."""
    found: list[Finding] = []
    asked = read_values(
        kind, {key: value for key, value in query.items() if key not in _OF_THE_HOST}, found, strict=False
    )
    if asked is None:
        raise RequestError(found)
    return asked


_OF_THE_HOST = ("code", "clientId")
"""A function key may stand in the query; the host has looked at it."""


def _object(body: bytes) -> dict[str, Any]:
    try:
        if len(body) > LONGEST_BODY:
            raise ValueError(f"it is longer than {LONGEST_BODY:,} bytes")
        text = body.removeprefix(b"\xef\xbb\xbf")
        root = parse_located(text.decode()).value
        asked = msgspec.json.decode(text)
        if not isinstance(root, Object):
            raise ValueError("it is no object")
    except JsonSyntaxError as error:
        message = f"The body is not JSON: {_of_a_body(error.message)} (line {error.line}, column {error.column})."
        raise RequestError([finding("BodyInvalid", message, _of_a_body(error.advice) or _EXAMPLE, "$")]) from None
    except (ValueError, RecursionError) as error:
        message = f"The body is not a JSON object in UTF-8: {error}."
        raise RequestError([finding("BodyInvalid", message, _EXAMPLE, "$")]) from None
    _refuse_keys_twice(root)
    return cast(dict[str, Any], asked)


def _of_a_body(said: str) -> str:
    return re.sub(r"\b([Tt]he) file\b", r"\1 body", said)


def _refuse_keys_twice(root: Object) -> None:
    """Of two numbers of copies neither is the one that was meant."""
    lines: dict[str, int] = {}
    for member in root.members:
        if member.key in lines:
            key = quoted(member.key)
            message = f"{key} is there twice: on line {lines[member.key]} and on line {member.line}."
            raise RequestError([finding("BodyInvalid", message, f"Remove one {key}.", f"$.{shown(member.key)}")])
        lines[member.key] = member.line


_EXAMPLE = 'Send no body, or an object such as {"labs": ["lab-paris"], "dryRun": true}.'
