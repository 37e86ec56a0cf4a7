"""Hand out the planned work, one ticket at a time, to the lanes that pull it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.domain.capture import Capture, CapturePlan
from shared.domain.distribution import Delivery, DistributionPlan
from shared.domain.outcomes import Ending, Outcome
from shared.domain.runs import Run, Terms
from shared.domain.speeds import Load, told
from shared.domain.tickets import Answer, Kind, Tickets, issue
from shared.journal import (
    CAPTURE_PLAN,
    CONTENDED,
    DISTRIBUTION_PLAN,
    FrozenConfiguration,
    Journal,
    cancelled,
    contended,
    fence,
)
from shared.wire import from_json, to_json


@dataclass(frozen=True)
class Round:
    """Work of one kind is given out in rounds: the second takes what has no outcome after the first."""

    run: Run
    kind: Kind
    number: int


@dataclass(frozen=True)
class Opened:
    work: int


def open_round(opening: Round) -> Opened:
    """Record the work of a round: what is planned and has no outcome yet. Repeat-safe: an open round stays as it is."""
    fence(opening.run, begins=True)
    journal = Journal(opening.run.id)
    name = _tickets(opening.kind, opening.number)
    ended = {key for key, _ in journal.outcomes(opening.kind)}
    keys = enumerate(_planned_keys(journal, opening.kind))
    journal.write(name, Tickets(tuple(index for index, key in keys if key not in ended)))
    tickets = from_json(journal.container.get(journal.path(name)).data, Tickets)
    return Opened(len(tickets.left) + len(tickets.lanes))


@dataclass(frozen=True)
class TicketRequest:
    """Lane `lane` asks for its ticket `number`, counted from 1 in each round."""

    round: Round
    lane: int
    number: int


@dataclass(frozen=True)
class Ticket:
    """The answer to a lane: the capture or delivery that is its next work, with the terms of the run; or none."""

    answer: Answer
    capture: Capture | None = None
    delivery: Delivery | None = None
    terms: Terms | None = None


def next_ticket(request: TicketRequest) -> Ticket:
    """Answer "lane 7's fourth ticket". Repeat-safe: the same request gets the same answer (see `shared.domain.tickets`).

    Of a run that was cancelled nothing is left to do.
    """
    opening = request.round
    if fence(opening.run).cancelled:
        return Ticket(Answer.NONE_LEFT)
    journal = Journal(opening.run.id)
    path = journal.path(_tickets(opening.kind, opening.number))
    loads = _loads(journal, opening)
    for _ in range(CONTENDED):
        blob = journal.container.get(path)
        tickets = from_json(blob.data, Tickets)
        issued, answer, index = issue(tickets, request.lane, request.number, loads, datetime.now(UTC))
        if issued is tickets or journal.container.replace(path, to_json(issued), blob.etag):
            return _ticket(journal, opening.kind, answer, index)
    raise contended("The tickets")


@dataclass(frozen=True)
class SpeedNote:
    """A copy into `account` has written `done_bytes` in `seconds`."""

    round: Round
    account: str
    seconds: float
    done_bytes: int


@dataclass(frozen=True)
class Noted:
    copies: int


def note_speed(note: SpeedNote) -> Noted:
    """Remember how fast an account is: the next tickets go by it. A repeat counts twice, which changes no mean by much.

    Nothing depends on it: where the tickets change too often to be written, the note is dropped.
    """
    fence(note.round.run)
    journal = Journal(note.round.run.id)
    path = journal.path(_tickets(note.round.kind, note.round.number))
    for _ in range(CONTENDED):
        blob = journal.container.get(path)
        tickets = from_json(blob.data, Tickets)
        speeds = told(tickets.speeds, note.account, note.seconds, note.done_bytes)
        if journal.container.replace(path, to_json(replace(tickets, speeds=speeds)), blob.etag):
            return Noted(speeds[note.account].told)
    return Noted(0)


def close_unfinished(closing: Round) -> Opened:
    """Record an outcome for planned work that has none when its kind is over, so that each is reported once.

    It is `skipped`/`Cancelled` in a run that was cancelled, else `failed`/`Unfinished`: two rounds have left it.
    """
    claim = fence(closing.run)
    journal = Journal(closing.run.id)
    ended = {key for key, _ in journal.outcomes(closing.kind)}
    is_planned = journal.has(CAPTURE_PLAN if closing.kind is Kind.CAPTURES else DISTRIBUTION_PLAN)
    planned = _planned_keys(journal, closing.kind) if is_planned else []
    unfinished = [key for key in planned if key not in ended]
    outcome = Outcome.failed(cancelled()) if claim.cancelled else TWICE_ENDED
    for key in unfinished:
        journal.settle(closing.kind, key, outcome)
    return Opened(len(unfinished))


TWICE_ENDED = Outcome(Ending.FAILED, "Unfinished", "Its work was ended twice before it was done.", "Start another run.")


def _ticket(journal: Journal, kind: Kind, answer: Answer, index: int | None) -> Ticket:
    if index is None:
        return Ticket(answer)
    terms = journal.read("configuration.json", FrozenConfiguration).terms
    if kind is Kind.CAPTURES:
        return Ticket(answer, capture=journal.read(CAPTURE_PLAN, CapturePlan).captures[index], terms=terms)
    return Ticket(answer, delivery=journal.read(DISTRIBUTION_PLAN, DistributionPlan).deliveries[index], terms=terms)


def _loads(journal: Journal, work: Round) -> list[Load]:
    """What each planned work writes, and where; a delivery without a copy writes nothing."""
    if work.kind is Kind.CAPTURES:
        captures = journal.read(CAPTURE_PLAN, CapturePlan).captures
        return [Load(work.run.account, capture.disk.size_bytes or 0) for capture in captures]
    deliveries = journal.read(DISTRIBUTION_PLAN, DistributionPlan).deliveries
    return [Load(delivery.lab.account, delivery.copy_bytes) for delivery in deliveries]


def _planned_keys(journal: Journal, kind: Kind) -> list[str]:
    if kind is Kind.CAPTURES:
        return [capture.key for capture in journal.read(CAPTURE_PLAN, CapturePlan).captures]
    return [delivery.key for delivery in journal.read(DISTRIBUTION_PLAN, DistributionPlan).deliveries]


def _tickets(kind: Kind, number: int) -> str:
    return f"tickets/{kind}-{number}"
