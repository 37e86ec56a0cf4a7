"""The report of a run: every capture and pair once, what was found wrong, and how the run ended."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain.capture import CapturePlan
from shared.domain.distribution import DistributionPlan
from shared.domain.findings import Finding, Severity
from shared.domain.outcomes import CANCELLED, Ending, Outcome, RunState, run_state


@dataclass(frozen=True)
class CaptureRow:
    vm: str = ""
    image_path: str = ""
    image: str = ""
    state: Ending = Ending.FAILED
    code: str = ""
    message: str = ""
    next: str = ""
    bytes: int | None = None


@dataclass(frozen=True)
class PairRow:
    """What could not be read in labs.json is left out, as every key without a value."""

    subscription_id: str = ""
    lab: str = ""
    image_path: str = ""
    image: str = ""
    state: Ending = Ending.FAILED
    code: str = ""
    message: str = ""
    next: str = ""
    bytes: int | None = None
    seconds: float | None = None


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
    rows = [_capture_row(c.vm, c.image_path, c.image, outcomes.get(c.key, UNFINISHED)) for c in plan.captures] + [
        _capture_row(d.vm, d.image_path, d.image, d.outcome) for d in plan.decided
    ]
    return tuple(sorted(rows, key=lambda row: row.vm.lower()))


def _capture_row(vm: str, path: str, image: str, end: Outcome) -> CaptureRow:
    return CaptureRow(
        vm=vm,
        image_path=path,
        image=image,
        state=end.state,
        code=end.code,
        message=end.message,
        next=end.next,
        bytes=end.bytes,
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
                image_path=pair.image_path,
                image=pair.image,
                state=end.state,
                code=end.code,
                message=end.message,
                next=end.next,
                bytes=end.bytes,
                seconds=end.seconds,
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


# --- For people


def as_markdown(report: RunReport) -> str:
    """The report as a readable Markdown page."""
    took = report.ended_at - report.started_at
    lines = [
        f"# Image factory run {report.run_id}: {report.state}",
        "",
        f"Started {report.started_at:%Y-%m-%d %H:%M:%S} UTC, took {str(took).partition('.')[0]}. {_sum(report.pairs)}",
    ]
    if report.findings:
        lines += ["", "## Findings", "", *_table(("", "Where", "What", "Next step"), map(_finding, report.findings))]
    if report.captures:
        heads = ("VM", "Image path", "Image", "State", "Why", "Next step")
        rows = ((r.vm, r.image_path, r.image, _state(r.state), _why(r), r.next) for r in report.captures)
        lines += ["", "## Captures", "", *_table(heads, rows)]
    if report.pairs:
        heads = ("Lab", "Image", "State", "Size", "Time", "Why", "Next step")
        rows = (
            (r.lab, r.image or r.image_path, _state(r.state), _size(r.bytes), _time(r.seconds), _why(r), r.next)
            for r in report.pairs
        )
        lines += ["", "## Images in labs", "", *_table(heads, rows)]
    return "\n".join(lines) + "\n"


def _sum(pairs: Iterable[PairRow]) -> str:
    endings = Counter(row.state for row in pairs)
    said = [f"{endings[ending]} {ending.value}" for ending in PAIR_ENDINGS if endings[ending]]
    return f"Images in labs: {', '.join(said)}." if said else "No image was asked for by any lab."


def _finding(finding: Finding) -> tuple[str, ...]:
    place = f"{finding.path}, line {finding.line}" if finding.line else finding.path
    return finding.severity.value, place, f"{finding.code}: {finding.message}", finding.next


def _state(state: Ending) -> str:
    return f"**{state.value}**" if state is Ending.FAILED else state.value


def _why(row: CaptureRow | PairRow) -> str:
    return ": ".join(filter(None, (row.code, row.message)))


def _size(size: int | None) -> str:
    return "" if size is None else f"{size / 2**30:,.1f} GiB"


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [_row(heads), _row(("---",) * len(heads)), *map(_row, rows)]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(cell: str) -> str:
    """A cell that cannot break the table or carry HTML or links (B62)."""
    for mark in "\\|[]<>`":
        cell = cell.replace(mark, {"<": "&lt;", ">": "&gt;"}.get(mark, "\\" + mark))
    return " ".join(cell.split())
