"""What outlives a `kill -9`: one SQLite row per resource, written before anybody is answered."""

import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

_Item = TypeVar("_Item")

_SCHEMA = """
CREATE TABLE IF NOT EXISTS resources (
    kind TEXT NOT NULL, part TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (kind, part, key)
) WITHOUT ROWID
"""


class Store:
    """The database file. Tables read it once, at the start, and write through."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        # A process that dies loses nothing this way; only a power cut could.
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(_SCHEMA)
        self._depth = 0

    @contextmanager
    def transaction(self) -> Generator[None]:
        """All or nothing. May be nested; never hold one over an `await`."""
        if self._depth == 0:
            self._database.execute("BEGIN")
        self._depth += 1
        try:
            yield
        except BaseException:
            self._depth -= 1
            if self._depth == 0:
                self._database.execute("ROLLBACK")
            raise
        self._depth -= 1
        if self._depth == 0:
            self._database.execute("COMMIT")

    def rows(self, kind: str) -> list[tuple[str, str, bytes]]:
        return self._database.execute("SELECT part, key, body FROM resources WHERE kind = ?", (kind,)).fetchall()

    def write(self, kind: str, part: str, key: str, body: bytes) -> None:
        self._database.execute("REPLACE INTO resources VALUES (?, ?, ?, ?)", (kind, part, key, body))

    def remove(self, kind: str, part: str, key: str) -> None:
        self._database.execute("DELETE FROM resources WHERE kind = ? AND part = ? AND key = ?", (kind, part, key))

    def remove_all(self, kind: str) -> None:
        self._database.execute("DELETE FROM resources WHERE kind = ?", (kind,))

    def close(self) -> None:
        self._database.close()


class Table(Generic[_Item]):
    """Frozen dataclasses of one kind by (part, key); a part is what gets listed together.

    Names of resources are compared without case, as ARM does; those of blobs (`exact`) as they are.
    """

    def __init__(self, store: Store, kind: str, of: type[_Item], *, exact: bool = False) -> None:
        self._store, self._kind, self._exact = store, kind, exact
        self._parts: dict[str, dict[str, _Item]] = {}
        decoder = msgspec.json.Decoder(of)
        for part, key, body in store.rows(kind):
            self._parts.setdefault(part, {})[key] = decoder.decode(body)

    def get(self, part: str, key: str) -> _Item | None:
        return self._parts.get(self._fold(part), {}).get(self._fold(key))

    def part(self, part: str) -> list[_Item]:
        """What lies in one part, by name."""
        items = self._parts.get(self._fold(part), {})
        return [items[key] for key in sorted(items)]

    def has_part(self, part: str) -> bool:
        return bool(self._parts.get(self._fold(part)))

    def all(self) -> Iterator[_Item]:
        for part in sorted(self._parts):
            yield from self.part(part)

    def put(self, part: str, key: str, item: _Item) -> _Item:
        part, key = self._fold(part), self._fold(key)
        self._store.write(self._kind, part, key, msgspec.json.encode(item))
        self._parts.setdefault(part, {})[key] = item
        return item

    def delete(self, part: str, key: str) -> _Item | None:
        """Remove and return it; None when it was not there."""
        part, key = self._fold(part), self._fold(key)
        self._store.remove(self._kind, part, key)
        return self._parts.get(part, {}).pop(key, None)

    def clear(self) -> None:
        self._store.remove_all(self._kind)
        self._parts.clear()

    def _fold(self, name: str) -> str:
        return name if self._exact else name.lower()
