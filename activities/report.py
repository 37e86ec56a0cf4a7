"""Write the report of a run from its plans and outcomes."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from shared.domain.capture import CapturePlan
from shared.domain.distribution import DistributionPlan
from shared.domain.findings import Finding, Severity
from shared.domain.labs import Lab, LabId
from shared.domain.outcomes import RunState
from shared.domain.report import (
    ConfigurationRead,
    RunReport,
    capture_rows,
    counts,
    final_state,
    pair_rows,
)
from shared.domain.runs import Run, Terms, started
from shared.domain.tickets import Kind
from shared.errors import MissingError
from shared.journal import CAPTURE_PLAN, DISTRIBUTION_PLAN, FactoryInventory, FrozenConfiguration, Journal, fence
from shared.report_forms import FORMS
from shared.settings import settings
from shared.wire import from_json

T = TypeVar("T")


@dataclass(frozen=True)
class Refusal:
    """Why a run ended before its work was done: no claim, no factory lab, a stage that failed as a whole."""

    code: str
    message: str
    next: str = ""


@dataclass(frozen=True)
class Closing:
    """`run` is None for a run that never got the claim."""

    run_id: str
    ended_at: datetime
    run: Run | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Summary:
    """What the orchestration answers: small, and never the truth; report.json is."""

    run_id: str
    state: RunState
    counts: dict[str, int]
    code: str = ""


def write_report(closing: Closing) -> Summary:
    """Write the report in all its forms. Repeat-safe: report.json that is there stays, and the others are made from it."""
    if closing.run is not None:
        fence(closing.run)
    journal = Journal(closing.run_id)
    truth, *others = FORMS
    journal.write_text(truth.file, truth.render(_report(closing, journal)))
    report = from_json(journal.find(truth.file) or b"", RunReport)
    for form in others:
        journal.write_text(form.file, form.render(report))
    return Summary(report.run_id, report.state, report.counts, closing.refusal.code if closing.refusal else "")


def _report(closing: Closing, journal: Journal) -> RunReport:
    unread = FrozenConfiguration("", "", "", True, Terms(1, timedelta(), timedelta(), 1))
    configuration = _recorded(journal, "configuration.json", unread)
    inventory = _recorded(journal, "factory.json", FactoryInventory(Lab(LabId("", "", ""), "")))
    captures = capture_rows(_recorded(journal, CAPTURE_PLAN, CapturePlan()), dict(journal.outcomes(Kind.CAPTURES)))
    pairs = pair_rows(_recorded(journal, DISTRIBUTION_PLAN, DistributionPlan()), dict(journal.outcomes(Kind.PAIRS)))
    refusal = closing.refusal
    findings = (*configuration.findings, *inventory.findings)
    if refusal:
        findings = (Finding(Severity.ERROR, refusal.code, refusal.message, refusal.next), *findings)
    refused = refusal is not None or not configuration.usable
    return RunReport(
        run_id=closing.run_id,
        factory_id=settings().factory,
        state=final_state(captures, pairs, findings, refused, bool(configuration.set_aside)),
        started_at=started(closing.run_id),
        ended_at=closing.ended_at,
        configuration=ConfigurationRead(configuration.etag, configuration.sha256),
        counts=counts(captures, pairs),
        findings=findings,
        captures=captures,
        pairs=pairs,
    )


def _recorded(journal: Journal, name: str, otherwise: T) -> T:
    """A document of the journal; `otherwise` when the run did not get so far."""
    try:
        return journal.read(name, type(otherwise))
    except MissingError:
        return otherwise
