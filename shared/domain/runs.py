"""A run of the factory: its id, what it was asked, what it carries from step to step."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from shared.domain.generalizing import Fallback, Generalize

_STAMP = "%Y%m%dT%H%M%SZ"
_STAMP_LENGTH = len("20261123T020509Z")

TAKEOVER_PAUSE = timedelta(minutes=3)
"""What a dead run had in flight ends within `functionTimeout` (two minutes in host.json): wait longer than that."""


@dataclass(frozen=True)
class RunRequest:
    """What a starter asks for. `lanes` overrides MAX_CONCURRENT_COPIES for this run.

    `selective`: the run does a part of the job only; which, stands in its journal, because it may be long (`Selection`).
    """

    run_id: str
    lanes: int | None = None
    selective: bool = False


@dataclass(frozen=True)
class Run:
    """What every step needs: the run's id, the factory's mark, the factory lab's storage account, the app that runs it."""

    id: str
    factory: str
    account: str
    app: str

    @property
    def day(self) -> date:
        """The UTC date of the run's start: the date in the names of its images."""
        return started(self.id).date()


@dataclass(frozen=True)
class Terms:
    """The settings that this run was started with, frozen with its configuration."""

    lanes: int
    copy_deadline: timedelta
    image_deadline: timedelta
    versions: int
    stall_deadline: timedelta = timedelta(hours=1)
    generalize: Generalize = Generalize.NEVER
    generalize_fallback: Fallback = Fallback.NONE
    generalize_deadline: timedelta = timedelta(hours=1)


def mint_run_id(now: datetime, suffix: str, after: str = "") -> str:
    """`YYYYMMDDTHHMMSSZ-xxxx`, later than the run id `after` whatever the clocks say."""
    stamp = now.astimezone(UTC).strftime(_STAMP)
    if after and stamp <= after[:_STAMP_LENGTH]:
        stamp = (started(after) + timedelta(seconds=1)).strftime(_STAMP)
    return f"{stamp}-{suffix[:4]}"


def started(run_id: str) -> datetime:
    """The moment that a run id names, in UTC; raises ValueError for what is not a run id."""
    return datetime.strptime(run_id[:_STAMP_LENGTH], _STAMP).replace(tzinfo=UTC)


def is_run_id(text: str) -> bool:
    try:
        started(text)
    except ValueError:
        return False
    suffix = text[_STAMP_LENGTH:]
    return len(suffix) == 5 and suffix[0] == "-" and suffix[1:].isalnum() and suffix.isascii()


def child_id(run_id: str, kind: str, key: str, attempt: int) -> str:
    """The instance id of a child: never reused within or across runs (`durable-facts.md` 2.10, 13)."""
    return f"{run_id}:{kind}:{key}:{attempt}"


def short_hash(text: str) -> str:
    """16 hex digits that stand for a longer key in blob names and instance ids."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
