"""Tickets: how lanes that pull their work never take the same thing twice (`run-protocol.md`, "Tickets")."""

from dataclasses import dataclass, field, replace
from enum import StrEnum


class Kind(StrEnum):
    """What lanes work on; also the name of the journal's folder with their outcomes."""

    CAPTURES = "captures"
    PAIRS = "pairs"


class Answer(StrEnum):
    WORK = "work"
    NONE_LEFT = "none left"
    STALE = "stale"


@dataclass(frozen=True)
class Issued:
    """A lane's last ticket: its number and the index it stands for."""

    number: int
    index: int


@dataclass(frozen=True)
class Tickets:
    """One round of work: `planned` items, or only those in `order` when some are done already."""

    planned: int
    order: tuple[int, ...] | None = None
    issued: int = 0
    lanes: dict[str, Issued] = field(default_factory=dict[str, Issued])

    @property
    def total(self) -> int:
        return self.planned if self.order is None else len(self.order)

    def index(self, position: int) -> int:
        return position if self.order is None else self.order[position]


def issue(tickets: Tickets, lane: int, number: int) -> tuple[Tickets, Answer, int | None]:
    """Answer a lane's request; tickets are returned unchanged unless a new one was issued.

    A repeat gets the answer it got; a lane that asks below its last number runs twice and is stale. Numbers count from 1.
    """
    last = tickets.lanes.get(str(lane), Issued(0, -1))
    if number == last.number:
        return tickets, Answer.WORK, last.index
    if number < last.number:
        return tickets, Answer.STALE, None
    if number > last.number + 1:
        raise AssertionError(f"lane {lane} asks for ticket {number} after ticket {last.number}")
    if tickets.issued >= tickets.total:
        return tickets, Answer.NONE_LEFT, None
    index = tickets.index(tickets.issued)
    lanes = {**tickets.lanes, str(lane): Issued(number, index)}
    return replace(tickets, issued=tickets.issued + 1, lanes=lanes), Answer.WORK, index
