"""Tickets: how lanes that pull their work never take the same thing twice (`run-protocol.md`, "Tickets")."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from shared.domain.speeds import Load, Speed, begun, next_index


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
    """A lane's last ticket: its number, the index it stands for, and when it was issued."""

    number: int
    index: int
    at: datetime | None = None


@dataclass(frozen=True)
class Tickets:
    """One round of work: what is left to give out, each lane's last ticket, how fast the accounts are."""

    left: tuple[int, ...]
    lanes: dict[str, Issued] = field(default_factory=dict[str, Issued])
    speeds: dict[str, Speed] = field(default_factory=dict[str, Speed])


def issue(
    tickets: Tickets, lane: int, number: int, loads: Sequence[Load], now: datetime | None = None
) -> tuple[Tickets, Answer, int | None]:
    """Answer a lane's request; tickets are returned unchanged unless a new one was issued.

    A repeat gets the answer it got; a lane that asks below its last number runs twice and is stale. Numbers count from 1;
    `loads` are those of all planned work.
    """
    last = tickets.lanes.get(str(lane), Issued(0, -1))
    if number == last.number:
        return tickets, Answer.WORK, last.index
    if number < last.number:
        return tickets, Answer.STALE, None
    if number > last.number + 1:
        raise AssertionError(f"lane {lane} asks for ticket {number} after ticket {last.number}")
    if not tickets.left:
        return tickets, Answer.NONE_LEFT, None
    index = next_index(tickets.left, loads, tickets.speeds)
    issued = replace(
        tickets,
        left=tuple(other for other in tickets.left if other != index),
        lanes={**tickets.lanes, str(lane): Issued(number, index, now)},
        speeds=begun(tickets.speeds, loads[index].account),
    )
    return issued, Answer.WORK, index
