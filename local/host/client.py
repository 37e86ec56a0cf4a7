"""For tests and tools: the host as a child process."""

from collections.abc import Mapping
from pathlib import Path

from local.child import ChildProcess


class LocalHost(ChildProcess):
    """The embedded host with an app, as a context manager. Its task hub is the file `store`, its log lies beside it."""

    def __init__(
        self,
        app: Path,
        store: Path,
        environment: Mapping[str, str],
        *,
        virtual: str | None = None,
        polling_seconds: float = 1.0,
        kill_at: str = "",
        misbehave: int | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(store.with_suffix(".log"))
        self._app, self._store, self._environment = app, store, dict(environment)
        self._virtual, self._polling, self._kill_at, self._port = virtual, polling_seconds, kill_at, port
        self._misbehave = misbehave
        self.url = ""

    def start(self) -> None:
        self._store.parent.mkdir(parents=True, exist_ok=True)
        ready = self._store.with_suffix(".ready")
        ready.unlink(missing_ok=True)
        arguments = ["--app", str(self._app), "--store", str(self._store), "--ready", str(ready)]
        arguments += ["--polling-seconds", str(self._polling), "--port", str(self._port)]
        arguments += ["--virtual", self._virtual] if self._virtual else []
        arguments += ["--misbehave", str(self._misbehave)] if self._misbehave is not None else []
        environment = self._environment | {"HOST_KILL_AT": self._kill_at}
        self._launch("local.host", arguments, lambda: ready.exists() and ready.read_text("utf-8") != "", **environment)
        self.url = ready.read_text("utf-8")
        ready.unlink()
