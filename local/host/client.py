"""For tests and tools: the host as a child process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_REPOSITORY = Path(__file__).resolve().parents[2]
_STARTS_WITHIN = 60.0
_STOPS_WITHIN = 10.0


class LocalHost:
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
        self._app, self._store, self._environment = app, store, dict(environment)
        self._virtual, self._polling, self._kill_at, self._port = virtual, polling_seconds, kill_at, port
        self._misbehave = misbehave
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self.url = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log_file(self) -> Path:
        return self._store.with_suffix(".log")

    @property
    def log(self) -> str:
        return self.log_file.read_text("utf-8", errors="replace") if self.log_file.exists() else ""

    def start(self) -> None:
        """Returns when it answers; raises RuntimeError with its log when it does not."""
        self._store.parent.mkdir(parents=True, exist_ok=True)
        ready = self._store.with_suffix(".ready")
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "local.host", "--app", str(self._app), "--store", str(self._store)]
        command += ["--ready", str(ready), "--polling-seconds", str(self._polling), "--port", str(self._port)]
        command += ["--virtual", self._virtual] if self._virtual else []
        command += ["--misbehave", str(self._misbehave)] if self._misbehave is not None else []
        environment = {**os.environ, **self._environment, "HOST_KILL_AT": self._kill_at}
        self._log = self.log_file.open("ab")
        self._process = subprocess.Popen(
            command, cwd=_REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )
        until = time.monotonic() + _STARTS_WITHIN
        while not (ready.exists() and ready.read_text("utf-8")):
            if not self.alive or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"the host did not start: {self.log[-4000:]}")
            time.sleep(0.02)
        self.url = ready.read_text("utf-8")
        ready.unlink()

    def kill(self) -> None:
        """`kill -9`: what a new start finds is what was on disk."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order; fine when it has ended already."""
        self._end(signal.SIGTERM)

    def wait(self, seconds: float) -> bool:
        """Wait until the process has ended by itself; False when it has not."""
        if self._process is None:
            return True
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(_STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._log is not None:
            self._log.close()
            self._log = None
