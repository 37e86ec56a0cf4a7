"""Lanes: a fixed number of children that each pull their next work whenever they are free."""

from dataclasses import dataclass, replace

from activities.capture import CaptureWork
from activities.delivery import DeliveryWork
from activities.tickets import Round, Ticket, TicketRequest, close_unfinished, next_ticket, open_round
from orchestrators.capture import capture
from orchestrators.delivery import deliver
from shared.domain.runs import Run, child_id, short_hash
from shared.domain.tickets import Answer, Kind
from shared.durable import Orchestration, Steps, call, call_child, continue_as_new, fan_out_children
from shared.errors import PermanentError

ROUNDS = 2
TICKETS_BEFORE_NEW = 5
"""A lane continues as new after so many works: replay costs grow with the square of the history."""


@dataclass(frozen=True)
class Lane:
    round: Round
    number: int
    next_ticket: int = 1


def work_in_lanes(context: Orchestration, run: Run, kind: Kind, lanes: int) -> Steps[None]:
    """Do all planned work of a kind. What a round leaves without an outcome goes through a second one, then it is `Unfinished`."""
    for number in range(1, ROUNDS + 1):
        work = Round(run, kind, number)
        opened = yield from call(context, open_round, work)
        if not opened.work:
            return
        children = [
            (Lane(work, lane), child_id(run.id, "lane", short_hash(f"{kind}-{lane}"), number))
            for lane in range(1, min(lanes, opened.work) + 1)
        ]
        yield from fan_out_children(context, lane_of_work, children)
    yield from call(context, close_unfinished, Round(run, kind, ROUNDS))


@dataclass(frozen=True)
class LaneEnd:
    """`reason` says why the lane stopped pulling: nothing left, or it is stale."""

    reason: str


def lane_of_work(context: Orchestration, lane: Lane) -> Steps[LaneEnd]:
    """Take the next ticket and do its work, until there is none left. What a lane that fails leaves, the others do."""
    for number in range(lane.next_ticket, lane.next_ticket + TICKETS_BEFORE_NEW):
        ticket = yield from call(context, next_ticket, TicketRequest(lane.round, lane.number, number))
        if ticket.answer is not Answer.WORK:
            return LaneEnd(ticket.answer)
        yield from _work(context, lane.round, ticket)
    continue_as_new(context, replace(lane, next_ticket=lane.next_ticket + TICKETS_BEFORE_NEW))
    return LaneEnd("continues")


def _work(context: Orchestration, work: Round, ticket: Ticket) -> Steps[None]:
    """One child per capture or delivery. How it ends stands in the journal; a child that was ended there is the next round's."""
    try:
        if ticket.capture and ticket.terms:
            of_capture = CaptureWork(work.run, ticket.capture, ticket.terms)
            name = child_id(work.run.id, "capture", ticket.capture.key, work.number)
            yield from call_child(context, capture, of_capture, name)
        if ticket.delivery and ticket.terms:
            of_delivery = DeliveryWork(work.run, ticket.delivery, ticket.terms, work.number)
            name = child_id(work.run.id, "deliver", ticket.delivery.key, work.number)
            yield from call_child(context, deliver, of_delivery, name)
    except PermanentError:
        return
