"""Read parameters by their types: everything that is wrong becomes a finding, with what was meant."""

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Annotated, Any, TypeVar, cast, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from shared.domain.findings import Finding, Severity
from shared.domain.matching import parse_entry
from shared.domain.quoting import LONGEST, printable, quoted
from shared.domain.selection import Stage
from shared.errors import ConfigurationError
from shared.wire import camel

T = TypeVar("T")

PATH = (
    r"^(?!([A-Za-z][A-Za-z0-9+.-]+:[\\/]|[\\/]?[A-Za-z]:))"  # no URL, no drive
    r"(?!.*[\\/]{2})(?!(.*[\\/])?\.{1,2}([\\/]|$))"  # no doubled separator, no `.` or `..` segment
    r".*[^\\/].*$"
)
"""What the matcher says of an entry, as far as a pattern can say it; what passes and still names nothing is not found."""


def read_values(kind: type[T], asked: dict[str, Any], found: list[Finding], strict: bool = True) -> T | None:
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
            found.append(finding("ParameterUnknown", f"{quoted(key)} is not a parameter.", advice, f"$.{shown(key)}"))
            continue
        wrong = list(_wrong(value, hints[names[key]], f"$.{key}", strict))
        found += wrong
        if not wrong:
            values[names[key]] = msgspec.convert(value, hints[names[key]], strict=strict)
    needed = {field.name for field in fields(cast(Any, kind)) if field.default is MISSING}
    for name in sorted(needed - {names[key] for key in asked if key in names}):
        advice = _advice(hints[name], camel(name))
        found.append(finding("ParameterMissing", f"{camel(name)} is needed.", advice, f"$.{camel(name)}"))
    return None if found else kind(**values)


def _wrong(value: Any, hint: Any, place: str, strict: bool) -> Iterator[Finding]:
    """What is wrong with a value; of a list, with each of its items."""
    key = place.removeprefix("$.")
    if value is None:
        yield finding("ParameterInvalid", "null is no value.", f"Leave {key} out.", place)
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
        yield _entry_finding(value, hint, place) or finding(
            "ParameterInvalid",
            f"{_told(value)} is not allowed: {_told_why(error, hint)}.",
            _advice(hint, key, value),
            place,
        )


def _told_why(error: Exception, hint: Any) -> str:
    metas = _metas(hint)
    if within := next((meta for meta in metas if meta.ge is not None and meta.le is not None), None):
        return f"it must be a whole number from {within.ge} to {within.le}"
    why = str(error).partition(" - at ")[0].replace("`", "").replace(" | null", "")
    return f"it must be {metas[-1].description}" if "regex" in why else why


def _entry_finding(value: Any, hint: Any, place: str) -> Finding | None:
    """Of an entry the matcher knows better than a pattern what is wrong, and how to write it."""
    if isinstance(value, str) and any(meta.pattern == PATH for meta in get_args(hint) if isinstance(meta, Meta)):
        try:
            parse_entry(value)
        except ConfigurationError as error:
            return finding(error.code, error.message, error.next_step, place)
    return None


def _item_type(hint: Any) -> Any:
    """The type of a tuple's items; None for what is no tuple."""
    bare = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    return get_args(bare)[0] if get_origin(bare) is tuple else None


def _advice(hint: Any, key: str, value: Any = None) -> str:
    """What to send instead: what the value was meant to be, or else, as an example, what could stand there."""
    label = "" if "[" in key else f"{json.dumps(key)}: "
    meant = _corrected(value, hint)
    told = json.dumps(meant, ensure_ascii=False)
    if meant is not None and len(told) <= LONGEST:
        return f"Write {label}{printable(told)}."
    if hint is Stage:
        return f"Write {' or '.join(json.dumps(stage) for stage in Stage)}."
    either = " or ".join(map(json.dumps, _metas(hint)[0].examples or []))
    return f"Write for example {label}{either}."


def _corrected(value: Any, hint: Any) -> Any:
    """The value of type `hint` that was meant by one that is none; None when that is not plain."""
    if isinstance(value, str | list) and len(cast(str | list[Any], value)) > LONGEST:
        return None
    item = _item_type(hint)
    if item is None:
        return next((meant for meant in _stands_for(value) if _fits(meant, hint)), None)
    given = re.split("[,;]", value) if isinstance(value, str) else cast(Any, value)
    several = cast(list[Any], given if isinstance(given, list) else [given])
    items = [_corrected(each, item) for each in several]
    return items if None not in items and _fits(items, hint) else None


_OF_A_GROUP = re.compile(r"(?:/.*/labs/|[\w.()-]*\w/)([\w-]+)")
"""A lab as ARM names it, and with its resource group alone."""


def _stands_for(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        text = value.strip()
        yield from (text, re.sub("[{}]", "", text), text.lower())
        if lab := _OF_A_GROUP.fullmatch(text):
            yield lab[1]
        if text.lower() in ("true", "false"):
            yield text.lower() == "true"
        if re.fullmatch("[0-9]{1,9}", text):
            yield int(text)
    elif isinstance(value, dict) and len(cast(dict[str, Any], value)) == 1:
        yield from _stands_for(*cast(dict[str, Any], value).values())
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)


def _fits(value: Any, hint: Any) -> bool:
    try:
        msgspec.convert(value, hint)
    except ValueError:
        return False
    return _entry_finding(value, hint, "") is None


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


def shown(key: str) -> str:
    return quoted(key).strip('"')


def finding(code: str, message: str, advice: str, place: str) -> Finding:
    return Finding(Severity.ERROR, code, message, advice, place)
