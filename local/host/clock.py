"""What time it is for durable timers and histories: the real clock, or one that jumps."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

import requests


class Clock(Protocol):
    """`jumps` says whether time passes only by `advance_to`."""

    @property
    def jumps(self) -> bool: ...
    def now(self) -> datetime: ...
    def advance_to(self, moment: datetime) -> None: ...
    def watch(self, moved: Callable[[], None]) -> None: ...


class RealClock:
    jumps = False

    def now(self) -> datetime:
        return datetime.now(UTC)

    def advance_to(self, moment: datetime) -> None:
        """Real time passes by itself."""

    def watch(self, moved: Callable[[], None]) -> None:
        """Nobody moves it."""


class VirtualClock:
    """Stands still until it is advanced; never goes back. Tests move it by hand, the host jumps with it."""

    jumps = True

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime.now(UTC)
        self._lock = threading.Lock()
        self._watchers: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return self._now

    def advance_to(self, moment: datetime) -> None:
        """Jump there; nothing happens when that moment has passed."""
        with self._lock:
            if moment > self._now:
                self.tell((moment - self._now).total_seconds())
                self._now = moment
        for moved in self._watchers:
            moved()

    def watch(self, moved: Callable[[], None]) -> None:
        """Let `moved` be called after each jump."""
        self._watchers.append(moved)

    def advance(self, step: timedelta) -> None:
        self.advance_to(self._now + step)

    def tell(self, seconds: float) -> None:
        """Called before a jump; raises when it must not happen."""


class SimulatorsClock(VirtualClock):
    """A virtual clock in step with the simulator's, whose speed was set to 0: that one jumps first."""

    def __init__(self, control: str) -> None:
        self._address = f"{control.rstrip('/')}/__sim/clock"
        super().__init__(self._asked())

    def tell(self, seconds: float) -> None:
        """Raises requests.RequestException when the simulator does not follow."""
        requests.post(self._address, json={"advance": seconds}, timeout=60).raise_for_status()

    def _asked(self) -> datetime | None:
        """What time the simulator has, so that a host that was restarted goes on where it was; None when it does not say."""
        try:
            told: str = requests.get(self._address, timeout=10).json()["now"]
            return datetime.fromisoformat(told)
        except (requests.RequestException, ValueError, KeyError, TypeError):
            return None
