"""How long to pause before asking again (`design.md` section 3, "Waiting by progress")."""

from dataclasses import dataclass
from datetime import datetime, timedelta

SHORTEST = timedelta(seconds=5)
LONGEST = timedelta(minutes=5)
STALLED_AFTER = timedelta(hours=1)
"""A copy that tells its progress and makes none for this long is given up; Azure's own copies pause for minutes at most."""


@dataclass(frozen=True)
class Progress:
    """One answer to "still pending?"; the bytes are None where Azure tells none."""

    pending: bool
    done_bytes: int | None = None
    total_bytes: int | None = None


DONE = Progress(pending=False)


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
