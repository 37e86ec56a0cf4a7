"""Text of others shown in a message: what cannot be seen is spelled out, what is long is cut."""

import json
import unicodedata

LONGEST = 120

_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_INVISIBLE_RANGES = (
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian variation selectors
    (0x2800, 0x2800),  # blank Braille pattern
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xE0100, 0xE01EF),  # variation selectors supplement
)


def is_invisible(character: str) -> bool:
    """True for control and format characters, lone surrogates and other code points that show nothing; false for spaces."""
    if " " <= character <= "~":
        return False
    if unicodedata.category(character) in _INVISIBLE_CATEGORIES:
        return True
    return any(first <= ord(character) <= last for first, last in _INVISIBLE_RANGES)


def printable(text: str) -> str:
    r"""`text` in one line with every invisible character and unusual space as `\uXXXX`, cut to `LONGEST`; always encodable."""
    shown = "".join(_escaped(character) if _deceives(character) else character for character in text[: LONGEST + 1])
    return shown if len(text) <= LONGEST else shown[:LONGEST] + "…"


def lookalike(text: str) -> str:
    """Words about a letter that only looks like one of those beside it, to follow the text; empty when there is none."""
    if not any(character.isascii() and character.isalpha() for character in text):
        return ""
    names = ((character, unicodedata.name(character, "")) for character in text[:LONGEST])
    other = next((character for character, name in names if name.startswith(("CYRILLIC", "GREEK"))), None)
    return f" (its {other} is U+{ord(other):04X})" if other else ""


def one_line(line: str) -> str:
    """A line in which no line end or control character that came from others forges another one."""
    return "".join(character if character.isprintable() else "\ufffd" for character in line)


def quoted(value: object) -> str:
    """A JSON value as it would stand in the file, printable; what is no text is named by its type."""
    if isinstance(value, str):
        return printable(json.dumps(value, ensure_ascii=False))
    return "null" if value is None else f"a {type(value).__name__}"


def _deceives(character: str) -> bool:
    return is_invisible(character) or (unicodedata.category(character) == "Zs" and character != " ")


def _escaped(character: str) -> str:
    return "".join(f"\\u{unit:04x}" for unit in _utf16_units(character))


def _utf16_units(character: str) -> tuple[int, ...]:
    data = character.encode("utf-16-be", "surrogatepass")
    return tuple(int.from_bytes(data[start : start + 2]) for start in range(0, len(data), 2))
