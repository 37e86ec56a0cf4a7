"""Hand out the planned work, one ticket at a time, to the lanes that pull it."""

from dataclasses import dataclass

from activities.planning import CAPTURE_PLAN, DISTRIBUTION_PLAN
from shared.domain.capture import Capture, CapturePlan
from shared.domain.distribution import Delivery, DistributionPlan
from shared.domain.outcomes import Ending, Outcome
from shared.domain.runs import Run, Terms
from shared.domain.tickets import Answer, Kind, Tickets, issue
from shared.journal import CONTENDED, FrozenConfiguration, Journal, contended, fence
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
    fence(opening.run)
    journal = Journal(opening.run.id)
    name = _tickets(opening.kind, opening.number)
    if not (stored := journal.find(name)):
        keys = _planned_keys(journal, opening.kind)
        ended = {key for key, _ in journal.outcomes(opening.kind)}
        left = tuple(index for index, key in enumerate(keys) if key not in ended)
        journal.write(name, Tickets(len(keys), None if len(left) == len(keys) else left))
        stored = journal.find(name) or b""
    return Opened(from_json(stored, Tickets).total)


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
    """Answer "lane 7's fourth ticket". Repeat-safe: the same request gets the same answer (see `shared.domain.tickets`)."""
    opening = request.round
    fence(opening.run)
    journal = Journal(opening.run.id)
    path = journal.path(_tickets(opening.kind, opening.number))
    for _ in range(CONTENDED):
        blob = journal.container.get(path)
        tickets = from_json(blob.data, Tickets)
        issued, answer, index = issue(tickets, request.lane, request.number)
        if issued is tickets or journal.container.replace(path, to_json(issued), blob.etag):
            return _ticket(journal, opening.kind, answer, index)
    raise contended("The tickets")


def close_unfinished(closing: Round) -> Opened:
    """Record `failed`/`Unfinished` for planned work that two rounds left without an outcome, so that each is reported once."""
    fence(closing.run)
    journal = Journal(closing.run.id)
    ended = {key for key, _ in journal.outcomes(closing.kind)}
    unfinished = [key for key in _planned_keys(journal, closing.kind) if key not in ended]
    for key in unfinished:
        journal.settle(
            closing.kind,
            key,
            Outcome(Ending.FAILED, "Unfinished", "Its work was ended twice before it was done.", "Start another run."),
        )
    return Opened(len(unfinished))


def _ticket(journal: Journal, kind: Kind, answer: Answer, index: int | None) -> Ticket:
    if index is None:
        return Ticket(answer)
    terms = journal.read("configuration.json", FrozenConfiguration).terms
    if kind is Kind.CAPTURES:
        return Ticket(answer, capture=journal.read(CAPTURE_PLAN, CapturePlan).captures[index], terms=terms)
    return Ticket(answer, delivery=journal.read(DISTRIBUTION_PLAN, DistributionPlan).deliveries[index], terms=terms)


def _planned_keys(journal: Journal, kind: Kind) -> list[str]:
    if kind is Kind.CAPTURES:
        return [capture.key for capture in journal.read(CAPTURE_PLAN, CapturePlan).captures]
    return [delivery.key for delivery in journal.read(DISTRIBUTION_PLAN, DistributionPlan).deliveries]


def _tickets(kind: Kind, number: int) -> str:
    return f"tickets/{kind}-{number}"
