"""Did you mean: what an ImagePaths entry that matches nothing was probably meant to be."""

import difflib
import re
from collections.abc import Collection, Iterable, Iterator

from shared.domain.matching import ImageEntry, parse_entry, split
from shared.domain.quoting import quoted
from shared.errors import ConfigurationError

_SHOWN = 3


def suggestion(entry: ImageEntry, paths: Collection[str]) -> str | None:
    """One sentence with the replacement for an entry that takes none of `paths`; None when nothing is near."""
    for guess in (_several, _wildcard, _below_root, _spaces, _file_not_folder, _inside_a_name, _tail, _alike):
        if sentence := guess(entry, paths):
            return sentence
    return None


def _several(entry: ImageEntry, paths: Collection[str]) -> str | None:
    parts = [part.strip() for part in re.split("[,;]", entry.text)]
    if len(parts) < 2 or not all(takes_any(part, paths) for part in parts):
        return None
    return f"Write an entry for each: {', '.join(map(quoted, parts[:_SHOWN]))}."


def _wildcard(entry: ImageEntry, paths: Collection[str]) -> str | None:
    if not any(mark in entry.text for mark in "*?"):
        return None
    folders: list[str] = []
    for segment in split(entry.text):
        if any(mark in segment for mark in "*?"):
            break
        folders.append(segment)
    folder = "/".join(folders)
    advice = f": write {quoted(folder)} for the whole folder" if takes_any(folder, paths) else ""
    return f"There are no wildcards{advice}."


def _below_root(entry: ImageEntry, paths: Collection[str]) -> str | None:
    first, *rest = split(entry.text)
    text = "/".join(rest)
    if first.lower() != "goldenimages" or not takes_any(text, paths):
        return None
    return f"Paths start below GoldenImages: write {quoted(text)}."


def _spaces(entry: ImageEntry, paths: Collection[str]) -> str | None:
    parts = split(entry.text)
    text = "/".join(" ".join(part.split()) for part in parts)
    if text == "/".join(parts) or not takes_any(text, paths):
        return None
    return f"Spaces count: write {quoted(text)}."


def _file_not_folder(entry: ImageEntry, paths: Collection[str]) -> str | None:
    text = entry.text.rstrip("\\/").replace("\\", "/")
    if not entry.folder_only or not takes_any(text, paths):
        return None
    return f"It is a file: write {quoted(text)} without the separator at the end."


def _inside_a_name(entry: ImageEntry, paths: Collection[str]) -> str | None:
    depth = len(entry.segments)
    start = "/".join(entry.segments)
    near = _distinct(parts[:depth] for parts in map(split, paths) if "/".join(parts[:depth]).lower().startswith(start))
    return f"It ends inside a name: did you mean {_either(near)}?" if near else None


def _tail(entry: ImageEntry, paths: Collection[str]) -> str | None:
    """The entry is the end of a path, its first folders are missing."""

    def is_tail(parts: list[str]) -> bool:
        return any(entry.takes("/".join(parts[start:])) for start in range(1, len(parts)))

    near = _distinct(parts for parts in map(split, paths) if is_tail(parts))
    return f"Paths start below GoldenImages: did you mean {_either(near)}?" if near else None


def _alike(entry: ImageEntry, paths: Collection[str]) -> str | None:
    known = {"/".join(parts).lower(): parts for path in paths for parts in _with_folders(split(path))}
    near = difflib.get_close_matches("/".join(entry.segments), known, n=1, cutoff=0.7)
    return f"Did you mean {quoted('/'.join(known[near[0]]))}?" if near else None


def _with_folders(parts: list[str]) -> Iterator[list[str]]:
    return (parts[:end] for end in range(1, len(parts) + 1))


def takes_any(text: str, paths: Iterable[str]) -> bool:
    try:
        entry = parse_entry(text)
    except ConfigurationError:
        return False
    return any(map(entry.takes, paths))


def _distinct(found: Iterable[list[str]]) -> list[str]:
    return sorted({"/".join(parts) for parts in found})


def _either(texts: list[str]) -> str:
    shown = " or ".join(map(quoted, texts[:_SHOWN]))
    return f"{shown} (or one of {len(texts) - _SHOWN} more)" if len(texts) > _SHOWN else shown
