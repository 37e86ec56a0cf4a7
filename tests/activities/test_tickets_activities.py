"""Tickets in real storage: lanes that pull at once never get the same work, and what is left over is closed once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from activities.planning import CAPTURE_PLAN, DISTRIBUTION_PLAN
from activities.tickets import (
    Opened,
    Round,
    SpeedNote,
    Ticket,
    TicketRequest,
    close_unfinished,
    next_ticket,
    note_speed,
    open_round,
)
from local.azure import Control
from shared.azure.blobs import Container
from shared.domain.capture import Capture, CapturePlan
from shared.domain.distribution import Delivery, DistributionPlan
from shared.domain.golden_vms import OsDisk
from shared.domain.images import GoldenImage, OsType
from shared.domain.labs import Lab, LabId
from shared.domain.outcomes import Ending, Outcome
from shared.domain.runs import Run
from shared.domain.speeds import Speed
from shared.domain.tickets import Answer, Kind, Tickets
from shared.errors import PermanentError, TransientError
from shared.journal import Journal
from shared.wire import from_json
from tests.activities.conftest import configured, lose_claim, started, upload
from tests.activities.interleaving import just_before
from tests.e2e.worlds import SUBSCRIPTION, World, asks, labs_json

pytestmark = pytest.mark.slow

Give = Callable[[World], Control]
BUILT = datetime(2026, 11, 1, tzinfo=UTC)
GIB = 2**30
DELIVERED = Outcome(Ending.DELIVERED)


def deliveries(run: Run, number: int) -> tuple[Delivery, ...]:
    """Into four accounts, no two alike."""

    def delivery(index: int) -> Delivery:
        image = GoldenImage(f"image-{index}", f"p/{index}.json", OsType.LINUX, f"{index}.vhd", BUILT, size_bytes=GIB)
        lab = LabId(SUBSCRIPTION, "rg", f"lab-{index % 4}")
        return Delivery(run.id, Lab(lab, f"st{index % 4}"), image, "sha")

    return tuple(delivery(index) for index in range(number))


def planned(given: Give, number: int) -> Round:
    """A run with so many deliveries planned, its first round not opened yet."""
    control = given(World())
    upload(control, "labs.json", labs_json(asks("lab-1", "p")))
    run = started()
    configured(run)
    Journal(run.id).write(DISTRIBUTION_PLAN, DistributionPlan((), deliveries(run, number)))
    return Round(run, Kind.PAIRS, 1)


def stored(work: Round) -> Tickets:
    found = Journal(work.run.id).find(f"tickets/{work.kind}-{work.number}")
    assert found
    return from_json(found, Tickets)


def asked(work: Round, lane: int, number: int) -> Ticket:
    """As the seam asks: a transient answer is asked for again."""
    while True:
        try:
            return next_ticket(TicketRequest(work, lane, number))
        except TransientError:
            continue


def key_of(ticket: Ticket) -> str:
    assert ticket.delivery
    return ticket.delivery.key


# --- Asking


def test_eight_lanes_that_ask_at_once_get_every_delivery_once(given: Give) -> None:
    work = planned(given, 24)
    assert open_round(work) == Opened(24)

    def pull(lane: int) -> list[str]:
        keys: list[str] = []
        while (ticket := asked(work, lane, len(keys) + 1)).answer is Answer.WORK:
            keys.append(key_of(ticket))
            assert asked(work, lane, len(keys)) == ticket, "a repeat is answered the same"
        assert ticket.answer is Answer.NONE_LEFT
        return keys

    with ThreadPoolExecutor(8) as lanes:
        pulled = [key for keys in lanes.map(pull, range(1, 9)) for key in keys]
    assert Counter(pulled) == Counter(delivery.key for delivery in deliveries(work.run, 24))
    assert stored(work).left == ()


def test_two_runs_of_one_lane_that_ask_at_once_get_the_same_and_use_up_one(given: Give) -> None:
    work = planned(given, 8)
    open_round(work)
    with ThreadPoolExecutor(8) as executions:
        answers = list(executions.map(lambda _: asked(work, 1, 1), range(8)))
    assert len({key_of(answer) for answer in answers}) == 1
    assert len(stored(work).left) == 7


def test_a_ticket_carries_what_its_work_needs(given: Give) -> None:
    work = planned(given, 1)
    open_round(work)
    ticket = next_ticket(TicketRequest(work, 1, 1))
    assert ticket.delivery == deliveries(work.run, 1)[0]
    assert ticket.capture is None
    assert ticket.terms
    assert ticket.terms.lanes == 20


def test_captures_are_given_out_like_deliveries(given: Give) -> None:
    run = planned(given, 0).run
    disk = OsDisk("/disks/d", "unique", BUILT, GIB)
    capture = Capture("vm", "id", "p.json", "image", OsType.LINUX, "", disk, "digest", "x.vhd", BUILT)
    Journal(run.id).write(CAPTURE_PLAN, CapturePlan((capture,)))
    work = Round(run, Kind.CAPTURES, 1)
    assert open_round(work) == Opened(1)
    assert next_ticket(TicketRequest(work, 1, 1)).capture == capture
    assert next_ticket(TicketRequest(work, 2, 1)) == Ticket(Answer.NONE_LEFT)


def test_a_lane_that_asks_below_its_last_number_is_stale(given: Give) -> None:
    work = planned(given, 3)
    open_round(work)
    for number in (1, 2):
        next_ticket(TicketRequest(work, 1, number))
    assert next_ticket(TicketRequest(work, 1, 1)) == Ticket(Answer.STALE)


def test_an_execution_that_is_overtaken_by_its_repeat_answers_what_the_repeat_got(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = planned(given, 3)
    open_round(work)
    repeats: list[Ticket] = []
    just_before(monkeypatch, Container, "replace", lambda: repeats.append(next_ticket(TicketRequest(work, 1, 1))))
    assert [next_ticket(TicketRequest(work, 1, 1))] == repeats
    assert len(stored(work).left) == 2


def test_tickets_that_change_all_the_time_are_asked_for_again_later(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = planned(given, 1)
    open_round(work)
    monkeypatch.setattr(Container, "replace", lambda *_: False)
    with pytest.raises(TransientError) as caught:
        next_ticket(TicketRequest(work, 1, 1))
    assert caught.value.code == "Contended"
    assert len(stored(work).left) == 1


# --- Rounds


def test_a_round_that_is_opened_again_stays_as_it_is(given: Give) -> None:
    work = planned(given, 3)
    open_round(work)
    ticket = next_ticket(TicketRequest(work, 1, 1))
    before = stored(work)
    open_round(work)
    assert stored(work) == before
    assert next_ticket(TicketRequest(work, 1, 1)) == ticket


def test_two_openings_at_once_are_one_round(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one sees another outcome, but the round that is written first is the round."""
    work = planned(given, 3)

    def other() -> None:
        open_round(work)
        Journal(work.run.id).settle(Kind.PAIRS, deliveries(work.run, 1)[0].key, DELIVERED)

    just_before(monkeypatch, Journal, "outcomes", other)
    assert open_round(work) == Opened(3)


def test_the_second_round_gives_out_only_what_has_no_outcome(given: Give) -> None:
    work = planned(given, 4)
    open_round(work)
    journal = Journal(work.run.id)
    for index in (0, 2):
        journal.settle(Kind.PAIRS, deliveries(work.run, 4)[index].key, DELIVERED)
    second = Round(work.run, Kind.PAIRS, 2)
    assert open_round(second) == Opened(2)
    again = {key_of(next_ticket(TicketRequest(second, lane, 1))) for lane in (1, 2)}
    assert again == {deliveries(work.run, 4)[index].key for index in (1, 3)}
    assert next_ticket(TicketRequest(second, 3, 1)).answer is Answer.NONE_LEFT


def test_a_second_round_with_nothing_to_do_has_no_work(given: Give) -> None:
    work = planned(given, 1)
    Journal(work.run.id).settle(Kind.PAIRS, deliveries(work.run, 1)[0].key, DELIVERED)
    assert open_round(Round(work.run, Kind.PAIRS, 2)) == Opened(0)


# --- What is left over


def outcomes(work: Round) -> dict[str, tuple[Ending, str]]:
    found = Journal(work.run.id).outcomes(work.kind)
    return {key: (outcome.state, outcome.code) for key, outcome in found}


def test_what_two_rounds_left_is_failed_and_nothing_else_is_touched(given: Give) -> None:
    work = planned(given, 3)
    first, *rest = (delivery.key for delivery in deliveries(work.run, 3))
    Journal(work.run.id).settle(Kind.PAIRS, first, DELIVERED)
    assert close_unfinished(work) == Opened(2)
    unfinished = (Ending.FAILED, "Unfinished")
    assert outcomes(work) == {first: (Ending.DELIVERED, ""), **dict.fromkeys(rest, unfinished)}
    assert close_unfinished(work) == Opened(0)


def test_work_that_ends_while_the_rest_is_closed_keeps_its_outcome(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outcome is created, never changed: a delivery that settles after the listing was first."""
    work = planned(given, 2)
    late, other = (delivery.key for delivery in deliveries(work.run, 2))
    just_before(monkeypatch, Journal, "settle", lambda: Journal(work.run.id).settle(Kind.PAIRS, late, DELIVERED))
    close_unfinished(work)
    assert outcomes(work) == {late: (Ending.DELIVERED, ""), other: (Ending.FAILED, "Unfinished")}


# --- Speeds


def test_a_speed_is_noted_and_a_note_while_tickets_change_is_not_lost(
    given: Give, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = planned(given, 4)
    open_round(work)
    just_before(monkeypatch, Container, "replace", lambda: next_ticket(TicketRequest(work, 1, 1)))
    assert note_speed(SpeedNote(work, "st9", 30.0, 3 * GIB)).copies == 1
    now = stored(work)
    assert now.speeds["st9"] == Speed(0, 1, 10.0)
    assert len(now.left) == 3, "the ticket that was issued meanwhile stays issued"


def test_notes_that_cannot_be_written_are_dropped(given: Give, monkeypatch: pytest.MonkeyPatch) -> None:
    work = planned(given, 1)
    open_round(work)
    monkeypatch.setattr(Container, "replace", lambda *_: False)
    assert note_speed(SpeedNote(work, "st0", 30.0, GIB)).copies == 0


# --- The fence


def test_a_run_that_lost_the_claim_gives_out_and_closes_nothing(given: Give) -> None:
    work = planned(given, 2)
    open_round(work)
    before = stored(work)
    lose_claim(work.run)
    late: list[Callable[[], object]] = [
        lambda: open_round(Round(work.run, Kind.PAIRS, 2)),
        lambda: next_ticket(TicketRequest(work, 1, 1)),
        lambda: note_speed(SpeedNote(work, "st0", 1.0, GIB)),
        lambda: close_unfinished(work),
    ]
    for step in late:
        with pytest.raises(PermanentError, match="does not hold the claim"):
            step()
    assert stored(work) == before
    assert outcomes(work) == {}
    assert not Journal(work.run.id).has("tickets/pairs-2")
