"""What the engine costs and how large things get; read at /__host/metrics."""

import resource
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Literal, get_args

Largest = Literal["ReplayPayloadBytes", "InputBytes", "OutputBytes", "HistoryEvents", "CustomStatusBytes"]


class Metrics:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._episodes = self._events = 0
        self._seconds = 0.0
        self._largest: Counter[Largest] = Counter()
        self._activities: Counter[str] = Counter()
        self._longest_activity = 0.0

    def replayed(self, cpu_seconds: float, events: int) -> None:
        """One step: CPU time of its replay, length of the history that was replayed."""
        with self._lock:
            self._episodes += 1
            self._events += events
            self._seconds += cpu_seconds

    def seen(self, what: Largest, size: int) -> None:
        with self._lock:
            self._largest[what] = max(self._largest[what], size)

    def activity(self, name: str, seconds: float) -> None:
        with self._lock:
            self._activities[name] += 1
            self._longest_activity = max(self._longest_activity, seconds)

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "episodes": self._episodes,
                "replayedEvents": self._events,
                "orchestratorCpuSeconds": self._seconds,
                **{f"largest{name}": self._largest[name] for name in get_args(Largest)},
                "activities": dict(self._activities),
                "longestActivitySeconds": self._longest_activity,
                "residentBytes": _resident(),
                "peakResidentBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }


def _resident() -> int:
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() if status.exists() else 0
