"""The task hub on disk: instances and their histories in SQLite, committed before anything of them becomes visible."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

HistoryRow: TypeAlias = tuple[str, int, str]
"""Execution, place in its history, event as JSON."""

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS instances (id TEXT PRIMARY KEY, document TEXT);
CREATE TABLE IF NOT EXISTS history (id TEXT, execution TEXT, number INT, event TEXT, PRIMARY KEY (id, execution, number));
CREATE TABLE IF NOT EXISTS receipts (function TEXT, blob TEXT, etag TEXT, PRIMARY KEY (function, blob));
"""
_TABLES = ("instances", "history")


class Store:
    """Survives `kill -9` of the process (a power cut may lose the last commits).

    Histories of executions that are over are kept until their instance is purged: whoever looks for secrets wants to see them.
    """

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def save(self, document: dict[str, Any], rows: Sequence[HistoryRow] = ()) -> None:
        """An instance, and what is new in its history, in one transaction."""
        events = [(document["id"], *row) for row in rows]
        with self._lock, self._db:
            self._db.execute("BEGIN")
            self._db.execute("INSERT OR REPLACE INTO instances VALUES (?, ?)", (document["id"], json.dumps(document)))
            self._db.executemany("INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)", events)

    def delete(self, instance_id: str) -> None:
        with self._lock, self._db:
            self._db.execute("BEGIN")
            for table in _TABLES:
                self._db.execute(f"DELETE FROM {table} WHERE id = ?", (instance_id,))  # noqa: S608 - fixed names

    def instances(self) -> list[dict[str, Any]]:
        with self._lock:
            return [json.loads(text) for (text,) in self._db.execute("SELECT document FROM instances")]

    def history(self, instance_id: str, execution: str) -> list[str]:
        """The events of one execution, oldest first."""
        query = "SELECT event FROM history WHERE id = ? AND execution = ? ORDER BY number"
        with self._lock:
            return [event for (event,) in self._db.execute(query, (instance_id, execution))]

    def everything(self) -> Iterator[str]:
        """All that is stored of orchestrations, as lines of text."""
        for table in _TABLES:
            with self._lock:
                rows = self._db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 - fixed names
            yield from ("\t".join(map(str, row)) for row in rows)

    def receipt(self, function: str, blob: str) -> str:
        """The ETag with which this blob was last delivered to this function; empty when it never was."""
        query = "SELECT etag FROM receipts WHERE function = ? AND blob = ?"
        with self._lock:
            row = self._db.execute(query, (function, blob)).fetchone()
        return row[0] if row else ""

    def sign(self, function: str, blob: str, etag: str) -> None:
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?)", (function, blob, etag))

    def close(self) -> None:
        with self._lock:
            self._db.close()
