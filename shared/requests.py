"""What callers of the API may ask for: types that read a request, say what is wrong with it and describe it (OpenAPI)."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from shared.domain.findings import Finding, Severity
from shared.domain.matching import LONGEST_PATH, parse_entry
from shared.domain.quoting import quoted
from shared.domain.selection import Selection, Stage
from shared.errors import ConfigurationError
from shared.redaction import redacted
from shared.settings import MOST_LANES
from shared.wire import camel

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
_PATH = (
    r"^(?!([A-Za-z][A-Za-z0-9+.-]+:[\\/]|[\\/]?[A-Za-z]:))"  # no URL, no drive
    r"(?!.*[\\/]{2})(?!(.*[\\/])?\.{1,2}([\\/]|$))"  # no doubled separator, no `.` or `..` segment
    r".*[^\\/].*$"
)
"""What the matcher says of an entry, as far as a pattern can say it; what passes and still names nothing is not found."""

Entry = Annotated[
    str,
    Meta(
        min_length=1,
        pattern=_PATH,
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

    format: Annotated[str | None, Meta(description="the form; else the header Accept says it", examples=["html"])] = (
        None
    )


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
    parameters = _read(RunParameters, _object(body), found)
    if parameters is None:
        raise RequestError(found)
    return parameters


def read_query(query: Mapping[str, str], kind: type[T]) -> T:
    """Read the query of a request; raises RequestError with everything that is wrong."""
    found: list[Finding] = []
    asked = _read(kind, {key: value for key, value in query.items() if key not in _OF_THE_HOST}, found, strict=False)
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
        asked = msgspec.json.decode(text)
        if not isinstance(asked, dict):
            raise ValueError("it is no object")
        json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        message = f"The body is not a JSON object in UTF-8: {error}."
        raise RequestError([_finding("BodyInvalid", message, _EXAMPLE, "$")]) from None
    return cast(dict[str, Any], asked)


def _each_once(pairs: list[tuple[str, Any]]) -> None:
    """Of two numbers of copies neither is the one that was meant."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a parameter is there twice")


_EXAMPLE = 'Send no body, or an object such as {"labs": ["lab-paris"], "dryRun": true}.'


def _read(kind: type[T], asked: dict[str, Any], found: list[Finding], strict: bool = True) -> T | None:
    """The value of type `kind`; None when a parameter is unknown, wrong or missing: then `found` says so."""
    hints = get_type_hints(kind, include_extras=True)
    names = {camel(name): name for name in hints}
    values: dict[str, Any] = {}
    for key, given in asked.items():
        # In JSON 20.0 is a whole number, too.
        value = int(given) if isinstance(given, float) and given.is_integer() else given
        if key not in names:
            near = difflib.get_close_matches(key.lower(), {name.lower(): name for name in names}, n=1, cutoff=0.5)
            meant = next((name for name in names if near and name.lower() == near[0]), "")
            advice = f"Did you mean {quoted(meant)}?" if meant else f"There are: {', '.join(names)}."
            found.append(_finding("ParameterUnknown", f"{quoted(key)} is not a parameter.", advice, f"$.{_shown(key)}"))
            continue
        wrong = list(_wrong(value, hints[names[key]], f"$.{key}", strict))
        found += wrong
        if not wrong:
            values[names[key]] = msgspec.convert(value, hints[names[key]], strict=strict)
    needed = {field.name for field in fields(cast(Any, kind)) if field.default is MISSING}
    for name in sorted(needed - {names[key] for key in asked if key in names}):
        advice = _advice(hints[name], camel(name))
        found.append(_finding("ParameterMissing", f"{camel(name)} is needed.", advice, f"$.{camel(name)}"))
    return None if found else kind(**values)


def _wrong(value: Any, hint: Any, place: str, strict: bool) -> Iterator[Finding]:
    """What is wrong with a value; of a list, with each of its items."""
    key = place.removeprefix("$.")
    if value is None:
        yield _finding("ParameterInvalid", "null is no value.", f"Leave {key} out.", place)
        return
    item = _item_type(hint)
    if item is not None and isinstance(value, list):
        items = cast(list[Any], value)
        wrong = [found for index, each in enumerate(items) for found in _wrong(each, item, f"{place}[{index}]", strict)]
        if wrong:
            yield from wrong
            return
    try:
        msgspec.convert(value, hint, strict=strict)
    except (ValueError, RecursionError) as error:
        yield _entry_finding(value, hint, place) or _finding(
            "ParameterInvalid", f"{_told(value)} is not allowed: {_told_why(error, hint)}.", _advice(hint, key), place
        )


def _told_why(error: Exception, hint: Any) -> str:
    why = str(error).partition(" - at ")[0].replace("`", "").replace(" | null", "")
    return f"it must be {_metas(hint)[-1].description}" if "regex" in why else why


def _entry_finding(value: Any, hint: Any, place: str) -> Finding | None:
    """Of an entry the matcher knows better than a pattern what is wrong, and how to write it."""
    if isinstance(value, str) and any(meta.pattern == _PATH for meta in get_args(hint) if isinstance(meta, Meta)):
        try:
            parse_entry(value)
        except ConfigurationError as error:
            return _finding(error.code, error.message, error.next_step, place)
    return None


def _item_type(hint: Any) -> Any:
    """The type of a tuple's items; None for what is no tuple."""
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return get_args(bare)[0] if get_origin(bare) is tuple else None


def _advice(hint: Any, key: str) -> str:
    examples: list[Any] = list(hint) if hint is Stage else _metas(hint)[0].examples or []
    either = " or ".join(json.dumps(example) for example in examples)
    return f"Write {either}." if "[" in key else f"Write for example {json.dumps(key)}: {either}."


def _metas(hint: Any) -> list[Meta]:
    """What a type says of itself, then what it is an optional of."""
    metas = [each for each in get_args(hint) if isinstance(each, Meta)]
    return metas + [meta for each in get_args(hint) if get_args(each) for meta in _metas(each)]


def _told(value: Any) -> str:
    if isinstance(value, bool | int | float) and len(str(value)) <= _LONGEST_NUMBER:
        return json.dumps(value)
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "this list"
    return quoted(value)


_LONGEST_NUMBER = 40


def _shown(key: str) -> str:
    return quoted(key).strip('"')


def _finding(code: str, message: str, advice: str, place: str) -> Finding:
    return Finding(Severity.ERROR, code, message, advice, place)
