"""The simulator's time: real time, made faster or pushed forward at will."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class ClockState:
    """`simulated` seconds since 1970 were shown when the real clock showed `real`; since then it runs `speed` times as fast."""

    simulated: float
    real: float
    speed: float = 1.0


class Clock:
    """Moves durations and the timestamps that ARM reports. Tokens and signatures are checked on real time."""

    def __init__(self, state: ClockState | None = None) -> None:
        real = time.time()
        self.state = state or ClockState(real, real)

    def now(self) -> float:
        """Simulated seconds since 1970."""
        return self.state.simulated + (time.time() - self.state.real) * self.state.speed

    def set_speed(self, speed: float) -> None:
        """Run at `speed` from here on; 0 stands still, so that only `advance` moves."""
        self.state = ClockState(self.now(), time.time(), speed)

    def advance(self, seconds: float) -> None:
        self.state = ClockState(self.now() + seconds, time.time(), self.state.speed)


def iso(timestamp: float) -> str:
    """As ARM writes times: UTC with microseconds and offset."""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="microseconds")


def parse_iso(text: str) -> float:
    """Seconds since 1970; takes `Z` and any number of fractional digits."""
    head, point, rest = text.replace("Z", "+00:00").partition(".")
    if point:
        digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
        head = f"{head}.{digits[:6].ljust(6, '0')}{rest[len(digits) :]}"
    parsed = datetime.fromisoformat(head)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
