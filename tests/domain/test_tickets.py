"""Lanes that pull, however often and in whatever order their requests come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.speeds import Load
from shared.domain.tickets import Answer, Issued, Tickets
from shared.domain.tickets import issue as issue_by_load


def opened(total: int) -> Tickets:
    return Tickets(tuple(range(total)))


def issue(tickets: Tickets, lane: int, number: int) -> tuple[Tickets, Answer, int | None]:
    """With loads by which the order of the plan is the order of the tickets."""
    return issue_by_load(tickets, lane, number, [Load("account", 100 - index) for index in range(20)])


def test_the_next_number_gets_the_next_index() -> None:
    tickets, *first = issue(opened(2), lane=1, number=1)
    tickets, *second = issue(tickets, lane=2, number=1)
    assert (first, second) == ([Answer.WORK, 0], [Answer.WORK, 1])
    assert (tickets.left, tickets.lanes) == ((), {"1": Issued(1, 0), "2": Issued(1, 1)})


def test_a_repeat_gets_the_answer_it_got_and_writes_nothing() -> None:
    tickets, _, index = issue(opened(3), lane=1, number=1)
    again, answer, same = issue(tickets, lane=1, number=1)
    assert again is tickets
    assert (answer, same) == (Answer.WORK, index)


def test_a_lane_that_asks_below_its_last_number_is_stale() -> None:
    tickets, *_ = issue(opened(3), lane=1, number=1)
    tickets, *_ = issue(tickets, lane=1, number=2)
    assert issue(tickets, lane=1, number=1) == (tickets, Answer.STALE, None)


def test_a_lane_that_skips_a_number_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="lane 1 asks for ticket 2 after ticket 0"):
        issue(opened(3), lane=1, number=2)


def test_when_all_is_issued_there_is_none_left_for_a_next_number_but_repeats_are_still_answered() -> None:
    tickets, *_ = issue(opened(1), lane=1, number=1)
    assert issue(tickets, lane=1, number=2) == (tickets, Answer.NONE_LEFT, None)
    assert issue(tickets, lane=2, number=1) == (tickets, Answer.NONE_LEFT, None)
    assert issue(tickets, lane=1, number=1) == (tickets, Answer.WORK, 0)


def test_no_work_leaves_nothing_to_issue() -> None:
    assert issue(opened(0), lane=1, number=1)[1] is Answer.NONE_LEFT


def test_a_round_gives_out_only_what_is_left() -> None:
    tickets = Tickets((2, 7))
    issued: list[int | None] = []
    for number in (1, 2):
        tickets, _, index = issue(tickets, lane=1, number=number)
        issued.append(index)
    assert issued == [2, 7]
    assert issue(tickets, lane=1, number=3)[1] is Answer.NONE_LEFT


@given(
    total=st.integers(0, 12),
    requests=st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.integers(0, 3)), max_size=80),
)
def test_any_interleaving_with_repeats_gives_each_index_to_one_lane_only(
    total: int, requests: list[tuple[int, bool, int]]
) -> None:
    """A lane asks for its next ticket, or (a repeated activity, an old life of the lane) for one it asked for before."""
    tickets, asked = opened(total), dict.fromkeys(range(1, 5), 0)
    given_to: dict[int, tuple[int, int]] = {}
    for lane, repeats, back in requests:
        number = max(1, asked[lane] - back) if repeats else asked[lane] + 1
        tickets, answer, index = issue(tickets, lane, number)
        if answer is Answer.WORK:
            assert index is not None
            assert given_to.setdefault(index, (lane, number)) == (lane, number)
            asked[lane] = max(asked[lane], number)
        assert total - len(tickets.left) == len(given_to)
    assert sorted(given_to) == list(range(len(given_to)))
    assert len(given_to) <= total


@given(total=st.integers(0, 20), lanes=st.lists(st.integers(1, 5), max_size=60))
def test_lanes_that_pull_until_nothing_is_left_have_everything(total: int, lanes: list[int]) -> None:
    tickets, asked, issued = opened(total), dict.fromkeys(range(1, 6), 0), 0
    for lane in [*lanes, *[1] * (total + 1)]:
        tickets, answer, _ = issue(tickets, lane, asked[lane] + 1)
        if answer is Answer.WORK:
            asked[lane] += 1
            issued += 1
    assert issued == total
