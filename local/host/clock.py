"""What time it is for durable timers and histories: the real clock, or one that jumps."""

import threading
from datetime import UTC, datetime, timedelta

import requests


class RealClock:
    jumps = False

    def now(self) -> datetime:
        return datetime.now(UTC)

    def advance_to(self, moment: datetime) -> None:
        """Real time passes by itself."""


class VirtualClock:
    """Stands still until it is advanced; tells the simulator, whose clock was stopped, before it jumps."""

    jumps = True

    def __init__(self, control: str | None = None) -> None:
        self._now = datetime.now(UTC)
        self._control = control
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._now

    def advance_to(self, moment: datetime) -> None:
        with self._lock:
            step = (moment - self._now).total_seconds()
            if step <= 0:
                return
            if self._control:
                answer = requests.post(f"{self._control}/__sim/clock", json={"advance": step}, timeout=60)
                answer.raise_for_status()
            self._now += timedelta(seconds=step)


def seconds_until(moment: datetime, clock: RealClock | VirtualClock) -> float:
    return (moment - clock.now()).total_seconds()
