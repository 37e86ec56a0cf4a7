"""The one matcher: which images an ImagePaths entry takes, and when two image paths are the same image.

An image path is relative to the folder `GoldenImages`. Both separators are equal, case is ignored (NFC, lower), whole segments
are compared, nothing is trimmed, there are no wildcards; `.json` may be missing on either side (B3, B4, X10, X11).
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from shared.domain.quoting import is_invisible, quoted
from shared.errors import ConfigurationError

LONGEST_PATH = 256
"""An image path becomes a tag value, and Azure allows no longer one."""

_SEPARATORS = re.compile(r"[\\/]")
URL = r"[A-Za-z][A-Za-z0-9+.-]+:[\\/]"
DRIVE = r"[\\/]?[A-Za-z]:"
DOUBLED = r"[\\/]{2,}"
"""How a URL and a drive begin, and what separates nothing."""
_SEPARATORS_ARE_SPACES = str.maketrans("\\/", "  ")
_ESCAPES = str.maketrans({"\b": "/b", "\f": "/f", "\n": "/n", "\r": "/r", "\t": "/t"})
_LINE_ENDS = re.compile(r"[\t\n\r]+")
_BEGINNING = re.compile(rf"(?:{URL}|{DRIVE}|[\\/])*")
ROOT = "goldenimages"


@dataclass(frozen=True)
class ImageEntry:
    """One entry of ImagePaths. `segments` are as compared; `folder_only`: it ends with a separator.

    A `leading_slash` has been dropped and deserves a warning.
    """

    text: str
    segments: tuple[str, ...]
    folder_only: bool = False
    leading_slash: bool = False

    def takes(self, image_path: str) -> bool:
        """True when the entry names this image, with or without `.json`, or a folder above it."""
        path = _folded(image_path)
        if "." in path or ".." in path:
            return False
        depth = len(self.segments)
        is_below = len(path) > depth and path[:depth] == self.segments
        return is_below or (not self.folder_only and _without_json(path) == _without_json(self.segments))


def parse_entry(text: object) -> ImageEntry:
    """Read one entry of ImagePaths; raises ConfigurationError with a code of its own for each kind of mistake."""
    if not isinstance(text, str):
        advice = 'Write a path such as "Win2022/Datacenter.json", or remove the entry.'
        raise ConfigurationError("EntryNotText", f"The entry is {quoted(text)}, not a text.", advice)
    _check(text)
    segments = _folded(text)
    if "." in segments or ".." in segments:
        raise ConfigurationError("EntryDots", f"The entry {quoted(text)} has a '.' or '..' segment.", _instead_of(text))
    return ImageEntry(text, segments, folder_only=text[-1] in "\\/", leading_slash=text[0] in "\\/")


def _check(text: str) -> None:
    """Raise for what makes an entry unreadable whatever its segments are."""
    if not text.translate(_SEPARATORS_ARE_SPACES).strip():
        message = "The entry is empty." if not text else f"The entry {quoted(text)} names nothing."
        advice = 'Name a file or a folder of GoldenImages, such as "Win2022", or remove the entry.'
        raise ConfigurationError("EntryEmpty", message, advice)
    if invisible := next(filter(is_invisible, text), None):
        place = f"(U+{ord(invisible):04X}) at position {text.index(invisible) + 1}"
        message = f"The entry {quoted(text)} has an invisible character {place}."
        raise ConfigurationError("EntryInvisible", message, _instead_of(text))
    if re.match(URL, text):
        message = f"The entry {quoted(text)} is a URL; none is ever fetched."
        raise ConfigurationError("EntryUrl", message, _below_root(text))
    if re.match(DRIVE, text):
        raise ConfigurationError("EntryDrive", f"The entry {quoted(text)} names a drive.", _below_root(text))
    if re.search(DOUBLED, text):
        message = f"The entry {quoted(text)} has two separators in a row."
        raise ConfigurationError("EntryDoubledSeparator", message, _instead_of(text))
    if len(text) > LONGEST_PATH:
        message = f"The entry has {len(text)} characters; a tag, and so a path, has at most {LONGEST_PATH}."
        raise ConfigurationError("EntryTooLong", message, "Shorten the names of the folders and of the file.")


def path_key(image_path: str) -> str:
    """The key to compare image paths by: equal exactly for paths of the same image."""
    return "/".join(_without_json(_folded(image_path)))


def canonical_path(image_path: str) -> str:
    """The path as it is written to tags and manifests: with backslashes, as the original factory compares them (B2)."""
    return "\\".join(split(image_path))


def split(image_path: str) -> list[str]:
    """The segments of a path as written; empty ones are dropped."""
    return [segment for segment in _SEPARATORS.split(image_path) if segment]


@lru_cache(maxsize=16384)
def _folded(path: str) -> tuple[str, ...]:
    return tuple(_fold(segment) for segment in split(path))


def _fold(text: str) -> str:
    # lower() writes a sigma by its place in the word: "ΟΔΟΣ" and "ΟΔΟΣ.json" would differ. Lowering can make letters that compose.
    lowered = unicodedata.normalize("NFC", text).lower().replace("ς", "σ")
    return unicodedata.normalize("NFC", lowered)


def _without_json(folded: Sequence[str]) -> tuple[str, ...]:
    """One `.json` at the end does not count; a file that is called just `.json` keeps its name."""
    if not folded:
        return ()
    *folders, name = folded
    return (*folders, name.removesuffix(".json") or name)


def readings(text: str) -> tuple[str, ...]:
    """The paths that a text which is none may be meant to be, the likeliest first; none when it names nothing."""
    text = text.strip("\t\n\r")
    # "Linux\bionic" is what JSON makes of a single backslash before b, f, n, r or t; a line end between paths is one, too.
    meant = [each.translate(_ESCAPES) for each in (text, _LINE_ENDS.sub(", ", text), unquote(text))]
    return tuple(dict.fromkeys(path for each in meant if (path := _as_path(each))))


def _as_path(text: str) -> str:
    """Without whatever keeps a text from being a path, all at once."""
    if re.match(URL, text):
        text = unquote(re.split(r"[?#]", text)[0])
    seen = "".join(character for character in text if not is_invisible(character))
    return _BEGINNING.sub("", "/".join(_resolved(split(_BEGINNING.sub("", seen, count=1)))), count=1)


def _resolved(segments: Iterable[str]) -> list[str]:
    """The segments as a file system would read them, from GoldenImages on where it is among them."""
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment.lower() == ROOT:
            kept = []
        elif segment != ".":
            kept.append(segment)
    return kept


_START = 'Write the path from GoldenImages on, such as "Win2022/Datacenter.json".'


def _instead_of(text: str) -> str:
    meant = readings(text)
    if not meant:
        return _START
    return f"Write {quoted(meant[0])}." if len(meant) == 1 else f"Did you mean {quoted(meant[0])}?"


def _below_root(text: str) -> str:
    """Where GoldenImages is not named, nobody knows where the path of others ends and ours begins."""
    return _instead_of(text) if ROOT in map(str.lower, split(text)) else _START
