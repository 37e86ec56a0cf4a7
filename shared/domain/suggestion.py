"""Did you mean: what an ImagePaths entry that matches nothing was probably meant to be."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from shared.domain.matching import ROOT, ImageEntry, parse_entry, readings, split
from shared.domain.naming import image_name
from shared.domain.quoting import quoted
from shared.errors import ConfigurationError

_SHOWN, _LISTED = 3, 25
_MOST_PARTS = 6
"""More paths in one entry than this are only told where each of them is right."""

_DEEPEST = 10
_DATED = re.compile(r"(.+)-[A-Z][a-z]{2}-\d{1,2}-\d{4}[A-Z]*", re.IGNORECASE)
_EVERYTHING = re.compile(r"\*+(\.\*|\.json)?", re.IGNORECASE)
_SOME_DAY, _AS_WRITTEN = date(2000, 1, 1), "-Jan-1-2000"


@dataclass(frozen=True)
class Guess:
    """A sentence with what may have been meant: to be written as it is, or, when that is not `sure`, to choose from."""

    sentence: str
    meant: Sequence[str]
    sure: bool = False


def suggestion(entry: ImageEntry, paths: Collection[str]) -> str | None:
    """One sentence with the replacement for an entry that takes none of `paths`; None when nothing is near."""
    guess = _guess(entry, paths)
    return guess.sentence if guess else None


def replacement(text: str, paths: Collection[str]) -> str | None:
    """The same for a text that is no entry: whatever it may be read as is held against `paths`."""
    guesses = [guess for reading in readings(text) if (guess := _guess_at(reading, paths))]
    return min(guesses, key=lambda guess: not guess.sure).sentence if guesses else None


def _guess_at(text: str, paths: Collection[str]) -> Guess | None:
    """What a text means that may be a path of others (a drive, a URL, a folder above) and end with one of ours."""
    try:
        entry = parse_entry(text)
    except ConfigurationError:
        return None
    if end := _longest_end(text, paths):
        return Guess(f"Write {quoted(end)}.", [end], sure=True)
    return _guess(entry, paths)


def _guess(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    return next((found for guess in _GUESSES if (found := guess(entry, paths))), None)


def _several(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    parts = re.split("[,;]", entry.text)
    texts = list(dict.fromkeys(text for part in parts if (text := part.strip().lstrip("\\/"))))
    is_right = [takes_any(text, paths) for text in texts]
    if len(parts) < 2 or not any(is_right) or (len(texts) > _MOST_PARTS and not all(is_right)):
        return None
    if all(is_right):
        return Guess(f"Write {_each(texts)}.", texts, sure=True)
    guesses = [_guess_at(text, paths) for text in texts]
    meant = [guess.meant[0] for guess in guesses if guess and len(guess.meant) == 1]
    return Guess(f"Did you mean {_each(meant)}?", meant) if len(meant) == len(texts) else None


def _exclusion(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    if not entry.text.startswith("!"):
        return None
    *folder, excluded = split(entry.text[1:]) or [""]
    depth = len(folder)
    beside = _distinct(parts[: depth + 1] for parts in map(split, paths) if _lower(parts[:depth]) == _lower(folder))
    others = [text for text in beside if not takes_any("/".join([*folder, excluded]), [text])]
    others = others or _distinct(parts[:1] for parts in map(split, paths))
    return Guess(f"There are no exclusions; name what is wanted: {_listed(others)}.", others)


def _wildcard(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    if not any(mark in entry.text for mark in "*?"):
        return None
    written = "/".join(split(entry.text)).replace("/**/", "/")
    folder, _, rest = written.rpartition("/")
    if _EVERYTHING.fullmatch(rest) and not any(mark in folder for mark in "*?"):
        if takes_any(folder, paths):
            return Guess(f"There are no wildcards: write {quoted(folder)} for the whole folder.", [folder], sure=True)
        if folder and (near := _guess_at(folder, paths)):
            return Guess(f"There are no wildcards. {near.sentence}", near.meant, near.sure)
        written = folder or "*"
    if matches := _distinct(first for path in paths if (first := _first_match(split(path), written.lower()))):
        return Guess(f"There are no wildcards: write {_each(matches)}.", matches, sure=True)
    folders = _distinct(parts[:1] for parts in map(split, paths))
    return Guess(f"There are no wildcards: name a file or a folder, such as {_either(folders)}.", folders)


def _first_match(parts: list[str], pattern: str) -> list[str] | None:
    """The path, or the highest folder above it, that a pattern of a command line means; its `*` goes over folders, too."""
    return next((above for above in _with_folders(parts) if fnmatchcase("/".join(above).lower(), pattern)), None)


def _below_root(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    """What stands after GoldenImages, or after what is nearly that."""
    parts = split(entry.text)
    found = [at for at, part in enumerate(parts[-_DEEPEST:], max(len(parts) - _DEEPEST, 0)) if _is_root(part)]
    if not found:
        return None
    below = "/".join(parts[found[-1] + 1 :])
    if not below:
        folders = _distinct(parts[:1] for parts in map(split, paths))
        return Guess(f"Paths start below GoldenImages: write {_each(folders)}.", folders, sure=True)
    if takes_any(below, paths):
        return Guess(f"Paths start below GoldenImages: write {quoted(below)}.", [below], sure=True)
    return _guess_at(below, paths)


def _is_root(part: str) -> bool:
    return difflib.SequenceMatcher(None, part.lower(), ROOT).ratio() > 0.85


def _spaces(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    parts = split(entry.text)
    text = "/".join(" ".join(part.split()) for part in parts)
    if text == "/".join(parts):
        return None
    if not takes_any(text, paths):
        return _guess_at(text, paths)
    return Guess(f"Spaces count: write {quoted(text)}.", [text], sure=True)


def _file_not_folder(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    text = "/".join(split(entry.text))
    if not entry.folder_only or not takes_any(text, paths):
        return None
    return Guess(f"It is a file: write {quoted(text)} without the separator at the end.", [text], sure=True)


def _name_of_an_image(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    dated = _DATED.fullmatch(split(entry.text)[-1])
    if dated is None:
        return None
    made = _distinct(split(path) for path in paths if _undated_name(path) == dated[1].lower())
    if len(made) == 1:
        return Guess(f"It is the name of an image: write {quoted(made[0])}.", made, sure=True)
    return Guess(f"It is the name of an image: did you mean {_either(made)}?", made) if made else None


def _undated_name(path: str) -> str | None:
    try:
        return image_name(path, _SOME_DAY).removesuffix(_AS_WRITTEN).lower()
    except ConfigurationError:
        return None


def _inside_a_name(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    depth = len(entry.segments)
    start = "/".join(entry.segments)
    near = _distinct(parts[:depth] for parts in map(split, paths) if "/".join(parts[:depth]).lower().startswith(start))
    return Guess(f"It ends inside a name: did you mean {_either(near)}?", near) if near else None


def _first_folders_missing(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    def is_tail(parts: list[str]) -> bool:
        return any(entry.takes("/".join(parts[start:])) for start in range(1, len(parts)))

    near = _distinct(parts for parts in map(split, paths) if is_tail(parts))
    return Guess(f"Paths start below GoldenImages: did you mean {_either(near)}?", near) if near else None


def _folders_too_many(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    end = _longest_end(entry.text, paths)
    return Guess(f"Paths start below GoldenImages: did you mean {quoted(end)}?", [end]) if end else None


def _alike(entry: ImageEntry, paths: Collection[str]) -> Guess | None:
    known = {_lower(parts): parts for path in paths for parts in _with_folders(split(path))}
    near = difflib.get_close_matches("/".join(entry.segments), known, n=1, cutoff=0.7)
    meant = ["/".join(known[key]) for key in near]
    return Guess(f"Did you mean {quoted(meant[0])}?", meant) if meant else None


_GUESSES = (
    _several,
    _exclusion,
    _below_root,
    _wildcard,
    _spaces,
    _file_not_folder,
    _name_of_an_image,
    _inside_a_name,
    _first_folders_missing,
    _folders_too_many,
    _alike,
)


def takes_any(text: str, paths: Iterable[str]) -> bool:
    try:
        entry = parse_entry(text)
    except ConfigurationError:
        return False
    return any(map(entry.takes, paths))


def _longest_end(text: str, paths: Collection[str]) -> str | None:
    parts = split(text)[-_DEEPEST:]
    ends = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((end for end in ends if takes_any(end, paths)), None)


def _with_folders(parts: list[str]) -> Iterator[list[str]]:
    return (parts[:end] for end in range(1, len(parts) + 1))


def _lower(parts: Iterable[str]) -> str:
    return "/".join(parts).lower()


def _distinct(found: Iterable[list[str]]) -> list[str]:
    return sorted({"/".join(parts) for parts in found})


def _each(texts: Sequence[str]) -> str:
    return quoted(texts[0]) if len(texts) == 1 else f"an entry for each: {_listed(texts)}"


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return ", ".join(map(quoted, texts[:_LISTED])) + more


def _either(texts: list[str]) -> str:
    shown = " or ".join(map(quoted, texts[:_SHOWN]))
    return f"{shown} (or one of {len(texts) - _SHOWN} more)" if len(texts) > _SHOWN else shown
