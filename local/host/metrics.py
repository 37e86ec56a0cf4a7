"""What the engine costs and how large things get; read at /__host/metrics."""

import resource
import threading
from collections import Counter
from pathlib import Path
from typing import Any


class Metrics:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._episodes = self._events = self._history = self._replay = self._payload = self._status = 0
        self._seconds = 0.0
        self._calls: Counter[str] = Counter()
        self._longest = 0.0

    def step(self, cpu_seconds: float, events: int) -> None:
        with self._lock:
            self._episodes += 1
            self._events += events
            self._seconds += cpu_seconds
            self._history = max(self._history, events)

    def replay_payload(self, size: int) -> None:
        with self._lock:
            self._replay = max(self._replay, size)

    def payload(self, size: int) -> None:
        with self._lock:
            self._payload = max(self._payload, size)

    def custom_status(self, size: int) -> None:
        with self._lock:
            self._status = max(self._status, size)

    def activity(self, name: str, seconds: float) -> None:
        with self._lock:
            self._calls[name] += 1
            self._longest = max(self._longest, seconds)

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "episodes": self._episodes,
                "replayedEvents": self._events,
                "orchestratorCpuSeconds": self._seconds,
                "largestReplayPayloadBytes": self._replay,
                "largestPayloadBytes": self._payload,
                "largestHistoryEvents": self._history,
                "largestCustomStatusBytes": self._status,
                "activities": dict(self._calls),
                "longestActivitySeconds": self._longest,
                "residentBytes": _resident(),
                "peakResidentBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }


def _resident() -> int:
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.exists() else 0
