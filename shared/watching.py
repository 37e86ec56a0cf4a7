"""Tell how runs are: from their reports when they have ended, else from their journals and the engine."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.azure.blobs import Container
from shared.azure.labs import factory_lab
from shared.domain.distribution import DistributionPlan, Pair
from shared.domain.outcomes import Outcome, RunState
from shared.domain.quoting import quoted
from shared.domain.report import PAIR_ENDINGS, PairRow, RunReport, pair_rows
from shared.domain.runs import is_run_id
from shared.domain.speeds import Load, written
from shared.domain.tickets import Kind, Tickets
from shared.errors import FactoryError, MissingError
from shared.instances import Instance
from shared.journal import DISTRIBUTION_PLAN, REPORT, RUN, Journal, RunRecord, read_claim
from shared.settings import settings
from shared.side_by_side import side_by_side
from shared.starting import run_of
from shared.wire import from_json


class PairState(StrEnum):
    """Where a pair is: queued, being worked on, or how it ended."""

    QUEUED = "queued"
    WORKING = "working"
    DELIVERED = "delivered"
    PRESENT = "present"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True)
class PairStatus:
    """One image in one lab."""

    subscription_id: str = ""
    lab: str = ""
    image_path: str = ""
    image: str = ""
    state: PairState = PairState.QUEUED
    code: str = ""
    message: str = ""
    next: str = ""
    bytes: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Transfer:
    """What is copied to the labs: bytes of the deliveries that have ended and, by the speed that their accounts have told, of
    those under way; and bytes of all that are planned.
    """

    done_bytes: int
    planned_bytes: int
    bytes_per_second: float | None = None


@dataclass(frozen=True)
class RunStatus:
    """One run. While it works `stage` and `planned` say how far it is; `counts` are the endings so far.

    `cancelling`: it was cancelled and is about to end. `eta` is an estimate by the deliveries so far.
    """

    run_id: str
    state: RunState
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stage: str = ""
    planned: dict[str, int] = field(default_factory=dict[str, int])
    counts: dict[str, int] = field(default_factory=dict[str, int])
    cancelling: bool = False
    transfer: Transfer | None = None
    eta: datetime | None = None
    pairs: tuple[PairStatus, ...] = ()


@dataclass(frozen=True)
class RunSummary:
    """One run in a list of runs."""

    run_id: str
    state: RunState
    started_at: datetime | None = None
    ended_at: datetime | None = None
    counts: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class RunsPage:
    """Runs, newest first; `next` is where the older ones are, if there are any."""

    runs: tuple[RunSummary, ...]
    next: str = ""


def run_status(run_id: str, instance: Instance) -> RunStatus:
    """Raises MissingError for a run that nobody knows."""
    working = instance.alive and run_of(instance) == run_id
    journal = Journal(run_id)
    if is_run_id(run_id) and (written := journal.find(REPORT)):
        report = from_json(written, RunReport)
        pairs = tuple(_pair(row, PairState(row.state)) for row in report.pairs)
        return RunStatus(
            run_id, report.state, report.started_at, report.ended_at, "ended", counts=report.counts, pairs=pairs
        )
    record = journal.find(RUN) if is_run_id(run_id) else None
    if record is None and not working:
        raise MissingError("RunNotFound", f"There is no run {quoted(run_id)}.", "GET /api/runs lists the runs.")
    started_at = from_json(record, RunRecord).started_at if record else None
    state = RunState.RUNNING if working else RunState.INTERRUPTED
    shown = instance.custom_status if working else {}
    planned = {name: value for name, value in shown.items() if isinstance(value, int)}
    ended = dict(journal.outcomes(Kind.PAIRS))
    rounds = _rounds(journal) if working else []
    pairs = _pairs(journal, ended, rounds, working)
    transfer, eta = _transfer(journal, ended, rounds)
    return RunStatus(
        run_id,
        state,
        started_at,
        None,
        str(shown.get("stage") or ("starting" if working else "")),
        planned,
        _counts(journal, pairs),
        cancelling=working and _is_cancelled(run_id),
        transfer=transfer,
        eta=eta if working else None,
        pairs=pairs,
    )


def run_report(run_id: str, instance: Instance) -> RunReport | RunStatus:
    """The report of a run, or how the run is while it works.

    Raises MissingError for a run that nobody knows, and for one that was ended by force: that one never gets a report.
    """
    if is_run_id(run_id) and (written := Journal(run_id).find(REPORT)):
        return from_json(written, RunReport)
    status = run_status(run_id, instance)
    if status.state is RunState.RUNNING:
        return status
    message = f"Run {run_id} was ended by force before its report was written."
    raise MissingError("ReportMissing", message, "Start another run: it cleans up after that one and reports anew.")


def list_runs(instance: Instance, limit: int, before: str = "") -> RunsPage:
    """The runs that were begun before the run `before`, newest first."""
    container = Container(settings().journal_account, settings().journal_container)
    known = sorted(filter(is_run_id, container.folders("runs/")), reverse=True)
    older = [run_id for run_id in known if not before or run_id < before]
    found = side_by_side(lambda run_id: _summary(run_id, instance), older[:limit])
    page = tuple(summary for summary in found if summary is not None)
    return RunsPage(page, f"/api/runs?limit={limit}&before={older[limit - 1]}" if len(older) > limit else "")


def pairs_of(run_id: str) -> tuple[PairRow, ...]:
    """Every pair of a run that has ended, or was interrupted; none of one that did not come to plan them."""
    journal = Journal(run_id)
    if written := journal.find(REPORT):
        return from_json(written, RunReport).pairs
    plan = _plan(journal)
    return pair_rows(plan, dict(journal.outcomes(Kind.PAIRS))) if plan else ()


def _summary(run_id: str, instance: Instance) -> RunSummary | None:
    """None for a start that was refused: it has left no run."""
    journal = Journal(run_id)
    if written := journal.find(REPORT):
        report = from_json(written, RunReport)
        return RunSummary(run_id, report.state, report.started_at, report.ended_at, report.counts)
    if (record := journal.find(RUN)) is None:
        return None
    working = instance.alive and run_of(instance) == run_id
    state = RunState.RUNNING if working else RunState.INTERRUPTED
    return RunSummary(run_id, state, from_json(record, RunRecord).started_at)


def _is_cancelled(run_id: str) -> bool:
    """Nothing depends on it: what cannot be read now is told by the next question."""
    try:
        claim = read_claim(factory_lab().account).claim
    except FactoryError:
        return False
    return claim is not None and claim.held_by(run_id) and claim.cancelled


def _counts(journal: Journal, pairs: Iterable[PairStatus]) -> dict[str, int]:
    states = Counter(pair.state.value for pair in pairs)
    captures = sum(1 for _ in journal.outcomes(Kind.CAPTURES))
    return {**{ending.value: states[ending.value] for ending in PAIR_ENDINGS}, "capturesEnded": captures}


def _plan(journal: Journal) -> DistributionPlan | None:
    try:
        return journal.read(DISTRIBUTION_PLAN, DistributionPlan)
    except MissingError:
        return None


def _rounds(journal: Journal) -> list[Tickets]:
    rounds = (journal.find(f"tickets/{Kind.PAIRS}-{number}") for number in (1, 2))
    return [from_json(found, Tickets) for found in rounds if found]


def _pairs(
    journal: Journal, ended: Mapping[str, Outcome], rounds: Iterable[Tickets], working: bool
) -> tuple[PairStatus, ...]:
    plan = _plan(journal)
    if plan is None:
        return ()
    given = {plan.deliveries[issued.index].key for each in rounds for issued in each.lanes.values()}

    def state(pair: Pair, row: PairRow) -> PairState:
        if not working or pair.outcome is not None or pair.key in ended:
            return PairState(row.state)
        return PairState.WORKING if pair.key in given else PairState.QUEUED

    rows = pair_rows(plan, ended)
    return tuple(_pair(row, state(pair, row)) for pair, row in zip(plan.pairs, rows, strict=True))


def _pair(row: PairRow, state: PairState) -> PairStatus:
    if state in (PairState.QUEUED, PairState.WORKING):
        return PairStatus(row.subscription_id, row.lab, row.image_path, row.image, state)
    return PairStatus(
        row.subscription_id,
        row.lab,
        row.image_path,
        row.image,
        state,
        row.code,
        row.message,
        row.next,
        row.bytes,
        row.seconds,
    )


def _transfer(
    journal: Journal, ended: Mapping[str, Outcome], rounds: Iterable[Tickets]
) -> tuple[Transfer | None, datetime | None]:
    plan = _plan(journal)
    if plan is None:
        return None, None
    loads = {delivery.key: delivery.copy_bytes for delivery in plan.deliveries}
    planned = sum(loads.values())
    now = datetime.now(UTC)
    under_way = _under_way(plan, ended, rounds, now)
    done = sum(size for key, size in loads.items() if key in ended) + under_way
    copied = sum(size for key, size in loads.items() if key in ended and ended[key].bytes) + under_way
    since = next((blob.modified for blob in journal.container.list(journal.path(DISTRIBUTION_PLAN))), now)
    seconds = (now - since).total_seconds()
    if copied <= 0 or seconds <= 0:
        return Transfer(done, planned), None
    rate, left = copied / seconds, planned - done
    # How long images take that are made of what is copied is not known.
    eta = now + timedelta(seconds=round(left / rate)) if left else None
    return Transfer(done, planned, round(rate, 1)), eta


def _under_way(plan: DistributionPlan, ended: Mapping[str, Outcome], rounds: Iterable[Tickets], now: datetime) -> int:
    """What the deliveries that lanes have taken last have probably copied."""
    copied: dict[str, int] = {}
    for each in rounds:
        for issued in each.lanes.values():
            delivery = plan.deliveries[issued.index]
            load = Load(delivery.lab.account, delivery.copy_bytes)
            seconds = (now - issued.at).total_seconds() if issued.at else 0
            copied[delivery.key] = written(each.speeds, load, max(seconds, 0))
    return sum(size for key, size in copied.items() if key not in ended)
