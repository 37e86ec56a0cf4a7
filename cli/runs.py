"""Runs as the app tells them (`shared.watching`), as far as they are shown; what a newer app says besides is left alone."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

from shared.domain.findings import Finding

RUNNING = "Running"


def path_of(run_id: str) -> str:
    """Where the API has a run, whatever was typed as its id."""
    return f"runs/{quote(run_id, safe='')}"


@dataclass(frozen=True)
class PairLine:
    lab: str = ""
    image_path: str = ""
    image: str = ""
    state: str = ""
    code: str = ""
    message: str = ""
    next: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        return self.lab, self.image or self.image_path, self.state, ": ".join(filter(None, (self.code, self.message)))


@dataclass(frozen=True)
class CaptureLine:
    vm: str = ""
    image_path: str = ""
    state: str = ""
    code: str = ""
    message: str = ""
    next: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        return self.vm, self.image_path, self.state, ": ".join(filter(None, (self.code, self.message)))


@dataclass(frozen=True)
class ReportLines:
    """What the report tells of a run, beside its pairs."""

    findings: tuple[Finding, ...] = ()
    captures: tuple[CaptureLine, ...] = ()


@dataclass(frozen=True)
class Transfer:
    done_bytes: int = 0
    planned_bytes: int = 0
    bytes_per_second: float | None = None


@dataclass(frozen=True)
class RunLine:
    """One run: what a list tells of it, and while it works how far it is. Keys of `planned` and `counts` are in snake case."""

    run_id: str
    state: str
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stage: str = ""
    planned: dict[str, int] = field(default_factory=dict[str, int])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    cancelling: bool = False
    transfer: Transfer | None = None
    eta: datetime | None = None
    pairs: tuple[PairLine, ...] = ()

    @property
    def works(self) -> bool:
        return self.state == RUNNING

    @property
    def captures(self) -> tuple[int, int]:
        """How many captures have ended, and how many there are to do."""
        return self.counts.get("captures_ended", 0), self.planned.get("captures", 0)

    @property
    def deliveries(self) -> tuple[int, int]:
        return self.planned.get("deliveries", 0) - self._left, self.planned.get("deliveries", 0)

    @property
    def _left(self) -> int:
        endings = Counter(pair.state for pair in self.pairs)
        return endings["queued"] + endings["working"]

    @property
    def told(self) -> str:
        """How far it is, or how it ended, in one line."""
        return ", ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        if not self.works:
            yield from (f"{count} {words}" for key, words in _ENDINGS.items() if (count := self.counts.get(key, 0)))
            return
        if self.cancelling:
            yield "being cancelled"
        for (done, planned), what in ((self.captures, "captures"), (self.deliveries, "deliveries")):
            if planned:
                yield f"{done}/{planned} {what}"
        if failed := self.counts.get("failed", 0):
            yield f"{failed} failed"
        if self.transfer and self.transfer.planned_bytes:
            yield f"{_gib(self.transfer.done_bytes)} of {_gib(self.transfer.planned_bytes)} GiB"
        if self.eta:
            yield f"done about {self.eta:%H:%M} UTC"


_ENDINGS = {
    "delivered": "delivered",
    "captured": "captured",
    "present": "present",
    "skipped": "skipped",
    "failed": "failed",
    "captures_failed": "failed to be captured",
}


def _gib(size: int) -> str:
    return f"{size / 2**30:,.1f}"


@dataclass(frozen=True)
class RunsPage:
    runs: tuple[RunLine, ...] = ()
