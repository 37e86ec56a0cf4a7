"""The golden image definitions that were uploaded beside labs.json, and which of them are asked for."""

from collections.abc import Collection

from shared.domain.matching import ImageEntry, canonical_path, path_key
from shared.domain.suggestion import suggestion

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
        self._suggestions += 1
        if self._suggestions > _MOST_SUGGESTIONS:
            return None
        return suggestion(entry, tuple((self._paths or {}).values()))

    def unwanted(self) -> tuple[str, ...]:
        """What no entry asked for, as one writes it in labs.json."""
        rest = (path for key, path in sorted((self._paths or {}).items()) if key not in self._taken)
        return tuple(canonical_path(path).replace("\\", "/") for path in rest)
