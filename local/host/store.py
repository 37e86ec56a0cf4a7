"""The task hub on disk: instances and their histories in SQLite, committed before anything becomes visible."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS instances (id TEXT PRIMARY KEY, document TEXT);
CREATE TABLE IF NOT EXISTS history (id TEXT, execution TEXT, number INT, event TEXT, PRIMARY KEY (id, execution, number));
CREATE TABLE IF NOT EXISTS receipts (function TEXT, blob TEXT, etag TEXT, PRIMARY KEY (function, blob));
"""


class Store:
    """Survives `kill -9` of the process (a power cut may lose the last commits)."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def save(self, document: dict[str, Any], execution: str, first: int, events: list[str]) -> None:
        """An instance with its new history events, in one transaction."""
        rows = [(document["id"], execution, number, event) for number, event in enumerate(events, first)]
        with self._lock, self._db:
            self._db.execute("BEGIN")
            self._db.execute("INSERT OR REPLACE INTO instances VALUES (?, ?)", (document["id"], json.dumps(document)))
            self._db.executemany("INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)", rows)

    def delete(self, instance_id: str) -> None:
        with self._lock, self._db:
            self._db.execute("BEGIN")
            for table in ("instances", "history"):
                self._db.execute(f"DELETE FROM {table} WHERE id = ?", (instance_id,))  # noqa: S608 - fixed names

    def instances(self) -> list[dict[str, Any]]:
        with self._lock:
            return [json.loads(text) for (text,) in self._db.execute("SELECT document FROM instances")]

    def history(self, instance_id: str, execution: str) -> list[str]:
        query = "SELECT event FROM history WHERE id = ? AND execution = ? ORDER BY number"
        with self._lock:
            return [event for (event,) in self._db.execute(query, (instance_id, execution))]

    def everything(self) -> Iterator[str]:
        """All that is stored, as text: for whoever looks for secrets in it."""
        with self._lock:
            for table in ("instances", "history"):
                for row in self._db.execute(f"SELECT * FROM {table}"):  # noqa: S608 - fixed names
                    yield "\t".join(map(str, row))

    def receipt(self, function: str, blob: str) -> str:
        with self._lock:
            query = "SELECT etag FROM receipts WHERE function = ? AND blob = ?"
            row = self._db.execute(query, (function, blob)).fetchone()
            return row[0] if row else ""

    def sign(self, function: str, blob: str, etag: str) -> None:
        with self._lock:
            self._db.execute("INSERT OR REPLACE INTO receipts VALUES (?, ?, ?)", (function, blob, etag))
