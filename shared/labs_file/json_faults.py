"""What is said of a fault in a JSON text: the cause, and the repair that lets the most of the text be read."""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from shared.domain.quoting import is_invisible, printable, quoted

_LONGEST_END = 20
_LONGEST_TRIED = 200_000
"""Characters of a text in which repairs are tried; in a longer one none is proposed, for it would take seconds."""

_LINE_END = re.compile(r"\r\n|\r|\n")
_QUOTES = "\"'`´‘’‚‛“”„‟«»‹›"
_IN_QUOTES = re.compile(rf"[{_QUOTES}]+([^{_QUOTES}\r\n]*)[{_QUOTES}]+")
_BARE_VALUE = re.compile(r"[^,\[\]{}\r\n](?:(?![ \t](?://|/\*|#))[^,\]}\r\n])*")
_BARE_KEY = re.compile(r'[^,:=\[\]{}"\r\n]+')
_COLON_INSIDE = re.compile(r'"([^":\r\n]+):([^,\]}\r\n]*)')
_BACKSLASHES = (re.compile(r'"((?:[^"\\\r\n]|\\.)*)"'), re.compile(r'"([^"\r\n]*)"'))
_NAMED_BY_OTHERS = {"true": "true", "false": "false", "null": "null", "none": "null"}
_MEANT = dict(zip(";，،、：=（(）)［］｛｝", ",,,,::[[]][]{}", strict=True))
"""The signs of other languages and keyboards, and those of JSON that they stand for."""
_COMMENT = re.compile(r"//|/\*|#|<!--|--")
_CONFLICT = re.compile(r"^(?:<{7}|\|{7}|={7}|>{7})", re.MULTILINE)
_OTHERS = {
    "a pointer of Git LFS, not the file that it stands for": re.compile(r"\s*version https://git-lfs"),
    "a diff": re.compile(r"\s*(?:diff |--- \S|@@ )"),
    "XML or HTML": re.compile(r"\s*<[?!a-zA-Z](?!--)"),
    "a block of Markdown": re.compile(r"\s*```"),
    "YAML": re.compile(r"\s*(?:#.*\n\s*)*(?:---\s|%YAML|-\s|[\w$]+:\s)"),
    "CSV": re.compile(r'\s*"?[A-Za-z]+"?[,;\t]'),
}
_TEXT_FAULTS = {
    "Unterminated string": "The closing quote of this text is missing",
    "Invalid control character": "A text ends on the line where it begins: is its closing quote missing?",
    "Invalid \\escape": 'A single backslash: write "/", or two of them',
    "Invalid \\u": r'"\u" needs four hexadecimal digits: write "/", or "\\" for each backslash',
}


class Places:
    """The lines and columns of a text, from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def line(self, position: int) -> int:
        return bisect_right(self._starts, position)

    def column(self, position: int) -> int:
        return position - self._starts[self.line(position) - 1] + 1

    def told(self, position: int) -> str:
        return f"line {self.line(position)}, column {self.column(position)}"


@dataclass(frozen=True, slots=True)
class Repair:
    """Another text for a part of the file; an insertion is one for nothing, a removal one that is empty."""

    start: int
    end: int
    text: str = ""

    def applied(self, text: str) -> str:
        return text[: self.start] + self.text + text[self.end :]

    def told(self, text: str) -> str:
        places = Places(text)
        place = places.told(self.start)
        if not self.text:
            return f"Remove the {_sign(text[self.start : self.end])} on {place}."
        if self.start < self.end and not _is_sign(self.text):
            return f"Write {printable(self.text)} on line {places.line(self.start)}."
        if self.start < self.end:
            return f"Write '{self.text}' instead of '{text[self.start : self.end]}' on {place}."
        if re.compile(r"[ \t]*$", re.MULTILINE).match(text, self.start):
            return f"Write '{self.text}' at the end of line {places.line(self.start)}."
        return f"Write '{self.text}' before {place}."


class FaultError(Exception):
    """Where reading stopped, why, and what may repair it, the likeliest first; `otherwise` is said when no repair does."""

    def __init__(self, message: str, position: int, repairs: Iterable[Repair] = (), otherwise: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self._repairs = tuple(repairs)
        self._otherwise = otherwise

    def advice(self, text: str, left: Callable[[str], int]) -> str:
        """The repair after which the least is `left`; one that leads to another fault at the same place is none."""
        repairs = self._repairs if len(text) <= _LONGEST_TRIED else ()
        tried = [(left(repair.applied(text)), repair) for repair in repairs]
        helping = [found for found in tried if found[0] <= len(text) - max(found[1].end, self.position)]
        return min(helping, key=lambda found: found[0])[1].told(text) if helping else self._otherwise


def other_format(text: str) -> str | None:
    """What a text is that does not even begin as JSON does."""
    return next((name for name, begins in _OTHERS.items() if begins.match(text)), None)


def refuse_what_is_not_json(text: str, position: int) -> None:
    """Raises FaultError for what stands between values and is neither space nor a sign."""
    if _CONFLICT.match(text, position):
        marks = [str(Places(text).line(mark.start())) for mark in _CONFLICT.finditer(text)]
        advice = f"Keep one of the two sides, and remove the conflict markers on the lines {', '.join(marks[:9])}."
        raise FaultError("A merge was not finished: this is a conflict marker of git", position, (), advice)
    if _COMMENT.match(text, position):
        raise FaultError("JSON has no comments", position, (), f"Remove the comment on {Places(text).told(position)}.")
    sign = text[position]
    if sign.isspace() or is_invisible(sign):
        advice = (
            f"Remove each {_sign(sign)} that stands outside of a text; the first is on {Places(text).told(position)}."
        )
        raise FaultError(f"An invisible character, {_sign(sign)}, stands outside of a text", position, (), advice)


def no_value(text: str, position: int) -> FaultError:
    sign = text[position]
    if sign in ",:}]":
        before = len(text[:position].rstrip()) - 1
        repairs: list[Repair] = []
        if (more := re.match(rf"(?:{sign}\s*)*{sign}", text[position:])) and text[before] in (sign, "["):
            repairs = [Repair(start, position + more.end()) for start in (position, before)]
        otherwise = f"Write a value before {Places(text).told(position)}."
        return FaultError(f"A value is expected before the '{sign}'", position, repairs, otherwise)
    message = "A value is expected: a text in double quotes, a list or an object"
    if sign in _QUOTES:
        message = 'Texts stand in straight double quotes (")'
    repairs = _as_meant(text, position, "[{")
    if not text[:position].strip():
        return FaultError(message, position, repairs)
    return FaultError(
        message, position, repairs + _loose(text, position, _BARE_VALUE), "Write a text in double quotes."
    )


def no_key(text: str, position: int, last: int | None) -> FaultError:
    """`last` is where the value of the member before begins."""
    repairs = _loose(text, position, _BARE_KEY)
    if text[position] == ",":
        repairs.append(Repair(position, position + 1))
    if last is not None:
        repairs += [_before_comma(text, position, "}"), Repair(last, last, "[")]
    return FaultError("A key in double quotes is expected", position, repairs, "Write the key in double quotes.")


def no_colon(text: str, position: int, begun: int, last: int | None) -> FaultError:
    """`begun` is where the key begins, `last` where the value of the member before does."""
    repairs = _as_meant(text, position, ":")
    if found := _COLON_INSIDE.match(text, begun):
        value = found[2].strip(f" \t{_QUOTES}")
        written = value if value[:1] in ("[", "{") else _written(value)
        repairs.append(Repair(begun, found.end(), f"{_written(found[1].strip())}: {written}"))
    if text[begun : begun + 2] == '""':
        repairs += _loose(text, begun, _BARE_KEY)
    if last is not None and text[position] in ",]":
        repairs.append(Repair(last, last, "["))
    key = text[begun:position].rstrip()
    otherwise = f"Write {printable(key)}: with the value after it."
    return FaultError("A ':' is expected after the key", position, repairs, otherwise)


def no_comma(text: str, position: int, end: str, last: int) -> FaultError:
    """`last` is where the value before begins."""
    sign = text[position]
    after = len(text[:position].rstrip())
    places = Places(text)
    here = after if places.line(after) < places.line(position) else position
    repairs = _as_meant(text, position, f",{end}")
    if sign in "}])":
        repairs += [Repair(position, position, end), Repair(position, position + 1, end), Repair(last, last, "[")]
    if sign == "{":
        repairs += [Repair(here, here, "},"), Repair(here, here, "]},")]
    if sign == ":":
        repairs.append(Repair(last, last, "{"))
    if sign == text[position - 1] == '"':
        repairs.append(Repair(position, position + 1))
    if sign not in ',:[]{}"' and text[last] == '"':
        repairs += _loose(text, last, _BARE_VALUE) if text[last : last + 2] == '""' else _with_slashes(text, last)
    repairs.append(Repair(here, here, ","))
    otherwise = f"Write '{end}' or ',' before {places.told(position)}, or remove what stands there."
    return FaultError(f"A ',' or '{end}' is expected", position, repairs, otherwise)


def comma_too_many(text: str, position: int, end: str) -> FaultError:
    advice = f"Remove the ',' on {Places(text).told(position)}."
    return FaultError(f"There is a ',' too many before the '{end}'", position, (), advice)


def text_fault(text: str, begun: int, error: json.JSONDecodeError) -> FaultError:
    line = Places(text).line(begun)
    sign = text[error.pos : error.pos + 1]
    if "control" in error.msg and sign not in "\r\n":
        message = f"A control character, {_sign(sign)}, cannot stand in a text"
        return FaultError(message, error.pos, (), f"Remove the {_sign(sign)} on {Places(text).told(error.pos)}.")
    repairs = _with_slashes(text, begun)
    said = next((said for start, said in _TEXT_FAULTS.items() if error.msg.startswith(start)), error.msg)
    if "quote" not in said:
        return FaultError(said, error.pos, repairs, f'Write "/" for each backslash on line {line}.')
    return FaultError(said, error.pos, repairs, f'Write " at the end of the text that begins on line {line}.')


def more_than_one_value(text: str, position: int, begun: int) -> FaultError:
    """`begun` is where the first value begins."""
    if text[begun] == '"' and text[position] == ":":
        return FaultError("The '{' before the first key is missing", position, (), Repair(begun, begun, "{").told(text))
    message, place = "Something follows the end of the JSON", Places(text).told(position)
    if '"' not in text[position:]:
        return FaultError(message, position, (), f"Remove everything from {place} on.")
    before = text[:position].rstrip()
    # The end may have come early, by one sign or by several.
    ends = re.finditer(r"[\]}](?=[\]}\s]*$)", before[-_LONGEST_END:])
    repairs = [Repair(len(before) - len(before[-_LONGEST_END:]) + end.start(), len(before)) for end in ends]
    advice = f'Join what begins on {place} into the value before it: a second list of labs into the first "Labs".'
    return FaultError(message, position, repairs, advice)


def ends_early(text: str, closing: str) -> FaultError:
    """`closing` are the ends of what is open."""
    advice = f"Write {closing} at the end of the file."
    if text.rstrip()[-1:] in ",:":
        advice = f"Complete what begins at the end of the file, then write {closing}."
    return FaultError("The file ends too early", len(text), (), advice)


def _as_meant(text: str, position: int, signs: str) -> list[Repair]:
    meant = _MEANT.get(text[position])
    return [Repair(position, position + 1, meant)] if meant and meant in signs else []


def _before_comma(text: str, position: int, sign: str) -> Repair:
    comma = text.rindex(",", 0, position)
    return Repair(comma, comma, sign)


def _loose(text: str, position: int, bare: re.Pattern[str]) -> list[Repair]:
    """A text without its double quotes, or with others."""
    found = [(match.end(), match[1]) for match in [_IN_QUOTES.match(text, position)] if match]
    if match := bare.match(text, position):
        end = position + len(match[0].rstrip())
        found.append((end, match[0].strip(f" \t{_QUOTES}")))
    return [Repair(position, end, _written(inside)) for end, inside in found]


def _written(text: str) -> str:
    slashes = re.sub(r"\\+", "/", text)
    return _NAMED_BY_OTHERS.get(text.lower()) or json.dumps(slashes, ensure_ascii=False)


def _with_slashes(text: str, begun: int) -> list[Repair]:
    found = [match for match in (ending.match(text, begun) for ending in _BACKSLASHES) if match and "\\" in match[0]]
    return [Repair(begun, match.end(), quoted(re.sub(r"\\+", "/", match[1]))) for match in found]


def _sign(text: str) -> str:
    sign = "".join(text.split()) or text
    return f"U+{ord(sign):04X}" if len(sign) == 1 and (sign.isspace() or is_invisible(sign)) else f"'{printable(sign)}'"


def _is_sign(text: str) -> bool:
    return not text.strip(",:[]{}")
