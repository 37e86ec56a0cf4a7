"""JSON that remembers where each value stands; strict (RFC 8259), and safe to feed with anything.

Numbers keep their text, so no number is too large; nesting is bounded; duplicate members are kept for the caller to judge.
"""

import json
import re
import string
from dataclasses import dataclass
from typing import TypeAlias

from shared.labs_file.json_faults import (
    FaultError,
    Places,
    comma_too_many,
    ends_early,
    more_than_one_value,
    no_colon,
    no_comma,
    no_key,
    no_value,
    other_format,
    refuse_what_is_not_json,
    text_fault,
)

DEEPEST = 64

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[\w.+-]+")
_BEGINS = frozenset('{}[],:"' + string.ascii_letters + string.digits)
_NAMED = {"true": True, "false": False, "null": None}


class JsonSyntaxError(ValueError):
    """What is wrong, the line (from 1) and column (from 1) where it was noticed, and what to write instead ("": unknown)."""

    def __init__(self, message: str, line: int, column: int, advice: str) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Number:
    text: str


@dataclass(frozen=True, slots=True)
class Located:
    """A value and the line on which it begins."""

    value: "Value"
    line: int


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object; `line` is that of its key."""

    key: str
    line: int
    content: Located


@dataclass(frozen=True, slots=True)
class Object:
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Array:
    items: tuple[Located, ...]


Value: TypeAlias = str | Number | bool | Object | Array | None


def parse_located(text: str) -> Located:
    """Read one JSON value; raises JsonSyntaxError."""
    try:
        return _Parser(text).whole()
    except FaultError as fault:
        places = Places(text)
        line, column = places.line(fault.position), places.column(fault.position)
        raise JsonSyntaxError(fault.message, line, column, fault.advice(text, _left)) from None


def _left(text: str) -> int:
    """How many characters cannot be read, their end counted in."""
    try:
        _Parser(text).whole()
    except FaultError as fault:
        return len(text) - fault.position + 1
    return 0


def kind(value: Value) -> str:
    """How to call a value in a message."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    names: dict[type, str] = {str: "a text", Number: "a number", Object: "an object", Array: "a list"}
    return names[type(value)]


class _Parser:
    """Raises FaultError."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._places = Places(text)
        self._strings = json.JSONDecoder()
        self._open: list[str] = []

    def whole(self) -> Located:
        if name := other_format(self.text):
            raise FaultError(f"It looks like {name}", 0)
        found = self._value(0)
        if self._skip_space() < len(self.text):
            raise more_than_one_value(self.text, self.position, self.text.index(self.text.strip()[0]))
        return found

    def _value(self, depth: int) -> Located:
        line = self._places.line(self._skip_space())
        return Located(self._bare_value(depth), line)

    def _bare_value(self, depth: int) -> Value:
        start = self._peek()
        if start in "{[" and depth >= DEEPEST:
            raise FaultError(f"The nesting is deeper than {DEEPEST} levels", self.position)
        if start == "{":
            return self._object(depth)
        if start == "[":
            return self._array(depth)
        if start == '"':
            return self._string()
        word = _WORD.match(self.text, self.position)
        if word and word[0] in _NAMED:
            self.position = word.end()
            return _NAMED[word[0]]
        if word and _NUMBER.fullmatch(word[0]):
            self.position = word.end()
            return Number(word[0])
        raise no_value(self.text, self.position)

    def _object(self, depth: int) -> Object:
        members: list[Member] = []
        value: int | None = None
        self._open.append("}")
        self.position += 1
        while self._another("}", value):
            begun = self.position
            if self._peek() != '"':
                raise no_key(self.text, begun, value)
            key = self._string()
            self._skip_space()
            if self._peek() != ":":
                raise no_colon(self.text, self.position, begun, value)
            self.position += 1
            value = self._skip_space()
            members.append(Member(key, self._places.line(begun), self._value(depth + 1)))
        return Object(tuple(members))

    def _array(self, depth: int) -> Array:
        items: list[Located] = []
        item: int | None = None
        self._open.append("]")
        self.position += 1
        while self._another("]", item):
            item = self.position
            items.append(self._value(depth + 1))
        return Array(tuple(items))

    def _another(self, end: str, last: int | None) -> bool:
        """Go to the next item of a list or object; false, and past its end, when there is none. The last value began at `last`."""
        self._skip_space()
        if self._peek() == end:
            self.position += 1
            self._open.pop()
            return False
        if last is None:
            return True
        if self._peek() != ",":
            raise no_comma(self.text, self.position, end, last)
        comma = self.position
        self.position += 1
        self._skip_space()
        if self._peek() == end:
            raise comma_too_many(self.text, comma, end)
        return True

    def _string(self) -> str:
        begun = self.position
        try:
            text, self.position = self._strings.raw_decode(self.text, begun)
        except json.JSONDecodeError as error:
            raise text_fault(self.text, begun, error) from None
        return str(text)

    def _skip_space(self) -> int:
        found = _SPACE.match(self.text, self.position)
        self.position = found.end() if found else self.position
        if self.position < len(self.text) and self.text[self.position] not in _BEGINS:
            refuse_what_is_not_json(self.text, self.position)
        return self.position

    def _peek(self) -> str:
        if self.position < len(self.text):
            return self.text[self.position]
        if not self.text.strip():
            raise FaultError("The file is empty", self.position)
        raise ends_early(self.text, "".join(reversed(self._open)))
