"""JSON that remembers where each value stands; strict (RFC 8259), and safe to feed with anything.

Numbers keep their text, so no number is too large; nesting is bounded; duplicate members are kept for the caller to judge.
"""

import json
import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from shared.domain.quoting import quoted

DEEPEST = 64

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[\w.+-]+")
_OTHER_QUOTES = re.compile(r"'([^'\r\n]*)'|“([^”\r\n]*)”|„([^“”\r\n]*)[“”]|«([^»\r\n]*)»|`([^`\r\n]*)`")
_BACKSLASHES = re.compile(r'"((?:[^"\\\r\n]|\\.)*)"')
_COMMENT = re.compile(r"//|/\*|#")
_QUOTE_TOO_MANY = re.compile(r'"[ \t]*(?:[,\]}\r\n]|\Z)')
_LINE_END = re.compile(r"\r\n|\r|\n")
_STRING_FAULTS = {
    "Unterminated string": "The closing quote of this text is missing",
    "Invalid control character": "A text ends on the line where it begins: is its closing quote missing?",
    "Invalid \\escape": r'A single backslash: write "/", or "\\" for each backslash',
    "Invalid \\u": r'"\u" needs four hexadecimal digits: write "/", or "\\" for each backslash',
}
_NAMED = {"true": True, "false": False, "null": None}
_NAMED_BY_OTHERS = {"True": "true", "False": "false", "None": "null", "TRUE": "true", "FALSE": "false", "NULL": "null"}


class JsonSyntaxError(ValueError):
    """What is wrong, the line (from 1) and column (from 1) where it was noticed, and what to write instead."""

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
    parser = _Parser(text)
    found = parser.value(0)
    parser.skip_space()
    if parser.position < len(text):
        parser.fail("Something follows the end of the JSON", f"Remove everything from {parser.place()} on.")
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
        self._open: list[str] = []

    def value(self, depth: int) -> Located:
        self.skip_space()
        line = self._line(self.position)
        return Located(self._bare_value(depth), line)

    def _bare_value(self, depth: int) -> Value:
        start = self._peek()
        if start in "{[" and depth >= DEEPEST:
            self.fail(
                f"The nesting is deeper than {DEEPEST} levels", 'Write {"Labs": [ ... ]} with an object for each lab.'
            )
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
        return self._unexpected()

    def _object(self, depth: int) -> Object:
        members: list[Member] = []
        self._open.append("}")
        self.position += 1
        while self._another("}", bool(members)):
            line = self._line(self.position)
            if self._peek() != '"':
                self.fail("A key in double quotes is expected", self._in_quotes("Write the key in double quotes."))
            key = self._string()
            self.skip_space()
            if self._peek() != ":":
                self.fail("A ':' is expected after the key", f"Write {quoted(key)}: with the value after it.")
            self.position += 1
            members.append(Member(key, line, self.value(depth + 1)))
        return Object(tuple(members))

    def _array(self, depth: int) -> Array:
        items: list[Located] = []
        self._open.append("]")
        self.position += 1
        while self._another("]", bool(items)):
            items.append(self.value(depth + 1))
        return Array(tuple(items))

    def _another(self, end: str, after_one: bool) -> bool:
        """Go to the next item of a list or object; false, and past its end, when there is none."""
        self.skip_space()
        if self._peek() == end:
            self.position += 1
            self._open.pop()
            return False
        if not after_one:
            return True
        self._refuse_comment()
        if self._peek() != ",":
            self.fail(f"A ',' or '{end}' is expected", self._separated(end))
        comma = self.position
        self.position += 1
        self.skip_space()
        if self._peek() == end:
            self.position = comma
            self.fail(f"There is a ',' too many before the '{end}'", f"Remove the ',' on {self.place()}.")
        return True

    def _string(self) -> str:
        begun = self.position
        try:
            text, self.position = self._strings.raw_decode(self.text, begun)
        except json.JSONDecodeError as error:
            self.position = error.pos
            said = next((said for start, said in _STRING_FAULTS.items() if error.msg.startswith(start)), error.msg)
            self.fail(said, self._ended(begun) if "quote" in said else self._with_slashes(begun))
        return str(text)

    def _refuse_comment(self) -> None:
        if _COMMENT.match(self.text, self.position):
            self.fail("JSON has no comments", f"Remove the comment on {self.place()}.")

    def _unexpected(self) -> NoReturn:
        self._refuse_comment()
        rest = self.text[self.position]
        if rest in "'“”„«`":
            self.fail('Texts stand in straight double quotes (")', self._in_quotes('Write " at both ends of the text.'))
        if rest in ",:}]":
            self.fail(f"A value is expected before the '{rest}'", f"Write a value before {self.place()}.")
        self.fail(
            "A value is expected: a text in double quotes, a list or an object",
            self._in_quotes("Write a text in double quotes."),
        )

    # What to write instead

    def place(self) -> str:
        line = self._line(self.position)
        return f"line {line}, column {self.position - self._line_starts[line - 1] + 1}"

    def _in_quotes(self, otherwise: str) -> str:
        """What stands here, in straight double quotes; words of other languages as JSON has them."""
        found = _OTHER_QUOTES.match(self.text, self.position) or _WORD.match(self.text, self.position)
        if found is None:
            return otherwise
        text = next(group for group in (*found.groups(), found[0]) if group is not None)
        return f"Write {_NAMED_BY_OTHERS.get(text) or quoted(text)} on line {self._line(self.position)}."

    def _separated(self, end: str) -> str:
        found = self._peek()
        if found in "}]":
            where = "before" if self._lacks_an_end() else f"instead of '{found}' on"
            return f"Write '{end}' {where} {self.place()}."
        if found == ";":
            return f"Write ',' instead of ';' on {self.place()}."
        if _QUOTE_TOO_MANY.match(self.text, self.position) and self.text[self.position - 1] == '"':
            return f"Remove the '\"' on {self.place()}."
        line = self._line(len(self.text[: self.position].rstrip()) - 1)
        return (
            f"Write ',' at the end of line {line}."
            if line < self._line(self.position)
            else f"Write ',' before {self.place()}."
        )

    def _lacks_an_end(self) -> bool:
        """Fewer ends follow than are open (what stands in texts is counted, too: a guess)."""
        rest = self.text[self.position :]
        return sum(map(rest.count, "]}")) - sum(map(rest.count, "[{")) < len(self._open)

    def _ended(self, begun: int) -> str:
        return f'Write " at the end of the text that begins on line {self._line(begun)}.'

    def _with_slashes(self, begun: int) -> str:
        found = _BACKSLASHES.match(self.text, begun)
        meant = re.sub(r"\\+", "/", found[1]) if found else ""
        line = self._line(begun)
        return f"Write {quoted(meant)} on line {line}." if meant else f'Write "/" for each backslash on line {line}.'

    def _completed(self) -> str:
        """How the file would end well."""
        closing = "".join(reversed(self._open))
        last = self.text.rstrip()[-1:]
        if last in ",:":
            return f"Complete what begins at the end of the file, then write {closing}."
        return f"Write {closing} at the end of the file."

    def skip_space(self) -> None:
        found = _SPACE.match(self.text, self.position)
        self.position = found.end() if found else self.position

    def fail(self, message: str, advice: str) -> NoReturn:
        line = self._line(self.position)
        raise JsonSyntaxError(message, line, self.position - self._line_starts[line - 1] + 1, advice)

    def _peek(self) -> str:
        if self.position >= len(self.text):
            if self.text.strip():
                self.fail("The file ends too early", self._completed())
            self.fail("The file is empty", 'Write {"Labs": [ ... ]} with an object for each lab.')
        return self.text[self.position]

    def _line(self, position: int) -> int:
        return bisect_right(self._line_starts, position)
