"""A process of ours that tests and commands start, wait for and stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_REPOSITORY = Path(__file__).resolve().parents[1]
_STARTS_WITHIN = 60.0
_STOPS_WITHIN = 20.0


class ChildProcess:
    """A context manager around `python -m <module>`. A subclass gives `start`, which calls `_launch`."""

    def __init__(self, log_file: Path) -> None:
        self.log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

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
    def log(self) -> str:
        return self.log_file.read_text("utf-8", errors="replace") if self.log_file.exists() else ""

    def start(self) -> None:
        """Returns when it answers; raises RuntimeError with its output when it does not."""
        raise NotImplementedError

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

    def _launch(self, module: str, arguments: list[str], ready: Callable[[], bool], **environment: str) -> None:
        """Start the module and wait until it is `ready`."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self._output = self.log_file.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=_REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            env={**os.environ, **environment},
        )
        until = time.monotonic() + _STARTS_WITHIN
        while not ready():
            if not self.alive or time.monotonic() > until:
                self.stop()
                raise RuntimeError(f"{module} did not start: {self.log[-4000:]}")
            time.sleep(0.02)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(_STOPS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._output is not None:
            self._output.close()
            self._output = None
