"""Tell how a run is: from its report when it has ended, else from its journal and the engine."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.outcomes import RunState
from shared.domain.quoting import quoted
from shared.domain.report import PAIR_ENDINGS, RunReport
from shared.domain.runs import is_run_id
from shared.domain.tickets import Kind
from shared.durable import Instance
from shared.errors import MissingError
from shared.journal import Journal, RunRecord
from shared.starting import run_of
from shared.wire import from_json


@dataclass(frozen=True)
class RunStatus:
    """One run. While it works `stage` and `planned` say how far it is; `counts` are the endings so far."""

    run_id: str
    state: RunState
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stage: str = ""
    planned: dict[str, int] = field(default_factory=dict[str, int])
    counts: dict[str, int] = field(default_factory=dict[str, int])


def run_status(run_id: str, instance: Instance) -> RunStatus:
    """Raises MissingError for a run that nobody knows."""
    working = instance.alive and run_of(instance) == run_id
    journal = Journal(run_id)
    if is_run_id(run_id) and (written := journal.find("report.json")):
        report = from_json(written, RunReport)
        return RunStatus(run_id, report.state, report.started_at, report.ended_at, "ended", counts=report.counts)
    record = journal.find("run.json") if is_run_id(run_id) else None
    if record is None and not working:
        raise MissingError("RunNotFound", f"There is no run {quoted(run_id)}.", "Start one with POST /api/runs.")
    started_at = from_json(record, RunRecord).started_at if record else None
    state = RunState.RUNNING if working else RunState.INTERRUPTED
    shown = instance.custom_status if working else {}
    planned = {name: value for name, value in shown.items() if isinstance(value, int)}
    return RunStatus(run_id, state, started_at, None, str(shown.get("stage", "")), planned, _counts(journal))


def run_report(run_id: str, instance: Instance) -> RunReport | RunStatus:
    """The report of a run, or how the run is while it works.

    Raises MissingError for a run that nobody knows, and for one that was ended by force: that one never gets a report.
    """
    if is_run_id(run_id) and (written := Journal(run_id).find("report.json")):
        return from_json(written, RunReport)
    status = run_status(run_id, instance)
    if status.state is RunState.RUNNING:
        return status
    message = f"Run {run_id} was ended by force before its report was written."
    raise MissingError("ReportMissing", message, "Start another run: it cleans up after that one and reports anew.")


def _counts(journal: Journal) -> dict[str, int]:
    pairs = Counter(outcome.state for _, outcome in journal.outcomes(Kind.PAIRS))
    captures = sum(1 for _ in journal.outcomes(Kind.CAPTURES))
    return {**{ending.value: pairs[ending] for ending in PAIR_ENDINGS}, "capturesEnded": captures}
