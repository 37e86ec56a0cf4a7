"""How long to pause before asking again (`design.md` section 3, "Waiting by progress")."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.errors import ExhaustedError

SHORTEST = timedelta(seconds=5)
LONGEST = timedelta(minutes=5)


@dataclass(frozen=True)
class Progress:
    """One answer to "still pending?"; the bytes are None where Azure tells none."""

    pending: bool
    done_bytes: int | None = None
    total_bytes: int | None = None


DONE = Progress(pending=False)
PENDING = Progress(pending=True)


@dataclass(frozen=True)
class Deadline:
    """When waiting for `what` is given up: `within` all, and `stalled_after` without progress where progress is told."""

    what: str
    within: timedelta
    stalled_after: timedelta | None = None
    next_step: str = "The next run starts it afresh."

    def check(self, waited: timedelta, unmoved: timedelta, progress: Progress) -> None:
        """Raises ExhaustedError `Overdue` or `Stalled` when it is time to give up."""
        if waited >= self.within:
            raise ExhaustedError("Overdue", f"{self.what} is not done after {self.within}.", self.next_step)
        if self.stalled_after and progress.total_bytes and unmoved >= self.stalled_after:
            raise ExhaustedError("Stalled", f"{self.what} made no progress for {self.stalled_after}.", self.next_step)


@dataclass(frozen=True)
class Waiting:
    """A wait under way: since when, and when how many bytes were last seen to have become more."""

    begun: datetime
    moved: datetime
    most_bytes: int = 0


def next_pause(waited: timedelta, progress: Progress) -> timedelta:
    """0.7 of the predicted rest; where nothing is told, a tenth of the time waited so far."""
    if progress.done_bytes and progress.total_bytes:
        rest = waited.total_seconds() * ((progress.total_bytes - progress.done_bytes) / progress.done_bytes)
        pause = rest * 0.7
    else:
        pause = waited.total_seconds() / 10
    # In seconds: the rest of a copy that has hardly begun is longer than a timedelta can be.
    return timedelta(seconds=min(max(pause, SHORTEST.total_seconds()), LONGEST.total_seconds()))
