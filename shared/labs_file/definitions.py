"""The golden image definitions that were uploaded beside labs.json, and which of them are asked for."""

from collections.abc import Collection

from shared.domain.matching import ImageEntry, canonical_path, path_key, split
from shared.domain.quoting import quoted
from shared.domain.suggestion import replacement, suggestion
from shared.redaction import redacted

_LONGEST, _NAMED = 1000, 5
_MOST_COMPARED, _FOR_A_SEARCH = 40_000, 100
"""How many definitions are compared with what may have been meant (seconds), and what a search costs beside. What is wrong beyond
that is told without a search."""


class Definitions:
    """Asked with the matcher that delivers (X10). `paths` is None when the folder GoldenImages has not been uploaded."""

    def __init__(self, paths: Collection[str] | None) -> None:
        self._paths = None if paths is None else {path_key(path): path for path in paths}
        self._taken: set[str] = set()
        self._answers: dict[tuple[tuple[str, ...], bool], bool] = {}
        self._compared = 0

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

    def did_you_mean(self, entry: ImageEntry) -> str:
        """What to write instead of an entry that matches nothing."""
        near = suggestion(entry, self._all()) if self._may_search() else None
        return near or self._one_of_all()

    def instead_of(self, text: str) -> str | None:
        """What to write instead of a text that is no path; None when nothing is known."""
        if not self._paths:
            return None
        if not text.strip(" .\\/"):
            return f"Write an entry for each that is wanted: {self._folders()}; or remove the entry."
        near = replacement(redacted(text[:_LONGEST]), self._all()) if self._may_search() else None
        return near or self._one_of_all()

    def unwanted(self) -> tuple[str, ...]:
        """What no entry asked for, as one writes it in labs.json."""
        rest = (path for key, path in sorted((self._paths or {}).items()) if key not in self._taken)
        return tuple(canonical_path(path).replace("\\", "/") for path in rest)

    def _all(self) -> tuple[str, ...]:
        return tuple((self._paths or {}).values())

    def _may_search(self) -> bool:
        self._compared += len(self._paths or {}) + _FOR_A_SEARCH
        return self._compared <= _MOST_COMPARED

    def _one_of_all(self) -> str:
        if not self._paths:
            return "GoldenImages holds no .json: upload a definition, or remove the entry."
        return f"Upload its definition, or write one of {self._folders()}."

    def _folders(self) -> str:
        """What stands directly below GoldenImages, for a message."""
        first = sorted({split(path)[0] for path in self._all()})
        more = f" ({len(first) - _NAMED} more)" if len(first) > _NAMED else ""
        return ", ".join(map(quoted, first[:_NAMED])) + more
