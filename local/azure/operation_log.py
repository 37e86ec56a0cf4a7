"""The log of every call to the simulated Azure, a JSON object per line."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from local.azure.clock import Clock, iso

Service = Literal["arm", "blob", "identity"]
Effect = Literal["none", "create", "update", "delete", "copy", "grant", "revoke"]


class OperationLog:
    """Appended to as things happen, so that it can be followed; `clear` empties the file in place."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._clock, self._file = clock, file
        self._stream = file.open("a+", encoding="utf-8")

    def record(
        self,
        *,
        service: Service,
        method: str,
        path: str,
        status: int,
        effect: Effect,
        caller: str,
        account: str | None = None,
        subscription: str | None = None,
        operations: Sequence[str] = (),
        role: str | None = None,
    ) -> None:
        """`status` 0 stands for a connection that was closed without an answer.

        `operations` are what Azure's access control calls it, `role` is what let the app do it.
        """
        entry: dict[str, object] = {"time": iso(self._clock.now()), "caller": caller, "service": service}
        if account:
            entry["account"] = account
        if subscription:
            entry["subscription"] = subscription
        entry |= {"method": method, "path": path, "status": status, "effect": effect}
        if operations:
            entry["operations"] = operations
        if role:
            entry["role"] = role
        self._stream.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._stream.flush()

    def text(self) -> str:
        return self._file.read_text(encoding="utf-8")

    def clear(self) -> None:
        self._stream.truncate(0)

    def close(self) -> None:
        self._stream.close()
