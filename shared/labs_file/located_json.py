"""JSON that remembers where each value stands; strict (RFC 8259), and safe to feed with anything.

Numbers keep their text, so no number is too large; nesting is bounded; duplicate members are kept for the caller to judge.
"""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

DEEPEST = 64

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[\w.+-]+")
_LINE_END = re.compile(r"\r\n|\r|\n")
_STRING_FAULTS = {
    "Unterminated string": "The closing quote of this text is missing",
    "Invalid control character": "A text ends on the line where it begins: is its closing quote missing?",
    "Invalid \\escape": r'A single backslash: write "/", or "\\" for each backslash',
    "Invalid \\u": r'"\u" needs four hexadecimal digits: write "/", or "\\" for each backslash',
}
_NAMED = {"true": True, "false": False, "null": None}


class JsonSyntaxError(ValueError):
    """What is wrong, and the line (from 1) and column (from 1) where it was noticed."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


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
    parser = _Parser(text)
    found = parser.value(0)
    parser.skip_space()
    if parser.position < len(text):
        parser.fail("Something follows the end of the JSON")
    return found


def kind(value: Value) -> str:
    """How to call a value in a message."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    names: dict[type, str] = {str: "a text", Number: "a number", Object: "an object", Array: "a list"}
    return names[type(value)]


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._line_starts = [0, *(end.end() for end in _LINE_END.finditer(text))]
        self._strings = json.JSONDecoder()

    def value(self, depth: int) -> Located:
        self.skip_space()
        line = self._line(self.position)
        return Located(self._bare_value(depth), line)

    def _bare_value(self, depth: int) -> Value:
        start = self._peek()
        if start in "{[" and depth >= DEEPEST:
            self.fail(f"The nesting is deeper than {DEEPEST} levels")
        if start == "{":
            return self._object(depth)
        if start == "[":
            return self._array(depth)
        if start == '"':
            return self._string()
        if found := _NUMBER.match(self.text, self.position):
            self.position = found.end()
            return Number(found[0])
        word = _WORD.match(self.text, self.position)
        if word and word[0] in _NAMED:
            self.position = word.end()
            return _NAMED[word[0]]
        return self._unexpected()

    def _object(self, depth: int) -> Object:
        members: list[Member] = []
        self.position += 1
        while self._another("}", bool(members)):
            line = self._line(self.position)
            if self._peek() != '"':
                self.fail("A key in double quotes is expected")
            key = self._string()
            self.skip_space()
            if self._peek() != ":":
                self.fail("A ':' is expected after the key")
            self.position += 1
            members.append(Member(key, line, self.value(depth + 1)))
        return Object(tuple(members))

    def _array(self, depth: int) -> Array:
        items: list[Located] = []
        self.position += 1
        while self._another("]", bool(items)):
            items.append(self.value(depth + 1))
        return Array(tuple(items))

    def _another(self, end: str, after_one: bool) -> bool:
        """Go to the next item of a list or object; false, and past its end, when there is none."""
        self.skip_space()
        if self._peek() == end:
            self.position += 1
            return False
        if not after_one:
            return True
        if self._peek() != ",":
            self.fail(f"A ',' or '{end}' is expected")
        comma = self.position
        self.position += 1
        self.skip_space()
        if self._peek() == end:
            self.position = comma
            self.fail(f"There is a ',' too many before the '{end}'")
        return True

    def _string(self) -> str:
        try:
            text, self.position = self._strings.raw_decode(self.text, self.position)
        except json.JSONDecodeError as error:
            self.position = error.pos
            self.fail(next((said for start, said in _STRING_FAULTS.items() if error.msg.startswith(start)), error.msg))
        return str(text)

    def _unexpected(self) -> NoReturn:
        rest = self.text[self.position : self.position + 2]
        if rest in ("//", "/*") or rest[0] == "#":
            self.fail("JSON has no comments")
        if rest[0] in "'“”„«`":
            self.fail('Texts stand in straight double quotes (")')
        if rest[0] in ",:}]":
            self.fail(f"A value is expected before the '{rest[0]}'")
        self.fail("A value is expected: a text in double quotes, a list or an object")

    def skip_space(self) -> None:
        found = _SPACE.match(self.text, self.position)
        self.position = found.end() if found else self.position

    def fail(self, message: str) -> NoReturn:
        line = self._line(self.position)
        raise JsonSyntaxError(message, line, self.position - self._line_starts[line - 1] + 1)

    def _peek(self) -> str:
        if self.position >= len(self.text):
            self.fail("The file ends too early" if self.text.strip() else "The file is empty")
        return self.text[self.position]

    def _line(self, position: int) -> int:
        return bisect_right(self._line_starts, position)
