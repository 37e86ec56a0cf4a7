"""The golden image definitions that were uploaded beside labs.json, and which of them are asked for."""

from collections.abc import Collection

from shared.domain.matching import ImageEntry, canonical_path, path_key, split
from shared.domain.quoting import quoted
from shared.domain.suggestion import suggestion, takes_any
from shared.redaction import redacted

_DEEPEST, _NAMED = 10, 5
_MOST_SUGGESTIONS = 100
"""Searching for what was meant takes milliseconds; a file with thousands of wrong entries gets this many."""


class Definitions:
    """Asked with the matcher that delivers (X10). `paths` is None when the folder GoldenImages has not been uploaded."""

    def __init__(self, paths: Collection[str] | None) -> None:
        self._paths = None if paths is None else {path_key(path): path for path in paths}
        self._taken: set[str] = set()
        self._answers: dict[tuple[tuple[str, ...], bool], bool] = {}
        self._suggestions = 0

    def has_any_for(self, entry: ImageEntry) -> bool:
        """False when the entry matches nothing; true as well when nothing is known."""
        if self._paths is None:
            return True
        question = (entry.segments, entry.folder_only)
        if question not in self._answers:
            taken = {key for key, path in self._paths.items() if entry.takes(path)}
            self._taken |= taken
            self._answers[question] = bool(taken)
        return self._answers[question]

    def did_you_mean(self, entry: ImageEntry) -> str | None:
        return suggestion(entry, tuple((self._paths or {}).values())) if self._may_search() else None

    def _may_search(self) -> bool:
        self._suggestions += 1
        return self._suggestions <= _MOST_SUGGESTIONS

    def tail_of(self, text: str) -> str | None:
        """The end of a path of others (a drive, a URL, a folder above) that is a path of ours, as long as it can be."""
        if not self._may_search():
            return None
        parts = split(redacted(text[:1000]).partition("?")[0])[-_DEEPEST:]
        for start in range(len(parts)):
            tail = "/".join(parts[start:])
            if self._paths and takes_any(tail, self._paths.values()):
                return tail
        return None

    def folders(self) -> str:
        """What stands directly below GoldenImages, for a message."""
        first = sorted({split(path)[0] for path in (self._paths or {}).values()})
        more = f" ({len(first) - _NAMED} more)" if len(first) > _NAMED else ""
        return ", ".join(map(quoted, first[:_NAMED])) + more

    def unwanted(self) -> tuple[str, ...]:
        """What no entry asked for, as one writes it in labs.json."""
        rest = (path for key, path in sorted((self._paths or {}).items()) if key not in self._taken)
        return tuple(canonical_path(path).replace("\\", "/") for path in rest)
