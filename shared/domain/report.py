"""The report of a run: every capture and pair once, what was found wrong, and how the run ended."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.capture import Capture, CapturePlan, DecidedCapture
from shared.domain.distribution import DistributionPlan
from shared.domain.findings import Finding, Severity
from shared.domain.images import OsState
from shared.domain.outcomes import CANCELLED, Ending, Outcome, RunState, run_state


class _Ended:
    """What both kinds of rows tell of their end."""

    os_state: str
    state: Ending
    code: str
    message: str
    seconds: float | None
    ended_at: datetime | None

    @property
    def ending(self) -> str:
        """A specialized image is told as such: it is not what labs usually get."""
        return f"{self.state}, specialized" if self.os_state == OsState.SPECIALIZED else self.state.value

    @property
    def why(self) -> str:
        return ": ".join(filter(None, (self.code, self.message)))

    @property
    def began_at(self) -> datetime | None:
        """The end itself where nobody knows how long it took."""
        return self.ended_at - timedelta(seconds=self.seconds or 0) if self.ended_at else None


@dataclass(frozen=True)
class CaptureRow(_Ended):
    """`os_state` is Generalized or Specialized, where an image was to be made."""

    vm: str = ""
    image_path: str = ""
    image: str = ""
    os_state: str = ""
    state: Ending = Ending.FAILED
    code: str = ""
    message: str = ""
    next: str = ""
    bytes: int | None = None
    seconds: float | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class PairRow(_Ended):
    """What could not be read in labs.json is left out, as every key without a value. `ended_at` is there where work was done."""

    subscription_id: str = ""
    lab: str = ""
    resource_group: str = ""
    image_path: str = ""
    image: str = ""
    os_state: str = ""
    state: Ending = Ending.FAILED
    code: str = ""
    message: str = ""
    next: str = ""
    bytes: int | None = None
    seconds: float | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class ConfigurationRead:
    etag: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class RunReport:
    """report.json, see `design.md` section 8."""

    run_id: str
    factory_id: str
    state: RunState
    started_at: datetime
    ended_at: datetime
    configuration: ConfigurationRead
    counts: dict[str, int]
    findings: tuple[Finding, ...] = ()
    captures: tuple[CaptureRow, ...] = ()
    pairs: tuple[PairRow, ...] = ()


UNFINISHED = Outcome(Ending.FAILED, "Unfinished", "The run ended before it was done.", "Start another run.")


def capture_rows(plan: CapturePlan, outcomes: Mapping[str, Outcome]) -> tuple[CaptureRow, ...]:
    """Every planned capture once, by VM."""
    rows = [_capture_row(c, outcomes.get(c.key, UNFINISHED), c.os_state) for c in plan.captures]
    rows += [_capture_row(d, d.outcome) for d in plan.decided]
    return tuple(sorted(rows, key=lambda row: row.vm.lower()))


def _capture_row(planned: Capture | DecidedCapture, end: Outcome, os_state: str = "") -> CaptureRow:
    return CaptureRow(
        vm=planned.vm,
        image_path=planned.image_path,
        image=planned.image,
        os_state=os_state,
        state=end.state,
        code=end.code,
        message=end.message,
        next=end.next,
        bytes=end.bytes,
        seconds=end.seconds,
        ended_at=end.ended_at,
    )


def pair_rows(plan: DistributionPlan, outcomes: Mapping[str, Outcome]) -> tuple[PairRow, ...]:
    """Every planned pair once, in the order of the plan."""
    rows: list[PairRow] = []
    for pair in plan.pairs:
        end = pair.outcome or outcomes.get(pair.key, UNFINISHED)
        rows.append(
            PairRow(
                subscription_id=pair.subscription,
                lab=pair.lab,
                resource_group=pair.resource_group,
                image_path=pair.image_path,
                image=pair.image,
                os_state=pair.os_state,
                state=end.state,
                code=end.code,
                message=end.message,
                next=end.next,
                bytes=end.bytes,
                seconds=end.seconds,
                ended_at=end.ended_at,
            )
        )
    return tuple(rows)


def final_state(
    captures: Iterable[CaptureRow], pairs: Iterable[PairRow], findings: Iterable[Finding], refused: bool, aside: bool
) -> RunState:
    """`aside`: a lab was set aside. An error among the findings is a lab or an entry that was, or the reason of a refusal.

    A cancel that came when nothing was left to do has changed nothing, the state neither.
    """
    captures, pairs, findings = tuple(captures), tuple(pairs), tuple(findings)
    if any(told.code == CANCELLED for told in (*captures, *pairs, *findings)):
        return RunState.CANCELLED
    set_aside = aside or any(finding.severity is Severity.ERROR for finding in findings)
    return run_state((row.state for row in captures), (row.state for row in pairs), refused, set_aside)


def counts(captures: Iterable[CaptureRow], pairs: Iterable[PairRow]) -> dict[str, int]:
    """How often each ending came: pairs by their ending, captures as `captured` and `capturesPresent`, `capturesFailed`..."""
    endings = Counter(row.state.value for row in pairs)
    counted = {ending.value: endings[ending] for ending in PAIR_ENDINGS}
    ends = Counter(row.state.value for row in captures)
    counted["captured"] = ends[Ending.CAPTURED]
    for ending in (Ending.PRESENT, Ending.SKIPPED, Ending.FAILED):
        counted[f"captures{ending.value.capitalize()}"] = ends[ending]
    return counted


PAIR_ENDINGS = (Ending.DELIVERED, Ending.PRESENT, Ending.SKIPPED, Ending.FAILED)
CAPTURE_ENDINGS = (Ending.CAPTURED, Ending.PRESENT, Ending.SKIPPED, Ending.FAILED)
