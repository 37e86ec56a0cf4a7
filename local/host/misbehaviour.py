"""What a host may do to activities and seldom does: a switch that makes it do so often, reproducibly."""

import random
import threading
from datetime import timedelta
from enum import Enum, auto

_SHARE = 0.05
_LONGEST_DELAY = timedelta(seconds=30)
"""Queue latency: what is delayed is overtaken by what was scheduled after it."""

_LONGEST_PAUSE = timedelta(minutes=6)
"""A queue message that was not acknowledged comes back after its visibility time-out, up to 5 minutes."""


class Mischief(Enum):
    """Every activity happens at least once, in these ways later, more than once, or answered when nobody asks any more.

    And a worker may die under it.
    """

    DELAYED = auto()
    ANSWERED_AGAIN = auto()
    RESULT_LOST = auto()
    TWICE_AT_ONCE = auto()
    AGAIN_LATER = auto()
    WORKER_DIED = auto()


class Misbehaviour:
    """A twentieth of the activities each; without a seed the host behaves."""

    def __init__(self, seed: int | None) -> None:
        self._random = None if seed is None else random.Random(seed)
        self._lock = threading.Lock()

    def rest(self) -> None:
        """Behave from now on."""
        self._random = None

    def next(self) -> Mischief | None:
        """What happens to the next activity."""
        if self._random is None:
            return None
        with self._lock:
            kinds = list(Mischief)
            drawn = int(self._random.random() / _SHARE)
        return kinds[drawn] if drawn < len(kinds) else None

    def delay(self) -> timedelta:
        """How long it is until one that is delayed begins."""
        return self.pause() * (_LONGEST_DELAY / _LONGEST_PAUSE)

    def pause(self) -> timedelta:
        """How long it is until a repeat."""
        if self._random is None:
            return timedelta()
        with self._lock:
            return _LONGEST_PAUSE * self._random.random()
